"""How a training gets ready: its folder, its network, its data, its optimizer.

The part of `BaseTrainer` that runs before the first batch; the loop itself is in `trainer`.
"""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any, ClassVar

import torch
from torch import nn

from engine.cfg.arguments import sentence_without_effect
from engine.core.given import choose_save_dir
from engine.core.plan import make_plan, make_schedule
from engine.core.progress import training_bar
from engine.core.run_files import RunFiles
from engine.core.starting_weights import find_start
from engine.core.together import Together
from engine.core.trainer_hooks import TrainerHooks
from engine.core.training_state import TrainingState, saved_plan
from engine.data.copies import leaks_between
from engine.integrations.callbacks import logger_callbacks
from engine.ops.numbers import make_divisible
from engine.runtime.device import tune_cpu
from engine.runtime.errors import ConfigError, DatasetError
from engine.training import random_state
from engine.training.auto import OptimizerPlan
from engine.training.batch_size import batch_for_steps, choose_batch
from engine.training.clock import RunClock
from engine.training.compiled import compiled
from engine.training.control import ControlFile
from engine.training.ema import ModelEMA
from engine.training.events import EventLog, event_callbacks
from engine.training.freeze import freeze_layers, frozen_layers
from engine.training.precision import Precision
from engine.training.resume import check_length, check_moved_data
from engine.training.schedule import Schedule, keep_rates
from engine.training.side_gradients import side_gradients
from engine.training.team import Team

MAX_WARNINGS = 100


class TrainerSetup(TrainerHooks):
    """Makes everything that the loop uses; the attributes are told of in `BaseTrainer`."""

    default_model: ClassVar[str]
    callbacks: Any
    chosen: frozenset[str]
    without_effect: list[str]
    resumed: Any
    model_source: tuple[Any, Any] | None
    files: RunFiles
    save_dir: Path
    state: TrainingState
    clock: RunClock
    plan: OptimizerPlan
    schedule: Schedule
    precision: Precision
    control: ControlFile
    team: Team
    together: Together
    network: Any
    ema: Any
    optimizer: Any
    validator: Any
    train_loader: Any
    test_loader: Any
    epochs: int
    start_epoch: int
    batch_size: int
    stride: int
    pretrained: bool
    left_out: Counter[str]
    _frozen: list[str]

    def _place(self, folder: Path) -> None:
        """Take ``folder`` as the run directory."""
        self.save_dir = folder
        self.files = RunFiles(folder)
        self.wdir, self.last, self.best = self.files.weights, self.files.last, self.files.best
        self.csv = self.files.csv.path

    def _open_run(self) -> None:
        """Claim the run directory, start its diary and look for commands, all in the first process."""
        if self.team.is_main:
            self._claim_folder()
        folder = Path(self.team.decide(lambda: str(self.save_dir)))
        if not self.team.is_main:
            self._place(folder)

    def _claim_folder(self) -> None:
        fresh = self.resumed is None
        if fresh and not self.args.exist_ok and self.save_dir.exists():
            self._place(choose_save_dir(self.args))
        self.files.open(vars(self.args), fresh)
        self.events = EventLog(self.files.events, append=not fresh)
        listening = (logger_callbacks(self.warn), event_callbacks(self.events), training_bar())
        for listeners in listening:
            for event, function in listeners.items():
                # Before the functions of others, so that the diary is complete where one of them fails.
                position = len(self.callbacks[event]) if event == "teardown" else 0
                self.callbacks[event].insert(position, function)
        self.control = ControlFile(self.files.control)
        if self.without_effect and fresh:
            self.warn(sentence_without_effect(self.without_effect, "train", self.args.task))

    def _setup(self) -> None:
        """Make everything ready for the first batch."""
        self.run_callbacks("on_pretrain_routine_start")
        if self.device.type == "cpu":
            tune_cpu(self.team.size)
        random_state.seed_everything(self.args.seed)
        self._one_side()
        self.data = self.team.first(self.get_dataset)
        if (run := self.resumed) is not None:
            check_moved_data(run.train_args, self.args.data, run.names, self.data)
        self._setup_model()
        self._setup_data()
        self._setup_optimizer()
        if self.resumed is not None:
            self._resume()
        self.together.join()
        if self.team.is_main:
            self.files.csv.start(self.start_epoch)
        self.run_callbacks("on_pretrain_routine_end")

    def _setup_model(self) -> None:
        """Build the network on its device, frozen and laid out as asked."""
        if not isinstance(self.model, nn.Module):
            cfg, weights = self.team.first(self._source_of_model)
            self.pretrained = weights is not None
            self.model = self.get_model(cfg, weights)
        self.set_model_attributes()
        # Convolutions run on channels-last tensors 1.3 times as fast on CPUs, more under AMP on GPUs.
        wanted = self.args.channels_last
        wanted = self.device.type in ("cpu", "cuda") if wanted is None else wanted
        self._memory_format = torch.channels_last if wanted else torch.contiguous_format
        self.model = self.model.float().to(self.device).to(memory_format=self._memory_format)
        layers = len(getattr(self.model, "model", ()))
        numbers = frozen_layers(self.args.freeze, layers)
        self._frozen = freeze_layers(self.model, numbers, self.trained_parts())
        self.precision = Precision(self.device, bool(self.args.amp))
        if self.precision.dtype is not None:
            name = str(self.precision.dtype).removeprefix("torch.")
            self.log(f"Mixed precision: forward passes in {name}; amp=False for float32.")
        self.network = compiled(self.model, self.args.compile, self.device)
        self.side = side_gradients(self.device, compiled=self.network is not self.model)
        self.stride = max(int(torch.as_tensor(getattr(self.model, "stride", 32)).max()), 32)
        imgsz = make_divisible(self.args.imgsz, self.stride)
        if imgsz != self.args.imgsz:
            self.warn(f"imgsz={self.args.imgsz} is no multiple of {self.stride}; taking {imgsz}.")
            self.args.imgsz = imgsz

    def _one_side(self) -> None:
        """Refuse a height and width: training images are square."""
        if not isinstance(self.args.imgsz, int):
            raise ConfigError(
                f"training expects imgsz as one number, received {self.args.imgsz}.",
                value=self.args.imgsz,
                remedy="Say the longer side; prediction and export take height,width.",
            )

    def _source_of_model(self) -> tuple[Any, Any]:
        """Give the network's description and the weights to start from (None for random)."""
        if self.resumed is not None:
            return self.resumed.model.yaml, None
        return self.model_source or find_start(self.args, self.default_model)

    def _setup_data(self) -> None:
        """Build both loaders and the validator."""
        saved = self.resumed.extra.get("batch") if self.resumed is not None else None
        self.batch_size = self._fit(saved or self._choose_batch())
        self.train_loader = self.team.first(self.open_train_loader)
        self._check_images()
        if self.args.batch < 1:  # memory for more images than there are
            self.batch_size = min(self.batch_size, self.team.fit(len(self.train_loader.dataset)))
        self._give_steps()
        if self.device.type == "cpu" and self.args.workers and "workers" in self.chosen:
            self.log(
                "workers: on a processor images are read in threads, no further process starts."
            )
        if self.team.is_main:
            # Without gradients twice the batch fits; on the CPU a larger batch only costs cache.
            larger = 1 if self.device.type == "cpu" else 2
            size = self.batch_size // self.team.size * larger
            # Said, not left to the default: in overrides written for other releases that is 0.
            self.test_loader = self.get_dataloader(
                self.split_to_measure(), size, rank=-1, mode="val"
            )
        self.validator = self.get_validator()
        self.validator.callbacks = self.callbacks
        if self.team.size > 1:
            self.validator.args.device = str(self.device)
        if self.team.is_main:
            self._look_at_data()

    def _look_at_data(self) -> None:
        """Tell what is wrong with the data, and draw what there is."""
        for loader in (self.train_loader, self.test_loader):
            problems = getattr(loader.dataset, "problems", ())
            self.left_out += Counter(_what(p) for p in problems if p.kind == "skipped")
            self._tell_problems(problems)
        self._tell_leaks()
        if self.args.plots:
            self.plot_training_labels()

    def open_train_loader(self) -> Any:
        """Build the loader of the training images, of which this process takes its share."""
        team = self.team
        rank = team.rank if team.size > 1 else -1
        own = self.batch_size // team.size
        return self.get_dataloader(self.data["train"], own, rank=rank, mode="train")

    def _choose_batch(self) -> int:
        """Give the number of images that all processes look at for one batch."""
        found = choose_batch(
            self.model,
            self.device,
            self.args.imgsz,
            self.args.batch,
            self.precision.dtype,
            self.data.get("channels") or 3,
        )
        if self.args.batch >= 1:
            return found
        # each has measured its own device: the smallest holds no more
        return int(min(self.team.gather(found))) * self.team.size

    def _fit(self, batch: int) -> int:
        """Give the batch of which all processes get equally many images."""
        fitting = self.team.fit(batch)
        if fitting != batch:
            self.warn(
                f"batch={batch} cannot be shared out evenly over {self.team.size} devices; taking {fitting}."
            )
        return fitting

    def _check_images(self) -> None:
        """Refuse fewer training images than there are processes.

        Raises:
            DatasetError: Some would have nothing to do.
        """
        images, processes = len(self.train_loader.dataset), self.team.size
        if images < processes:
            raise DatasetError(
                f"there are {images} training images for {processes} devices.",
                remedy="Name fewer devices.",
            )

    def _give_steps(self) -> None:
        """Make smaller batches of little data, where nobody asked for a number or a time."""
        if self.resumed is not None or self.args.time or "batch" in self.chosen:
            return
        images, usual = len(self.train_loader.dataset), self.batch_size
        batch = self.team.fit(batch_for_steps(images, self.epochs, usual))
        if batch == usual:
            return
        self.log(
            f"batch={batch}: with {usual} images a batch, {images} images would make only "
            f"{self.epochs * -(-images // usual)} batches in {self.epochs} epochs."
        )
        self.batch_size = batch
        self.train_loader = self.open_train_loader()

    def split_to_measure(self) -> Any:
        """Give the images that the run is validated on: the split asked for, else one there is."""
        return self.data.get(self.args.split) or self.data.get("val") or self.data.get("test")

    def _tell_leaks(self) -> None:
        """Warn of images that are both trained on and measured with."""
        if leaks := leaks_between(self.train_loader.dataset, self.test_loader.dataset):
            self.warn(leaks.message, files=[str(f) for f in leaks.files[:MAX_WARNINGS]])

    def _tell_problems(self, problems: Sequence[Any]) -> None:
        """Warn of what is wrong with the data; of thousands the first hundred say enough."""
        for problem in problems[:MAX_WARNINGS]:
            self.warn(problem.reason, problem.file, problem.line)
        if len(problems) > MAX_WARNINGS:
            self.warn(f"... and {len(problems) - MAX_WARNINGS} more problems of this kind.")

    def _setup_optimizer(self) -> None:
        """Choose and build the optimizer, the schedule and the average."""
        self.plan = OptimizerPlan(**self.team.decide(lambda: dataclasses.asdict(self._make_plan())))
        plan, step = self.plan, self.batch_size * self.plan.accumulate
        self.log(
            f"optimizer={plan.name} lr={plan.lr:g} momentum={plan.momentum:g} "
            f"batches per step={plan.accumulate} warm-up={plan.warmup} batches ({plan.reason})"
        )
        decay = self.args.weight_decay * step / self.args.nbs
        self.optimizer = self.build_optimizer(self.model, plan.name, plan.lr, plan.momentum, decay)
        keep_rates(self.optimizer, plan.lr)
        self.schedule = make_schedule(self.args, plan)
        # An average that forgets everything at each step is the model itself.
        self.ema = ModelEMA(self.model) if self.args.ema else ModelEMA(self.model, decay=0.0)
        self.state.remember()

    def _make_plan(self) -> OptimizerPlan:
        return saved_plan(self.resumed) or make_plan(
            self.args,
            self.chosen,
            len(self.train_loader),
            self.epochs,
            self.batch_size,
            self.pretrained,
        )

    def _resume(self) -> None:
        """Take back every state of the run that goes on."""
        extra = self.resumed.extra
        if self.args.time:
            self.epochs = max(extra["epochs"], extra["epoch"] + 2)
        check_length(extra["epoch"], self.epochs, self.resumed.path)
        self.state.restore(self.resumed.raw)
        self.pretrained, self.clock.before = extra["pretrained"], extra["seconds"]
        is_done = self.start_epoch >= self.epochs
        where = "the end" if is_done else f"epoch {self.start_epoch + 1}"
        self.log(f"Resuming at {where} of {self.epochs} epochs.")
        self.resumed = None


def _what(problem: Any) -> str:
    """Name what a problem has left out: a line of labels, or a whole image."""
    return "images" if problem.line is None else "labels"
