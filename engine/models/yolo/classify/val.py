"""Validation of classifiers: how often the likeliest class, or one of five, is the right one."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch

from engine.core.drawn_confusion import DrawnClassConfusion
from engine.core.given import as_dict, named_data
from engine.core.outputs import decoded
from engine.core.result_text import top_lines
from engine.core.validation_record import ValidationRecord
from engine.core.validator import BaseValidator
from engine.data.class_folders import read_classify_data
from engine.data.classify_dataset import ClassifyDataset
from engine.drawing.mosaic import plot_images
from engine.metrics.classification import TOP, ClassificationMetrics
from engine.metrics.label_statistics import label_statistics
from engine.nn.autobackend import AutoBackend
from engine.runtime.errors import ConfigError, DatasetError
from engine.runtime.log import LOGGER

# What classification data may be
CLASS_FOLDERS = "a folder with one folder a class, or a data.yaml"
Predictions = list[dict[str, torch.Tensor]]


class ClassificationValidator(BaseValidator):
    """Measures classes of whole images.

    Attributes:
        confusion_matrix: Predicted against true classes.

    Examples:
        >>> validator = ClassificationValidator(args={"data": "flowers", "imgsz": 224})
        >>> validator(model="best.pt")["metrics/accuracy_top1"]
    """

    task = "classify"

    def new_metrics(self, names: dict[int, str]) -> ClassificationMetrics:
        """Make empty measures."""
        return ClassificationMetrics(names, DrawnClassConfusion)

    def get_dataset(self) -> dict[str, Any]:
        """Find the class folders.

        Raises:
            ConfigError: No data set was named.
            DatasetError: It has not the wanted split, or not the network's classes.
        """
        data = read_classify_data(named_data(self.args, "validation", CLASS_FOLDERS))
        if data[self.args.split] is None:
            raise DatasetError(
                f"It has no '{self.args.split}' split.",
                path=data["path"],
                remedy=f"Put class folders into a folder called {self.args.split}, "
                "or choose another split.",
            )
        return in_order_of(self.names, data)

    def prepare_network(self, backend: AutoBackend) -> None:
        """Look at the part of a picture that the network learned from, where nobody says another."""
        if "crop_fraction" not in as_dict(self._given):
            self.args.crop_fraction = backend.metadata.crop_fraction

    def build_dataset(self, img_path: Any, batch_size: int) -> ClassifyDataset:
        """Build the data set of the split."""
        if not isinstance(self.args.imgsz, int):
            raise ConfigError(
                f"pictures to classify are cropped to squares, received imgsz={self.args.imgsz}.",
                value=self.args.imgsz,
                remedy="Say one number, or export the model for one.",
            )
        return build_dataset(self.args, img_path, self.data, augment=False)

    def init_metrics(self) -> None:
        """Start the record of a validation on its own."""
        self.record = ValidationRecord()

    @property
    def confusion_matrix(self) -> Any:
        """Predicted against true classes."""
        return self.metrics.confusion_matrix

    def postprocess(self, outputs: Any) -> Predictions:
        """Give the probabilities of each image, ``probs`` (nc,)."""
        return [{"probs": row} for row in decoded(outputs)[0].float()]

    def update_metrics(self, predictions: Predictions, batch: dict[str, Any]) -> None:
        """Compare a batch's likeliest classes with the true ones."""
        probabilities = torch.stack([p["probs"] for p in predictions]).cpu().numpy()
        targets = batch["cls"].cpu().numpy()
        self.metrics.update(probabilities, targets)
        if self.training:
            return
        for i, (row, target) in enumerate(zip(probabilities, targets, strict=True)):
            file, (height, width) = batch["im_file"][i], batch["ori_shape"][i]
            self.record.add_label(file, (width, height), int(target), row)
            if self.args.save_txt:
                self._write_text(Path(file), row)

    def finalize(self) -> None:
        """Write the record and the plots."""
        self.metrics.speed, self.metrics.save_dir = self.speed, self.save_dir
        if self.training:
            return
        path = self.save_dir / "validation.json"
        matrix = self.confusion_matrix
        labels = label_statistics(self.dataloader.dataset.labels, self.names)
        self.record.write(path, self.metrics, matrix, self.speed, self.weights, self.task, labels)
        if self.args.plots:
            matrix.plot(self.save_dir)

    def plot_val_samples(self, batch: dict[str, Any], ni: int) -> None:
        """Draw a batch with its classes to ``val_batchN_labels.jpg``."""
        path = self.save_dir / f"val_batch{ni}_labels.jpg"
        if not (self.training and path.exists()):  # the same every epoch
            self._plot(batch, captions(batch["cls"].tolist(), self.names), path)

    def plot_predictions(self, batch: dict[str, Any], predictions: Predictions, ni: int) -> None:
        """Draw a batch with the likeliest classes to ``val_batchN_pred.jpg``."""
        best = [p["probs"].max(0) for p in predictions]
        texts = captions([int(b.indices) for b in best], self.names)
        texts = [f"{text} {float(b.values):.2f}" for text, b in zip(texts, best, strict=True)]
        self._plot(batch, texts, self.save_dir / f"val_batch{ni}_pred.jpg")

    def _plot(self, batch: dict[str, Any], texts: Sequence[str], path: Path) -> None:
        drawn = {"img": batch["img"], "im_file": batch["im_file"], "captions": texts}
        plot_images(drawn, fname=path)

    def _write_text(self, file: Path, probabilities: Any) -> None:
        """Write an image's likeliest classes; images of different classes may share a name."""
        path = self.save_dir / "labels" / file.parent.name / f"{file.stem}.txt"
        path.parent.mkdir(parents=True, exist_ok=True)
        lines = top_lines(probabilities, self.names, TOP)
        path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")


def build_dataset(args: Any, split: Any, data: dict[str, Any], augment: bool) -> ClassifyDataset:
    """Build the data set of one split from a run's arguments."""
    return ClassifyDataset(
        split,
        imgsz=args.imgsz,
        data=data,
        augment=augment,
        hyp=args,
        cache=args.cache,
        fraction=args.fraction if augment else 1.0,
        seed=args.seed,
        workers=args.workers,
        crop_fraction=args.crop_fraction,
    )


def captions(classes: Sequence[int], names: dict[int, str]) -> list[str]:
    """Name the classes of images."""
    return [names.get(number, str(number)) for number in classes]


def in_order_of(names: dict[int, str], data: dict[str, Any]) -> dict[str, Any]:
    """Number a data set's classes as a network does.

    Args:
        names: The network's class names by id.
        data: What `read_classify_data` returned.

    Raises:
        DatasetError: The network knows none of the classes.
    """
    numbers = {name: number for number, name in names.items()}
    folders = {
        folder: numbers[data["names"][number]]
        for folder, number in data["folders"].items()
        if data["names"][number] in numbers
    }
    strange = [
        data["names"][n] for n in data["folders"].values() if data["names"][n] not in numbers
    ]
    if folders and strange:
        LOGGER.warning("The network has no such classes, left out: %s.", ", ".join(strange))
    if not folders and len(names) == data["nc"]:  # a network whose classes have other words
        return {**data, "names": names}
    if not folders:
        raise DatasetError(
            f"The network knows none of the classes {', '.join(list(data['names'].values())[:5])}.",
            path=data["path"],
            remedy="Validate on the classes that it was trained on.",
        )
    return {**data, "names": names, "folders": folders, "nc": len(names)}
