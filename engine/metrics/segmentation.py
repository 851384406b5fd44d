"""Gathers what a validation finds and says how good the boxes and the masks are."""

from __future__ import annotations

from typing import ClassVar

from engine.metrics.detection import BOX, DetectionMetrics, Part
from engine.metrics.measures import AveragePrecision

MASK = Part("seg", "M", "tp_m", "mask", "Mask")


class SegmentationMetrics(DetectionMetrics):
    """Box and mask measures of a data set; :meth:`update` takes the matches of the masks as ``tp_m``.

    Attributes:
        seg: The mask measures.
    """

    parts: ClassVar[tuple[Part, ...]] = (BOX, MASK)
    seg: AveragePrecision
