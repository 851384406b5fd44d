"""The bar that follows the selected shapes through the next images: how far, by what, outlined again or not."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QCheckBox, QComboBox, QFrame, QHBoxLayout, QWidget

from studio.language import ntr, tr
from studio.model.records import Shape
from studio.model.workspace import Workspace
from studio.theme import tokens
from studio.widgets.flow_layout import FlowLayout
from studio.widgets.icon_button import TextButton
from studio.widgets.spin_box import SpinBox
from studio.widgets.text_label import TextLabel

MOTION, SAM2 = "motion", "sam2"
_FIRST, _MOST = 20, 9999


class TrackBar(QFrame):
    """Shows itself while it is in use; Enter starts, Escape leaves.

    Signals:
        started(object, int, str, bool): The shapes, through how many images, by what (:data:`MOTION`, :data:`SAM2`
            or the path of a model), and whether to outline them again.

    Args:
        workspace: The open project and the place in it.
        models: Returns the models that can find objects, as name and path.
    """

    started = Signal(object, int, str, bool)

    def __init__(
        self,
        workspace: Workspace,
        models: Callable[[], Sequence[tuple[str, Path]]],
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self._workspace, self._models = workspace, models
        self._shapes: tuple[Shape, ...] = ()
        self.setProperty("role", "strip")
        self.words = TextLabel("")
        self.count = SpinBox()
        self.count.setRange(1, _MOST)
        self.count.setValue(_FIRST)
        self.count.setAccessibleName(tr("Number of images"))
        self.count.setToolTip(tr("Through how many of the next images of the folder"))
        self.method = QComboBox()
        self.method.setAccessibleName(tr("Follow by"))
        self.method.setToolTip(
            tr("What finds the shapes again: how the picture moves needs no model")
        )
        self.outline = QCheckBox(tr("Outline again"))
        self.outline.setToolTip(
            tr(
                "Let the segmenter of the smart tool outline each polygon and mask where it was found"
            )
        )
        self.start_button = TextButton(tr("Follow"), "primary")
        self.start_button.setToolTip(tr("Suggest the shapes on the next images  (Enter)"))
        self.cancel_button = TextButton(tr("Cancel"))
        self.cancel_button.setToolTip(tr("Follow nothing  (Esc)"))
        line = FlowLayout(self, tokens.SPACE_M)  # two rows in a narrow window: no word may be cut
        line.setContentsMargins(tokens.SPACE_M, tokens.SPACE_XS, tokens.SPACE_M, tokens.SPACE_XS)
        for group in (
            (self.words, self.count),
            (TextLabel(tr("by")), self.method, self.outline),
            (self.start_button, self.cancel_button),
        ):
            line.addWidget(_together(*group))
        self.start_button.clicked.connect(self.finish)
        self.cancel_button.clicked.connect(self.leave)
        self.method.currentIndexChanged.connect(self._on_method)
        workspace.selection_changed.connect(lambda _ids: self.leave())
        workspace.image_changed.connect(lambda _id: self.leave())
        self.hide()

    def start(self) -> None:
        """Begin with the selected shapes; without one say that none is there."""
        chosen = self._workspace.selected_shapes()
        self._shapes = tuple(shape for shape in chosen if shape.geometry.kind != "tag")
        self.start_button.setEnabled(bool(self._shapes))
        self.words.setText(
            ntr(
                "Follow the shape through the next images:",
                "Follow {count} shapes through the next images:",
                len(self._shapes),
            ).format(count=len(self._shapes))
            if self._shapes
            else tr("Select the shapes to follow first")
        )
        self._offer_methods()
        self.show()
        self.count.setFocus()
        self.count.selectAll()

    def finish(self) -> None:
        """Follow the shapes."""
        shapes, count = self._shapes, self.count.value()
        method, outline = str(self.method.currentData()), self._outlines()
        self.leave()
        if shapes:
            self.started.emit(shapes, count, method, outline)

    def leave(self) -> None:
        """Hide."""
        self.hide()
        self._shapes = ()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Enter starts, Escape leaves."""
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self.finish()
        elif event.key() == Qt.Key.Key_Escape:
            self.leave()
        else:
            super().keyPressEvent(event)

    def _offer_methods(self) -> None:
        before = self.method.currentData()
        self.method.clear()
        self.method.addItem(tr("how the picture moves"), MOTION)
        for name, path in self._models():
            self.method.addItem(tr("what {name} finds").format(name=name), str(path))
        self.method.addItem(tr("SAM 2"), SAM2)
        self.method.setCurrentIndex(max(self.method.findData(before), 0))
        self._on_method()

    def _on_method(self) -> None:
        self.outline.setEnabled(self.method.currentData() != SAM2)

    def _outlines(self) -> bool:
        return self.outline.isChecked() and self.outline.isEnabled()


def _together(*widgets: QWidget) -> QWidget:
    """Return widgets that stay side by side."""
    group = QWidget()
    line = QHBoxLayout(group)
    line.setContentsMargins(0, 0, 0, 0)
    line.setSpacing(tokens.SPACE_M)
    for widget in widgets:
        line.addWidget(widget)
    return group
