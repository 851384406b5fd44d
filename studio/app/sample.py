"""The sample project: drawn by our own code, imported like any data set."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from studio.app.opening import import_into, stoppable
from studio.storage.project_files import project_folder_for

IMAGES, UNLABELLED, SEED = 150, 24, 0


def sample_folder() -> Path:
    """Return where the sample lies unless somebody chose another place."""
    return Path.home() / "Maskwright" / "sample"


def make_sample(
    folder: Path,
    progress: Callable[[int, int, str], None],
    is_cancelled: Callable[[], bool] = lambda: False,
) -> Path:
    """Draw the sample's images with their labels and import them; returns the project folder.

    Args:
        folder: Where to; made if needed.
        progress: Called with (done, total, what).
        is_cancelled: Asked for each image; True ends the work with ``CancelledError``.
    """
    from engine.data.synthetic import write_sample

    told = stoppable(progress, is_cancelled)
    write_sample(
        folder,
        images=IMAGES,
        unlabelled=UNLABELLED,
        seed=SEED,
        progress=lambda done, total: told(done, total, "drawing"),
    )
    project = project_folder_for(folder)
    import_into(project, folder / "data.yaml", progress, is_cancelled)
    return project
