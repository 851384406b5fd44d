"""What an import would bring, before it does: counts, classes matched to the project's, and what is wrong."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QAbstractItemModel, QModelIndex, QPersistentModelIndex, Qt, Signal
from PySide6.QtWidgets import (
    QAbstractItemView,
    QComboBox,
    QDialog,
    QHeaderView,
    QListWidget,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QTableWidget,
    QTableWidgetItem,
    QVBoxLayout,
    QWidget,
)

from engine.data.problems import Problem
from studio.language import nmark, ntr, tr, tr_engine
from studio.storage.dataset_import import Present
from studio.storage.import_preview import ImportPreview, SetRow
from studio.theme import tokens
from studio.widgets.button_row import button_row
from studio.widgets.icon_button import TextButton
from studio.widgets.path_text import path_text
from studio.widgets.text_label import TextLabel

_WIDTH, _HEIGHT = 640, 560
_SHOWN = 200  # problems in the list; more nobody reads
_SETS_SHOWN = 12
_NEW, _LEFT_OUT = tr("New class"), tr("Leave out")
_NAME, _COUNT, _BECOMES = range(3)
_KINDS = {
    "box": nmark("{count:,} box", "{count:,} boxes"),
    "oriented_box": nmark("{count:,} rotated box", "{count:,} rotated boxes"),
    "polygon": nmark("{count:,} polygon", "{count:,} polygons"),
    "polyline": nmark("{count:,} line", "{count:,} lines"),
    "mask": nmark("{count:,} mask", "{count:,} masks"),
    "keypoints": nmark("{count:,} set of points", "{count:,} sets of points"),
    "tag": nmark("{count:,} class of a whole image", "{count:,} classes of whole images"),
}
# What becomes of the labels that images have: the words, the choice, what more there is to say.
_PRESENT: tuple[tuple[str, Present, str], ...] = (
    (tr("Keep their labels"), "keep", tr("What the file says of these images is left out.")),
    (tr("Replace their labels"), "replace", tr("What these images have is taken away.")),
    (
        tr("Add to what is there"),
        "add",
        tr("Shapes of the same class and place as one that is there are not doubled."),
    ),
)
_INDEX = QModelIndex | QPersistentModelIndex


class ImportPreviewDialog(QDialog):
    """Says what would come in and asks what its classes become.

    Signals:
        chosen(object, str): Import: a dict of names in the project by names of the dataset (None:
            leave out), and what becomes of the labels that images have.

    Args:
        preview: What was found out.
        parent: The window.
    """

    chosen = Signal(object, str)

    def __init__(self, preview: ImportPreview, parent: QWidget) -> None:
        super().__init__(parent)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setWindowTitle(tr("Import"))
        self.resize(_WIDTH, _HEIGHT)
        self._preview = preview
        self.title = TextLabel(_title(preview), "title", wrap=True)
        self.facts = TextLabel(_facts(preview), wrap=True)
        self.table = self._class_table()
        self.present = _present_box(preview)
        self.problems = QListWidget()
        self.problems.setAccessibleName(tr("Problems"))
        self.problems.setWordWrap(True)
        self.problems.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.problems.addItems(_lines(preview))
        self.import_button = TextButton(_button_text(preview), "primary", "import")
        self.import_button.setToolTip(tr("Copy classes, image paths and labels into the project"))
        self.import_button.clicked.connect(self._on_import)
        self.import_button.setEnabled(preview.images > 0)
        self.import_button.setDefault(True)
        self.cancel_button = TextButton(tr("Cancel"))
        self.cancel_button.clicked.connect(self.reject)
        self._lay_out()

    def choices(self) -> dict[str, str | None]:
        """Return what each class of the dataset becomes, None where it is left out."""
        found: dict[str, str | None] = {}
        for row, cls in enumerate(self._preview.classes):
            item, becomes = self.table.item(row, _NAME), self.table.item(row, _BECOMES)
            if item is None or becomes is None:
                continue
            text = becomes.text()
            left_out = item.checkState() is not Qt.CheckState.Checked or text == _LEFT_OUT
            found[cls.name] = None if left_out else cls.name if text == _NEW else text
        return found

    def _on_import(self) -> None:
        self.chosen.emit(self.choices(), self.present.currentData())
        self.accept()

    def _class_table(self) -> QTableWidget:
        rows = self._preview.classes
        table = QTableWidget(len(rows), 3)
        table.setAccessibleName(tr("Classes"))
        table.setHorizontalHeaderLabels([tr("Class in the file"), tr("Shapes"), tr("Becomes")])
        table.verticalHeader().hide()
        table.setShowGrid(False)
        table.setSelectionMode(QAbstractItemView.SelectionMode.NoSelection)
        table.setEditTriggers(QAbstractItemView.EditTrigger.AllEditTriggers)
        header = table.horizontalHeader()
        header.setDefaultAlignment(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)
        header.setSectionResizeMode(_NAME, QHeaderView.ResizeMode.Stretch)
        header.setSectionResizeMode(_BECOMES, QHeaderView.ResizeMode.Stretch)
        for row, cls in enumerate(rows):
            name = QTableWidgetItem(cls.name)
            name.setFlags(Qt.ItemFlag.ItemIsEnabled | Qt.ItemFlag.ItemIsUserCheckable)
            name.setCheckState(Qt.CheckState.Checked)
            name.setToolTip(tr("Unticked classes are left out"))
            count = QTableWidgetItem(f"{cls.count:,}")
            count.setFlags(Qt.ItemFlag.ItemIsEnabled)
            count.setTextAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
            becomes = QTableWidgetItem(cls.match or _NEW)
            becomes.setToolTip(tr("Click to choose a class of the project"))
            for column, item in enumerate((name, count, becomes)):
                table.setItem(row, column, item)
        names = [_NEW, *self._preview.project_classes, _LEFT_OUT]
        table.setItemDelegateForColumn(_BECOMES, _ClassDelegate(names, table))
        return table

    def _lay_out(self) -> None:
        layout = QVBoxLayout(self)
        layout.setContentsMargins(tokens.SPACE_L, tokens.SPACE_L, tokens.SPACE_L, tokens.SPACE_L)
        layout.setSpacing(tokens.SPACE_M)
        layout.addWidget(self.title)
        layout.addWidget(self.facts)
        if self._preview.classes:
            layout.addWidget(self.table, 3)
        if said := _present_text(self._preview):
            self.present.setAccessibleName(said)
            layout.addWidget(TextLabel(said, wrap=True))
            layout.addWidget(self.present)
        if count := len(self._preview.skipped) + len(self._preview.notes):
            layout.addWidget(TextLabel(_problems_title(self._preview), "section"))
            self.problems.setMinimumHeight(4 * tokens.CONTROL_HEIGHT)
            layout.addWidget(self.problems, 2 if count > 1 else 1)
        layout.addLayout(button_row(self.cancel_button, self.import_button))


class _ClassDelegate(QStyledItemDelegate):
    """A list to choose a class from, where a cell is clicked."""

    def __init__(self, names: Sequence[str], parent: QWidget) -> None:
        super().__init__(parent)
        self._names = list(names)

    def createEditor(
        self, parent: QWidget, option: QStyleOptionViewItem, index: _INDEX
    ) -> QComboBox:
        """Return the list, which closes with the choice."""
        box = QComboBox(parent)
        box.setAccessibleName(tr("Becomes"))
        box.addItems(self._names)
        box.activated.connect(lambda _: self.commitData.emit(box))
        return box

    def setEditorData(self, editor: QWidget, index: _INDEX) -> None:
        """Show the present choice."""
        if isinstance(editor, QComboBox):
            editor.setCurrentText(str(index.data()))

    def setModelData(self, editor: QWidget, model: QAbstractItemModel, index: _INDEX) -> None:
        """Keep the choice."""
        if isinstance(editor, QComboBox):
            model.setData(index, editor.currentText())


def _title(preview: ImportPreview) -> str:
    if len(preview.sets) == 1:
        return f"{preview.sets[0].title}: {preview.sets[0].path.name}"
    return tr("{count} data sets in {name}").format(
        count=len(preview.sets), name=preview.sources.name
    )


def _facts(preview: ImportPreview) -> str:
    """Return the counts as sentences."""
    images = _images(preview.images)
    if preview.known:
        images = tr("{images}, {known:,} of them in the project already").format(
            images=images, known=preview.known
        )
    kinds = [_kind(kind, count) for kind, count in preview.kinds.items()]
    lines = [f"{images}.", f"{', '.join(kinds)}." if kinds else tr("No labels.")]
    if preview.background:
        lines.append(
            ntr(
                "{count:,} image shows nothing.",
                "{count:,} images show nothing.",
                preview.background,
            ).format(count=preview.background)
        )
    if preview.unlabelled:
        lines.append(
            ntr(
                "{count:,} image waits for labels.",
                "{count:,} images wait for labels.",
                preview.unlabelled,
            ).format(count=preview.unlabelled)
        )
    if len(preview.sets) > 1:
        lines += map(_set_line, preview.sets[:_SETS_SHOWN])
        if more := len(preview.sets[_SETS_SHOWN:]):
            lines.append(tr("and {more:,} more").format(more=more))
    return "\n".join(lines)


def _kind(kind: str, count: int) -> str:
    one, many = _KINDS.get(kind, ("{count:,} " + kind,) * 2)
    return ntr(one, many, count).format(count=count)


def _images(count: int) -> str:
    return ntr("{count:,} image", "{count:,} images", count).format(count=count)


def _set_line(row: SetRow) -> str:
    """Return what one of several datasets brings."""
    shapes = ntr("{count:,} shape", "{count:,} shapes", row.shapes).format(count=row.shapes)
    return f"{row.title}: {path_text(row.path)} ({_images(row.images)}, {shapes})"


def _present_box(preview: ImportPreview) -> QComboBox:
    """Return the choice of what becomes of labels; what only the files themselves share is added."""
    box = QComboBox()
    for row, (words, choice, told) in enumerate(_PRESENT):
        box.addItem(words, choice)
        box.setItemData(row, told, Qt.ItemDataRole.ToolTipRole)
    several = len(preview.sources.paths) > 1 and preview.shared and not preview.occupied
    box.setCurrentIndex(box.findData("add" if several else "keep"))
    box.setToolTip(tr("What becomes of labels that these images have. It can be undone."))
    return box


def _present_text(preview: ImportPreview) -> str:
    """Return which images have labels already; empty where none has."""
    said = []
    if count := preview.occupied:
        said.append(
            ntr(
                "{count:,} image has labels in the project.",
                "{count:,} images have labels in the project.",
                count,
            ).format(count=count)
        )
    if count := preview.doubled or 0:
        said.append(
            ntr(
                "{count:,} shape is there already.",
                "{count:,} shapes are there already.",
                count,
            ).format(count=count)
        )
    if count := preview.shared:
        said.append(
            ntr(
                "{count:,} image has labels in several of these data sets.",
                "{count:,} images have labels in several of these data sets.",
                count,
            ).format(count=count)
        )
    return " ".join(said)


def _button_text(preview: ImportPreview) -> str:
    return tr("Import {images}").format(images=_images(preview.images))


def _problems_title(preview: ImportPreview) -> str:
    parts = []
    if preview.skipped:
        count = len(preview.skipped)
        parts.append(
            ntr("{count:,} problem left out", "{count:,} problems left out", count).format(
                count=count
            )
        )
    if preview.notes:
        count = len(preview.notes)
        parts.append(ntr("{count:,} remark", "{count:,} remarks", count).format(count=count))
    return ", ".join(parts)


def _lines(preview: ImportPreview) -> list[str]:
    problems: list[Problem] = [*preview.skipped, *preview.notes]
    lines = [tr_engine(str(problem)) for problem in problems[:_SHOWN]]
    more = len(problems) - len(lines)
    return [*lines, tr("and {more:,} more").format(more=more)] if more else lines
