"""JSON from strangers: read whole, refused with a place, never a crash however deep or odd it is."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import msgspec

from engine.runtime.errors import DatasetError
from engine.runtime.paths import write_atomic

MAX_BYTES = 4 << 30


def read_json(path: Path, max_bytes: int = MAX_BYTES) -> Any:
    """Return what a JSON file holds; NaN and Infinity are read as such, for the caller to refuse by object.

    Raises:
        DatasetError: It cannot be read, is empty or too large, or is not valid JSON (with the line).
    """
    try:
        size = path.stat().st_size
        data = path.read_bytes() if size <= max_bytes else b""
    except OSError as error:
        raise DatasetError(f"Cannot be read: {error.strerror or error}.", path=path) from error
    if size > max_bytes:
        raise DatasetError(f"A file of over {max_bytes >> 20} MiB is refused.", path=path)
    return parse_json(data, path)


def parse_json(data: bytes, path: Path) -> Any:
    """Return what JSON text holds; ``path`` is for messages.

    Raises:
        DatasetError: It is not valid JSON.
    """
    if not data.strip():
        raise DatasetError("The file is empty.", path=path, remedy="Export it again.")
    try:
        return json.loads(
            data.decode("utf-8-sig" if data[:3] == b"\xef\xbb\xbf" else _coding(data))
        )
    except json.JSONDecodeError as error:
        raise DatasetError(
            f"It is not valid JSON, column {error.colno}: {error.msg}.",
            path=path,
            line=error.lineno,
            remedy="The file may be cut off: export it again.",
        ) from error
    except UnicodeDecodeError as error:
        raise DatasetError(
            "It is not valid JSON: the text is not UTF-8.", path=path, remedy="Save it as UTF-8."
        ) from error
    except (RecursionError, ValueError) as error:  # ValueError: a number of thousands of digits
        reason = "nested too deeply" if isinstance(error, RecursionError) else str(error)
        raise DatasetError(f"It is not usable JSON: {reason}.", path=path) from error


def write_json(path: Path, value: Any) -> None:
    """Write plain values, or packed JSON among them, as a file that appears whole or not at all.

    Raises:
        OSError: It cannot be written.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    write_atomic(path, msgspec.json.encode(value))


def _coding(data: bytes) -> str:
    return json.detect_encoding(data)
