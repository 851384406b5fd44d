"""How large, how exact and how fast a model is in each format: exported, validated and timed one by one."""

from __future__ import annotations

import json
import statistics
import tempfile
import time
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch

from engine.cfg.arguments import resolve
from engine.core.exporter import Exporter
from engine.export.formats import FORMATS, ExportFormat, find_format
from engine.export.verify import size_of
from engine.nn.autobackend import AutoBackend
from engine.runtime.device import select_device
from engine.runtime.errors import EngineError
from engine.runtime.log import LOGGER

MIB = 2**20
WARM_UPS, RUNS = 3, 20
# What the arguments may be: everything else has no effect here
ARGUMENTS = ("data", "imgsz", "half", "int8", "device", "format", "split", "fraction")
# the first of these that a validation gives is what the table shows
MAIN_METRICS = (
    "metrics/mAP50-95(M)",
    "metrics/mAP50-95(P)",
    "metrics/mAP50-95(B)",
    "metrics/accuracy_top1",
    "metrics/mIoU",
)
PYTORCH = ExportFormat("PyTorch", "-", ".pt", True, True, frozenset({"half"}))


@dataclass(frozen=True)
class BenchmarkRow:
    """One format.

    Attributes:
        format: Its name.
        status: ``ok``, ``skipped`` (it cannot be had here; ``note`` says what to do), ``written`` (it only
            runs elsewhere) or ``failed``.
        size_mib: Of the file or folder.
        metric: Name of the measure; empty where none was taken.
        value: Its value.
        ms: Median time of one image in the network alone.
        note: Why something is missing.
    """

    format: str
    status: str
    size_mib: float | None = None
    metric: str = ""
    value: float | None = None
    ms: float | None = None
    note: str = ""

    @property
    def per_second(self) -> float | None:
        """Images a second."""
        return round(1e3 / self.ms, 2) if self.ms else None


@dataclass(frozen=True)
class BenchmarkTable:
    """The rows of a benchmark, PyTorch first.

    Attributes:
        rows: One a format.
        imgsz: Height and width of the inputs.
        device: Where it ran.
    """

    rows: tuple[BenchmarkRow, ...]
    imgsz: tuple[int, int]
    device: str

    def __iter__(self) -> Iterator[BenchmarkRow]:
        return iter(self.rows)

    def __len__(self) -> int:
        return len(self.rows)

    def __str__(self) -> str:
        cells: list[tuple[str, ...]] = [
            ("Format", "Status", "Size (MiB)", "Metric", "ms/image", "Images/s", "Note")
        ]
        cells += [_cells(row) for row in self.rows]
        widths = [max(len(line[i]) for line in cells) for i in range(len(cells[0]))]
        lines = ("  ".join(c.ljust(w) for c, w in zip(x, widths, strict=True)) for x in cells)
        return "\n".join(line.rstrip() for line in lines)

    def summary(self) -> list[dict[str, Any]]:
        """Return the rows as dictionaries."""
        return [{**asdict(row), "per_second": row.per_second} for row in self.rows]

    def to_json(self) -> str:
        """Return the rows as JSON."""
        return json.dumps(self.summary(), indent=2)

    def to_df(self) -> Any:
        """Return the rows as a data frame of pandas, which must be installed."""
        import pandas as pd

        return pd.DataFrame(self.summary())


def run_benchmark(model: Any, given: Mapping[str, Any] | None = None) -> BenchmarkTable:
    """Measure a model in its own form and in each format that can be written here.

    Files go into a passing folder; nothing stays.

    Args:
        model: A :class:`engine.core.model.Model` with a network.
        given: Some of :data:`ARGUMENTS`; ``format`` names one format, or several in a list; without it
            all are tried. Without ``data`` and none remembered from the training only size and time are
            measured.

    Raises:
        ConfigError: An argument is unknown or out of range.
        ExportError: There is no such format.
    """
    values = dict(given or {})
    formats = _chosen(values.pop("format", None))
    asked = set(values)
    args = resolve({**values, "model": None}, "benchmark", model.task)
    shared = {name: getattr(args, name) for name in ARGUMENTS if name in asked and name != "format"}
    data = args.data or getattr(getattr(model.model, "args", None), "data", None)
    if not data:
        LOGGER.warning("No data given: sizes and times only.")
    rows = []
    for found in (PYTORCH, *formats):
        with tempfile.TemporaryDirectory() as name:
            rows.append(_row(model, found, {**shared, "data": data}, Path(name)))
        LOGGER.info("%s: %s", found.name, "  ".join(_cells(rows[-1])[1:]).strip())
    imgsz = (args.imgsz, args.imgsz) if isinstance(args.imgsz, int) else tuple(args.imgsz)
    return BenchmarkTable(tuple(rows), imgsz, str(select_device(args.device)))


def _chosen(wanted: Any) -> list[ExportFormat]:
    if not wanted:
        return [found for found in FORMATS if found.is_writable]
    words: Iterable[Any] = wanted.split(",") if isinstance(wanted, str) else wanted
    return [find_format(word) for word in words if str(word) not in ("-", "pt")]


def _row(model: Any, found: ExportFormat, given: dict[str, Any], folder: Path) -> BenchmarkRow:
    """Write, measure and time one format; what goes wrong is what the row says."""
    try:
        exporter = _exporter(found, given)
    except EngineError as error:
        return BenchmarkRow(found.name, "skipped", note=str(error))
    try:
        path = folder / f"model{found.suffix}"
        if exporter is None:
            model.save(path)
        else:
            exporter(model.model, path)
        size = round(size_of(path) / MIB, 2)
        if exporter is not None and not exporter.runs_here:
            return BenchmarkRow(found.name, "written", size, note="It runs elsewhere.")
        metric, value = measure_file(model, path, given, folder)
        speed = time_file(path, given)
    except (
        EngineError,
        RuntimeError,
        ValueError,
        OSError,
    ) as error:  # the runtimes' own among them
        LOGGER.debug("%s", found.name, exc_info=True)
        reason = " ".join(str(error).split()) or type(error).__name__
        return BenchmarkRow(found.name, "failed", note=reason)
    return BenchmarkRow(found.name, "ok", size, metric, value, speed)


def _exporter(found: ExportFormat, given: Mapping[str, Any]) -> Exporter | None:
    """Return what writes a format, its tools and options checked; None for our own file."""
    if found is PYTORCH:
        return None
    takes = {"imgsz", "device", *found.options}
    options = {n: v for n, v in given.items() if n in takes or (n in ("half", "int8") and v)}
    return Exporter({**options, "format": found.key})


def measure_file(
    model: Any, path: Path, given: Mapping[str, Any], folder: Path
) -> tuple[str, float | None]:
    """Validate a file.

    Args:
        model: A :class:`engine.core.model.Model` of its kind.
        path: The file or folder.
        given: ``data``; and where they are to be other than usual ``imgsz``, ``device``, ``half``, ``split``.
        folder: Where the validation may write.

    Returns:
        Name and value of its main measure; none without ``data``.
    """
    if not given.get("data"):
        return "", None
    quiet = {"plots": False, "verbose": False, "project": str(folder), "name": "val"}
    wanted = {n: given[n] for n in ("data", "imgsz", "device", "half", "split") if n in given}
    # its own rectangle for every image would time and measure what fixed files cannot do
    metrics = type(model)(path, task=model.task).val(**wanted, **quiet, batch=1, rect=False)
    results = metrics.results_dict
    name = next(name for name in MAIN_METRICS if name in results)
    return name.removeprefix("metrics/"), round(float(results[name]), 4)


def time_file(path: Path, given: Mapping[str, Any]) -> float:
    """Return the median milliseconds of an image of noise in the network of a file alone.

    Args:
        path: The file or folder.
        given: ``device``, ``half``, and ``imgsz`` for files that leave the size free.
    """
    backend = AutoBackend(path, select_device(given.get("device")), half=bool(given.get("half")))
    imgsz = given.get("imgsz") if backend.dynamic else None
    height, width = (imgsz, imgsz) if isinstance(imgsz, int) else imgsz or backend.imgsz
    image = torch.rand(1, backend.metadata.channels, height, width, device=backend.device)
    times = []
    for number in range(WARM_UPS + RUNS):
        started = time.perf_counter()
        backend(image)
        if backend.device.type == "cuda":
            torch.cuda.synchronize(backend.device)
        if number >= WARM_UPS:
            times.append(1e3 * (time.perf_counter() - started))
    return round(statistics.median(times), 2)


def _cells(row: BenchmarkRow) -> tuple[str, ...]:
    shown = (row.size_mib, row.ms, row.per_second)
    size, speed, rate = ("" if number is None else f"{number:g}" for number in shown)
    metric = "" if row.value is None else f"{row.metric} {row.value:.4f}"
    return row.format, row.status, size, metric, speed, rate, row.note
