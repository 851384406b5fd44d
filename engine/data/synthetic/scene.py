"""A photograph-like scene of parts on a bench, with the exact outline of what is visible of each."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import TypeAlias

import numpy as np
import shapely

from engine.data.annotations import Annotation, Polygon
from engine.data.synthetic.bench import draw_bench, noise
from engine.data.synthetic.metal import Finish, draw_finish, draw_light
from engine.data.synthetic.outlines import NAMES, draw_outline
from engine.data.synthetic.part import Part, draw_part, draw_shadow, place_part

# Half length of a part as a share of the picture's mean side.
_HALF_LENGTH = {
    "nut": (0.095, 0.135),
    "bolt": (0.135, 0.18),
    "washer": (0.09, 0.135),
    "gear": (0.11, 0.16),
}
# Of a part at least this share lies in the picture, and of that this share is seen.
_MIN_INSIDE, _MIN_VISIBLE = 0.65, 0.65
_SLIVER_PX = 3.0
_TRIES = 14


@dataclass(frozen=True)
class Scene:
    """A picture and what is on it.

    Attributes:
        image: (H, W, 3) uint8 BGR.
        annotations: One polygon, with holes, for the visible part of each object, lowest first.
    """

    image: np.ndarray
    annotations: tuple[Annotation, ...]


@dataclass(frozen=True)
class Choice:
    """What one part of a scene is.

    Attributes:
        class_id: Class of its label.
        kind: One of :data:`NAMES`.
        finish: Its surface.
    """

    class_id: int
    kind: str
    finish: Finish


Chooser: TypeAlias = Callable[[np.random.Generator], Choice]


def draw_scene(
    seed: int | tuple[int, ...],
    size_wh: tuple[int, int] = (480, 360),
    choose: Chooser | None = None,
) -> Scene:
    """Draw the scene of a seed; the same seed and size give the same pixels.

    Args:
        seed: One number or several (the seed of a data set and the number of a picture).
        size_wh: Width and height in pixels.
        choose: Draws what each part is; None for the parts of the sample.
    """
    rng = np.random.default_rng(seed)
    width, height = size_wh
    light = draw_light(rng)
    image = draw_bench(height, width, light, rng)
    parts, visible = _arrange(width, height, rng, choose)
    longest = 4 * int(max((p.scale for p in parts), default=8)) + 16
    grain = noise((longest, longest), 1.6, rng) + 0.6 * noise((longest, longest), 5, rng)
    for part in parts:
        draw_shadow(image, part, light)
        draw_part(image, part, light, grain)
    annotations = tuple(
        Annotation(_as_polygon(shape), part.class_id)
        for part, shape in zip(parts, visible, strict=True)
    )
    return Scene(_photograph(image, rng), annotations)


def _arrange(
    width: int, height: int, rng: np.random.Generator, choose: Chooser | None
) -> tuple[list[Part], list[shapely.Polygon]]:
    """Lay parts one after the other, some on top of others, none hidden or cut in pieces."""
    frame = shapely.box(0, 0, width, height)
    parts: list[Part] = []
    visible: list[shapely.Polygon] = []
    for _ in range(int(rng.integers(5, 9))):
        for _ in range(_TRIES):
            part = _random_part(width, height, parts, rng, choose)
            if (after := _lay(part, parts, visible, frame)) is not None:
                parts.append(part)
                visible = after
                break
    return parts, visible


def _random_part(
    width: int, height: int, parts: list[Part], rng: np.random.Generator, choose: Chooser | None
) -> Part:
    chosen = choose(rng) if choose else None
    class_id = chosen.class_id if chosen else int(rng.integers(len(NAMES)))
    kind = chosen.kind if chosen else NAMES[class_id]
    scale = rng.uniform(*_HALF_LENGTH[kind]) * (width + height) / 2
    x, y = rng.uniform((0.04 * width, 0.04 * height), (0.96 * width, 0.96 * height))
    if parts and rng.random() < 0.4:  # beside or on top of an earlier one
        other = parts[int(rng.integers(len(parts)))]
        direction, distance = (
            rng.uniform(0, 2 * np.pi),
            rng.uniform(0.9, 1.5) * max(scale, other.scale),
        )
        x, y = other.frame[:, 2] + distance * np.array((np.cos(direction), np.sin(direction)))
    outline = draw_outline(kind, rng)
    finish = chosen.finish if chosen else draw_finish(class_id, rng)
    return place_part(class_id, outline, finish, (float(x), float(y)), scale, rng)


def _lay(
    part: Part, parts: list[Part], visible: list[shapely.Polygon], frame: shapely.Polygon
) -> list[shapely.Polygon] | None:
    """Return what is visible of all parts with one more on top; None when that would spoil one of them."""
    own = _one_piece(part.shape & frame)
    if own is None or own.area < _MIN_INSIDE * part.shape.area:
        return None
    after = []
    for below, seen in zip(parts, visible, strict=True):
        if not seen.intersects(part.shape):
            after.append(seen)
            continue
        rest = _one_piece(seen - part.shape)
        if rest is None or rest.area < _MIN_VISIBLE * (below.shape & frame).area:
            return None
        after.append(rest)
    return [*after, own]


def _one_piece(shape: shapely.Geometry) -> shapely.Polygon | None:
    """Return the single piece of a shape, slivers under 3 square pixels aside; None for several."""
    pieces = [p for p in getattr(shape, "geoms", [shape]) if p.area > _SLIVER_PX]
    return pieces[0] if len(pieces) == 1 and pieces[0].geom_type == "Polygon" else None


def _as_polygon(shape: shapely.Polygon) -> Polygon:
    """Return our geometry, points within 0.1 pixels of the outline without them left out."""
    tidy = shape.simplify(0.1)
    holes = [hole.coords[:-1] for hole in tidy.interiors if shapely.Polygon(hole).area > _SLIVER_PX]
    rounded = [
        [(round(x, 2), round(y, 2)) for x, y in ring]
        for ring in (tidy.exterior.coords[:-1], *holes)
    ]
    return Polygon.of(rounded[0], rounded[1:])


def _photograph(image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Expose, blur and add the noise of a sensor; changes ``image``, returns uint8."""
    import cv2

    height, width = image.shape[:2]
    y, x = np.ogrid[-1 : 1 : height * 1j, -1 : 1 : width * 1j]
    vignette = 1 - rng.uniform(0.03, 0.16) * (x * x + y * y)
    image *= (vignette * rng.uniform(0.98, 1.22)).astype(np.float32)[..., None]
    exposed = cv2.GaussianBlur(image, (0, 0), rng.uniform(0.35, 0.8))
    # A film-like shoulder: highlights bend towards white instead of being cut off.
    over = cv2.threshold(exposed, 0.75, 0, cv2.THRESH_TRUNC)[1]
    exposed -= over
    exposed /= 1 + 4 * exposed
    exposed += over
    level = np.float32(rng.uniform(0.005, 0.014)) * (0.6 + 0.8 * exposed[..., 1])
    sensor = _sensor_noise(height, width)
    top, left = rng.integers(_SPARE_PX, size=2)
    exposed += sensor[top : top + height, left : left + width] * level[..., None]
    return cv2.convertScaleAbs(np.maximum(exposed, 0, out=exposed), alpha=255)


_SPARE_PX = 61


@lru_cache(maxsize=4)
def _sensor_noise(height: int, width: int) -> np.ndarray:
    """Return noise (H, W, 3) of brightness and, coarser, of colour; pictures cut their own piece from it."""
    import cv2

    rng = np.random.default_rng(0)
    height, width = height + _SPARE_PX, width + _SPARE_PX
    coarse = rng.standard_normal(((height + 1) // 2, (width + 1) // 2, 3), dtype=np.float32)
    grain = rng.standard_normal((height, width, 1), dtype=np.float32)
    return grain + 0.6 * cv2.resize(coarse, (width, height))
