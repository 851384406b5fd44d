"""The mean loss of an epoch, and which of its batches had a loss that is no number.

Nothing here waits for the device until somebody asks: `mean` is a tensor, `take` reads what has gathered.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import torch
from torch import Tensor


class Batch(NamedTuple):
    """One batch as it was told of.

    Attributes:
        number: Its place in the epoch, from 0.
        files: Its images, as far as they are known.
        is_sound: Whether its loss is a number.
    """

    number: int
    files: tuple[str, ...]
    is_sound: bool


class LossMeter:
    """Adds up the losses of an epoch; a batch without a number for a loss counts for nothing."""

    def __init__(self) -> None:
        self.start()

    def start(self) -> None:
        """Begin an epoch."""
        # Any: tensors once there is a batch
        self._sum: Any = None
        self._count: Any = None
        self._gathered: list[tuple[int, Any, Tensor]] = []

    def add(self, number: int, items: Tensor, total: Tensor, files: Any = ()) -> Tensor:
        """Count a batch.

        Args:
            number: Its place in the epoch, from 0.
            items: Parts of its loss (P,).
            total: What the gradients are taken of, ().
            files: Its images.

        Returns:
            () bool on the device of the loss: it is a number.
        """
        items = items.detach()
        is_sound = torch.isfinite(items).all() & torch.isfinite(total.detach()).all()
        kept = torch.where(is_sound, items, torch.zeros_like(items))
        self._sum = kept if self._sum is None else self._sum + kept
        self._count = is_sound + (0 if self._count is None else self._count)
        self._gathered.append((number, files, is_sound))
        return is_sound

    @property
    def mean(self) -> Tensor | None:
        """Mean (P,) of the sound batches so far: not a number where there were none, None before any."""
        return None if self._sum is None else self._sum / self._count

    def take(self) -> list[Batch]:
        """Give the batches since the last time; waits for the device."""
        gathered, self._gathered = self._gathered, []
        if not gathered:
            return []
        flags = torch.stack([flag for _, _, flag in gathered]).tolist()
        return [
            Batch(number, tuple(map(str, files)), flag)
            for (number, files, _), flag in zip(gathered, flags, strict=True)
        ]
