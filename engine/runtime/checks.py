"""The environment report of ``yolo checks``, ``engine.checks()`` and ``maskwright doctor``; loads no torch."""

from __future__ import annotations

import os
import platform
import re
import shutil
import sys
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Literal

import psutil

from engine._version import __version__
from engine.runtime.hardware import (
    available_cpus,
    cpu_name,
    list_devices,
    physical_cores,
    torch_cuda_version,
)
from engine.runtime.log import LOGGER
from engine.runtime.paths import cache_dir, config_dir

_GIB = 1 << 30
_PACKAGE = "maskwright"


@dataclass(frozen=True)
class Check:
    """One line of the report.

    Attributes:
        name: What was looked at.
        value: What was found.
        status: ``ok``, ``optional`` (missing, and only something extra needs it) or ``problem``.
        remedy: What to do, if it is not ``ok``.
        group: The heading it belongs under.
    """

    name: str
    value: str
    status: Literal["ok", "optional", "problem"] = "ok"
    remedy: str = ""
    group: str = "System"


def checks(verbose: bool = True) -> bool:
    """Log the report; return whether nothing needed is missing.

    Args:
        verbose: Log every line; False logs problems only.
    """
    found = collect()
    shown = [check for check in found if verbose or check.status == "problem"]
    if shown:
        LOGGER.info("%s", format_report(shown))
    return not any(check.status == "problem" for check in found)


def collect() -> list[Check]:
    """Return every check, in the order of the report."""
    return [*_system(), *_devices(), *_folders(), *_requirements()]


def format_report(found: list[Check]) -> str:
    """Return the checks as aligned lines under their headings."""
    width = max(len(check.name) for check in found)
    lines: list[str] = []
    group = ""
    for check in found:
        if check.group != group:
            group = check.group
            lines += ["", group] if lines else [group]
        mark = {"ok": " ", "optional": "-", "problem": "!"}[check.status]
        remedy = f"  {check.remedy}" if check.remedy else ""
        lines.append(f"{mark} {check.name:<{width}}  {check.value}{remedy}")
    return "\n".join(lines)


def _system() -> list[Check]:
    memory = psutil.virtual_memory()
    disk = shutil.disk_usage(Path.cwd())
    return [
        Check(_PACKAGE, __version__),
        Check("Python", f"{platform.python_version()} ({sys.executable})"),
        Check("Operating system", platform.platform()),
        Check("Environment", _environment()),
        Check("Installed at", str(Path(__file__).parents[1])),
        Check("Processor", cpu_name()),
        Check("Cores", f"{physical_cores()} real, {available_cpus()} threads for this process"),
        Check("Memory", f"{memory.available / _GIB:.1f} of {memory.total / _GIB:.1f} GiB free"),
        Check("Disk here", f"{disk.free / _GIB:.1f} of {disk.total / _GIB:.1f} GiB free"),
    ]


def _environment() -> str:
    if Path("/.dockerenv").exists():
        return "container"
    if "CONDA_PREFIX" in os.environ:
        return f"conda {os.environ['CONDA_PREFIX']}"
    return f"virtual environment {sys.prefix}" if sys.prefix != sys.base_prefix else "system Python"


def _devices() -> list[Check]:
    rows = [
        Check(
            f"device={device.id}",
            device.label,
            "optional" if device.unavailable else "ok",
            f"({device.unavailable})" if device.unavailable else "",
            "Devices",
        )
        for device in list_devices()
    ]
    cuda = torch_cuda_version()
    return [*rows, Check("torch's CUDA", cuda or "none", group="Devices")]


def _folders() -> list[Check]:
    return [
        _folder(name, path)
        for name, path in (("Settings and log", config_dir()), ("Cache", cache_dir()))
    ]


def _folder(name: str, path: Path) -> Check:
    """Tell whether files can be written in ``path``, or made where it will be."""
    existing = next(parent for parent in (path, *path.parents) if parent.exists())
    if existing.is_dir() and os.access(existing, os.W_OK):
        return Check(name, str(path), group="Folders")
    remedy = "It cannot be written: set MASKWRIGHT_CONFIG_DIR to a folder that can."
    return Check(name, str(path), "problem", remedy, "Folders")


def _requirements() -> list[Check]:
    """Compare what the distribution asks for with what is installed; nothing when run uninstalled."""
    try:
        wanted = metadata.requires(_PACKAGE) or []
    except metadata.PackageNotFoundError:
        return [
            Check(
                "requirements",
                f"unknown: {_PACKAGE} is run from its source folder",
                group="Packages",
            )
        ]
    return [_requirement(*parsed) for line in wanted if (parsed := _parse_requirement(line))]


def _parse_requirement(line: str) -> tuple[str, str, str] | None:
    """Split ``torch>=2.6; extra == "test"`` in name, lowest version and extra."""
    found = re.match(r"([\w.-]+)(?:\[[^]]*])?\s*(?:>=\s*([\w.]+))?[^;]*(?:;(.*))?$", line)
    if found is None:
        return None
    extra = re.search(r"extra\s*==\s*['\"]([^'\"]+)['\"]", found[3] or "")
    return found[1], found[2] or "", extra[1] if extra else ""


def _requirement(name: str, lowest: str, extra: str) -> Check:
    wish = f"{name}>={lowest}" if lowest else name
    label = f"{name} [{extra}]" if extra else name
    try:
        version = metadata.version(name)
    except metadata.PackageNotFoundError:
        status: Literal["optional", "problem"] = "optional" if extra else "problem"
        command = f"pip install '{_PACKAGE}[{extra}]'" if extra else f"pip install '{wish}'"
        return Check(label, "not installed", status, command, "Packages")
    if _release(version) < _release(lowest):
        return Check(label, version, "problem", f"pip install '{wish}'", "Packages")
    return Check(label, version, group="Packages")


def _release(version: str) -> tuple[int, ...]:
    """Return the numbers at the beginning of a version: ``2.6.0+cpu`` is (2, 6, 0)."""
    found = re.match(r"\d+(?:\.\d+)*", version)
    numbers = [int(part) for part in found[0].split(".")] if found else []
    while numbers and numbers[-1] == 0:
        numbers.pop()
    return tuple(numbers)
