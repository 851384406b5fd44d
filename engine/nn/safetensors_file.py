"""The safetensors format: a JSON table of tensors, then their numbers; nothing in it can run.

Eight bytes of length, the table as JSON (name to dtype, shape and place; free text under ``__metadata__``),
the numbers, little endian, row by row. What the table claims is checked against the file before it is read.
"""

from __future__ import annotations

import json
import math
import struct
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from engine.runtime.atomic import atomic_path
from engine.runtime.errors import CheckpointError

SUFFIX = ".safetensors"
METADATA = "__metadata__"
# The format's own limit
LONGEST_TABLE = 100_000_000
_ALIGNMENT = 8
_DTYPES = {
    "F64": torch.float64,
    "F32": torch.float32,
    "F16": torch.float16,
    "BF16": torch.bfloat16,
    "F8_E4M3": torch.float8_e4m3fn,
    "F8_E5M2": torch.float8_e5m2,
    "I64": torch.int64,
    "I32": torch.int32,
    "I16": torch.int16,
    "I8": torch.int8,
    "U8": torch.uint8,
    "BOOL": torch.bool,
}
_NAMES = {dtype: name for name, dtype in _DTYPES.items()}


def read_safetensors(path: str | Path) -> tuple[dict[str, Tensor], dict[str, str]]:
    """Return the tensors of a file and its metadata.

    Raises:
        CheckpointError: It cannot be read, is damaged or of another kind.
    """
    path = Path(path)
    try:
        with path.open("rb") as file:
            size = path.stat().st_size
            length = _length(file.read(8), size, path)
            table = _table(file.read(length), path)
            metadata = table.pop(METADATA, {})
            places = _places(table, size - 8 - length, path)
            content = np.empty(size - 8 - length, np.uint8)
            if file.readinto(content.data) != content.size:
                raise _damaged("it is cut short", path)
    except OSError as error:
        raise CheckpointError(f"cannot be read ({error.strerror}).", path=path) from error
    if not isinstance(metadata, dict) or not all(isinstance(v, str) for v in metadata.values()):
        raise _damaged("its metadata is no table of texts", path)
    if sys.byteorder != "little":
        raise CheckpointError("can be read on little-endian computers only.", path=path)
    return {name: _tensor(content, *place) for name, place in places.items()}, metadata


def read_metadata(path: str | Path) -> dict[str, str]:
    """Return only the metadata of a file.

    Raises:
        CheckpointError: As for :func:`read_safetensors`.
    """
    path = Path(path)
    try:
        with path.open("rb") as file:
            table = _table(file.read(_length(file.read(8), path.stat().st_size, path)), path)
    except OSError as error:
        raise CheckpointError(f"cannot be read ({error.strerror}).", path=path) from error
    found = table.get(METADATA, {})
    return found if isinstance(found, dict) else {}


def write_safetensors(
    path: str | Path, tensors: Mapping[str, Tensor], metadata: Mapping[str, str] | None = None
) -> Path:
    """Write tensors and texts, completely or not at all.

    Raises:
        CheckpointError: A tensor is of a type that the format has not, or the file cannot be written.
    """
    path = Path(path)
    unknown = [name for name, tensor in tensors.items() if tensor.dtype not in _NAMES]
    if unknown:
        raise CheckpointError(
            f"{unknown[0]} is {tensors[unknown[0]].dtype}, which safetensors files cannot hold.",
            path=path,
            value=unknown,
        )
    table: dict[str, Any] = {METADATA: dict(metadata)} if metadata else {}
    stored = {name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}
    # by falling size of elements, as the format's own writer sorts: then all lie aligned
    order = sorted(stored, key=lambda name: (-stored[name].element_size(), name))
    start = 0
    for name in order:
        stop = start + stored[name].numel() * stored[name].element_size()
        shape = list(stored[name].shape)
        table[name] = {
            "dtype": _NAMES[stored[name].dtype],
            "shape": shape,
            "data_offsets": [start, stop],
        }
        start = stop
    head = json.dumps(table, ensure_ascii=False, separators=(",", ":")).encode("utf-8")
    head += b" " * (-len(head) % _ALIGNMENT)
    try:
        with atomic_path(path) as temporary, temporary.open("wb") as file:
            file.write(struct.pack("<Q", len(head)) + head)
            for name in order:
                file.write(_raw(stored[name]))
    except OSError as error:
        raise CheckpointError(
            f"cannot be written ({error.strerror or error}).",
            path=path,
            remedy="Check the free space and the permissions of the folder; an older file there is unharmed.",
        ) from error
    return path


def _length(head: bytes, size: int, path: Path) -> int:
    """Return the length of the table, after it was found to be possible."""
    if not size:
        raise CheckpointError(
            "is empty.",
            path=path,
            remedy="It was not copied or downloaded completely; get it again.",
        )
    length = struct.unpack("<Q", head)[0] if len(head) == 8 else 0
    if not 2 <= length <= min(size - 8, LONGEST_TABLE):
        kind = "a .pt file" if head.startswith(b"PK") else ""
        kind = "text or a web page" if head[:1] in b"<{#" and head.isascii() else kind
        why = f"it looks like {kind}" if kind else "its table of tensors is cut short"
        raise _damaged(why, path)
    return length


def _table(content: bytes, path: Path) -> dict[str, Any]:
    try:
        table = json.loads(content.decode("utf-8"), object_pairs_hook=_unique)
    except (ValueError, RecursionError) as error:
        raise _damaged("its table of tensors is no JSON", path) from error
    if not isinstance(table, dict):
        raise _damaged("its table of tensors is none", path)
    return table


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    made = dict(pairs)
    if len(made) != len(pairs):
        raise ValueError("a name twice")
    return made


def _places(
    table: dict[str, Any], size: int, path: Path
) -> dict[str, tuple[torch.dtype, list[int], int, int]]:
    """Return dtype, shape and first and last byte of each tensor; together they fill the file."""
    places = {}
    for name, row in table.items():
        try:
            dtype, shape = _DTYPES[row["dtype"]], row["shape"]
            start, stop = row["data_offsets"]
        except (TypeError, KeyError, ValueError) as error:
            raise _damaged(f"its row of {name[:60]!r} is none", path) from error
        numbers = [start, stop, *shape] if isinstance(shape, list) else [None]
        if not all(type(n) is int and n >= 0 for n in numbers) or stop > size:
            raise _damaged(f"{name[:60]!r} lies outside of it", path)
        if stop - start != math.prod(shape) * dtype.itemsize:
            raise _damaged(f"{name[:60]!r} is of another size than its shape says", path)
        places[name] = dtype, shape, start, stop
    end = 0
    for _, _, start, stop in sorted(places.values(), key=lambda place: place[2:]):
        if start != end:
            raise _damaged("its tensors overlap or leave holes", path)
        end = stop
    if end != size:
        raise _damaged("it has other data than its table says", path)
    return places


def _tensor(
    content: np.ndarray, dtype: torch.dtype, shape: list[int], start: int, stop: int
) -> Tensor:
    if start == stop:
        return torch.empty(shape, dtype=dtype)
    part = content[start:stop]
    if start % dtype.itemsize:
        part = part.copy()  # so that it lies aligned
    return torch.from_numpy(part).view(dtype).view(shape)


def _raw(tensor: Tensor) -> bytes:
    if not tensor.numel():
        return b""
    return tensor.reshape(-1).view(torch.uint8).numpy().tobytes()


def _damaged(reason: str, path: Path) -> CheckpointError:
    return CheckpointError(
        f"is damaged or no safetensors file ({reason}).",
        path=path,
        remedy="Copy or download it again.",
    )
