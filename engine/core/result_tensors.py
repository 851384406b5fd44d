"""The boxes and masks of one image's results: views on one array, in the units people ask for."""

from __future__ import annotations

from functools import cached_property
from typing import Any, ClassVar, Self

import numpy as np
import torch

from engine.ops.boxes import scale_coords, xyxy2xywh
from engine.ops.masks import masks2segments

Array = torch.Tensor | np.ndarray


class ResultTensor:
    """One array that belongs to an image.

    Attributes:
        data: The array, one row an object.
        orig_shape: (height, width) of the original image in pixels.
    """

    def __init__(self, data: Array, orig_shape: tuple[int, int]) -> None:
        # Any: an array or a tensor, and so is everything that comes out of it
        self.data: Any = data
        self.orig_shape = (int(orig_shape[0]), int(orig_shape[1]))

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of the array."""
        return tuple(self.data.shape)

    def cpu(self) -> Self:
        """Give a copy on the CPU; arrays stay as they are."""
        data = self.data
        return self._with(data.cpu() if isinstance(data, torch.Tensor) else data)

    def cuda(self) -> Self:
        """Give a copy on the GPU."""
        return self._with(torch.as_tensor(self.data).cuda())

    def numpy(self) -> Self:
        """Give a copy that holds a NumPy array; bfloat16, which NumPy lacks, becomes float32."""
        data = self.data
        if not isinstance(data, torch.Tensor):
            return self._with(data)
        return self._with((data.float() if data.dtype == torch.bfloat16 else data).cpu().numpy())

    def to(self, *args: Any, **kwargs: Any) -> Self:
        """Give a copy converted as by ``torch.Tensor.to``."""
        return self._with(torch.as_tensor(self.data).to(*args, **kwargs))

    def __len__(self) -> int:
        return len(self.data)

    def __getitem__(self, index: Any) -> Self:
        return self._with(self.data[index])

    def __repr__(self) -> str:
        return f"{type(self).__name__}(shape={self.shape}, orig_shape={self.orig_shape})"

    def _with(self, data: Array) -> Self:
        return type(self)(data, self.orig_shape)


class ScoredRows(ResultTensor):
    """Rows of a place's columns, then confidence and class; with tracking the track's number before these.

    Attributes:
        place_columns: How many columns say where an object is.
    """

    place_columns: ClassVar[int]

    def __init__(self, rows: Array, orig_shape: tuple[int, int]) -> None:
        if rows.ndim == 1:
            rows = rows[None, :]
        few = self.place_columns + 2
        if rows.shape[-1] not in (few, few + 1):
            raise ValueError(
                f"expected {type(self).__name__} with {few} or {few + 1} columns, received shape "
                f"{tuple(rows.shape)}."
            )
        super().__init__(rows, orig_shape)

    @property
    def is_track(self) -> bool:
        """Whether the rows carry track numbers."""
        return self.data.shape[-1] == self.place_columns + 3

    @property
    def conf(self) -> Any:
        """(N,) confidences in 0..1."""
        return self.data[:, -2]

    @property
    def cls(self) -> Any:
        """(N,) class numbers, as floats."""
        return self.data[:, -1]

    @property
    def id(self) -> Any:
        """(N,) track numbers, None without tracking."""
        return self.data[:, -3] if self.is_track else None


class Boxes(ScoredRows):
    """Detected boxes.

    Attributes:
        data: (N, 6) x1, y1, x2, y2 in pixels of the original image, confidence, class; with tracking
            (N, 7), the track's number before the confidence.
    """

    place_columns = 4

    @property
    def xyxy(self) -> Any:
        """(N, 4) corners in pixels."""
        return self.data[:, :4]

    @cached_property
    def xywh(self) -> Any:
        """(N, 4) centres and sizes in pixels."""
        return xyxy2xywh(self.xyxy)

    @cached_property
    def xyxyn(self) -> Any:
        """(N, 4) corners as fractions of the image."""
        return self.xyxy / self._size()

    @cached_property
    def xywhn(self) -> Any:
        """(N, 4) centres and sizes as fractions of the image."""
        return self.xywh / self._size()

    def _size(self) -> Any:
        height, width = self.orig_shape
        if isinstance(self.data, torch.Tensor):
            return self.data.new_tensor([width, height, width, height])
        return np.array([width, height, width, height], dtype=self.data.dtype)


class Masks(ResultTensor):
    """Detected masks.

    Attributes:
        data: (N, h, w) 0 or 1, in the frame of the network's input (letterboxed), or of the original
            image where ``retina_masks`` asked for that.
    """

    def __init__(self, masks: Array, orig_shape: tuple[int, int]) -> None:
        super().__init__(masks[None] if masks.ndim == 2 else masks, orig_shape)

    @cached_property
    def xy(self) -> list[np.ndarray]:
        """Outlines, one (K, 2) array an object, in pixels of the original image; empty masks give (0, 2)."""
        return [
            scale_coords(self.data.shape[1:], outline, self.orig_shape)
            for outline in masks2segments(self.data)
        ]

    @cached_property
    def xyn(self) -> list[np.ndarray]:
        """Outlines as fractions of the original image."""
        height, width = self.orig_shape
        size = np.array([width, height], dtype=np.float32)
        return [outline / size for outline in self.xy]
