"""Arrays that were recorded in files."""

from __future__ import annotations

from pathlib import Path

import numpy as np


def read_arrays(file: Path) -> dict[str, np.ndarray]:
    """Return all arrays of an NPZ file, which is closed again."""
    with np.load(file) as found:
        return dict(found)
