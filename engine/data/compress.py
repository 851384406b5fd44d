"""Making picture files smaller."""

from __future__ import annotations

from pathlib import Path

from engine.data.images import read_image, write_image


def compress_one_image(
    f: str | Path, f_new: str | Path | None = None, max_dim: int = 1920, quality: int = 50
) -> Path:
    """Write a picture with at most ``max_dim`` pixels on its longer side, as JPEG where the name says so.

    Args:
        f: Picture to read.
        f_new: Where to write; None replaces ``f``, which appears whole or not at all.
        max_dim: Longer side in pixels; smaller pictures are not enlarged.
        quality: Of JPEG and WebP, 1..100.

    Returns:
        The file written. It is upright: the EXIF orientation is applied and dropped.

    Raises:
        ImageError: It cannot be read or written.
    """
    import cv2

    image = read_image(f)
    gain = max_dim / max(image.shape[:2])
    if gain < 1:
        size = max(round(image.shape[1] * gain), 1), max(round(image.shape[0] * gain), 1)
        image = cv2.resize(image, size, interpolation=cv2.INTER_AREA)
    return write_image(f_new or f, image, quality)
