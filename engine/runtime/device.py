"""From the ``device`` argument to a ``torch.device``, and the processor's threads.

Importing this module loads no torch; only :func:`select_device` and :func:`tune_cpu_threads` do.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from engine.runtime.errors import DeviceError
from engine.runtime.hardware import (
    MULTI_GPU_REASON,
    DeviceInfo,
    list_devices,
    list_gpus,
    physical_cores,
)

if TYPE_CHECKING:
    import torch

__all__ = ["DeviceInfo", "list_devices", "parse_device", "select_device", "tune_cpu_threads"]


def parse_device(spec: Any) -> tuple[str, ...]:
    """Return the devices that ``spec`` names, as ``cpu``, ``mps`` or GPU numbers; empty for "the best".

    Args:
        spec: None or an empty text, ``cpu``, ``mps``, ``cuda``, ``cuda:1``, ``0``, ``"0,1"``, ``[0, 1]``,
            ``-1`` for the GPU with most free memory, or a ``torch.device``.

    Raises:
        DeviceError: ``spec`` is none of these.
    """
    if spec is None or isinstance(spec, bool):
        parts = [] if spec is None else [str(spec)]
    elif isinstance(spec, list | tuple):
        parts = [str(part) for part in spec]
    else:
        parts = str(spec).split(",")
    names = [name for part in parts if (name := _plain(part))]
    numbers = [name for name in names if name.isdecimal() or name == "-1"]
    known = len(numbers) == len(names) or names in (["cpu"], ["mps"])
    if not known or len(set(names)) < len(names):
        raise DeviceError(
            f"device expects cpu, mps, a GPU number such as 0, or several such as 0,1; received {spec!r}.",
            value=spec,
        )
    return tuple(names)


def select_device(spec: Any = None) -> torch.device:
    """Return the device to compute on.

    Without a wish that is the first CUDA GPU, else the CPU. Apple's GPU is taken only when asked for,
    since not every operation of a training runs on it.

    Raises:
        DeviceError: The device does not exist here, or several are named, which this version cannot use.
    """
    names = parse_device(spec)
    if len(names) > 1:
        raise DeviceError(f"device={','.join(names)}: {MULTI_GPU_REASON}.", value=spec)
    # The driver lists GPUs by bus position; CUDA does so only when told, and reads this once.
    os.environ.setdefault("CUDA_DEVICE_ORDER", "PCI_BUS_ID")
    import torch

    if not names:
        return torch.device("cuda:0" if torch.cuda.is_available() else "cpu")
    name = names[0]
    if name == "cpu":
        return torch.device("cpu")
    if name == "mps":
        if not torch.backends.mps.is_available():
            raise _missing(spec, "mps")
        return torch.device("mps")
    number = _idlest_gpu() if name == "-1" else int(name)
    if not torch.cuda.is_available() or number >= torch.cuda.device_count():
        raise _missing(spec, name)
    return torch.device("cuda", number)


def tune_cpu_threads() -> int:
    """Let torch use every real core that this process may use, and return how many threads that is.

    ``OMP_NUM_THREADS`` wins, as everywhere. More threads than cores would only wait for one another.
    """
    import torch

    wanted = os.environ.get("OMP_NUM_THREADS", "")
    threads = int(wanted) if wanted.isdecimal() and int(wanted) > 0 else physical_cores()
    if torch.get_num_threads() != threads:
        torch.set_num_threads(threads)
    return threads


def _plain(part: str) -> str:
    """``cuda:1`` and `` 1 `` are 1, ``cuda`` and ``gpu`` are 0."""
    name = part.strip().lower().strip("[]() ")
    if name in ("cuda", "gpu"):
        return "0"
    return name.removeprefix("cuda:").removesuffix(":0") if name != ":0" else name


def _idlest_gpu() -> int:
    gpus = list_gpus()
    return max(gpus, key=lambda gpu: gpu.free_mib).index if gpus else 0


def _missing(spec: Any, name: str) -> DeviceError:
    usable = [device for device in list_devices() if not device.unavailable]
    kept = [device for device in list_devices() if device.unavailable and device.id == name]
    reason = f" ({kept[0].unavailable})" if kept else ""
    choices = "; ".join(f"device={device.id} ({device.name})" for device in usable)
    return DeviceError(
        f"device={spec} cannot be used on this computer{reason}.",
        value=spec,
        remedy=f"Choose one of: {choices}.",
    )
