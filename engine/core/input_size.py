"""The size in which images go into a network: what was asked for, as far as the network takes it."""

from __future__ import annotations

from collections.abc import Sequence

from engine.nn.autobackend import AutoBackend
from engine.ops.numbers import make_divisible
from engine.runtime.log import LOGGER

# Also networks that take any size, as classifiers do, see images in steps of this: the field's.
LEAST_STRIDE = 32


def input_size(backend: AutoBackend, wanted: int | Sequence[int]) -> tuple[int, int]:
    """Give (height, width) for ``imgsz=wanted``.

    Sides are rounded up to the network's stride; a file made for one size keeps that.
    """
    height, width = (wanted, wanted) if isinstance(wanted, int) else wanted
    stride = max(backend.stride, LEAST_STRIDE)
    size = make_divisible(height, stride), make_divisible(width, stride)
    if not backend.dynamic:
        if size != backend.imgsz:
            LOGGER.info("The file takes images of %d x %d; using that.", *backend.imgsz)
        return backend.imgsz
    if size != (height, width):
        LOGGER.warning("imgsz=%s: sides must be multiples of %d; taking %s.", wanted, stride, size)
    return size
