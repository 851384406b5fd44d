"""What every exported file says of itself: how to use it, and where it comes from."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from engine._version import __version__
from engine.nn.backends.metadata import METADATA_YAML, Metadata
from engine.runtime.paths import write_atomic


def entries_of(metadata: Metadata) -> dict[str, str]:
    """Return the text entries to store: the origin first, then the use."""
    origin = {
        "description": "Written by Maskwright",
        "version": __version__,
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
    }
    return {**origin, **metadata.to_text()}


def write_metadata(folder: Path, metadata: Metadata) -> Path:
    """Write the entries as a file into an exported folder."""
    import yaml

    text = yaml.safe_dump(entries_of(metadata), sort_keys=False, allow_unicode=True)
    return write_atomic(folder / METADATA_YAML, text)
