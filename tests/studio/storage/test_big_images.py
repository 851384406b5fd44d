"""Huge pictures are read in parts that are exactly what the whole would be; pages come one by one."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from engine.data.images import read_image, read_samples, write_image
from engine.runtime.errors import ImageError
from studio.storage.big_images import (
    PyramidCache,
    StoppedError,
    count_pages,
    read_page,
    shrunk_huge,
)

pyvips = pytest.importorskip("pyvips")


def always(_share: float) -> bool:
    return True


def spots(width: int, height: int) -> np.ndarray:
    """Return BGR pixels that tell every place from every other."""
    y, x = np.mgrid[:height, :width]
    return np.stack([x % 251, y % 241, (x // 7 + y // 5) % 239], axis=2).astype(np.uint8)


@pytest.fixture
def cache(tmp_path: Path) -> PyramidCache:
    return PyramidCache(tmp_path / "tiles")


def test_every_part_of_the_first_level_is_the_picture(tmp_path: Path, cache: PyramidCache) -> None:
    path = write_image(tmp_path / "h späce 图像.png", spots(1300, 900))
    pyramid = cache.make(path, 0, always)
    assert pyramid.sizes_wh[:2] == ((1300, 900), (650, 450))
    assert (pyramid.channels, pyramid.dtype) == (3, np.uint8)
    whole = read_image(path)[..., ::-1]
    for box in ((0, 0, 1300, 900), (500, 400, 530, 777), (1299, 899, 1300, 900), (511, 0, 513, 1)):
        x1, y1, x2, y2 = box
        assert np.array_equal(pyramid.read(0, *box), whole[y1:y2, x1:x2])


@pytest.mark.parametrize("orientation", range(1, 9))
def test_parts_are_upright_as_training_sees_them(
    tmp_path: Path, cache: PyramidCache, orientation: int
) -> None:
    from PIL import Image

    exif = Image.Exif()
    exif[0x0112] = orientation
    path = tmp_path / "turned.png"
    Image.fromarray(spots(700, 520)).save(path, exif=exif)
    pyramid = cache.make(path, 0, always)
    upright = read_image(path)[..., ::-1]
    height, width = upright.shape[:2]
    assert pyramid.sizes_wh[0] == (width, height)
    assert np.array_equal(pyramid.read(0, 17, 33, 390, 402), upright[33:402, 17:390])
    small = pyramid.read(1, 0, 0, *pyramid.sizes_wh[1]).astype(int)
    assert np.abs(small - upright[1::2, 1::2][: small.shape[0], : small.shape[1]]).mean() < 25


def test_the_second_time_it_is_at_hand_and_a_changed_picture_is_made_again(
    tmp_path: Path, cache: PyramidCache
) -> None:
    path = write_image(tmp_path / "a.png", spots(600, 600))
    assert cache.find(path) is None
    made = cache.make(path, 0, always)
    kept = cache.find(path)
    assert kept is not None
    assert kept.path == made.path
    write_image(path, spots(610, 600))
    assert cache.find(path) is None


def test_stopping_leaves_nothing(tmp_path: Path, cache: PyramidCache) -> None:
    path = write_image(tmp_path / "a.png", spots(3000, 3000))
    heard: list[float] = []

    def stop(share: float) -> bool:
        heard.append(share)
        return len(heard) < 2

    with pytest.raises(StoppedError):
        cache.make(path, 0, stop)
    assert heard
    assert list(cache.folder.iterdir()) == []


@pytest.mark.parametrize("kind", ["truncated", "noise"])
def test_damage_is_told_and_leaves_nothing(tmp_path: Path, cache: PyramidCache, kind: str) -> None:
    whole = write_image(tmp_path / "whole.png", spots(900, 900)).read_bytes()
    path = tmp_path / "bad.png"
    path.write_bytes(whole[: len(whole) // 2] if kind == "truncated" else b"\x01\x02" * 500)
    with pytest.raises(ImageError) as told:
        cache.make(path, 0, always)
    assert told.value.path == path
    assert not cache.folder.exists() or list(cache.folder.iterdir()) == []


def test_a_damaged_pyramid_is_removed_and_made_again(tmp_path: Path, cache: PyramidCache) -> None:
    path = write_image(tmp_path / "a.png", spots(600, 600))
    kept = cache.make(path, 0, always).path
    kept.write_bytes(b"II*\0broken")
    with pytest.raises(ImageError):
        cache.find(path)
    assert cache.find(path) is None
    assert cache.make(path, 0, always).sizes_wh[0] == (600, 600)


def test_the_pyramids_used_longest_ago_make_room(tmp_path: Path) -> None:
    cache = PyramidCache(tmp_path / "tiles", limit_bytes=6_000_000)  # each takes some 2 MB
    paths = [write_image(tmp_path / f"{n}.png", spots(700, 700)) for n in range(4)]
    for path in paths[:3]:
        cache.make(path, 0, always)
    kept = [cache.find(path) is not None for path in paths[:3]]
    assert kept[2]
    assert sum(kept) < 3
    assert sum(f.stat().st_size for f in cache.folder.iterdir()) <= 6_000_000


def test_a_full_disk_is_told_before_anything_is_written(
    tmp_path: Path, cache: PyramidCache, monkeypatch: pytest.MonkeyPatch
) -> None:
    import shutil
    from collections import namedtuple

    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage(10**9, 10**9, 1000))
    path = write_image(tmp_path / "a.png", spots(600, 600))
    with pytest.raises(ImageError, match="GB"):
        cache.make(path, 0, always)
    assert list(cache.folder.iterdir()) == []


def test_deep_pictures_keep_their_samples(tmp_path: Path, cache: PyramidCache) -> None:
    import cv2

    deep = (np.arange(700 * 600, dtype=np.uint32) % 65521).astype(np.uint16).reshape(600, 700)
    cv2.imwrite(str(tmp_path / "deep.png"), deep)
    pyramid = cache.make(tmp_path / "deep.png", 0, always)
    assert pyramid.dtype == np.uint16
    assert np.array_equal(pyramid.read(0, 100, 50, 300, 200)[..., 0], deep[50:200, 100:300])


@pytest.fixture
def stack(tmp_path: Path) -> Path:
    """A file of three pages of 90 x 70 and a smaller fourth."""
    from PIL import Image

    pages = [Image.fromarray(np.full((70, 90), 40 * n, np.uint8)) for n in range(3)]
    pages.append(Image.fromarray(np.zeros((35, 45), np.uint8)))
    path = tmp_path / "stack.tif"
    pages[0].save(path, save_all=True, append_images=pages[1:])
    return path


def test_pages_are_counted_as_long_as_they_have_one_size(stack: Path, tmp_path: Path) -> None:
    assert count_pages(stack) == 3
    assert count_pages(write_image(tmp_path / "a.png", spots(60, 40))) == 1


def test_a_page_is_read_by_itself(stack: Path) -> None:
    assert read_page(stack, 2).shape == (70, 90, 1)
    assert np.unique(read_page(stack, 2)).tolist() == [80]
    with pytest.raises(ImageError, match="Page 10"):
        read_page(stack, 9)


def test_a_huge_picture_shrinks_without_being_held(tmp_path: Path) -> None:
    path = write_image(tmp_path / "a.png", np.full((900, 1200, 3), (10, 120, 230), np.uint8))
    small = shrunk_huge(path, 192)
    assert small.shape == (144, 192, 3)
    assert np.abs(small.astype(int) - (10, 120, 230)).max() <= 1


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
@pytest.mark.parametrize("orientation", [1, 6, 7])
def test_many_bands_are_tiled_and_shrunk_as_their_first_three(
    tmp_path: Path, cache: PyramidCache, dtype: type, orientation: int
) -> None:
    y, x = np.mgrid[:520, :700]
    bands = np.stack([x // 3, y // 3, (x + y) // 6, x * 0, y * 0 + 9], axis=2).astype(dtype)
    bands = bands * (257 if dtype == np.uint16 else 1)
    picture = pyvips.Image.new_from_array(bands).copy()
    picture.set_type(pyvips.GValue.gint_type, "orientation", orientation)
    path = tmp_path / "bands.tif"
    picture.tiffsave(str(path))
    assert count_pages(path) == 1
    pyramid = cache.make(path, 0, always)
    whole = read_samples(path)
    assert (pyramid.channels, pyramid.dtype) == (3, dtype)
    assert pyramid.sizes_wh[0] == whole.shape[1::-1]
    assert np.array_equal(pyramid.read(0, 17, 33, 390, 402), whole[33:402, 17:390])
    small = shrunk_huge(path, 100)
    expected = cv2.resize(read_image(path), small.shape[1::-1], interpolation=cv2.INTER_AREA)
    assert max(small.shape) == 100
    assert np.abs(small.astype(int) - expected).mean() < 3


def test_many_bands_that_are_damaged_are_not_tiled(tmp_path: Path, cache: PyramidCache) -> None:
    bands = np.random.default_rng(0).integers(0, 255, (520, 700, 5), dtype=np.uint8)
    whole = pyvips.Image.new_from_array(bands).tiffsave_buffer(compression="deflate")
    path = tmp_path / "bands.tif"
    path.write_bytes(whole[:90000] + bytes(20) + whole[90020:])
    for read in (lambda: cache.make(path, 0, always), lambda: shrunk_huge(path, 100)):
        with pytest.raises(ImageError, match="damaged"):
            read()
    assert not list((tmp_path / "tiles").glob("*.tif"))


def test_broken_data_of_a_page_is_told_instead_of_shown_black(
    tmp_path: Path, cache: PyramidCache
) -> None:
    from PIL import Image

    rng = np.random.default_rng(0)
    pages = [Image.fromarray(rng.integers(0, 255, (90, 120), np.uint8)) for _ in range(3)]
    path = tmp_path / "stack.tif"
    pages[0].save(path, save_all=True, append_images=pages[1:], compression="tiff_adobe_deflate")
    with Image.open(path) as file:
        file.seek(1)
        strip = file.tag_v2[273][0]
    data = bytearray(path.read_bytes())
    data[strip + 200 : strip + 240] = bytes(40)
    path.write_bytes(data)
    assert count_pages(path) == 3
    for page in (0, 2):
        assert np.array_equal(read_page(path, page)[..., 0], np.asarray(pages[page]))
    with pytest.raises(ImageError, match="Page 2"):
        read_page(path, 1)
    with pytest.raises(ImageError, match="damaged"):
        cache.make(path, 1, always)
    first = tmp_path / "first.tif"
    pages[0].save(first, compression="tiff_adobe_deflate")
    whole = bytearray(first.read_bytes())
    whole[2000:2040] = bytes(40)
    first.write_bytes(whole)
    with pytest.raises(ImageError, match="damaged"):
        shrunk_huge(first, 50)
