"""Gathers what a validation finds and says how good the boxes and the masks are."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from engine.metrics.average_precision import AveragePrecision, ap_per_class
from engine.metrics.detection import MEASURES, DetectionMetrics, class_row


class SegmentationMetrics(DetectionMetrics):
    """Box and mask measures of a data set.

    Attributes:
        seg: The mask measures.
    """

    def __init__(self, names: Mapping[int, str] | None = None) -> None:
        super().__init__(names)
        self.seg = AveragePrecision(nc=len(self.names))

    def update(self, tp: Any, conf: Any, pred_cls: Any, target_cls: Any, tp_m: Any = None) -> None:
        """Take in one image.

        Args:
            tp: Which predictions find an object by their box (P, 10).
            conf: Scores (P,).
            pred_cls: Classes (P,).
            target_cls: Classes of the objects (T,).
            tp_m: Which predictions find an object by their mask (P, 10).
        """
        if tp_m is None:
            raise ValueError("expected tp_m, the matches of the masks, received None")
        self._add((tp, conf, pred_cls, target_cls, tp_m))

    def process(self) -> None:
        """Work out the measures from all images so far."""
        super().process()
        _, conf, pred_cls, target_cls, tp_m = self._columns()
        self.seg = ap_per_class(tp_m, conf, pred_cls, target_cls, len(self.names))

    def clear(self) -> None:
        """Forget all images and measures."""
        super().clear()
        self.seg = AveragePrecision(nc=len(self.names))

    @property
    def keys(self) -> list[str]:
        """Names of the measures, in the order of :meth:`mean_results`."""
        return [*super().keys, *(f"metrics/{name}(M)" for name in MEASURES)]

    @property
    def fitness(self) -> float:
        """The number by which checkpoints are compared: mask AP over IoU 0.50 to 0.95."""
        return self.seg.map

    @property
    def maps(self) -> Any:
        """Mask AP of every class id (nc,)."""
        return self.seg.maps

    @property
    def curves(self) -> dict[str, dict[str, object]]:
        """Precision over recall of each class, plain values, by kind."""
        return {**super().curves, "mask": self.seg.curves.to_dict()}

    def mean_results(self) -> list[float]:
        """Return the measures in the order of :attr:`keys`."""
        return self.box.mean_results() + self.seg.mean_results()

    def class_result(self, i: int) -> tuple[float, ...]:
        """Return the measures of the i-th class of :attr:`ap_class_index`."""
        return self.box.class_result(i) + self.seg.class_result(i)

    def _mask_row(self, i: int) -> dict[str, float] | None:
        return class_row(self.seg, i)
