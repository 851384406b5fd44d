"""Which files and folders are models that this program can open, told by their names. Opens none of them."""

from __future__ import annotations

from pathlib import Path

from engine.export.formats import FORMATS, format_of

CHECKPOINTS = ("*.pt", "*.safetensors")
# Files of every format that runs here; folders are chosen by a dialog of their own
EXPORTED = tuple(f"*{f.suffix}" for f in FORMATS if f.is_writable and f.runs and not f.is_folder)
FILE_PATTERNS = " ".join((*CHECKPOINTS, *EXPORTED))
FOLDER_SUFFIXES = tuple(f.suffix for f in FORMATS if f.is_writable and f.runs and f.is_folder)


def is_exported(path: Path) -> bool:
    """Tell whether a file or folder has the name of an exported model that runs here."""
    found = format_of(path)
    return found is not None and found.runs


def is_model_folder(path: Path) -> bool:
    """Tell whether a path is a folder with the name of an exported model that runs here."""
    return path.is_dir() and path.name.lower().endswith(FOLDER_SUFFIXES)


def size_of(path: Path) -> int:
    """Return the bytes of a file, or of all files of a folder.

    Raises:
        OSError: It is gone.
    """
    if path.is_dir():
        return sum(file.stat().st_size for file in path.rglob("*") if file.is_file())
    return path.stat().st_size
