"""What goes into a project that is saved as one file."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QShowEvent
from PySide6.QtWidgets import QCheckBox, QDialog, QVBoxLayout, QWidget

from studio.language import ntr, tr
from studio.model.count_words import training_count
from studio.model.errors import StorageError
from studio.storage.archive_write import ArchiveParts, archive_parts
from studio.theme import tokens
from studio.widgets.background import Background
from studio.widgets.button_row import button_row
from studio.widgets.icon_button import TextButton
from studio.widgets.text_label import TextLabel

_WIDTH = 460
_EXPLAINED = tr(
    "One file with all labels and their history, to keep or to hand on. "
    "Dataset versions and backups are not in it."
)


class SaveProjectDialog(QDialog):
    """Two choices, with what each of them weighs.

    Signals:
        chosen(bool, bool): Go on, with images or not, with trainings or not.

    Args:
        name: The project's name.
        folder: The project folder.
        parent: The window.
    """

    chosen = Signal(bool, bool)

    def __init__(self, name: str, folder: Path, parent: QWidget) -> None:
        super().__init__(parent)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setWindowTitle(tr("Save {name} as one file").format(name=name))
        self.setMinimumWidth(_WIDTH)
        self.images = QCheckBox(tr("Include the images"))
        self.images.setChecked(True)
        self.runs = QCheckBox(tr("Include trained models"))
        self.runs.setChecked(True)
        self.images_fact = TextLabel(tr("Counting"), "secondary")
        self.runs_fact = TextLabel(tr("Counting"), "secondary")
        self.save_button = TextButton(tr("Choose file"), "primary", "save")
        self.save_button.setToolTip(tr("Choose the name and the place of the file, then write it"))
        self.save_button.clicked.connect(self._on_save)
        self.cancel_button = TextButton(tr("Cancel"))
        self.cancel_button.clicked.connect(self.reject)
        self._lay_out()
        self._background = Background()
        self._background.done.connect(self._on_parts)
        self.finished.connect(lambda _result: self._background.clear())
        self._background.start("parts", _counter(folder))

    def showEvent(self, event: QShowEvent) -> None:
        """Be as high as the words need at this width, which the style and the screen have decided by now."""
        super().showEvent(event)
        height = self.heightForWidth(self.width())
        self.resize(self.width(), max(height, self.height()))

    def _lay_out(self) -> None:
        layout = QVBoxLayout(self)
        layout.setContentsMargins(tokens.SPACE_L, tokens.SPACE_L, tokens.SPACE_L, tokens.SPACE_L)
        layout.setSpacing(tokens.SPACE_S)
        layout.addWidget(TextLabel(_EXPLAINED, "secondary", wrap=True))
        for box, fact in ((self.images, self.images_fact), (self.runs, self.runs_fact)):
            fact.setContentsMargins(tokens.SPACE_XL, 0, 0, 0)
            layout.addSpacing(tokens.SPACE_S)
            layout.addWidget(box)
            layout.addWidget(fact)
        layout.addSpacing(tokens.SPACE_M)
        layout.addLayout(button_row(self.cancel_button, self.save_button))

    def _on_parts(self, _key: object, found: ArchiveParts | StorageError) -> None:
        if isinstance(found, StorageError):
            self.images_fact.setText(found.message)
            self.runs_fact.clear()
            return
        missing = (
            ntr(", {count:,} is missing", ", {count:,} are missing", found.missing).format(
                count=found.missing
            )
            if found.missing
            else ""
        )
        self.images_fact.setText(
            ntr(
                "{count:,} file, {size:,.1f} MB{missing}",
                "{count:,} files, {size:,.1f} MB{missing}",
                found.images,
            ).format(count=found.images, size=found.image_bytes / 1000000.0, missing=missing)
        )
        self.runs_fact.setText(
            tr("{trainings}, {size:,.1f} MB").format(
                trainings=training_count(found.runs), size=found.run_bytes / 1000000.0
            )
        )

    def _on_save(self) -> None:
        self.chosen.emit(self.images.isChecked(), self.runs.isChecked())
        self.accept()


def _counter(folder: Path) -> Callable[[], ArchiveParts | StorageError]:
    def count() -> ArchiveParts | StorageError:
        try:
            return archive_parts(folder)
        except StorageError as error:
            return error

    return count
