"""Matplotlib without its global state: figures that belong to the caller and need no display."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from engine.runtime.atomic import atomic_path


@contextmanager
def figure(path: str | Path, width: float, height: float, **layout: Any) -> Iterator[Any]:
    """Give an empty figure and save it to ``path`` at the end; the file appears complete or not at all.

    Args:
        path: Where to save; the ending chooses the format.
        width: In inches, at 200 dots each.
        height: In inches.
        layout: More arguments of ``matplotlib.figure.Figure``.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    made = Figure(figsize=(width, height), layout="constrained", **layout)
    FigureCanvasAgg(made)
    yield made
    with atomic_path(path) as temporary:
        made.savefig(temporary, dpi=200)
