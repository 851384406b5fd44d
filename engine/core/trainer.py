"""The training loop that every task shares.

Tasks say what the model, the data and the validator are (`engine.models.yolo`). What happens before the
first batch is in `trainer_setup`, what comes out of an epoch and of the run in `trainer_results`, what ends a
run in `run_end`, what a checkpoint holds in `training_state`, what is done about a broken loss in `recovery`,
about too little memory in `memory`; pieces that know no trainer are in `engine.training`.
"""

from __future__ import annotations

import copy
import functools
import gc
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any, ClassVar

import torch

from engine.cfg.arguments import without_effect
from engine.core.callbacks import new_callbacks
from engine.core.epoch_report import log_epoch, write_row
from engine.core.given import Given, as_dict, choose_save_dir, chosen_arguments, resolve_arguments
from engine.core.memory import MemoryGuard
from engine.core.multi_scale import draw_size, resize_longer_side
from engine.core.plan import mosaic_epochs
from engine.core.recovery import Diverged, Recovery
from engine.core.run_end import RunEnd
from engine.core.starting_weights import check_probe
from engine.core.together import Together
from engine.core.trainer_results import TrainerResults
from engine.core.training_state import TrainingState, check_resumable
from engine.nn.checkpoint import load_checkpoint
from engine.runtime.device import own_device, training_devices
from engine.runtime.heap import all_freed_memory_kept
from engine.runtime.log import LOGGER
from engine.training import random_state
from engine.training.clock import RunClock
from engine.training.early_stopping import EarlyStopping
from engine.training.failures import describe, names_nothing
from engine.training.freeze import hold_statistics
from engine.training.loss_meter import LossMeter
from engine.training.prefetch import Prefetcher
from engine.training.resume import CHANGEABLE, find_last, resumed_arguments, run_folder
from engine.training.side_gradients import UndividedPass
from engine.training.team import Team

MAX_GRADIENT_NORM = 10.0
TRAIN_PICTURES = 3


class BaseTrainer(TrainerResults):
    """Trains a model on a data set and keeps its run directory.

    Extend it by overriding `get_model`, `get_dataset`, `get_dataloader`, `get_validator`,
    `preprocess_batch` or `build_optimizer`, or by adding callbacks.

    Attributes:
        args: All arguments of the run.
        save_dir: The run directory; `last` and `best` are its checkpoints.
        data: The data set's description, once `train` has read it.
        model: The network in training, `network` what to call for a forward pass (compiled, where that is
            asked for); `ema` holds the averaged one that is validated and saved.
        epoch: 0-based number of the present epoch, `epochs` how many there are to be.
        loss_items: Parts of the last batch's loss, named by `loss_names`; `tloss` their epoch mean.
        metrics: The last validation's numbers; `fitness` and `best_fitness` the one that decides.
        stop: Set it from a callback to end the training after the present epoch.
        stop_reason: "finished", "early_stopping", "time" or "stopped".
        team: The processes that train together, on several devices; this one alone before `train` and on one.
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
        check_probe(self.args.linear_probe, type(self))
        self.without_effect = without_effect(given, "train", self.task)
        self.chosen = chosen_arguments(self.args, "train", overrides)
        if self.resumed is not None:
            saved = self.resumed.extra.get("chosen", self.chosen)
            self.chosen = frozenset(saved) | (CHANGEABLE & set(overrides or {}))
        self.callbacks = new_callbacks(_callbacks)
        if devices := training_devices(self.args.device):
            self.args.device = ",".join(devices)
        self.device = own_device(self.args.device)
        self.team = Team()
        self.side = UndividedPass()
        self.together = Together(self)
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
        self.ending = RunEnd(self)
        self.recovery = Recovery(self)
        self.memory = MemoryGuard(self)
        self.meter = LossMeter()
        self.events: Any = None
        self._reset_counters()

    def _reset_counters(self) -> None:
        """Set everything that the loop counts to its start."""
        self.epochs = self.args.epochs
        self.batch_size = max(int(self.args.batch), 1)
        self.start_epoch = self.epoch = self.batch_index = 0
        self.stop = False
        self.stop_reason = "finished"
        self.loss_items: Any = None
        self.metrics: dict[str, float] = {}
        self.fitness: float | None = None
        self.lr: dict[str, float] = {}
        self.lr_scale = 1.0
        self.recoveries = 0
        self.pretrained = False
        self.left_out: Counter[str] = Counter()
        self.final = False
        self.clock = RunClock()
        self._pending = 0
        self._sound: Any = None
        self._mosaic_closed = False
        self._named_nothing = False

    # What a person calls

    def train(self) -> dict[str, float]:
        """Run the training to its end and give the metrics of the best weights.

        Raises:
            EngineError: The arguments, the data or the loss make it impossible; the run directory's
                events say the same. Where a file that was named does not exist, no directory is left.
        """
        failed = True
        try:
            with random_state.determinism(self.args.deterministic):
                self.team = self.together.open()
                self._open_run()
                self._setup()
                with all_freed_memory_kept():
                    self._run_epochs()
                self._finish()
            failed = False
        except KeyboardInterrupt:
            self.stop_reason = "stopped"
            if self.team.is_main:
                self.state.save_if_missing()
            LOGGER.warning("Interrupted; %s holds the last finished epoch.", self.last)
            self.run_callbacks("on_train_end")
            raise
        except BaseException as error:
            reason = self.together.reason(error)
            self._report(reason)
            if reason is error:
                raise
            raise reason from error
        finally:
            self._teardown(failed)
        return self.metrics

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
            except Diverged:
                epoch = self.recovery.go_back()
                continue
            if self.ending.interrupted:
                if self.team.is_main:
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
        first: int | None = 0
        while first is not None:
            first = self.memory.halve() if self._train_batches(first) else None

    def _train_batches(self, first: int) -> bool:
        """Train on the epoch's batches from number ``first`` on; say whether memory ran out."""
        batches = len(self.train_loader)
        for index, batch in enumerate(self._batches(), first):
            self.batch_index = index
            self.run_callbacks("on_train_batch_start")
            number, last = self.epoch * batches + index, index + 1 == batches
            step = functools.partial(self._train_batch, batch, number, last)
            if not self.memory.sufficed(step):
                return True
            self.clock.add_images(len(batch["img"]) * self.team.size)
            self.run_callbacks("on_train_batch_end")
            self.recovery.look(number, last)
            if not last and self.ending.must_leave():
                break
        return False

    def _train_batch(self, batch: dict[str, Any], number: int, last: bool) -> None:
        """Run the network on one batch and let it learn from the loss.

        Args:
            batch: As the loader gave it.
            number: Number of the batch since the start of the run.
            last: It is the last of its epoch.
        """
        batch = self._rescale(self.preprocess_batch(batch))
        self._draw(batch, number)
        self.schedule.apply(self.optimizer, number, self._progress(number), self.lr_scale)
        steps = last or self._pending + 1 >= self.schedule.accumulation(number)
        with self.team.gathering(steps):
            with self.precision.autocast(), self.side.forward():
                outputs = self.forward(batch)
            with self.team.counting():
                loss, items = self.model.loss(batch, outputs)
            loss = loss.sum()  # a criterion of a person's own may give its parts
            with self.side.backward():
                self.precision.backward(loss)
        self.loss_items, total = self.team.mean_loss(items, loss)
        files = batch.get("im_file", ())
        sound = self.meter.add(self.batch_index, self.loss_items, total, files)
        self._sound = sound if self._sound is None else self._sound & sound
        self._pending += 1
        # No gradient is carried into the next epoch: checkpoints hold none.
        if steps:
            self.optimizer_step()

    def optimizer_step(self) -> None:
        """Step on the gathered gradients, unless a loss was no number, and let the average follow."""
        self.precision.step(self.optimizer, self.model, MAX_GRADIENT_NORM, self._sound)
        self.run_callbacks("optimizer_step")
        self.run_callbacks("on_before_zero_grad")
        self.forget_gradients()
        if self.team.is_main:  # who validates and saves it
            self.ema.update(self.model)
        self.run_callbacks("on_params_update")

    def forget_gradients(self) -> None:
        """Drop what was gathered for the next step."""
        self.optimizer.zero_grad(set_to_none=True)
        self._pending, self._sound = 0, None

    def _begin_epoch(self) -> None:
        """Seed the epoch, set the modes, and close the mosaics when it is time."""
        random_state.seed_epoch(self.args.seed, self.epoch, self.team.rank)
        self.clock.start_epoch()
        self.model.train()
        self.model.progress = self._progress(self.epoch * len(self.train_loader))
        hold_statistics(self.model, self._frozen)
        self.loss_items = None
        self.forget_gradients()
        self.meter.start()
        self.recovery.start_epoch()
        if self.epoch >= mosaic_epochs(self.args, self.chosen, self.epochs):
            self._close_mosaic()
        if hasattr(self.train_loader, "set_epoch"):
            self.train_loader.set_epoch(self.epoch)

    def keep_mosaic_closed(self) -> None:
        """Close the mosaics of a new loader where they were closed before."""
        if self._mosaic_closed:
            self._mosaic_closed = False
            self._close_mosaic()

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
        """Change the input's size at random within ``multi_scale``, the same way in every repeat.

        A lone picture that the network would see as one cell is enlarged: a batch norm cannot learn from one value.
        """
        spread, side = float(self.args.multi_scale), max(batch["img"].shape[-2:])
        if spread:
            seed = f"{self.args.seed}/{self.epoch}/{self.batch_index}"
            side = draw_size(self.args.imgsz, spread, self.stride, seed)
        if len(batch["img"]) == 1:
            side = max(side, 2 * self.stride)
        batch["img"] = resize_longer_side(batch["img"], side, self.stride)
        return batch

    def _draw(self, batch: dict[str, Any], number: int) -> None:
        if self.args.plots and number < TRAIN_PICTURES and self.team.is_main:
            self.plot_training_samples(batch, number)

    # The end of an epoch and of the run

    def _end_epoch(self) -> None:
        """Validate, decide, record and save: in the first process, whose decisions the others take over."""
        if self.team.is_main:
            self._conclude_epoch()
        self.ending.agree()

    def _conclude_epoch(self) -> None:
        self.ending.obey_after_epoch()
        last_epoch = self.epoch + 1 >= self.epochs or self.stop
        self.fitness = None
        if self.args.val or last_epoch:
            self.metrics, self.fitness = self.validate()
        last_epoch = self.ending.weigh(last_epoch)
        write_row(self)
        if self.args.save or last_epoch:
            self.save_model()
            self.run_callbacks("on_model_save")
        else:
            self.state.remember(self.epoch)
        if self.args.verbose:
            log_epoch(self)
        self.run_callbacks("on_fit_epoch_end")
        self.ending.hear_callbacks()

    def _finish(self) -> None:
        """Slim the checkpoints, validate the best weights once more and say goodbye."""
        if self.team.is_main:
            self._conclude_run()
        self.together.expect_end()
        if self.team.size > 1:
            self.metrics = self.team.decide(lambda: {k: float(v) for k, v in self.metrics.items()})
        self.run_callbacks("on_train_end")

    def _conclude_run(self) -> None:
        if self.ending.interrupted:
            self.log(f"Stopped in epoch {self.epoch + 1}; resume from {self.last}.")
        else:
            self.final_eval()
            if self.args.plots:
                self.plot_metrics()
            if self.args.profile:
                self.tell_export_speed()
        self._tell_what_was_missed()

    def _tell_what_was_missed(self) -> None:
        """Sum up what did not take part in the run."""
        for loader in (self.train_loader, self.test_loader):
            lost = getattr(loader.dataset, "lost", None)
            for reason in lost.reasons.values() if lost else ():
                self.warn(f"Left out while training: {reason}")
                self.left_out["images"] += 1
        parts = [f"{count} {what} left out" for what, count in sorted(self.left_out.items())]
        if self.recovery.dropped:
            parts.append(f"{self.recovery.dropped} steps dropped")
        if parts:
            told = {**self.left_out, "steps": self.recovery.dropped}
            self.log(f"Not learnt from: {', '.join(parts)}; the run's warnings name them.", **told)

    def _report(self, error: BaseException) -> None:
        """Write why the run failed where the dashboard looks."""
        if self.events is not None:
            self.events.error(describe(error))
        self._named_nothing = self.optimizer is None and names_nothing(error)

    def _teardown(self, failed: bool) -> None:
        self.run_callbacks("teardown")
        self.together.close(failed)
        self.side.close()
        if self.events is not None:
            self.events.close()
            if self._named_nothing:
                self.files.take_back()
        for loader in (self.train_loader, self.test_loader):
            if loader is not None and hasattr(loader, "close"):
                loader.close()
        gc.collect()
        if self.device.type == "cuda":
            torch.cuda.empty_cache()

    def _progress(self, number: int) -> float:
        """Share of the run that is over, by time where a time is set, by the clock of the first process."""
        if self.args.time:
            seconds: float = self.team.decide(self.clock.seconds)
            return seconds / (self.args.time * 3600)
        return number / (self.epochs * len(self.train_loader))
