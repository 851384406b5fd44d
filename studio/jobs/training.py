"""Starting trainings that outlive the window: a run directory and a supervisor in a session of its own.

What happens afterwards is read from the run directory by :mod:`studio.model.runs`.
"""

from __future__ import annotations

import atexit
import json
import os
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from engine.runtime.errors import EngineError
from engine.runtime.paths import increment_path, write_atomic
from studio.language import tr
from studio.model.runs import (
    ARGS_FILE,
    CONTROL_FILE,
    EXIT_FILE,
    PROCESS_FILE,
    RunSnapshot,
    read_json,
    send_command,
)

_SUPERVISOR = "studio.jobs.supervise"
_children: list[
    subprocess.Popen[bytes]
] = []  # kept so that ended ones are reaped, not left as zombies


class TrainingError(EngineError, RuntimeError):
    """A training that could not be started, paused or resumed."""


@dataclass(frozen=True)
class TrainingRequest:
    """One training to start.

    Attributes:
        task: What will be trained, one of ``studio.model.tasks.TASK_TITLES``.
        arguments: Engine arguments by name; ``model`` and ``data`` among them.
        name: Stem of the run's name; a number is added where it is taken.
        version: Name of the dataset version, recorded with the run.
        after: Run directories to wait for, because they compute on the same device.
    """

    task: str
    arguments: Mapping[str, Any]
    name: str = "train"
    version: str | None = None
    after: Sequence[Path] = field(default=())


def start_training(runs_dir: Path, request: TrainingRequest) -> Path:
    """Start a training in a new run directory and return that directory at once.

    Raises:
        TrainingError: The folder cannot be written or no process can be started.
    """
    try:
        folder = increment_path(runs_dir / request.name, sep="-", mkdir=True)
        arguments = dict(request.arguments)
        arguments |= {
            "task": request.task,
            "mode": "train",
            "project": str(folder.parent),
            "name": folder.name,
            "exist_ok": True,
        }
        write_atomic(folder / ARGS_FILE, yaml.safe_dump(arguments, sort_keys=False))
        launch = {
            "task": request.task,
            "resume": False,
            "version": request.version,
            "after": [str(path) for path in request.after],
            "created": time.time(),
        }
        _launch(folder, launch)
    except OSError as error:
        raise TrainingError(
            tr("the training could not be started: {strerror}.").format(
                strerror=error.strerror or error
            ),
            path=runs_dir,
            remedy=tr("Look whether the disk is full and the project's folder can be written."),
        ) from error
    return folder


def resume_training(run: RunSnapshot) -> None:
    """Go on with a stopped or failed run in its own directory, after its last saved epoch.

    Raises:
        TrainingError: It still runs, left no weights, or no process can be started.
    """
    if run.state.is_alive:
        raise TrainingError(tr("this training still runs."), path=run.folder)
    if not run.last.is_file():
        raise TrainingError(
            tr(
                "this training ended before its first epoch was saved, so there is nothing to go on from."
            ),
            path=run.folder,
            remedy=tr("Start a new training."),
        )
    before = read_json(run.folder / PROCESS_FILE) or {}
    launch: dict[str, Any] = {
        "task": run.facts.task or before.get("task") or run.args.get("task") or "detect",
        "resume": True,
        "version": before.get("version"),
        "after": [],
        "created": before.get("created") or time.time(),
    }
    try:
        for name in (EXIT_FILE, CONTROL_FILE):
            (run.folder / name).unlink(missing_ok=True)
        _launch(run.folder, launch)
    except OSError as error:
        raise TrainingError(
            tr("the training could not be resumed: {strerror}.").format(
                strerror=error.strerror or error
            ),
            path=run.folder,
            remedy=tr("Look whether the disk is full and the run's folder can be written."),
        ) from error


def stop_training(folder: Path) -> None:
    """Ask a training to stop now: the supervisor ends it if the engine does not answer."""
    send_command(folder, "stop")


def reap() -> None:
    """Take note of supervisors of ours that ended, so that the process table forgets them."""
    _children[:] = [child for child in _children if child.poll() is None]


def engine_command(folder: Path, launch: Mapping[str, Any]) -> list[str]:
    """Return the command line that trains in ``folder``."""
    start = "import sys; from engine.cli import main; sys.exit(main(sys.argv[1:]))"
    command = [sys.executable, "-c", start, str(launch["task"]), "train"]
    if launch.get("resume"):
        return [*command, "resume=True", f"model={folder / 'weights' / 'last.pt'}"]
    return [*command, f"cfg={folder / ARGS_FILE}"]


def child_environment() -> dict[str, str]:
    """Return an environment in which a child finds these packages, installed or not."""
    root = str(Path(__file__).resolve().parents[2])
    paths = [root, *filter(None, os.environ.get("PYTHONPATH", "").split(os.pathsep))]
    unique = list(dict.fromkeys(paths))
    return {
        **os.environ,
        "PYTHONPATH": os.pathsep.join(unique),
        "PYTHONUNBUFFERED": "1",
    }


def _launch(folder: Path, launch: Mapping[str, Any]) -> None:
    reap()
    # The supervisor replaces this record at once; until then its age tells that one is on its way.
    record = {**launch, "pid": None, "time": time.time(), "waiting": bool(launch["after"])}
    write_atomic(folder / PROCESS_FILE, json.dumps(record, indent=1))
    child = subprocess.Popen(
        [sys.executable, "-m", _SUPERVISOR, str(folder)],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        cwd=folder,
        env=child_environment(),
        **_detached(),
    )
    _children.append(child)


@atexit.register
def _let_go() -> None:
    """Supervisors outlive this process on purpose: keep Python from warning of it."""
    reap()
    for child in _children:
        child.returncode = 0


def _detached() -> dict[str, Any]:
    """Arguments that keep a child alive when the window's process or its terminal goes."""
    if sys.platform == "win32":
        flags = subprocess.DETACHED_PROCESS | subprocess.CREATE_NEW_PROCESS_GROUP
        return {"creationflags": flags}
    return {"start_new_session": True}
