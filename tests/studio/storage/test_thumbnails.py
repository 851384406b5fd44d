from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest

from engine.data.images import read_image, read_size, write_image
from engine.runtime.errors import ImageError
from studio.model.project import Project
from studio.storage.project_files import open_project
from studio.storage.thumbnails import ThumbnailCache


@pytest.fixture
def cache(tmp_path: Path) -> ThumbnailCache:
    return ThumbnailCache(tmp_path / "cache", 100)


def gradient(width: int, height: int) -> np.ndarray:
    x, y = np.meshgrid(np.linspace(0, 255, width), np.linspace(0, 255, height))
    return np.stack((x, y, 255 - x), axis=2).astype(np.uint8)


@pytest.mark.parametrize("suffix", ["jpg", "png", "tiff"])
@pytest.mark.parametrize("size_wh", [(1000, 500), (300, 1200), (101, 100), (5000, 3), (40, 30)])
def test_the_longer_side_fits_and_the_picture_is_the_same(
    cache: ThumbnailCache, tmp_path: Path, suffix: str, size_wh: tuple[int, int]
) -> None:
    path = write_image(tmp_path / f"in.{suffix}", gradient(*size_wh))
    assert cache.find(path) is None
    made = cache.make(path)
    assert cache.find(path) == made
    width, height = read_size(made)
    longer = max(size_wh)
    assert max(width, height) == min(100, longer)
    assert width == max(1, round(size_wh[0] * min(1, 100 / longer)))
    if min(width, height) > 20:
        small = read_image(made).astype(float)
        expected = gradient(width, height).astype(float)
        assert np.abs(small - expected).mean() < 6


def test_it_is_made_once_and_again_when_the_image_changes(
    cache: ThumbnailCache, tmp_path: Path
) -> None:
    path = write_image(tmp_path / "in.png", gradient(300, 200))
    made = cache.make(path)
    stamp = made.stat().st_mtime_ns
    assert cache.make(path).stat().st_mtime_ns == stamp
    write_image(path, gradient(200, 300))
    assert cache.find(path) is None
    assert cache.make(path) != made


def test_photographs_are_upright(shared_dir: Path, cache: ThumbnailCache) -> None:
    folder = shared_dir / "datasets/formats/bad"
    pictures = sorted(next(folder.glob("14-*")).rglob("*.jpg"))
    assert len(pictures) == 3
    small = ThumbnailCache(cache.folder, 64)
    thumbs = [read_image(small.make(path)).astype(float) for path in pictures]
    assert {thumb.shape for thumb in thumbs} == {(64, 51, 3)}
    for thumb in thumbs[1:]:
        assert np.abs(thumb - thumbs[0]).mean() < 8


@pytest.mark.parametrize("content", [b"", b"no picture at all", None])
def test_what_is_no_picture_is_refused_by_name(
    cache: ThumbnailCache, tmp_path: Path, content: bytes | None
) -> None:
    path = tmp_path / "in.jpg"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(ImageError, match=r"in\.jpg"):
        cache.make(path)
    assert cache.find(path) is None


def test_a_cut_jpeg_is_damaged_and_not_half_grey(cache: ThumbnailCache, tmp_path: Path) -> None:
    path = write_image(tmp_path / "in.jpg", gradient(1000, 800))
    path.write_bytes(path.read_bytes()[:-2000])
    with pytest.raises(ImageError, match=r"in\.jpg"):
        cache.make(path)


def test_pruning_keeps_what_was_used_last(cache: ThumbnailCache, tmp_path: Path) -> None:
    made = []
    for index in range(4):
        path = write_image(tmp_path / f"{index}.png", gradient(200 + index, 200))
        made.append(cache.make(path))
        os.utime(made[-1], (index, index))
    each = made[0].stat().st_size / 2**20
    assert cache.prune(limit_mib=2.5 * each) == 2
    assert [path.exists() for path in made] == [False, False, True, True]


def test_where_a_project_keeps_them(project: Project, config_dir: Path) -> None:
    cache = ThumbnailCache.for_project(project)
    assert cache.folder.is_relative_to(project.folder)
    with open_project(project.folder, read_only=True) as reader:
        elsewhere = ThumbnailCache.for_project(reader)
        assert not elsewhere.folder.is_relative_to(project.folder)
        assert elsewhere.folder.is_relative_to(config_dir)
