"""What this computer has to compute with, found without loading torch.

The window process and ``yolo checks`` ask here; turning an answer into a ``torch.device`` is in
:mod:`engine.runtime.device`.
"""

from __future__ import annotations

import contextlib
import functools
import importlib.util
import math
import os
import platform
import re
import subprocess
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any, Literal

import psutil

DeviceKind = Literal["cpu", "cuda", "mps"]
_MIB = 1 << 20


@dataclass(frozen=True)
class DeviceInfo:
    """One choice for the ``device`` argument.

    Attributes:
        id: The value of the argument: ``cpu``, ``0``, ``0,1``, ``mps``.
        name: What the maker calls it.
        kind: What computes.
        memory_mib: Its whole memory, summed over several GPUs.
        free_mib: What nobody uses now, None where that is not told.
        unavailable: Why it cannot be chosen although it is there; empty if it can.
    """

    id: str
    name: str
    kind: DeviceKind
    memory_mib: int
    free_mib: int | None = None
    unavailable: str = ""

    @property
    def label(self) -> str:
        """One line for a list: name and memory."""
        prefix = "" if self.kind == "cpu" else f"{self.id}: "
        return f"{prefix}{self.name}, {self.memory_mib / 1024:.1f} GiB"


@dataclass(frozen=True)
class Gpu:
    """One CUDA GPU as its driver describes it; ``index`` is the number that CUDA will give it."""

    index: int
    name: str
    memory_mib: int
    free_mib: int


def list_devices() -> list[DeviceInfo]:
    """Return the devices of this computer, best choice first; the CPU is always the last."""
    return [*_cuda_devices(list_gpus()), *_mps_devices(), _cpu_device()]


def list_gpus() -> list[Gpu]:
    """Return the NVIDIA GPUs this process may use, in the order and with the numbers CUDA gives them.

    ``CUDA_VISIBLE_DEVICES`` is obeyed. Without a driver, or without the package that talks to it
    (``nvidia-ml-py``), the list is empty.
    """
    with _nvml() as nvml:
        if nvml is None:
            return []
        handles = _visible_handles(nvml, os.environ.get("CUDA_VISIBLE_DEVICES"))
        return [_describe(nvml, index, handle) for index, handle in enumerate(handles)]


def available_cpus() -> int:
    """Return how many logical processors this process may use: affinity and container quota obeyed."""
    allowed = _affinity_count()
    quota = _cgroup_quota()
    return max(1, min(allowed, math.ceil(quota)) if quota else allowed)


def physical_cores() -> int:
    """Return how many real cores stand behind :func:`available_cpus`.

    Two threads of one core share its arithmetic units, so dense arithmetic gains nothing from the second.
    """
    cpus = available_cpus()
    real = _cores_in_affinity()
    if not real:
        everything = psutil.cpu_count(logical=True) or cpus
        per_core = everything / (psutil.cpu_count(logical=False) or everything)
        real = round(cpus / per_core)
    return max(1, min(cpus, real))


@functools.cache
def cpu_name() -> str:
    """Return the processor's model name as its maker gives it."""
    with contextlib.suppress(OSError):
        text = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace")
        if found := re.search(r"^(?:model name|Model|Hardware)\s*:\s*(.+)$", text, re.MULTILINE):
            return " ".join(found[1].split())
    if platform.system() == "Darwin":
        with contextlib.suppress(OSError, subprocess.SubprocessError):
            command = ["/usr/sbin/sysctl", "-n", "machdep.cpu.brand_string"]
            done = subprocess.run(command, capture_output=True, text=True, timeout=5, check=True)
            return done.stdout.strip()
    return platform.processor() or platform.machine() or "CPU"


@functools.cache
def torch_cuda_version() -> str | None:
    """Return the CUDA version that the installed torch was built for, read from its files; None without."""
    spec = importlib.util.find_spec("torch")
    if spec is None or spec.origin is None:
        return None
    try:
        text = (Path(spec.origin).parent / "version.py").read_text(encoding="utf-8")
    except OSError:
        return None
    found = re.search(r"^cuda\b[^=]*=\s*['\"]([\d.]+)['\"]", text, re.MULTILINE)
    return found[1] if found else None


def _cuda_devices(gpus: list[Gpu]) -> list[DeviceInfo]:
    lacking = "" if torch_cuda_version() else "the installed torch was built without CUDA"
    devices = [
        DeviceInfo(str(gpu.index), gpu.name, "cuda", gpu.memory_mib, gpu.free_mib, lacking)
        for gpu in gpus
    ]
    counts = [2**power for power in range(1, 8) if 2**power < len(gpus)]
    several = [(f"{count} GPUs", gpus[:count]) for count in counts]
    if len(gpus) > 1:
        several.append((f"all {len(gpus)} GPUs", gpus))
    return devices + [_together(words, some, lacking) for words, some in several]


def _together(words: str, gpus: list[Gpu], lacking: str) -> DeviceInfo:
    """Describe several GPUs as one device, which trainings can use."""
    names = sorted({gpu.name for gpu in gpus})
    return DeviceInfo(
        ",".join(str(gpu.index) for gpu in gpus),
        f"{words} ({', '.join(names)})",
        "cuda",
        sum(gpu.memory_mib for gpu in gpus),
        sum(gpu.free_mib for gpu in gpus),
        lacking,
    )


def _mps_devices() -> list[DeviceInfo]:
    """Apple silicon shares its memory between processor and GPU."""
    if platform.system() != "Darwin" or platform.machine() != "arm64":
        return []
    memory = psutil.virtual_memory()
    return [DeviceInfo("mps", f"{cpu_name()} GPU", "mps", memory.total // _MIB)]


def _cpu_device() -> DeviceInfo:
    threads, memory = available_cpus(), psutil.virtual_memory()
    plural = "s" if threads > 1 else ""
    name = f"{cpu_name()} ({threads} thread{plural})"
    return DeviceInfo("cpu", name, "cpu", memory.total // _MIB, memory.available // _MIB)


class _Nvml:
    """Opens the driver's library for the time of one question, because a GPU may come and go."""

    def __enter__(self) -> ModuleType | None:
        self._module: ModuleType | None = None
        try:
            import pynvml
        except ImportError:
            return None
        try:
            pynvml.nvmlInit()
        except pynvml.NVMLError:  # no driver, or one that does not answer
            return None
        self._module = pynvml
        return pynvml

    def __exit__(self, *_: object) -> None:
        if self._module is not None:
            self._module.nvmlShutdown()


_nvml = _Nvml


def _visible_handles(nvml: Any, visible: str | None) -> list[Any]:
    """Return the driver's handles in CUDA's numbering.

    CUDA reads the list up to the first entry that names no device; an empty list hides every GPU.
    """
    every = [nvml.nvmlDeviceGetHandleByIndex(i) for i in range(nvml.nvmlDeviceGetCount())]
    if visible is None:
        return every
    handles = []
    for entry in (part.strip() for part in visible.split(",")):
        handle = _find_handle(nvml, every, entry)
        if handle is None:
            break
        handles.append(handle)
    return handles


def _find_handle(nvml: Any, every: list[Any], entry: str) -> Any | None:
    if entry.isdecimal():
        return every[int(entry)] if int(entry) < len(every) else None
    if not entry.startswith(("GPU-", "MIG-")):
        return None
    for handle in every:  # CUDA accepts a unique beginning of the long name
        if _text(nvml.nvmlDeviceGetUUID(handle)).startswith(entry):
            return handle
    try:
        return nvml.nvmlDeviceGetHandleByUUID(entry)
    except nvml.NVMLError:
        return None


def _describe(nvml: Any, index: int, handle: Any) -> Gpu:
    memory = nvml.nvmlDeviceGetMemoryInfo(handle)
    name = _text(nvml.nvmlDeviceGetName(handle))
    return Gpu(index, name, int(memory.total) // _MIB, int(memory.free) // _MIB)


def _text(value: str | bytes) -> str:
    """Older releases of the driver's package return bytes."""
    return value.decode() if isinstance(value, bytes) else value


def _affinity_count() -> int:
    with contextlib.suppress(AttributeError, OSError):  # macOS has no affinity
        return len(psutil.Process().cpu_affinity() or ()) or 1
    return os.cpu_count() or 1


def _cgroup_quota(root: Path = Path("/sys/fs/cgroup")) -> float | None:
    """Return the container's share of processors (2.5 means two and a half), None without a limit."""
    with contextlib.suppress(OSError, ValueError):
        quota, period = (root / "cpu.max").read_text(encoding="ascii").split()
        return None if quota == "max" else int(quota) / int(period)
    with contextlib.suppress(OSError, ValueError):
        version_1 = root / "cpu"
        quota_us = int((version_1 / "cpu.cfs_quota_us").read_text(encoding="ascii"))
        period_us = int((version_1 / "cpu.cfs_period_us").read_text(encoding="ascii"))
        return None if quota_us <= 0 else quota_us / period_us
    return None


def _cores_in_affinity(root: Path = Path("/sys/devices/system/cpu")) -> int | None:
    """Return the number of distinct cores in the affinity mask, None where the system does not tell."""
    try:
        allowed = psutil.Process().cpu_affinity() or []
        cores = {
            tuple(
                (root / f"cpu{number}" / "topology" / name).read_text(encoding="ascii").strip()
                for name in ("physical_package_id", "core_id")
            )
            for number in allowed
        }
    except (AttributeError, OSError):
        return None
    return len(cores) or None
