"""Validation of semantic segmentation: every pixel of the original images counts once.

Logits are brought into the original's frame as prediction does, and compared with the mask as it was drawn.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F

from engine.core.given import named_data
from engine.core.outputs import decoded
from engine.core.result_image import SemanticMask
from engine.core.result_picture import write_class_map
from engine.core.validation_record import ValidationRecord
from engine.core.validator import BaseValidator
from engine.data.semantic_dataset import build_semantic_dataset, read_semantic_yaml
from engine.data.yaml_file import require_split
from engine.drawing.class_maps import plot_class_scores
from engine.drawing.curves import plot_confusion_matrix
from engine.drawing.mosaic import plot_images
from engine.metrics.semantic import SemanticMetrics
from engine.models.yolo.semseg.predict import strongest_class
from engine.runtime.errors import ConfigError

# Images in a picture of a batch
MAX_PICTURED = 16


class SemSegValidator(BaseValidator):
    """Measures the class of each pixel.

    Attributes:
        confusion_matrix: Predicted against true classes, in pixels.

    Examples:
        >>> validator = SemSegValidator(args={"data": "data.yaml", "imgsz": 640})
        >>> validator(model="best.pt")["metrics/mIoU"]
    """

    task = "semseg"

    def new_metrics(self, names: dict[int, str]) -> SemanticMetrics:
        """Make empty measures of class maps."""
        return SemanticMetrics(names, self.args.classes)

    def get_dataset(self) -> dict[str, Any]:
        """Read data.yaml; see `read_semantic_yaml`.

        Raises:
            ConfigError: No data set was named.
            DatasetError: Its description cannot be used.
        """
        data = read_semantic_yaml(named_data(self.args, "validation"), bool(self.args.single_cls))
        require_split(data, self.args.split)
        return data

    def build_dataset(self, img_path: Any, batch_size: int) -> Any:
        """Build the data set of the split; images in rectangles where the network takes any size."""
        return build_semantic_dataset(
            self.args,
            img_path,
            batch_size,
            self.data,
            mode="val",
            rect=self.args.rect and self.any_size,
            stride=self.stride,
        )

    def init_metrics(self) -> None:
        """Start the record of a validation on its own.

        Raises:
            ConfigError: The model's classes are not those of the data set.
        """
        wanted = (self.data or {}).get("nc", len(self.names))
        if len(self.names) != wanted:
            raise ConfigError(
                f"the model tells {len(self.names)} classes apart, the data set has {wanted}.",
                path=self.data.get("yaml_file"),
                remedy="Validate on a data set with the model's classes; polygons have a background too.",
            )
        self.record = ValidationRecord()

    @property
    def confusion_matrix(self) -> Any:
        """Predicted against true classes, in pixels."""
        return self.metrics.confusion_matrix

    def preprocess(self, batch: dict[str, Any]) -> dict[str, Any]:
        """Make a batch ready, and remember the frames of its images."""
        self._batch = super().preprocess(batch)
        return self._batch

    def postprocess(self, outputs: Any) -> list[dict[str, torch.Tensor]]:
        """Give each image's ``logits`` (nc, h, w) and ``classes`` (H, W) uint8 in the original's frame."""
        batch, found = self._batch, []
        for i, logits in enumerate(decoded(outputs)[0].float()):
            enlarged = F.interpolate(logits[None], batch["img"].shape[2:], mode="bilinear")[0]
            shape, ratio_pad = batch["ori_shape"][i], batch["ratio_pad"][i]
            classes = strongest_class(enlarged, shape, ratio_pad).to(torch.uint8)
            found.append({"logits": logits, "classes": classes})
        return found

    def update_metrics(
        self, predictions: list[dict[str, torch.Tensor]], batch: dict[str, Any]
    ) -> None:
        """Compare the class of each pixel of the originals with the masks'."""
        rows = zip(predictions, batch["ori_masks"], batch["im_file"], strict=True)
        for found, truth, file in rows:
            predicted = found["classes"].cpu().numpy()
            self.metrics.update(truth, predicted)
            if not self.training:
                self._keep(file, truth, predicted)

    def finalize(self) -> None:
        """Write the record and the plots."""
        self.metrics.speed, self.metrics.save_dir = self.speed, self.save_dir
        if self.training:
            return
        self.record.write(
            self.save_dir / "validation.json",
            self.metrics,
            self.confusion_matrix,
            self.speed,
            self.weights,
            self.task,
        )
        if self.args.plots:
            plot_confusion_matrix(self.confusion_matrix, self.save_dir)
            plot_class_scores(self.metrics.semseg.IoUs, self.names, self.save_dir)

    def plot_val_samples(self, batch: dict[str, Any], ni: int) -> None:
        """Draw a batch with its class maps to ``val_batchN_labels.jpg``."""
        path = self.save_dir / f"val_batch{ni}_labels.jpg"
        if self.training and path.exists():
            return  # the same every epoch
        shown = {"img": batch["img"], "class_maps": batch["masks"], "im_file": batch["im_file"]}
        plot_images(shown, fname=path, names=self.names)

    def plot_predictions(
        self, batch: dict[str, Any], predictions: list[dict[str, torch.Tensor]], ni: int
    ) -> None:
        """Draw a batch with what was predicted to ``val_batchN_pred.jpg``."""
        logits = torch.stack([found["logits"] for found in predictions[:MAX_PICTURED]])
        classes = F.interpolate(logits, batch["img"].shape[2:], mode="bilinear").argmax(1)
        shown = {
            "img": batch["img"][:MAX_PICTURED],
            "class_maps": classes,
            "im_file": batch["im_file"],
        }
        plot_images(shown, fname=self.save_dir / f"val_batch{ni}_pred.jpg", names=self.names)

    def _keep(self, file: str, truth: np.ndarray, predicted: np.ndarray) -> None:
        """Write one image to the record and, where it is asked for, its classes to a mask."""
        height, width = truth.shape
        self.record.add_maps(file, (width, height), truth, predicted)
        if self.args.save_txt:
            mask = SemanticMask(predicted, (height, width))
            write_class_map(mask, self.save_dir / "labels" / f"{Path(file).stem}.png")
