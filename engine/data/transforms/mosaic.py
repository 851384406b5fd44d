"""Four pictures on one canvas of twice the size (YOLOv4, Bochkovskiy et al. 2020)."""

from __future__ import annotations

import threading
from collections.abc import Sequence

import numpy as np

from engine.data.transforms.montage import Tile
from engine.data.transforms.sample import FILL, Sample, join_shapes


class Mosaic:
    """Joins four samples around a random centre.

    Objects may reach over the canvas: the random map cuts them off.
    The canvas is one buffer a thread that the next call overwrites: the caller must warp it into a picture
    of its own, which the random affine map does anyway.
    """

    def __init__(self, imgsz: int) -> None:
        """Take the side of the final picture; the canvas has twice that."""
        self.imgsz = imgsz
        self._buffers = threading.local()

    def __getstate__(self) -> dict[str, int]:
        return {"imgsz": self.imgsz}

    def __setstate__(self, state: dict[str, int]) -> None:
        self.__init__(state["imgsz"])  # type: ignore[misc]

    def tiles(self, samples: Sequence[Sample], rng: np.random.Generator) -> list[Tile]:
        """Place four samples whose pictures are at most ``imgsz`` long on a canvas of twice that."""
        side = self.imgsz
        center_x, center_y = rng.integers(side // 2, side + side // 2, size=2).tolist()
        tiles = []
        for i, sample in enumerate(samples):
            height, width = sample.size
            # Quadrants: top left, top right, bottom left, bottom right; pictures touch the centre.
            left = center_x if i % 2 else center_x - width
            top = center_y if i >= 2 else center_y - height
            tiles.append(Tile(sample, left, top))
        return tiles

    def __call__(self, samples: Sequence[Sample], rng: np.random.Generator) -> Sample:
        """Join four samples on the canvas, for steps that need it as a picture."""
        canvas = self._canvas(samples[0].image.shape[2])
        canvas.fill(FILL)
        parts = []
        for tile in self.tiles(samples, rng):
            left, top = int(tile.left), int(tile.top)
            _paste(canvas, tile.sample.image, left, top)
            parts.append(tile.sample.shapes.moved((1, 1), (left, top)))
        return samples[0].with_(canvas, join_shapes(parts))

    def _canvas(self, channels: int) -> np.ndarray:
        canvas: np.ndarray | None = getattr(self._buffers, "canvas", None)
        if canvas is None or canvas.shape[2] != channels:
            side = 2 * self.imgsz
            canvas = self._buffers.canvas = np.empty((side, side, channels), dtype=np.uint8)
        return canvas


def _paste(canvas: np.ndarray, image: np.ndarray, left: int, top: int) -> None:
    """Copy what of a picture lies on the canvas."""
    height, width = image.shape[:2]
    x0, y0 = max(left, 0), max(top, 0)
    x1, y1 = min(left + width, canvas.shape[1]), min(top + height, canvas.shape[0])
    if x1 > x0 and y1 > y0:
        canvas[y0:y1, x0:x1] = image[y0 - top : y1 - top, x0 - left : x1 - left]
