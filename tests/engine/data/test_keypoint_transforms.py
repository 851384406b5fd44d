"""Keypoints through the transforms: they stay on what they mark, and a mirror swaps left and right."""

from __future__ import annotations

from types import SimpleNamespace

import cv2
import numpy as np
import pytest

from engine.data.transforms.affine import RandomPerspective
from engine.data.transforms.blend import mirrored, mixup
from engine.data.transforms.compose import Augmentation
from engine.data.transforms.format import Format, collate
from engine.data.transforms.letterbox import LetterBox
from engine.data.transforms.mosaic import Mosaic
from engine.data.transforms.sample import Sample, Shapes, join_shapes

LEFT, RIGHT, NOSE = 0, 1, 2
PARTNERS = np.array([1, 0, 2])
# One colour a keypoint (BGR), so that a picture says where each of them is
INKS = ((255, 0, 0), (0, 255, 0), (0, 0, 255))
PLACES = np.array([[[18, 14, 2], [44, 14, 2], [31, 30, 2]]], np.float32)


def people(keypoints=PLACES, partners=PARTNERS):
    keypoints = np.array(keypoints, np.float32)
    box = [[8, 6, 56, 42]] * len(keypoints)
    return Shapes(
        np.zeros(len(keypoints), np.float32),
        np.array(box, np.float32).reshape(-1, 4),
        counts=np.zeros(len(keypoints), np.int64),
        keypoints=keypoints,
        flip_idx=partners,
    )


def drawn(partners=PARTNERS):
    image = np.full((48, 64, 3), 114, np.uint8)
    for ink, (x, y, _) in zip(INKS, PLACES[0], strict=True):
        cv2.rectangle(image, (int(x) - 4, int(y) - 4), (int(x) + 3, int(y) + 3), ink, -1)
    return Sample(image, people(partners=partners), 0, (48, 64))


def found(image, ink):
    """Centre of the pixels of a colour, None where there are too few."""
    near = np.abs(image.astype(int) - np.array(ink)).max(-1) < 60
    if near.sum() < 40:
        return None
    rows, columns = near.nonzero()
    return np.array([columns.mean() + 0.5, rows.mean() + 0.5])


def test_selecting_and_joining_keep_the_points_with_their_objects():
    shapes = people([PLACES[0], PLACES[0] + (5, 5, 0)])
    assert shapes.select(np.array([1])).keypoints[0, NOSE].tolist() == [36, 35, 2]
    joined = join_shapes([Shapes(), shapes, people()])
    assert joined.keypoints.shape == (3, 3, 3)
    assert joined.flip_idx is PARTNERS
    assert Shapes(np.zeros(2, np.float32), np.zeros((2, 4), np.float32)).keypoints.shape == (
        2,
        0,
        3,
    )
    assert join_shapes([Shapes(), Shapes()]).keypoints.shape == (0, 0, 3)


def test_moving_scales_the_points_and_leaves_visibility():
    moved = people().moved((2, 0.5), (3, 1))
    assert moved.keypoints[0].tolist() == [[39, 8, 2], [91, 8, 2], [65, 16, 2]]


@pytest.mark.parametrize(
    ("scale", "swapped"), [((-1, 1), True), ((1, -1), True), ((-1, -1), False), ((1, 1), False)]
)
def test_one_mirror_swaps_partners_and_two_turn(scale, swapped):
    """Mirrored both ways a picture is turned by half a circle: a left hand stays a left hand."""
    offset = (64 if scale[0] < 0 else 0, 48 if scale[1] < 0 else 0)
    matrix = np.diag([*scale, 1.0])
    matrix[:2, 2] = offset
    plain = people(partners=None).moved(scale, offset).keypoints
    expected = plain[:, PARTNERS] if swapped else plain
    for way in (people().moved(scale, offset), people().mapped(matrix)):
        assert np.allclose(way.keypoints, expected)


def test_points_out_of_the_picture_lose_their_visibility():
    shapes = people([[[2, 20, 1], [40, 20, 2], [20, 60, 2]]])
    kept = shapes.clipped((8, 0, 64, 48))
    assert kept.keypoints[0, :, 2].tolist() == [0, 2, 0]
    assert shapes.keypoints[0, :, 2].tolist() == [1, 2, 2]  # the cached labels stay as they are
    crossing = people([[[2, 20, 1], [40, 20, 2], [20, 60, 2]]]).clipped((20, 0, 64, 30))
    assert crossing.keypoints[0, :, 2].tolist() == [0, 2, 0]


@pytest.mark.parametrize("turning", [{}, {"degrees": 30, "shear": 8, "perspective": 0.0005}])
def test_points_stay_on_what_the_picture_shows(turning):
    """After any random map each visible point lies on its own colour: mirrored ones on the other's."""
    rng = np.random.default_rng(3)
    checked = mirrored_seen = 0
    for k in range(60):
        warp = RandomPerspective(96, scale=0.3, flipud=0.4, fliplr=0.5, **turning)
        state = rng.bit_generator.state
        matrix = warp.draw((48, 64), rng)
        rng.bit_generator.state = state
        is_mirror = np.linalg.det(matrix) < 0
        out = warp(drawn(), rng)
        for shape in out.shapes.keypoints:
            for number, (x, y, visible) in enumerate(shape):
                ink = INKS[PARTNERS[number] if is_mirror else number]
                at = found(out.image, ink)
                if at is None or not visible or min(x, y) < 8 or max(x, y) > 88:
                    continue
                assert np.abs(at - (x, y)).max() < 1.6, (k, number)
                checked += 1
                mirrored_seen += is_mirror
    assert checked > 60
    assert mirrored_seen > 20


@pytest.mark.parametrize("how", [{}, {"cutmix": 1.0}, {"mosaic": 0.0}, {"degrees": 20.0}])
def test_points_of_whole_training_samples_lie_on_what_they_mark(how):
    """Mosaics with every usual step: where a label says visible there is its own or its partner's colour."""
    plain = {"hsv_h": 0, "hsv_s": 0, "hsv_v": 0, "scale": 0.2, **how}
    augment = Augmentation.from_arguments(96, SimpleNamespace(**plain))
    rng = np.random.default_rng(1)
    checked = 0
    for _ in range(40):
        out = augment(0, lambda _: LetterBox(96, center=False).apply(drawn()), range(4), rng)
        for points in out.shapes.keypoints:
            for number, (x, y, visible) in enumerate(points):
                if not visible or not (4 < x < 92 and 4 < y < 92):
                    continue
                seen = out.image[int(y), int(x)].astype(int)
                inks = (INKS[number], INKS[PARTNERS[number]])
                assert min(np.abs(seen - np.array(ink)).max() for ink in inks) < 40
                checked += 1
    assert checked > 40


def test_every_transform_carries_points():
    rng = np.random.default_rng(0)
    boxed = LetterBox(96).apply(drawn())
    assert np.allclose(found(boxed.image, INKS[NOSE]), boxed.shapes.keypoints[0, NOSE, :2], atol=1)
    canvas = Mosaic(64)([drawn(), drawn(), drawn(), drawn()], rng)
    assert canvas.shapes.keypoints.shape == (4, 3, 3)
    assert mixup(drawn(), drawn(), rng).shapes.keypoints.shape == (2, 3, 3)
    seen = mirrored(drawn())
    assert np.allclose(found(seen.image, INKS[LEFT]), seen.shapes.keypoints[0, RIGHT, :2], atol=1)


def test_batches_have_fractions():
    empty = drawn()
    empty.shapes = empty.shapes.select(np.zeros(0, np.int64))
    rng = np.random.default_rng(0)
    make = Format(keypoints=True)
    batch = collate([make(drawn(), "a", rng), make(empty, "b", rng), make(drawn(), "c", rng)])
    assert batch["keypoints"].shape == (2, 3, 3)
    assert np.allclose(batch["keypoints"][1].numpy() * (64, 48, 1), PLACES[0])
    assert batch["batch_idx"].tolist() == [0, 2]
    assert "keypoints" not in Format()(drawn(), "a", rng)
