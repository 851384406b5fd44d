"""Validation of pose models: the detection validator with keypoints, compared by their similarity (OKS)."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch

from engine.core.validation_record import FOUND_SCORE, Objects
from engine.data.keypoints import keypoint_shape
from engine.metrics.matching import Matches
from engine.metrics.pose import PoseMetrics, match_keypoints
from engine.models.yolo.detect.val import DetectionValidator, Predictions
from engine.nn.autobackend import AutoBackend
from engine.ops.boxes import scale_coords
from engine.runtime.errors import DatasetError, ModelError


class PoseValidator(DetectionValidator):
    """Measures boxes, classes and keypoints.

    Attributes:
        kpt_shape: (K, D), the number of keypoints that the model places and of values to each.

    Examples:
        >>> validator = PoseValidator(args={"data": "data.yaml"})
        >>> validator(model="best.pt")["metrics/mAP50(P)"]
    """

    task = "pose"

    kpt_shape: tuple[int, int]

    def new_metrics(self, names: dict[int, str]) -> Any:
        """Make empty box and keypoint measures."""
        return PoseMetrics(names)

    def prepare_network(self, backend: AutoBackend) -> None:
        """Remember which keypoints the model places.

        Raises:
            ModelError: A file does not say so.
        """
        super().prepare_network(backend)
        if backend.kpt_shape is None:
            raise ModelError(
                "the file does not say how many keypoints it places.",
                path=self.weights,
                remedy="Export it anew from its .pt file.",
            )
        self.kpt_shape = backend.kpt_shape

    def get_dataset(self) -> dict[str, Any]:
        """Read data.yaml.

        Raises:
            ConfigError: No data set was named.
            DatasetError: It has other keypoints than the model.
        """
        data = super().get_dataset()
        count = keypoint_shape(data)[0]
        if self.kpt_shape[0] != count:
            raise DatasetError(
                f"Its objects have {count} keypoints, the model places {self.kpt_shape[0]}.",
                path=data.get("yaml_file"),
                value=count,
                remedy="Validate on the data set that the model was trained for.",
            )
        return data

    def postprocess(self, outputs: Any) -> list[Predictions]:
        """Select detections with their ``keypoints`` (n, K, D) in input pixels."""
        found = super().postprocess(outputs)
        return [{**p, "keypoints": p["extra"].float().view(-1, *self.kpt_shape)} for p in found]

    def labels_of(self, batch: dict[str, Any], i: int) -> dict[str, Any]:
        """Give the labels of one image with their keypoints (T, K, 3) in the original's pixels."""
        labels = super().labels_of(batch, i)
        if labels["annotated"] is not None:
            points = labels["annotated"].keypoints(self.kpt_shape[0])
            return {**labels, "keypoints": torch.from_numpy(points), "object_area": labels["area"]}
        height, width = labels["input_shape"]
        keypoints = batch["keypoints"][labels["mine"]]
        in_input = keypoints * keypoints.new_tensor([width, height, 1])
        labels["keypoints"] = self._to_original(in_input, labels)
        return labels

    def match_more(self, found: Predictions, labels: dict[str, Any]) -> dict[str, Matches]:
        """Match keypoints."""
        matches = match_keypoints(
            labels["keypoints"],
            self._to_original(found["keypoints"], labels),
            labels["bboxes"],
            found["cls"],
            labels["cls"],
            labels.get("object_area"),  # a label file knows boxes only
            labels["crowd"],
        )
        return {"tp_p": matches}

    def complete(
        self,
        truth: Objects,
        seen: Objects,
        found: Predictions,
        labels: dict[str, Any],
        rows: np.ndarray,
    ) -> None:
        """Add the keypoints to the record's labels and predictions."""
        truth.keypoints = labels["keypoints"].cpu().numpy()
        seen.keypoints = self._to_original(found["keypoints"], labels).cpu().numpy()[rows]

    def drawable(
        self, predictions: list[Predictions], shape: tuple[int, int]
    ) -> dict[str, torch.Tensor]:
        """Add the keypoints to what is drawn, as fractions."""
        height, width = shape
        sure = torch.cat([p["keypoints"][p["conf"] >= FOUND_SCORE] for p in predictions]).cpu()
        scale = sure.new_tensor([width, height, 1])[: self.kpt_shape[1]]
        return {**super().drawable(predictions, shape), "keypoints": sure / scale}

    def _open_annotations(self) -> None:
        """Read the COCO annotations that data.yaml names.

        Raises:
            DatasetError: No object of theirs has the keypoints of the model.
        """
        super()._open_annotations()
        known, count = self.annotations, self.kpt_shape[0]
        if known is not None and not known.knows_keypoints(count):
            raise DatasetError(
                f"no object of these annotations has {count} keypoints.",
                path=known.path,
                remedy="Name the file with the keypoints, or remove 'annotations' from data.yaml.",
            )

    def _join(self, trainer: Any) -> Any:
        """Take over the trainer's device, data and averaged network, and which keypoints it places."""
        network = super()._join(trainer)
        self.kpt_shape = network.kpt_shape
        return network

    def _to_original(self, points: torch.Tensor, labels: dict[str, Any]) -> torch.Tensor:
        """Move points (..., 2 or 3) from the network's input into the original image."""
        frame = labels["input_shape"], labels["ori_shape"], labels["ratio_pad"]
        moved: torch.Tensor = scale_coords(frame[0], points, frame[1], ratio_pad=frame[2])
        return moved
