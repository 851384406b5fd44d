"""One part lying somewhere: its outline in the picture, and its picture with soft edges and shadow."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import shapely

from engine.data.synthetic.metal import Finish, Light, shade, tint
from engine.data.synthetic.outlines import Outline
from engine.data.synthetic.relief import height_field

_SUPERSAMPLING = 2
_FIXED_POINT_BITS = 4


@dataclass(frozen=True)
class Part:
    """A part with its place.

    Attributes:
        class_id: Index into the class names.
        outline: Its shape.
        finish: Its metal.
        frame: (2, 3) from the outline's frame to picture pixels.
        scale: Pixels to a unit of the outline.
    """

    class_id: int
    outline: Outline
    finish: Finish
    frame: np.ndarray
    scale: float

    @cached_property
    def rings(self) -> list[np.ndarray]:
        """Return exterior and holes in picture pixels."""
        rings = (self.outline.exterior, *self.outline.holes)
        return [ring @ self.frame[:, :2].T + self.frame[:, 2] for ring in rings]

    @cached_property
    def shape(self) -> shapely.Polygon:
        """Return the silhouette with its holes in picture pixels."""
        return shapely.Polygon(self.rings[0], self.rings[1:])


def place_part(
    class_id: int,
    outline: Outline,
    finish: Finish,
    center: tuple[float, float],
    scale: float,
    rng: np.random.Generator,
) -> Part:
    """Turn a part by any angle and tilt it a little, as on a bench that is not seen from straight above."""
    angle, axis = rng.uniform(0, 2 * np.pi, 2)
    squeeze = rng.uniform(0.9, 1.0)
    turn = _rotation(axis) @ np.diag((1.0, squeeze)) @ _rotation(angle - axis)
    frame = np.concatenate((turn * scale, np.array(center)[:, None]), axis=1)
    return Part(class_id, outline, finish, frame, scale)


def draw_shadow(image: np.ndarray, part: Part, light: Light) -> None:
    """Darken what lies below the part, away from the lamp, softer with its height."""
    import cv2

    reach = part.outline.thickness * part.scale
    lx, ly, lz = light.direction
    offset = np.array((-lx, -ly)) * reach * min(1.0 / lz, 1.5)
    margin = int(reach * 1.5) + 8
    window = _window(part.rings[0], image.shape, margin + int(np.abs(offset).max()))
    if window is None:
        return
    x0, y0, x1, y1 = window
    # Shadows are soft: half the resolution is enough.
    size = ((y1 - y0 + 1) // 2, (x1 - x0 + 1) // 2)
    canvas, contact = np.zeros(size, dtype=np.uint8), np.zeros(size, dtype=np.uint8)
    # The sides of the part block light all the way from its foot to its top.
    for share in (0.15, 0.55, 1.0):
        _fill(canvas, [(r + offset * share - (x0, y0)) / 2 for r in part.rings], 255)
    _fill(contact, [(part.rings[0] - (x0, y0)) / 2], 255)
    cast = cv2.GaussianBlur(canvas, (0, 0), 0.5 + 0.16 * reach)
    contact = cv2.GaussianBlur(contact, (0, 0), 0.6 + 0.05 * reach)
    dark = cv2.addWeighted(cast, 0.56 * (1.15 - light.ambient), contact, 0.28, 0)
    bright = 1 - dark.astype(np.float32) * (1 / 255)
    bright = cv2.resize(bright, (size[1] * 2, size[0] * 2))
    image[y0:y1, x0:x1] *= bright[: y1 - y0, : x1 - x0, None]


def draw_part(image: np.ndarray, part: Part, light: Light, grain: np.ndarray) -> None:
    """Paint the part over the picture.

    Args:
        image: (H, W, 3) float32 BGR, changed in place.
        part: What to paint.
        light: The lamp.
        grain: (h, w) float32 around 0: marks to take the surface's from, larger than the part.
    """
    import cv2

    window = _window(part.rings[0], image.shape, 2)
    if window is None:
        return
    x0, y0, x1, y1 = window
    ss = _SUPERSAMPLING
    height, width = (y1 - y0) * ss, (x1 - x0) * ss
    alpha = np.zeros((height, width), dtype=np.uint8)
    _fill(alpha, [(ring - (x0, y0)) * ss for ring in part.rings], 255)
    x = (np.arange(width, dtype=np.float32) + 0.5) / ss + x0 - np.float32(part.frame[0, 2])
    y = (np.arange(height, dtype=np.float32) + 0.5) / ss + y0 - np.float32(part.frame[1, 2])
    back = np.linalg.inv(part.frame[:, :2]).astype(np.float32)
    u = back[0, 0] * x + (back[0, 1] * y)[:, None]
    v = back[1, 0] * x + (back[1, 1] * y)[:, None]
    relief, turning = height_field(part.outline, u, v)
    relief = cv2.GaussianBlur(
        relief * np.float32(part.scale * ss), (0, 0), 0.8
    )  # edges are never sharp
    away = np.maximum(np.hypot(x, y[:, None]), 1e-3)
    marks = _marks(part, grain, away * ss, height, width)
    body, glint = shade(relief, turning, (x / away, y[:, None] / away), marks, part.finish, light)
    cover = alpha.astype(np.float32) * (1 / 255)
    body, glint, cover = (
        cv2.resize(layer, (x1 - x0, y1 - y0), interpolation=cv2.INTER_AREA)
        for layer in (body * cover, glint * cover, cover)
    )
    below = image[y0:y1, x0:x1]
    below *= (1 - cover)[..., None]
    below += tint(body, glint, part.finish, light)


def _marks(part: Part, grain: np.ndarray, away: np.ndarray, height: int, width: int) -> np.ndarray:
    """Return fine marks around 1: rings where the part was turned, grain elsewhere."""
    seed = int(abs(part.frame[0, 2]) * 7919 + abs(part.frame[1, 2]) * 104729)
    top = seed % max(1, grain.shape[0] - height)
    left = seed // 7 % max(1, grain.shape[1] - width)
    patch = grain[top : top + height, left : left + width]
    if patch.shape != (height, width):
        patch = np.resize(patch, (height, width))
    out = 1 + 0.045 * patch
    if part.outline.kind != "bolt":
        line = grain[seed % grain.shape[0]]
        out += 0.05 * line[np.minimum(away.astype(np.int32), len(line) - 1)]
    return out


def _window(
    ring: np.ndarray, shape: tuple[int, ...], margin: int
) -> tuple[int, int, int, int] | None:
    """Return the pixels (x0, y0, x1, y1) around a ring inside the picture, or None."""
    x0, y0 = np.maximum(np.floor(ring.min(0)).astype(int) - margin, 0).tolist()
    x1, y1 = np.minimum(np.ceil(ring.max(0)).astype(int) + margin, (shape[1], shape[0])).tolist()
    return (x0, y0, x1, y1) if x1 > x0 and y1 > y0 else None


def _fill(canvas: np.ndarray, rings: list[np.ndarray], value: int) -> None:
    """Fill rings by the even-odd rule with smooth borders; a pixel's centre is at half coordinates."""
    import cv2

    fixed = [np.rint((ring - 0.5) * (1 << _FIXED_POINT_BITS)).astype(np.int32) for ring in rings]
    cv2.fillPoly(canvas, fixed, value, cv2.LINE_AA, _FIXED_POINT_BITS)


def _rotation(angle: float) -> np.ndarray:
    cos, sin = np.cos(angle), np.sin(angle)
    return np.array(((cos, -sin), (sin, cos)))
