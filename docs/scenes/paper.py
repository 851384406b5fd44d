"""Pictures on disk: small files that look like the window. Works in a process of its own, beside the window."""

from __future__ import annotations

import io
import sys
from pathlib import Path

from PIL import Image

SUFFIX = ".webp"
_QUALITY = 64  # of photographs: letters beside them show no seam; else how hard is tried
_EFFORT = 6  # of 0 to 6


def save(pixels: bytes, size: tuple[int, int], file: Path) -> int:
    """Write RGB pixels; returns the file's size in bytes."""
    data = packed(Image.frombytes("RGB", size, pixels))
    file.write_bytes(data)
    sys.stdout.write(f"{file.name} {len(data) // 1024} KiB\n")
    return len(data)


def packed(picture: Image.Image) -> bytes:
    """Return a picture as WebP, exact where that is the smaller file: pages without photographs are."""
    exact = _encoded(picture, lossless=True, quality=_QUALITY)
    near = _encoded(picture, lossless=False, quality=_QUALITY)
    return min(exact, near, key=len)


def _encoded(picture: Image.Image, *, lossless: bool, quality: int) -> bytes:
    stream = io.BytesIO()
    picture.save(stream, "WEBP", lossless=lossless, quality=quality, method=_EFFORT)
    return stream.getvalue()
