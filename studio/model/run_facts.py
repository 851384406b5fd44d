"""What a run's events add up to: a few facts for a table row, and the curves for the dashboard."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from studio.model.run_events import Event

_MAX_BATCH_POINTS = 4000  # more than a plot has pixels; thinned by pairs beyond that
_MAX_WARNINGS = 200


@dataclass(slots=True)
class RunFacts:
    """The latest known facts of one run; unknown ones are ``None``. ``epoch`` counts from 1."""

    task: str | None = None
    model: str | None = None
    data: str | None = None
    device: str | None = None
    pid: int | None = None
    attempt_time: float | None = None
    started_time: float | None = None
    last_time: float | None = None
    epochs: int | None = None
    images: int | None = None
    val_images: int | None = None
    batch_size: int | None = None
    imgsz: int | None = None
    training: bool = False
    epoch: int = 0
    epochs_done: int = 0
    batch: int = 0
    batches: int | None = None
    validating: tuple[int, int] | None = None
    state: str | None = None
    metrics: dict[str, float] = field(default_factory=dict)
    best_metrics: dict[str, float] = field(default_factory=dict)
    best_fitness: float | None = None
    best_epoch: int | None = None
    images_per_second: float | None = None
    memory_mib: float | None = None
    eta_s: float | None = None
    end: str | None = None
    error: Event | None = None
    warnings: list[Event] = field(default_factory=list)

    @property
    def progress(self) -> float:
        """Return how much of the training is done, 0..1."""
        if self.end in {"finished", "early_stopping", "time"}:
            return 1.0
        if not self.epochs:
            return 0.0
        part = self.batch / self.batches if self.batches and self.epoch > self.epochs_done else 0.0
        return min(1.0, (self.epochs_done + part) / self.epochs)

    def add(self, event: Event) -> None:
        """Take in one event; unknown events only move the clock."""
        if isinstance(event.get("time"), int | float):
            self.last_time = float(event["time"])
        handler = _FACT_HANDLERS.get(event["event"])
        if handler is not None:
            handler(self, event)

    def add_all(self, events: Iterable[Event]) -> None:
        """Take in several events in their order."""
        for event in events:
            self.add(event)


def _begin_attempt(facts: RunFacts, event: Event) -> None:
    """A first start or a resume: what ended the attempt before no longer counts."""
    facts.end, facts.error, facts.state, facts.training = None, None, None, False
    facts.validating, facts.batch = None, 0
    facts.attempt_time = facts.last_time
    if facts.started_time is None:
        facts.started_time = facts.last_time
    for name in ("task", "model", "data", "device", "pid", "epochs"):
        if event.get(name) is not None:
            setattr(facts, name, event[name])


def _begin_training(facts: RunFacts, event: Event) -> None:
    facts.training = True
    for name in ("epochs", "images", "val_images", "imgsz", "device", "batches"):
        if event.get(name) is not None:
            setattr(facts, name, event[name])
    facts.batch_size = event.get("batch", facts.batch_size)
    start = event.get("start_epoch")
    if isinstance(start, int):
        facts.epochs_done = max(0, start - 1)
        facts.epoch = facts.epochs_done


def _end_batch(facts: RunFacts, event: Event) -> None:
    facts.training, facts.validating = True, None
    facts.epoch = int(event.get("epoch", facts.epoch))
    facts.batch = int(event.get("batch", facts.batch))
    facts.batches = event.get("batches", facts.batches)
    facts.images_per_second = event.get("images_per_second", facts.images_per_second)
    facts.memory_mib = event.get("memory_mib", facts.memory_mib)


def _end_val_batch(facts: RunFacts, event: Event) -> None:
    facts.validating = (int(event.get("batch", 0)), int(event.get("batches", 0)))


def _end_epoch(facts: RunFacts, event: Event) -> None:
    facts.validating = None
    facts.epoch = facts.epochs_done = int(event.get("epoch", facts.epoch))
    facts.metrics = dict(event.get("metrics") or {})
    for name in ("images_per_second", "memory_mib", "eta_s", "best_fitness", "best_epoch"):
        if event.get(name) is not None:
            setattr(facts, name, event[name])
    if facts.best_epoch in (None, facts.epoch):
        facts.best_metrics = facts.metrics


def _take_log(facts: RunFacts, event: Event) -> None:
    if event.get("state"):
        facts.state = event["state"]


def _take_warning(facts: RunFacts, event: Event) -> None:
    if len(facts.warnings) < _MAX_WARNINGS:
        facts.warnings.append(event)


def _end_training(facts: RunFacts, event: Event) -> None:
    facts.end = str(event.get("reason") or "finished")
    facts.eta_s = 0.0
    if event.get("metrics"):
        facts.best_metrics = dict(event["metrics"])


def _take_error(facts: RunFacts, event: Event) -> None:
    facts.error = event


_FACT_HANDLERS = {
    "on_pretrain_routine_start": _begin_attempt,
    "on_train_start": _begin_training,
    "on_train_batch_end": _end_batch,
    "on_val_batch_end": _end_val_batch,
    "on_fit_epoch_end": _end_epoch,
    "log": _take_log,
    "warning": _take_warning,
    "on_train_end": _end_training,
    "error": _take_error,
}


@dataclass(slots=True)
class Series:
    """One curve: ``x`` in epochs (fractions inside an epoch for batch values), rising, and ``y``."""

    x: list[float] = field(default_factory=list)
    y: list[float] = field(default_factory=list)

    def add(self, x: float, y: Any) -> None:
        """Append a point to the right; what is no number or lies no further right is left out.

        (The validation of the best weights at the end comes under an epoch that was drawn before.)
        """
        if self.x and x <= self.x[-1]:
            return
        if isinstance(y, int | float) and not isinstance(y, bool):
            self.x.append(x)
            self.y.append(float(y))

    def cut(self, x: float) -> None:
        """Drop all points beyond ``x``: a resumed run writes them again."""
        while self.x and self.x[-1] > x:
            self.x.pop()
            self.y.pop()

    def thin(self) -> None:
        """Halve the points by averaging neighbours once there are more than a screen can show."""
        if len(self.x) <= _MAX_BATCH_POINTS:
            return
        even = len(self.x) // 2 * 2
        self.x = [(self.x[i] + self.x[i + 1]) / 2 for i in range(0, even, 2)] + self.x[even:]
        self.y = [(self.y[i] + self.y[i + 1]) / 2 for i in range(0, even, 2)] + self.y[even:]


class History:
    """All curves of one run by name.

    The names: ``batch/box_loss``, ``train/box_loss``, ``val/box_loss``, ``metrics/mAP50(B)``, ``lr/pg0``,
    ``speed``, ``batch/speed``, ``memory``, ``fitness``.
    """

    def __init__(self) -> None:
        self.series: dict[str, Series] = {}
        self.best_epoch: int | None = None
        self.epochs: int | None = None

    def add(self, event: Event) -> None:
        """Take in one event; those without numbers are passed over."""
        kind = event["event"]
        if kind == "on_train_batch_end":
            self._add_batch(event)
        elif kind == "on_fit_epoch_end":
            self._add_epoch(event)
        elif kind == "on_train_start":
            self.epochs = event.get("epochs", self.epochs)
            start = event.get("start_epoch")
            if isinstance(start, int):
                self._cut(start - 1)

    def add_all(self, events: Iterable[Event]) -> None:
        """Take in several events in their order."""
        for event in events:
            self.add(event)

    def get(self, name: str) -> Series:
        """Return the curve of that name, empty where there is none."""
        return self.series.get(name) or Series()

    def names(self, prefix: str) -> list[str]:
        """Return the curves' names that begin so, in the order in which they came."""
        return [name for name in self.series if name.startswith(prefix)]

    def copy(self) -> History:
        """Return an independent copy that another thread may read."""
        twin = History()
        twin.best_epoch, twin.epochs = self.best_epoch, self.epochs
        twin.series = {name: Series(list(s.x), list(s.y)) for name, s in self.series.items()}
        return twin

    def _add_batch(self, event: Event) -> None:
        epoch, batches = event.get("epoch"), event.get("batches") or 1
        if not isinstance(epoch, int):
            return
        x = epoch - 1 + min(1.0, float(event.get("batch", 0)) / batches)
        self._put_all("batch/", x, event.get("losses"), thin=True)
        self._put("batch/speed", x, event.get("images_per_second"), thin=True)

    def _add_epoch(self, event: Event) -> None:
        epoch = event.get("epoch")
        if not isinstance(epoch, int):
            return
        self._put_all("train/", epoch, event.get("losses"))
        self._put_all("val/", epoch, event.get("val_losses"))
        self._put_all("", epoch, event.get("metrics"))
        self._put_all("lr/", epoch, event.get("lr"))
        self._put("speed", epoch, event.get("images_per_second"))
        self._put("memory", epoch, event.get("memory_mib"))
        self._put("fitness", epoch, event.get("fitness"))
        self.best_epoch = event.get("best_epoch", self.best_epoch)

    def _put_all(self, prefix: str, x: float, values: Any, *, thin: bool = False) -> None:
        for name, value in (values or {}).items():
            self._put(_joined(prefix, str(name)), x, value, thin=thin)

    def _put(self, name: str, x: float, value: Any, *, thin: bool = False) -> None:
        if value is None:
            return
        series = self.series.setdefault(name, Series())
        series.add(x, value)
        if thin:
            series.thin()

    def _cut(self, x: float) -> None:
        for series in self.series.values():
            series.cut(x)


def _joined(prefix: str, name: str) -> str:
    return name if name.startswith(prefix) else prefix + name
