"""Training of pose models: the detection trainer with keypoints."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from torch import nn

from engine.cfg.model_yaml import find_model_yaml
from engine.data.keypoints import blank_objects, flip_partners, keypoint_shape
from engine.models.yolo.detect.train import DetectionTrainer
from engine.models.yolo.pose.val import PoseValidator
from engine.nn.tasks import PoseModel
from engine.runtime.errors import ConfigError

# Augmentations that make a mirror image, in which a left hand is a right one
MIRRORS = ("fliplr", "flipud")


class PoseTrainer(DetectionTrainer):
    """Trains boxes, classes and keypoints.

    Examples:
        >>> trainer = PoseTrainer(overrides={"data": "data.yaml", "epochs": 3})
        >>> trainer.train()
    """

    task = "pose"
    default_model = "yolo11n-pose.yaml"
    loss_names = ("box_loss", "pose_loss", "kobj_loss", "cls_loss", "dfl_loss")
    model_class = PoseModel
    validator_class = PoseValidator

    def get_dataset(self) -> dict[str, Any]:
        """Read data.yaml; without ``flip_idx`` no image is mirrored.

        Raises:
            ConfigError: No data set was named, or mirrors were asked for of one that does not say which
                keypoints change places.
            DatasetError: Its description cannot be used.
        """
        data = super().get_dataset()
        keypoint_shape(data)
        if flip_partners(data) is None:
            self._do_without_mirrors(data)
        return data

    def get_model(self, cfg: Any = None, weights: Any = None, verbose: bool = True) -> nn.Module:
        """Build the network for the data set's classes, channels and keypoints; see the base."""
        cfg = cfg or self.default_model
        if self.data is not None:
            description = cfg if isinstance(cfg, dict) else find_model_yaml(cfg)
            cfg = {**description, "kpt_shape": list(keypoint_shape(self.data))}
        return super().get_model(cfg, weights, verbose)

    def build_dataset(self, img_path: Any, mode: str = "train", batch: int | None = None) -> Any:
        """Build the data set of one split, and note objects without a labelled keypoint.

        Raises:
            DatasetError: There is nothing to use, or no labelled keypoint to learn.
        """
        dataset = super().build_dataset(img_path, mode, batch)
        if mode == "train":
            place = Path((self.data or {}).get("yaml_file") or "")
            dataset.problems += blank_objects(dataset.labels, place)
        return dataset

    def _do_without_mirrors(self, data: dict[str, Any]) -> None:
        """Switch off the augmentations that need to know left from right."""
        remedy = (
            "Add 'flip_idx' to the data set's description: for each keypoint the one it becomes in a "
            "mirror, such as [0, 2, 1] for a nose and two eyes."
        )
        wanted = [name for name in MIRRORS if getattr(self.args, name)]
        asked = [name for name in wanted if name in self.chosen]
        if asked:
            raise ConfigError(
                f"{' and '.join(asked)} mirrors images, but the data set does not say which keypoints "
                "change places in a mirror.",
                path=data.get("yaml_file"),
                remedy=remedy,
            )
        for name in wanted:
            setattr(self.args, name, 0.0)
            self.warn(f"{name} is off: 'flip_idx' is missing. {remedy}", data.get("yaml_file"))
