"""From the ``device`` argument to a ``torch.device``, and the processor made ready for networks.

Importing this module loads no torch; only :func:`select_device` and :func:`tune_cpu` do.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from engine.runtime import dist
from engine.runtime.errors import DeviceError
from engine.runtime.hardware import (
    DeviceInfo,
    list_devices,
    list_gpus,
    physical_cores,
)
from engine.runtime.heap import keep_freed_memory
from engine.runtime.log import LOGGER

if TYPE_CHECKING:
    import torch

__all__ = [
    "DeviceInfo",
    "list_devices",
    "own_device",
    "parse_device",
    "select_device",
    "training_devices",
    "tune_cpu",
]


def parse_device(spec: Any) -> tuple[str, ...]:
    """Return the devices that ``spec`` names, as ``cpu``, ``mps`` or GPU numbers; empty for "the best".

    Args:
        spec: None or an empty text, ``cpu``, ``mps``, ``cuda``, ``cuda:1``, ``0``, ``"0,1"``, ``[0, 1]``,
            ``-1`` for the GPU with most free memory (``-1,-1`` for two of them), ``cpu,cpu`` for two processes
            on the processor, or a ``torch.device``.

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
    known = len(numbers) == len(names) or set(names) == {"cpu"} or names == ["mps"]
    twice = [name for name in set(numbers) - {"-1"} if numbers.count(name) > 1]
    if not known or twice:
        raise DeviceError(
            f"device expects cpu, mps, a GPU number such as 0, or several such as 0,1; received {spec!r}.",
            value=spec,
        )
    return tuple(names)


def training_devices(spec: Any) -> tuple[str, ...]:
    """Return the devices that a training's processes of this computer compute on; empty for "the best".

    Raises:
        DeviceError: One of several does not exist here.
    """
    names = list(parse_device(spec))
    if len(names) < 2:
        return tuple(names)
    idle = iter(sorted(list_gpus(), key=lambda gpu: -gpu.free_mib))
    for place, name in enumerate(names):
        if name == "-1":
            free = (str(gpu.index) for gpu in idle if str(gpu.index) not in names)
            names[place] = next(free, "-1")
        select_device(names[place])
    return tuple(names)


def own_device(spec: Any) -> torch.device:
    """Return what this process of a training computes on: the device of its place among the processes.

    Raises:
        DeviceError: It does not exist here, or there are other numbers of devices and processes.
    """
    names, place = parse_device(spec), max(dist.local_rank(), 0)
    if dist.world_size() == 1 or dist.rank() < 0:
        return select_device(names[0] if names else None)
    if not names:
        here = select_device()
        return select_device(place) if here.type == "cuda" else here
    if set(names) == {"cpu"}:
        return select_device("cpu")
    if place >= len(names):
        raise DeviceError(
            f"device={','.join(names)}: process {place + 1} of this computer has no device.",
            value=spec,
            remedy="Name as many devices as there are processes, or leave device out.",
        )
    return select_device(names[place])


def select_device(spec: Any = None) -> torch.device:
    """Return the device to compute on.

    Without a wish that is the first CUDA GPU, else the CPU. Apple's GPU is taken only when asked for,
    since not every operation of a training runs on it. Of several the first is taken: only trainings use more.

    Raises:
        DeviceError: The device does not exist here.
    """
    names = parse_device(spec)
    if len(names) > 1:
        LOGGER.warning(
            "device=%s: only trainings use several devices; computing on %s.",
            ",".join(names), names[0],
        )  # fmt: skip
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


def tune_cpu(processes: int = 1) -> int:
    """Let torch use every real core that this process may use, and return how many threads that is.

    ``OMP_NUM_THREADS`` wins, as everywhere. More threads than cores would only wait for one another. The heap
    keeps the memory of one step for the next (see `heap`).

    Args:
        processes: How many on this computer share the cores.
    """
    import torch

    wanted = os.environ.get("OMP_NUM_THREADS", "")
    threads = (
        int(wanted)
        if wanted.isdecimal() and int(wanted) > 0
        else max(physical_cores() // processes, 1)
    )
    if torch.get_num_threads() != threads:
        torch.set_num_threads(threads)
    keep_freed_memory()
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
