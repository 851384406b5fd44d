"""What an ONNX file says of itself, read without any package for ONNX and without reading its weights."""

from __future__ import annotations

import mmap
from collections.abc import Iterator
from pathlib import Path

from engine.runtime.errors import ModelError

# Fields of the format's messages
_METADATA, _KEY, _VALUE = 14, 1, 2
# How protocol buffers write a value: a number of any length, or so many bytes, or bytes with their length
_NUMBER, _BYTES = 0, 2
_WIDTHS = {1: 8, 5: 4}
_LONGEST = 70  # bits: ten bytes of seven


def read_entries(path: Path) -> dict[str, str]:
    """Return the entries that travel in an ONNX file.

    Args:
        path: The file; it is mapped, and weights are stepped over.

    Raises:
        ModelError: It cannot be opened, or is no ONNX file.
    """
    try:
        with (
            path.open("rb") as stream,
            mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ) as data,
        ):
            spans = [(start, end) for field, start, end in _fields(data) if field == _METADATA]
            return dict(_entry(data[start:end]) for start, end in spans)
    except (OSError, ValueError) as error:
        raise ModelError(
            f"cannot be opened as ONNX ({error}).",
            path=path,
            remedy="Export it again from its .pt file.",
        ) from error


def _entry(message: bytes) -> tuple[str, str]:
    parts = {field: message[start:end].decode() for field, start, end in _fields(message)}
    return parts.get(_KEY, ""), parts.get(_VALUE, "")


def _fields(data: bytes | mmap.mmap) -> Iterator[tuple[int, int, int]]:
    """Give number, start and end of the values of a message.

    Raises:
        ValueError: It is no message, or ends too early.
    """
    place = 0
    while place < len(data):
        tag, place = _number(data, place)
        start, kind = place, tag & 7
        if kind == _NUMBER:
            _, end = _number(data, place)
        elif kind == _BYTES:
            length, start = _number(data, place)
            end = start + length
        elif kind in _WIDTHS:
            end = place + _WIDTHS[kind]
        else:
            raise ValueError("it holds something else")
        if end > len(data):
            raise ValueError("it ends too early")
        yield tag >> 3, start, end
        place = end


def _number(data: bytes | mmap.mmap, place: int) -> tuple[int, int]:
    """Return a number of seven bits a byte, the last byte without its highest bit, and the place after it."""
    value = shift = 0
    while place < len(data) and shift < _LONGEST:
        byte = data[place]
        value |= (byte & 0x7F) << shift
        place, shift = place + 1, shift + 7
        if byte < 0x80:
            return value, place
    raise ValueError("a number has no end")
