"""All images as thumbnails or as a table: filter, sort, choose many, and change them together."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QItemSelectionModel, QPoint, QSize, Qt, Signal
from PySide6.QtWidgets import (
    QAbstractItemView,
    QHBoxLayout,
    QHeaderView,
    QStackedWidget,
    QTableView,
    QVBoxLayout,
    QWidget,
)

from studio.language import ntr, tr
from studio.model.edits import Edit
from studio.model.records import ImageOrder
from studio.model.workspace import Workspace
from studio.panels.images.cell_delegate import CellDelegate
from studio.panels.images.columns import COLUMNS
from studio.panels.images.filter_bar import FilterBar
from studio.panels.images.image_list_model import ImageListModel
from studio.panels.images.image_menu import Make, build_image_menu
from studio.panels.images.thumbnail_delegate import (
    FRAME_HEIGHT,
    FRAME_WIDTH,
    CaptionDelegate,
)
from studio.panels.images.thumbnail_loader import ThumbnailLoader
from studio.theme import tokens
from studio.widgets.frame_view import FrameView
from studio.widgets.icon_button import IconButton, TextButton
from studio.widgets.text_label import TextLabel

_MODE_KEY = "images.mode"


class ImageBrowser(QWidget):
    """A page of images; it shares its filter with the filmstrip.

    Signals:
        image_opened(int): The person wants to see this image on the canvas.

    Args:
        workspace: Image list, filter and order.
        thumbnails: Where the pictures come from.
        apply: Applies an edit and tells the person where it cannot be.
        apply_made: The same for an edit of so many images that takes long to make; None: made at once.
    """

    image_opened = Signal(int)

    def __init__(
        self,
        workspace: Workspace,
        thumbnails: ThumbnailLoader,
        apply: Callable[[Edit], object],
        apply_made: Callable[[int, Make], object] | None = None,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self._workspace, self._apply, self._apply_made = workspace, apply, apply_made
        self.filter = FilterBar(workspace)
        self.model = ImageListModel(workspace, thumbnails, self)
        self.grid = _grid(self.model)
        self.table = _table(self.model)
        self.views = QStackedWidget()
        self.grid_button = IconButton("grid", tr("Thumbnails"))
        self.table_button = IconButton("table", tr("Table"))
        self.change_button = TextButton(tr("Change"), "normal", "edit")
        self.change_button.setToolTip(tr("Stage, split and tags of the chosen images"))
        self.open_button = TextButton(tr("Open"), "primary", "annotate")
        self.open_button.setToolTip(tr("Show the image on the canvas (double click)"))
        self._said = TextLabel("", "secondary")
        self._lay_out()
        self._connect()
        self.set_mode(str(workspace.project.recall(_MODE_KEY, "grid")))

    def set_mode(self, mode: str) -> None:
        """Show ``grid`` or ``table``."""
        is_table = mode == "table"
        self.views.setCurrentWidget(self.table if is_table else self.grid)
        self.table_button.setChecked(is_table)
        self.grid_button.setChecked(not is_table)
        self._workspace.project.remember(_MODE_KEY, mode)
        self._on_selection()

    def chosen(self) -> list[int]:
        """Return the images that are selected, in the order of the list."""
        view = self.views.currentWidget()
        if not isinstance(view, QAbstractItemView):
            return []
        ids = self._workspace.image_ids
        selection = view.selectionModel().selection()
        parts = [selection.at(place) for place in range(selection.count())]
        rows = sorted(row for part in parts for row in range(part.top(), part.bottom() + 1))
        return [ids[row] for row in dict.fromkeys(rows) if row < len(ids)]

    def _connect(self) -> None:
        self.grid_button.clicked.connect(lambda: self.set_mode("grid"))
        self.table_button.clicked.connect(lambda: self.set_mode("table"))
        self.open_button.clicked.connect(self._open_chosen)
        self.change_button.clicked.connect(self._on_change)
        self.table.horizontalHeader().sectionClicked.connect(self._on_header)
        for view in (self.grid, self.table):
            view.selectionModel().selectionChanged.connect(self._on_selection)
            view.activated.connect(lambda index: self._open_row(index.row()))
            view.customContextMenuRequested.connect(self._on_menu)
        self._workspace.list_changed.connect(self._on_list_changed)
        self._on_list_changed()

    def _open_chosen(self) -> None:
        if chosen := self.chosen():
            self.image_opened.emit(chosen[0])

    def _open_row(self, row: int) -> None:
        self.image_opened.emit(self._workspace.image_ids[row])

    def _on_change(self) -> None:
        self._show_menu(self.change_button.mapToGlobal(QPoint(0, self.change_button.height())))

    def _on_menu(self, place: QPoint) -> None:
        view = self.views.currentWidget()
        if isinstance(view, QAbstractItemView):
            self._show_menu(view.viewport().mapToGlobal(place))

    def _show_menu(self, place: QPoint) -> None:
        if chosen := self.chosen():
            build_image_menu(
                self, self._workspace.project, chosen, self._apply, self._apply_made
            ).popup(place)

    def _on_header(self, section: int) -> None:
        """Sort by the column; once more turns it round."""
        key = COLUMNS[section].order
        if key is not None:
            before = self._workspace.order
            self._workspace.set_order(ImageOrder(key, before.key == key and not before.descending))
        self._show_order()

    def _on_list_changed(self) -> None:
        self._show_order()
        self._on_selection()

    def _show_order(self) -> None:
        order = self._workspace.order
        section = [column.order for column in COLUMNS].index(order.key)
        direction = (
            Qt.SortOrder.DescendingOrder if order.descending else Qt.SortOrder.AscendingOrder
        )
        self.table.horizontalHeader().setSortIndicator(section, direction)

    def _on_selection(self, *_: object) -> None:
        count, total = len(self.chosen()), len(self._workspace.image_ids)
        images = ntr("{count:,} image", "{count:,} images", total).format(count=total)
        self._said.setText(
            tr("{count:,} of {images} chosen").format(count=count, images=images)
            if count
            else images
        )
        self.open_button.setEnabled(count > 0)
        self.change_button.setEnabled(count > 0 and not self._workspace.project.read_only)

    def _lay_out(self) -> None:
        for button in (self.grid_button, self.table_button):
            button.setCheckable(True)
        for view in (self.grid, self.table):
            self.views.addWidget(view)
        bar = QHBoxLayout()
        bar.setContentsMargins(tokens.SPACE_M, tokens.SPACE_S, tokens.SPACE_M, tokens.SPACE_S)
        bar.setSpacing(tokens.SPACE_S)
        bar.addWidget(self.filter, 1)
        bar.addWidget(self._said)
        for widget in (
            self.change_button,
            self.open_button,
            self.grid_button,
            self.table_button,
        ):
            bar.addWidget(widget)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        layout.addLayout(bar)
        layout.addWidget(self.views, 1)


def _grid(model: ImageListModel) -> FrameView:
    view = FrameView(QSize(FRAME_WIDTH + 8, FRAME_HEIGHT + 8 + CaptionDelegate.LINE))
    view.setModel(model)
    view.setItemDelegate(CaptionDelegate(view))
    _let_choose(view, tr("Images as thumbnails"))
    return view


def _table(model: ImageListModel) -> QTableView:
    view = QTableView()
    view.setModel(model)
    view.setItemDelegate(CellDelegate(model, view))
    view.setShowGrid(False)
    view.setWordWrap(False)
    view.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
    view.setHorizontalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
    rows = view.verticalHeader()
    rows.hide()
    rows.setSectionResizeMode(QHeaderView.ResizeMode.Fixed)
    rows.setDefaultSectionSize(tokens.CONTROL_HEIGHT)
    header = view.horizontalHeader()
    header.setSortIndicatorShown(True)
    header.setSectionsClickable(True)
    header.setHighlightSections(False)
    header.setSectionsMovable(True)
    header.setStretchLastSection(True)
    # Else it asks for each column that it draws whether all of its 100,000 rows are selected, one after the other.
    header.setSelectionModel(QItemSelectionModel(model, header))
    for section, column in enumerate(COLUMNS):
        view.setColumnWidth(section, column.width)
    _let_choose(view, tr("Images as a table"))
    return view


def _let_choose(view: QAbstractItemView, name: str) -> None:
    view.setSelectionMode(QAbstractItemView.SelectionMode.ExtendedSelection)
    view.setContextMenuPolicy(Qt.ContextMenuPolicy.CustomContextMenu)
    view.setAccessibleName(name)
