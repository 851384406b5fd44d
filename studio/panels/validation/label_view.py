"""How the labels are distributed: bars a class, objects an image, where they are and how large."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from PySide6.QtCore import QEvent, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QHelpEvent, QImage, QPainter, QPaintEvent
from PySide6.QtWidgets import (
    QGridLayout,
    QScrollArea,
    QSizePolicy,
    QToolTip,
    QVBoxLayout,
    QWidget,
)

from studio.language import tr
from studio.model.count_words import image_count, object_count
from studio.model.label_statistics import LabelStatistics
from studio.theme import tokens
from studio.theme.fonts import font
from studio.theme.theme import current_colors
from studio.widgets.section_header import SectionHeader
from studio.widgets.text_label import TextLabel

_ROW_HEIGHT = 20
_NAME_SHARE = 0.3
_NAME_MAX = 140
_COUNT_WIDTH = 64
_MAP_SIDE = 200
_MOST_BARS = 24  # columns of the histogram: the rest are taken together
_MISSING_NAMED = 6


class LabelView(QScrollArea):
    """Shows the label statistics of a validation."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWidgetResizable(True)
        self.summary = TextLabel("", "secondary", wrap=True)
        self.classes = ClassBars()
        self.counts = Histogram()
        self.centres, self.sizes = (
            HeatMap(tr("Centres of objects")),
            HeatMap(tr("Sizes of objects")),
        )
        self._lay_out()

    def show_statistics(self, statistics: LabelStatistics | None, inks: Mapping[int, str]) -> None:
        """Show what was counted; ``inks`` gives each class its colour."""
        if statistics is None:
            return
        self.summary.setText(_summary(statistics))
        rows = sorted(statistics.classes, key=lambda row: -row.objects)
        self.classes.show_rows(
            [(row.name, row.objects, inks.get(row.class_id, "")) for row in rows if row.objects]
        )
        self.counts.show_counts(statistics.objects_an_image)
        self.centres.show_cells(statistics.centres)
        self.sizes.show_cells(statistics.sizes[::-1])  # large ones up

    def _lay_out(self) -> None:
        content = QWidget()
        layout = QVBoxLayout(content)
        layout.setContentsMargins(tokens.SPACE_S, tokens.SPACE_S, tokens.SPACE_S, tokens.SPACE_S)
        layout.setSpacing(tokens.SPACE_S)
        layout.addWidget(self.summary)
        layout.addWidget(SectionHeader(tr("Objects of each class")))
        layout.addWidget(self.classes)
        layout.addWidget(SectionHeader(tr("Objects on an image")))
        layout.addWidget(self.counts)
        grid = QGridLayout()
        grid.setHorizontalSpacing(tokens.SPACE_XL)
        for column, (title, note, view) in enumerate(
            (
                (tr("Where they are"), tr("their centres in the image"), self.centres),
                (tr("How large they are"), tr("width along, height up, of the image"), self.sizes),
            )
        ):
            grid.addWidget(SectionHeader(title, note), 0, column)
            grid.addWidget(view, 1, column, Qt.AlignmentFlag.AlignLeft)
        grid.setColumnStretch(2, 1)
        layout.addLayout(grid)
        layout.addStretch()
        self.setWidget(content)


class ClassBars(QWidget):
    """A bar a class, the largest first."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._rows: Sequence[tuple[str, int, str]] = ()
        self.setAccessibleName(tr("Objects of each class"))
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)

    def show_rows(self, rows: Sequence[tuple[str, int, str]]) -> None:
        """Show name, count and colour of each class."""
        self._rows = rows
        self.updateGeometry()
        self.update()

    def sizeHint(self) -> QSize:
        """Return the room for all bars."""
        return QSize(320, max(1, len(self._rows)) * _ROW_HEIGHT)

    def paintEvent(self, event: QPaintEvent) -> None:
        """Draw the bars that are in sight."""
        colors = current_colors()
        painter = QPainter(self)
        painter.setFont(font(tokens.FONT_CAPTION, tabular=True))
        most = max((count for _name, count, _ink in self._rows), default=1)
        left = min(self.width() * _NAME_SHARE, _NAME_MAX)
        room = self.width() - left - _COUNT_WIDTH
        first = max(0, event.rect().top() // _ROW_HEIGHT)
        last = event.rect().bottom() // _ROW_HEIGHT + 1
        for row, (name, count, ink) in list(enumerate(self._rows))[first:last]:
            top = row * _ROW_HEIGHT
            painter.setPen(QColor(colors.text))
            place = QRectF(0, top, left - tokens.SPACE_S, _ROW_HEIGHT)
            text = painter.fontMetrics().elidedText(
                name, Qt.TextElideMode.ElideRight, int(place.width())
            )
            painter.drawText(place, _RIGHT, text)
            bar = QRectF(left, top + 5, max(1.0, room * count / most), _ROW_HEIGHT - 10)
            painter.fillRect(bar, QColor(ink or colors.accent))
            painter.setPen(QColor(colors.secondary))
            place = QRectF(bar.right() + tokens.SPACE_XS, top, _COUNT_WIDTH, _ROW_HEIGHT)
            painter.drawText(place, _LEFT, f"{count:,}")
        painter.end()


class Histogram(QWidget):
    """How many images have how many objects."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.bars: list[tuple[str, int]] = []
        self.setAccessibleName(tr("Objects on an image"))
        self.setFixedHeight(110)

    def show_counts(self, counts: Sequence[int]) -> None:
        """Show the number of images with 0, 1, 2 ... objects."""
        self.bars = grouped(counts)
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        """Draw a column for each number of objects."""
        colors = current_colors()
        painter = QPainter(self)
        painter.setFont(font(tokens.FONT_CAPTION, tabular=True))
        most = max((images for _text, images in self.bars), default=1) or 1
        width = self.width() / max(1, len(self.bars))
        room = self.height() - 2 * _ROW_HEIGHT
        for column, (text, images) in enumerate(self.bars):
            height = room * images / most
            left = column * width
            bar = QRectF(left + 1, _ROW_HEIGHT + room - height, max(1.0, width - 2), height)
            painter.fillRect(bar, QColor(colors.accent))
            painter.setPen(QColor(colors.secondary))
            below = QRectF(left, self.height() - _ROW_HEIGHT, width, _ROW_HEIGHT)
            painter.drawText(below, _CENTRE, text)
            if images:
                above = QRectF(left, bar.top() - _ROW_HEIGHT, width, _ROW_HEIGHT)
                painter.drawText(above, _CENTRE, f"{images:,}")
        painter.end()


class HeatMap(QWidget):
    """Counts over a square, the more the stronger."""

    def __init__(self, title: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._cells = np.zeros((1, 1), dtype=np.int64)
        self.setAccessibleName(title)
        self.setFixedSize(_MAP_SIDE, _MAP_SIDE)

    def show_cells(self, cells: np.ndarray) -> None:
        """Show counts, (rows, columns)."""
        self._cells = np.ascontiguousarray(cells)
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        """Draw the cells in the accent's colour."""
        colors = current_colors()
        painter = QPainter(self)
        painter.fillRect(self.rect(), QColor(colors.surround))
        painter.drawImage(self.rect(), heat_image(self._cells, QColor(colors.accent_text)))
        painter.setPen(QColor(colors.line))
        painter.drawRect(self.rect().adjusted(0, 0, -1, -1))
        painter.end()

    def event(self, event: QEvent) -> bool:
        """Say how many objects are where the mouse is."""
        if isinstance(event, QHelpEvent) and event.type() == QEvent.Type.ToolTip:
            rows, columns = self._cells.shape
            row = min(rows - 1, max(0, event.pos().y() * rows // self.height()))
            column = min(columns - 1, max(0, event.pos().x() * columns // self.width()))
            QToolTip.showText(
                event.globalPos(),
                object_count(int(self._cells[row, column])),
                self,
            )
            return True
        return super().event(event)


def heat_image(cells: np.ndarray, ink: QColor) -> QImage:
    """Return counts as a picture of one colour, clear where nothing is; a root keeps single ones visible."""
    strength = np.sqrt(cells / max(1, cells.max(initial=0)))
    pixels = np.zeros((*cells.shape, 4), np.uint8)
    pixels[..., :3] = (ink.red(), ink.green(), ink.blue())
    pixels[..., 3] = np.round(255 * strength).astype(np.uint8)
    height, width = cells.shape
    image = QImage(pixels.data, width, height, 4 * width, QImage.Format.Format_RGBA8888)
    return image.copy()  # the pixels go with this call


def grouped(counts: Sequence[int]) -> list[tuple[str, int]]:
    """Return label and images of each column: single numbers while there is room, else ranges of equal width."""
    step = -(-len(counts) // _MOST_BARS) or 1
    bars = []
    for first in range(0, len(counts), step):
        last = min(first + step, len(counts)) - 1
        text = str(first) if first == last else f"{first}-{last}"
        bars.append((text, sum(counts[first : last + 1])))
    return bars


def _summary(statistics: LabelStatistics) -> str:
    said = tr("{objects} on {images}.").format(
        objects=object_count(statistics.objects), images=image_count(statistics.images)
    )
    missing = statistics.missing
    if not missing:
        return said
    named = ", ".join(missing[:_MISSING_NAMED])
    more = (
        tr(" and {count} more").format(count=len(missing) - _MISSING_NAMED)
        if len(missing) > _MISSING_NAMED
        else ""
    )
    return tr("{said} Not among them: {named}{more}.").format(said=said, named=named, more=more)


_CENTRE = Qt.AlignmentFlag.AlignCenter
_LEFT = Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter
_RIGHT = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
