"""The loss of classifiers: cross-entropy of one class for the whole image."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from torch import Tensor
from torch.nn.functional import cross_entropy

from engine.losses.shares import share_of_number


class ClassificationLoss:
    """Mean cross-entropy of a batch.

    Smoothing (Szegedy et al., 2016, arXiv:1512.00567) spreads a part of the target over all classes. It is a
    means of learning: without gradients, that is in validation, the plain cross-entropy is measured.

    Attributes:
        label_smoothing: Part of the target that is spread, 0..1.
    """

    names: ClassVar[tuple[str, ...]] = ("loss",)

    def __init__(self, label_smoothing: float = 0.0) -> None:
        self.label_smoothing = label_smoothing

    def __call__(self, logits: Tensor, batch: Mapping[str, Any]) -> tuple[Tensor, Tensor]:
        """Return the loss, and it as the only part (1,) without gradients.

        Args:
            logits: (B, C).
            batch: With ``cls`` (B,) int64.
        """
        smoothing = self.label_smoothing if logits.requires_grad else 0.0
        # Half precision would round the sum over a thousand classes.
        loss = cross_entropy(logits.float(), batch["cls"], label_smoothing=smoothing)
        loss = loss * (len(logits) / share_of_number(len(logits), loss))
        return loss, loss.detach().reshape(1)
