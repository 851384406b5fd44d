"""``benchmark``: a model's size, exactness and speed in every format that can be written here."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from engine.core.benchmark import BenchmarkTable
from engine.models.yolo.model import YOLO


def benchmark(
    model: Any = "yolo11n.pt", data: str | Path | None = None, imgsz: int = 160, **kwargs: Any
) -> BenchmarkTable:
    """Export, validate and time a model in every format, and log the table.

    Args:
        model: A ``.pt`` file, or a model.
        data: What to validate on; None takes what the model was trained on.
        imgsz: Side of the inputs in pixels.
        kwargs: ``half``, ``int8``, ``device``, ``format`` (one, or several in a list), ``split``,
            ``fraction``.

    Returns:
        The table: print it, iterate over its rows, or take ``to_df()``, ``to_json()``, ``summary()``.

    Raises:
        ConfigError: An argument is unknown or out of range.
        ModelError: The model is an exported file.
    """
    loaded = YOLO(model) if isinstance(model, str | Path) else model
    given = {**kwargs, "imgsz": imgsz} | ({} if data is None else {"data": str(data)})
    return loaded.benchmark(**given)
