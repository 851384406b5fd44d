"""Name tags: outside the shape at its top left, or a dot where the shape is smaller than its tag."""

from __future__ import annotations

from dataclasses import dataclass

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QFont, QFontMetricsF, QPainter, QPen

from studio.canvas.styles import ShapeStyle
from studio.model.records import Shape
from studio.model.tracks import track_of
from studio.theme import tokens
from studio.theme.fonts import font

_PADDING = 4
_GAP = 2  # between tag and shape
_RADIUS = 3
_ROOM = 1.5  # a shape must be this much larger than its tag: among small shapes tags would cover neighbours
_LONGEST = 160  # logical pixels: longer names are cut in the middle
TAG_HEIGHT = 16
MAX_TAG_WIDTH = _LONGEST + 2 * _PADDING


@dataclass(frozen=True)
class Tag:
    """A tag in device pixels: a rectangle with text, or (empty text) a dot."""

    rect: QRectF
    text: str
    style: ShapeStyle


class Tags:
    """Measures and places tags at one device pixel ratio."""

    def __init__(self, pixel_ratio: float = 1.0, own_font: QFont | None = None) -> None:
        self._ratio = pixel_ratio
        self._font = own_font or font(round(tokens.FONT_CAPTION * pixel_ratio))
        self._metrics = QFontMetricsF(self._font)
        self._rise = (self._metrics.ascent() - self._metrics.descent()) / 2
        self._texts: dict[str, tuple[str, float]] = {}

    @property
    def pixel_ratio(self) -> float:
        """Device pixels per logical pixel."""
        return self._ratio

    def reach(self) -> tuple[float, float]:
        """Return how far a tag can reach from a shape's top-left corner, to the right and upwards, in device pixels."""
        return MAX_TAG_WIDTH * self._ratio, (TAG_HEIGHT + _GAP) * self._ratio

    def tag_of(
        self,
        shape: Shape,
        style: ShapeStyle,
        bounds: tuple[float, float, float, float],
        *,
        full: bool = False,
    ) -> Tag:
        """Return the tag of a shape whose box in device pixels is ``bounds`` (x1, y1, x2, y2).

        A shape that is not clearly larger than its tag gets a dot, unless ``full`` asks for the text.
        """
        x1, y1, x2, y2 = bounds
        words = style.name if shape.score is None else f"{style.name} {shape.score:.2f}"
        if (track := track_of(shape)) is not None:
            words = f"{words} #{track}"
        text, width = self._measured(words)
        height = TAG_HEIGHT * self._ratio
        if full or (x2 - x1 >= _ROOM * width and y2 - y1 >= _ROOM * height):
            return Tag(QRectF(x1, y1 - height - _GAP * self._ratio, width, height), text, style)
        dot = tokens.TAG_DOT_SIZE * self._ratio
        return Tag(QRectF(x1 - dot, y1 - dot, dot, dot), "", style)

    def pen(self) -> TagPen:
        """Return what draws the tags; it may be used in one other thread."""
        return TagPen(self._font.toString(), self._rise, self._ratio)

    def _measured(self, words: str) -> tuple[str, float]:
        """Return the text as it will be drawn, and the width of its tag."""
        if words not in self._texts:
            text = self._metrics.elidedText(
                words, Qt.TextElideMode.ElideMiddle, _LONGEST * self._ratio
            )
            width = self._metrics.horizontalAdvance(text) + 2 * _PADDING * self._ratio
            self._texts[words] = text, width
        return self._texts[words]


class TagPen:
    """Draws tags. It makes its own font: Qt's font objects must not be shared between threads."""

    def __init__(self, font_text: str, rise: float, pixel_ratio: float) -> None:
        self._font_text = font_text
        self._rise = rise  # of the baseline above which text stands in the middle
        self._ratio = pixel_ratio
        self._font: QFont | None = None

    def draw(self, painter: QPainter, tag: Tag) -> None:
        """Draw a tag with a painter in device pixels."""
        painter.setRenderHint(QPainter.RenderHint.Antialiasing, True)
        painter.setBrush(tag.style.color)
        if not tag.text:
            painter.setPen(QPen(tag.style.halo.color(), self._ratio))
            painter.drawEllipse(tag.rect)
            return
        painter.setPen(Qt.PenStyle.NoPen)
        painter.drawRoundedRect(tag.rect, _RADIUS * self._ratio, _RADIUS * self._ratio)
        painter.setFont(self._own_font())
        painter.setPen(tag.style.ink)
        place = tag.rect.x() + _PADDING * self._ratio, tag.rect.center().y() + self._rise
        painter.drawText(QPointF(*place), tag.text)

    def tags(self) -> Tags:
        """Return what measures tags in the thread that draws them."""
        return Tags(self._ratio, self._own_font())

    def _own_font(self) -> QFont:
        if self._font is None:
            self._font = QFont()
            self._font.fromString(self._font_text)
        return self._font
