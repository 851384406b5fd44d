"""Opening a model file without running what is in it: what kind of file it is, and its values.

The bytes are read by :mod:`engine.nn.torch_file` and :mod:`engine.nn.safetensors_file`; here what went wrong
becomes a sentence that names the file, what was expected and what to do.
"""

from __future__ import annotations

import codecs
import zipfile
from pathlib import Path
from typing import Any

from engine.nn.inert import printable
from engine.nn.pickle_error import PickleError
from engine.nn.torch_file import NotOfTorchError, RefusedError, read_old, read_zip
from engine.runtime.errors import CheckpointError

# What reading a damaged file may raise, depending on where the damage is
_DAMAGE = (
    PickleError,
    zipfile.BadZipFile,
    EOFError,
    OSError,
    RuntimeError,  # with NotImplementedError: zips of other kinds
    ValueError,
    LookupError,
    OverflowError,
    MemoryError,
)
_REMEDY = "A .pt file is written by training here or by torch.save."
_GET_AGAIN = "Copy or download it again; of a run, take the other of last.pt and best.pt."
_TRUST = (
    "Get the weights from a source you trust, as plain tensors (a state dict, safetensors or ONNX)."
)
_OTHER_LAYOUTS = {
    "models.": "It looks like a YOLOv5 or YOLOv7 checkpoint, whose layout is another one; export it to "
    "ONNX where it was made, and use that.",
    "__main__.": "It was saved by a script of its own; save model.state_dict() there instead.",
}

# (place, bytes there, what the file is)
_KINDS = (
    (0, b"version https://git-lfs", "a Git LFS pointer, fetch the file itself with git lfs pull"),
    (0, b"\x93NUMPY", "a NumPy array"),
    (0, b"\x89HDF", "an HDF5 file, as Keras writes"),
    (4, b"TFL3", "a TensorFlow Lite model, which needs the name ending .tflite"),
    (0, b"\x1f\x8b", "a gzip archive, unpack it first"),
    (0, b"7z\xbc\xaf", "a 7z archive, unpack it first"),
    (0, b"Rar!", "a RAR archive, unpack it first"),
    (257, b"ustar", "a tar archive, unpack it first"),
    (0, b"\x89PNG", "a picture"),
    (0, b"\xff\xd8\xff", "a picture"),
    (0, b"%PDF", "a PDF document"),
)


def read_values(path: str | Path) -> Any:
    """Return what a ``.pt`` file holds, tensors on the CPU, unknown objects as :class:`engine.nn.inert.Inert`.

    Raises:
        CheckpointError: It is no such file, is damaged, or names something that could run code.
    """
    path = Path(path)
    head = _read_head(path)
    try:
        if head.startswith(b"PK"):
            return _read_zip(path)
        if head[:1] == b"\x80" and head[1:2] in (b"\x02", b"\x03", b"\x04", b"\x05"):
            return read_old(path)
    except RefusedError as error:
        raise _refused(path, error.names) from error
    except NotOfTorchError as error:
        raise _of_another_kind(path, str(error)) from error
    except CheckpointError:
        raise
    except _DAMAGE as error:
        raise _damaged(path, error) from error
    raise CheckpointError(f"is not a model file: {_describe(head)}.", path=path, remedy=_REMEDY)


def _read_head(path: Path) -> bytes:
    """Return the first bytes of a file.

    Raises:
        CheckpointError: It cannot be read, or is empty.
    """
    if path.is_dir():
        raise CheckpointError("expected a model file, received a folder.", path=path)
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


def _read_zip(path: Path) -> Any:
    if not zipfile.is_zipfile(path):
        raise CheckpointError(
            "is cut short: its table of contents at the end is missing.",
            path=path,
            remedy=_GET_AGAIN,
        )
    return read_zip(path)


def _describe(head: bytes) -> str:
    """Say what a file that starts with ``head`` seems to be."""
    for place, content, kind in _KINDS:
        if head[place : place + len(content)] == content:
            return f"it is {kind}"
    if head[:1] == b"\x08" and len(head) > 1 and head[1] < 32:
        return "it looks like an ONNX model, which needs the name ending .onnx"
    if head[8:9] == b"{" and int.from_bytes(head[:8], "little") < 2**27:
        return "it looks like a safetensors file, which needs the name ending .safetensors"
    if head.lstrip()[:1] == b"<":
        return "it is a web page or XML, perhaps a failed download"
    try:
        codecs.getincrementaldecoder("utf-8")().decode(head)  # may end inside a character
    except UnicodeDecodeError:
        return f"it starts with the bytes {head[:4].hex(' ')}"
    return "it is text" if b"\0" not in head else f"it starts with the bytes {head[:4].hex(' ')}"


def _refused(path: Path, names: list[str]) -> CheckpointError:
    known = [text for start, text in _OTHER_LAYOUTS.items() if names[0].startswith(start)]
    some = ", ".join(map(printable, names[:8])) + (", ..." if len(names) > 8 else "")
    return CheckpointError(
        f"this file would run code: it asks for {some}, which no weights need. "
        "Nothing of it was loaded.",
        path=path,
        value=names,
        remedy=known[0] if known else _TRUST,
    )


def _of_another_kind(path: Path, kind: str) -> CheckpointError:
    script = "TorchScript" in kind
    return CheckpointError(
        f"is not a checkpoint: {kind}.",
        path=path,
        remedy="Give it the name ending .torchscript." if script else _REMEDY,
    )


def _damaged(path: Path, error: Exception) -> CheckpointError:
    reason = str(error).partition("\n")[0][:200] or type(error).__name__
    return CheckpointError(
        f"is damaged or not a model file ({reason}).", path=path, remedy=_GET_AGAIN
    )
