"""The images worth labelling as a list: picture, name, and the reason in words."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Protocol

from PySide6.QtCore import (
    QAbstractListModel,
    QModelIndex,
    QObject,
    QPersistentModelIndex,
    QRect,
    QSize,
    Qt,
    SignalInstance,
)
from PySide6.QtGui import QColor, QImage, QPainter
from PySide6.QtWidgets import (
    QListView,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QWidget,
)

from studio.language import tr
from studio.model.next_images import NextImage
from studio.model.project import Project
from studio.theme import tokens
from studio.theme.fonts import font
from studio.theme.theme import current_colors
from studio.widgets.item_ground import paint_ground

AnyIndex = QModelIndex | QPersistentModelIndex
_ROOT = QModelIndex()
_PICTURE = QSize(112, 84)
_PICTURE_ROLE = Qt.ItemDataRole.UserRole + 1
_REASON_ROLE = Qt.ItemDataRole.UserRole + 2


class Thumbnails(Protocol):
    """Where small pictures come from."""

    loaded: SignalInstance

    def get(self, image_id: int, path: Path) -> QImage | None:
        """Return the thumbnail, or None and ask for it."""


class NextImagesModel(QAbstractListModel):
    """Rows are the chosen images, the best first; pictures are asked for when they come into sight."""

    def __init__(
        self, project: Project, thumbnails: Thumbnails, parent: QObject | None = None
    ) -> None:
        super().__init__(parent)
        self._project, self._thumbnails = project, thumbnails
        self.images: list[NextImage] = []
        self._paths: dict[int, Path] = {}
        self._rows: dict[int, int] = {}
        thumbnails.loaded.connect(self._on_loaded)

    def show_images(self, images: Sequence[NextImage]) -> None:
        """Show other images; those that the project no longer has are left out."""
        self.beginResetModel()
        records = self._project.images([image.image_id for image in images])
        self._paths = {record.id: record.path for record in records}
        self.images = [image for image in images if image.image_id in self._paths]
        self._rows = {image.image_id: row for row, image in enumerate(self.images)}
        self.endResetModel()

    def rowCount(self, parent: AnyIndex = _ROOT) -> int:
        """Return the number of images."""
        return 0 if parent.isValid() else len(self.images)

    def data(self, index: AnyIndex, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        """Return an image's name, picture or reason; name and reason together for screen readers."""
        image = self.images[index.row()]
        path = self._paths[image.image_id]
        if role == Qt.ItemDataRole.DisplayRole:
            return f"{index.row() + 1}. {path.name}"
        if role == _PICTURE_ROLE:
            return self._thumbnails.get(image.image_id, path)
        if role == _REASON_ROLE:
            return image.reason()
        if role in (Qt.ItemDataRole.ToolTipRole, Qt.ItemDataRole.AccessibleTextRole):
            return self._words(image, path)
        return None

    def _words(self, image: NextImage, path: Path) -> str:
        lines = [
            path.name,
            image.reason(),
            tr("Uncertainty {doubt:.2f}, novelty {novelty:.2f}, each 0 to 1").format(
                doubt=image.uncertainty, novelty=image.novelty
            ),
        ]
        nearest = self._project.images([image.nearest]) if image.nearest is not None else []
        if nearest:
            lines.append(tr("Most like {name}").format(name=nearest[0].path.name))
        return "\n".join(lines)

    def _on_loaded(self, image_id: int) -> None:
        row = self._rows.get(image_id)
        if row is not None:
            self.dataChanged.emit(self.index(row), self.index(row))


class NextImagesList(QListView):
    """The list; a double click or Enter opens an image."""

    def __init__(self, model: NextImagesModel, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setModel(model)
        self.setItemDelegate(_RowDelegate(self))
        self.setUniformItemSizes(True)
        self.setVerticalScrollMode(QListView.ScrollMode.ScrollPerPixel)
        self.setMouseTracking(True)
        self.setAccessibleName(tr("Images worth labelling"))


class _RowDelegate(QStyledItemDelegate):
    """Draws the picture at the left, name and reason beside it."""

    def sizeHint(self, option: QStyleOptionViewItem, index: AnyIndex) -> QSize:
        """Return the size of every row."""
        return QSize(320, _PICTURE.height() + 2 * tokens.SPACE_XS)

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: AnyIndex) -> None:
        """Draw one row."""
        colors = current_colors()
        paint_ground(painter, option)
        place = option.rect.adjusted(tokens.SPACE_S, tokens.SPACE_XS, -tokens.SPACE_M, -4)
        frame = QRect(place.topLeft(), _PICTURE)
        painter.fillRect(frame, QColor(colors.surround))
        picture = index.data(_PICTURE_ROLE)
        if picture is not None:
            size = picture.size().scaled(_PICTURE, Qt.AspectRatioMode.KeepAspectRatio)
            inside = QRect(frame.topLeft(), size)
            inside.moveCenter(frame.center())
            painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
            painter.drawImage(inside, picture)
        words = place.adjusted(_PICTURE.width() + tokens.SPACE_M, tokens.SPACE_XS, 0, 0)
        painter.setFont(font(tokens.FONT_BODY))
        painter.setPen(QColor(colors.text))
        line = painter.fontMetrics().height()
        name = painter.fontMetrics().elidedText(
            index.data(), Qt.TextElideMode.ElideMiddle, words.width()
        )
        painter.drawText(words, Qt.AlignmentFlag.AlignTop, name)
        painter.setFont(font(tokens.FONT_SECONDARY))
        painter.setPen(QColor(colors.secondary))
        below = words.adjusted(0, line + tokens.SPACE_XS, 0, 0)
        flags = int(Qt.AlignmentFlag.AlignTop) | int(Qt.TextFlag.TextWordWrap)
        painter.drawText(below, flags, index.data(_REASON_ROLE))
