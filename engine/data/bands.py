"""The pixels of TIFF files of more than four samples a pixel: multispectral pictures, read by libvips.

Pillow and OpenCV read no such file. Only its first page counts: further ones are smaller copies of it.
"""

from __future__ import annotations

import io
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, BinaryIO

import numpy as np

from engine.data.tiff_tags import EXTRA_SAMPLES, PHOTOMETRIC, read_tags
from engine.runtime.errors import ImageError

if TYPE_CHECKING:
    import pyvips

_MEANINGS = {PHOTOMETRIC: 2, EXTRA_SAMPLES: 0}  # red, green, blue; unspecified
_ROWS = 256  # fetched at a time
# Formats of libvips -> of numpy.
DTYPES = {
    "uchar": np.uint8,
    "char": np.int8,
    "ushort": np.uint16,
    "short": np.int16,
    "uint": np.uint32,
    "int": np.int32,
    "float": np.float32,
    "double": np.float64,
}


def decode_bands(data: bytes, most: int | None = None) -> np.ndarray | None:
    """Decode to (H, W, C) of the file's depth, as stored, its first ``most`` bands; None when the data is damaged.

    Raises:
        ImageError: libvips is not installed.
    """
    vips = load_vips()
    try:
        with opened_bands(io.BytesIO(data), most) as image:
            # Fetched, not written to memory: that would take libvips' threads, which the processes that load
            # pictures for a training have not (a fork leaves them behind), and they would wait for ever.
            region = vips.Region.new(image)
            array = np.empty((image.height, image.width, image.bands), DTYPES[image.format])
            for top in range(0, image.height, _ROWS):
                rows = array[top : top + _ROWS]
                fetched = region.fetch(0, top, image.width, len(rows))
                rows[:] = np.frombuffer(fetched, array.dtype).reshape(rows.shape)
    except (vips.Error, KeyError):  # KeyError: samples that are no real numbers
        return None
    return array


@contextmanager
def opened_bands(file: BinaryIO, most: int | None = None) -> Iterator[pyvips.Image]:
    """Open a file to be read once from top to bottom: its first ``most`` bands as stored, or all of them.

    The picture can be read as long as the context lasts: libvips asks ``file`` for what it needs.

    Raises:
        ImageError: libvips is not installed.
        pyvips.Error: The file is damaged.
    """
    source = load_vips().SourceCustom()  # keeps what libvips calls alive
    stored = _AsStored(file)
    source.on_read(stored.read)
    source.on_seek(file.seek)
    # Below "error" what cannot be unpacked is black.
    image = load_vips().Image.tiffload_source(source, access="sequential", fail_on="error")
    yield image if most is None else image.extract_band(0, n=most)


class _AsStored:
    """A file that calls its bands red, green, blue and others of no meaning.

    Of what a file calls grey libvips turns "0 is white" round and mixes up planes that lie one after the
    other, and by what it calls alpha it divides.
    """

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        tags = read_tags(file, _MEANINGS)
        self._changes = [
            (tag.at, struct.pack(tag.form, _MEANINGS[number]) * len(tag.values))
            for number, tag in tags.items()
        ]
        file.seek(0)

    def read(self, size: int) -> bytes:
        """Return the next bytes, at most so many."""
        begin = self._file.tell()
        data = self._file.read(size)
        for at, change in self._changes:
            first, last = max(at, begin), min(at + len(change), begin + len(data))
            if first < last:
                part = change[first - at : last - at]
                data = data[: first - begin] + part + data[last - begin :]
        return data


def load_vips() -> Any:
    """Return the module pyvips.

    Raises:
        ImageError: It or libvips is not installed.
    """
    try:
        import pyvips
    except (ImportError, OSError) as error:  # OSError: the library itself is missing
        raise ImageError(
            "TIFF files of more than four samples a pixel need libvips, which is not installed.",
            remedy='Install it with: pip install "pyvips[binary]".',
        ) from error
    pyvips.cache_set_max(0)  # no picture is read twice the same way: a cache would only hold memory
    return pyvips
