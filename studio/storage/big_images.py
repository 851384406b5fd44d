"""Pictures too large to hold as a whole, and the pages of a file: read in part, by libvips, in bounded memory.

The first time a huge picture is opened a pyramid of it is written beside the project: the picture in
tiles of 512 x 512 at its full size, half of it, a quarter, and so on, as one uncompressed TIFF file. From then on any part at any
zoom is a matter of milliseconds.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import shutil
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from engine.data.bands import DTYPES, opened_bands
from engine.data.image_headers import Header
from engine.data.images import read_image_header
from engine.runtime.errors import ImageError
from studio.language import tr

if TYPE_CHECKING:
    import pyvips

TILE = 512
_LIMIT_BYTES = 16 << 30  # of all pyramids of a project together
_MAX_PAGES = 10_000
_TILED = 100_000_000  # samples: such a picture is read in parts
_REPLACE = tr("Replace the file or remove it from the project.")


class StoppedError(Exception):
    """Somebody asked to stop."""


def count_pages(path: Path) -> int:
    """Return how many pages of a TIFF file follow one another with the size of the first; 1 for other files.

    It is 1 also for those of more than four samples a pixel, of which only the first page is read.
    """
    header = read_image_header(path)
    if header.kind != "tiff" or header.bands:
        return 1
    try:
        vips = _vips()
    except ImageError:
        return 1  # the first page can be had without
    try:
        first = vips.Image.new_from_file(str(path))
        named = first.get("n-pages") if "n-pages" in first.get_fields() else 1
        size = first.width, first.height, first.bands
        for page in range(1, min(named, _MAX_PAGES)):
            other = vips.Image.new_from_file(str(path), page=page)
            if (other.width, other.height, other.bands) != size:
                return page
    except vips.Error:
        return 1  # whoever reads the pixels will say what is wrong
    return int(min(named, _MAX_PAGES))


def read_page(path: Path, page: int) -> np.ndarray:
    """Read a page of a file: (H, W, C) upright, of the file's own depth; red first where there are three channels.

    Raises:
        ImageError: It is damaged, or has no such page.
    """
    vips = _vips()
    try:
        image = _plain(vips.Image.new_from_file(str(path), page=page, fail_on="error"))
        image = image.autorot()
        return _array(image.write_to_memory(), image)
    except vips.Error as error:
        raise ImageError(
            tr("Page {page} cannot be read.").format(page=page + 1),
            path=path,
            value=str(error).strip(),
            remedy=_REPLACE,
        ) from error


def write_page(image: Path, page: int, target: Path) -> None:
    """Write a page of a TIFF file as a file of its own, with the samples, the colours and the turn that it has.

    Raises:
        ImageError: The page is damaged, or the target cannot be written.
    """
    vips = _vips()
    try:
        picture = vips.Image.new_from_file(
            str(image), page=page, access="sequential", fail_on="error"
        )
        is_huge = picture.width * picture.height * picture.bands > _TILED
        size = {"tile": True, "tile_width": TILE, "tile_height": TILE, "bigtiff": True}
        picture.tiffsave(str(target), compression="deflate", **(size if is_huge else {}))
    except vips.Error as error:
        raise ImageError(
            tr("Page {page} cannot be written.").format(page=page + 1),
            path=image,
            value=str(error).strip(),
            remedy=tr("The page is damaged, or the disk is full."),
        ) from error


class PyramidCache:
    """Makes and keeps the pyramids of huge pictures.

    A pyramid is found by the path, size and time of change of its picture, so a changed picture gets a new one.

    Args:
        folder: Where they are kept.
        limit_bytes: The ones used longest ago are removed beyond this.
    """

    def __init__(self, folder: Path, limit_bytes: int = _LIMIT_BYTES) -> None:
        self.folder = folder
        self.limit_bytes = limit_bytes

    def find(self, image: Path, page: int = 0) -> Pyramid | None:
        """Return the pyramid if it was made already."""
        kept = self._place(image, page)
        if not kept.is_file():
            return None
        with contextlib.suppress(OSError):
            os.utime(kept)  # used just now: the last to be removed
        return Pyramid(kept, _orientation(image))

    def make(self, image: Path, page: int, told: Callable[[float], bool]) -> Pyramid:
        """Write the pyramid of a picture.

        Args:
            image: The picture.
            page: Page of the file, from 0.
            told: Called with the share done (0..1) from time to time; False stops the work.

        Raises:
            ImageError: The picture is damaged, or the disk has no room.
            StoppedError: ``told`` returned False. Nothing is left on the disk.
        """
        header = read_image_header(image)
        kept = self._place(image, page)
        partial = kept.with_name(f".{kept.stem}-{os.getpid()}-{threading.get_ident()}.tif")
        try:
            kept.parent.mkdir(parents=True, exist_ok=True)
            self._check_room(image, header)
            _write_pyramid(image, page, partial, told)
            partial.replace(kept)
        except OSError as error:
            raise ImageError(
                tr("The picture cannot be prepared: {strerror}.").format(
                    strerror=error.strerror or error
                ),
                path=image,
                remedy=tr("Make room on the disk of the project."),
            ) from error
        finally:
            partial.unlink(missing_ok=True)
        self.prune(keep=kept)
        return Pyramid(kept, _orientation(image))

    def prune(self, keep: Path | None = None) -> int:
        """Remove the pyramids used longest ago until the rest fits; return how many went."""
        found = []
        for path in self.folder.glob("*.tif"):
            with contextlib.suppress(OSError):
                facts = path.stat()
                found.append((path == keep, facts.st_mtime_ns, facts.st_size, path))
        room, removed = self.limit_bytes, 0
        for kept, _, size, path in sorted(found, reverse=True):
            room -= size
            if room < 0 and not kept:
                with contextlib.suppress(OSError):
                    path.unlink()
                    removed += 1
        return removed

    def _check_room(self, image: Path, header: Header) -> None:
        needed = header.width * header.height * (8 if header.deep else 4)
        free = shutil.disk_usage(self.folder).free
        if free < needed:
            raise ImageError(
                tr(
                    "The picture needs {needed:.1f} GB on the project's disk to be shown, which has "
                    "{free:.1f} GB free."
                ).format(needed=needed / 2**30, free=free / 2**30),
                path=image,
                remedy=tr("Make room on the disk, or cut the picture into tiles."),
            )

    def _place(self, image: Path, page: int) -> Path:
        facts = image.stat()
        text = f"{os.fspath(image)}\0{facts.st_size}\0{facts.st_mtime_ns}\0{page}"
        name = hashlib.sha256(text.encode("utf-8", "surrogateescape")).hexdigest()[:40]
        return self.folder / f"{name}.tif"


@dataclass
class _Level:
    image: Any  # pyvips.Image
    region: Any  # pyvips.Region


class Pyramid:
    """A huge picture on disk at ever smaller sizes, read in parts. Use it from one thread at a time.

    Args:
        path: The file that :class:`PyramidCache` wrote.
        orientation: EXIF orientation of the picture; the file holds it as stored, the reading turns it upright.

    Attributes:
        sizes_wh: Upright width and height of each level, largest first.
        channels: Samples a pixel.
        dtype: Type of a sample.
    """

    def __init__(self, path: Path, orientation: int = 1) -> None:
        vips = _vips()
        self._orientation = orientation
        self._levels: list[_Level] = []
        try:
            first = vips.Image.new_from_file(str(path))
            for page in range(first.get("n-pages")):
                image = vips.Image.new_from_file(str(path), page=page) if page else first
                self._levels.append(_Level(image, vips.Region.new(image)))
        except vips.Error as error:
            path.unlink(missing_ok=True)  # it is made again next time
            raise ImageError(
                tr("The prepared copy of the picture was damaged and has been removed."),
                path=path,
                remedy=tr("Open the picture again."),
            ) from error
        self.path = path
        self.channels = first.bands
        self.dtype = np.dtype(DTYPES[first.format])
        turned = orientation >= 5
        stored = [(level.image.width, level.image.height) for level in self._levels]
        self.sizes_wh = tuple((h, w) if turned else (w, h) for w, h in stored)

    def read(self, level: int, x1: int, y1: int, x2: int, y2: int) -> np.ndarray:
        """Return (y2 - y1, x2 - x1, C): a part of a level, upright; it must lie within the level.

        Raises:
            ImageError: The file cannot be read any more.
        """
        left, top, right, bottom = _stored(
            (x1, y1, x2, y2), self.sizes_wh[level], self._orientation
        )
        shape = bottom - top, right - left, self.channels
        vips = _vips()
        try:
            data = self._levels[level].region.fetch(left, top, right - left, bottom - top)
        except vips.Error as error:
            raise ImageError(
                tr("A part of the picture cannot be read."),
                path=self.path,
                value=str(error).strip(),
            ) from error
        part = np.frombuffer(data, self.dtype).reshape(shape)
        return np.ascontiguousarray(_upright(part, self._orientation))


def shrunk_huge(path: Path, size: int) -> np.ndarray:
    """Return a huge picture as (H, W, 3) uint8 BGR, upright, its longer side ``size``; it is never held as a whole.

    Raises:
        ImageError: It is damaged.
    """
    from engine.data.images import to_uint8

    vips = _vips()
    try:
        small = _thumbnail(path, size)
        array = _array(small.write_to_memory(), small)
    except vips.Error as error:
        raise ImageError(tr("The image is damaged."), path=path, remedy=_REPLACE) from error
    array = to_uint8(array[..., :3] if array.shape[2] >= 3 else array[..., :1])
    return np.ascontiguousarray(np.broadcast_to(array, (*array.shape[:2], 3))[..., ::-1])


def _thumbnail(path: Path, size: int) -> pyvips.Image:
    """Return a picture upright and small, its longer side ``size``, without alpha."""
    shape = {"height": size, "size": "down"}
    if not read_image_header(path).bands:
        return _plain(_vips().Image.thumbnail(str(path), size, fail_on="error", **shape))
    with path.open("rb") as file, opened_bands(file, 3) as picture:
        return picture.thumbnail_image(size, **shape).copy_memory()


@contextlib.contextmanager
def _from_top_to_bottom(path: Path, page: int) -> Iterator[pyvips.Image]:
    """Open a picture to be read once: only some rows are in memory at any time."""
    if read_image_header(path).bands:
        with path.open("rb") as file, opened_bands(file, 3) as picture:
            yield picture
        return
    options = {"page": page} if page else {}
    yield _plain(
        _vips().Image.new_from_file(str(path), access="sequential", fail_on="error", **options)
    )


def _write_pyramid(image: Path, page: int, target: Path, told: Callable[[float], bool]) -> None:
    vips = _vips()
    stopped = False

    def progress(source: Any, facts: Any) -> None:
        nonlocal stopped
        if not stopped and not told(min(facts.percent / 100.0, 1.0)):
            stopped = True
            source.set_kill(True)

    try:
        with _from_top_to_bottom(image, page) as picture:
            picture.set_progress(True)
            picture.signal_connect("eval", progress)
            picture.tiffsave(
                str(target),
                compression="none",
                tile=True,
                tile_width=TILE,
                tile_height=TILE,
                pyramid=True,
                bigtiff=True,
            )
    except vips.Error as error:
        if stopped:
            raise StoppedError from error
        raise ImageError(
            tr("The image is damaged."), path=image, value=str(error).strip(), remedy=_REPLACE
        ) from error
    if stopped:
        raise StoppedError


def _plain(image: pyvips.Image) -> pyvips.Image:
    """Return a picture without alpha, as grey, red-green-blue, or its many channels."""
    if image.interpretation in ("cmyk", "lab", "xyz"):
        image = image.colourspace("srgb")
    if image.hasalpha():
        image = image.extract_band(0, n=image.bands - 1)
    if image.bands == 2:
        image = image.extract_band(0)
    return image


def _array(data: bytes, image: pyvips.Image) -> np.ndarray:
    flat = np.frombuffer(data, DTYPES[image.format])
    return flat.reshape(image.height, image.width, image.bands)


def _orientation(image: Path) -> int:
    """Return the EXIF orientation by which libvips' rows have to be turned."""
    header = read_image_header(image)
    if header.kind != "tiff" or header.bands:
        return header.orientation
    vips = _vips()  # what reads TIFF elsewhere turns by itself, and the header says 1
    try:
        stored = vips.Image.new_from_file(str(image))
        return int(stored.get("orientation")) if "orientation" in stored.get_fields() else 1
    except vips.Error:
        return 1


def _upright(array: np.ndarray, orientation: int) -> np.ndarray:
    from engine.data.images import upright

    return upright(array, orientation)


def _stored(
    box: tuple[int, int, int, int], upright_wh: tuple[int, int], orientation: int
) -> tuple[int, int, int, int]:
    """Return where a box of the upright picture lies in the picture as stored."""
    x1, y1, x2, y2 = box
    width, height = upright_wh
    if orientation in (5, 6, 7, 8):  # columns were rows
        x1, y1, x2, y2, width, height = y1, x1, y2, x2, height, width
    mirror_x = orientation in (2, 3, 7, 8)
    mirror_y = orientation in (3, 4, 6, 7)
    if mirror_x:
        x1, x2 = width - x2, width - x1
    if mirror_y:
        y1, y2 = height - y2, height - y1
    return x1, y1, x2, y2


def _vips() -> Any:
    try:
        import pyvips
    except (ImportError, OSError) as error:  # OSError: the library itself is missing
        raise ImageError(
            tr("Pictures of this size and pages of files need libvips, which is not installed."),
            remedy=tr('Install it with: pip install "pyvips[binary]".'),
        ) from error
    pyvips.cache_set_max(0)  # files are opened once by us; a cache would keep removed ones open
    return pyvips
