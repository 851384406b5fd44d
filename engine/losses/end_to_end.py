"""The loss of a head with two branches: one-to-many to learn from, one-to-one to need no suppression.

Consistent dual assignments (YOLOv10, Wang et al. 2024): both branches are matched by the same measure, so
that the anchor that the one-to-one branch takes is the best of those of the other. Which branch counts more
moves over the training, as in YOLO26: first many anchors, which teach the network, then the single one.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from torch import Tensor

from engine.losses.detection import DetectionLoss

# Most anchors of an object in each branch
TOPK = {"one2many": 10, "one2one": 1}
# Small objects have four candidates at least (the small-target-aware assignment of YOLO26): with the single
# one that a cell gives, a branch that takes one anchor would have no choice.
LEAST_CELLS = 2.0
# Share of the one-to-many branch at the start and at the end of a training
FIRST_SHARE, LAST_SHARE = 0.8, 0.1


class EndToEndLoss:
    """Weighs the losses of both branches.

    Attributes:
        names: What the items are called.
        branches: The loss of each branch, by its name in the raw tensors.
        progress: Share of the training that is over, 0..1.
    """

    def __init__(self, make: Callable[..., DetectionLoss]) -> None:
        """Prepare.

        Args:
            make: Makes the loss of one branch, called with ``topk`` and ``least_cells``.
        """
        self.branches = {
            name: make(topk=topk, least_cells=LEAST_CELLS) for name, topk in TOPK.items()
        }
        self.names = self.branches["one2many"].names
        self.progress = 0.0

    def __call__(
        self, raw: Mapping[str, Any], batch: Mapping[str, Tensor]
    ) -> tuple[Tensor, Tensor]:
        """Return the loss to descend and its parts.

        Args:
            raw: The raw tensors of each branch under its name; of a fused model's the one that is left.
            batch: As the branches' losses take it.

        Returns:
            The weighted sum of the branches' losses, and the mean of their parts without the weights:
            a curve of it shows what was learnt, not how the weights moved.
        """
        both = {name: self.branches[name](tensors, batch) for name, tensors in raw.items()}
        shares = branch_shares(self.progress)
        weight = sum(shares[name] for name in both)
        totals = [shares[name] / weight * total for name, (total, _) in both.items()]
        items = [items for _, items in both.values()]
        return sum(totals[1:], totals[0]), sum(items[1:], items[0]) / len(items)


def branch_shares(progress: float) -> dict[str, float]:
    """Return the weight of each branch, 1 in all, where ``progress`` (0..1) of the training is over."""
    progress = min(max(progress, 0.0), 1.0)
    many = FIRST_SHARE + (LAST_SHARE - FIRST_SHARE) * progress
    return {"one2many": many, "one2one": 1 - many}
