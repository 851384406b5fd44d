"""What lies on the canvas: the shapes of one image, which are selected, and what is where. Canvas and tools share it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import islice
from typing import Any, TypeAlias

from engine.data.annotations import Geometry, Keypoints, Mask, Point, Polyline, Tag
from engine.data.annotations.geometry import Bounds
from studio.model.edits.classes import NEW
from studio.model.keypoint_scheme import KeypointScheme
from studio.model.locks import locked_text, unlocked
from studio.model.records import ClassDef, Shape, new_shape
from studio.tools.base import Pixels, rounded
from studio.tools.bounds_index import BoundsIndex
from studio.tools.options import ToolOptions
from studio.tools.prompting import NoPrompter, Prompter
from studio.tools.rings import (
    Ring,
    area_points,
    covers,
    is_inside,
    is_large_mask,
    nearest_edge,
    nearest_point,
    nearest_segment,
    outline,
    path_touches,
    touches,
)

_PIXELS_A_VERTEX, _RUNS_A_VERTEX = 4000, 8  # of a large mask: what takes as long as a vertex
PixelSource: TypeAlias = Callable[[int, int, int, int], "Pixels | None"]


@dataclass(frozen=True)
class Entry:
    """A shape with what is worked out from it once."""

    shape: Shape

    @cached_property
    def rings(self) -> list[Ring]:
        """The outline, of a large mask a sketch of it; empty for lines, keypoints and tags."""
        return outline(self.shape.geometry)

    @cached_property
    def bounds(self) -> Bounds:
        """The box around it."""
        return self.shape.geometry.bounds()

    @cached_property
    def area(self) -> float:
        """Square pixels."""
        return self.shape.geometry.area()

    @cached_property
    def vertex_count(self) -> int:
        """How much work drawing it is; of a large mask a guess, whose outline alone may take longer than a frame."""
        if is_large_mask(self.shape.geometry):
            x1, y1, x2, y2 = self.bounds
            sides = round((x2 - x1) * (y2 - y1) / _PIXELS_A_VERTEX)
            return sides + len(self.shape.geometry.counts) // _RUNS_A_VERTEX
        return sum(len(ring) for ring in self.rings) or len(self.points)

    @cached_property
    def points(self) -> Ring:
        """Where one can snap to, (N, 2)."""
        return area_points(self.shape.geometry)

    def taken_over(self, shape: Shape) -> Entry:
        """Return the entry of a shape that takes this one's place; of the same outline nothing is worked out again."""
        entry = Entry(shape)
        if shape.geometry == self.shape.geometry:
            entry.__dict__.update({**self.__dict__, "shape": shape})
        return entry

    def distance(self, x: float, y: float) -> float:
        """Return 0 inside, else the distance to the outline, the line or the nearest keypoint."""
        if isinstance(self.shape.geometry, Polyline):
            return nearest_segment(self.points, x, y)[0]
        if isinstance(self.shape.geometry, Keypoints):
            return nearest_point(self.points, x, y)[0]
        if isinstance(self.shape.geometry, Mask):
            inside = covers(self.shape.geometry, x, y)
            return 0.0 if inside else nearest_edge(self.rings, x, y)[0]
        return 0.0 if is_inside(self.rings, x, y) else nearest_edge(self.rings, x, y)[0]


class Scene:
    """The shapes of the image on the canvas.

    Attributes:
        image_id: The image; new shapes get it.
        size_wh: Its width and height in pixels.
        class_id: The class that new shapes get; -1 (``NEW``) while the project has no class yet: whoever applies the edit
            makes one first.
        options: What the person has set for the tools.
        pixels: Returns a part of the picture, (h, w, 3) uint8 in red, green, blue, for x1, y1, x2, y2 within the image;
            None while the picture is not there in full.
        prompter: The segmenter that the smart tool asks.
        templates: By class, where the keypoints lie within their box, in fractions of it: as they were placed last.
        hovered: Id of the shape under the cursor.
    """

    def __init__(self) -> None:
        self.image_id = 0
        self.size_wh = (0, 0)
        self.class_id = NEW
        self.options = ToolOptions()
        self.pixels: PixelSource = _no_pixels
        self.prompter: Prompter = NoPrompter()
        self.templates: dict[int, tuple[Point, ...]] = {}
        self.hovered: int | None = None
        self._entries: dict[int, Entry] = {}
        self._index = BoundsIndex()
        self._selection: tuple[int, ...] = ()
        self._hidden_classes: frozenset[int] = frozenset()
        self._classes: tuple[ClassDef, ...] = ()
        self._scheme: KeypointScheme | None = None

    @property
    def snapping(self) -> bool:
        """Whether points snap to the vertices and edges of other shapes and to the border of the image."""
        return self.options.snapping

    @snapping.setter
    def snapping(self, snapping: bool) -> None:
        self.options.snapping = snapping

    @property
    def classes(self) -> tuple[ClassDef, ...]:
        """The project's classes in their order."""
        return self._classes

    def set_classes(
        self, classes: Sequence[ClassDef], scheme: KeypointScheme | None = None
    ) -> None:
        """Take over the project's classes, and what their keypoints are where a class does not say."""
        self._classes, self._scheme = tuple(classes), scheme

    def keypoint_scheme(self, class_id: int) -> KeypointScheme | None:
        """Return what the keypoints of a class are, None where nobody has said."""
        own = next((c.keypoints for c in self._classes if c.id == class_id), None)
        return own or self._scheme

    def drawn(
        self,
        geometry: Geometry,
        source: str = "drawn",
        attributes: Mapping[str, Any] | None = None,
    ) -> Shape:
        """Return a new shape on this image, of the current class and with the attributes that its objects have at first.

        Args:
            geometry: Image pixels.
            source: Who made it, see :class:`studio.model.records.Shape`.
            attributes: What it has besides.
        """
        cls = next((cls for cls in self._classes if cls.id == self.class_id), None)
        usual = {} if cls is None else cls.defaults()
        known = {**usual, **(attributes or {})}
        return new_shape(self.image_id, self.class_id, geometry, source, attributes=known)

    @property
    def selection(self) -> tuple[int, ...]:
        """Ids of the selected shapes, in the order they were selected."""
        return self._selection

    @property
    def hidden_classes(self) -> frozenset[int]:
        """Classes whose shapes are neither drawn nor hit."""
        return self._hidden_classes

    def __len__(self) -> int:
        return len(self._entries)

    def set_image(self, image_id: int, size_wh: tuple[int, int]) -> None:
        """Go to another image; shapes, selection and hover are emptied."""
        self.image_id, self.size_wh = image_id, size_wh
        self.set_shapes(())
        self._selection = ()

    def set_shapes(self, shapes: Iterable[Shape]) -> None:
        """Put these shapes in place of all others; the selection keeps those that are still there."""
        self._entries.clear()
        self._index = BoundsIndex()
        self.update(shapes)

    def update(self, changed: Iterable[Shape], removed: Iterable[int] = ()) -> None:
        """Add or replace some shapes and take others away."""
        for shape_id in removed:
            self._entries.pop(shape_id, None)
            self._index.remove(shape_id)
        for shape in changed:
            before = self._entries.get(shape.id)
            entry = Entry(shape) if before is None else before.taken_over(shape)
            self._entries[shape.id] = entry
            if not isinstance(shape.geometry, Tag):
                self._index.put(shape.id, entry.bounds, shape.z)
        self._selection = tuple(i for i in self._selection if self.is_shown(i))
        if self.hovered is not None and not self.is_shown(self.hovered):
            self.hovered = None

    def set_hidden_classes(self, class_ids: Iterable[int]) -> None:
        """Hide the shapes of some classes; hidden shapes are not selected."""
        self._hidden_classes = frozenset(class_ids)
        self._selection = tuple(i for i in self._selection if self.is_shown(i))

    def entry(self, shape_id: int) -> Entry | None:
        """Return a shape with its outline."""
        return self._entries.get(shape_id)

    def shape(self, shape_id: int) -> Shape | None:
        """Return a shape."""
        entry = self._entries.get(shape_id)
        return None if entry is None else entry.shape

    def shapes(self) -> list[Shape]:
        """Return all shapes, hidden ones too."""
        return [entry.shape for entry in self._entries.values()]

    def selected(self) -> list[Shape]:
        """Return the selected shapes."""
        return [self._entries[i].shape for i in self._selection]

    def changeable(self) -> list[Shape]:
        """Return the selected shapes that are not locked: those that keys and drags change."""
        return unlocked(self.selected())

    def left_alone(self) -> str:
        """Return how many of the selected shapes are locked, for people; empty where none is."""
        return locked_text(self.selected())

    def outweighs(self, limit: int) -> bool:
        """Tell whether all shapes together have more than ``limit`` vertices."""
        left = limit
        for entry in self._entries.values():
            left -= entry.vertex_count
            if left < 0:
                return True
        return False

    def select(self, shape_ids: Sequence[int]) -> None:
        """Select these shapes and no others; unknown and hidden ones are left out."""
        self._selection = tuple(dict.fromkeys(i for i in shape_ids if self.is_shown(i)))

    def is_shown(self, shape_id: int) -> bool:
        """Tell whether a shape is there and neither it nor its class is hidden."""
        entry = self._entries.get(shape_id)
        return entry is not None and self._shows(entry)

    def entries_touching(self, rect: Bounds) -> list[Entry]:
        """Return the shown shapes whose box touches the rectangle (x1, y1, x2, y2), in drawing order."""
        entries, hidden = self._entries, self._hidden_classes
        found = [entries[i] for i in self._index.touching(*rect)]
        return [e for e in found if not e.shape.hidden and e.shape.class_id not in hidden]

    def has_more_touching(self, rect: Bounds, limit: int) -> bool:
        """Tell whether more than ``limit`` of `entries_touching` are there, without listing all of them."""
        touching = (self._entries[i] for i in self._index.unordered(*rect))
        shown = (entry for entry in touching if self._shows(entry))
        return next(islice(shown, limit, None), None) is not None

    def shapes_touching(self, rect: Bounds) -> list[Shape]:
        """Return the shown shapes that are not locked and share a point with the rectangle, in drawing order."""
        found = [entry for entry in self.entries_touching(rect) if not entry.shape.locked]
        return [e.shape for e in found if _within(e.bounds, rect) or _entry_touches(e, rect)]

    def shapes_at(self, x: float, y: float, tolerance: float = 0.0) -> list[Shape]:
        """Return the shown shapes under a point, best first: hit inside before near, small before large, front before back.

        Locked ones let the point through to what lies below.

        Args:
            x: Image pixels.
            y: Image pixels.
            tolerance: How far outside its outline a shape is still hit.
        """
        rect = (x - tolerance, y - tolerance, x + tolerance, y + tolerance)
        hits = []
        for entry in self.entries_touching(rect):
            if entry.shape.locked:
                continue
            distance = entry.distance(x, y)
            if distance <= tolerance:
                shape = entry.shape
                hits.append((distance > 0, entry.area, -shape.z, -shape.id, shape))
        return [hit[-1] for hit in sorted(hits, key=lambda hit: hit[:-1])]

    def snap_to_border(self, x: float, y: float, tolerance: float) -> tuple[Point, bool]:
        """Return the nearest tenth of a pixel, on the border of the image within half of ``tolerance``, and whether that was so."""
        at_x, at_y = (
            _to_border(value, size, tolerance / 2)
            for value, size in zip((x, y), self.size_wh, strict=True)
        )
        return (rounded(at_x), rounded(at_y)), (at_x, at_y) != (x, y)

    def clamp(self, x: float, y: float) -> Point:
        """Return the nearest point of the image."""
        width, height = self.size_wh
        return min(max(x, 0.0), float(width)), min(max(y, 0.0), float(height))

    def _shows(self, entry: Entry) -> bool:
        return not entry.shape.hidden and entry.shape.class_id not in self._hidden_classes


def _no_pixels(_x1: int, _y1: int, _x2: int, _y2: int) -> Pixels | None:
    """Return nothing: no picture is there."""
    return None


def _within(bounds: Bounds, rect: Bounds) -> bool:
    """Tell whether a box lies within a rectangle: then its shape does too, whatever its outline."""
    return all(a >= b for a, b in zip(bounds[:2], rect[:2], strict=True)) and all(
        a <= b for a, b in zip(bounds[2:], rect[2:], strict=True)
    )


def _entry_touches(entry: Entry, rect: Bounds) -> bool:
    if isinstance(entry.shape.geometry, Polyline):
        return path_touches(entry.points, rect)
    if isinstance(entry.shape.geometry, Keypoints):
        x1, y1, x2, y2 = rect
        xs, ys = entry.points.T
        return bool(((xs >= x1) & (xs <= x2) & (ys >= y1) & (ys <= y2)).any())
    return touches(entry.rings, rect)


def _to_border(value: float, size: int, reach: float) -> float:
    if abs(value) <= reach:
        return 0.0
    return float(size) if abs(value - size) <= reach else value
