"""The one function through which the program reads its shipped data (icons)."""

from __future__ import annotations

from pathlib import Path

_PACKAGED = Path(__file__).resolve().parents[1] / "_resources"  # where the wheel puts them
_CHECKOUT = Path(__file__).resolve().parents[2] / "resources"


def resource_path(name: str) -> Path:
    """Return the path of a shipped file.

    Args:
        name: Path below the resources folder with forward slashes, as ``icons/check.svg``.

    Raises:
        FileNotFoundError: The installation lacks the file.
    """
    path = (_PACKAGED if _PACKAGED.is_dir() else _CHECKOUT) / name
    if not path.is_file():
        raise FileNotFoundError(
            f"{path}: the installation lacks this file. Install maskwright again."
        )
    return path
