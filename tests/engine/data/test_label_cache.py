from __future__ import annotations

import os
from pathlib import Path

import cv2
import numpy as np
import pytest

from engine.data.labels import cache
from engine.data.labels.cache import cache_file, verify_images_cached
from engine.data.labels.paths import find_images, find_orphans, label_path
from engine.data.labels.verify import verify_images
from engine.runtime.errors import DatasetError


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.setenv("MASKWRIGHT_CACHE_DIR", str(tmp_path / "cache"))
    (tmp_path / "images").mkdir()
    (tmp_path / "labels").mkdir()
    image = np.zeros((8, 12, 3), dtype=np.uint8)
    for name in ("a", "b", "background", "waiting"):
        cv2.imwrite(str(tmp_path / f"images/{name}.png"), image)
    (tmp_path / "images/damaged.png").write_bytes(b"nothing")
    (tmp_path / "labels/a.txt").write_text("0 0.5 0.5 0.2 0.2\n1 0.1 0.1 0.5 0.1 0.5 0.5\nbad\n")
    (tmp_path / "labels/b.txt").write_text("1 0.5 0.5 0.2 0.2 0.7\n")
    (tmp_path / "labels/background.txt").write_text("")
    (tmp_path / "labels/ghost.txt").write_text("0 0.5 0.5 0.2 0.2\n")
    (tmp_path / "labels/classes.txt").write_text("one\n")
    return tmp_path


def same(first, second):
    assert [(r.file, r.size_wh, r.problems) for r in first] == [
        (r.file, r.size_wh, r.problems) for r in second
    ]
    for a, b in zip(first, second, strict=True):
        assert (a.rows is None) == (b.rows is None)
        for x, y in zip(a.rows or (), b.rows or (), strict=True):
            assert (x.line, x.class_id, x.score) == (y.line, y.class_id, pytest.approx(y.score))
            assert np.array_equal(x.box, y.box)
            assert (x.polygon is None) == (y.polygon is None)
            assert x.polygon is None or np.array_equal(x.polygon, y.polygon)


def test_states_of_pictures(folder):
    images, _ = find_images([folder / "images"])
    results = {r.file.stem: r for r in verify_images(images, 2)}
    assert len(results["a"].rows) == 2
    assert results["background"].rows == ()
    assert results["waiting"].rows is None
    assert results["damaged"].size_wh is None
    assert results["a"].size_wh == (12, 8)
    assert results["a"].problems[0].line == 3
    assert "not an image" in results["damaged"].problems[0].reason


def test_the_cache_gives_back_the_same(folder, monkeypatch):
    images, _ = find_images([folder / "images"])
    first = verify_images_cached(images, 2)
    assert cache_file(images, 2).is_file()
    monkeypatch.setattr(cache, "verify_images", None)  # a second parse would fail
    same(first, verify_images_cached(images, 2))


def test_keypoints_survive_the_cache(folder):
    (folder / "labels/a.txt").write_text("0 0.5 0.5 0.2 0.2 0.5 0.5 1\n")
    images = [folder / "images/a.png"]
    for _ in range(2):
        row = verify_images_cached(images, 2, (1, 3))[0].rows[0]
        assert row.keypoints.tolist() == [[0.5, 0.5, 1]]


@pytest.mark.parametrize("change", ["label", "image", "new label", "nc", "damaged cache"])
def test_any_change_is_noticed(folder, change):
    images, _ = find_images([folder / "images"])
    file = cache_file(images, 2)
    verify_images_cached(images, 2)
    nc = 2
    if change == "label":
        (folder / "labels/a.txt").write_text("")
    elif change == "image":
        os.utime(folder / "images/a.png", ns=(1, 1))
    elif change == "new label":
        (folder / "labels/waiting.txt").write_text("")
    elif change == "nc":
        nc = 1
    else:
        file.write_bytes(file.read_bytes()[:100])
        same(verify_images(images, 2), verify_images_cached(images, 2))
        return
    assert cache_file(images, nc) != file
    same(verify_images(images, nc), verify_images_cached(images, nc))


def test_a_cache_that_cannot_be_written_costs_only_time(folder, monkeypatch, caplog):
    (folder / "file").touch()
    monkeypatch.setenv("MASKWRIGHT_CACHE_DIR", str(folder / "file"))
    images, _ = find_images([folder / "images"])
    assert len(verify_images_cached(images, 2)) == 5
    assert "cannot be written" in caplog.text


def test_old_caches_are_removed(folder, monkeypatch):
    monkeypatch.setattr(cache, "_KEEP", 2)
    images, _ = find_images([folder / "images"])
    for nc in range(1, 6):
        verify_images_cached(images, nc)
    assert len(list((folder / "cache/labels").glob("*.npz"))) == 2


def test_progress_and_stopping(folder):
    images, _ = find_images([folder / "images"])
    seen = []
    verify_images(images, 2, progress=lambda done, total: seen.append((done, total)))
    assert seen == [(i + 1, 5) for i in range(5)]

    def stop(done, total):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        verify_images(images, 2, progress=stop)


@pytest.mark.parametrize(
    ("image", "label"),
    [
        ("/d/images/train/a.jpg", "/d/labels/train/a.txt"),
        ("/images/x/images/a.b.png", "/images/x/labels/a.b.txt"),
        ("/d/pictures/a.jpg", "/d/pictures/a.txt"),
        ("/a.jpg", "/a.txt"),
        ("images/images/a.jpg", "images/labels/a.txt"),
        ("myimages/imagesx/a", "myimages/imagesx/a.txt"),
        ("images.png", "images.txt"),
    ],
)
def test_label_of_a_picture(image, label):
    assert label_path(image) == Path(label)


def test_orphans_and_list_files(folder):
    images, _ = find_images([folder / "images"])
    assert [p.file.name for p in find_orphans(images)] == ["ghost.txt"]
    # A picture that is not in this split still owns its label file.
    assert [p.file.name for p in find_orphans([folder / "images/a.png"])] == ["ghost.txt"]
    listing = folder / "train.txt"
    listing.write_text("images/b.png\n\n./images/a.png\nimages/none.png\nimages/b.png\n")
    images, problems = find_images([listing])
    assert [p.name for p in images] == ["b.png", "a.png"]
    assert [(p.line, "none.png" in p.reason) for p in problems] == [(4, True)]
    with pytest.raises(DatasetError, match="not there"):
        find_images([folder / "nothing"])
