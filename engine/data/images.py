"""Pictures on disk: reading them upright as BGR, their sizes, and the pictures of a folder.

Loads no torch. Every reader here applies the EXIF orientation, so canvas, labels, training and prediction
agree on one frame; alpha is dropped (a transparent picture shows its colours); pictures of more than
8 bits are brought to 8 by a rule that does not depend on other pictures (see :func:`to_uint8`).
"""

from __future__ import annotations

import io
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from engine.data.bands import decode_bands
from engine.data.channels import decode_channels
from engine.data.copies import content_digest
from engine.data.image_headers import (
    MAX_PIXELS,
    MAX_TILED_PIXELS,
    Header,
    HeaderError,
    check_whole,
    read_header,
)
from engine.data.problems import Problem
from engine.runtime.errors import ImageError
from engine.runtime.paths import write_atomic

IMG_FORMATS = {"bmp", "dng", "jpeg", "jpg", "mpo", "pfm", "png", "tif", "tiff", "webp"}
VID_FORMATS = {
    "asf",
    "avi",
    "gif",
    "m4v",
    "mkv",
    "mov",
    "mp4",
    "mpeg",
    "mpg",
    "ts",
    "wmv",
    "webm",
}
# As a picture of a data set a GIF counts with its first frame; as a prediction source it is a video.
_LISTED = IMG_FORMATS | {"gif"}

_REPLACE = "Replace the file or remove it from the data set."


def read_image(path: str | Path, min_side: int | None = None, channels: int = 3) -> np.ndarray:
    """Read a picture.

    Args:
        path: The file.
        min_side: Where given, a JPEG may come at a half, a quarter or an eighth of its size as long as its
            longer side has at least this many pixels: decoding is then several times faster.
        channels: 1 for grey; 4 or more only from files that have as many, see `engine.data.channels`.

    Returns:
        (H, W, channels) uint8, upright; BGR where there are three, else in the order of the file.

    Raises:
        ImageError: The file is missing, empty, no image, damaged or claims an absurd size, or has other
            channels than asked for.
    """
    return decode_image(_read_bytes(path), path, min_side, channels)


def decode_image(
    data: bytes, path: str | Path = "", min_side: int | None = None, channels: int = 3
) -> np.ndarray:
    """Decode a picture from memory as :func:`read_image` does; ``path`` is for messages."""
    header = _header(io.BytesIO(data), len(data), path)
    if channels == 3:
        array = _decode(data, header, _reduction(header, min_side))
    else:
        try:
            stored = decode_channels(data, header, channels)
        except ValueError as error:
            raise ImageError(str(error), path=path, remedy="Correct one of them.") from error
        array = None if stored is None else to_uint8(stored)
    if array is None:
        raise ImageError("The image is damaged.", path=path, remedy=_REPLACE)
    return np.ascontiguousarray(_UPRIGHT[header.orientation](array))


def read_size(path: str | Path) -> tuple[int, int]:
    """Return (width, height) of the upright picture from its header alone.

    Raises:
        ImageError: The file is missing, empty, no image or claims an absurd size.
    """
    return read_image_header(path).upright_size


def read_image_header(path: str | Path) -> Header:
    """Read what a picture says about itself, also one that is too large to be decoded as a whole.

    Raises:
        ImageError: The file is missing, empty, no image or claims an absurd size.
    """
    path = Path(path)
    try:
        with path.open("rb") as file:
            size = os.fstat(file.fileno()).st_size
            return _header(file, size, path, MAX_TILED_PIXELS)
    except OSError as error:
        raise _unreadable(path, error) from error


def read_samples(path: str | Path) -> np.ndarray:
    """Read a picture at its own depth.

    Returns:
        (H, W, 1) grey or (H, W, 3) red, green, blue, upright, of the file's own type; alpha is dropped, and so
        is what a TIFF file of more than four samples a pixel has beyond the first three.

    Raises:
        ImageError: The file is missing, empty, no image, damaged or claims an absurd size.
    """
    import cv2

    data = _read_bytes(path)
    header = _header(io.BytesIO(data), len(data), path)
    try:
        array = (
            _blue_first(data)
            if header.bands
            else cv2.imdecode(np.frombuffer(data, dtype=np.uint8), cv2.IMREAD_UNCHANGED)
        )
    except cv2.error:
        array = None
    if array is None:
        raise ImageError("The image is damaged.", path=path, remedy=_REPLACE)
    array = array[..., None] if array.ndim == 2 else array
    array = array[..., :1] if array.shape[2] < 3 else array[..., 2::-1]
    return np.ascontiguousarray(_UPRIGHT[header.orientation](array))


def upright(array: np.ndarray, orientation: int) -> np.ndarray:
    """Return the view of (H, W, ...) that shows a picture of this EXIF orientation (1..8) upright."""
    return _UPRIGHT[orientation](array)


def check_image(path: str | Path) -> tuple[int, int]:
    """Check that a picture is whole and return its upright (width, height).

    JPEG and PNG are checked by their structure and checksums, which is many times faster than decoding;
    other kinds are decoded.

    Raises:
        ImageError: It cannot be used.
    """
    return inspect_image(path)[0]


def inspect_image(path: str | Path) -> tuple[tuple[int, int], bytes]:
    """Check a picture as :func:`check_image` does; return its size and a digest of the file's content."""
    data = _read_bytes(path)
    header = _header(io.BytesIO(data), len(data), path)
    try:
        check_whole(data, header.kind)
    except HeaderError as error:
        raise ImageError(str(error), path=path, remedy=_REPLACE) from error
    if header.kind not in ("jpeg", "png") and _decode(data, header) is None:
        raise ImageError("The image is damaged.", path=path, remedy=_REPLACE)
    return header.upright_size, content_digest(data)


def write_image(path: str | Path, image: np.ndarray, quality: int = 95) -> Path:
    """Write (H, W[, 3]) uint8 BGR in the format of the suffix; the file appears whole or not at all.

    Raises:
        ImageError: The suffix names no format that can be written, or the folder cannot be written.
    """
    import cv2

    path = Path(path)
    keys = {
        ".jpg": cv2.IMWRITE_JPEG_QUALITY,
        ".jpeg": cv2.IMWRITE_JPEG_QUALITY,
        ".webp": cv2.IMWRITE_WEBP_QUALITY,
    }
    key = keys.get(path.suffix.lower())
    try:
        done, data = cv2.imencode(path.suffix, image, [] if key is None else [key, quality])
    except cv2.error:
        done, data = False, np.zeros(0, dtype=np.uint8)
    if not done:
        raise ImageError(
            f"Cannot write images as {path.suffix or 'a file without suffix'!r}.", path=path
        )
    try:
        return write_atomic(path, data.tobytes())
    except OSError as error:
        raise ImageError(f"Cannot write the image: {error.strerror}.", path=path) from error


@dataclass
class ImageFolder:
    """The pictures below a folder.

    Attributes:
        images: Picture files, sorted.
        problems: Links that lead nowhere or in circles.
    """

    images: list[Path] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)


def scan_images(folder: str | Path) -> ImageFolder:
    """Find all pictures below a folder by their suffix.

    Links to files count as files. Linked folders are not entered but reported: they lead in circles, to
    what is found anyway, or out of the tree. Hidden files and folders are left out.

    Raises:
        ImageError: The folder does not exist or cannot be read.
    """
    folder = Path(folder)
    if not folder.is_dir():
        raise ImageError("The folder does not exist.", path=folder, remedy="Correct the path.")
    found = ImageFolder()
    try:
        found.images += _walk(folder, folder.resolve(), found.problems)
    except OSError as error:
        raise _unreadable(folder, error) from error
    found.images.sort()
    return found


def list_images(folder: str | Path) -> list[Path]:
    """Return all pictures below a folder, sorted; see :func:`scan_images`."""
    return scan_images(folder).images


def to_uint8(array: np.ndarray) -> np.ndarray:
    """Bring samples of any depth to 8 bits.

    Unsigned integers lose the low bits beyond the first 8 that the picture uses (a 12-bit picture stored in
    16 bits is divided by 16); signed and floating ones are stretched from their smallest to their largest
    finite value, and what is not finite becomes 0.
    """
    if array.dtype == np.uint8:
        return array
    if array.dtype.kind == "b":
        return array.astype(np.uint8) * 255
    if array.dtype.kind == "u":
        shift = max(0, int(array.max(initial=0)).bit_length() - 8)
        return (array >> shift).astype(np.uint8)
    values = array.astype(np.float64)
    finite = np.isfinite(values)
    if not finite.any():
        return np.zeros(array.shape, dtype=np.uint8)
    low, high = values[finite].min(), values[finite].max()
    scaled = np.where(finite, values - low, 0.0) * (255.0 / (high - low) if high > low else 0.0)
    return np.rint(scaled).astype(np.uint8)


def _read_bytes(path: str | Path) -> bytes:
    try:
        return Path(path).read_bytes()
    except OSError as error:
        raise _unreadable(path, error) from error


def _unreadable(path: str | Path, error: OSError) -> ImageError:
    if isinstance(error, ImageError):
        return error
    return ImageError(f"Cannot be read: {error.strerror or error}.", path=path)


def _header(
    file: io.BufferedIOBase | io.BufferedReader,
    size: int,
    path: str | Path,
    max_pixels: int = MAX_PIXELS,
) -> Header:
    try:
        return read_header(file, size, max_pixels)
    except HeaderError as error:
        raise ImageError(str(error), path=path, remedy=_REPLACE) from error


def _reduction(header: Header, min_side: int | None) -> int:
    """Return 1, 2, 4 or 8: by how much a picture may be made smaller while it is decoded."""
    if min_side is None or header.kind != "jpeg":
        return 1
    longer = max(header.width, header.height)
    return max((d for d in (1, 2, 4, 8) if longer // d >= min_side), default=1)


def _decode(data: bytes, header: Header, reduction: int = 1) -> np.ndarray | None:
    """Decode to (H, W, 3) uint8 BGR as stored; None when the data is damaged."""
    if header.bands:
        array = _blue_first(data)
        return None if array is None else to_uint8(array)
    import cv2

    color = {
        1: cv2.IMREAD_COLOR,
        2: cv2.IMREAD_REDUCED_COLOR_2,
        4: cv2.IMREAD_REDUCED_COLOR_4,
        8: cv2.IMREAD_REDUCED_COLOR_8,
    }[reduction]
    deep = header.deep or header.kind == "tiff"
    flags = cv2.IMREAD_UNCHANGED if deep else color | cv2.IMREAD_IGNORE_ORIENTATION
    try:
        array = cv2.imdecode(np.frombuffer(data, dtype=np.uint8), flags)
    except cv2.error:
        array = None
    if array is None and header.kind not in ("jpeg", "png", "tiff"):
        array = _decode_with_pillow(data)
    return None if array is None else _three_channels(to_uint8(array))


def _blue_first(data: bytes) -> np.ndarray | None:
    """Decode the first three bands of a TIFF file of more than four to (H, W, 3), as OpenCV orders colours."""
    array = decode_bands(data, 3)
    return None if array is None else array[..., ::-1]


def _decode_with_pillow(data: bytes) -> np.ndarray | None:
    """Decode kinds that OpenCV was built without; the size has been checked already."""
    from PIL import Image, UnidentifiedImageError

    try:
        with Image.open(io.BytesIO(data)) as picture:
            return np.asarray(picture.convert("RGB"))[..., ::-1]
    except (UnidentifiedImageError, OSError, SyntaxError, ValueError):
        return None


def _three_channels(array: np.ndarray) -> np.ndarray:
    if array.ndim == 2:
        array = array[..., None]
    if array.shape[2] < 3:  # grey, grey and alpha
        return np.repeat(array[..., :1], 3, axis=2)
    return array[..., :3]


# EXIF orientation -> the view that shows the picture upright.
_UPRIGHT: dict[int, Callable[[np.ndarray], np.ndarray]] = {
    1: lambda a: a,
    2: lambda a: a[:, ::-1],
    3: lambda a: a[::-1, ::-1],
    4: lambda a: a[::-1],
    5: lambda a: a.swapaxes(0, 1),
    6: lambda a: a.swapaxes(0, 1)[:, ::-1],
    7: lambda a: a[::-1, ::-1].swapaxes(0, 1),
    8: lambda a: a.swapaxes(0, 1)[::-1],
}


def _walk(folder: Path, root: Path, problems: list[Problem]) -> Iterator[Path]:
    """Yield the pictures below a folder; links that are not followed go to ``problems``."""
    with os.scandir(folder) as entries:
        for entry in sorted(entries, key=lambda e: e.name):
            if entry.name.startswith("."):
                continue
            if entry.is_symlink() and (reason := _bad_link(Path(entry.path), root)):
                problems.append(Problem(Path(entry.path), None, reason))
            elif entry.is_dir(follow_symlinks=False):
                yield from _walk(Path(entry.path), root, problems)
            elif entry.name.rpartition(".")[2].lower() in _LISTED and entry.is_file():
                yield Path(entry.path)


def _bad_link(path: Path, root: Path) -> str | None:
    """Say why a link is not followed, or return None."""
    try:
        target = path.resolve(strict=True)
    except (OSError, RuntimeError):  # RuntimeError: a loop, before Python 3.13
        return "The link leads nowhere or in a circle. Restore its target or remove it."
    if not target.is_dir():
        return None
    if root == target or root in target.parents or target in root.parents:
        return "The link leads to a folder of the same tree, which is read in its own place."
    return "The linked folder lies outside. Add that folder itself if its images are wanted."
