"""What every benchmark reports beside its figures: the machine, the versions, medians of repeats."""

from __future__ import annotations

import os
import platform
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

PACKAGES = (
    "torch",
    "torchvision",
    "numpy",
    "opencv-python-headless",
    "PySide6-Essentials",
    "onnxruntime",
)


def machine() -> dict[str, object]:
    """Return the processor's name, the cores this process may use, and the system."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return {"system": platform.platform(), "cores": cores, "processor": _processor()}


def versions() -> dict[str, str]:
    """Return the versions of Python and of the packages that decide the figures."""
    found = {"python": platform.python_version()}
    for name in PACKAGES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found


def median_ms(action: Callable[[], object], repeats: int, warm_up: int = 1) -> float:
    """Return the median wall time of ``action`` in milliseconds."""
    for _ in range(warm_up):
        action()
    times = []
    for _ in range(repeats):
        start = time.perf_counter()
        action()
        times.append((time.perf_counter() - start) * 1000)
    return statistics.median(times)


def median_process_s(
    arguments: list[str],
    repeats: int,
    python: str = sys.executable,
    env: dict[str, str] | None = None,
) -> float:
    """Return the median wall time in seconds of ``python ARGUMENTS`` as a whole process."""
    times = []
    for _ in range(repeats):
        start = time.perf_counter()
        subprocess.run(
            [python, *arguments], check=True, capture_output=True, env={**os.environ, **(env or {})}
        )
        times.append(time.perf_counter() - start)
    return statistics.median(times)


def _processor() -> str:
    try:
        with Path("/proc/cpuinfo").open(encoding="utf-8") as lines:
            return next(
                line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")
            )
    except (OSError, StopIteration):
        return platform.processor() or "unknown"
