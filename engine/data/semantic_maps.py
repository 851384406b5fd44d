"""The class map of each picture of a data set, from its mask or from its polygons, at any size."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from engine.data.semantic_masks import IGNORED, MaskFiles
from engine.data.transforms.sample import Shapes
from engine.data.transforms.semantic import resize_map
from engine.ops.raster import polygons2masks_overlap


class MapSource(Protocol):
    """Gives class maps by the number of the picture."""

    def at(self, index: int, size_hw: tuple[int, int]) -> np.ndarray:
        """Return (H, W) uint8 classes of a picture in a size; it may be shared: do not change it."""


class MaskMaps:
    """Class maps read from masks; those of the last size asked for are kept as memory allows."""

    def __init__(
        self, masks: MaskFiles, files: Sequence[Path], table: np.ndarray, budget: int
    ) -> None:
        """Take the masks.

        Args:
            masks: What their values mean.
            files: Mask of each picture.
            table: (256,) uint8 the class that each class becomes.
            budget: Bytes to keep at most.
        """
        self.masks, self.files, self.table, self.budget = masks, list(files), table, budget
        self._kept: OrderedDict[tuple[int, tuple[int, int]], np.ndarray] = OrderedDict()
        self._bytes = 0
        self._lock = threading.Lock()

    def __getstate__(self) -> dict[str, Any]:
        """Give workers started by *spawn* the description, not the maps."""
        state = self.__dict__.copy()
        del state["_lock"]
        return state | {"_kept": OrderedDict(), "_bytes": 0}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self._lock = threading.Lock()

    def at(self, index: int, size_hw: tuple[int, int]) -> np.ndarray:
        """Return a map; see :class:`MapSource`.

        Raises:
            ImageError: The file has become unreadable.
        """
        import cv2

        key = index, size_hw
        with self._lock:
            found = self._kept.get(key)
            if found is not None:
                self._kept.move_to_end(key)
                return found
        classes = self.masks.read(self.files[index]).classes
        found = cv2.LUT(resize_map(classes, size_hw), self.table)
        with self._lock:
            if key not in self._kept:
                self._kept[key] = found
                self._bytes += found.nbytes
            while self._bytes > self.budget and self._kept:
                self._bytes -= self._kept.popitem(last=False)[1].nbytes
        return found


class PolygonMaps:
    """Class maps painted from the outlines of a picture's objects, smaller ones on top.

    What no outline covers is background, which is a class of its own.
    """

    def __init__(
        self, objects: Callable[[int, int, int], Shapes], table: np.ndarray, background: int
    ) -> None:
        """Take where the objects are.

        Args:
            objects: Gives the objects of a picture by its number, width and height, in pixels of that size.
            table: (256,) uint8 the class that each class becomes.
            background: The class of what no outline covers.
        """
        self.objects, self.table, self.background = objects, table, background

    def at(self, index: int, size_hw: tuple[int, int]) -> np.ndarray:
        """Return a map; see :class:`MapSource`."""
        height, width = size_hw
        shapes = self.objects(index, width, height)
        numbers, order = polygons2masks_overlap(size_hw, shapes.segments)
        classes = self.table[shapes.classes[order].astype(int)]
        return np.array([self.background, *classes], dtype=np.uint8)[numbers]


def class_pixels(maps: np.ndarray) -> np.ndarray:
    """Count the pixels of each class in a map, (256,) int64; the last are those without one."""
    return np.bincount(maps.reshape(-1), minlength=IGNORED + 1)
