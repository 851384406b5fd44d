"""Paths as people read them: the home folder as ``~``."""

from __future__ import annotations

from pathlib import Path


def path_text(path: str | Path, limit: int = 0) -> str:
    """Return a path as text, shortened at the front to ``limit`` characters if that is not 0."""
    path, home = Path(path), Path.home()
    inside = path.is_relative_to(home)
    text = str(Path("~") / path.relative_to(home)) if inside else str(path)
    return f"…{text[1 - limit :]}" if limit and len(text) > limit else text
