"""Pens and brushes of the shapes, from the classes' colours and the tokens."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum, auto

from PySide6.QtCore import Qt
from PySide6.QtGui import QColor, QPen

from studio.language import tr
from studio.model.colors import class_color
from studio.model.edits.classes import NEW
from studio.model.keypoint_scheme import KeypointScheme
from studio.model.records import ClassDef
from studio.theme import tokens
from studio.theme.tokens import text_on

_DASH = [4.0, 3.0]  # in pen widths
_SELECTED_WIDTH = 2.25
_NO_CLASS = ClassDef(NEW, tr("no class yet"), class_color(0))


class Look(Enum):
    """How a shape is shown."""

    NORMAL = auto()
    SELECTED = auto()
    RAISED = auto()  # drawn over its own still picture: both fills together make that of SELECTED
    HOVERED = auto()  # the same, with hardly more fill
    SUGGESTION = auto()
    SUGGESTION_HOVERED = auto()


@dataclass(frozen=True)
class ShapeStyle:
    """What a shape is drawn with; widths are in device pixels at any zoom.

    Attributes:
        fill: Of an area.
        line: The outline.
        halo: Dark and wider, below the outline, so that it shows on any picture.
        color: The class's own.
        ink: Text that reads on ``color``.
        name: The class's.
        bones: Pairs of keypoints that a line joins, by their places.
    """

    fill: QColor
    line: QPen
    halo: QPen
    color: QColor
    ink: QColor
    name: str
    bones: tuple[tuple[int, int], ...] = ()


def _over(below: float, together: float) -> float:
    """Return the opacity that over one of ``below`` makes one of ``together``."""
    return (together - below) / (1.0 - below)


_LOOKS: dict[Look, tuple[float, float, bool]] = {  # fill opacity, width, dashed
    Look.NORMAL: (tokens.FILL_OPACITY, tokens.OUTLINE_WIDTH, False),
    Look.SELECTED: (tokens.FILL_OPACITY_SELECTED, _SELECTED_WIDTH, False),
    Look.RAISED: (_over(tokens.FILL_OPACITY, tokens.FILL_OPACITY_SELECTED), _SELECTED_WIDTH, False),
    Look.HOVERED: (_over(tokens.FILL_OPACITY, 0.22), _SELECTED_WIDTH, False),
    Look.SUGGESTION: (tokens.FILL_OPACITY_SUGGESTION, tokens.OUTLINE_WIDTH, True),
    Look.SUGGESTION_HOVERED: (
        _over(tokens.FILL_OPACITY_SUGGESTION, tokens.FILL_OPACITY_SELECTED),
        _SELECTED_WIDTH,
        True,
    ),
}


class Styles:
    """The styles of all classes at one device pixel ratio.

    Args:
        classes: Their colours, names, opacities and skeletons.
        pixel_ratio: Device pixels per logical pixel.
        scheme: The keypoints of classes that do not say what theirs are.
    """

    def __init__(
        self,
        classes: Iterable[ClassDef] = (),
        pixel_ratio: float = 1.0,
        scheme: KeypointScheme | None = None,
    ) -> None:
        self.pixel_ratio = pixel_ratio
        self._scheme = scheme
        self._classes = {cls.id: cls for cls in classes}
        self._styles: dict[tuple[int, Look], ShapeStyle] = {}

    def hidden_classes(self) -> frozenset[int]:
        """Return the classes that the person has switched off."""
        return frozenset(cls.id for cls in self._classes.values() if not cls.visible)

    def style(self, class_id: int, look: Look = Look.NORMAL) -> ShapeStyle:
        """Return the style of a class; one that is not known looks like the first class to come."""
        key = class_id, look
        if key not in self._styles:
            self._styles[key] = self._build(self._classes.get(class_id, _NO_CLASS), look)
        return self._styles[key]

    def _build(self, cls: ClassDef, look: Look) -> ShapeStyle:
        opacity, width, dashed = _LOOKS[look]
        color = QColor(cls.color)
        fill = QColor(color)
        fill.setAlphaF(opacity * cls.opacity)
        line = self._pen(color, width, cls.opacity)
        wider = width + tokens.HALO_WIDTH - tokens.OUTLINE_WIDTH
        halo = self._pen(QColor(tokens.HALO), wider, cls.opacity)
        if dashed:
            line.setDashPattern(_DASH)
            # The halo's pattern has the same length in pixels: dashes are counted in pen widths.
            shrink = width / wider
            halo.setDashPattern([part * shrink for part in _DASH])
        scheme = cls.keypoints or self._scheme
        bones = () if scheme is None else scheme.skeleton
        return ShapeStyle(fill, line, halo, color, QColor(text_on(cls.color)), cls.name, bones)

    def _pen(self, color: QColor, width: float, opacity: float) -> QPen:
        # Bevel joins and flat caps take half the time of the others and look the same at this width.
        ink = QColor(color)
        ink.setAlphaF(
            opacity
        )  # whole where nobody asks for less: lines without alpha are twice as fast
        pen = QPen(ink, width * self.pixel_ratio)
        pen.setJoinStyle(Qt.PenJoinStyle.BevelJoin)
        pen.setCapStyle(Qt.PenCapStyle.FlatCap)
        pen.setCosmetic(True)
        return pen
