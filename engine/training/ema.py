"""Exponential moving average of a model's weights: what is validated, saved and used."""

from __future__ import annotations

import copy
import math

import torch
from torch import nn


class ModelEMA:
    """A copy of the model that follows it slowly.

    The decay rises with the number of updates, ``decay * (1 - exp(-updates / tau))``, so that a
    short run's average is not still made of its random start.

    Attributes:
        ema: The averaged model, in eval mode, without gradients.
        updates: How many updates it has had.
    """

    def __init__(self, model: nn.Module, decay: float = 0.9999, tau: float = 2000.0) -> None:
        self.ema = copy.deepcopy(model).eval().requires_grad_(False)
        self.decay = decay
        self.tau = tau
        self.updates = 0
        self._pairs(model)

    def _pairs(self, model: nn.Module) -> None:
        """Line up both models' tensors once: the update then is two calls, not hundreds."""
        average, current = self.ema.state_dict(), model.state_dict()
        floating = [k for k, v in average.items() if v.dtype.is_floating_point]
        other = [k for k in average if k not in set(floating)]
        self._average = [average[k] for k in floating]
        self._current = [current[k] for k in floating]
        self._copied = [(average[k], current[k]) for k in other]
        self._model = model

    @torch.no_grad()
    def update(self, model: nn.Module) -> None:
        """Move the average towards the model's present weights."""
        if model is not self._model:
            self._pairs(model)
        self.updates += 1
        weight = 1.0 - self.decay * (1.0 - math.exp(-self.updates / self.tau))
        torch._foreach_lerp_(self._average, self._current, weight)
        for average, current in self._copied:
            average.copy_(current)

    def load(self, state: dict[str, torch.Tensor], updates: int) -> None:
        """Take the averaged weights and the update counter of a checkpoint."""
        self.ema.load_state_dict(state)
        self.updates = int(updates)
