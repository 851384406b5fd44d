"""Each page of a TIFF file becomes a file with the same samples; what was given up goes on, what cannot be says why."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from engine.data.images import read_image
from engine.runtime.errors import ImageError
from studio.storage.big_images import StoppedError, count_pages, read_page
from studio.storage.page_files import pages_folder, split_pages


def stack_of(path: Path, count: int, dtype: type = np.uint16) -> Path:
    rng = np.random.default_rng(3)
    top = np.iinfo(dtype).max
    pages = [Image.fromarray(rng.integers(0, top, (40, 60), dtype)) for _ in range(count)]
    pages[0].save(path, save_all=True, append_images=pages[1:])
    return path


def always(_done: int, _total: int) -> bool:
    return True


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_the_pages_have_the_same_samples(tmp_path: Path, dtype: type) -> None:
    stack = stack_of(tmp_path / "stack.tif", 11, dtype)
    told: list[tuple[int, int]] = []
    folder = split_pages(stack, lambda done, total: told.append((done, total)) is None)
    files = sorted(folder.iterdir())
    assert [file.name for file in files] == [f"stack_page_{n:02d}.tif" for n in range(1, 12)]
    for page, file in enumerate(files):
        assert count_pages(file) == 1
        np.testing.assert_array_equal(read_page(file, 0), read_page(stack, page))
        assert read_page(file, 0).dtype == dtype
    assert read_image(files[3]).shape[:2] == (40, 60)
    assert told == [(n, 11) for n in range(1, 12)]


def test_colours_and_the_turn_stay(tmp_path: Path) -> None:
    path = tmp_path / "turned.tif"
    pages = [Image.new("RGB", (60, 40), colour) for colour in ("red", "blue")]
    for page in pages:
        page.paste("white", (0, 0, 10, 10))
    pages[0].save(path, save_all=True, append_images=pages[1:], tiffinfo={274: 6})
    folder = split_pages(path, always)
    for page, file in enumerate(sorted(folder.iterdir())):
        np.testing.assert_array_equal(read_page(file, 0), read_page(path, page))


def test_given_up_it_goes_on_and_a_changed_file_is_written_anew(tmp_path: Path) -> None:
    stack = stack_of(tmp_path / "stack.tif", 4)
    with pytest.raises(StoppedError):
        split_pages(stack, lambda done, _total: done < 2)
    folder = pages_folder(stack)
    first = folder / "stack_page_1.tif"
    assert len(list(folder.iterdir())) == 2
    made = first.stat().st_mtime_ns
    split_pages(stack, always)
    assert len(list(folder.iterdir())) == 4
    assert first.stat().st_mtime_ns == made
    later = made + 10**9
    os.utime(stack, ns=(later, later))
    split_pages(stack, always)
    assert first.stat().st_mtime_ns != made


def test_a_single_page_and_a_place_that_is_taken_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ImageError, match="one page"):
        split_pages(stack_of(tmp_path / "one.tif", 1), always)
    stack = stack_of(tmp_path / "stack.tif", 2)
    pages_folder(stack).write_text("a file of that name")
    with pytest.raises(ImageError, match="cannot be written"):
        split_pages(stack, always)


def test_a_damaged_page_is_named_and_nothing_half_written_stays(tmp_path: Path) -> None:
    stack = stack_of(tmp_path / "stack.tif", 3)
    stack.write_bytes(stack.read_bytes()[: stack.stat().st_size // 2])
    with pytest.raises(ImageError):
        split_pages(stack, always)
    folder = pages_folder(stack)
    assert not folder.exists() or not [f for f in folder.iterdir() if f.name.startswith(".")]
