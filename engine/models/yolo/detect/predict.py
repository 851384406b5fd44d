"""Prediction with detection models."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

import numpy as np
import torch

from engine.core.outputs import decoded
from engine.core.predictor import BasePredictor
from engine.core.results import Results
from engine.core.several_looks import check_looks, chosen_branch, look
from engine.ops.boxes import scale_boxes
from engine.ops.nms import best_rows, non_max_suppression

# A head without duplicates gives this many rows or more, of which `classes` and `max_det` take their part.
LEAST_ROWS = 300


class DetectionPredictor(BasePredictor):
    """Finds boxes and classes.

    Examples:
        >>> predictor = DetectionPredictor(overrides={"model": "best.pt", "conf": 0.4})
        >>> results = predictor(source="images")
    """

    task = "detect"
    rotated: ClassVar[bool] = False

    def wanted_branch(self) -> bool | None:
        """Take the branch that makes no duplicates where ``nms=False`` asks for it."""
        return chosen_branch(self.args)

    def setup_model(self, model: Any = None) -> None:
        """Open the network, and see whether it can look several times where it should."""
        super().setup_model(model)
        if self.args.augment:
            check_looks(self.model)

    def inference(self, images: torch.Tensor) -> Any:
        """Run the network, with ``augment=True`` on several views."""
        if not self.args.augment:
            return super().inference(images)
        return look(self.model, images, len(self.model.names), self.model.stride)

    def setup_source(self, source: Any) -> None:
        """Open the source; a head that chooses the best rows itself is told how many."""
        super().setup_source(source)
        network = getattr(
            self.model.backend, "model", None
        )  # exported files have their number inside
        if self.model.end2end and network is not None:
            network.head.max_det = max(self.args.max_det, LEAST_ROWS)

    def postprocess(
        self, outputs: Any, images: torch.Tensor, originals: Sequence[np.ndarray]
    ) -> list[Results]:
        """Select detections and move them into the originals' pixels."""
        kept = self.select(decoded(outputs)[0])
        return [
            self.build_result(rows, images, i, original, outputs)
            for i, (rows, original) in enumerate(zip(kept, originals, strict=True))
        ]

    def build_result(
        self, rows: torch.Tensor, images: torch.Tensor, i: int, original: np.ndarray, outputs: Any
    ) -> Results:
        """Make the result of the ``i``-th image from its detections (n, 6) in the input's pixels."""
        boxes = rows[:, :6].clone()
        boxes[:, :4] = scale_boxes(images.shape[2:], boxes[:, :4], original.shape)
        return Results(original, "", self.model.names, boxes=boxes)

    def select(self, output: torch.Tensor) -> list[torch.Tensor]:
        """Choose the detections of each image, best first.

        Args:
            output: (B, 4 + nc + extras, anchors), from which duplicates are removed, or from a branch that
                makes none rows (B, N, 6 + extras).
        """
        args = self.args
        if self.model.end2end:
            return best_rows(output, args.conf, args.classes, args.max_det)
        return non_max_suppression(
            output,
            conf=args.conf,
            iou=args.iou,
            classes=args.classes,
            agnostic=args.agnostic_nms,
            max_det=args.max_det,
            nc=len(self.model.names),
            rotated=self.rotated,
        )
