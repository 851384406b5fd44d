"""What a model file may name, and what each name becomes here; nothing of it is ever imported or run.

A pickle names functions and classes. Names that plain tensors and numbers need are answered by functions of
this room, classes of networks by :class:`Inert`, and all others are refused.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

# Classes whose stored values are kept and whose code is never looked for
INERT_PREFIXES = (
    "ultralytics.",
    "torch.nn.",
    "torch.optim.",
    "torch._C._nn.",
    "torch._dynamo.eval_frame.",
    "torchvision.transforms.",
)
INERT_NAMES = frozenset(
    {
        "types.SimpleNamespace",
        "argparse.Namespace",
        "datetime.date",
        "datetime.datetime",
        "datetime.timedelta",
        "datetime.timezone",
        "torch.Tensor",
        "torch.nn.parameter.Parameter",
        "torch.serialization._get_layout",
        "builtins.object",
    }
)
_CLASS_NAME = re.compile(
    r"^(?:v\d+)?[A-Z]|^(?:date|datetime|timedelta|timezone|object|_get_layout)$"
)
_KEY_TYPES = (str, int, float, bool, bytes, type(None))


class Inert:
    """Stands for a pickled object of a class that is not loaded: keeps what was stored, does nothing.

    Attributes:
        origin: Dotted name of the class it stands for.
        args: What it was to be made with.
        state: What was to become its attributes.
    """

    __slots__ = ("args", "origin", "state")

    def __init__(
        self, origin: str, args: tuple[Any, ...] = (), state: dict[str, Any] | None = None
    ) -> None:
        self.origin = origin
        self.args = args
        self.state: dict[str, Any] = {} if state is None else state

    def __repr__(self) -> str:
        return f"<{self.origin}, not loaded>"

    @property
    def kind(self) -> str:
        """Name of the class it stands for, without its module."""
        return printable(self.origin.rpartition(".")[2])

    def build(self, state: Any) -> None:
        """Take over what was to become its attributes; slots come as a second dictionary."""
        for part in state if isinstance(state, tuple) else (state,):
            if isinstance(part, dict):
                self.state = {**self.state, **part}


@dataclass(frozen=True, slots=True)
class Named:
    """A name that a pickle asks for.

    Attributes:
        name: Dotted, as today's Python spells it.
        make: What answers a call of it here; None where a call gives an :class:`Inert`.
        is_known: Whether it may stand in a model file.
    """

    name: str
    make: Callable[..., Any] | None = None
    is_known: bool = True

    @property
    def is_class(self) -> bool:
        """Whether the name is spelled as a class: calling a function is never needed."""
        return bool(_CLASS_NAME.match(self.name.rpartition(".")[2]))


@dataclass(frozen=True, slots=True)
class StorageKind:
    """A kind of storage; ``dtype`` is None for bytes whose type the tensor tells."""

    dtype: torch.dtype | None


class NumpyType:
    """A pickled NumPy dtype of plain numbers."""

    def __init__(self, code: Any, *_: Any) -> None:
        if not isinstance(code, str) or not re.fullmatch(r"[<>=|]?[biuf]\d{1,2}", code):
            raise ValueError(f"expected a NumPy type of numbers, received {short(code)}")
        self.dtype = np.dtype(code)

    def build(self, state: Any) -> None:
        """Take over the byte order, the second value of the state."""
        order = state[1] if isinstance(state, tuple) and len(state) > 1 else "|"
        if order == ">":
            self.dtype = self.dtype.newbyteorder(">")


class NumpyArray:
    """A pickled NumPy array; its numbers come with the state."""

    def __init__(self, *_: Any) -> None:
        self.values = np.empty(0)

    def build(self, state: Any) -> None:
        """Take over (version, shape, type, is Fortran, data)."""
        if not (isinstance(state, tuple) and len(state) == 5 and isinstance(state[2], NumpyType)):
            raise ValueError("expected a NumPy array of numbers")
        _, shape, kind, is_fortran, data = state
        values = np.frombuffer(_bytes_of(data), kind.dtype)
        self.values = values.reshape(_sizes(shape), order="F" if is_fortran else "C")


def find_name(name: str) -> Any:
    """Return what a dotted name stands for in a model file: a Named, a storage kind or a dtype."""
    name = _modern(name)
    if name in MAKERS:
        return Named(name, MAKERS[name])
    module, _, last = name.rpartition(".")
    if module in ("torch", "torch.storage", "torch.cuda") and last in _STORAGES:
        return StorageKind(_STORAGES[last])
    if module == "torch" and isinstance(dtype := getattr(torch, last, None), torch.dtype):
        return dtype
    return Named(name, None, name in INERT_NAMES or name.startswith(INERT_PREFIXES))


# What stands on the stack for something else
UNFINISHED = (NumpyArray, NumpyType, Named)


def resolved(value: Any) -> Any:
    """Return a value as it is kept: NumPy's as arrays, names as inert objects."""
    if isinstance(value, NumpyArray):
        return value.values
    if isinstance(value, NumpyType):
        return value.dtype.str
    return Inert(value.name) if isinstance(value, Named) else value


def check_key(key: Any) -> None:
    """Refuse keys of dictionaries and members of sets that take long to hash.

    Raises:
        TypeError: It is no plain value, nor a flat tuple of plain values.
    """
    parts = key if isinstance(key, tuple) else (key,)
    if not all(isinstance(part, (*_KEY_TYPES, Inert)) for part in parts):
        raise TypeError(f"a {type(key).__name__} cannot be a key")


def short(value: Any) -> str:
    """Return a short text of a value of unknown size."""
    if isinstance(value, str | bytes):
        return repr(value[:60])
    if isinstance(value, int | float | bool | None):
        return repr(value)
    return f"a value of type {type(value).__name__}"


def printable(text: Any) -> str:
    """Return text of a file as it can be shown: short, and without what a terminal would act on."""
    return "".join(c if c.isprintable() else "?" for c in str(text)[:80])


def _modern(name: str) -> str:
    """Spell the modules of Python 2 as today; protocol 2 pickles still use their names."""
    module, dot, rest = name.partition(".")
    return {"__builtin__": "builtins", "copy_reg": "copyreg"}.get(module, module) + dot + rest


def _dictionary(pairs: Any = ()) -> dict[Any, Any]:
    made = {}
    for key, value in pairs.items() if isinstance(pairs, Mapping) else pairs:
        check_key(key)
        made[key] = value
    return made


def _default_dictionary(_factory: Any = None, pairs: Any = ()) -> dict[Any, Any]:
    return _dictionary(pairs)


def _members(values: Iterable[Any] = ()) -> set[Any]:
    values = list(values)
    for value in values:
        check_key(value)
    return set(values)


def _complex(real: float, imaginary: float) -> complex:
    return complex(float(real), float(imaginary))


def _encoded(text: Any, coding: str = "latin1") -> bytes:
    """Read bytes as protocol 2 stores them."""
    if coding not in ("latin1", "latin-1"):
        raise ValueError(f"expected bytes as latin1, received {short(coding)}")
    return _text(text).encode("latin1")


def _raw_bytes(*content: Any) -> bytes:
    """Read bytes stored as bytes, as latin1 text or, where empty, as nothing."""
    return _bytes_of(content[0]) if content else b""


def _numpy_number(kind: Any, data: bytes | str) -> float | int | bool:
    if not isinstance(kind, NumpyType):
        raise ValueError("expected a NumPy number")
    return np.frombuffer(_bytes_of(data), kind.dtype, 1)[0].item()


def _path_text(*parts: str) -> str:
    """Read a pickled path as text: of another machine it means nothing more."""
    return "/".join(map(_text, parts)).replace("//", "/")


def _device(*parts: str | int) -> str:
    """Read a device as text; tensors go to the device that is asked for."""
    return ":".join(str(part) for part in parts if isinstance(part, str | int))


def _attribute(owner: Any, name: Any) -> Inert:
    """Read a method of an inert object or class, such as the ``forward`` of fused blocks."""
    if isinstance(owner, Named) and owner.is_known and owner.make is None:
        owner = Inert(owner.name)
    if not isinstance(owner, Inert):
        raise PermissionError("builtins.getattr")
    return Inert(f"{owner.origin}.{_text(name)}")


def _reconstructed(kind: Any, *_: Any) -> Inert:
    """Read an object as protocols before 2 store it."""
    if not isinstance(kind, Named) or kind.make is not None:
        raise ValueError("expected a class")
    return Inert(kind.name)


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise ValueError(f"expected text, received {short(value)}")
    return value


def _bytes_of(data: Any) -> bytes:
    return data.encode("latin1") if isinstance(data, str) else bytes(memoryview(data))


def _sizes(shape: Any) -> tuple[int, ...]:
    if not isinstance(shape, tuple) or not all(type(n) is int and n >= 0 for n in shape):
        raise ValueError("expected sizes")
    return shape


# name -> what answers a call of it here
MAKERS: dict[str, Callable[..., Any]] = {
    "collections.OrderedDict": _dictionary,
    "collections.defaultdict": _default_dictionary,
    "builtins.dict": _dictionary,
    "builtins.set": _members,
    "builtins.frozenset": _members,
    "builtins.complex": _complex,
    "builtins.bytes": _raw_bytes,
    "builtins.bytearray": _raw_bytes,
    "builtins.getattr": _attribute,
    "_codecs.encode": _encoded,
    "copyreg._reconstructor": _reconstructed,
    "torch.Size": lambda sizes=(): torch.Size(_sizes(tuple(sizes))),
    "torch.device": _device,
    "numpy.dtype": NumpyType,
    "numpy.core.multiarray.scalar": _numpy_number,
    "numpy._core.multiarray.scalar": _numpy_number,
    "numpy.ndarray": NumpyArray,
    "numpy.core.multiarray._reconstruct": NumpyArray,
    "numpy._core.multiarray._reconstruct": NumpyArray,
    "pathlib.Path": _path_text,
    "pathlib.PosixPath": _path_text,
    "pathlib.WindowsPath": _path_text,
    "pathlib.PurePosixPath": _path_text,
    "pathlib.PureWindowsPath": _path_text,
    "pathlib._local.PosixPath": _path_text,
    "pathlib._local.WindowsPath": _path_text,
}
_STORAGES: dict[str, torch.dtype | None] = {
    "DoubleStorage": torch.float64,
    "FloatStorage": torch.float32,
    "HalfStorage": torch.float16,
    "BFloat16Storage": torch.bfloat16,
    "LongStorage": torch.int64,
    "IntStorage": torch.int32,
    "ShortStorage": torch.int16,
    "CharStorage": torch.int8,
    "ByteStorage": torch.uint8,
    "BoolStorage": torch.bool,
    "ComplexFloatStorage": torch.complex64,
    "ComplexDoubleStorage": torch.complex128,
    "UntypedStorage": None,
}
