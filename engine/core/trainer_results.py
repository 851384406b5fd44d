"""What comes out of an epoch and of a training: measures, checkpoints, the best network and its speed.

The part of `BaseTrainer` after the batches; the loop itself is in `trainer`.
"""

from __future__ import annotations

from typing import Any

from torch import nn

from engine.core.memory import MemoryGuard
from engine.core.trainer_setup import TrainerSetup
from engine.nn.base_model import BaseModel
from engine.runtime.errors import EngineError
from engine.runtime.log import LOGGER
from engine.training.early_stopping import EarlyStopping
from engine.training.loss_meter import LossMeter


class TrainerResults(TrainerSetup):
    """Measures and saves; the attributes are told of in `BaseTrainer`."""

    epoch: int
    stop_reason: str
    stopper: EarlyStopping
    meter: LossMeter
    memory: MemoryGuard
    metrics: dict[str, float]
    fitness: float | None
    final: bool

    @property
    def tloss(self) -> Any:
        """Mean of the epoch's losses so far, without batches whose loss is no number."""
        return self.meter.mean

    @property
    def best_fitness(self) -> float:
        """Best fitness so far."""
        return self.stopper.best_fitness

    @property
    def is_best(self) -> bool:
        """Whether the present epoch is the best so far."""
        return self.fitness is not None and self.stopper.best_epoch == self.epoch

    def validate(self) -> tuple[dict[str, float], float]:
        """Validate the averaged weights; give the metrics and the fitness."""
        metrics = dict(self.memory.validated(lambda: self.validator(self)))
        fitness = metrics.pop("fitness", None)
        return metrics, -float(self.tloss.sum()) if fitness is None else float(fitness)

    def save_model(self) -> None:
        """Write last.pt, best.pt where this epoch is the best, and what ``save_period`` keeps."""
        self.state.save_last()
        if self.is_best:
            self.state.save_weights(self.best)
        period = self.args.save_period
        if period > 0 and (self.epoch + 1) % period == 0:
            self.state.save_weights(self.files.epoch_file(self.epoch + 1))

    def final_eval(self) -> None:
        """Validate the best weights on their own, with plots and validation.json."""
        if self.fitness is None and self.last.exists() and not self.best.exists():
            self.state.save_weights(self.best)  # a callback ended a run that never validated
        best = self.best if self.best.exists() else self.last
        if not best.exists():
            return
        if self.stop_reason != "stopped":
            self.state.save_weights(self.last)  # finished: nobody resumes it, drop the optimizer
        LOGGER.info("Validating %s", best)
        self.validator.args.plots = self.args.plots
        self.validator.weights = best
        weights = self.state.weights_of(best)
        if not isinstance(weights, BaseModel):
            self.log(
                "A network of your own: the last validation's numbers stand for the best weights."
            )
            return
        metrics = dict(self.memory.validated(lambda: self.validator(model=weights)))
        self.fitness = metrics.pop("fitness", self.fitness)
        self.metrics, self.final = metrics, True
        self.run_callbacks("on_fit_epoch_end")

    def tell_export_speed(self) -> None:
        """Log how fast the best weights run as an ONNX file, beside the network itself."""
        from engine.core.export_speed import exported_speed  # the exporter, seldom asked for

        model = self.trained_model()
        if not isinstance(model, BaseModel):
            self.warn(
                "the speed of the exported model was not measured: this network has no export."
            )
            return
        try:
            found = exported_speed(model, self.args.imgsz, self.device)
        except EngineError as error:
            self.warn(f"the speed of the exported model was not measured: {error}")
            return
        text = "As ONNX %(onnx_ms).1f ms an image, as it is %(pytorch_ms).1f ms (%(imgsz)d pixels, %(device)s)."
        self.log(text % found, **found)

    def trained_model(self) -> nn.Module | None:
        """Give the network with the best weights of this run, None before anything was saved."""
        best = self.best if self.best.exists() else self.last
        return self.state.weights_of(best) if best.exists() else None
