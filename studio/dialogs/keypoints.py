"""What the keypoints of a class are: names, pairs of left and right, bones. It may stay open while one goes on annotating."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import Qt
from PySide6.QtWidgets import (
    QAbstractItemView,
    QComboBox,
    QDialog,
    QHBoxLayout,
    QHeaderView,
    QTableWidget,
    QTableWidgetItem,
    QVBoxLayout,
    QWidget,
)

from studio.language import tr
from studio.model.keypoint_scheme import KeypointScheme
from studio.model.skeleton_draft import COCO_PERSON, SkeletonDraft, draft_of
from studio.theme import tokens
from studio.tools.keypoint_template import default_template
from studio.widgets.button_row import button_row
from studio.widgets.icon_button import TextButton
from studio.widgets.skeleton_sketch import SkeletonSketch
from studio.widgets.text_label import TextLabel

_NAME, _PAIR = 0, 1
_ALONE = "–"
_INTRO = tr(
    "Each object of this class has these points, in this order. A pair changes places where an image is mirrored: "
    "without pairs images are not mirrored in training."
)


class KeypointsDialog(QDialog):
    """A table of points beside a sketch of them.

    Args:
        class_name: Whose keypoints.
        scheme: What is known of them.
        accept: Called with what the person has described, None for no keypoints.
        parent: The window.
    """

    def __init__(
        self,
        class_name: str,
        scheme: KeypointScheme | None,
        accept: Callable[[KeypointScheme | None], object],
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setWindowTitle(tr("Keypoints of {class_name}").format(class_name=class_name))
        self.resize(720, 560)
        self.draft = draft_of(scheme)
        self._accept = accept
        self.table = self._build_table()
        self.sketch = SkeletonSketch()
        self.sketch.bone_clicked.connect(lambda a, b: self._set(self.draft.with_bone_turned(a, b)))
        self.add_button = TextButton(tr("Add point"), "normal", "add")
        self.remove_button = TextButton(tr("Remove point"), "quiet", "remove")
        self.person_button = TextButton(tr("A person, as COCO has it"), "quiet", "keypoints")
        self.save_button = TextButton(tr("Use these keypoints"), "primary")
        self.add_button.clicked.connect(self._on_add)
        self.remove_button.clicked.connect(self._on_remove)
        self.person_button.clicked.connect(lambda: self._set(draft_of(COCO_PERSON)))
        self.save_button.clicked.connect(self._on_save)
        self._lay_out()
        self._show()

    def _build_table(self) -> QTableWidget:
        table = QTableWidget(0, 2)
        table.setHorizontalHeaderLabels([tr("Name"), tr("Pair of")])
        table.setAccessibleName(tr("Keypoints"))
        table.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        table.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        table.horizontalHeader().setSectionResizeMode(_NAME, QHeaderView.ResizeMode.Stretch)
        table.horizontalHeader().resizeSection(_PAIR, 150)
        table.verticalHeader().setDefaultSectionSize(tokens.CONTROL_HEIGHT + tokens.SPACE_XS)
        table.itemChanged.connect(self._on_named)
        return table

    def _lay_out(self) -> None:
        column = QVBoxLayout(self)
        column.setContentsMargins(*[tokens.SPACE_L] * 4)
        column.setSpacing(tokens.SPACE_M)
        column.addWidget(TextLabel(_INTRO, "secondary", wrap=True))
        middle = QHBoxLayout()
        middle.setSpacing(tokens.SPACE_L)
        middle.addWidget(self.table, 3)
        right = QVBoxLayout()
        right.addWidget(self.sketch, 1)
        right.addWidget(
            TextLabel(tr("Click two points to join them by a bone."), "caption", wrap=True)
        )
        middle.addLayout(right, 2)
        column.addLayout(middle, 1)
        others = self.add_button, self.remove_button, self.person_button
        for button in (*others, self.save_button):
            button.setAutoDefault(False)  # Enter ends typing a name, no more
        column.addLayout(button_row(self.save_button, before=others))

    def _set(self, draft: SkeletonDraft) -> None:
        if draft != self.draft:
            self.draft = draft
            self._show()

    def _show(self) -> None:
        """Show the draft."""
        names, chosen = self.draft.names, self.table.currentRow()
        self.table.blockSignals(True)
        self.table.setRowCount(len(names))
        for place, name in enumerate(names):
            self.table.setItem(place, _NAME, QTableWidgetItem(name))
            self.table.setCellWidget(place, _PAIR, self._pair_box(place))
        self.table.blockSignals(False)
        if names:
            self.table.selectRow(min(max(chosen, 0), len(names) - 1))
        self.remove_button.setEnabled(bool(names))
        layout = default_template(len(names)) if names else ()
        self.sketch.show_skeleton(layout, sorted(self.draft.bones))

    def _pair_box(self, place: int) -> QComboBox:
        box = QComboBox()
        box.setAccessibleName(tr("Pair of point {place}").format(place=place + 1))
        for other, name in enumerate(self.draft.names):
            words = f"{other + 1} {name}".strip()
            box.addItem(_ALONE if other == place else words, other)
        box.setCurrentIndex(self.draft.mirrored[place])
        box.activated.connect(lambda other: self._set(self.draft.with_pair(place, other)))
        return box

    def _on_named(self, item: QTableWidgetItem) -> None:
        if item.column() == _NAME:
            self._set(self.draft.with_name(item.row(), item.text()))

    def _on_add(self) -> None:
        self._set(self.draft.with_point())
        last = len(self.draft.names) - 1
        self.table.selectRow(last)
        item = self.table.item(last, _NAME)
        if item is not None:
            self.table.editItem(item)

    def _on_remove(self) -> None:
        if self.table.currentRow() >= 0:
            self._set(self.draft.without_point(self.table.currentRow()))

    def _on_save(self) -> None:
        self._accept(self.draft.scheme())
        self.close()
