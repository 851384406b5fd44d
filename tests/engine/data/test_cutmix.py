from __future__ import annotations

from types import SimpleNamespace

import cv2
import numpy as np
import pytest

from engine.data.transforms.compose import Augmentation
from engine.data.transforms.cutmix import cutmix, draw_rectangle, uncovered
from engine.data.transforms.sample import Sample, Shapes
from engine.ops.raster import polygons2masks

BLUE, RED = (200, 60, 30), (40, 40, 220)
SIDE = 96


def painted(rng, count=4):
    """Red blobs on blue, each with its outline."""
    image = np.full((SIDE, SIDE, 3), BLUE, np.uint8)
    rings, grid = [], [(0, 0), (48, 0), (0, 48), (48, 48)]
    for x, y in grid[:count]:
        angles = np.sort(rng.uniform(0, 2 * np.pi, 9))
        reach = rng.uniform(12, 22, 9)
        ring = np.stack((x + 24 + reach * np.cos(angles), y + 24 + reach * np.sin(angles)), 1)
        rings.append(ring.astype(np.float32))
    image[polygons2masks((SIDE, SIDE), rings).any(0)] = RED
    boxes = np.array([np.concatenate((r.min(0), r.max(0))) for r in rings], np.float32)
    shapes = Shapes(
        np.arange(len(rings), dtype=np.float32),
        boxes.reshape(-1, 4),
        np.concatenate([*rings, np.zeros((0, 2), np.float32)]),
        np.array([len(r) for r in rings], np.int64),
        boxes.reshape(-1, 2, 2)[:, :1].mean(1, keepdims=True).repeat(3, axis=2)[..., :3].copy(),
    )
    return Sample(image, shapes, 0, (SIDE, SIDE))


def boxes_only(shapes):
    return Shapes(shapes.classes, shapes.boxes, np.zeros((0, 2), np.float32), shapes.counts * 0)


def test_outlines_cover_exactly_what_is_still_seen():
    seen = set()
    for seed in range(60):
        rng = np.random.default_rng(seed)
        first, second = painted(rng), painted(rng)
        out = cutmix(first, second, rng)
        masks = polygons2masks(out.size, out.shapes.segments)
        red = out.image[..., 2] > 100
        # what was dropped for being small may stay red without an outline, nothing else differs
        assert not (masks.any(0) & ~red).any(), seed
        assert (red & ~masks.any(0)).sum() < 0.12 * max(red.sum(), 1), seed
        for box, segment in zip(out.shapes.boxes, out.shapes.segments, strict=True):
            assert np.allclose(box, np.concatenate((segment.min(0), segment.max(0))), atol=1e-3)
        seen.add(len(out.shapes))
    assert len(seen) > 2


def test_sources_stay_as_they_are():
    rng = np.random.default_rng(3)
    first, second = painted(rng), painted(rng)
    before = first.image.copy(), second.image.copy(), first.shapes.points.copy()
    cutmix(first, second, rng)
    assert np.array_equal(first.image, before[0])
    assert np.array_equal(second.image, before[1])
    assert np.array_equal(first.shapes.points, before[2])


@pytest.mark.parametrize(
    ("bounds", "expected"),
    [
        ((0, 0, 20, 96), [20, 10, 40, 30]),  # the left half is covered
        ((30, 0, 96, 40), [10, 10, 30, 30]),
        ((0, 0, 96, 15), [10, 15, 40, 30]),
        ((5, 25, 50, 40), [10, 10, 40, 25]),
        ((20, 5, 30, 15), [10, 10, 40, 30]),  # a notch: the box stays
        ((15, 12, 35, 28), [10, 10, 40, 30]),  # a hole
        ((50, 50, 60, 60), [10, 10, 40, 30]),
    ],
)
def test_boxes_and_outlines_shrink_alike(bounds, expected):
    box = np.array([[10, 10, 40, 30]], np.float32)
    ring = box[:, [0, 1, 2, 1, 2, 3, 0, 3]].reshape(-1, 2)
    outlined = Shapes(np.zeros(1, np.float32), box, ring, np.array([4]))
    for shapes in (outlined, boxes_only(outlined)):
        assert uncovered(shapes, bounds).boxes.tolist() == [expected]


def test_a_hidden_object_is_dropped_and_a_hidden_keypoint_loses_its_visibility():
    box = np.array([[10, 10, 40, 30]], np.float32)
    joints = np.array([[[12, 12, 2], [39, 29, 1]]], np.float32)
    shapes = Shapes(
        np.zeros(1, np.float32), box, np.zeros((0, 2), np.float32), np.zeros(1, np.int64), joints
    )
    assert len(uncovered(shapes, (9, 9, 40, 30))) == 0
    left = uncovered(shapes, (0, 0, 20, 20))
    assert left.keypoints[0, :, 2].tolist() == [0, 1]
    assert shapes.keypoints[0, 0, 2] == 2


def test_rectangles_are_of_every_size_and_inside():
    rng = np.random.default_rng(0)
    found = np.array([draw_rectangle((60, 90), rng) for _ in range(400)])
    assert found.min() >= 0
    assert (found[:, 2] <= 90).all()
    assert (found[:, 3] <= 60).all()
    shares = (found[:, 2] - found[:, 0]) * (found[:, 3] - found[:, 1]) / 5400
    assert shares.min() < 0.02
    assert shares.max() > 0.6


def test_the_argument_mixes_pictures_of_the_data_set():
    rng = np.random.default_rng(1)
    green = Sample(np.full((SIDE, SIDE, 3), (0, 255, 0), np.uint8), Shapes(), 1, (SIDE, SIDE))
    still = {"mosaic": 0.0, "scale": 0.0, "translate": 0.0, "fliplr": 0.0}
    still |= {"hsv_h": 0.0, "hsv_s": 0.0, "hsv_v": 0.0}
    sources = [painted(rng), green]

    def greens(likely):
        augmentation = Augmentation.from_arguments(SIDE, SimpleNamespace(cutmix=likely, **still))
        made = [
            augmentation(0, sources.__getitem__, [1], np.random.default_rng(s)).image
            for s in range(20)
        ]
        return [cv2.inRange(image, (0, 250, 0), (5, 255, 5)).mean() / 255 for image in made]

    assert max(greens(0.0)) == 0
    assert 0.2 < np.mean(greens(1.0)) < 0.7
    assert sum(share > 0 for share in greens(0.5)) in range(3, 18)
