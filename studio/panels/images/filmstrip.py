"""The filmstrip below the canvas: thumbnails in a row, the filter, and where in the list one is."""

from __future__ import annotations

from dataclasses import replace

from PySide6.QtCore import QItemSelectionModel, QModelIndex, Qt
from PySide6.QtGui import QWheelEvent
from PySide6.QtWidgets import QComboBox, QFrame, QHBoxLayout, QListView, QVBoxLayout, QWidget

from studio.model.records import ImageFilter
from studio.model.workspace import Workspace
from studio.panels.images.image_list_model import ImageListModel
from studio.panels.images.thumbnail_delegate import FRAME_HEIGHT, FRAME_WIDTH, ThumbnailDelegate
from studio.panels.images.thumbnail_loader import ThumbnailLoader
from studio.theme import tokens
from studio.widgets.search_field import SearchField
from studio.widgets.text_label import TextLabel

# What the status box offers: words, and the filter they stand for.
_STATUS_CHOICES: tuple[tuple[str, ImageFilter], ...] = (
    ("All images", ImageFilter()),
    ("Unlabelled", ImageFilter(statuses=frozenset({"unlabelled"}))),
    ("Labelled", ImageFilter(statuses=frozenset({"labelled"}))),
    ("Background", ImageFilter(statuses=frozenset({"background"}))),
    ("With suggestions", ImageFilter(suggested=True)),
    ("Damaged", ImageFilter(statuses=frozenset({"damaged"}))),
)


class Filmstrip(QWidget):
    """Thumbnails of the images that the filter lets through; a click goes there.

    Args:
        workspace: Image list, filter and current image.
        thumbnails: Where the pictures come from.
    """

    def __init__(
        self, workspace: Workspace, thumbnails: ThumbnailLoader, parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self._workspace = workspace
        self._echo = False  # True while the list only shows what the workspace said
        self.model = ImageListModel(workspace, thumbnails, self)
        self.view = _Strip()
        self.view.setModel(self.model)
        self.view.setItemDelegate(ThumbnailDelegate(self.view))
        self.view.selectionModel().currentChanged.connect(self._on_current_changed)
        self.status_box = QComboBox()
        self.status_box.setAccessibleName("Show images by status")
        for text, _ in _STATUS_CHOICES:
            self.status_box.addItem(text)
        self.status_box.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToContents)
        self.status_box.currentIndexChanged.connect(self._on_filter_chosen)
        self.class_box = QComboBox()
        self.class_box.setAccessibleName("Show images with a class")
        self.class_box.currentIndexChanged.connect(self._on_filter_chosen)
        self.search = SearchField("Find by name")
        self.search.search_changed.connect(self._on_filter_chosen)
        self._place = TextLabel("", "secondary")
        self._counts = TextLabel("", "secondary")
        self._lay_out()
        workspace.image_changed.connect(self._on_image_changed)
        workspace.list_changed.connect(self._on_list_changed)
        workspace.project.classes_changed.connect(self._fill_classes)
        for signal in (workspace.project.shapes_changed, workspace.project.image_changed):
            signal.connect(self._on_status_changed)
        self._fill_classes()
        self._on_list_changed()

    def _lay_out(self) -> None:
        bar = QHBoxLayout()
        bar.setContentsMargins(tokens.SPACE_S, tokens.SPACE_XS, tokens.SPACE_S, 0)
        bar.setSpacing(tokens.SPACE_S)
        self.search.setMaximumWidth(220)
        for widget in (self.status_box, self.class_box, self.search):
            bar.addWidget(widget)
        bar.addStretch()
        bar.addWidget(self._counts)
        bar.addSpacing(tokens.SPACE_M)
        bar.addWidget(self._place)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        layout.addLayout(bar)
        layout.addWidget(self.view)

    def _fill_classes(self) -> None:
        chosen = self.class_box.currentData()
        self.class_box.blockSignals(True)
        self.class_box.clear()
        self.class_box.addItem("Any class", None)
        for cls in self._workspace.project.classes():
            self.class_box.addItem(cls.name, cls.id)
        self.class_box.setCurrentIndex(max(0, self.class_box.findData(chosen)))
        self.class_box.blockSignals(False)

    def _on_filter_chosen(self) -> None:
        _, wanted = _STATUS_CHOICES[self.status_box.currentIndex()]
        self._workspace.set_filter(
            replace(wanted, class_id=self.class_box.currentData(), text=self.search.text().strip())
        )

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
            self.view.scrollTo(index, QListView.ScrollHint.EnsureVisible)
        self._echo = False
        total = len(self._workspace.image_ids)
        here = f"{row + 1:,}" if row is not None else "–"
        self._place.setText(f"{here} / {total:,}" if total else "no image fits the filter")

    def _on_list_changed(self) -> None:
        self._on_image_changed(self._workspace.image_id)
        self._show_counts()

    def _on_status_changed(self, _image_id: int) -> None:
        self._show_counts()

    def _show_counts(self) -> None:
        counts = self._workspace.project.status_counts()
        done = counts.get("labelled", 0) + counts.get("background", 0)
        self._counts.setText(f"{done:,} labelled · {counts.get('unlabelled', 0):,} to do")


class _Strip(QListView):
    """One row; the wheel scrolls it sideways."""

    def __init__(self) -> None:
        super().__init__()
        self.setFlow(QListView.Flow.LeftToRight)
        self.setWrapping(False)
        self.setUniformItemSizes(True)
        self.setHorizontalScrollMode(QListView.ScrollMode.ScrollPerPixel)
        self.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOn)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setFixedHeight(FRAME_HEIGHT + 8 + 16)
        self.setMouseTracking(True)
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)  # a click leaves the keys with the canvas
        self.setAccessibleName("Images")

    def wheelEvent(self, event: QWheelEvent) -> None:
        """Scroll sideways."""
        delta = event.angleDelta().y() or event.angleDelta().x()
        bar = self.horizontalScrollBar()
        bar.setValue(bar.value() - round(delta / 120 * (FRAME_WIDTH + 8)))
        event.accept()

    def keyboardSearch(self, search: str) -> None:
        """Typing letters means shortcuts here, not a search in the list."""
