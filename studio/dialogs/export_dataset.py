"""What to write as a data set: the format, which images and classes, and whether images are copied."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import (
    QCheckBox,
    QComboBox,
    QDialog,
    QFileDialog,
    QHBoxLayout,
    QLineEdit,
    QListWidget,
    QListWidgetItem,
    QVBoxLayout,
    QWidget,
)

from engine.data.formats import FORMATS
from studio.language import ntr, tr
from studio.model.records import SPLITS, ClassDef
from studio.storage.emptied import Emptied
from studio.theme import tokens
from studio.widgets.button_row import button_row
from studio.widgets.class_icons import class_icon
from studio.widgets.form_row import FormRow
from studio.widgets.icon_button import TextButton
from studio.widgets.text_label import TextLabel

_WIDTH = 560
_LABEL_WIDTH = 104
_CLASS_ROWS = 5
_TASKS = (
    (tr("What keeps most"), ""),
    (tr("Boxes"), "detect"),
    (tr("Outlines"), "segment"),
    (tr("Rotated boxes"), "obb"),
    (tr("Keypoints"), "pose"),
)
_IMAGES = (
    (tr("All images"), "all"),
    (tr("Images of the list as it is filtered"), "listed"),
    (tr("Images with labels"), "labelled"),
)
_PICTURES = (
    (tr("Copy them"), "copy"),
    (tr("Link to them"), "link"),
    (tr("Leave them where they are"), "none"),
)
_EMPTIED = (
    (tr("Leave out"), "leave_out"),
    (tr("Write as background"), "background"),
)
_SPLIT_WORDS = {"train": tr("Training"), "val": tr("Validation"), "test": tr("Test")}


@dataclass(frozen=True)
class ExportChoice:
    """What was chosen.

    Attributes:
        folder: Where to.
        format: Name of the format.
        which: ``all``, ``listed`` or ``labelled`` images.
        splits: Only images of these; empty: of any.
        class_ids: Only shapes of these classes; None: all.
        options: For the format's writer.
        emptied: What becomes of images that show only other classes.
    """

    folder: Path
    format: str
    which: str
    splits: tuple[str, ...]
    class_ids: tuple[int, ...] | None
    options: dict[str, Any] = field(default_factory=dict)
    emptied: Emptied = "leave_out"


class ExportDatasetDialog(QDialog):
    """A form over the export's options.

    Signals:
        chosen(ExportChoice): Write it.

    Args:
        classes: The project's classes.
        listed: Number of images in the filtered list.
        total: Number of images.
        folder: Where exports of this project go unless the person says otherwise.
        parent: The window.
        emptied: Returns how many of the images that are chosen show only classes that are not.
    """

    chosen = Signal(object)

    def __init__(
        self,
        classes: Sequence[ClassDef],
        listed: int,
        total: int,
        folder: Path,
        parent: QWidget,
        emptied: Callable[[ExportChoice], int] = lambda _choice: 0,
    ) -> None:
        super().__init__(parent)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setWindowTitle(tr("Export data set"))
        self.setMinimumWidth(_WIDTH)
        self._classes = list(classes)
        self._exports, self._count_emptied = folder, emptied
        self.format = _combo([(tr(entry.title), entry.name) for entry in FORMATS])
        self.task = _combo(_TASKS)
        self.images = _combo(_IMAGES)
        self.images.setItemText(0, tr("All images ({total:,})").format(total=total))
        self.images.setItemText(1, f"{_IMAGES[1][0]} ({listed:,})")
        self.emptied = _combo(_EMPTIED)
        self.pictures = _combo(_PICTURES)
        self.splits = {split: QCheckBox(_SPLIT_WORDS[split]) for split in SPLITS}
        self.classes = QListWidget()
        self.folder = QLineEdit()
        self.browse_button = TextButton(tr("Browse"), "normal", "folder_open")
        self.browse_button.clicked.connect(self._on_browse)
        self.export_button = TextButton(tr("Export"), "primary", "export")
        self.export_button.setToolTip(
            tr("Write the data set; what the format cannot hold is said after")
        )
        self.export_button.setDefault(True)
        self.export_button.clicked.connect(self._on_export)
        self.cancel_button = TextButton(tr("Cancel"))
        self.cancel_button.clicked.connect(self.reject)
        self._format_row = _row(tr("Format"), self.format, " ")
        self._task_row = _row(tr("Write shapes as"), self.task)
        self._emptied_row = _row(tr("Other images"), self.emptied, " ")
        self._fill_classes()
        self._lay_out()
        self.format.currentIndexChanged.connect(self._on_format)
        self.folder.textChanged.connect(self._offer)
        self.classes.itemChanged.connect(self._offer)
        self.classes.itemChanged.connect(self._tell_emptied)
        self.images.currentIndexChanged.connect(self._tell_emptied)
        for box in self.splits.values():
            box.toggled.connect(self._tell_emptied)
        self._on_format()
        self._tell_emptied()

    def choice(self) -> ExportChoice:
        """Return what is chosen now."""
        options: dict[str, Any] = {"images": self.pictures.currentData()}
        if self.format.currentData() == "yolo" and self.task.currentData():
            options["task"] = self.task.currentData()
        ticked = self._ticked()
        every = len(ticked) == len(self._classes)
        return ExportChoice(
            Path(self.folder.text().strip()).expanduser(),
            self.format.currentData(),
            self.images.currentData(),
            tuple(split for split, box in self.splits.items() if box.isChecked()),
            None if every else tuple(ticked),
            options,
            self.emptied.currentData(),
        )

    def format_help(self) -> str:
        """Return what is said of the chosen format."""
        return self._format_row.help_text()

    def _on_format(self, _index: int = 0) -> None:
        entry = FORMATS[self.format.currentIndex()]
        self._format_row.set_help(tr("Holds {holds}.").format(holds=tr(entry.holds)))
        self._task_row.setVisible(entry.name == "yolo")
        self.folder.setText(str(_free_folder(self._exports, entry.name)))
        self._offer()

    def _offer(self, *_: object) -> None:
        is_named = bool(self.folder.text().strip())
        self.export_button.setEnabled(is_named and (bool(self._ticked()) or not self._classes))

    def _tell_emptied(self, *_: object) -> None:
        """Ask what becomes of images that show only classes that are left out, where there are any."""
        count = self._count_emptied(self.choice())
        self._emptied_row.setVisible(count > 0)
        said = ntr(
            "{count:,} image shows only classes that are left out.",
            "{count:,} images show only classes that are left out.",
            count,
        )
        self._emptied_row.set_help(said.format(count=count))

    def emptied_help(self) -> str:
        """Return what is said of images that show only classes that are left out; empty where there are none."""
        return "" if self._emptied_row.isHidden() else self._emptied_row.help_text()

    def _on_browse(self) -> None:
        start = str(self._exports if self._exports.is_dir() else self._exports.parent)
        chosen = QFileDialog.getExistingDirectory(self, tr("Export into an empty folder"), start)
        if chosen:
            self.folder.setText(chosen)

    def _on_export(self) -> None:
        self.chosen.emit(self.choice())
        self.accept()

    def _ticked(self) -> list[int]:
        rows = range(self.classes.count())
        checked = Qt.CheckState.Checked
        return [
            self._classes[row].id for row in rows if self.classes.item(row).checkState() is checked
        ]

    def _fill_classes(self) -> None:
        self.classes.setToolTip(tr("Shapes of unticked classes are left out"))
        for cls in self._classes:
            item = QListWidgetItem(class_icon(cls.color), cls.name)
            item.setFlags(Qt.ItemFlag.ItemIsEnabled | Qt.ItemFlag.ItemIsUserCheckable)
            item.setCheckState(Qt.CheckState.Checked)
            self.classes.addItem(item)
        rows = min(max(len(self._classes), 1), _CLASS_ROWS)
        self.classes.setFixedHeight(rows * tokens.CONTROL_HEIGHT + tokens.SPACE_S)

    def _lay_out(self) -> None:
        splits = QWidget()
        line = QHBoxLayout(splits)
        line.setContentsMargins(0, 0, 0, 0)
        line.setSpacing(tokens.SPACE_L)
        for box in self.splits.values():
            line.addWidget(box)
        line.addStretch(1)
        place = QWidget()
        line = QHBoxLayout(place)
        line.setContentsMargins(0, 0, 0, 0)
        line.setSpacing(tokens.SPACE_S)
        line.addWidget(self.folder, 1)
        line.addWidget(self.browse_button)
        self.folder.setAccessibleName(tr("Folder"))
        layout = QVBoxLayout(self)
        layout.setContentsMargins(tokens.SPACE_L, tokens.SPACE_L, tokens.SPACE_L, tokens.SPACE_L)
        layout.setSpacing(tokens.SPACE_S)
        layout.addWidget(self._format_row)
        layout.addWidget(self._task_row)
        every = tr("None ticked: images of every split, and those without one.")
        for row in (
            _row(tr("Images"), self.images),
            _row(tr("Splits"), splits, every),
            _row(tr("Classes"), self.classes),
            self._emptied_row,
            _row(tr("Image files"), self.pictures),
            _row(tr("Folder"), place),
        ):
            layout.addWidget(row)
        layout.addSpacing(tokens.SPACE_S)
        said = TextLabel(tr("The project itself stays as it is."), "secondary")
        layout.addLayout(button_row(self.cancel_button, self.export_button, before=(said,)))


def _row(label: str, control: QWidget, text: str = "") -> FormRow:
    return FormRow(label, control, text, label_width=_LABEL_WIDTH)


def _combo(entries: Sequence[tuple[str, str]]) -> QComboBox:
    box = QComboBox()
    for text, value in entries:
        box.addItem(text, value)
    return box


def _free_folder(exports: Path, name: str) -> Path:
    """Return a folder for an export that does not exist yet."""
    folder, number = exports / name, 1
    while folder.exists():
        number += 1
        folder = exports / f"{name}-{number}"
    return folder
