"""Files that lie among data sets and are none: what they are, and what a person may do. They are never opened to run.

Model files of the field are pickles, which are programs: only the names that they would call are read.
"""

from __future__ import annotations

import pickletools
import tarfile
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path, PurePosixPath
from typing import BinaryIO

from engine.data.problems import Problem

_MOST_ENTRIES = 10_000
_MOST_BYTES = 256 << 20
_MOST_SHOWN = 3
# Modules that model files name without harm.
_HARMLESS = ("torch", "collections", "numpy", "_codecs", "__builtin__", "argparse")
_HARMFUL_NAMES = {"eval", "exec", "getattr", "open", "__import__", "compile", "setattr", "delattr"}


def about_stranger(file: Path) -> Problem | None:
    """Return what to say of a file that is no data set, None for files nobody would take for one."""
    name = file.name.lower()
    for suffixes, tell in _KINDS:
        if name.endswith(suffixes):
            try:
                return Problem(file, None, tell(file))
            except (OSError, EOFError, ValueError, tarfile.TarError, zipfile.BadZipFile) as error:
                return Problem(file, None, f"It cannot be read ({error or type(error).__name__}).")
    return None


def _about_archive(file: Path) -> str:
    """Name the entries that would land outside of the folder where the archive is unpacked."""
    outside = [name for name in _entries(file) if _climbs(name)]
    advice = "It is an archive: unpack it and import the folder."
    if not outside:
        return advice
    shown = ", ".join(repr(name) for name in outside[:_MOST_SHOWN])
    return (
        f"It is an archive that was refused: {len(outside)} of its entries would be written outside "
        f"of the folder ({shown}). Unpack it with a program that leaves these out."
    )


def _entries(file: Path) -> Iterator[str]:
    """Yield names, and for links where they point to."""
    if zipfile.is_zipfile(file):
        with zipfile.ZipFile(file) as archive:
            yield from archive.namelist()[:_MOST_ENTRIES]
        return
    if not tarfile.is_tarfile(file):
        return
    with tarfile.open(file) as archive:
        links: list[str] = []
        for _, member in zip(range(_MOST_ENTRIES), archive, strict=False):
            if member.offset > _MOST_BYTES:
                return
            through = any(member.name.startswith(f"{link}/") for link in links)
            yield f"../{member.name}" if through else member.name
            if member.issym() or member.islnk():
                links.append(member.name)
                yield member.linkname


def _climbs(name: str) -> bool:
    parts = PurePosixPath(name.replace("\\", "/")).parts
    return ".." in parts or name.startswith(("/", "\\")) or name[1:3] in (":\\", ":/")


def _about_model(file: Path) -> str:
    """Say what a model file would call when it is loaded."""
    called = sorted(set(_called(file)))
    if called:
        shown = ", ".join(called[:_MOST_SHOWN])
        return (
            f"It was refused: this file would run code when it is loaded ({shown}). Ask for the "
            "weights as .safetensors or ONNX."
        )
    return "It is a model or an array, no data set: model files belong to the Models page."


def _called(file: Path) -> Iterator[str]:
    with file.open("rb") as opened:
        head = opened.read(8)
        opened.seek(0)
        if head[:2] == b"PK":
            with zipfile.ZipFile(file) as archive:
                for info in archive.infolist()[:_MOST_ENTRIES]:
                    if info.filename.endswith(".pkl") and info.file_size <= _MOST_BYTES:
                        yield from _names(archive.read(info))
        elif head[:6] == b"\x93NUMPY":
            yield from _names(_after_numpy_header(opened))
        elif head[:1] == b"\x80":
            data = opened.read(_MOST_BYTES)
            while data[:1] == b"\x80":  # one pickle after the other, as old model files have them
                length = _pickle_length(data)
                yield from _names(data[:length])
                data = data[length:]


def _names(data: bytes) -> Iterator[str]:
    """Yield what a pickle would import beyond what models and arrays need."""
    texts: list[str] = []
    memo: list[str] = []
    try:
        for opcode, argument, _ in pickletools.genops(data):
            if opcode.name in ("GLOBAL", "INST"):
                module, _, name = str(argument).partition(" ")
            elif opcode.name == "STACK_GLOBAL" and len(texts) > 1:
                module, name = texts[-2:]
            else:
                _remember(opcode.name, argument, texts, memo)
                continue
            known = module.split(".")[0] in _HARMLESS or module.startswith(
                ("ultralytics", "engine")
            )
            if not known or name in _HARMFUL_NAMES:
                yield f"{module}.{name}"
    except (ValueError, IndexError, UnicodeDecodeError, EOFError):
        return


def _remember(opcode: str, argument: object, texts: list[str], memo: list[str]) -> None:
    """Follow the texts that a pickle puts on its stack, also those that it takes from its memory."""
    if opcode == "MEMOIZE":
        memo.append(texts[-1] if texts else "")
    elif "GET" in opcode and isinstance(argument, int) and argument < len(memo):
        texts.append(memo[argument])
    elif isinstance(argument, str):
        texts.append(argument)


def _pickle_length(data: bytes) -> int:
    try:
        stops = (at for opcode, _, at in pickletools.genops(data) if opcode.name == "STOP")
        return (next(stops) or 0) + 1
    except (ValueError, StopIteration, IndexError):
        return len(data)


def _after_numpy_header(opened: BinaryIO) -> bytes:
    opened.seek(8)
    size = int.from_bytes(opened.read(2), "little")
    opened.seek(10 + size)
    data = opened.read(_MOST_BYTES)
    return data if data[:1] == b"\x80" else b""


def _about_video(file: Path) -> str:
    """Say whether a video can be read at all."""
    if not file.stat().st_size:
        return "It cannot be read as video: the file is empty."
    import cv2

    level = cv2.utils.logging.getLogLevel() if hasattr(cv2, "utils") else None
    capture = cv2.VideoCapture(str(file))
    try:
        is_video = capture.isOpened() and capture.read()[0]
    finally:
        capture.release()
        if level is not None:
            cv2.utils.logging.setLogLevel(level)
    if not is_video:
        return "It cannot be read as video. It may be cut short, or be no video."
    return "It is a video: save its frames as pictures and import these."


_KINDS: tuple[tuple[tuple[str, ...], Callable[[Path], str]], ...] = (
    ((".zip", ".tar", ".tar.gz", ".tgz", ".tar.bz2", ".tar.xz"), _about_archive),
    ((".7z", ".rar"), lambda _: "It is an archive: unpack it and import the folder."),
    ((".pt", ".pth", ".pkl", ".pickle", ".npy", ".npz", ".ckpt"), _about_model),
    ((".mp4", ".avi", ".mov", ".mkv", ".webm", ".m4v"), _about_video),
)
