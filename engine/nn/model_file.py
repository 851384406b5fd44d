"""Opening a model file without running what is in it: what kind of file it is, and its pickled values.

A pickle may name any function and call it. Here only names of two tables are let through: those that
torch itself lets through for plain tensors, and classes that become :class:`Inert`, which keep what was
stored in them and do nothing. Everything else is refused by name before anything is read.
"""

from __future__ import annotations

import codecs
import pickle
import pickletools
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch

from engine.runtime.errors import CheckpointError

# What reading a damaged file may raise, depending on where the damage is
_DAMAGE = (
    RuntimeError,
    pickle.UnpicklingError,
    zipfile.BadZipFile,
    OSError,
    EOFError,
    ValueError,
    TypeError,
    LookupError,
    AttributeError,
    AssertionError,
    OverflowError,
)
# The pickled part holds names and numbers only; the weights lie beside it
_LONGEST_PICKLE = 256 * 2**20
# Pickles that stand one after another at the start of a file of torch 1.5 or older
_PICKLES_OF_OLD_LAYOUT = 5

_PLAIN_GLOBALS = frozenset(
    {
        "collections.OrderedDict",
        "collections.defaultdict",
        "_codecs.encode",
        "builtins.dict",
        "builtins.set",
        "builtins.complex",
        "torch.Size",
        "torch.device",
        "torch.Tensor",
        "torch.serialization._get_layout",
        "torch.storage.UntypedStorage",
        "torch.nn.parameter.Parameter",
        "torch._tensor._rebuild_from_type_v2",
        "torch._utils._rebuild_tensor",
        "torch._utils._rebuild_tensor_v2",
        "torch._utils._rebuild_tensor_v3",
        "torch._utils._rebuild_parameter",
        "torch._utils._rebuild_parameter_with_state",
    }
)
# Classes whose stored values are kept and whose code is never looked for
INERT_PREFIXES = (
    "ultralytics.nn.",
    "ultralytics.utils.",
    "torch.nn.modules.",
    "torchvision.transforms.",
)


class Inert:
    """Stands for a pickled object of a class that is not loaded: keeps what was stored, does nothing.

    Attributes:
        origin: Dotted name of the class it stands for.
        args: What it was to be made with.
        state: What was to become its attributes.
    """

    origin = ""
    args: tuple[Any, ...]
    state: dict[str, Any]

    def __new__(cls, *args: Any) -> Inert:
        """Keep what it was to be made with; unpickling calls no ``__init__``."""
        self = super().__new__(cls)
        self.args, self.state = args, {}
        return self

    def __setstate__(self, state: Any) -> None:
        if isinstance(state, dict):
            self.state = state

    @property
    def kind(self) -> str:
        """Name of the class it stands for, without its module."""
        return self.origin.rpartition(".")[2]


def read_values(path: Path) -> Any:
    """Return what a ``.pt`` file holds, tensors on the CPU, unknown objects as :class:`Inert`.

    Raises:
        CheckpointError: It is no such file, is damaged, or names something that could run code.
    """
    names = set(_globals_of(path))
    stand_ins = {name: _stand_in(name) for name in sorted(names) if _is_inert(name)}
    stand_ins |= {name: made for name, made in _REPLACED.items() if name in names}
    refused = sorted(n for n in names if n not in stand_ins and not _is_plain(n))
    if refused:
        raise CheckpointError(
            f"this file would run code: it asks for {', '.join(refused)}, which no weights need. "
            "Nothing of it was loaded.",
            path=path,
            value=refused,
            remedy="Get the weights from a source you trust, as plain tensors (a state dict, "
            "safetensors or ONNX).",
        )
    try:
        with torch.serialization.safe_globals([(made, name) for name, made in stand_ins.items()]):
            return torch.load(path, map_location="cpu", weights_only=True)
    except _DAMAGE as error:
        raise _damaged(path, error) from error


def _globals_of(path: Path) -> Iterator[str]:
    """Yield the dotted names that the file's pickles ask for, without executing them."""
    head = _read_head(path)
    try:
        if head.startswith(b"PK"):
            yield from _names_in(_pickle_of_zip(path))
        elif head[:1] == b"\x80" and head[1:2] in b"\x02\x03\x04\x05":
            yield from _names_in_file(path)
        else:
            raise CheckpointError(
                f"is not a model file: {_describe(head)}.", path=path, remedy=_REMEDY
            )
    except CheckpointError:
        raise
    except _DAMAGE as error:
        raise _damaged(path, error) from error


_REMEDY = "A .pt file is written by training here or by torch.save."


def _read_head(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            head = file.read(512)
    except OSError as error:
        raise CheckpointError(f"cannot be read ({error.strerror}).", path=path) from error
    if not head:
        raise CheckpointError(
            "is empty.",
            path=path,
            remedy="It was not copied or downloaded completely; get it again.",
        )
    return head


def _describe(head: bytes) -> str:
    """Say what a file that starts with ``head`` seems to be."""
    if head.startswith(b"version https://git-lfs"):
        return "it is a Git LFS pointer, fetch the file itself with git lfs pull"
    if head[:1] == b"\x08" and head[1] < 32:
        return "it looks like an ONNX model, which needs the name ending .onnx"
    if head.startswith(b"\x93NUMPY"):
        return "it is a NumPy array"
    if head.lstrip()[:1] == b"<":
        return "it is a web page or XML, perhaps a failed download"
    try:
        codecs.getincrementaldecoder("utf-8")().decode(head)  # may end inside a character
    except UnicodeDecodeError:
        return f"it starts with the bytes {head[:4].hex(' ')}"
    return "it is text" if b"\0" not in head else f"it starts with the bytes {head[:4].hex(' ')}"


def _pickle_of_zip(path: Path) -> bytes:
    if not zipfile.is_zipfile(path):
        raise CheckpointError(
            "is cut short: its table of contents at the end is missing.",
            path=path,
            remedy="Copy or download it again; of a run, take the other of last.pt and best.pt.",
        )
    with zipfile.ZipFile(path) as archive:
        names = archive.namelist()
        if any(name.endswith("/constants.pkl") for name in names):
            raise CheckpointError(
                "is a TorchScript model.", path=path, remedy="Give it the name ending .torchscript."
            )
        inside = [name for name in names if name.endswith("/data.pkl")]
        if len(inside) != 1:
            raise CheckpointError("is a zip without a model in it.", path=path, remedy=_REMEDY)
        if archive.getinfo(inside[0]).file_size > _LONGEST_PICKLE:
            raise CheckpointError("its list of tensors is too long for a model.", path=path)
        return archive.read(inside[0])


def _names_in_file(path: Path) -> Iterator[str]:
    with path.open("rb") as file:
        for _ in range(_PICKLES_OF_OLD_LAYOUT):
            if file.read(1) != b"\x80":
                return
            file.seek(-1, 1)
            yield from _names_in(file)


def _names_in(pickled: Any) -> Iterator[str]:
    """Yield the names of GLOBAL and STACK_GLOBAL instructions."""
    texts: list[str] = []
    for code, value, _ in pickletools.genops(pickled):
        if code.name in ("GLOBAL", "INST"):
            yield _modern(str(value).replace(" ", "."))
        elif code.name == "STACK_GLOBAL":
            yield _modern(".".join(texts[-2:]))
        elif isinstance(value, str):
            texts.append(value)


def _modern(name: str) -> str:
    """Spell Python 2's module of builtins as today; protocol 2 pickles still use its name."""
    return name.replace("__builtin__.", "builtins.", 1) if name.startswith("__builtin__.") else name


def _is_plain(name: str) -> bool:
    module, _, last = name.rpartition(".")
    is_storage = module == "torch" and last.endswith(("Storage", "Tensor"))
    is_dtype = module == "torch" and isinstance(getattr(torch, last, None), torch.dtype)
    return name in _PLAIN_GLOBALS or is_storage or is_dtype


def _is_inert(name: str) -> bool:
    return name.startswith(INERT_PREFIXES)


def _stand_in(name: str) -> type[Inert]:
    return type(name.rpartition(".")[2], (Inert,), {"origin": name, "__module__": __name__})


def _numpy_number(dtype: Any, data: bytes | str) -> float | int | bool:
    """Read a pickled NumPy number; only numbers, never objects."""
    code = str(dtype.args[0]) if isinstance(dtype, Inert) and dtype.args else ""
    kind = np.dtype(code) if code.strip("<>=|")[:1] in tuple("fiub") else None
    if kind is None:
        raise pickle.UnpicklingError(f"expected a NumPy number, received {code!r}")
    content = data.encode("latin1") if isinstance(data, str) else data
    return np.frombuffer(content, kind, 1)[0].item()


def _path_text(*parts: str) -> str:
    """Read a pickled path as text: of another machine it means nothing more."""
    return "/".join(parts).replace("//", "/")


_NUMPY_DTYPE = _stand_in("numpy.dtype")
# Harmless names that older files use, and what reads their values here
_REPLACED: dict[str, Any] = {
    "numpy.dtype": _NUMPY_DTYPE,
    "numpy.core.multiarray.scalar": _numpy_number,
    "numpy._core.multiarray.scalar": _numpy_number,
    "pathlib.PosixPath": _path_text,
    "pathlib.WindowsPath": _path_text,
    "pathlib._local.PosixPath": _path_text,
    "pathlib._local.WindowsPath": _path_text,
    "builtins.set": set,
}


def _damaged(path: Path, error: Exception) -> CheckpointError:
    # torch's own text begins with the advice to switch its protection off
    text = str(error).rpartition("WeightsUnpickler error:")[2].strip()
    reason = text.partition("\n")[0] or type(error).__name__
    return CheckpointError(
        f"is damaged or not a model file ({reason}).",
        path=path,
        remedy="Copy or download it again; of a run, take the other of last.pt and best.pt.",
    )
