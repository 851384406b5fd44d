"""What a task, or a person's own trainer, says about a training; the loop itself is in `trainer`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import torch
from torch import nn
from torch.optim import Optimizer
from torch.utils.data import DataLoader

from engine.cfg.arguments import Arguments
from engine.core.callbacks import CallbackHost
from engine.core.starting_weights import (
    MOSTLY,
    check_trainable,
    class_counts,
    loaded_share,
    sentence,
    source_name,
)
from engine.nn.partial_load import load_fitting, state_dict_of
from engine.runtime.errors import ModelError
from engine.runtime.log import LOGGER
from engine.training.optimizer import build_optimizer


class TrainerHooks(CallbackHost):
    """The methods that one overrides, with what they do where nobody overrides them."""

    args: Arguments
    device: torch.device
    data: Any
    model: Any
    network: Any
    events: Any
    loss_names: tuple[str, ...]
    default_model: ClassVar[str]
    is_probe: ClassVar[bool] = False  # whether it does what linear_probe asks for
    pretrained: bool
    _memory_format: torch.memory_format

    def get_model(self, cfg: Any = None, weights: Any = None, verbose: bool = True) -> nn.Module:
        """Build the network from its description, with the weights of another where given."""
        raise NotImplementedError(f"{type(self).__name__} must say what get_model() builds.")

    def take_weights(self, model: nn.Module, weights: Any, name: str | None = None) -> None:
        """Let a new network take over the weights that fit, and tell which did and what starts anew.

        Args:
            model: The network.
            weights: A checkpoint, a model or a state dict.
            name: What to call them; None for the file that the arguments name.

        Raises:
            ModelError: The weights are fused.
        """
        check_trainable(weights)
        report = load_fitting(model, state_dict_of(weights))
        self.pretrained = loaded_share(model, report) >= MOSTLY
        name = name or source_name(self.args, self.default_model)
        text = sentence(name, report, class_counts(model, weights))
        if not report.loaded:
            self.warn(text)
            return
        total = len(report.loaded) + len(report.initial)
        told = {"weights": name, "kept": len(report.loaded), "tensors": total, "anew": report.parts}
        self.log(text, **told)

    def get_dataset(self) -> dict[str, Any]:
        """Read the data set's description: ``train``, ``val``, ``names``, ``nc``, ``channels``."""
        raise NotImplementedError(f"{type(self).__name__} must say what get_dataset() reads.")

    def get_dataloader(
        self, dataset_path: Any, batch_size: int = 16, rank: int = -1, mode: str = "train"
    ) -> DataLoader:
        """Build the loader of one split."""
        raise NotImplementedError(f"{type(self).__name__} must say what get_dataloader() builds.")

    def get_validator(self) -> Any:
        """Build the validator of the run."""
        raise NotImplementedError(f"{type(self).__name__} must say what get_validator() builds.")

    def build_optimizer(
        self, model: nn.Module, name: str, lr: float, momentum: float, decay: float
    ) -> Optimizer:
        """Build the optimizer, by now chosen by name."""
        return build_optimizer(model, name, lr, momentum, decay)

    def forward(self, batch: dict[str, Any]) -> Any:
        """Run the network on a batch of the training; what it returns goes into the loss."""
        return self.network(batch["img"])

    def trained_parts(self) -> tuple[str, ...] | None:
        """Give how the names of the parameters begin that learn; None where all do, but for ``freeze``."""
        return None

    def preprocess_batch(self, batch: dict[str, Any]) -> dict[str, Any]:
        """Move a batch to the device and turn its images into floats in 0..1."""
        moved = {
            k: v.to(self.device, non_blocking=True) if isinstance(v, torch.Tensor) else v
            for k, v in batch.items()
        }
        images = moved["img"]
        if self._memory_format is torch.channels_last:
            images = images.contiguous(memory_format=torch.channels_last)
        moved["img"] = images.float() / 255 if images.dtype is torch.uint8 else images.float()
        return moved

    def set_model_attributes(self) -> None:
        """Give the model what it must know of the data and the arguments."""
        self.model.args = self.args
        if self.data is not None:
            self.model.names = self.data["names"]

    def plot_training_samples(self, batch: dict[str, Any], ni: int) -> None:
        """Draw one training batch; the base draws nothing."""

    def plot_training_labels(self) -> None:
        """Draw the labels' statistics; the base draws nothing."""

    def plot_metrics(self) -> None:
        """Draw results.csv; the base draws nothing."""

    def label_loss_items(self, items: Any = None, prefix: str = "train") -> dict[str, float | None]:
        """Name the parts of a loss; without ``items`` give the names with None.

        Raises:
            ModelError: There are not as many names as parts.
        """
        if items is None:
            return dict.fromkeys(f"{prefix}/{name}" for name in self.loss_names)
        values = items.tolist() if hasattr(items, "tolist") else list(items)
        if len(values) != len(self.loss_names):
            raise ModelError(
                f"the loss has {len(values)} parts, expected {', '.join(self.loss_names)}.",
                value=values,
                remedy="Give the criterion an attribute names, with a name for each part.",
            )
        return {f"{prefix}/{n}": round(v, 5) for n, v in zip(self.loss_names, values, strict=True)}

    def log(self, values: Mapping[str, Any] | str, **more: Any) -> None:
        """Log a sentence or named values, also as a ``log`` event of the run.

        Args:
            values: What to log.
            more: What belongs to a sentence, for those who read the event.
        """
        named = dict(more) if isinstance(values, str) else {**values, **more}
        text = (
            values if isinstance(values, str) else ", ".join(f"{k}={v}" for k, v in named.items())
        )
        LOGGER.info("%s", text)
        if self.events is not None:
            extra = {"values": named} if named else {}
            self.events.write("log", message=text, state="running", **extra)

    def warn(
        self, message: str, path: Any = None, line: int | None = None, files: Sequence[Any] = ()
    ) -> None:
        """Log a warning, also as a ``warning`` event of the run; ``files`` are the images it is about."""
        place = f"{path}{f', line {line}' if line is not None else ''}: " if path else ""
        LOGGER.warning("%s%s", place, message)
        if self.events is not None:
            about = {"files": list(files)} if files else {}
            self.events.write("warning", message=message, path=path, line=line, **about)
