"""Training of semantic segmentation: the common trainer with class maps."""

from __future__ import annotations

from typing import Any

from engine.core.given import named_data
from engine.data.semantic_dataset import build_semantic_dataset, read_semantic_yaml
from engine.data.yaml_file import require_split
from engine.drawing.class_maps import plot_class_pixels
from engine.drawing.mosaic import plot_images
from engine.models.yolo.detect.train import DetectionTrainer
from engine.models.yolo.semseg.val import SemSegValidator
from engine.nn.task_models import SemanticSegmentationModel


class SemSegTrainer(DetectionTrainer):
    """Trains one class for each pixel.

    Attributes:
        loss_names: Names of the parts of the loss.

    Examples:
        >>> trainer = SemSegTrainer(overrides={"data": "data.yaml", "epochs": 3})
        >>> trainer.train()
    """

    task = "semseg"
    default_model = "yolo26n-sem.yaml"
    loss_names = ("ce_loss", "dice_loss", "aux_loss")
    model_class = SemanticSegmentationModel
    validator_class = SemSegValidator

    def get_dataset(self) -> dict[str, Any]:
        """Read data.yaml; see `read_semantic_yaml`.

        Raises:
            ConfigError: No data set was named.
            DatasetError: Its description cannot be used.
        """
        data = read_semantic_yaml(named_data(self.args, "training"), bool(self.args.single_cls))
        require_split(data, "train")
        data["val"] = data["val"] or data["test"] or require_split(data, "val")
        return data

    def build_dataset(self, img_path: Any, mode: str = "train", batch: int | None = None) -> Any:
        """Build the data set of one split, augmented for training."""
        stride = self.stride if self.model is not None else 32
        return build_semantic_dataset(
            self.args, img_path, batch, self.data, mode=mode, rect=mode == "val", stride=stride
        )

    def names_of_loss(self) -> tuple[str, ...]:
        """Name the parts of the network's loss."""
        return type(self).loss_names

    def plot_training_samples(self, batch: dict[str, Any], ni: int) -> None:
        """Draw a batch with its class maps to ``train_batchN.jpg``."""
        shown = {"img": batch["img"], "class_maps": batch["masks"], "im_file": batch["im_file"]}
        plot_images(shown, fname=self.save_dir / f"train_batch{ni}.jpg", names=self.data["names"])

    def plot_training_labels(self) -> None:
        """Draw how often classes occur to ``labels.jpg``."""
        plot_class_pixels(self.train_loader.dataset.pixels(), self.data["names"], self.save_dir)
