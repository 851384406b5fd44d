"""The pictures that a run has drawn, as a list beside the one that is looked at."""

from __future__ import annotations

import re
from pathlib import Path

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QHBoxLayout, QListWidget, QListWidgetItem, QWidget

from studio.language import tr
from studio.panels.train.pictures import Picture
from studio.theme import tokens

_SUFFIXES = frozenset({".png", ".jpg", ".jpeg"})
_LIST_WIDTH = 256
_FILE = Qt.ItemDataRole.UserRole
# The field's file names in words; what is not here shows its own name.
_TITLES: tuple[tuple[str, str], ...] = (
    (r"results", tr("Curves")),
    (r"labels", tr("Labels")),
    (r"confusion_matrix", tr("Confusion")),
    (r"confusion_matrix_normalized", tr("Confusion, shares")),
    (r"iou_bar_chart", tr("Overlap of each class")),
    (r"(Box|Mask|Pose)PR_curve", tr("Precision over recall, {0}")),
    (r"(Box|Mask|Pose)F1_curve", tr("F1 over confidence, {0}")),
    (r"(Box|Mask|Pose)P_curve", tr("Precision over confidence, {0}")),
    (r"(Box|Mask|Pose)R_curve", tr("Recall over confidence, {0}")),
    (r"train_batch(\d+)", tr("What it learnt from, {0}")),
    (r"val_batch(\d+)_labels", tr("Labels, {0}")),
    (r"val_batch(\d+)_pred", tr("Predictions, {0}")),
)
_KINDS = {"Box": tr("boxes"), "Mask": tr("masks"), "Pose": tr("keypoints")}


class PlotGallery(QWidget):
    """Shows the plots of a run; they appear as they are drawn."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._folder: Path | None = None
        self.list = QListWidget()
        self.list.setFixedWidth(_LIST_WIDTH)
        self.list.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.list.setAccessibleName(tr("Plots of this run"))
        self.list.currentItemChanged.connect(lambda *_: self._show_current())
        self.picture = Picture(tr("Plot"))
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(tokens.SPACE_M)
        layout.addWidget(self.list)
        layout.addWidget(self.picture, 1)

    def show_folder(self, folder: Path) -> None:
        """Show the plots that lie in a folder now; the chosen one stays chosen."""
        files = list_plots(folder)
        shown = [self.list.item(row).data(_FILE) for row in range(self.list.count())]
        if files != shown:
            chosen = self.current()
            self.list.clear()
            for file in files:
                self._add(file)
            names = [file.name for file in files]
            row = names.index(chosen.name) if chosen is not None and chosen.name in names else 0
            self.list.setCurrentRow(row if files else -1)
        self._folder = folder
        self._show_current()

    def current(self) -> Path | None:
        """Return the plot that is looked at."""
        item = self.list.currentItem()
        return None if item is None else item.data(_FILE)

    def _add(self, file: Path) -> None:
        item = QListWidgetItem(title_of_plot(file))
        item.setData(_FILE, file)
        item.setToolTip(file.name)
        self.list.addItem(item)

    def _show_current(self) -> None:
        if (file := self.current()) is not None:
            self.picture.show_file(file)


def list_plots(folder: Path) -> list[Path]:
    """Return the pictures of a run directory: summaries before batches, each kind by name."""
    try:
        found = [path for path in folder.iterdir() if path.suffix.lower() in _SUFFIXES]
    except OSError:
        return []
    return sorted(found, key=lambda path: (_rank(path), path.name))


def title_of_plot(file: Path) -> str:
    """Return what a plot shows, in words."""
    for pattern, title in _TITLES:
        if found := re.fullmatch(pattern, file.stem):
            words = [_KINDS.get(group, group) for group in found.groups()]
            return title.format(*words)
    return file.name


def _rank(file: Path) -> int:
    for rank, (pattern, _title) in enumerate(_TITLES):
        if re.fullmatch(pattern, file.stem):
            return rank
    return len(_TITLES)
