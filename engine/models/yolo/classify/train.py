"""Training of classifiers: folders of classes for data, one class for the whole image."""

from __future__ import annotations

from typing import Any

import torch
from torch import nn

from engine.core.given import named_data
from engine.data.class_folders import read_classify_data
from engine.data.classify_dataset import ClassifyDataset
from engine.drawing.mosaic import plot_images
from engine.models.yolo.classify.val import (
    CLASS_FOLDERS,
    ClassificationValidator,
    build_dataset,
    captions,
)
from engine.models.yolo.detect.train import DetectionTrainer
from engine.nn.task_models import ClassificationModel
from engine.runtime.errors import DatasetError


class ClassificationTrainer(DetectionTrainer):
    """Trains a class for the whole image; loaders, plots of curves and model building are the detector's.

    Examples:
        >>> trainer = ClassificationTrainer(overrides={"model": "yolo11n-cls.yaml", "data": "flowers"})
        >>> trainer.train()
        >>> trainer.best
    """

    task = "classify"
    default_model = "yolo11n-cls.yaml"
    loss_names: tuple[str, ...] = ("loss",)
    model_class = ClassificationModel
    validator_class = ClassificationValidator

    def get_dataset(self) -> dict[str, Any]:
        """Find the class folders.

        Raises:
            ConfigError: No data set was named.
            DatasetError: It cannot be used.
        """
        data = read_classify_data(named_data(self.args, "training", CLASS_FOLDERS))
        if data["train"] is None:
            raise DatasetError(
                "It has no images to train on.",
                path=data["path"],
                remedy="Put the class folders into a folder called train.",
            )
        data["val"] = data["val"] or data["test"]
        return data

    def build_dataset(
        self, img_path: Any, mode: str = "train", batch: int | None = None
    ) -> ClassifyDataset:
        """Build the data set of one split, augmented for training."""
        return build_dataset(self.args, img_path, self.data, augment=mode == "train")

    def preprocess_batch(self, batch: dict[str, Any]) -> dict[str, Any]:
        """Move a batch to the device; a single picture comes with its mirror image.

        At 32 pixels the last maps are one pixel, and normalisation has nothing to compare a lone one with.
        """
        batch = super().preprocess_batch(batch)
        if len(batch["img"]) == 1:
            batch["img"] = torch.cat((batch["img"], batch["img"].flip(3)))
            batch["cls"] = batch["cls"].repeat(2)
            # What is told of each picture, such as its file, is told of the mirror image too.
            twice = {k: v * 2 for k, v in batch.items() if isinstance(v, (list, tuple))}
            batch.update(twice)
        return batch

    def set_model_attributes(self) -> None:
        """Give the model the names of the classes, the arguments, and the dropout of its head."""
        super().set_model_attributes()
        for module in self.model.modules():
            if isinstance(module, nn.Dropout):
                module.p = self.args.dropout

    def names_of_loss(self) -> tuple[str, ...]:
        """Name the only part of the loss."""
        return type(self).loss_names

    def plot_training_samples(self, batch: dict[str, Any], ni: int) -> None:
        """Draw a batch with its classes to ``train_batchN.jpg``."""
        drawn = {
            "img": batch["img"],
            "im_file": batch["im_file"],
            "captions": captions(batch["cls"].tolist(), self.data["names"]),
        }
        plot_images(drawn, fname=self.save_dir / f"train_batch{ni}.jpg")

    def plot_training_labels(self) -> None:
        """Draw nothing: a classification data set has no places and sizes."""
