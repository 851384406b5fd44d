from __future__ import annotations

import cv2
import numpy as np
import pytest

from engine.data.annotations import to_mask
from engine.data.formats import read
from engine.data.synthetic.outlines import NAMES, draw_outline
from engine.data.synthetic.sample import write_sample
from engine.data.synthetic.scene import draw_scene
from engine.ops.polygons import polygon_area
from engine.runtime.errors import DatasetError


@pytest.fixture(scope="module")
def scenes():
    return [draw_scene((0, i), (320, 240)) for i in range(24)]


def test_the_seed_makes_the_scene():
    first, again, other = draw_scene(5), draw_scene(5), draw_scene(6)
    assert np.array_equal(first.image, again.image)
    assert first.annotations == again.annotations
    assert not np.array_equal(first.image, other.image)


def test_scenes_are_full_of_parts_of_all_kinds(scenes):
    counts = [len(s.annotations) for s in scenes]
    assert min(counts) >= 4
    assert max(counts) <= 8
    assert 5 <= np.mean(counts) <= 8
    kinds = np.bincount([a.class_id for s in scenes for a in s.annotations], minlength=len(NAMES))
    assert kinds.min() >= 0.12 * kinds.sum()


def test_objects_are_not_tiny_and_lie_inside(scenes):
    for scene in scenes:
        for annotation in scene.annotations:
            x1, y1, x2, y2 = annotation.geometry.bounds()
            assert min(x1, y1) >= 0
            assert x2 <= 320
            assert y2 <= 240
            assert np.hypot(x2 - x1, y2 - y1) > 0.1 * 240
            assert annotation.geometry.area() > 150


def test_no_two_visible_parts_share_a_pixel(scenes):
    overlapping = 0
    for scene in scenes:
        covered = np.zeros((240, 320), dtype=np.uint8)
        for annotation in scene.annotations:
            covered += to_mask(annotation.geometry, 240, 320).to_array()
        # Outlines are simplified by 0.1 pixels: a few border pixels may count twice.
        assert (covered > 1).sum() <= 0.004 * covered.sum() + 2
        overlapping += any(len(a.geometry.rings()[0]) > 4 for a in scene.annotations)
    assert overlapping


def test_outlines_follow_the_picture(scenes):
    """Across a true outline the picture changes more than across the same outline put elsewhere."""

    def contrast(image, annotation, shift):
        mask = to_mask(annotation.geometry.translated(*shift), 240, 320).to_array()
        border = cv2.dilate(mask, np.ones((3, 3))) - cv2.erode(mask, np.ones((3, 3)))
        return image[border > 0].mean() if border.any() else 0.0

    won = []
    for scene in scenes:
        grey = cv2.cvtColor(scene.image, cv2.COLOR_BGR2GRAY).astype(np.float32)
        slope = np.hypot(cv2.Sobel(grey, cv2.CV_32F, 1, 0), cv2.Sobel(grey, cv2.CV_32F, 0, 1))
        for a in scene.annotations:
            here = contrast(slope, a, (0, 0))
            won.append(
                all(here > contrast(slope, a, s) for s in ((3, 0), (-3, 0), (0, 3), (0, -3)))
            )
    assert np.mean(won) > 0.75


def test_pictures_look_exposed(scenes):
    for scene in scenes:
        assert scene.image.dtype == np.uint8
        assert 30 < scene.image.mean() < 225
        assert scene.image.std() > 8


@pytest.mark.parametrize("kind", NAMES)
@pytest.mark.parametrize("seed", range(5))
def test_silhouettes_fill_their_unit(kind, seed):
    outline = draw_outline(kind, np.random.default_rng(seed))
    assert 0.95 <= np.abs(outline.exterior).max() <= 1.01
    assert polygon_area(outline.exterior) > 0
    assert len(outline.holes) == (0 if kind == "bolt" else 1)
    for hole in outline.holes:
        assert np.hypot(*hole.T).max() < np.hypot(*outline.exterior.T).min()


def test_sample_on_disk(tmp_path):
    seen = []
    report = write_sample(
        tmp_path, 10, 3, (160, 120), unlabelled=2, progress=lambda *p: seen.append(p)
    )
    assert (report.train, report.val, report.unlabelled, report.images) == (6, 2, 2, 10)
    assert seen[-1] == (10, 10)
    dataset = read(report.yaml_file)
    assert not [p for p in dataset.skipped if p.kind != "note"]
    assert [i.split for i in dataset.images].count(None) == 2
    assert dataset.names == dict(enumerate(NAMES))
    assert dataset.annotation_count == report.annotations
    drawn = {f"parts_{i:04d}.jpg": draw_scene((3, i), (160, 120)).annotations for i in range(8)}
    for image in dataset.images:
        if image.annotations is None:
            continue
        for ours, theirs in zip(drawn[image.path.name], image.annotations, strict=True):
            assert ours.class_id == theirs.class_id
            assert len(ours.geometry.holes) == len(theirs.geometry.holes)
            a, b = (to_mask(g, 120, 160).to_array() for g in (ours.geometry, theirs.geometry))
            assert (a != b).sum() <= 1


@pytest.mark.parametrize(
    "options", [{"images": 1}, {"unlabelled": 9}, {"val": 1.0}, {"unlabelled": -1}]
)
def test_impossible_numbers_are_refused(tmp_path, options):
    with pytest.raises(DatasetError, match="at least two labelled"):
        write_sample(tmp_path, **{"images": 10, **options})


def test_stopping_leaves_nothing(tmp_path):
    def stop(done, total):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_sample(tmp_path / "out", 4, size=(64, 48), unlabelled=0, progress=stop)
    assert not (tmp_path / "out").exists()
