"""The first screen: what to do, and the projects opened lately."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QDragEnterEvent, QDropEvent
from PySide6.QtWidgets import QFrame, QVBoxLayout, QWidget

from studio.language import tr
from studio.theme import tokens
from studio.widgets.empty_state import EmptyState, Step
from studio.widgets.icon_button import TextButton
from studio.widgets.path_text import path_text
from studio.widgets.text_label import TextLabel

_SHOWN = 5
_WIDTH, _HEIGHT = 640, 300
_KEYS = tr(
    "P polygon   ·   R rectangle   ·   1 to 9 class   ·   D next image   ·   Ctrl+K every command"
)


class StartPanel(QWidget):
    """Open a folder, drop images here, or try the sample.

    Signals:
        dropped(paths): Files or folders were dropped.
        project_chosen(folder): One of the projects opened lately.

    Args:
        open_folder: Asks for a folder of images.
        open_dataset: Asks for a data.yaml.
        open_sample: Makes and opens the sample project.
    """

    dropped = Signal(list)
    project_chosen = Signal(Path)

    def __init__(
        self,
        open_folder: Callable[[], object],
        open_dataset: Callable[[], object],
        open_sample: Callable[[], object],
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self.setAcceptDrops(True)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)  # nothing is pressed by a stray Space
        self.empty = EmptyState(
            tr("Label, train and look, in one window"),
            tr(
                "Open a folder of images or drop one here. Every shape you draw is saved at once, and your images "
                "are never changed."
            ),
            (
                Step(tr("Open folder of images"), open_folder, "primary", "folder_open"),
                Step(tr("Open data set"), open_dataset, "normal", "dataset"),
                Step(tr("Try the sample"), open_sample, "normal", "images"),
            ),
            "annotate",
        )
        self._recent = QVBoxLayout()
        self._recent.setSpacing(0)
        self._recent_frame = QFrame()
        self._recent_frame.setProperty("role", "card")
        self._recent_frame.setFixedWidth(_WIDTH)
        self._recent_frame.setLayout(self._recent)
        self._recent.setContentsMargins(
            tokens.SPACE_M, tokens.SPACE_S, tokens.SPACE_M, tokens.SPACE_S
        )
        place = QFrame()
        place.setProperty("role", "drop")
        place.setFixedSize(_WIDTH, _HEIGHT)
        inside = QVBoxLayout(place)
        inside.addWidget(self.empty)
        inside.addWidget(TextLabel(_KEYS, "caption"), 0, Qt.AlignmentFlag.AlignHCenter)
        center = Qt.AlignmentFlag.AlignHCenter
        layout = QVBoxLayout(self)
        layout.setSpacing(tokens.SPACE_XL)
        layout.addStretch(2)
        layout.addWidget(place, 0, center)
        layout.addWidget(self._recent_frame, 0, center)
        layout.addStretch(3)

    def set_recent(self, folders: Sequence[Path]) -> None:
        """Show the projects opened lately."""
        while (item := self._recent.takeAt(0)) is not None:
            if (old := item.widget()) is not None:
                old.deleteLater()
        self._recent_frame.setVisible(bool(folders))
        if not folders:
            return
        self._recent.addWidget(TextLabel(tr("Recent projects"), "section"))
        for folder in folders[:_SHOWN]:
            name = folder.parent.name if folder.name == "maskwright" else folder.name
            button = TextButton(f"{name}    {path_text(folder, 48)}", "quiet", "folder")
            button.setToolTip(str(folder))
            button.setObjectName("recent")
            button.clicked.connect(lambda _=False, chosen=folder: self.project_chosen.emit(chosen))
            self._recent.addWidget(button, 0, Qt.AlignmentFlag.AlignLeft)

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        """Take files and folders."""
        if event.mimeData().hasUrls():
            event.acceptProposedAction()

    def dropEvent(self, event: QDropEvent) -> None:
        """Open what was dropped."""
        paths = [Path(url.toLocalFile()) for url in event.mimeData().urls() if url.isLocalFile()]
        if paths:
            event.acceptProposedAction()
            self.dropped.emit(paths)
