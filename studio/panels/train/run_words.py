"""How a run's state and figures are said. No Qt here."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Literal

from studio.language import tr
from studio.model.run_facts import RunFacts
from studio.model.run_figures import headline
from studio.model.runs import STATE_WORDS, RunSnapshot, RunState

Dot = Literal["none", "busy", "success", "warning", "danger"]
DOTS: dict[RunState, Dot] = {
    RunState.QUEUED: "none",
    RunState.STARTING: "busy",
    RunState.RUNNING: "busy",
    RunState.PAUSED: "warning",
    RunState.STOPPING: "warning",
    RunState.FINISHED: "success",
    RunState.STOPPED: "none",
    RunState.FAILED: "danger",
}
_MIN_SHARE = 0.01  # an estimate from less only misleads


def state_text(run: RunSnapshot) -> str:
    """Return the state as one phrase, with what it is waiting for."""
    facts = run.facts
    if run.state is RunState.QUEUED:
        return tr("Waiting for the training before it")
    if run.state is RunState.STARTING:
        return tr("Starting: reading the images")
    if run.state is RunState.RUNNING and facts.validating:
        return tr("Running: validating")
    if run.state is RunState.FINISHED and facts.end == "early_stopping":
        return tr("Finished early: no better result any more")
    if run.state is RunState.FINISHED and facts.end == "time":
        return tr("Finished: the time was up")
    return STATE_WORDS[run.state]


def epoch_text(facts: RunFacts) -> str:
    """Return ``14 / 60``; the epoch under way counts."""
    if not facts.epochs:
        return "–"
    epoch = facts.epochs_done if facts.end else max(facts.epoch, facts.epochs_done)
    return f"{epoch} / {facts.epochs}"


def best_text(facts: RunFacts) -> str:
    """Return the figure that the best epoch is judged by, else its fitness."""
    figure = headline(facts.best_metrics)[0]
    return figure_text(facts.best_fitness if figure is None else figure.value)


def figure_text(value: float | None) -> str:
    """Return a figure from 0 to 1 as shown everywhere: three decimals."""
    return "–" if value is None else f"{value:.3f}"


def seconds_left(facts: RunFacts, now: float | None = None) -> float | None:
    """Return the time to the end of the training, counted on between epochs; None while unknown."""
    now = time.time() if now is None else now
    if facts.end is not None or facts.last_time is None:
        return None
    if facts.eta_s is not None and facts.epochs_done:
        per_epoch = facts.eta_s / max(1, (facts.epochs or 1) - facts.epochs_done)
        part = (
            facts.batch / facts.batches if facts.batches and facts.epoch > facts.epochs_done else 0
        )
        return max(0.0, facts.eta_s - per_epoch * part)
    if facts.progress < _MIN_SHARE or facts.started_time is None:
        return None
    elapsed = facts.last_time - facts.started_time
    return elapsed * (1 - facts.progress) / facts.progress


def duration_text(seconds: float) -> str:
    """Return a duration in two steps at most: ``1 h 7 min``, ``6 min``, ``42 s``."""
    if seconds < 60:
        return tr("{seconds:.0f} s").format(seconds=seconds)
    minutes = round(seconds / 60)
    if minutes < 60:
        return tr("{minutes} min").format(minutes=minutes)
    hours, minutes = divmod(minutes, 60)
    return (
        tr("{hours} h {minutes} min").format(hours=hours, minutes=minutes)
        if hours < 24
        else tr("{days} d {hours} h").format(days=hours // 24, hours=hours % 24)
    )


def taken_text(facts: RunFacts) -> str:
    """Return how long the run has taken so far."""
    if facts.started_time is None or facts.last_time is None:
        return "–"
    return duration_text(facts.last_time - facts.started_time)


def model_text(run: RunSnapshot) -> str:
    """Return the model's name without folder: ``yolo11n-seg``, or ``train-2/best`` for weights of a run."""
    name = str(run.args.get("model") or run.facts.model or "")
    path = Path(name)
    if path.suffix == ".pt" and path.parent.name == "weights":
        return f"{path.parent.parent.name}/{path.stem}"
    return path.stem or "–"
