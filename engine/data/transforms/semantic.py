"""The augmentation of pictures with a class for each pixel: one map straight into the output.

Geometry is drawn as for boxes (see `affine`, `montage`); each picture of a mosaic is brought once, with its
class map by the nearest pixel, to the place that it takes in the result.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, cast

import numpy as np

from engine.data.semantic_masks import IGNORED
from engine.data.transforms.affine import RandomPerspective
from engine.data.transforms.compose import Augmentation
from engine.data.transforms.cutmix import draw_rectangle
from engine.data.transforms.hsv import RandomHSV
from engine.data.transforms.letterbox import LetterBox, Placement
from engine.data.transforms.montage import Tile, find_place, show
from engine.data.transforms.mosaic import Mosaic
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
        return cls(imgsz, usual.warp, usual.colors, likely.mosaic, likely.cutmix)

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
            place = self.letterbox.placement(*first.size)
            return self._painted([Tile.placed(first, place)], place.out_hw, rng)
        chosen = [load(others[i]) for i in rng.integers(len(others), size=3).tolist()]
        tiles = Mosaic(side).tiles([first, *chosen], rng)
        return self._painted(tiles, (2 * side, 2 * side), rng)

    def _painted(
        self, tiles: Sequence[Tile], canvas: tuple[int, int], rng: np.random.Generator
    ) -> MapSample:
        """Draw a map of the canvas and show each tile through it."""
        matrix, side, first = self.warp.draw(canvas, rng), self.imgsz, tiles[0].sample
        image = np.full((side, side, first.image.shape[2]), FILL, dtype=np.uint8)
        classes = np.full((side, side), IGNORED, dtype=np.uint8)
        for tile in tiles:
            if self.warp.is_upright:
                show_upright(image, classes, tile, matrix)
            else:
                paint(image, classes, tile, matrix)
        return MapSample(
            image, first.shapes, first.index, first.ori_shape, first.ratio_pad, class_map=classes
        )


def show_upright(image: np.ndarray, classes: np.ndarray, tile: Tile, matrix: np.ndarray) -> None:
    """Cut and resize a tile into a square picture; see `montage`, which does so without classes.

    Args:
        image: (side, side, C) to show it in.
        classes: (side, side) to show its classes in.
        tile: A :class:`MapSample` and its place on the canvas.
        matrix: (3, 3) map from the canvas to ``image``, without turn, shear or tilt.
    """
    seen = find_place(tile, matrix, len(classes))
    if seen is not None:
        sample = cast("MapSample", tile.sample)
        show(image, sample.image, *seen)
        show(classes, sample.class_map, *seen, nearest=True)


def paint(image: np.ndarray, classes: np.ndarray, tile: Tile, matrix: np.ndarray) -> None:
    """Warp a tile into a picture by any map, see :func:`show_upright`; every pixel is interpolated once."""
    import cv2

    sample, (height, width) = cast("MapSample", tile.sample), classes.shape
    # OpenCV counts from pixel centres, our frame from corners: half a pixel there and back.
    centred = translation(-0.5, -0.5) @ matrix @ _to_canvas(tile) @ translation(0.5, 0.5)
    flat = not (matrix[2, 0] or matrix[2, 1])
    warp, centred = (cv2.warpAffine, centred[:2]) if flat else (cv2.warpPerspective, centred)

    def warped(source: np.ndarray, method: int, border: int = cv2.BORDER_REPLICATE) -> np.ndarray:
        return warp(source, centred, (width, height), flags=method, borderMode=border)

    whole = np.full(sample.size, 255, dtype=np.uint8)
    covered = warped(whole, cv2.INTER_NEAREST, cv2.BORDER_CONSTANT)
    cv2.copyTo(warped(sample.image, cv2.INTER_LINEAR), covered, dst=image)
    cv2.copyTo(warped(sample.class_map, cv2.INTER_NEAREST), covered, dst=classes)


def paste_rectangle(target: MapSample, source: MapSample, rng: np.random.Generator) -> None:
    """Replace a random rectangle of a sample by that of another of its size, in place (Yun et al. 2019)."""
    left, top, right, bottom = draw_rectangle(target.size, rng)
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


def translation(x: float, y: float) -> np.ndarray:
    """Return the (3, 3) map that moves by (x, y)."""
    return np.array(((1, 0, x), (0, 1, y), (0, 0, 1)), dtype=np.float64)


def _to_canvas(tile: Tile) -> np.ndarray:
    """Return the (3, 3) map of a tile's picture to its canvas."""
    return np.array(((tile.gain[0], 0, tile.left), (0, tile.gain[1], tile.top), (0, 0, 1)))
