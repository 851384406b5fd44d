"""The loss of open-vocabulary segmenters, and which of their scores it should not look at."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from torch import Tensor

from engine.losses.segmentation import SegmentationLoss

# A logit whose cross-entropy with "no such object" is zero, in half precision too
SURELY_NOT = -60.0


class OpenSegmentationLoss(SegmentationLoss):
    """The loss of an instance segmenter whose head maps no classes: boxes, masks, classes, sides."""

    names: tuple[str, ...] = SegmentationLoss.names[:4]

    def __call__(
        self, raw: Mapping[str, Any], batch: Mapping[str, Tensor]
    ) -> tuple[Tensor, Tensor]:
        """Return the loss to descend and its four parts; see :meth:`SegmentationLoss.__call__`."""
        total, items = super().__call__(raw, batch)
        return total, items[: len(self.names)]


def without_classes(raw: Mapping[str, Any], missing: Tensor) -> dict[str, Any]:
    """Return raw tensors in which some images' classes have no part in the loss.

    Images of a batch may be asked about different numbers of phrases; the places that are left over, and
    classes that nobody knows anything about, are neither right nor wrong.

    Args:
        raw: ``scores`` (B, N, A) among others, or such tensors of both sides of a head by their names.
        missing: (B, N) bool.
    """
    if "scores" not in raw:
        return {side: without_classes(tensors, missing) for side, tensors in raw.items()}
    if not bool(missing.any()):
        return dict(raw)
    return {**raw, "scores": raw["scores"].masked_fill(missing[:, :, None], SURELY_NOT)}
