"""The filmstrip below the canvas: thumbnails in a row, the filter, and where in the list one is."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QItemSelectionModel, QModelIndex, QPoint, QSize, Qt
from PySide6.QtGui import QShowEvent, QWheelEvent
from PySide6.QtWidgets import QFrame, QHBoxLayout, QVBoxLayout, QWidget

from studio.language import tr
from studio.model.edits import Edit
from studio.model.workspace import Workspace
from studio.panels.images.filter_bar import FilterBar
from studio.panels.images.image_list_model import ImageListModel
from studio.panels.images.image_menu import build_image_menu
from studio.panels.images.thumbnail_delegate import FRAME_HEIGHT, FRAME_WIDTH, ThumbnailDelegate
from studio.panels.images.thumbnail_loader import ThumbnailLoader
from studio.theme import tokens
from studio.widgets.elided_label import ElidedLabel
from studio.widgets.frame_view import FrameView
from studio.widgets.late_call import LateCall
from studio.widgets.text_label import TextLabel

_RECOUNT_MS = 100  # many edits in a moment are counted once


class Filmstrip(QWidget):
    """Thumbnails of the images that the filter lets through; a click goes there.

    Args:
        workspace: Image list, filter and current image.
        thumbnails: Where the pictures come from.
        apply: Applies an edit of the menu and tells the person where it cannot be.
    """

    def __init__(
        self,
        workspace: Workspace,
        thumbnails: ThumbnailLoader,
        apply: Callable[[Edit], object] | None = None,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self._workspace = workspace
        self._apply = apply or workspace.project.apply
        self._echo = False  # True while the list only shows what the workspace said
        self.model = ImageListModel(workspace, thumbnails, self)
        self.view = _Strip()
        self.view.setModel(self.model)
        self.view.setItemDelegate(ThumbnailDelegate(self.view))
        self.view.selectionModel().currentChanged.connect(self._on_current_changed)
        self.view.customContextMenuRequested.connect(self._on_menu)
        self.filter = FilterBar(workspace)
        self._place = TextLabel("", "secondary")
        self._counts = ElidedLabel("", "secondary")
        self._lay_out()
        self._recount = LateCall(self, self._show_counts, _RECOUNT_MS)
        workspace.image_changed.connect(self._on_image_changed)
        workspace.list_changed.connect(self._on_list_changed)
        for signal in (workspace.project.shapes_changed, workspace.project.image_changed):
            signal.connect(self._recount.ask)
        self._on_list_changed()

    def _lay_out(self) -> None:
        bar = QHBoxLayout()
        bar.setContentsMargins(tokens.SPACE_S, tokens.SPACE_XS, tokens.SPACE_S, 0)
        bar.setSpacing(tokens.SPACE_S)
        bar.addWidget(self.filter, 1)
        bar.addWidget(self._counts)
        bar.addSpacing(tokens.SPACE_M)
        bar.addWidget(self._place)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        layout.addLayout(bar)
        layout.addWidget(self.view)

    def _on_menu(self, place: QPoint) -> None:
        """Offer what can be done with the image under the cursor."""
        index = self.view.indexAt(place)
        if index.isValid():
            image_id = self._workspace.image_ids[index.row()]
            menu = build_image_menu(self, self._workspace.project, (image_id,), self._apply)
            menu.popup(self.view.viewport().mapToGlobal(place))

    def _on_current_changed(self, index: QModelIndex, _before: QModelIndex) -> None:
        if index.isValid() and not self._echo:
            self._workspace.go_to(self._workspace.image_ids[index.row()])

    def _on_image_changed(self, _image_id: int | None) -> None:
        row = self._workspace.position
        self._echo = True
        if row is None:
            self.view.selectionModel().clear()
        else:
            index = self.model.index(row, 0)
            flag = QItemSelectionModel.SelectionFlag.ClearAndSelect
            self.view.selectionModel().setCurrentIndex(index, flag)
            self.view.scrollTo(index, FrameView.ScrollHint.EnsureVisible)
        self._echo = False
        total = len(self._workspace.image_ids)
        here = f"{row + 1:,}" if row is not None else "–"
        self._place.setText(f"{here} / {total:,}" if total else tr("no image fits the filter"))

    def _on_list_changed(self) -> None:
        self._on_image_changed(self._workspace.image_id)
        self._show_counts()

    def showEvent(self, event: QShowEvent) -> None:
        """Count what changed while nobody looked."""
        super().showEvent(event)
        self._recount.ask()

    def _show_counts(self) -> None:
        counts = self._workspace.project.status_counts()
        done = counts.get("labelled", 0) + counts.get("background", 0)
        self._counts.setText(
            tr("{done:,} labelled · {open:,} to do").format(
                done=done, open=counts.get("unlabelled", 0)
            )
        )


class _Strip(FrameView):
    """One row; the wheel scrolls it sideways."""

    def __init__(self) -> None:
        super().__init__(QSize(FRAME_WIDTH + 8, FRAME_HEIGHT + 8), one_row=True)
        self.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOn)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setFixedHeight(FRAME_HEIGHT + 8 + 16)
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)  # a click leaves the keys with the canvas
        self.setAccessibleName(tr("Images"))
        self.setContextMenuPolicy(Qt.ContextMenuPolicy.CustomContextMenu)

    def wheelEvent(self, event: QWheelEvent) -> None:
        """Scroll sideways."""
        delta = event.angleDelta().y() or event.angleDelta().x()
        bar = self.horizontalScrollBar()
        bar.setValue(bar.value() - round(delta / 120 * (FRAME_WIDTH + 8)))
        event.accept()
