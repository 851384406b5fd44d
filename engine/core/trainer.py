"""The training loop that every task shares.

Tasks say what the model, the data and the validator are (`engine.models.yolo`); the pieces of the
loop that stand alone are in `engine.training`; what a checkpoint holds is in `training_state`.
"""

from __future__ import annotations

import copy
import gc
import math
import random
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar

import torch
from torch import nn

from engine.core.callbacks import new_callbacks
from engine.core.given import Given, as_dict, choose_save_dir, chosen_arguments, resolve_arguments
from engine.core.plan import make_plan, make_schedule, mosaic_epochs
from engine.core.run_files import RunFiles
from engine.core.trainer_hooks import TrainerHooks
from engine.core.training_state import TrainingState, check_resumable, saved_plan
from engine.nn.checkpoint import load_checkpoint
from engine.ops.numbers import make_divisible
from engine.runtime.device import select_device, tune_cpu_threads
from engine.runtime.errors import ConfigError
from engine.runtime.log import LOGGER
from engine.training import random_state
from engine.training.batch_size import choose_batch
from engine.training.clock import RunClock
from engine.training.control import ControlFile
from engine.training.early_stopping import EarlyStopping
from engine.training.ema import ModelEMA
from engine.training.events import EventLog, event_callbacks, losses
from engine.training.failures import DivergedError, describe
from engine.training.freeze import freeze_layers, frozen_layers, hold_statistics
from engine.training.precision import Precision
from engine.training.prefetch import Prefetcher
from engine.training.resume import check_unfinished, find_last, resumed_arguments, run_folder

MAX_GRADIENT_NORM = 10.0
# Looking at the loss waits for the GPU, so it is done once in so many batches; a CPU has no queue.
LOSS_CHECK_EVERY = 50
# A diverged run goes back to its last checkpoint with half the rate this many times.
MAX_RECOVERIES = 3
TRAIN_PICTURES = 3
MAX_WARNINGS = 100


class _Diverged(Exception):
    """The loss stopped being a number; the epoch is to be done again from the last checkpoint."""


class BaseTrainer(TrainerHooks):
    """Trains a model on a data set and keeps its run directory.

    Extend it by overriding `get_model`, `get_dataset`, `get_dataloader`, `get_validator`,
    `preprocess_batch` or `build_optimizer`, or by adding callbacks.

    Attributes:
        args: All arguments of the run.
        save_dir: The run directory; `last` and `best` are its checkpoints.
        data: The data set's description, once `train` has read it.
        model: The network in training; `ema` holds the averaged one that is validated and saved.
        epoch: 0-based number of the present epoch, `epochs` how many there are to be.
        loss_items: Parts of the last batch's loss, named by `loss_names`; `tloss` their epoch mean.
        metrics: The last validation's numbers; `fitness` and `best_fitness` the one that decides.
        stop: Set it from a callback to end the training after the present epoch.
        stop_reason: "finished", "early_stopping", "time" or "stopped".
    """

    task: ClassVar[str] = "detect"
    default_model: ClassVar[str] = "yolo11n.yaml"
    loss_names: tuple[str, ...] = ("loss",)

    def __init__(
        self,
        cfg: Given = None,
        overrides: Mapping[str, Any] | None = None,
        _callbacks: Mapping[str, Any] | None = None,
    ) -> None:
        given = {**as_dict(cfg), **(overrides or {})}
        self.resumed: Any = None
        if given.get("resume"):
            last = find_last(given["resume"], given.get("model"))
            self.resumed = load_checkpoint(last)
            check_resumable(self.resumed, self.task)
            given = resumed_arguments(self.resumed.train_args, given)
        self.args = resolve_arguments(given, "train", self.task)
        self.chosen = chosen_arguments(self.args, "train")
        self.callbacks = new_callbacks(_callbacks)
        self.device = select_device(self.args.device)
        self._place(run_folder(last) if self.resumed else choose_save_dir(self.args))
        # None until train() has made them; Any, because nobody else meets them before that.
        self.data: Any = None
        self.model: Any = None
        self.model_source: tuple[Any, Any] | None = None
        self.ema: Any = None
        self.optimizer: Any = None
        self.validator: Any = None
        self.train_loader: Any = None
        self.test_loader: Any = None
        self.stopper = EarlyStopping(self.args.patience)
        self.state = TrainingState(self)
        self.events: Any = None
        self._reset_counters()

    def _place(self, folder: Path) -> None:
        """Take ``folder`` as the run directory."""
        self.save_dir = folder
        self.files = RunFiles(folder)
        self.wdir, self.last, self.best = self.files.weights, self.files.last, self.files.best
        self.csv = self.files.csv.path

    def _reset_counters(self) -> None:
        """Set everything that the loop counts to its start."""
        self.epochs = self.args.epochs
        self.batch_size = max(int(self.args.batch), 1)
        self.start_epoch = self.epoch = self.batch_index = 0
        self.stop = False
        self.stop_reason = "finished"
        self.loss_items: Any = None
        self.tloss: Any = None
        self.metrics: dict[str, float] = {}
        self.fitness: float | None = None
        self.lr: dict[str, float] = {}
        self.lr_scale = 1.0
        self.recoveries = 0
        self.pretrained = False
        self.final = False
        self.clock = RunClock()
        self._pending = 0
        self._interrupted = False
        self._mosaic_closed = False

    # What a person calls

    def train(self) -> dict[str, float]:
        """Run the training to its end and give the metrics of the best weights.

        Raises:
            EngineError: The arguments, the data or the loss make it impossible; the run directory's
                events say the same.
        """
        try:
            with random_state.determinism(self.args.deterministic):
                self._open_run()
                self._setup()
                self._run_epochs()
                self._finish()
        except KeyboardInterrupt:
            self.stop_reason = "stopped"
            self.state.save_if_missing()
            LOGGER.warning("Interrupted; %s holds the last finished epoch.", self.last)
            self.run_callbacks("on_train_end")
            raise
        except BaseException as error:
            self._report(error)
            raise
        finally:
            self._teardown()
        return self.metrics

    # The run, from opening its folder to the first batch

    def _open_run(self) -> None:
        """Claim the run directory, start its diary and look for commands."""
        fresh = self.resumed is None
        if fresh and not self.args.exist_ok and self.save_dir.exists():
            self._place(choose_save_dir(self.args))
        self.files.open(vars(self.args), fresh)
        self.events = EventLog(self.files.events, append=not fresh)
        for event, function in event_callbacks(self.events).items():
            # Before the functions of others, so that the diary is complete where one of them fails.
            position = len(self.callbacks[event]) if event == "teardown" else 0
            self.callbacks[event].insert(position, function)
        self.control = ControlFile(self.files.control)

    def _setup(self) -> None:
        """Make everything ready for the first batch."""
        self.run_callbacks("on_pretrain_routine_start")
        if self.device.type == "cpu":
            tune_cpu_threads()
        random_state.seed_everything(self.args.seed)
        self._one_side()
        self.data = self.get_dataset()
        self._setup_model()
        self._setup_data()
        self._setup_optimizer()
        if self.resumed is not None:
            self._resume()
        self.files.csv.start(self.start_epoch)
        self.run_callbacks("on_pretrain_routine_end")

    def _setup_model(self) -> None:
        """Build the network on its device, frozen and laid out as asked."""
        if not isinstance(self.model, nn.Module):
            cfg, weights = self._source_of_model()
            self.pretrained = weights is not None
            self.model = self.get_model(cfg, weights)
        self.set_model_attributes()
        # Convolutions run on channels-last tensors 1.3 times as fast on CPUs, more under AMP on GPUs.
        known = self.device.type in ("cpu", "cuda")
        self._memory_format = torch.channels_last if known else torch.contiguous_format
        self.model = self.model.float().to(self.device).to(memory_format=self._memory_format)
        layers = len(getattr(self.model, "model", ()))
        self._frozen = freeze_layers(self.model, frozen_layers(self.args.freeze, layers))
        self.precision = Precision(self.device, bool(self.args.amp))
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
                remedy="Say the longer side; validation and prediction take height,width.",
            )

    def _source_of_model(self) -> tuple[Any, Any]:
        """Give the network's description and the weights to start from (None for random)."""
        if self.resumed is not None:
            return self.resumed.model.yaml, None
        if self.model_source is not None:
            return self.model_source
        name, pretrained = self.args.model or self.default_model, self.args.pretrained
        given = load_checkpoint(pretrained).model if isinstance(pretrained, str | Path) else None
        if str(name).endswith(".pt"):
            checkpoint = load_checkpoint(name)
            if given is None and pretrained is not False:
                given = checkpoint.model
            return checkpoint.model.yaml, given
        return name, given

    def _setup_data(self) -> None:
        """Build both loaders and the validator."""
        self.batch_size = choose_batch(
            self.model, self.device, self.args.imgsz, self.args.batch, self.precision.dtype
        )
        self.train_loader = self.get_dataloader(self.data["train"], self.batch_size, mode="train")
        split = self.data.get(self.args.split) or self.data.get("val") or self.data.get("test")
        # Without gradients twice the batch fits; on the CPU a larger batch only costs cache.
        larger = 1 if self.device.type == "cpu" else 2
        self.test_loader = self.get_dataloader(split, self.batch_size * larger, mode="val")
        self.validator = self.get_validator()
        self.validator.callbacks = self.callbacks
        for loader in (self.train_loader, self.test_loader):
            self._tell_problems(getattr(loader.dataset, "problems", ()))
        if self.args.plots:
            self.plot_training_labels()

    def _tell_problems(self, problems: Sequence[Any]) -> None:
        """Warn of what is wrong with the data; of thousands the first hundred say enough."""
        for problem in problems[:MAX_WARNINGS]:
            self.warn(problem.reason, problem.file, problem.line)
        if len(problems) > MAX_WARNINGS:
            self.warn(f"... and {len(problems) - MAX_WARNINGS} more problems of this kind.")

    def _setup_optimizer(self) -> None:
        """Choose and build the optimizer, the schedule and the average."""
        self.plan = saved_plan(self.resumed) or make_plan(
            self.args,
            self.chosen,
            len(self.train_loader),
            self.epochs,
            self.batch_size,
            self.pretrained,
        )
        plan, step = self.plan, self.batch_size * self.plan.accumulate
        self.log(
            f"optimizer={plan.name} lr={plan.lr:g} momentum={plan.momentum:g} "
            f"batches per step={plan.accumulate} warm-up={plan.warmup} batches ({plan.reason})"
        )
        decay = self.args.weight_decay * step / self.args.nbs
        self.optimizer = self.build_optimizer(self.model, plan.name, plan.lr, plan.momentum, decay)
        self.schedule = make_schedule(self.args, plan)
        self.ema = ModelEMA(self.model)
        self.state.remember_start()

    def _resume(self) -> None:
        """Take back every state of the run that goes on."""
        extra = self.resumed.extra
        if self.args.time:
            self.epochs = max(extra["epochs"], extra["epoch"] + 2)
        check_unfinished(extra["epoch"], self.epochs, self.resumed.path)
        self.state.restore(self.resumed.raw)
        self.pretrained, self.clock.before = extra["pretrained"], extra["seconds"]
        self.log(f"Resuming at epoch {self.start_epoch + 1} of {self.epochs}.")
        self.resumed = None

    # The loop

    def _run_epochs(self) -> None:
        self.clock.start()
        self.run_callbacks("on_train_start")
        epoch = self.start_epoch
        while epoch < self.epochs and not self.stop:
            self.epoch = epoch
            self.run_callbacks("on_train_epoch_start")
            try:
                self._train_epoch()
            except _Diverged:
                epoch = self._recover()
                continue
            if self._interrupted:
                self.state.save_if_missing()
                return
            self.lr = {
                f"lr/pg{i}": round(g["lr"], 9) for i, g in enumerate(self.optimizer.param_groups)
            }
            self.run_callbacks("on_train_epoch_end")
            self._end_epoch()
            epoch += 1

    def _train_epoch(self) -> None:
        """Show every training image to the network once."""
        self._begin_epoch()
        batches = len(self.train_loader)
        for index, batch in enumerate(self._batches()):
            self.batch_index = index
            self.run_callbacks("on_train_batch_start")
            number = self.epoch * batches + index
            batch = self._rescale(self.preprocess_batch(batch))
            self._draw(batch, number)
            self.schedule.apply(self.optimizer, number, self._progress(number), self.lr_scale)
            with self.precision.autocast():
                outputs = self.model(batch["img"])
            loss, self.loss_items = self.model.loss(batch, outputs)
            self.precision.backward(loss)
            self._pending += 1
            last = index + 1 == batches
            # No gradient is carried into the next epoch: checkpoints hold none.
            if last or self._pending >= self.schedule.accumulation(number):
                self.optimizer_step()
            self._tally()
            self.clock.add_images(len(batch["img"]))
            self.run_callbacks("on_train_batch_end")
            if last or self.device.type == "cpu" or not number % LOSS_CHECK_EVERY:
                self._check_loss()
            if not last and self._must_leave():
                return

    def optimizer_step(self) -> None:
        """Step on the gathered gradients and let the average follow."""
        self.precision.step(self.optimizer, self.model, MAX_GRADIENT_NORM)
        self.run_callbacks("optimizer_step")
        self.run_callbacks("on_before_zero_grad")
        self.optimizer.zero_grad(set_to_none=True)
        self._pending = 0
        self.ema.update(self.model)
        self.run_callbacks("on_params_update")

    def _begin_epoch(self) -> None:
        """Seed the epoch, set the modes, and close the mosaics when it is time."""
        random_state.seed_epoch(self.args.seed, self.epoch)
        self.clock.start_epoch()
        self.model.train()
        hold_statistics(self.model, self._frozen)
        self.loss_items = self.tloss = None
        self._pending = 0
        self.optimizer.zero_grad(set_to_none=True)
        if self.epoch >= mosaic_epochs(self.args, self.chosen, self.epochs):
            self._close_mosaic()
        if hasattr(self.train_loader, "set_epoch"):
            self.train_loader.set_epoch(self.epoch)

    def _close_mosaic(self) -> None:
        dataset = self.train_loader.dataset
        if hasattr(dataset, "close_mosaic") and not self._mosaic_closed:
            self._mosaic_closed = True
            dataset.close_mosaic(hyp=copy.copy(self.args))
            if hasattr(self.train_loader, "reset"):
                self.train_loader.reset()
            if self.args.mosaic:
                self.log("No mosaics from here on.")

    def _batches(self) -> Iterator[dict[str, Any]]:
        """Iterate the training loader, working ahead in a thread where it has no processes."""
        ahead = self.train_loader.num_workers == 0
        return iter(Prefetcher(self.train_loader) if ahead else self.train_loader)

    def _rescale(self, batch: dict[str, Any]) -> dict[str, Any]:
        """Change the input's size at random within ``multi_scale``, the same way in every repeat."""
        spread = float(self.args.multi_scale)
        if not spread:
            return batch
        draw = random.Random(f"{self.args.seed}/{self.epoch}/{self.batch_index}")
        size = self.args.imgsz * draw.uniform(1 - spread, 1 + spread)
        size = max(round(size / self.stride) * self.stride, self.stride)
        height, width = batch["img"].shape[-2:]
        if size != max(height, width):
            ratio = size / max(height, width)
            shape = [max(round(s * ratio / self.stride), 1) * self.stride for s in (height, width)]
            batch["img"] = nn.functional.interpolate(batch["img"], shape, mode="bilinear")
        return batch

    def _tally(self) -> None:
        """Bring the epoch's mean loss up to date, without waiting for the device."""
        items, count = self.loss_items.detach(), self.batch_index
        self.tloss = (
            items.clone() if self.tloss is None else self.tloss + (items - self.tloss) / (count + 1)
        )

    def _draw(self, batch: dict[str, Any], number: int) -> None:
        if self.args.plots and number < TRAIN_PICTURES:
            self.plot_training_samples(batch, number)

    def _check_loss(self) -> None:
        if not torch.isfinite(self.tloss).all():
            raise _Diverged

    def _recover(self) -> int:
        """Go back to the last good state with half the rate; give the epoch to do next.

        Raises:
            DivergedError: It has been tried often enough.
        """
        self.recoveries += 1
        parts = losses(self, self.loss_items)
        if self.recoveries > MAX_RECOVERIES:
            raise DivergedError(
                f"the loss is not a number in epoch {self.epoch + 1}, batch {self.batch_index + 1} "
                f"({parts}), after {MAX_RECOVERIES} returns to the last good weights.",
                remedy=f"Lower lr0 (now {self.plan.lr:g}), look for broken labels, or set amp=False.",
            )
        recoveries, scale = self.recoveries, self.lr_scale / 2
        self.state.go_back()
        self.recoveries, self.lr_scale = recoveries, scale
        self.warn(
            f"the loss is not a number in epoch {self.epoch + 1}; going on from epoch "
            f"{self.start_epoch + 1} with {scale:g} of the learning rate."
        )
        return self.start_epoch

    def _must_leave(self) -> bool:
        """Obey control.json and the time budget; say whether the epoch ends here."""
        command: str = self.control.command()
        if command == "pause":
            command = self._pause()
        if command == "stop":
            self._interrupted = True
            self._stop("stopped")
            return True
        if self.args.time and self.clock.seconds() >= self.args.time * 3600:
            self._stop("time")
            return True
        return False

    def _pause(self) -> str:
        """Wait for another command; the time does not count."""
        LOGGER.info("Paused.")
        self.events.write("log", message="Paused.", state="paused")
        with self.clock.paused():
            command = self.control.wait_while_paused()
        self.log("Going on.")
        return command

    def _stop(self, reason: str) -> None:
        self.stop, self.stop_reason = True, reason
        if reason == "stopped":
            self.control.consume()

    # The end of an epoch and of the run

    def _end_epoch(self) -> None:
        """Validate, decide, record and save."""
        command = self.control.command(now=True)
        if command in ("stop_after_epoch", "stop"):
            self._stop("stopped")
        last_epoch = self.epoch + 1 >= self.epochs or self.stop
        self.fitness = None
        if self.args.val or last_epoch:
            self.metrics, self.fitness = self.validate()
        if self.stopper(self.epoch, self.fitness) and not last_epoch:
            self.stop, self.stop_reason = True, "early_stopping"
            self.log(f"No improvement for {self.args.patience} epochs; stopping.")
        if self.args.time:
            self._plan_epochs_for_time()
        last_epoch = last_epoch or self.stop
        self._write_row()
        if self.args.save or last_epoch:
            self.save_model()
            self.run_callbacks("on_model_save")
        self._log_epoch()
        self.run_callbacks("on_fit_epoch_end")
        if self.stop and self.stop_reason == "finished" and self.epoch + 1 < self.epochs:
            self.stop_reason = "stopped"  # a callback asked for it

    def validate(self) -> tuple[dict[str, float], float]:
        """Validate the averaged weights; give the metrics and the fitness."""
        metrics = dict(self.validator(self))
        fitness = metrics.pop("fitness", None)
        return metrics, -float(self.tloss.sum()) if fitness is None else float(fitness)

    @property
    def best_fitness(self) -> float:
        """Best fitness so far."""
        return self.stopper.best_fitness

    @property
    def is_best(self) -> bool:
        """Whether the present epoch is the best so far."""
        return self.fitness is not None and self.stopper.best_epoch == self.epoch

    def save_model(self) -> None:
        """Write last.pt, best.pt where this epoch is the best, and what ``save_period`` keeps."""
        self.state.save_last()
        if self.is_best:
            self.state.save_weights(self.best)
        period = self.args.save_period
        if period > 0 and (self.epoch + 1) % period == 0:
            self.state.save_weights(self.files.epoch_file(self.epoch + 1))

    def _plan_epochs_for_time(self) -> None:
        """Let the number of epochs follow from the time budget and the pace so far."""
        done = self.epoch + 1
        pace = self.clock.seconds() / done
        left = max(self.args.time * 3600 - self.clock.seconds(), 0.0)
        self.epochs = done + math.floor(left / pace)
        if self.epochs <= done and not self.stop:
            self._stop("time")

    def _write_row(self) -> None:
        empty = dict.fromkeys(self.validator.metrics.keys)
        columns = {
            **self.label_loss_items(self.tloss, "train"),
            **empty,
            **self.label_loss_items(None, "val"),
        }
        if self.fitness is not None:
            columns.update({k: v for k, v in self.metrics.items() if k in columns})
        self.files.csv.append(self.epoch + 1, self.clock.seconds(), columns | self.lr)

    def _finish(self) -> None:
        """Slim the checkpoints, validate the best weights once more and say goodbye."""
        if self._interrupted:
            self.log(f"Stopped in epoch {self.epoch + 1}; resume from {self.last}.")
        else:
            self.final_eval()
            if self.args.plots:
                self.plot_metrics()
        self.run_callbacks("on_train_end")

    def final_eval(self) -> None:
        """Validate the best weights on their own, with plots and validation.json."""
        best = self.best if self.best.exists() else self.last
        if not best.exists():
            return
        if self.stop_reason != "stopped":
            self.state.save_weights(self.last)  # finished: nobody resumes it, drop the optimizer
        LOGGER.info("Validating %s", best)
        self.validator.args.plots = self.args.plots
        self.validator.weights = best
        metrics = dict(self.validator(model=self.state.weights_of(best)))
        self.fitness = metrics.pop("fitness", self.fitness)
        self.metrics, self.final = metrics, True
        self.run_callbacks("on_fit_epoch_end")

    def trained_model(self) -> nn.Module | None:
        """Give the network with the best weights of this run, None before anything was saved."""
        best = self.best if self.best.exists() else self.last
        return self.state.weights_of(best) if best.exists() else None

    def _report(self, error: BaseException) -> None:
        """Write why the run failed where the dashboard looks."""
        if self.events is not None:
            self.events.error(describe(error))

    def _teardown(self) -> None:
        self.run_callbacks("teardown")
        if self.events is not None:
            self.events.close()
        for loader in (self.train_loader, self.test_loader):
            if loader is not None and hasattr(loader, "close"):
                loader.close()
        gc.collect()
        if self.device.type == "cuda":
            torch.cuda.empty_cache()

    def _progress(self, number: int) -> float:
        """Share of the run that is over, by time where a time is set."""
        if self.args.time:
            return self.clock.seconds() / (self.args.time * 3600)
        return number / (self.epochs * len(self.train_loader))

    def _log_epoch(self) -> None:
        if not self.args.verbose:
            return
        parts = " ".join(f"{k}={v:.3f}" for k, v in losses(self, self.tloss).items())
        scores = " ".join(
            f"{k.removeprefix('metrics/')}={v:.3f}" for k, v in self.metrics.items() if "mAP" in k
        )
        pace = self.clock.images_per_second or 0.0
        text = "epoch %d/%d  %s  %s  %.1f images/s"
        LOGGER.info(text, self.epoch + 1, self.epochs, parts, scores, pace)
