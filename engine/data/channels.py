"""Pictures of one, four or more channels: what a data.yaml asks for with ``channels``.

One channel is grey. Four are red, green, blue and alpha, or whatever a file of four means by them. More come
from TIFF files of as many samples a pixel, or of one page a channel. Channels keep the order of the file; where
colours or grey are asked for, the first three of more than four are red, green and blue. Loads no torch.
"""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np

from engine.data.bands import decode_bands
from engine.data.image_headers import Header
from engine.data.tiff_tags import count_samples

# Colour types of PNG -> channels.
_PNG_CHANNELS = {0: 1, 2: 3, 3: 3, 4: 2, 6: 4}
# Red, green and blue's shares of what the eye calls bright (ITU-R BT.601).
_BRIGHTNESS = np.array([0.299, 0.587, 0.114])


def decode_channels(data: bytes, header: Header, channels: int) -> np.ndarray | None:
    """Decode to (H, W, channels) of the file's depth, as stored; None when the data is damaged.

    Raises:
        ValueError: The picture has another number of channels; the text says how many.
    """
    import cv2

    if header.bands:
        return _from_bands(data, header.bands, channels)
    buffer = np.frombuffer(data, dtype=np.uint8)
    try:
        if channels == 1:
            flags = cv2.IMREAD_ANYDEPTH | cv2.IMREAD_GRAYSCALE | cv2.IMREAD_IGNORE_ORIENTATION
            grey = cv2.imdecode(buffer, flags)
            return None if grey is None else grey[..., None]
        plain = None if header.kind == "png" else _with_alpha(data)
        pages = (
            list(cv2.imdecodemulti(buffer, cv2.IMREAD_UNCHANGED)[1]) if plain is None else [plain]
        )
    except cv2.error:
        return None
    if len({page.shape for page in pages}) != 1:
        return None
    array = np.dstack(pages)
    _check_count(array.shape[2], channels)
    if plain is None and len(pages) == 1 and channels == 4:
        array = array[..., [2, 1, 0, 3]]  # OpenCV puts blue first
    return array


def _from_bands(data: bytes, bands: int, channels: int) -> np.ndarray | None:
    """Decode a TIFF file of more than four samples a pixel; grey is the brightness of the first three."""
    if channels == 1:
        colours = decode_bands(data, 3)
        return None if colours is None else _grey(colours)
    _check_count(bands, channels)
    return decode_bands(data)


def _grey(colours: np.ndarray) -> np.ndarray:
    grey = (colours @ _BRIGHTNESS)[..., None]
    return (np.rint(grey) if colours.dtype.kind in "iu" else grey).astype(colours.dtype)


def _check_count(found: int, wanted: int) -> None:
    if found != wanted:
        raise ValueError(
            f"The image has {found} channels, the data set's description says {wanted}."
        )


def _with_alpha(data: bytes) -> np.ndarray | None:
    """Return the four channels of a file that is no PNG as they are: OpenCV multiplies colours by alpha."""
    from PIL import Image, UnidentifiedImageError

    try:
        with Image.open(io.BytesIO(data)) as picture:
            if getattr(picture, "n_frames", 1) == 1 and len(picture.getbands()) == 4:
                return np.asarray(picture)
    except (UnidentifiedImageError, OSError, SyntaxError, ValueError):
        return None
    return None


def count_channels(path: Path) -> int | None:
    """Return how many channels the header of a PNG or TIFF names, 3 for other kinds, None where it is unclear."""
    try:
        with path.open("rb") as file:
            start = file.read(26)
            if start.startswith(b"\x89PNG"):
                return _PNG_CHANNELS.get(start[25])
            if start[:2] not in (b"II", b"MM"):
                return 3
            return _tiff_channels(start + file.read())
    except (OSError, IndexError):
        return None


def _tiff_channels(data: bytes) -> int | None:
    from PIL import Image, UnidentifiedImageError

    samples = count_samples(io.BytesIO(data))
    if samples > 4:
        return samples
    try:
        with Image.open(io.BytesIO(data)) as picture:
            pages = getattr(picture, "n_frames", 1)
            return pages if pages > 1 else len(picture.getbands())
    except (UnidentifiedImageError, OSError, SyntaxError, ValueError):
        return None
