"""What a picture says about itself before it is decoded, and whether its file is whole.

Only headers and checksums are read here, so a file of a few bytes that claims a billion pixels costs
nothing. JPEG and PNG are read directly because data sets consist of them; other kinds go through Pillow.
"""

from __future__ import annotations

import io
import struct
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import BinaryIO

import numpy as np

from engine.data.tiff_tags import (
    BITS,
    HEIGHT,
    ORIENTATION,
    SAMPLES,
    WIDTH,
    Tag,
    read_tags,
)

# Above this a picture is not decoded as a whole: 268 million pixels, 0.8 GB.
MAX_PIXELS = 1 << 28
# Above this a picture is not even shown by tiles: 4.3 billion pixels.
MAX_TILED_PIXELS = 1 << 32
# The densest compression in use (deflate, one bit a pixel) packs about 1032 * 8 pixels into a byte.
_MAX_PIXELS_PER_BYTE = 8300

_JPEG, _PNG = b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n"
_SOF = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
_TIFF = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")
_MOST_SAMPLES = 4  # that Pillow and OpenCV read
_BAND_BITS = (8, 16, 32)
_TIFF_TAGS = (WIDTH, HEIGHT, BITS, ORIENTATION, SAMPLES)
_BARE_MARKERS = frozenset((0x01, 0xD8, *range(0xD0, 0xD8)))


class HeaderError(ValueError):
    """The bytes are no picture or only a part of one; the text says which."""


@dataclass(frozen=True, slots=True)
class Header:
    """What the header says.

    Attributes:
        kind: Format by content: "jpeg", "png" or Pillow's name in lower case.
        width: Stored columns, before the orientation is applied.
        height: Stored rows.
        orientation: EXIF orientation 1..8.
        deep: Samples have more than 8 bits.
        bands: Samples a pixel of a TIFF file that has more than four; 0 for all others.
    """

    kind: str
    width: int
    height: int
    orientation: int = 1
    deep: bool = False
    bands: int = 0

    @property
    def colour_pixels(self) -> int:
        """Return how many pixels of three samples would have as many samples as this picture."""
        return self.width * self.height * max(self.bands, 3) // 3

    @property
    def upright_size(self) -> tuple[int, int]:
        """Return (width, height) as the picture is meant to be seen."""
        turned = self.orientation >= 5
        return (self.height, self.width) if turned else (self.width, self.height)


def read_header(file: BinaryIO, file_size: int, max_pixels: int = MAX_PIXELS) -> Header:
    """Read the header of a picture from its first byte on.

    Args:
        file: The file's content.
        file_size: Its bytes: so many pixels at most can be packed into it.
        max_pixels: Larger pictures are refused.

    Raises:
        HeaderError: It is no picture, its header is damaged or it claims an impossible size.
    """
    if file_size == 0:
        raise HeaderError("The file is empty.")
    start = file.read(8)
    file.seek(0)
    if start[:3] == _JPEG:
        header = _read_jpeg(file)
    elif start == _PNG:
        header = _read_png(file)
    else:
        header = _read_other(file)
    _check_size(header, file_size, max_pixels)
    return header


def check_whole(data: bytes, kind: str) -> None:
    """Check that a JPEG or PNG file is complete and undamaged as far as its structure tells.

    JPEG has no checksums: cut files and damage that makes or breaks a marker are found, a changed colour
    is not. PNG has a checksum for every chunk.

    Raises:
        HeaderError: It is not.
    """
    if kind == "jpeg":
        _check_jpeg(data)
    elif kind == "png":
        _check_png(data)


def _check_size(header: Header, file_size: int, max_pixels: int) -> None:
    pixels = header.width * header.height
    if pixels <= 0:
        raise HeaderError(f"The header claims {header.width} x {header.height} pixels.")
    if header.colour_pixels > max_pixels or pixels > _MAX_PIXELS_PER_BYTE * file_size:
        raise HeaderError(
            f"The header claims {header.width} x {header.height} pixels, which a file of {file_size} "
            f"bytes cannot hold or this program does not open (limit {max_pixels >> 20} megapixels)."
        )


def _read_jpeg(file: BinaryIO) -> Header:
    """Walk the marker segments up to the frame header."""
    file.seek(2)
    orientation = 1
    while True:
        marker = _next_marker(file)
        if marker in _BARE_MARKERS:
            continue
        length = file.read(2)
        if marker in (0xD9, 0xDA) or len(length) < 2:
            raise HeaderError("The JPEG header is damaged or cut: it names no size.")
        size = int.from_bytes(length, "big") - 2
        if marker in _SOF:
            bits, height, width = struct.unpack(">BHH", _exactly(file, 5))
            return Header("jpeg", width, height, orientation, bits > 8)
        if marker == 0xE1:
            payload = file.read(max(size, 0))
            if payload[:6] == b"Exif\0\0":
                orientation = _exif_orientation(payload[6:])
        else:
            file.seek(max(size, 0), io.SEEK_CUR)


def _next_marker(file: BinaryIO) -> int:
    byte = file.read(1)
    while byte and byte != b"\xff":
        byte = file.read(1)
    while byte == b"\xff":
        byte = file.read(1)
    if not byte:
        raise HeaderError("The JPEG header is damaged or cut: it names no size.")
    return byte[0]


def _exactly(file: BinaryIO, count: int) -> bytes:
    data = file.read(count)
    if len(data) < count:
        raise HeaderError("The file ends inside its header.")
    return data


def _exif_orientation(tiff: bytes) -> int:
    """Return tag 0x0112 of the first directory of an EXIF block; 1 where it is missing or damaged."""
    order = {b"II": "<", b"MM": ">"}.get(tiff[:2])
    if order is None or len(tiff) < 10:
        return 1
    (offset,) = struct.unpack(order + "I", tiff[4:8])
    if offset + 2 > len(tiff):
        return 1
    (count,) = struct.unpack_from(order + "H", tiff, offset)
    for i in range(count):
        at = offset + 2 + 12 * i
        if at + 12 > len(tiff):
            return 1
        tag, _, _, value = struct.unpack_from(order + "HHIH", tiff, at)
        if tag == 0x0112:
            return value if 1 <= value <= 8 else 1
    return 1


def _read_png(file: BinaryIO) -> Header:
    """Read IHDR, then walk the chunks before the pixel data for an orientation."""
    file.seek(8)
    length, name = struct.unpack(">I4s", _exactly(file, 8))
    if name != b"IHDR" or length != 13:
        raise HeaderError("The PNG header is damaged.")
    width, height, bits = struct.unpack(">IIB", _exactly(file, 13)[:9])
    file.seek(4, io.SEEK_CUR)
    orientation = 1
    while len(chunk := file.read(8)) == 8:
        length, name = struct.unpack(">I4s", chunk)
        if name == b"eXIf":
            orientation = _exif_orientation(file.read(min(length, 1 << 16)))
            break
        if name in (b"IDAT", b"IEND"):
            break
        file.seek(length + 4, io.SEEK_CUR)
    return Header("png", width, height, orientation, bits > 8)


def _read_other(file: BinaryIO) -> Header:
    """Read any other kind through Pillow's plugins.

    ``Image.open`` is avoided: its check for huge pictures warns through the global warning filters, which
    threads share; our own limit applies instead.
    """
    from PIL import Image

    start = file.read(16)
    if start[:4] in _TIFF:
        tags = read_tags(file, _TIFF_TAGS)
        if WIDTH not in tags or HEIGHT not in tags:
            raise HeaderError("The TIFF header is damaged or cut: it names no size.")
        if SAMPLES in tags and tags[SAMPLES].values[0] > _MOST_SAMPLES:
            return _bands_header(tags)
    file.seek(16)
    Image.init()
    for name in Image.ID:
        factory, accept = Image.OPEN[name]
        try:
            verdict = accept(start) if accept else False
        except struct.error:  # fewer bytes than that kind looks at
            continue
        if not verdict or isinstance(verdict, str):
            continue
        file.seek(0)
        try:
            with factory(file, "") as picture:
                orientation = picture.getexif().get(0x0112, 1)
                deep = picture.mode not in ("1", "L", "LA", "P", "RGB", "RGBA", "CMYK", "YCbCr")
                width, height = picture.size
        except (SyntaxError, OSError, ValueError, IndexError, TypeError, KeyError, struct.error):
            continue
        # Pillow and OpenCV both turn TIFF pictures upright by themselves.
        turn = orientation if orientation in range(1, 9) and name != "TIFF" else 1
        return Header(name.lower(), width, height, turn, deep)
    if start[:4] in _TIFF:
        raise HeaderError(
            "The TIFF file is damaged or of a kind that is not read: "
            "write colours with alpha as RGB, other channels one a page."
        )
    raise HeaderError(f"The file is not an image: it begins with {start[:12]!r}.")


def _bands_header(tags: Mapping[int, Tag]) -> Header:
    """Return the header of a TIFF file of more samples a pixel than Pillow reads."""
    samples = tags[SAMPLES].values[0]
    bits = set(tags[BITS].values) if BITS in tags else {1}
    if len(bits) > 1 or not bits <= set(_BAND_BITS):
        raise HeaderError(
            f"The TIFF file has {samples} samples a pixel of {sorted(bits)} bits: write all with 8, 16 or 32."
        )
    width, height = tags[WIDTH].values[0], tags[HEIGHT].values[0]
    turn = tags[ORIENTATION].values[0] if ORIENTATION in tags else 1
    # libvips, which decodes these, turns nothing upright by itself.
    return Header("tiff", width, height, turn if turn in range(1, 9) else 1, bits != {8}, samples)


def _check_jpeg(data: bytes) -> None:
    """Walk all segments and scans to the end-of-image marker."""
    array = np.frombuffer(data, dtype=np.uint8)
    after = array[1:]
    # In compressed data FF is followed by 00 or a restart marker; everything else begins a segment.
    marks = np.flatnonzero(
        (array[:-1] == 0xFF) & (after != 0) & (after != 0xFF) & (after & 0xF8 != 0xD0)
    )
    at = 2
    while True:
        while at + 1 < len(data) and data[at] == 0xFF == data[at + 1]:
            at += 1  # fill bytes
        if at + 1 >= len(data):
            raise HeaderError("The JPEG file is cut short: its end is missing.")
        if data[at] != 0xFF:
            raise HeaderError(f"The JPEG file is damaged at byte {at}.")
        marker = data[at + 1]
        if marker == 0xD9:
            return
        if marker in _BARE_MARKERS:
            at += 2
            continue
        begin, at = at + 4, at + 2 + int.from_bytes(data[at + 2 : at + 4], "big")
        check = _TABLES.get(marker) if at <= len(data) else None
        if check is not None and not check(data[begin:at]):
            raise HeaderError(f"The JPEG file is damaged: the table at byte {begin} is none.")
        if marker == 0xDA:
            following = np.searchsorted(marks, at)
            at = int(marks[following]) if following < len(marks) else len(data)


def _is_huffman(segment: bytes) -> bool:
    """Say whether a DHT segment holds tables that are codes (ITU-T T.81, B.2.4.2 and annex C)."""
    at = 0
    while at < len(segment):
        counts = segment[at + 1 : at + 17]
        if segment[at] >> 4 > 1 or segment[at] & 15 > 3 or len(counts) < 16:
            return False
        free = 1
        for (
            count
        ) in counts:  # so many codes of 1, 2, ... bits; none may begin another one or be all ones
            free = 2 * free - count
            if count and free < 1:
                return False
        at += 17 + sum(counts)
    return at == len(segment)


def _is_quantization(segment: bytes) -> bool:
    """Say whether a DQT segment holds whole tables of 8 or 16 bits (ITU-T T.81, B.2.4.1)."""
    at = 0
    while at < len(segment):
        if segment[at] >> 4 > 1 or segment[at] & 15 > 3:
            return False
        at += 65 + 64 * (segment[at] >> 4)
    return at == len(segment)


# What decoders refuse by its content: without these no pixel can be had.
_TABLES = {0xC4: _is_huffman, 0xDB: _is_quantization}


def _check_png(data: bytes) -> None:
    at = 8
    while True:
        if at + 12 > len(data):
            raise HeaderError("The PNG file is cut short: its end is missing.")
        length, name = struct.unpack_from(">I4s", data, at)
        end = at + 8 + length
        if end + 4 > len(data):
            raise HeaderError("The PNG file is cut short.")
        if zlib.crc32(data[at + 4 : end]) != int.from_bytes(data[end : end + 4], "big"):
            raise HeaderError(f"The PNG file is damaged: wrong checksum at byte {at}.")
        if name == b"IEND":
            return
        at = end + 4
