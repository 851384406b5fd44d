"""Make the tables of docs/exporting.md: what each format takes and needs, and what its files differ by.

``python docs/make_export_table.py`` prints the first; with the JSON that ``python -m benchmarks export`` wrote it
prints the second.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from engine.export.formats import FORMATS

HEADS = ("`format=`", "options", "MiB", "boxes, px", "scores", "mAP50-95 (masks)")


def format_table() -> str:
    """Return what each format takes and needs."""
    lines = ["| format | `format=` | file or folder | arguments | to write it | runs here |"]
    lines.append("| --- | --- | --- | --- | --- | --- |")
    for found in FORMATS:
        if found.is_writable:
            suffix = f"`NAME{found.suffix}{'/' if found.is_folder else ''}`"
            takes = ", ".join(f"`{name}`" for name in ("imgsz", "device", *sorted(found.options)))
            needs = "; ".join(dict.fromkeys(tool.install for tool in found.needs)) or "-"
            runs = "yes" if found.runs else "elsewhere"
            lines.append(
                f"| {found.name} | `{found.key}` | {suffix} | {takes} | {needs} | {runs} |"
            )
    return "\n".join(lines)


def measured_table(rows: list[dict[str, Any]]) -> str:
    """Return size, largest differences and measure of what was written.

    Args:
        rows: Those of the benchmark; what was skipped or failed is left out.
    """
    lines = [f"| {' | '.join(HEADS)} |", f"|{' --- |' * len(HEADS)}"]
    for row in rows:
        if row["status"] in ("ok", "written"):
            words = f"`{row['options']}`" if row["options"] else "-"
            cells = (f"`{row['format']}`", words, f"{row['size_mib']:.1f}", *_figures(row))
            lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def _figures(row: dict[str, Any]) -> tuple[str, ...]:
    if row["status"] == "written":
        return "", "", "runs elsewhere"
    apart = (row.get("boxes_px"), row.get("scores"))
    shown = ("" if number is None else f"{number:.1e}" for number in apart)
    return *shown, f"{row['value']:.3f}"


if __name__ == "__main__":
    given = sys.argv[1:]
    found = json.loads(Path(given[0]).read_text(encoding="utf-8"))["rows"] if given else []
    sys.stdout.write(f"{measured_table(found) if given else format_table()}\n")
