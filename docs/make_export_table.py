"""Make the tables of docs/exporting.md: what each format takes and needs, and what its files differ by.

``python docs/make_export_table.py`` prints the first; ``... MODEL.pt SIZE [format,format]`` exports the model to
each format whose tool is here, runs the file beside the model on a drawn picture, and prints the second.
"""

from __future__ import annotations

import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from engine.core.exporter import Exporter
from engine.export.formats import FORMATS, ExportFormat
from engine.nn.checkpoint import load_checkpoint
from engine.runtime.errors import EngineError
from engine.runtime.log import LOGGER


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


def measured_table(weights: str, imgsz: int, keys: list[str]) -> str:
    """Return size, time to write and largest differences for each format that can be written here."""
    lines = ["| `format=` | options | MiB | written in s | boxes, px | scores | all outputs |"]
    lines.append("| --- | --- | --- | --- | --- | --- | --- |")
    for found in FORMATS:
        if found.is_writable and (not keys or found.key in keys):
            options = [{}, {"half": True}] if "half" in found.options else [{}]
            lines += [_measured(weights, imgsz, found, extra) for extra in options]
    return "\n".join(line for line in lines if line)


def _measured(weights: str, imgsz: int, found: ExportFormat, extra: dict[str, bool]) -> str:
    try:
        export = Exporter({"format": found.key, "imgsz": imgsz, "device": "cpu", **extra})
    except EngineError as error:
        LOGGER.warning("%s: %s", found.key, error)
        return ""
    if not export.runs_here:
        return ""
    with tempfile.TemporaryDirectory() as folder:
        begun = time.perf_counter()
        export(load_checkpoint(weights).model, Path(folder) / f"model{found.suffix}")
        seconds = time.perf_counter() - begun
        compared = export.verify(drawn_picture(imgsz))
    figures = (compared.get("boxes_px"), compared["scores"], compared["max_abs_diff"])
    shown = " | ".join("" if number is None else f"{number:.1e}" for number in figures)
    words = ", ".join(f"{name}={value}" for name, value in extra.items()) or "-"
    return f"| `{found.key}` | {words} | {compared['size_mib']:.1f} | {seconds:.0f} | {shown} |"


def drawn_picture(side: int) -> np.ndarray:
    """Return a picture (side, side, 3) uint8 with structure at several scales."""
    y, x = np.mgrid[0:side, 0:side].astype(np.float32) * (64 / side)
    waves = [np.sin(x / 4) * np.cos(y / 6), np.sin((x + y) / 9), np.cos(x * y / 300)]
    return np.clip(np.stack(waves, 2) * 100 + 128, 0, 255).astype(np.uint8)


if __name__ == "__main__":
    given = sys.argv[1:]
    chosen = given[2].split(",") if len(given) > 2 else []
    table = measured_table(given[0], int(given[1]), chosen) if given else format_table()
    sys.stdout.write(f"{table}\n")
