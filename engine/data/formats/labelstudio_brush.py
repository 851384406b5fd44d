"""Label Studio's run lengths of brush masks: a stream of bits over the values of an RGBA picture.

32 bits say how many values follow, 5 bits how wide a value is, 4 times 4 bits how wide a length may be.
Then blocks: one bit (run or single values), two bits that choose the width of the length, the length less
one, and the value or values. The mask is the fourth of each four values.
"""

from __future__ import annotations

import numpy as np

from engine.data.annotations import Mask
from engine.data.image_headers import MAX_PIXELS

_WIDTHS = (3, 4, 8, 16)
_VALUE_BITS = 8
_CHANNELS = 4


def read_brush(codes: list[int], width: int, height: int) -> Mask:
    """Return the mask that a brush stroke's numbers describe.

    Args:
        codes: Bytes 0..255.
        width: Columns of the picture.
        height: Rows of the picture.

    Raises:
        ValueError: The numbers are no mask of that size.
    """
    if width * height > MAX_PIXELS or min(width, height) < 1:
        raise ValueError(f"a mask of {width} x {height} pixels is refused")
    if not all(type(code) is int and 0 <= code < 256 for code in codes):
        raise ValueError("expected numbers from 0 to 255")
    bits = _Bits(np.unpackbits(np.array(codes, dtype=np.uint8)))
    total = bits.take(32)
    if total != width * height * _CHANNELS:
        raise ValueError(f"it has {total} values, a picture of {width} x {height} has 4 a pixel")
    value_bits = bits.take(5) + 1
    widths = [bits.take(4) + 1 for _ in range(4)]
    inside = np.zeros(total, dtype=bool)
    at = 0
    while at < total:
        is_run = bits.take(1)
        count = bits.take(widths[bits.take(2)]) + 1
        end = min(at + count, total)
        if is_run:
            inside[at:end] = bits.take(value_bits) > 0
        else:
            inside[at:end] = bits.take_many(count, value_bits)[: end - at] > 0
        at = end
    return Mask.from_array(inside.reshape(height, width, _CHANNELS)[..., 3])


def format_brush(mask: Mask) -> list[int]:
    """Return a mask as a brush stroke's numbers, the way back from :func:`read_brush`."""
    values = np.repeat(mask.to_array().ravel(), _CHANNELS)
    edges = np.flatnonzero(np.diff(values)) + 1
    starts = np.concatenate(([0], edges))
    lengths = np.diff(np.concatenate((starts, [values.size])))
    words = [(values.size, 32), (_VALUE_BITS - 1, 5), *((width - 1, 4) for width in _WIDTHS)]
    for start, length in zip(starts.tolist(), lengths.tolist(), strict=True):
        value = 255 if values[start] else 0
        while length > 0:
            count = min(length, 1 << _WIDTHS[-1])
            choice = next(i for i, width in enumerate(_WIDTHS) if count <= 1 << width)
            words += [(1, 1), (choice, 2), (count - 1, _WIDTHS[choice]), (value, _VALUE_BITS)]
            length -= count
    text = "".join(format(word, f"0{width}b") for word, width in words)
    bits = np.frombuffer(text.encode("ascii"), dtype=np.uint8) - ord("0")
    return [int(byte) for byte in np.packbits(bits)]


class _Bits:
    """Reads whole numbers from single bits."""

    def __init__(self, bits: np.ndarray) -> None:
        self._bits = bits
        self._at = 0

    def take(self, width: int) -> int:
        """Return the number that the next bits hold, the highest first."""
        value = 0
        for bit in self._next(width).tolist():
            value = value << 1 | bit
        return value

    def take_many(self, count: int, width: int) -> np.ndarray:
        """Return the next ``count`` numbers of ``width`` bits, (count,)."""
        rows = self._next(count * width).reshape(count, width).astype(np.int64)
        return rows @ (1 << np.arange(width - 1, -1, -1, dtype=np.int64))

    def _next(self, count: int) -> np.ndarray:
        end = self._at + count
        if end > len(self._bits):
            raise ValueError("it ends too early")
        bits, self._at = self._bits[self._at : end], end
        return bits
