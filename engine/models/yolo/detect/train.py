"""Training of detection models: which network, which data, which pictures."""

from __future__ import annotations

import json
from copy import copy
from pathlib import Path
from typing import Any

from torch import nn
from torch.utils.data import DataLoader

from engine.core.given import named_data
from engine.core.starting_weights import check_buildable
from engine.core.trainer import BaseTrainer
from engine.core.validator import BaseValidator
from engine.data.build import build_dataloader, build_yolo_dataset
from engine.data.fetch import open_data_yaml
from engine.data.yaml_file import require_split
from engine.drawing.curves import plot_labels, plot_results
from engine.drawing.mosaic import plot_images
from engine.metrics.label_statistics import label_statistics
from engine.models.yolo.detect.val import DetectionValidator
from engine.nn.base_model import BaseModel
from engine.nn.checkpoint import load_checkpoint
from engine.nn.tasks import DetectionModel
from engine.runtime.paths import write_atomic
from engine.training.prefetch import loader_workers


class DetectionTrainer(BaseTrainer):
    """Trains boxes and classes.

    Examples:
        >>> trainer = DetectionTrainer(overrides={"model": "yolo11n.yaml", "data": "data.yaml"})
        >>> trainer.train()
        >>> trainer.best
    """

    task = "detect"
    default_model = "yolo11n.yaml"
    loss_names: tuple[str, ...] = ("box_loss", "cls_loss", "dfl_loss")
    model_class: type[BaseModel] = DetectionModel
    validator_class: type[BaseValidator] = DetectionValidator

    def get_dataset(self) -> dict[str, Any]:
        """Read data.yaml; with ``single_cls`` everything is one class.

        Raises:
            ConfigError: No data set was named.
            DatasetError: Its description cannot be used.
        """
        data = dict(open_data_yaml(named_data(self.args, "training")))
        require_split(data, "train")
        data["val"] = data["val"] or data["test"] or require_split(data, "val")
        if self.args.single_cls:
            data["label_nc"], data["names"], data["nc"] = data["nc"], {0: "item"}, 1
        return data

    def get_model(self, cfg: Any = None, weights: Any = None, verbose: bool = True) -> nn.Module:
        """Build the network for the data set's classes and channels.

        Args:
            cfg: Name, path or content of a model description; None takes the default model's.
            weights: Model or checkpoint whose fitting weights are taken over; a path is read.
            verbose: Log the layers.

        Raises:
            ModelError: The description is not one for this task, or the weights cannot be trained.
        """
        data, cfg = self.data or {}, cfg or self.default_model
        check_buildable(cfg, self.model_class, self.task)
        model = self.model_class(
            cfg,
            nc=self.classes_to_build(),
            ch=data.get("channels"),
            verbose=verbose and self.args.verbose,
        )
        if isinstance(weights, str | Path):
            self.take_weights(model, load_checkpoint(weights), Path(weights).name)
        elif weights is not None:
            self.take_weights(model, weights)
        return model

    def classes_to_build(self) -> int | None:
        """Give the number of classes that the network is built for; None leaves it to the description."""
        return (self.data or {}).get("nc")

    def build_dataset(self, img_path: Any, mode: str = "train", batch: int | None = None) -> Any:
        """Build the data set of one split, augmented for training."""
        stride = self.stride if self.model is not None else 32
        return build_yolo_dataset(
            self.args, img_path, batch, self.data, mode=mode, rect=mode == "val", stride=stride
        )

    def get_dataloader(
        self, dataset_path: Any, batch_size: int = 16, rank: int = -1, mode: str = "train"
    ) -> DataLoader:
        """Build the loader of one split: shuffled for training, in the order of shapes for validation."""
        together = self.team.size if mode == "train" else 1  # rectangles are alike in a whole batch
        dataset = self.build_dataset(dataset_path, mode, batch_size * together)
        shuffle = mode == "train" and not getattr(dataset, "rect", False)
        return build_dataloader(
            dataset,
            batch_size,
            loader_workers(self.args.workers, self.device),
            shuffle,
            rank=rank,
            seed=self.args.seed,
        )

    def get_validator(self) -> Any:
        """Build the validator of the averaged weights."""
        self.loss_names = self.names_of_loss()
        return self.validator_class(
            self.test_loader,
            save_dir=self.save_dir,
            args=copy(self.args),
            _callbacks=self.callbacks,
        )

    def names_of_loss(self) -> tuple[str, ...]:
        """Name the parts of the network's loss: a head without bins has ``l1_loss`` for ``dfl_loss``."""
        if not isinstance(self.model, DetectionModel):
            return type(self).loss_names
        return getattr(self.model.init_criterion(), "names", type(self).loss_names)

    def plot_training_samples(self, batch: dict[str, Any], ni: int) -> None:
        """Draw a batch with its labels to ``train_batchN.jpg``."""
        plot_images(batch, fname=self.save_dir / f"train_batch{ni}.jpg", names=self.data["names"])

    def plot_training_labels(self) -> None:
        """Draw how classes, places and sizes are distributed to ``labels.jpg``, and write ``labels.json``."""
        labels, names = self.train_loader.dataset.labels, self.data["names"]
        plot_labels(labels, names, self.save_dir)
        write_atomic(self.save_dir / "labels.json", json.dumps(label_statistics(labels, names)))

    def plot_metrics(self) -> None:
        """Draw results.csv to ``results.png``."""
        plot_results(self.csv)
