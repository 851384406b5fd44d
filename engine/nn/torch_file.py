"""The two layouts of torch.save: a zip of parts, and before torch 1.6 pickles and raw numbers in a row.

Both are read here without torch's reader: what a file claims of a size or a place is checked against what
it has before memory is taken for it.
"""

from __future__ import annotations

import math
import struct
import sys
import zipfile
import zlib
from collections.abc import Callable
from io import BufferedReader
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from engine.nn.inert import Named, StorageKind
from engine.nn.pickle_error import PickleError
from engine.nn.pickle_reader import PickleReader

# The pickled part holds names and numbers only; the weights lie beside it
LONGEST_PICKLE = 64 * 2**20
MOST_DIMENSIONS = 16
# A view may repeat what is stored, as torch.expand makes it, up to this many elements
LARGEST_REPEAT = 2**20
_OLD_MAGIC = 0x1950A86A20F9469CFC6C
_OLD_PROTOCOL = 1001
_PREFIX_OF_REBUILDERS = "torch._utils."


class NotOfTorchError(Exception):
    """A file that is well made, but no torch.save file of plain tensors; says what it is."""


class RefusedError(Exception):
    """A file that asks for names which no model needs.

    Attributes:
        names: These, in order.
    """

    def __init__(self, names: set[str]) -> None:
        self.names = sorted(names)
        super().__init__(", ".join(self.names))


class Storages:
    """The stored numbers of a file, each read once, as flat tensors."""

    def __init__(self, read_bytes: Callable[[str, int], np.ndarray]) -> None:
        self._read_bytes = read_bytes
        self._read: dict[str, tuple[Tensor, torch.dtype | None]] = {}

    def load(self, what: Any) -> Any:
        """Answer a persistent id: ``("storage", kind, key, device, elements[, view])``."""
        if isinstance(what, tuple) and len(what) == 4 and what[0] == "module":
            return what[1]  # the source text of a class, which torch once stored with it
        if not isinstance(what, tuple) or len(what) not in (5, 6) or what[0] != "storage":
            raise PickleError("it asks for parts of an unknown kind")
        kind, key, elements = what[1], what[2], what[4]
        if not isinstance(kind, StorageKind) or not isinstance(key, str):
            raise PickleError("it asks for a storage of an unknown kind")
        if type(elements) is not int or elements < 0:
            raise PickleError("it asks for a storage of an impossible size")
        if len(what) == 6 and what[5] is not None:
            raise PickleError("it asks for a part of a storage")
        size = elements * _item_size(kind.dtype)
        if key not in self._read:
            self._read[key] = _flat(self._read_bytes(key, size), kind.dtype), kind.dtype
        found, dtype = self._read[key]
        if dtype is not kind.dtype or found.numel() != elements:
            raise PickleError(f"it claims different sizes for its part {key}")
        return found


def read_zip(path: Path) -> Any:
    """Return what a zip of torch.save holds.

    Raises:
        NotOfTorchError: It is a zip of another kind.
        RefusedError: It asks for names that no model needs.
        PickleError, zipfile.BadZipFile, OSError: It is damaged.
    """
    with zipfile.ZipFile(path) as archive, path.open("rb") as file:
        root = _root(archive.namelist())
        parts = _parts(archive, path.stat().st_size)
        if parts.get(f"{root}byteorder") is not None:
            order = _content(file, parts[f"{root}byteorder"]).tobytes().decode("latin1")
            if order != sys.byteorder:
                raise NotOfTorchError(f"it was written on a {order[:8]}-endian computer")
        pickled = parts[f"{root}data.pkl"]
        if pickled.file_size > LONGEST_PICKLE:
            raise NotOfTorchError("its list of tensors is too long for a model")

        def read_bytes(key: str, size: int) -> np.ndarray:
            part = parts.get(f"{root}data/{key}")
            if part is None or part.file_size != size:
                has = "nothing" if part is None else f"{part.file_size} bytes"
                raise PickleError(f"its part data/{key[:20]} has {has}, expected {size} bytes")
            return _content(file, part)

        return _read(_content(file, pickled).tobytes(), Storages(read_bytes).load)[0]


def read_old(path: Path) -> Any:
    """Return what a file of torch 1.5 or older holds.

    Raises:
        NotOfTorchError: It is a pickle of another kind.
        RefusedError: It asks for names that no model needs.
        PickleError, OSError: It is damaged.
    """
    size = path.stat().st_size
    with path.open("rb") as file:
        head = file.read(LONGEST_PICKLE)
        magic, place = _read(head)
        if magic != _OLD_MAGIC:
            raise NotOfTorchError("it is a pickle, but not of torch.save")
        protocol, place = _read(head, position=place)
        if protocol != _OLD_PROTOCOL:
            raise NotOfTorchError("it is of an unknown version of torch.save")
        system, place = _read(head, position=place)
        if not isinstance(system, dict) or system.get("little_endian") is not True:
            raise NotOfTorchError("it was written on a big-endian computer")
        claimed: dict[str, np.ndarray] = {}
        left = size

        def claim(key: str, wanted: int) -> np.ndarray:
            nonlocal left
            left -= wanted
            if left < 0:
                raise PickleError("its tensors are larger than the file")
            claimed[key] = np.empty(wanted, np.uint8)
            return claimed[key]

        values, place = _read(head, Storages(claim).load, place)
        keys, place = _read(head, position=place)
        if not isinstance(keys, list) or not all(isinstance(k, str) for k in keys):
            raise PickleError("its list of parts is damaged")
        if set(keys) != set(claimed) or len(keys) != len(claimed):
            raise PickleError("its parts are others than it asks for")
        file.seek(place)
        for key in keys:
            _fill(file, claimed[key], key)
    return values


def _read(
    content: bytes, load: Callable[[Any], Any] | None = None, position: int = 0
) -> tuple[Any, int]:
    """Read a pickle; what it must not ask for is told even where it is damaged too."""
    reader = PickleReader(content, load, REBUILDERS, position)
    try:
        value = reader.read()
    except PickleError:
        if reader.refused:
            raise RefusedError(reader.refused) from None
        raise
    if reader.refused:
        raise RefusedError(reader.refused)
    return value, reader.position


def _parts(archive: zipfile.ZipFile, size: int) -> dict[str, zipfile.ZipInfo]:
    """Return the parts of a zip by name, after its table of contents was found to be plain."""
    parts = {part.filename: part for part in archive.infolist()}
    if len(parts) != len(archive.infolist()):
        raise NotOfTorchError("it is a zip that holds a name twice")
    if any(part.flag_bits & 1 for part in parts.values()):
        raise NotOfTorchError("it is an encrypted zip")
    if any(part.compress_type != zipfile.ZIP_STORED for part in parts.values()):
        raise NotOfTorchError(
            "it is a zip with compressed parts, torch.save stores them as they are"
        )
    if sum(part.file_size for part in parts.values()) > size:
        raise zipfile.BadZipFile("its parts are larger than the file")
    return parts


def _root(names: list[str]) -> str:
    """Return the folder of the zip that everything is in, with its slash."""
    if any(name.endswith("/constants.pkl") for name in names):
        raise NotOfTorchError("it is a TorchScript model")
    pickles = [
        name for name in dict.fromkeys(names) if name.endswith("/data.pkl") and name.count("/") == 1
    ]
    if len(pickles) != 1:
        raise NotOfTorchError("it is a zip without a model in it")
    return pickles[0].removesuffix("data.pkl")


def _content(file: BufferedReader, part: zipfile.ZipInfo) -> np.ndarray:
    """Return the bytes of a stored part, compared with its checksum where it has one."""
    file.seek(part.header_offset)
    header = file.read(30)
    if len(header) < 30 or header[:4] != b"PK\x03\x04":
        raise zipfile.BadZipFile(f"the header of {part.filename[:40]!r} is damaged")
    file.seek(sum(struct.unpack("<HH", header[26:30])), 1)
    content = np.empty(part.file_size, np.uint8)
    if file.readinto(content.data) != part.file_size:
        raise zipfile.BadZipFile(f"{part.filename[:40]!r} is cut short")
    if part.CRC and zlib.crc32(content.data) != part.CRC:  # 0 where the writer made none
        raise zipfile.BadZipFile(f"{part.filename[:40]!r} does not match its checksum")
    return content


def _fill(file: BufferedReader, content: np.ndarray, key: str) -> None:
    """Read one storage of the old layout: its number of elements, then its bytes."""
    head = file.read(8)
    elements = struct.unpack("<q", head)[0] if len(head) == 8 else -1
    if elements < 0 or content.nbytes % elements if elements else content.nbytes:
        raise PickleError(f"its part {key[:20]} is of another size than expected")
    if file.readinto(content.data) != content.nbytes:
        raise PickleError("it ends too early")


def _flat(content: np.ndarray, dtype: torch.dtype | None) -> Tensor:
    if not content.size:  # PyTorch cannot view no bytes as another type
        return torch.empty(0, dtype=dtype or torch.uint8)
    flat = torch.from_numpy(content)
    return flat if dtype is None else flat.view(dtype)


def _item_size(dtype: torch.dtype | None) -> int:
    return 1 if dtype is None else dtype.itemsize


# Tensors


def _view(
    storage: Any, offset: Any, size: Any, stride: Any, dtype: torch.dtype | None = None
) -> Tensor:
    """Return a tensor that looks at a part of a storage, within its bounds."""
    if not isinstance(storage, Tensor):
        raise PickleError("it makes a tensor of something else than a storage")
    flat = storage if dtype is None else storage.view(dtype)
    numbers = (offset, *size, *stride)
    if not all(type(n) is int and n >= 0 for n in numbers) or len(size) != len(stride):
        raise PickleError("it makes a tensor of an impossible shape")
    if len(size) > MOST_DIMENSIONS:
        raise PickleError("it makes a tensor of too many dimensions")
    elements = math.prod(size)
    last = offset + sum((n - 1) * step for n, step in zip(size, stride, strict=True))
    if elements and last >= flat.numel():
        raise PickleError("it makes a tensor larger than its storage")
    if elements > max(flat.numel(), LARGEST_REPEAT):
        raise PickleError("it makes a tensor that repeats its storage too often")
    if not elements:
        return torch.empty(size, dtype=flat.dtype)
    return flat.as_strided(size, stride, offset)


def _rebuild(storage: Any, offset: Any, size: Any, stride: Any, *_: Any) -> Tensor:
    return _view(storage, offset, size, stride)


def _rebuild_typed(
    storage: Any, offset: Any, size: Any, stride: Any, _grad: Any, _hooks: Any, dtype: Any, *_: Any
) -> Tensor:
    if not isinstance(dtype, torch.dtype):
        raise PickleError("it makes a tensor of an unknown type")
    return _view(storage, offset, size, stride, dtype)


def _parameter(data: Any, *_: Any) -> Tensor:
    if not isinstance(data, Tensor):
        raise PickleError("it makes a parameter of something else than a tensor")
    return data


def _rebuild_subclass(function: Any, _kind: Any, arguments: Any, _state: Any = None) -> Tensor:
    """Read a tensor with attributes of its own, which are of no use here."""
    known = isinstance(function, Named) and function.name.startswith(_PREFIX_OF_REBUILDERS)
    if not known or function.make is None or not isinstance(arguments, tuple):
        raise PickleError("it makes a tensor in an unknown way")
    return function.make(*arguments)


# name -> what makes the tensor here
REBUILDERS: dict[str, Callable[..., Any]] = {
    "torch._utils._rebuild_tensor": _rebuild,
    "torch._utils._rebuild_tensor_v2": _rebuild,
    "torch._utils._rebuild_tensor_v3": _rebuild_typed,
    "torch._utils._rebuild_parameter": _parameter,
    "torch._utils._rebuild_parameter_with_state": _parameter,
    "torch._tensor._rebuild_from_type_v2": _rebuild_subclass,
    "torch.nn.parameter.Parameter": _parameter,
}
