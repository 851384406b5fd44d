"""What an import would bring, before it does: counts, classes matched to the project's, and what is wrong."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QAbstractItemModel, QModelIndex, QPersistentModelIndex, Qt, Signal
from PySide6.QtWidgets import (
    QAbstractItemView,
    QCheckBox,
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
from studio.language import nmark, ntr, tr
from studio.storage.import_preview import ImportPreview
from studio.theme import tokens
from studio.widgets.button_row import button_row
from studio.widgets.icon_button import TextButton
from studio.widgets.path_text import path_text
from studio.widgets.text_label import TextLabel

_WIDTH, _HEIGHT = 640, 560
_SHOWN = 200  # problems in the list; more nobody reads
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
_INDEX = QModelIndex | QPersistentModelIndex


class ImportPreviewDialog(QDialog):
    """Says what would come in and asks what its classes become.

    Signals:
        chosen(object, bool): Import: a dict of names in the project by names of the dataset (None:
            leave out), and whether labels of the file take the place of the project's.

    Args:
        preview: What was found out.
        parent: The window.
    """

    chosen = Signal(object, bool)

    def __init__(self, preview: ImportPreview, parent: QWidget) -> None:
        super().__init__(parent)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setWindowTitle(tr("Import"))
        self.resize(_WIDTH, _HEIGHT)
        self._preview = preview
        self.title = TextLabel(_title(preview), "title", wrap=True)
        self.facts = TextLabel(_facts(preview), wrap=True)
        self.table = self._class_table()
        self.replace = QCheckBox(_replace_text(preview.occupied))
        self.replace.setToolTip(
            tr(
                "Without this, images keep the labels that they have in the project. It can be undone."
            )
        )
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
        replace = self.replace.isChecked() and bool(self._preview.occupied)
        self.chosen.emit(self.choices(), replace)
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
        if self._preview.occupied:
            layout.addWidget(self.replace)
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
    if len(preview.formats) == 1:
        title, path = preview.formats[0]
        return f"{title}: {path.name}"
    return tr("{count} data sets in {name}").format(
        count=len(preview.formats), name=preview.sources.path.name
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
    if len(preview.formats) > 1:
        lines += [f"{title}: {path_text(path)}" for title, path in preview.formats]
    return "\n".join(lines)


def _kind(kind: str, count: int) -> str:
    one, many = _KINDS.get(kind, ("{count:,} " + kind,) * 2)
    return ntr(one, many, count).format(count=count)


def _images(count: int) -> str:
    return ntr("{count:,} image", "{count:,} images", count).format(count=count)


def _replace_text(occupied: int) -> str:
    return tr("Replace the labels of {images} that have some").format(images=_images(occupied))


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
    lines = [str(problem) for problem in problems[:_SHOWN]]
    more = len(problems) - len(lines)
    return [*lines, tr("and {more:,} more").format(more=more)] if more else lines
