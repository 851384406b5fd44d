"""Images that are in a project twice are found, however they were saved; others are left alone."""

from __future__ import annotations

import random
import shutil
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.data.annotations import Box
from engine.data.images import write_image
from studio.model.edits import AddShapes
from studio.model.errors import CancelledError
from studio.model.project import Project
from studio.model.records import new_shape
from studio.storage.duplicates import find_duplicates
from studio.storage.image_index import add_folder
from studio.storage.perceptual_hash import groups_of, near_pairs, perceptual_hash


def scene(seed: int, size_wh: tuple[int, int] = (160, 120)) -> np.ndarray:
    """Return a picture of soft blobs, as photographs have; (H, W, 3) uint8."""
    noise = np.random.default_rng(seed).integers(0, 255, (6, 8, 3), np.uint8)
    return cv2.resize(noise, size_wh, interpolation=cv2.INTER_CUBIC)


def test_a_hash_bears_size_compression_and_brightness() -> None:
    picture = scene(1)
    known = perceptual_hash(picture)
    assert known is not None
    small = cv2.resize(picture, (80, 60), interpolation=cv2.INTER_AREA)
    _, data = cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, 40])
    darker = (picture * 0.9).astype(np.uint8)
    for other in (small, cv2.imdecode(data, cv2.IMREAD_COLOR), darker):
        found = perceptual_hash(other)
        assert found is not None
        assert (known ^ found).bit_count() <= 4
    others = [perceptual_hash(scene(seed)) for seed in range(2, 12)]
    assert all(o is not None and (known ^ o).bit_count() > 12 for o in others)


def test_a_picture_of_one_colour_has_no_hash() -> None:
    assert perceptual_hash(np.full((40, 40, 3), 90, np.uint8)) is None


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 999), distance=st.integers(0, 10))
def test_near_pairs_are_those_of_comparing_all(seed: int, distance: int) -> None:
    rng = random.Random(seed)
    base = [rng.getrandbits(64) for _ in range(8)]
    near = [
        value ^ sum(1 << bit for bit in rng.sample(range(64), rng.randint(1, 12))) for value in base
    ]
    hashes = list(dict.fromkeys(base + near))
    expected = [
        (one, two)
        for one in range(len(hashes))
        for two in range(one + 1, len(hashes))
        if (hashes[one] ^ hashes[two]).bit_count() <= distance
    ]
    assert near_pairs(hashes, distance) == expected


def test_groups() -> None:
    assert groups_of([], 3) == []
    assert groups_of([(0, 1), (1, 4)], 5) == [[0, 1, 4]]


@pytest.fixture
def twice(project: Project, tmp_path: Path) -> Project:
    """a, a copy of it, a smaller JPEG of it, two others, and a file that is no picture."""
    folder = tmp_path / "photos"
    folder.mkdir()
    write_image(folder / "a.png", scene(1))
    shutil.copyfile(folder / "a.png", folder / "b.png")
    cv2.imwrite(str(folder / "c.jpg"), cv2.resize(scene(1), (96, 72), interpolation=cv2.INTER_AREA))
    write_image(folder / "d.png", scene(2))
    write_image(folder / "e.png", scene(3))
    (folder / "f.png").write_bytes(b"no picture")
    for _ in add_folder(project, folder):
        pass
    project.add_class("part")
    return project


def names(images: tuple[object, ...]) -> list[str]:
    return [image.path.name for image in images]  # type: ignore[attr-defined]


def test_alike_images_are_one_group_with_the_best_first(twice: Project) -> None:
    labelled = twice.image_ids()[1]
    twice.apply(AddShapes((new_shape(labelled, 0, Box(1, 2, 30, 20)),)))
    told: list[tuple[int, int]] = []
    found = find_duplicates(twice.folder, progress=lambda done, total: told.append((done, total)))
    (group,) = found.groups
    assert names(group.images)[0] == "b.png"
    assert sorted(names(group.images)) == ["a.png", "b.png", "c.jpg"]
    assert not group.is_same_file
    assert (found.compared, found.unreadable) == (5, 1)
    assert told[-1] == (6, 6)


def test_distance_nothing_finds_only_equal_files(twice: Project) -> None:
    (group,) = find_duplicates(twice.folder, 0).groups
    assert names(group.images) == ["a.png", "b.png"]
    assert group.is_same_file


def test_the_second_search_reads_no_picture_and_sees_a_changed_one(
    twice: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = find_duplicates(twice.folder)
    read: list[Path] = []
    from studio.storage import duplicates

    original = duplicates._hash
    monkeypatch.setattr(
        duplicates,
        "_hash",
        lambda record, cache: read.append(record.path) or original(record, cache),
    )
    assert find_duplicates(twice.folder) == first
    assert [path.name for path in read] == ["f.png"]
    write_image(tmp_path / "photos" / "b.png", scene(9))
    (group,) = find_duplicates(twice.folder).groups
    assert sorted(names(group.images)) == ["a.png", "c.jpg"]


def test_a_search_can_be_given_up(twice: Project) -> None:
    with pytest.raises(CancelledError):
        find_duplicates(twice.folder, is_cancelled=lambda: True)
