"""What results say of a whole image: how likely each class is, and the class of each pixel."""

from __future__ import annotations

from functools import cached_property
from typing import Any, Self

import numpy as np
import torch

from engine.core.result_tensors import Array, ResultTensor

# A pixel of a class that was not asked for, in masks of up to 255 classes
NO_CLASS = 255


class Probs(ResultTensor):
    """How likely each class is for the image.

    Attributes:
        data: (nc,) probabilities, summing to 1.
    """

    def __init__(self, probs: Array, orig_shape: tuple[int, int]) -> None:
        if probs.ndim != 1:
            raise ValueError(
                f"expected one probability a class, received shape {tuple(probs.shape)}."
            )
        super().__init__(probs, orig_shape)

    def __getitem__(self, index: Any) -> Self:
        """Give itself: the classes belong together, only an index beyond them is an error."""
        self.data[index]
        return self

    @cached_property
    def top5(self) -> list[int]:
        """Numbers of the (up to) five likeliest classes, likeliest first."""
        data = self.data
        order = (-data).argsort() if isinstance(data, np.ndarray) else data.argsort(descending=True)
        return order[:5].tolist()

    @property
    def top1(self) -> int:
        """Number of the likeliest class."""
        return self.top5[0]

    @property
    def top1conf(self) -> Any:
        """Probability of the likeliest class."""
        return self.data[self.top1]

    @property
    def top5conf(self) -> Any:
        """(up to 5,) their probabilities."""
        return self.data[self.top5]


class SemanticMask(ResultTensor):
    """The class of each pixel.

    Attributes:
        data: (H, W) class numbers in the original image's size; uint8 for up to 255 classes, where 255 marks
            pixels of classes that were not asked for, int32 with -1 for those otherwise. Converted to
            another type by `to` it has -1 for those too, where the type knows a minus.
    """

    def __init__(self, mask: Array, orig_shape: tuple[int, int]) -> None:
        if mask.ndim != 2:
            raise ValueError(f"expected a mask (H, W), received shape {tuple(mask.shape)}.")
        super().__init__(mask, orig_shape)

    def __len__(self) -> int:
        """Return 1: it is one mask."""
        return 1

    def __getitem__(self, index: Any) -> Self:
        """Give itself: it is one mask, only an index beyond it is an error.

        Args:
            index: A number, slice, list, array or tensor, as for results of several objects.

        Raises:
            IndexError: It asks for more than the one mask.
        """
        np.zeros(1)[index.cpu().numpy() if isinstance(index, torch.Tensor) else index]
        return self

    def to(self, *args: Any, **kwargs: Any) -> Self:
        """Give a copy converted as by ``torch.Tensor.to``; pixels of no class stay pixels of no class."""
        data = torch.as_tensor(self.data)
        moved = data.to(*args, **kwargs)
        if moved.dtype == data.dtype:
            return self._with(moved)
        nowhere = data == NO_CLASS if data.dtype == torch.uint8 else data < 0
        mark = -1 if moved.dtype.is_signed else NO_CLASS
        return self._with(moved.masked_fill(nowhere.to(moved.device), mark))

    @cached_property
    def counts(self) -> dict[int, int]:
        """Class number to how many pixels have it, for the classes that occur."""
        data = self.data.cpu().numpy() if isinstance(self.data, torch.Tensor) else self.data
        if data.dtype == np.uint8:  # a table of 256 is several times faster than sorting all pixels
            found = np.bincount(data.reshape(-1), minlength=NO_CLASS + 1)[:NO_CLASS]
            return {int(number): int(found[number]) for number in np.flatnonzero(found)}
        numbers, found = np.unique(data[data >= 0], return_counts=True)
        return dict(zip(numbers.astype(int).tolist(), found.tolist(), strict=True))

    @property
    def classes(self) -> list[int]:
        """Numbers of the classes that occur, in order."""
        return list(self.counts)

    @property
    def ratios(self) -> dict[int, float]:
        """Class number to the share of the image's pixels that have it, for the classes that occur."""
        height, width = self.shape
        return {number: count / (height * width) for number, count in self.counts.items()}

    def planes(self) -> Any:
        """Give (n, H, W) 0 or 1, a mask for each of `classes`."""
        data = self.data
        if isinstance(data, torch.Tensor):
            numbers = torch.tensor(self.classes, dtype=data.dtype, device=data.device)
            return (data[None] == numbers[:, None, None]).to(torch.uint8)
        numbers_here = np.array(self.classes, dtype=data.dtype)
        return (data[None] == numbers_here[:, None, None]).astype(np.uint8)
