"""Pages of a TIFF file as files of their own, so that each has its own labels and can be trained on."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from engine.runtime.errors import ImageError
from studio.language import tr
from studio.storage.big_images import StoppedError, count_pages, write_page

Told = Callable[[int, int], bool]


def pages_folder(image: Path) -> Path:
    """Return the folder beside a file for its pages."""
    return image.with_name(f"{image.stem}_pages")


def split_pages(image: Path, told: Told) -> Path:
    """Write each page of a file as a TIFF file with the same samples, in names that sort.

    Pages that are there since the file was changed last are left: work that was given up goes on.

    Args:
        image: A TIFF file of several pages of one size.
        told: Called with the pages written and their number; False stops the work after this one.

    Returns:
        The folder with the pages.

    Raises:
        ImageError: It has one page, a page is damaged, or the folder cannot be written.
        StoppedError: ``told`` returned False; the pages written so far stay.
    """
    count, folder = count_pages(image), pages_folder(image)
    if count < 2:
        raise ImageError(
            tr("The file has one page, or pages of different sizes."),
            path=image,
            remedy=tr("Only pages that have the size of the first one become images."),
        )
    changed = image.stat().st_mtime_ns
    try:
        folder.mkdir(exist_ok=True)
        for page in range(count):
            target = folder / f"{image.stem}_page_{page + 1:0{len(str(count))}d}.tif"
            if not _is_newer(target, changed):
                partial = target.with_name(f".{target.name}.part")
                try:
                    write_page(image, page, partial)
                    partial.replace(target)
                finally:
                    partial.unlink(missing_ok=True)
            if not told(page + 1, count) and page + 1 < count:
                raise StoppedError
    except OSError as error:
        raise ImageError(
            tr("The pages cannot be written: {strerror}.").format(strerror=error.strerror or error),
            path=folder,
            remedy=tr("Make room there, or copy the file to a folder that can be written."),
        ) from error
    return folder


def _is_newer(path: Path, than_ns: int) -> bool:
    return path.is_file() and path.stat().st_mtime_ns >= than_ns
