"""What a validation says to people: a table of the whole and of each class, and how long an image took."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

MOST_CLASSES = 100  # more would push the line of the whole out of sight
_MEASURES = {"P": "precision", "R": "recall", "mAP50": "mAP50", "mAP50-95": "mAP50-95"}
_CLASS_MAPS = {
    "P": "metrics/precision",
    "R": "metrics/recall",
    "IoU": "metrics/mIoU",
    "DiceScore": "metrics/DiceScore",
    "MCR": "metrics/MCR",
}
_CLASSIFIED = {"precision": "", "recall": "", "f1": ""}  # what a class has and the whole has not
_WHOLE = "all"


def metrics_table(metrics: Any, images: int, classes: bool = True) -> str:
    """Return the measures as aligned lines: the whole first, then the classes that occur.

    Args:
        metrics: What a validation measured, of any task.
        images: How many images it looked at.
        classes: Whether to show the classes too.
    """
    rows = [{key.lower(): value for key, value in row.items()} for row in metrics.summary()]
    columns = measured_columns(metrics)
    counts = [name for name in ("images", "instances", "pixels") if rows and name in rows[0]]
    results = metrics.results_dict
    whole: list[Any] = [_WHOLE, *(_count(rows, name, images) for name in counts)]
    whole += [results.get(key) for key in columns.values()]
    table = [["class", *counts, *columns], whole]
    named = "class" if rows and "class" in rows[0] else "name"
    for row in rows[:MOST_CLASSES] if classes else ():
        table.append([row[named], *(row[c] for c in counts), *(row[h.lower()] for h in columns)])
    lines = aligned(table)
    if classes and len(rows) > MOST_CLASSES:
        lines.append(f"and {len(rows) - MOST_CLASSES} further classes")
    if not any(columns.values()):
        lines[1] += "  " + "  ".join(headlines(results))
    return "\n".join(lines)


def measured_columns(metrics: Any) -> dict[str, str]:
    """Return the heads of the table's columns, each with the name of its figure for the whole."""
    columns: dict[str, str] = {}
    for part in getattr(metrics, "parts", ()):
        for short, name in _MEASURES.items():
            of_boxes = short.startswith("mAP") and part.name == "box"
            head = short if of_boxes else f"{part.title}-{short}"
            columns[head] = f"metrics/{name}({part.letter})"
    if columns:
        return columns
    return _CLASS_MAPS if "metrics/mIoU" in metrics.results_dict else _CLASSIFIED


def headlines(results: Mapping[str, float]) -> list[str]:
    """Return the measures of the whole as ``name=value``, for tasks whose classes have others."""
    return [
        f"{name.removeprefix('metrics/')}={value:.3f}"
        for name, value in results.items()
        if name.startswith("metrics/")
    ]


def speed_line(speed: Mapping[str, float]) -> str:
    """Return how long an image took, by stage, in milliseconds."""
    parts = [f"{value:.1f} ms {stage}" for stage, value in speed.items() if value]
    return f"An image took {', '.join(parts)}." if parts else ""


def aligned(table: Sequence[Sequence[Any]]) -> list[str]:
    """Return rows of cells as lines, the first column to the left, figures to the right."""
    cells = [[_cell(value) for value in row] for row in table]
    widths = [max(len(row[i]) for row in cells) for i in range(len(cells[0]))]
    lines = []
    for row in cells:
        first, *rest = (
            f"{text:<{width}}" if i == 0 else f"{text:>{width}}"
            for i, (text, width) in enumerate(zip(row, widths, strict=True))
        )
        lines.append("  ".join((first, *rest)).rstrip())
    return lines


def _count(rows: Sequence[Mapping[str, Any]], name: str, images: int) -> int:
    return images if name == "images" else sum(row[name] for row in rows)


def _cell(value: Any) -> str:
    if value is None:
        return ""
    return f"{value:.3f}" if isinstance(value, float) else str(value)
