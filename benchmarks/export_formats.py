"""A model in every format that can be written here: size, differences to PyTorch, measure and time.

Each format is written plainly and, where it takes them, with ``half`` and with ``int8``; what runs here is compared
with the model on a picture of the data set, validated and timed. Tools that do not get on with each other live in
environments of their own: ``--into FILE`` keeps the rows that a run in another one measured.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from engine import YOLO
from engine.core.benchmark import measure_file, time_file
from engine.core.exporter import Exporter
from engine.data.images import read_image
from engine.data.labels.paths import find_images
from engine.data.yaml_file import read_data_yaml, require_split
from engine.export.formats import FORMATS, ExportFormat, find_format
from engine.export.verify import MIB, size_of
from engine.runtime.errors import EngineError

VARIANTS: tuple[dict[str, bool], ...] = ({}, {"half": True}, {"int8": True})
Row = dict[str, Any]


def add_options(parser: argparse.ArgumentParser) -> None:
    """Declare what the benchmark takes besides the common options; ``--repeats`` is not used."""
    parser.add_argument("--model", required=True, help="a trained .pt file")
    parser.add_argument(
        "--data", required=True, help="data.yaml to calibrate with and to measure on"
    )
    parser.add_argument("--imgsz", type=int, default=160)
    parser.add_argument("--formats", nargs="*", default=[], help="these alone, as after format=")
    parser.add_argument("--into", type=Path, help="JSON of an earlier run, whose other rows stay")


def run(options: argparse.Namespace) -> dict[str, object]:
    """Return a row for each format and variant; one that cannot be had here says why."""
    model = YOLO(options.model)
    given = {"data": options.data, "imgsz": options.imgsz, "device": "cpu"}
    rows = [_unchanged(model, given), *_rows(model, given, options.formats)]
    if options.into and options.into.is_file():
        rows = merged(json.loads(options.into.read_text(encoding="utf-8"))["rows"], rows)
    figures: dict[str, object] = {"task": model.task, "imgsz": options.imgsz, "rows": rows}
    if options.into:
        options.into.write_text(json.dumps({"name": "export", **figures}, indent=1) + "\n", "utf-8")
    return figures


def merged(before: list[Row], now: list[Row]) -> list[Row]:
    """Return rows in the order of the formats; a new one replaces an old one unless it measured nothing."""
    rows = {(row["format"], row["options"]): row for row in before}
    for row in now:
        key = (row["format"], row["options"])
        if row["status"] != "skipped" or key not in rows:
            rows[key] = row
    order = ["pt", *(found.key for found in FORMATS)]
    return sorted(rows.values(), key=lambda row: order.index(row["format"]))


def _rows(model: YOLO, given: dict[str, Any], keys: list[str]) -> Iterator[Row]:
    formats = [find_format(key) for key in keys] or [f for f in FORMATS if f.is_writable]
    for found in formats:
        for variant in VARIANTS:
            if set(variant) <= found.options:
                yield _row(model, found, variant, given)


def _row(model: YOLO, found: ExportFormat, variant: dict[str, bool], given: dict[str, Any]) -> Row:
    row: Row = {"format": found.key, "options": ", ".join(f"{name}=True" for name in variant)}
    wanted = {n: v for n, v in given.items() if n in ("imgsz", "device") or n in found.options}
    if "int8" in found.options and not variant.get("int8"):
        wanted.pop("data", None)
    try:
        exporter = Exporter({**wanted, **variant, "format": found.key})
    except EngineError as error:
        return {**row, "status": "skipped", "note": str(error)}
    with tempfile.TemporaryDirectory() as name:
        try:
            return {**row, **_figures(model, exporter, Path(name), given)}
        except (EngineError, RuntimeError, ValueError) as error:  # the runtimes' own among them
            return {**row, "status": "failed", "note": " ".join(str(error).split())}


def _figures(model: YOLO, exporter: Exporter, folder: Path, given: dict[str, Any]) -> Row:
    begun = time.perf_counter()
    path = exporter(model.model, folder / f"model{exporter.format.suffix}")
    seconds = round(time.perf_counter() - begun, 1)
    written = {"size_mib": round(size_of(path) / MIB, 2), "written_s": seconds}
    if not exporter.runs_here:
        return {"status": "written", **written}
    compared = exporter.verify(read_image(_picture(given["data"])))
    apart: Row = {part: compared[part] for part in ("boxes_px", "scores") if part in compared}
    return {"status": "ok", **written, **apart, **_measures(model, path, given, folder)}


def _unchanged(model: YOLO, given: dict[str, Any]) -> Row:
    with tempfile.TemporaryDirectory() as name:
        path = model.save(Path(name) / "model.pt")
        size = {"size_mib": round(size_of(path) / MIB, 2)}
        measures = _measures(model, path, given, Path(name))
    return {"format": "pt", "options": "", "status": "ok", **size, **measures}


def _measures(model: YOLO, path: Path, given: dict[str, Any], folder: Path) -> Row:
    metric, value = measure_file(model, path, given, folder)
    return {"metric": metric, "value": value, "ms": time_file(path, given)}


def _picture(data: str) -> Path:
    described = read_data_yaml(data)
    return find_images(require_split(described, "val"))[0][0]
