"""Several pictures, each with its place on a canvas, seen through one upright map: no canvas is ever made.

A mosaic on a canvas of twice the size that is then resized touches every pixel three times. Here each picture
is cut and resized straight to where it ends up, which is several times faster and interpolates once.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from engine.data.transforms.letterbox import Placement
from engine.data.transforms.sample import FILL, Sample, join_shapes


@dataclass(frozen=True)
class Tile:
    """A picture and where it lies on a canvas.

    Attributes:
        sample: The picture with its objects, in its own pixels.
        left: Canvas pixels left of it; may be negative.
        top: Canvas pixels above it.
        gain: Canvas pixels a picture pixel, (x, y).
    """

    sample: Sample
    left: float
    top: float
    gain: tuple[float, float] = (1.0, 1.0)

    @classmethod
    def placed(cls, sample: Sample, place: Placement) -> Tile:
        """Return a picture where a letterbox puts it."""
        (height, width), (new_h, new_w) = sample.size, place.size_hw
        return cls(sample, place.left, place.top, (new_w / width, new_h / height))


def montage(tiles: Sequence[Tile], matrix: np.ndarray, side: int) -> Sample:
    """Show tiles through a map that only scales, mirrors and moves.

    The map is adjusted for each tile by less than half a pixel so that whole pixels are cut and filled and
    neighbours meet without a gap; the objects follow the adjusted map, so they stay where the picture shows
    them.

    Args:
        tiles: The pictures; a later one covers an earlier one.
        matrix: (3, 3) map from the canvas to the result, without turn, shear or tilt.
        side: Of the result in pixels.

    Returns:
        A new picture of ``side`` x ``side`` with the objects that are seen, of the first tile otherwise.
    """
    first = tiles[0].sample
    image = np.full((side, side, *first.image.shape[2:]), FILL, dtype=np.uint8)
    parts, gains, offsets = [], [], []
    for tile in tiles:
        seen = find_place(tile, matrix, side)
        if seen is None:
            continue
        across, down = seen
        show(image, tile.sample.image, across, down)
        parts.append(tile.sample.shapes)
        gains.append((across.gain, down.gain))
        offsets.append((across.offset, down.offset))
    if not parts:
        return first.with_(image, first.shapes.select(np.zeros(0, dtype=np.int64)))
    counts = [len(part) for part in parts]
    shapes = join_shapes(parts).moved(np.repeat(gains, counts, 0), np.repeat(offsets, counts, 0))
    return first.with_(image, shapes.clipped((0, 0, side, side)))


def find_place(tile: Tile, matrix: np.ndarray, side: int) -> tuple[Span, Span] | None:
    """Return where a tile comes to lie, across and down, see :func:`montage`; None where it is out of sight."""
    (gain_x, _, move_x), (_, gain_y, move_y) = matrix[:2].tolist()
    height, width = tile.sample.size
    across = Span.of(gain_x, move_x, tile.left, tile.gain[0], width, side)
    down = Span.of(gain_y, move_y, tile.top, tile.gain[1], height, side)
    return None if across is None or down is None else (across, down)


class Span(NamedTuple):
    """One axis of a cut and resize: pixels start..stop go to at..to by gain * x + offset."""

    start: int
    stop: int
    at: int
    to: int
    gain: float
    offset: float

    @classmethod
    def of(
        cls, gain: float, offset: float, left: float, own: float, length: int, side: int
    ) -> Span | None:
        """Return the span next to a map in whole pixels, or None when nothing is seen.

        Args:
            gain: Of the map from canvas to result along this axis; negative in a mirror.
            offset: Of the same map.
            left: Where on the canvas the picture begins.
            own: Canvas pixels a picture pixel.
            length: Of the picture in pixels.
            side: Of the result.
        """
        gain, offset = gain * own, gain * left + offset
        first, last = -offset / gain, (side - offset) / gain
        if gain < 0:
            first, last = last, first
        start, stop = max(round(first), 0), min(round(last), length)
        if stop <= start:
            return None
        at, to = gain * start + offset, gain * stop + offset
        if gain < 0:
            at, to = to, at
        whole_at, whole_to = max(round(at), 0), min(round(to), side)
        if whole_to <= whole_at:
            return None
        exact = (whole_to - whole_at) / (stop - start)
        if gain < 0:
            return cls(start, stop, whole_at, whole_to, -exact, whole_to + exact * start)
        return cls(start, stop, whole_at, whole_to, exact, whole_at - exact * start)


def show(
    image: np.ndarray, picture: np.ndarray, across: Span, down: Span, nearest: bool = False
) -> None:
    """Resize what is seen of a picture into its place, of a picture of class numbers the nearest pixels."""
    import cv2

    cut = picture[down.start : down.stop, across.start : across.stop]
    window = image[down.at : down.to, across.at : across.to]
    size = (across.to - across.at, down.to - down.at)
    code = _FLIPS[across.gain < 0, down.gain < 0]
    method = cv2.INTER_NEAREST_EXACT if nearest else cv2.INTER_LINEAR
    if code is None:
        cv2.resize(cut, size, dst=window, interpolation=method)
    else:
        piece = cv2.resize(cut, size, interpolation=method)
        cv2.flip(piece.reshape(window.shape), code, dst=window)


# (mirrored across, mirrored down) -> OpenCV's code.
_FLIPS = {(False, False): None, (True, False): 1, (False, True): 0, (True, True): -1}
