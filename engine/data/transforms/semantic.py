"""The augmentation of pictures with a class for each pixel: one map straight into the output.

Geometry is drawn as for boxes (see `affine`); each picture of a mosaic is then warped once, with its class
map by the nearest pixel, into the place that it takes in the result.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from engine.data.semantic_masks import IGNORED
from engine.data.transforms.affine import RandomPerspective
from engine.data.transforms.compose import Augmentation
from engine.data.transforms.hsv import RandomHSV
from engine.data.transforms.letterbox import LetterBox, Placement
from engine.data.transforms.sample import FILL, Sample


@dataclass
class MapSample(Sample):
    """A picture with the class of each of its pixels.

    Attributes:
        class_map: (H, W) uint8, 255 where there is no class. May be shared with a cache.
    """

    class_map: np.ndarray = field(default_factory=lambda: np.zeros((0, 0), np.uint8))


class SemanticAugmentation:
    """Makes training samples: mosaic or a single picture under one random map, cutmix, colours."""

    def __init__(
        self,
        imgsz: int,
        warp: RandomPerspective,
        colors: RandomHSV,
        mosaic: float = 0.0,
        cutmix: float = 0.0,
    ) -> None:
        """Take the parts; ``mosaic`` and ``cutmix`` are probabilities."""
        self.imgsz, self.warp, self.colors = imgsz, warp, colors
        self.mosaic, self.cutmix = mosaic, cutmix
        self.letterbox = LetterBox(imgsz)

    @classmethod
    def from_arguments(cls, imgsz: int, args: Any) -> SemanticAugmentation:
        """Build from training arguments, as `Augmentation` reads them."""
        usual = Augmentation.from_arguments(imgsz, args)
        likely = usual.likely
        return cls(
            imgsz, usual.warp, usual.colors, likely.mosaic, float(getattr(likely, "cutmix", 0.0))
        )

    def __call__(
        self,
        index: int,
        load: Callable[[int], MapSample],
        others: Sequence[int],
        rng: np.random.Generator,
        blends: bool = True,
    ) -> MapSample:
        """Make one sample; see :meth:`Augmentation.__call__`."""
        sample = self._warped(index, load, others, rng, blends)
        if blends and self.cutmix and rng.random() < self.cutmix:
            other = self._warped(others[int(rng.integers(len(others)))], load, others, rng, blends)
            paste_rectangle(sample, other, rng)
        self.colors(sample, rng)
        return sample

    def _warped(
        self,
        index: int,
        load: Callable[[int], MapSample],
        others: Sequence[int],
        rng: np.random.Generator,
        blends: bool,
    ) -> MapSample:
        """Return a picture of its own under a random map."""
        side, first = self.imgsz, load(index)
        if not (blends and self.mosaic and rng.random() < self.mosaic):
            placed = self.letterbox.placement(*first.size)
            return self._painted([(first, fitting(first.size, placed))], (side, side), rng)
        chosen = [load(others[i]) for i in rng.integers(len(others), size=3).tolist()]
        center = rng.integers(side // 2, side + side // 2, size=2).tolist()
        tiles = [
            (sample, translation(*_quadrant(i, sample.size, center)))
            for i, sample in enumerate([first, *chosen])
        ]
        return self._painted(tiles, (2 * side, 2 * side), rng)

    def _painted(
        self,
        tiles: list[tuple[MapSample, np.ndarray]],
        canvas: tuple[int, int],
        rng: np.random.Generator,
    ) -> MapSample:
        """Draw a map of the canvas and paint each tile, given with its map to the canvas, through it."""
        matrix, side, first = self.warp.draw(canvas, rng), self.imgsz, tiles[0][0]
        channels = first.image.shape[2]
        image = np.full((side, side, channels), FILL, dtype=np.uint8)
        classes = np.full((side, side), IGNORED, dtype=np.uint8)
        for sample, place in tiles:
            paint(image, classes, sample, matrix @ place)
        return replace(first, image=image, class_map=classes)


def paint(image: np.ndarray, classes: np.ndarray, sample: MapSample, matrix: np.ndarray) -> None:
    """Warp a picture and its classes into a larger picture, in place.

    Args:
        image: (H, W, C) to paint into.
        classes: (H, W) to paint into.
        sample: The picture.
        matrix: (3, 3) map from its frame, corners of pixels, to that of ``image``.
    """
    import cv2

    x0, y0, x1, y1 = _seen(matrix, sample.size, classes.shape)
    if x1 <= x0 or y1 <= y0:
        return
    # OpenCV counts from pixel centres, our frame from corners: half a pixel there and back.
    centred = translation(-x0 - 0.5, -y0 - 0.5) @ matrix @ translation(0.5, 0.5)
    flat = not (matrix[2, 0] or matrix[2, 1])
    warp, centred = (cv2.warpAffine, centred[:2]) if flat else (cv2.warpPerspective, centred)

    def warped(source: np.ndarray, method: int, border: int = cv2.BORDER_REPLICATE) -> np.ndarray:
        return warp(source, centred, (x1 - x0, y1 - y0), flags=method, borderMode=border)

    pairs = (
        (image, sample.image, cv2.INTER_LINEAR),
        (classes, sample.class_map, cv2.INTER_NEAREST),
    )
    if flat and not (matrix[0, 1] or matrix[1, 0]):  # upright: it covers the whole window
        for canvas, source, method in pairs:
            canvas[y0:y1, x0:x1] = warped(source, method).reshape(
                y1 - y0, x1 - x0, *canvas.shape[2:]
            )
        return
    whole = np.full(sample.size, 255, dtype=np.uint8)
    covered = warped(whole, cv2.INTER_NEAREST, cv2.BORDER_CONSTANT) > 0
    for canvas, source, method in pairs:
        canvas[y0:y1, x0:x1][covered] = warped(source, method).reshape(
            *covered.shape, *canvas.shape[2:]
        )[covered]


def paste_rectangle(target: MapSample, source: MapSample, rng: np.random.Generator) -> None:
    """Replace a random rectangle of a sample by that of another of its size, in place (Yun et al. 2019)."""
    height, width = target.size
    share = math.sqrt(rng.uniform())  # Beta(1, 1), as a part of each side
    middle = rng.uniform(size=2) * (height, width)
    half = np.array((height, width)) * share / 2
    (top, left), (bottom, right) = (
        np.clip(np.round(corner), 0, (height, width)).astype(int).tolist()
        for corner in (middle - half, middle + half)
    )
    target.image[top:bottom, left:right] = source.image[top:bottom, left:right]
    target.class_map[top:bottom, left:right] = source.class_map[top:bottom, left:right]


def place_map(classes: np.ndarray, placed: Placement) -> np.ndarray:
    """Bring a class map to where the letterbox puts its picture; the border has no class."""
    resized = resize_map(classes, placed.size_hw)
    if placed.out_hw == placed.size_hw:
        return resized
    out = np.full(placed.out_hw, IGNORED, dtype=np.uint8)
    height, width = placed.size_hw
    out[placed.top : placed.top + height, placed.left : placed.left + width] = resized
    return out


def resize_map(classes: np.ndarray, size_hw: tuple[int, int]) -> np.ndarray:
    """Return a class map (H, W) uint8 in another size, by the nearest pixel's centre."""
    import cv2

    if classes.shape == tuple(size_hw):
        return classes
    return cv2.resize(classes, size_hw[::-1], interpolation=cv2.INTER_NEAREST_EXACT)


def fitting(size: tuple[int, int], placed: Placement) -> np.ndarray:
    """Return the (3, 3) map of a picture of (height, width) to its place in a letterbox."""
    gain_y, gain_x = placed.size_hw[0] / size[0], placed.size_hw[1] / size[1]
    return np.array(((gain_x, 0, placed.left), (0, gain_y, placed.top), (0, 0, 1)))


def translation(x: float, y: float) -> np.ndarray:
    """Return the (3, 3) map that moves by (x, y)."""
    return np.array(((1, 0, x), (0, 1, y), (0, 0, 1)), dtype=np.float64)


def _quadrant(i: int, size: tuple[int, int], center: list[int]) -> tuple[int, int]:
    """Return left and top of the i-th picture of a mosaic, which touches the centre."""
    (height, width), (x, y) = size, center
    return (x if i % 2 else x - width), (y if i >= 2 else y - height)


def _seen(
    matrix: np.ndarray, size: tuple[int, int], out: tuple[int, ...]
) -> tuple[int, int, int, int]:
    """Return the pixels x0, y0, x1, y1 of the result whose centres may lie in a mapped picture."""
    if matrix[2, 0] or matrix[2, 1]:  # corners behind the viewer would mislead
        return 0, 0, out[1], out[0]
    (height, width), (out_h, out_w) = size, out
    corners = matrix[:2] @ np.array(((0, width, width, 0), (0, 0, height, height), (1, 1, 1, 1)))
    (x0, y0), (x1, y1) = corners.min(1), corners.max(1)
    left, right = (min(max(math.ceil(v - 0.5), 0), out_w) for v in (x0, x1))
    top, bottom = (min(max(math.ceil(v - 0.5), 0), out_h) for v in (y0, y1))
    return left, top, right, bottom
