"""Validation of detection models, as COCO counts: boxes in the original image's pixels.

What it measures; what it writes and draws is in `engine.models.yolo.detect.keeping`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np
import torch

from engine.core.annotations import Annotations, find_annotations
from engine.core.coco_json import CocoPredictions, sort_key
from engine.core.drawn_confusion import DrawnConfusion
from engine.core.given import named_data
from engine.core.outputs import decoded
from engine.core.several_looks import check_looks, chosen_branch, look
from engine.core.validation_record import ValidationRecord
from engine.data.build import build_yolo_dataset
from engine.data.fetch import open_data_yaml
from engine.data.yaml_file import require_split
from engine.drawing.curves import plot_confusion_matrix, plot_metric_curves
from engine.metrics.detection import DetectionMetrics
from engine.metrics.label_statistics import label_statistics
from engine.metrics.matching import Matches, match_objects
from engine.metrics.overlaps import box_areas, box_overlaps
from engine.models.yolo.detect.keeping import KeepingValidator, Predictions
from engine.nn.autobackend import AutoBackend
from engine.ops.boxes import scale_boxes, xywh2xyxy
from engine.ops.nms import best_rows, non_max_suppression
from engine.runtime.errors import DatasetError
from engine.runtime.log import LOGGER

# What of a batch is measured; the rest stays on the device
LABEL_KEYS = ("batch_idx", "cls", "bboxes", "keypoints")
ANNOTATED_TASKS = ("detect", "segment", "pose")
SINGLE = {0: "item"}


class DetectionValidator(KeepingValidator):
    """Measures boxes and classes.

    Attributes:
        confusion_matrix: Predicted against true classes, of a validation on its own.
        annotations: COCO annotations that count instead of label files; None where data.yaml names none.
        nc: Number of classes that the network knows; with ``single_cls`` they are taken together.

    Examples:
        >>> validator = DetectionValidator(args={"data": "data.yaml", "imgsz": 640})
        >>> validator(model="best.pt")["metrics/mAP50(B)"]
    """

    task = "detect"
    rotated: ClassVar[bool] = False
    json_file: ClassVar[type[CocoPredictions]] = CocoPredictions
    annotations: Annotations | None = None
    nc: int = 0

    def new_metrics(self, names: dict[int, str]) -> Any:
        """Make empty box measures."""
        return DetectionMetrics(names)

    def get_dataset(self) -> dict[str, Any]:
        """Read data.yaml.

        Raises:
            ConfigError: No data set was named.
            DatasetError: It has more classes than the model knows.
        """
        data = dict(open_data_yaml(named_data(self.args, "validation")))
        require_split(data, self.args.split)
        if self.args.single_cls:
            data["label_nc"], data["names"], data["nc"] = data["nc"], SINGLE, 1
        check_classes(data, self.names)
        return data

    def build_dataset(self, img_path: Any, batch_size: int) -> Any:
        """Build the data set of the split; images in rectangles where the network takes any size."""
        return build_yolo_dataset(
            self.args,
            img_path,
            batch_size,
            self.data,
            mode="val",
            rect=self.args.rect and self.any_size,
            stride=self.stride,
        )

    def prepare_network(self, backend: AutoBackend) -> None:
        """Tell a head that chooses the best rows itself how many; exported files have their number inside."""
        head = getattr(getattr(backend.backend, "model", None), "head", None)
        if self.end2end and head is not None:
            head.max_det = self.args.max_det

    def _open(self, model: Any) -> Any:
        """Open a model; with ``single_cls`` all its classes count as one."""
        backend = super()._open(model)
        self.nc, self.stride = len(self.names), backend.stride
        if self.args.single_cls:
            self.names = SINGLE
        if self.args.augment:
            check_looks(backend)
        return backend

    def _join(self, trainer: Any) -> Any:
        """Take over the trainer's device, data and averaged network."""
        network = super()._join(trainer)
        self.nc = len(self.names)
        return network

    def _label_statistics(self) -> dict[str, Any] | None:
        """Describe the labels of the split."""
        labels = getattr(self.dataloader.dataset, "labels", None)
        return None if labels is None else label_statistics(labels, self.names)

    def wanted_branch(self) -> bool | None:
        """Take the branch that makes no duplicates where ``nms=False`` asks for it."""
        return chosen_branch(self.args)

    def infer(self, network: Any, images: torch.Tensor) -> Any:
        """Run the network on a batch, with ``augment=True`` on several views."""
        if self.training or not self.args.augment:
            return super().infer(network, images)
        return look(network, images, self.nc, self.stride)

    def init_metrics(self) -> None:
        """Start the matrix and the record of a validation on its own."""
        self.confusion_matrix = DrawnConfusion(self.names)
        self.record = ValidationRecord()
        self.coco = self.json_file() if self.args.save_json and not self.training else None
        self._open_annotations()

    def _open_annotations(self) -> None:
        """Read the COCO annotations that data.yaml names, once."""
        if self.task not in ANNOTATED_TASKS or self.data is None:
            return
        path = find_annotations(self.data, self.args.split)
        if path is None:
            self.annotations = None
        elif self.annotations is None or self.annotations.path != path:
            self.annotations = Annotations(path, self.names, self.args.single_cls)
            self.log(
                f"Objects are those of {path}, with crowds; label files are used for other images."
            )

    def postprocess(self, outputs: Any) -> list[Predictions]:
        """Select detections: ``bboxes`` (n, 4) corners in input pixels, ``conf``, ``cls``, ``extra``."""
        found = [
            {"bboxes": r[:, :4], "conf": r[:, 4], "cls": r[:, 5], "extra": r[:, 6:]}
            for r in self.select(decoded(outputs)[0])
        ]
        for one in found if self.args.single_cls else ():
            one["cls"] = torch.zeros_like(one["cls"])
        return found

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
            nc=self.nc,
            rotated=self.rotated,
        )

    def update_metrics(self, predictions: list[Predictions], batch: dict[str, Any]) -> None:
        """Match each image's predictions with its labels."""
        batch = {k: v.cpu() if k in LABEL_KEYS else v for k, v in batch.items()}
        for i, found in enumerate(predictions):
            here = {k: v if k == "proto" else v.cpu() for k, v in found.items()}
            self._measure(here, self.labels_of(batch, i))

    def _measure(self, found: Predictions, labels: dict[str, Any]) -> None:
        """Match one image's predictions, and keep them where the validation is not a training's."""
        boxes = self.to_original(found["bboxes"], labels)
        crowd, truth = labels["crowd"], labels["bboxes"]
        overlap = np.asarray(self.overlap(truth, boxes))
        if crowd.any():
            overlap[crowd] = box_overlaps(truth[crowd].numpy(), boxes.numpy(), crowd[crowd])
        conf, classes = found["conf"].numpy(), found["cls"].numpy()
        found["area"] = self.areas(boxes)
        if labels["area"] is None:
            labels["area"] = self.areas(truth)
        more = self.match_more(found, labels)
        areas = found["area"], labels["area"]
        pairs = match_objects(overlap, classes, labels["cls"], *areas, crowd)
        image = sort_key(labels["file"])
        self.metrics.update(pairs, conf, classes, labels["cls"], image=image, **more)
        if self.training:
            return
        counts = (pairs.ignored & 1) == 0  # those who found a crowd are neither right nor wrong
        shown = overlap[~crowd][:, counts]
        self.confusion_matrix.update(shown, conf[counts], classes[counts], labels["cls"][~crowd])
        self._keep(found, boxes, labels, next(iter(more.values()), pairs).index)

    def labels_of(self, batch: dict[str, Any], i: int) -> dict[str, Any]:
        """Give the labels of one image: boxes as corners in the original's pixels, classes, frame."""
        mine = batch["batch_idx"] == i
        which = np.arange(int(mine.sum()))
        if (
            self.args.classes is not None and not self.training
        ):  # what is not looked for is not missed
            which = np.flatnonzero(np.isin(batch["cls"][mine].view(-1), self.args.classes))
            mine = mine.nonzero().view(-1)[which]
        height, width = batch["img"].shape[2:]
        labels = {
            "index": i,
            "mine": mine,
            "which": which,
            "file": batch["im_file"][i],
            "input_shape": (height, width),
            "ori_shape": tuple(batch["ori_shape"][i]),
            "ratio_pad": batch["ratio_pad"][i],
            "cls": batch["cls"][mine].view(-1).numpy(),
            "crowd": np.zeros(len(which), dtype=bool),
            "area": None,
        }
        boxes = self.from_fractions(batch["bboxes"][mine], (height, width))
        labels["bboxes"] = self.to_original(boxes, labels)
        self._take_annotations(labels)
        return labels

    def wanted(self, classes: np.ndarray) -> np.ndarray:
        """Give the numbers of the labels (T,) that count: with ``classes=`` what is not looked for is not missed."""
        if self.args.classes is None or self.training:
            return np.arange(len(classes))
        return np.flatnonzero(np.isin(classes, self.args.classes))

    def _take_annotations(self, labels: dict[str, Any]) -> None:
        """Put what COCO annotations say of an image, where there are any, in place of its label file's."""
        labels["annotated"] = None
        if self.annotations is None:
            return
        image = self.annotations.of(labels["file"], labels["ori_shape"])
        if image is not None:
            image = image.take(self.wanted(image.classes))
            labels |= {"annotated": image, "cls": image.classes, "crowd": image.crowd}
            labels |= {"area": image.areas, "bboxes": torch.from_numpy(image.boxes)}

    def from_fractions(self, boxes: torch.Tensor, shape: tuple[int, int]) -> torch.Tensor:
        """Turn a batch's boxes into what predictions have: corners in input pixels of (height, width)."""
        height, width = shape
        return xywh2xyxy(boxes * boxes.new_tensor([width, height, width, height]))

    def overlap(self, truth: torch.Tensor, boxes: torch.Tensor) -> Any:
        """Say how much labels and predictions overlap, (T, P) in 0..1."""
        return box_overlaps(truth.numpy(), boxes.numpy())

    def areas(self, boxes: torch.Tensor) -> np.ndarray:
        """Give the areas of boxes in pixels of the original image (N,)."""
        values = boxes.numpy().astype(np.float64)
        areas: np.ndarray = values[:, 2] * values[:, 3] if self.rotated else box_areas(values)
        return areas

    def to_original(self, boxes: torch.Tensor, labels: dict[str, Any]) -> torch.Tensor:
        """Move corners from the network's input into the original image."""
        frame = labels["input_shape"], labels["ori_shape"], labels["ratio_pad"]
        return scale_boxes(frame[0], boxes.float(), frame[1], ratio_pad=frame[2])

    def match_more(self, found: Predictions, labels: dict[str, Any]) -> dict[str, Matches]:
        """Match what a task has beside boxes, by the argument that its metrics take."""
        return {}

    def finalize(self) -> None:
        """Write the record and the plots."""
        self.metrics.speed, self.metrics.save_dir = self.speed, self.save_dir
        if self.training:
            return
        self.metrics.confusion_matrix = self.confusion_matrix
        path = self.save_dir / "validation.json"
        self.record.write(
            path, self.metrics, self.confusion_matrix, self.speed, self.weights, self.task,
            self._label_statistics(),
        )  # fmt: skip
        if self.coco is not None:
            self.coco.write(self.save_dir / "predictions.json")
        if self.args.plots:
            plot_metric_curves(self.metrics, self.save_dir)
            plot_confusion_matrix(self.confusion_matrix, self.save_dir)


def check_classes(data: Mapping[str, Any], names: Mapping[int, str]) -> None:
    """Compare the classes of a data set with those that a model knows.

    Raises:
        DatasetError: It has more.
    """
    given = data["names"]
    if data.get("nc") == 1 and given == SINGLE:
        return
    if len(given) > len(names):
        raise DatasetError(
            f"It has {len(given)} classes, the model knows {len(names)}.",
            path=data.get("yaml_file"),
            value=len(given),
            remedy="Validate on the data set that the model was trained for, or with single_cls=True.",
        )
    # A new network calls its classes by their numbers.
    other = [i for i in given if names[i] not in (given[i], str(i))]
    if other:
        LOGGER.warning(
            "Class %d is %r in the data set and %r in the model (%d differ); classes are compared by number.",
            other[0], given[other[0]], names[other[0]], len(other),
        )  # fmt: skip
