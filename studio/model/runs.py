"""Run directories as the studio sees them: their state, facts, curves and files.

It only reads, but for the command file through which a training is asked to pause or stop. Who started a run does not matter: the window, the command line, Python or another machine.
"""

from __future__ import annotations

import contextlib
import json
import time
from dataclasses import dataclass, field, replace
from enum import Enum
from pathlib import Path
from typing import Any, Literal

import psutil
import yaml

from engine.runtime.paths import write_atomic
from studio.language import tr
from studio.model.model_files import is_exported, size_of
from studio.model.run_events import EventTail, read_ends
from studio.model.run_facts import History, RunFacts
from studio.model.run_failure import Failure, explain, read_log_end

ARGS_FILE = "args.yaml"
EVENTS_FILE = "events.jsonl"
CONTROL_FILE = "control.json"
PROCESS_FILE = "process.json"
EXIT_FILE = "exit.json"
LOG_FILE = "log.txt"
VALIDATION_FILE = "validation.json"

Command = Literal["run", "pause", "stop_after_epoch", "stop"]
_START_LIMIT_S = 30.0  # a Python interpreter starts in less, on a loaded machine too
_START_TOLERANCE_S = 2.0  # clocks of process table and event file differ by less


class RunState(Enum):
    """Where a run stands; the value is the word to show."""

    QUEUED = "queued"
    STARTING = "starting"
    RUNNING = "running"
    PAUSED = "paused"
    STOPPING = "stopping"
    FINISHED = "finished"
    STOPPED = "stopped"
    FAILED = "failed"

    @property
    def is_alive(self) -> bool:
        """Whether a process stands behind the run."""
        return self not in _ENDED


_ENDED = frozenset({RunState.FINISHED, RunState.STOPPED, RunState.FAILED})


STATE_WORDS = {
    RunState.QUEUED: tr("Queued"),
    RunState.STARTING: tr("Starting"),
    RunState.RUNNING: tr("Running"),
    RunState.PAUSED: tr("Paused"),
    RunState.STOPPING: tr("Stopping"),
    RunState.FINISHED: tr("Finished"),
    RunState.STOPPED: tr("Stopped"),
    RunState.FAILED: tr("Failed"),
}


@dataclass(frozen=True)
class Checkpoint:
    """A model file of a run: ``kind`` is ``best``, ``last``, ``epoch`` or ``exported``."""

    path: Path
    kind: str
    size_bytes: int
    modified: float


@dataclass(frozen=True)
class RunSnapshot:
    """All that can be said about a run at one moment; safe to hand to another thread."""

    folder: Path
    state: RunState
    facts: RunFacts
    args: dict[str, Any] = field(default_factory=dict)
    failure: Failure | None = None
    version: str | None = None

    @property
    def name(self) -> str:
        """Return the run's name, that is its folder's."""
        return self.folder.name

    @property
    def can_resume(self) -> bool:
        """Whether the run ended early and left something to go on from."""
        if self.state not in {RunState.STOPPED, RunState.FAILED} or not self.last.is_file():
            return False
        return self.facts.epochs is None or self.facts.epochs_done < self.facts.epochs

    @property
    def best(self) -> Path:
        """Return the place of the best weights; the file may not exist yet."""
        return self.folder / "weights" / "best.pt"

    @property
    def last(self) -> Path:
        """Return the place of the latest weights; the file may not exist yet."""
        return self.folder / "weights" / "last.pt"


class RunReader:
    """Follows one run directory: call :meth:`poll` now and then, from any one thread.

    Args:
        folder: The run directory; it may still be empty.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.history = History()
        self._facts = RunFacts()
        self._tail = EventTail(folder / EVENTS_FILE)

    def poll(self) -> tuple[RunSnapshot, bool]:
        """Read what is new and return the state of things, and whether there were new events."""
        events = self._tail.read()
        self._facts.add_all(events)
        self.history.add_all(events)
        return snapshot(self.folder, replace(self._facts)), bool(events)

    @property
    def has_more(self) -> bool:
        """Whether another :meth:`poll` would find more at once."""
        return self._tail.has_more


def is_run(folder: Path) -> bool:
    """Return whether a folder holds a training run."""
    return (folder / EVENTS_FILE).is_file() or (folder / PROCESS_FILE).is_file()


def list_runs(runs_dir: Path) -> list[Path]:
    """Return the run directories of a folder, newest first."""
    if not runs_dir.is_dir():
        return []
    runs = [folder for folder in runs_dir.iterdir() if folder.is_dir() and is_run(folder)]
    return sorted(runs, key=_birth, reverse=True)


def summarise(folder: Path) -> RunSnapshot:
    """Return a run's state from the two ends of its events: fast however long the training was."""
    facts = RunFacts()
    facts.add_all(read_ends(folder / EVENTS_FILE))
    return snapshot(folder, facts)


def snapshot(folder: Path, facts: RunFacts) -> RunSnapshot:
    """Combine the events' facts with what the process table and the supervisor's files say."""
    process = read_json(folder / PROCESS_FILE)
    exit_record = read_json(folder / EXIT_FILE)
    if process and not _is_of_attempt(facts.attempt_time, process):
        facts = replace(facts, end=None, error=None, state=None, training=False)
    state = _state(folder, facts, process, exit_record)
    failure = None
    if state is RunState.FAILED:
        failure = explain(facts.error, exit_record, read_log_end(folder / LOG_FILE))
    version = (process or {}).get("version")
    return RunSnapshot(folder, state, facts, read_args(folder), failure, version)


def read_args(folder: Path) -> dict[str, Any]:
    """Return the arguments of a run, empty where they cannot be read."""
    with contextlib.suppress(OSError, yaml.YAMLError, UnicodeDecodeError):
        args = yaml.safe_load((folder / ARGS_FILE).read_text(encoding="utf-8"))
        return args if isinstance(args, dict) else {}
    return {}


def list_checkpoints(folder: Path) -> list[Checkpoint]:
    """Return the model files of a run: best, last, those of single epochs, then exported ones."""
    found = []
    weights = folder / "weights"
    for path in weights.iterdir() if weights.is_dir() else ():
        kind = _checkpoint_kind(path)
        if kind is not None:
            found.append(Checkpoint(path, kind, size_of(path), path.stat().st_mtime))
    order = ("best", "last", "epoch", "exported")
    return sorted(found, key=lambda c: (order.index(c.kind), c.path.name))


def send_command(folder: Path, command: Command) -> None:
    """Ask a training to pause, go on or stop; it looks between two batches.

    Raises:
        OSError: The run directory cannot be written.
    """
    write_atomic(folder / CONTROL_FILE, json.dumps({"command": command}))


def read_command(folder: Path) -> str:
    """Return what a training was last asked to do, ``run`` if nothing."""
    return str((read_json(folder / CONTROL_FILE) or {}).get("command", "run"))


def read_json(path: Path) -> dict[str, Any] | None:
    """Return a small JSON object, None where there is none."""
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return value if isinstance(value, dict) else None


def is_process_alive(pid: Any, started: Any) -> bool:
    """Return whether a process lives and is the one that was meant: numbers are used again.

    Args:
        pid: Its number.
        started: A moment (seconds since the epoch) at which it existed already; None if unknown.
    """
    if not isinstance(pid, int) or pid <= 0:
        return False
    try:
        process = psutil.Process(pid)
        if process.status() == psutil.STATUS_ZOMBIE:
            return False
        born = process.create_time()
    except psutil.Error:
        return False
    return not isinstance(started, int | float) or born <= started + _START_TOLERANCE_S


def _state(
    folder: Path,
    facts: RunFacts,
    process: dict[str, Any] | None,
    exit_record: dict[str, Any] | None,
) -> RunState:
    if exit_record is not None:
        return _ended_state(facts, exit_record)
    if facts.end is not None:
        return RunState.STOPPED if facts.end == "stopped" else RunState.FINISHED
    if not _is_alive(facts, process):
        return RunState.FAILED
    if facts.error is not None:
        return RunState.FAILED
    if read_command(folder) in {"stop", "stop_after_epoch"}:
        return RunState.STOPPING
    if process and process.get("waiting"):
        return RunState.QUEUED
    if facts.state == "paused":
        return RunState.PAUSED
    return RunState.RUNNING if facts.training else RunState.STARTING


def _ended_state(facts: RunFacts, exit_record: dict[str, Any]) -> RunState:
    if exit_record.get("stopped") or facts.end == "stopped":
        return RunState.STOPPED
    if exit_record.get("code") == 0 and facts.end is not None and facts.error is None:
        return RunState.FINISHED
    return RunState.FAILED


def _is_alive(facts: RunFacts, process: dict[str, Any] | None) -> bool:
    if process is not None:
        started = process.get("time")
        if process.get("pid") is None:  # the supervisor has not written its first word yet
            return isinstance(started, int | float) and time.time() - started < _START_LIMIT_S
        if is_process_alive(process["pid"], started):
            return True
        return is_process_alive(process.get("engine_pid"), process.get("engine_time"))
    return is_process_alive(facts.pid, facts.attempt_time)


def _is_of_attempt(attempt_time: float | None, process: dict[str, Any]) -> bool:
    """Whether the events' last beginning belongs to this process and not to an attempt before it."""
    started = process.get("time")
    if attempt_time is None or not isinstance(started, int | float):
        return attempt_time is not None
    return attempt_time >= started - _START_TOLERANCE_S


def _checkpoint_kind(path: Path) -> str | None:
    if path.suffix == ".pt":
        if path.stem in {"best", "last"}:
            return path.stem
        return "epoch" if path.stem.startswith("epoch") else None
    return "exported" if is_exported(path) else None


def _birth(folder: Path) -> float:
    """When a run was made; the files of one that the studio did not start tell by their age."""
    created = (read_json(folder / PROCESS_FILE) or {}).get("created")
    if isinstance(created, int | float):
        return float(created)
    with contextlib.suppress(OSError):
        return (folder / ARGS_FILE).stat().st_mtime
    return 0.0
