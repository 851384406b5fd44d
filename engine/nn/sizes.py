"""What the models amount to: makes ``engine/cfg/models/sizes.json`` and the tables of ``docs/models.md``.

``python -m engine.nn.sizes`` builds every description at every scale without memory for its numbers, in a
checkout. Run it after a change of a description or a block; tests hold both files equal to the models.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import torch

from engine.cfg.model_catalogue import SCALE_WORDS, SIZES_JSON, CatalogueEntry, catalogue
from engine.cfg.model_yaml import model_names, split_scale
from engine.nn.summary import count_gflops
from engine.nn.tasks import build_model
from engine.runtime.log import LOGGER
from engine.runtime.paths import write_atomic

MODELS_MD = Path(__file__).parents[2] / "docs" / "models.md"
_BEGIN, _END = "<!-- sizes: made by python -m engine.nn.sizes -->", "<!-- end of sizes -->"
_SIDES = {"classify": 224}  # what the task is usually asked at, else:
_SIDE = 640
_TITLES = {
    "detect": "Boxes (detect)",
    "segment": "Boxes with outlines (segment)",
    "classify": "The class of the whole image (classify)",
    "pose": "Boxes with keypoints (pose)",
    "obb": "Rotated boxes (obb)",
    "semseg": "A class for every pixel (semseg)",
}


def measure(name: str) -> dict[str, Any]:
    """Build a model without memory for its numbers and return what ``sizes.json`` keeps of it.

    Args:
        name: A description with its scale, as in ``yolo11n-seg.yaml``.
    """
    with torch.device("meta"):
        model = build_model(name, verbose=False)
    side = _SIDES.get(model.task, _SIDE)
    return {
        "task": model.task,
        "parameters": sum(p.numel() for p in model.parameters()),
        "gflops": round(count_gflops(model, side, model.yaml["channels"]), 2),
        "imgsz": side,
        "classes": model.nc,
    }


def sizes_text(sizes: dict[str, dict[str, Any]]) -> str:
    """Return the content of ``sizes.json``: one model a line."""
    lines = [f"  {json.dumps(name)}: {json.dumps(values)}" for name, values in sizes.items()]
    return "{\n" + ",\n".join(lines) + "\n}\n"


def with_tables(page: str, entries: tuple[CatalogueEntry, ...]) -> str:
    """Return a page with fresh tables between its two marks.

    Raises:
        ValueError: The page lacks the marks.
    """
    before, _, rest = page.partition(_BEGIN)
    _, mark, after = rest.partition(_END)
    if not mark:
        raise ValueError(f"the page lacks the marks {_BEGIN} and {_END}")
    tables = "\n".join(_table(task, entries) for task in _TITLES)
    return f"{before}{_BEGIN}\n\n{tables}\n{_END}{after}"


def write_all() -> None:
    """Measure every model and write both files."""
    sizes = {}
    for name in model_names():
        sizes[name] = measure(name)
        LOGGER.info("%s: %s", name, sizes[name])
    write_atomic(SIZES_JSON, sizes_text(sizes))
    catalogue.cache_clear()
    write_atomic(MODELS_MD, with_tables(MODELS_MD.read_text(encoding="utf-8"), catalogue()))


def _table(task: str, entries: tuple[CatalogueEntry, ...]) -> str:
    """Return a task's table: a description a row, a scale a column."""
    found = [entry for entry in entries if entry.task == task]
    rows: dict[str, dict[str, str]] = {}
    for entry in found:
        cell = f"{entry.parameters / 1e6:.2f} M, {entry.gflops:.1f}"
        rows.setdefault(split_scale(entry.name)[0], {})[entry.scale] = cell
    scales = "".join(f" {scale} |" for scale in SCALE_WORDS)
    side = found[0].imgsz if found else _SIDE
    head = f"### {_TITLES[task]}\n\n| parameters, GFLOPs at {side} px |{scales}\n| --- |{' ---: |' * 5}\n"
    return head + "".join(_row(name, cells) for name, cells in rows.items())


def _row(name: str, cells: dict[str, str]) -> str:
    values = " | ".join(cells.get(scale, "") for scale in SCALE_WORDS)
    return f"| `{Path(name).stem}` | {values} |\n"


if __name__ == "__main__":
    write_all()
