"""From a labelled project to a running training: freeze the labels as a dataset version, then start."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from studio.jobs.training import TrainingRequest, start_training
from studio.jobs.weights import fetch_weights, is_public_name
from studio.language import tr
from studio.storage.project_files import open_project
from studio.storage.versions import create_version

Progress = Callable[[int, int, str], None]
FREEZING = tr("Freezing the labels")


def train_project(
    folder: Path,
    task: str,
    arguments: Mapping[str, Any],
    *,
    name: str = "train",
    after: Sequence[Path] = (),
    progress: Progress | None = None,
    is_cancelled: Callable[[], bool] = lambda: False,
) -> Path:
    """Make a dataset version of the project's labels, start a training on it, and return its run directory.

    Trained weights that are asked for by name and are not on this computer are fetched first.

    Blocks while the version is written, so call it from a thread: it reads the project through a connection of
    its own.

    Args:
        folder: The project folder.
        task: What will be trained, one of ``studio.model.tasks.TASK_TITLES``.
        arguments: Engine arguments beside ``data``.
        name: Stem of the run's name.
        after: Run directories to wait for.
        progress: Called with (done, total, what is being done): bytes of the weights, images of the version.
        is_cancelled: Asked all the time; True stops before anything was started.

    Raises:
        EngineError: Nothing is labelled, or something cannot be fetched, written or started.
    """
    tell: Progress = progress or (lambda _done, _total, _text: None)
    model = str(arguments.get("model") or "")
    if is_public_name(model):
        path = fetch_weights(model, tell, is_cancelled)
        arguments = {**arguments, "model": str(path)}
    with open_project(folder, read_only=True) as project:
        version = create_version(
            project, None, task, lambda done, total: tell(done, total, FREEZING), is_cancelled
        )
        runs_dir = project.runs_dir
    request = TrainingRequest(
        task=task,
        arguments={**arguments, "data": str(version.yaml)},
        name=name,
        version=version.folder.name,
        after=after,
    )
    return start_training(runs_dir, request)
