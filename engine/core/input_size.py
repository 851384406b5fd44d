"""The size in which images go into a network: what was asked for, as far as the network takes it."""

from __future__ import annotations

from collections.abc import Sequence

from engine.nn.autobackend import AutoBackend
from engine.ops.numbers import make_divisible
from engine.runtime.log import LOGGER


def input_size(backend: AutoBackend, wanted: int | Sequence[int]) -> tuple[int, int]:
    """Give (height, width) for ``imgsz=wanted``.

    Sides are rounded up to the network's stride; a file made for one size keeps that.
    """
    height, width = (wanted, wanted) if isinstance(wanted, int) else wanted
    size = make_divisible(height, backend.stride), make_divisible(width, backend.stride)
    if not backend.dynamic:
        if size != backend.imgsz:
            LOGGER.info("The file takes images of %d x %d; using that.", *backend.imgsz)
        return backend.imgsz
    if size != (height, width):
        LOGGER.warning(
            "imgsz=%s: sides must be multiples of %d; taking %s.", wanted, backend.stride, size
        )
    return size
