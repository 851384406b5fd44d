from __future__ import annotations

import numpy as np
import pytest

from engine.data.images import write_image
from engine.data.labels.paths import find_images
from engine.data.split import assign_splits, autosplit, split_counts
from engine.data.utils import IMG_FORMATS, VID_FORMATS, compress_one_image, polygon2mask
from engine.runtime.errors import DatasetError, ImageError


@pytest.mark.parametrize(
    ("count", "weights", "expected"),
    [
        (10, (0.9, 0.1, 0.0), (9, 1, 0)),
        (10, (8, 1, 1), (8, 1, 1)),
        (3, (0.9, 0.05, 0.05), (1, 1, 1)),
        (1, (0.9, 0.1, 0.0), (1, 0, 0)),
        (0, (0.9, 0.1, 0.0), (0, 0, 0)),
        (7, (0.0, 1.0, 0.0), (0, 7, 0)),
    ],
)
def test_counts_add_up(count, weights, expected):
    assert split_counts(count, weights) == expected


@pytest.mark.parametrize("weights", [(0, 0, 0), (-1, 1, 1), (0.5, 0.5)])
def test_impossible_weights(weights):
    with pytest.raises(DatasetError, match="weights"):
        split_counts(5, weights)


def test_the_seed_makes_the_split():
    first = assign_splits(50, (0.8, 0.2, 0.0), seed=3)
    assert first == assign_splits(50, (0.8, 0.2, 0.0), seed=3)
    assert first != assign_splits(50, (0.8, 0.2, 0.0), seed=4)
    assert (first.count("train"), first.count("val"), first.count("test")) == (40, 10, 0)


@pytest.fixture
def images(tmp_path):
    folder = tmp_path / "data/images"
    for i in range(10):
        write_image(folder / f"{i}.png", np.zeros((4, 4, 3), np.uint8))
    labels = tmp_path / "data/labels"
    labels.mkdir()
    for i in range(4):
        (labels / f"{i}.txt").touch()
    return folder


def test_autosplit_writes_lists_that_can_be_read(images):
    files = autosplit(images, (0.7, 0.2, 0.1))
    parts = {split: find_images([file])[0] for split, file in files.items()}
    assert {split: len(part) for split, part in parts.items()} == {"train": 7, "val": 2, "test": 1}
    assert len({p.resolve() for part in parts.values() for p in part}) == 10
    assert files["val"].parent == images.parent
    assert set(autosplit(images, (1.0, 0.0, 0.0))) == {"train"}
    assert not (
        images.parent / "autosplit_val.txt"
    ).exists()  # lists of an earlier split do not stay


def test_autosplit_of_labelled_pictures_only(images):
    files = autosplit(images, annotated_only=True)
    assert sum(len(find_images([f])[0]) for f in files.values()) == 4
    with pytest.raises(DatasetError, match="no images"):
        autosplit(images.parent / "labels")


def test_compressing_keeps_proportions(tmp_path):
    path = write_image(
        tmp_path / "a.jpg", np.random.default_rng(0).integers(0, 255, (300, 600, 3), dtype=np.uint8)
    )
    before = path.stat().st_size
    small = compress_one_image(path, tmp_path / "b.jpg", max_dim=200)
    from engine.data.images import read_size

    assert read_size(small) == (200, 100)
    assert path.stat().st_size == before
    compress_one_image(path)
    assert read_size(path) == (600, 300)
    assert path.stat().st_size < before
    with pytest.raises(ImageError):
        compress_one_image(tmp_path / "none.jpg")


def test_public_names():
    assert "jpg" in IMG_FORMATS
    assert "mp4" in VID_FORMATS
    square = np.array([1, 1, 5, 1, 5, 5, 1, 5])
    mask = polygon2mask((8, 8), [square], color=255, downsample_ratio=1)
    assert mask.sum() == 255 * 16
