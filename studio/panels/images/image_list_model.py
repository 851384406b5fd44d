"""The filtered list of images as a Qt model: ids only, records are fetched for what is on the screen.

Lists of thumbnails show its first column, the table of images shows all.
"""

from __future__ import annotations

from collections import OrderedDict
from typing import Any

from PySide6.QtCore import QAbstractTableModel, QModelIndex, QObject, QPersistentModelIndex, Qt
from PySide6.QtGui import QImage

from studio.language import ntr, tr, tr_engine
from studio.model.records import ImageRecord
from studio.model.review import STAGE_TITLES
from studio.model.workspace import Workspace
from studio.panels.images.columns import COLUMNS
from studio.panels.images.thumbnail_loader import ThumbnailLoader

Index = QModelIndex | QPersistentModelIndex
FRAME_ROLE = Qt.ItemDataRole.UserRole + 1  # the record and its thumbnail: asked for once a frame
_KEPT_RECORDS = 600
_PAGE = 32  # records are read by pages: one query fills a screen


_ALIGNMENT = {
    True: Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter,
    False: Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter,
}

_SERVED = frozenset(
    (
        FRAME_ROLE,
        Qt.ItemDataRole.DisplayRole,
        Qt.ItemDataRole.TextAlignmentRole,
        Qt.ItemDataRole.ToolTipRole,
    )
)


class ImageListModel(QAbstractTableModel):
    """Rows are the images that the workspace's filter lets through."""

    def __init__(
        self, workspace: Workspace, thumbnails: ThumbnailLoader, parent: QObject | None = None
    ) -> None:
        super().__init__(parent)
        self._workspace = workspace
        self._thumbnails = thumbnails
        self._records: OrderedDict[int, ImageRecord] = OrderedDict()
        workspace.list_changed.connect(self._on_list_changed)
        project = workspace.project
        for signal in (project.image_changed, project.shapes_changed, project.suggestions_changed):
            signal.connect(self._on_image_changed)
        thumbnails.loaded.connect(self._on_image_changed_id)

    def record(self, row: int) -> ImageRecord | None:
        """Return the record of a row."""
        ids = self._workspace.image_ids
        if not 0 <= row < len(ids):
            return None
        image_id = ids[row]
        if image_id not in self._records:
            start = row // _PAGE * _PAGE
            for record in self._workspace.project.images(ids[start : start + _PAGE]):
                self._records[record.id] = record
            while len(self._records) > _KEPT_RECORDS:
                self._records.popitem(last=False)
        return self._records.get(image_id)

    def cell(self, row: int, section: int) -> tuple[str, Qt.AlignmentFlag]:
        """Return what a cell says and how it is aligned."""
        record, column = self.record(row), COLUMNS[section]
        return "" if record is None else column.text(record), _ALIGNMENT[column.is_number]

    def _on_list_changed(self) -> None:
        self.beginResetModel()
        self._records.clear()
        self.endResetModel()

    def _on_image_changed(self, image_id: int) -> None:
        self._records.pop(image_id, None)
        self._on_image_changed_id(image_id)

    def _on_image_changed_id(self, image_id: int) -> None:
        row = self._workspace.position_of(image_id)
        if row is not None:
            self.dataChanged.emit(self.index(row, 0), self.index(row, len(COLUMNS) - 1))

    def rowCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008
        """Return the number of images that the filter lets through."""
        return 0 if parent.isValid() else len(self._workspace.image_ids)

    def columnCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008
        """Return the number of columns."""
        return 0 if parent.isValid() else len(COLUMNS)

    def headerData(
        self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole
    ) -> Any:
        """Return a column's title and alignment."""
        if orientation == Qt.Orientation.Horizontal and role == Qt.ItemDataRole.DisplayRole:
            return COLUMNS[section].title
        if orientation == Qt.Orientation.Horizontal and role == Qt.ItemDataRole.TextAlignmentRole:
            return _ALIGNMENT[COLUMNS[section].is_number]
        return None

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        """Return the name of a row, or its record with the thumbnail."""
        if role not in _SERVED:  # a table asks ten roles of every cell that it paints
            return None
        record = self.record(index.row())
        if record is None:
            return None
        if role == FRAME_ROLE:
            return record, self._thumbnail(record)
        column = COLUMNS[index.column()]
        if role == Qt.ItemDataRole.DisplayRole:
            return column.text(record)
        if role == Qt.ItemDataRole.TextAlignmentRole:
            return _ALIGNMENT[column.is_number]
        if role == Qt.ItemDataRole.ToolTipRole:
            return _tool_tip(record)
        return None

    def _thumbnail(self, record: ImageRecord) -> QImage | None:
        return None if record.status == "damaged" else self._thumbnails.get(record.id, record.path)


def _tool_tip(record: ImageRecord) -> str:
    words = {
        "unlabelled": tr("not labelled yet"),
        "background": tr("background: no objects"),
        "damaged": tr_engine(record.note),
        "labelled": ntr("{count} shape", "{count} shapes", record.shape_count).format(
            count=record.shape_count
        ),
    }
    lines = [record.path.name, f"{words[record.status]} · {STAGE_TITLES[record.stage].lower()}"]
    if record.tags:
        lines.append(", ".join(record.tags))
    if record.comment_count:
        lines.append(
            ntr("{count} comment", "{count} comments", record.comment_count).format(
                count=record.comment_count
            )
        )
    return "\n".join(lines)
