"""Validation of detection models, as COCO counts: boxes in the original image's pixels."""

from __future__ import annotations

from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import torch
from torch.utils.data import DataLoader

from engine.core.coco_json import CocoPredictions
from engine.core.outputs import decoded
from engine.core.result_text import format_lines
from engine.core.validation_record import FOUND_SCORE, SHOWN_SCORE, Objects, ValidationRecord
from engine.core.validator import BaseValidator
from engine.data.build import build_dataloader, build_yolo_dataset
from engine.data.yaml_file import read_data_yaml, require_split
from engine.drawing.curves import plot_confusion_matrix, plot_metric_curves
from engine.drawing.mosaic import plot_images
from engine.metrics.confusion import ConfusionMatrix
from engine.metrics.detection import DetectionMetrics
from engine.metrics.matching import Matches, match_objects
from engine.nn.autobackend import AutoBackend
from engine.ops.boxes import scale_boxes, xywh2xyxy, xyxy2xywh, xyxy2xywhn
from engine.ops.iou import box_iou
from engine.ops.nms import best_rows, non_max_suppression
from engine.runtime.errors import ConfigError
from engine.training.prefetch import loader_workers

Predictions = dict[str, torch.Tensor]
# Images in a picture of a batch
MAX_PICTURED = 16
# Index of IoU 0.5 among the thresholds of a match
AT_HALF = 0


class DetectionValidator(BaseValidator):
    """Measures boxes and classes.

    Attributes:
        confusion_matrix: Predicted against true classes, of a validation on its own.

    Examples:
        >>> validator = DetectionValidator(args={"data": "data.yaml", "imgsz": 640})
        >>> validator(model="best.pt")["metrics/mAP50(B)"]
    """

    task = "detect"
    rotated: ClassVar[bool] = False
    json_file: ClassVar[type[CocoPredictions]] = CocoPredictions

    def new_metrics(self, names: dict[int, str]) -> Any:
        """Make empty box measures."""
        return DetectionMetrics(names)

    def get_dataset(self) -> dict[str, Any]:
        """Read data.yaml.

        Raises:
            ConfigError: No data set was named.
        """
        if not self.args.data:
            raise ConfigError(
                "validation needs data=, the data.yaml of a data set.",
                remedy="Write data=PATH/data.yaml.",
            )
        data = dict(read_data_yaml(self.args.data))
        require_split(data, self.args.split)
        if self.args.single_cls:
            data["names"], data["nc"] = {0: "item"}, 1
        return data

    def get_dataloader(self, dataset_path: Any, batch_size: int) -> DataLoader:
        """Build the loader of the split; images in rectangles where the network takes any size."""
        dataset = build_yolo_dataset(
            self.args,
            dataset_path,
            batch_size,
            self.data,
            mode="val",
            rect=self.args.rect and self.any_size,
            stride=self.stride,
        )
        return build_dataloader(
            dataset, batch_size, loader_workers(self.args.workers, self.device), shuffle=False
        )

    def prepare_network(self, backend: AutoBackend) -> None:
        """Tell a head that chooses the best rows itself how many; exported files have their number inside."""
        head = getattr(getattr(backend.backend, "model", None), "head", None)
        if self.end2end and head is not None:
            head.max_det = self.args.max_det

    def wanted_branch(self) -> bool | None:
        """Take the branch that makes no duplicates where ``nms=False`` asks for it."""
        return None if self.args.nms is None else not self.args.nms

    def init_metrics(self) -> None:
        """Start the matrix and the record of a validation on its own."""
        self.confusion_matrix = ConfusionMatrix(self.names)
        self.record = ValidationRecord()
        self.coco = self.json_file() if self.args.save_json and not self.training else None

    def postprocess(self, outputs: Any) -> list[Predictions]:
        """Select detections: ``bboxes`` (n, 4) corners in input pixels, ``conf``, ``cls``, ``extra``."""
        return [
            {"bboxes": r[:, :4], "conf": r[:, 4], "cls": r[:, 5], "extra": r[:, 6:]}
            for r in self.select(decoded(outputs)[0])
        ]

    def select(self, output: torch.Tensor) -> list[torch.Tensor]:
        """Choose the detections of each image, best first.

        Args:
            output: (B, 4 + nc + extras, anchors), from which duplicates are removed, or from a branch that
                makes none rows (B, N, 6 + extras).
        """
        if self.end2end:
            return best_rows(output, self.conf, self.args.classes, self.args.max_det)
        return non_max_suppression(
            output,
            conf=self.conf,
            iou=self.args.iou,
            classes=self.args.classes,
            agnostic=self.args.agnostic_nms or self.args.single_cls,
            multi_label=True,
            max_det=self.args.max_det,
            nc=len(self.names),
            rotated=self.rotated,
        )

    def update_metrics(self, predictions: list[Predictions], batch: dict[str, Any]) -> None:
        """Match each image's predictions with its labels."""
        for i, found in enumerate(predictions):
            labels = self.labels_of(batch, i)
            boxes = self.to_original(found["bboxes"], labels)
            overlap = self.overlap(labels["bboxes"], boxes)
            conf, classes = found["conf"].cpu().numpy(), found["cls"].cpu().numpy()
            pairs = match_objects(overlap, classes, labels["cls"])
            more = self.match_more(found, labels)
            self.metrics.update(pairs, conf, classes, labels["cls"], **more)
            if self.training:
                continue
            self.confusion_matrix.update(overlap, conf, classes, labels["cls"])
            self._keep(found, boxes, labels, next(iter(more.values()), pairs).index)

    def labels_of(self, batch: dict[str, Any], i: int) -> dict[str, Any]:
        """Give the labels of one image: boxes as corners in the original's pixels, classes, frame."""
        mine = batch["batch_idx"] == i
        height, width = batch["img"].shape[2:]
        labels = {
            "index": i,
            "mine": mine,
            "file": batch["im_file"][i],
            "input_shape": (height, width),
            "ori_shape": tuple(batch["ori_shape"][i]),
            "ratio_pad": batch["ratio_pad"][i],
            "cls": batch["cls"][mine].view(-1).cpu().numpy(),
        }
        boxes = self.from_fractions(batch["bboxes"][mine], (height, width))
        labels["bboxes"] = self.to_original(boxes, labels)
        return labels

    def from_fractions(self, boxes: torch.Tensor, shape: tuple[int, int]) -> torch.Tensor:
        """Turn a batch's boxes into what predictions have: corners in input pixels of (height, width)."""
        height, width = shape
        return xywh2xyxy(boxes * boxes.new_tensor([width, height, width, height]))

    def to_fractions(self, boxes: torch.Tensor, shape: tuple[int, int]) -> torch.Tensor:
        """Turn predictions' boxes into what a batch has: centre and size as fractions."""
        return xyxy2xywhn(boxes, w=shape[1], h=shape[0])

    def overlap(self, truth: torch.Tensor, boxes: torch.Tensor) -> torch.Tensor:
        """Say how much labels and predictions overlap, (T, P) in 0..1."""
        return box_iou(truth, boxes)

    def to_original(self, boxes: torch.Tensor, labels: dict[str, Any]) -> torch.Tensor:
        """Move corners from the network's input into the original image."""
        frame = labels["input_shape"], labels["ori_shape"], labels["ratio_pad"]
        return scale_boxes(frame[0], boxes.float(), frame[1], ratio_pad=frame[2])

    def match_more(self, found: Predictions, labels: dict[str, Any]) -> dict[str, Matches]:
        """Match what a task has beside boxes, by the argument that its metrics take."""
        return {}

    def outlines(
        self, found: Predictions, labels: dict[str, Any], rows: np.ndarray
    ) -> tuple[list[np.ndarray] | None, list[np.ndarray] | None]:
        """Give the outlines of the labels and of some predictions; None for a task without."""
        return None, None

    def complete(
        self,
        truth: Objects,
        seen: Objects,
        found: Predictions,
        labels: dict[str, Any],
        rows: np.ndarray,
    ) -> None:
        """Add to the record's labels and predictions (``rows`` of ``found``) what a task has beside boxes."""

    def finalize(self) -> None:
        """Write the record and the plots."""
        self.metrics.speed, self.metrics.save_dir = self.speed, self.save_dir
        if self.training:
            return
        path = self.save_dir / "validation.json"
        self.record.write(
            path, self.metrics, self.confusion_matrix, self.speed, self.weights, self.task
        )
        if self.coco is not None:
            self.coco.write(self.save_dir / "predictions.json")
        if self.args.plots:
            plot_metric_curves(self.metrics, self.save_dir)
            plot_confusion_matrix(self.confusion_matrix, self.save_dir)

    def plot_val_samples(self, batch: dict[str, Any], ni: int) -> None:
        """Draw a batch with its labels to ``val_batchN_labels.jpg``."""
        if self.training and self.save_dir.joinpath(f"val_batch{ni}_labels.jpg").exists():
            return  # the same every epoch
        plot_images(batch, fname=self.save_dir / f"val_batch{ni}_labels.jpg", names=self.names)

    def plot_predictions(
        self, batch: dict[str, Any], predictions: list[Predictions], ni: int
    ) -> None:
        """Draw a batch with its predictions to ``val_batchN_pred.jpg``."""
        height, width = batch["img"].shape[2:]
        drawn = self.drawable(predictions[:MAX_PICTURED], (height, width))
        drawn["bboxes"] = self.to_fractions(drawn["bboxes"], (height, width))
        drawn |= {"img": batch["img"], "im_file": batch["im_file"]}
        plot_images(
            drawn,
            fname=self.save_dir / f"val_batch{ni}_pred.jpg",
            names=self.names,
            max_images=MAX_PICTURED,
        )

    def drawable(
        self, predictions: list[Predictions], shape: tuple[int, int]
    ) -> dict[str, torch.Tensor]:
        """Give the sure predictions of some images as flat lists: corners in input pixels, and more.

        Args:
            predictions: One dictionary an image.
            shape: (height, width) of the network's input.
        """
        rows = [torch.where(p["conf"] >= FOUND_SCORE)[0] for p in predictions]
        lists = {
            key: torch.cat([p[key][r] for p, r in zip(predictions, rows, strict=True)]).cpu()
            for key in ("bboxes", "cls", "conf")
        }
        image = torch.arange(len(rows)).repeat_interleave(torch.tensor([len(r) for r in rows]))
        return {"batch_idx": image, **lists}

    def _keep(
        self, found: Predictions, boxes: torch.Tensor, labels: dict[str, Any], pairs: np.ndarray
    ) -> None:
        """Write one image to the record and to the files that were asked for."""
        conf = found["conf"].cpu().numpy()
        everything = self.args.save_txt or self.coco is not None
        rows = np.flatnonzero(conf >= (0 if everything else SHOWN_SCORE))
        truth_outlines, outlines = self.outlines(found, labels, rows)
        sure = pairs[conf >= FOUND_SCORE, AT_HALF]
        truth = Objects(
            labels["cls"],
            labels["bboxes"].cpu().numpy(),
            truth_outlines,
            np.isin(np.arange(len(labels["cls"])), sure),
        )
        seen = Objects(
            found["cls"].cpu().numpy()[rows],
            boxes.cpu().numpy()[rows],
            outlines,
            pairs[rows, AT_HALF] >= 0,
            conf[rows],
        )
        self.complete(truth, seen, found, labels, rows)
        height, width = labels["ori_shape"]
        self.record.add(labels["file"], (width, height), truth, seen.at_least(SHOWN_SCORE))
        if self.coco is not None:
            self.coco.add(labels["file"], (width, height), seen)
        if self.args.save_txt:
            self._write_text(labels, seen)

    def _write_text(self, labels: dict[str, Any], seen: Objects) -> None:
        """Write one image's predictions as label text."""
        height, width = labels["ori_shape"]
        size = np.array([width, height], dtype=np.float32)
        outlines = seen.outlines if seen.corners is None else list(seen.corners)
        outlines = None if outlines is None else [o / size for o in outlines]
        boxes = xyxy2xywh(seen.boxes) / np.tile(size, 2)
        points = None
        if seen.keypoints is not None:
            points = seen.keypoints / np.append(size, 1)[: seen.keypoints.shape[2]]
            points = points.reshape(len(points), -1)
        scores = seen.scores if self.args.save_conf else None
        lines = format_lines(seen.classes, boxes, outlines, scores, points_n=points)
        path = self.save_dir / "labels" / f"{Path(labels['file']).stem}.txt"
        path.parent.mkdir(exist_ok=True)
        path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
