"""The validation loop that every task shares: run the network over a split and measure it.

Inside a training it takes the averaged weights as they are; on its own it takes any model file.
"""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from copy import copy
from pathlib import Path
from typing import Any, ClassVar

import torch
from torch.utils.data import DataLoader

from engine.cfg.arguments import Arguments
from engine.core.callbacks import CallbackHost, new_callbacks
from engine.core.given import Given, as_dict, choose_save_dir, resolve_arguments
from engine.core.input_size import input_size
from engine.core.metrics_table import metrics_table, speed_line
from engine.data.build import build_dataloader
from engine.nn.autobackend import AutoBackend
from engine.ops.profile import Profile
from engine.runtime.device import select_device, tune_cpu
from engine.runtime.errors import ConfigError
from engine.runtime.live_line import counted
from engine.runtime.log import LOGGER
from engine.training.prefetch import Prefetcher, loader_workers

STAGES = ("preprocess", "inference", "loss", "postprocess")
DEFAULT_CONF = 0.001
PICTURED_BATCHES = 3


class BaseValidator(CallbackHost):
    """Measures a model on a split of a data set.

    Extend it by overriding `preprocess`, `postprocess`, `update_metrics` or `get_dataloader`.

    Attributes:
        args: All arguments of the validation.
        dataloader: The images and labels.
        metrics: What is measured; its ``keys`` name the numbers, ``results_dict`` holds them.
        stats: The numbers of the last call.
        speed: Milliseconds an image for each stage.
        batch_i: 0-based number of the present batch.
        save_dir: Folder for plots and files.
        weights: File of the weights, for the record; None where only a network was given.
        end2end: The network's outputs are rows without duplicates, see `AutoBackend`.
    """

    task: ClassVar[str] = "detect"

    def __init__(
        self,
        dataloader: DataLoader | None = None,
        save_dir: str | Path | None = None,
        args: Given = None,
        _callbacks: Mapping[str, Any] | None = None,
    ) -> None:
        self._given = args
        self.args = (
            copy(args)
            if isinstance(args, Arguments)
            else resolve_arguments(as_dict(args), "val", self.task)
        )
        self.callbacks = new_callbacks(_callbacks)
        # Any: None until the call has opened them
        self.dataloader: Any = dataloader
        self.save_dir: Any = Path(save_dir) if save_dir else None
        self.metrics: Any = self.new_metrics({})
        self.stats: dict[str, float] = {}
        self.speed: dict[str, float] = {}
        self.data: Any = None
        self.names: dict[int, str] = {}
        self.weights: Path | None = None
        self.end2end = False
        self.device = torch.device("cpu")
        self.training = False
        self.batch_i = self.seen = 0

    @property
    def conf(self) -> float:
        """Confidence below which predictions are not looked at."""
        return DEFAULT_CONF if self.args.conf is None else self.args.conf

    # What a person or a trainer calls

    @torch.no_grad()
    def __call__(self, trainer: Any = None, model: Any = None) -> dict[str, float]:
        """Validate.

        Args:
            trainer: Trainer whose averaged weights are measured, with its loader and losses.
            model: Network or path of a model file to measure on its own.

        Returns:
            The metrics by name, with ``fitness``; in a training also the validation losses.
        """
        self.training = trainer is not None
        network = self._join(trainer) if self.training else self._open(model)
        profiles = {stage: Profile(device=self.device) for stage in STAGES}
        losses: torch.Tensor | None = None
        self.metrics = self.new_metrics(self.names)
        self.init_metrics()
        self.seen = 0
        self.run_callbacks("on_val_start")
        batches = counted(self._batches(), "validating", len(self.dataloader))
        for index, batch in enumerate(batches):
            self.batch_i = index
            self.run_callbacks("on_val_batch_start")
            with profiles["preprocess"]:
                batch = self.preprocess(batch)
            with profiles["inference"]:
                outputs = self.infer(network, batch["img"])
            if self.training:
                with profiles["loss"]:
                    items = network.loss(batch, outputs)[1]
                    losses = items if losses is None else losses + items
            with profiles["postprocess"]:
                predictions = self.postprocess(outputs)
            self.update_metrics(predictions, batch)
            self.seen += len(batch["img"])
            if self.args.plots and self.batch_i < self._pictured():
                self.plot_val_samples(batch, self.batch_i)
                self.plot_predictions(batch, predictions, self.batch_i)
            self.run_callbacks("on_val_batch_end")
        self.speed = {k: 1e3 * p.t / max(self.seen, 1) for k, p in profiles.items()}
        self.stats = self.get_stats()
        self.finalize()
        if not self.training:
            self.tell()
        self.run_callbacks("on_val_end")
        if losses is None:
            return self.stats
        return {**trainer.label_loss_items(losses / (self.batch_i + 1), "val"), **self.stats}

    def tell(self) -> None:
        """Log what was measured as a table, and how long an image took."""
        LOGGER.info("%s", metrics_table(self.metrics, self.seen, classes=self.args.verbose))
        if self.args.verbose and (line := speed_line(self.speed)):
            LOGGER.info("%s", line)

    def log(self, values: Mapping[str, Any] | str) -> None:
        """Log a sentence or named values."""
        LOGGER.info("%s", values)

    # What a task says

    def new_metrics(self, names: dict[int, str]) -> Any:
        """Make empty metrics for these classes."""
        raise NotImplementedError(f"{type(self).__name__} must say what new_metrics() makes.")

    def get_dataloader(self, dataset_path: Any, batch_size: int) -> DataLoader:
        """Build the loader of the split, for a validation on its own."""
        workers = loader_workers(self.args.workers, self.device)
        dataset = self.build_dataset(dataset_path, batch_size)
        return build_dataloader(dataset, batch_size, workers, shuffle=False)

    def build_dataset(self, img_path: Any, batch_size: int) -> Any:
        """Build the data set of the split, for a validation on its own."""
        raise NotImplementedError(f"{type(self).__name__} must say what build_dataset() builds.")

    def get_dataset(self) -> dict[str, Any]:
        """Read the data set's description, for a validation on its own."""
        raise NotImplementedError(f"{type(self).__name__} must say what get_dataset() reads.")

    def prepare_network(self, backend: AutoBackend) -> None:
        """Set up an opened network, for a validation on its own; the base has nothing to set."""

    def wanted_branch(self) -> bool | None:
        """Say which branch of the head should answer, see `AutoBackend`; None where that is no question."""
        return None

    def init_metrics(self) -> None:
        """Prepare for a validation; the base has nothing to prepare."""

    def preprocess(self, batch: dict[str, Any]) -> dict[str, Any]:
        """Move a batch to the device and turn its images into floats in 0..1."""
        moved = {
            k: v.to(self.device, non_blocking=True) if isinstance(v, torch.Tensor) else v
            for k, v in batch.items()
        }
        images = moved["img"]
        if self.device.type in ("cpu", "cuda"):
            images = images.contiguous(memory_format=torch.channels_last)
        moved["img"] = (images.half() if self._half else images.float()) / 255
        return moved

    def infer(self, network: Any, images: torch.Tensor) -> Any:
        """Run the network on a batch, in a training in the training's number format."""
        with self._autocast():
            return network(images)

    def postprocess(self, outputs: Any) -> list[dict[str, torch.Tensor]]:
        """Turn the network's outputs into predictions, one dictionary an image."""
        raise NotImplementedError(f"{type(self).__name__} must say what postprocess() makes.")

    def update_metrics(
        self, predictions: list[dict[str, torch.Tensor]], batch: dict[str, Any]
    ) -> None:
        """Compare a batch's predictions with its labels."""
        raise NotImplementedError(f"{type(self).__name__} must say how update_metrics() compares.")

    def get_stats(self) -> dict[str, float]:
        """Give the numbers of all batches."""
        self.metrics.process()
        return dict(self.metrics.results_dict)

    def finalize(self) -> None:
        """Write what belongs to a validation; the base writes nothing."""

    def plot_val_samples(self, batch: dict[str, Any], ni: int) -> None:
        """Draw a batch with its labels; the base draws nothing."""

    def plot_predictions(
        self, batch: dict[str, Any], predictions: list[dict[str, torch.Tensor]], ni: int
    ) -> None:
        """Draw a batch with its predictions; the base draws nothing."""

    # Getting ready

    def _join(self, trainer: Any) -> Any:
        """Take over the trainer's device, data and averaged network."""
        self.device, self.data = trainer.device, trainer.data
        self.names, self._half = self.data["names"], False
        self.end2end = getattr(trainer.ema.ema, "end2end", False)
        # bfloat16's eight bits would move boxes by whole pixels; float32 convolutions run on TF32 there.
        is_exact_enough = trainer.precision.dtype is not torch.bfloat16
        self._autocast = trainer.precision.autocast if is_exact_enough else contextlib.nullcontext
        return trainer.ema.ema

    def _open(self, model: Any) -> Any:
        """Open a model for measuring, and its data set where no loader was given."""
        self.device = select_device(self.args.device)
        if self.device.type == "cpu":
            tune_cpu()
        source = model if model is not None else self.args.model
        if source is None:
            raise ConfigError("validation needs model=.", remedy="Write model=PATH/best.pt.")
        backend = AutoBackend(
            source,
            self.device,
            half=self.args.half,
            end2end=self.wanted_branch(),
            dnn=self.args.dnn,
        )
        self._half, self.names, self.end2end = backend.fp16, backend.names, backend.end2end
        self._autocast = contextlib.nullcontext
        self.prepare_network(backend)
        if self.dataloader is None:
            self._open_data(backend)
        return backend

    def _open_data(self, backend: Any) -> None:
        """Build the loader of the wanted split in the form that the network takes."""
        self.data = self.get_dataset()
        split = self.data[self.args.split]
        self.stride, self.any_size = backend.stride, backend.dynamic
        height, width = input_size(backend, self.args.imgsz)
        self.args.imgsz = height if height == width else [height, width]
        self.dataloader = self.get_dataloader(split, max(int(self.args.batch), 1))
        if self.save_dir is None:
            self.save_dir = choose_save_dir(self.args, mkdir=True)

    def _batches(self) -> Any:
        """Iterate the loader, working ahead in a thread where it has no processes."""
        return Prefetcher(self.dataloader) if self.dataloader.num_workers == 0 else self.dataloader

    def _pictured(self) -> int:
        """Number of batches to draw: in a training only the first, refreshed every epoch."""
        return 1 if self.training else PICTURED_BATCHES
