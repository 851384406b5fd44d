"""All scenes, in the order in which they are played: first what needs no project, last what needs a trained model or adds images."""

from __future__ import annotations

from docs.scenes import (
    dataset,
    docks,
    drawing,
    editing,
    frames,
    learning,
    models,
    painting,
    windows,
    words,
)
from docs.scenes.scene import Scene

SCENES: tuple[Scene, ...] = tuple(
    sorted(
        (
            *windows.BEFORE,
            *docks.SCENES,
            *drawing.SCENES,
            *painting.SCENES,
            *editing.SCENES,
            *dataset.SCENES,
            *windows.SCENES,
            *models.SCENES,
            *words.SCENES,
            *learning.SCENES,
            *frames.SCENES,
        ),
        key=lambda scene: ("nothing", "project", "live", "trained", "video").index(scene.needs),
    )
)
# Of the window in other languages, played by a process that speaks them
TRANSLATED = {"zh_CN": ("annotate", "train-form", "dataset-overview", "shortcuts")}
