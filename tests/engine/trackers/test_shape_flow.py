"""Shapes followed without a model through drawn videos whose truth is known."""

from __future__ import annotations

import math

import cv2
import numpy as np
import pytest

from engine.data.annotations import (
    Box,
    Geometry,
    Keypoints,
    Mask,
    Polygon,
    Polyline,
    Tag,
    to_mask,
)
from engine.data.annotations.moved import moved
from engine.trackers.patches import likeness
from engine.trackers.shape_flow import ShapeFlow

WIDTH, HEIGHT, RADIUS = 160, 120, 18.0
FRAMES = 20
SEED = np.random.default_rng(5)
NOISE = [SEED.normal(0, 3, (HEIGHT, WIDTH, 3)) for _ in range(4)]


def texture(seed: int, side: tuple[int, int] = (HEIGHT, WIDTH)) -> np.ndarray:
    rough = np.random.default_rng(seed).integers(0, 255, (*side, 3), np.uint8)
    return cv2.normalize(cv2.GaussianBlur(rough, (0, 0), 2), None, 0, 255, cv2.NORM_MINMAX)


STREET, CLOTH = texture(1) // 2, texture(3, (48, 48))


def middle(i: int) -> tuple[float, float]:
    return 35 + 4.0 * i, 60 + 15 * math.sin(i / 5)


def motion(i: int, turn: float = 0.0, growth: float = 0.0) -> np.ndarray:
    """From the object's own pixels, the middle at 0, to frame i."""
    factor, angle, (x, y) = 1 + growth * i, turn * i, middle(i)
    cos, sin = factor * math.cos(angle), factor * math.sin(angle)
    return np.array([[cos, -sin, x], [sin, cos, y]])


def outline(i: int, round_: bool, **how: float) -> Polygon:
    if round_:
        at = [2 * math.pi * k / 32 for k in range(32)]
        points = tuple((RADIUS * math.cos(t), RADIUS * math.sin(t)) for t in at)
    else:
        points = ((-RADIUS, -RADIUS), (RADIUS, -RADIUS), (RADIUS, RADIUS), (-RADIUS, RADIUS))
    found = moved(Polygon(points), motion(i, **how))
    assert isinstance(found, Polygon)
    return found


def frame(i: int, round_: bool, plain: bool = False, **how: float) -> np.ndarray:
    picture = np.full_like(STREET, 70) if plain else STREET.copy()
    inside = to_mask(outline(i, round_, **how), HEIGHT, WIDTH).to_array() > 0
    thing = np.full_like(picture, (40, 200, 240))
    if not round_:
        shift = np.array([[1, 0, -23.5], [0, 1, -23.5]])
        place = np.vstack((motion(i, **how), (0, 0, 1))) @ np.vstack((shift, (0, 0, 1)))
        place[:2, 2] -= 0.5
        thing = cv2.warpAffine(CLOTH, place[:2], (WIDTH, HEIGHT))
    picture[inside] = thing[inside]
    return np.clip(picture + NOISE[i % 4], 0, 255).astype(np.uint8)


def iou(first: Geometry, second: Geometry) -> float:
    a, b = (to_mask(g, HEIGHT, WIDTH).to_array() for g in (first, second))
    return float((a & b).sum() / (a | b).sum())


@pytest.mark.parametrize(
    ("round_", "plain", "how"),
    [
        (True, True, {}),
        (True, False, {"growth": 0.01}),
        (False, False, {"turn": 0.07}),
        (False, False, {"turn": -0.04, "growth": 0.015}),
    ],
)
def test_what_moves_turns_and_grows_is_followed(
    round_: bool, plain: bool, how: dict[str, float]
) -> None:
    flow = ShapeFlow(frame(0, round_, plain, **how), [outline(0, round_, **how)])
    for i in range(1, FRAMES):
        (step,) = flow.step(frame(i, round_, plain, **how))
        assert step is not None
        assert iou(step.geometry, outline(i, round_, **how)) > 0.9
        assert step.confidence > 0.7


def test_what_is_covered_is_lost_and_stays_lost() -> None:
    flow = ShapeFlow(frame(0, False), [outline(0, False)])
    followed = []
    for i in range(1, FRAMES):
        picture = frame(i, False)
        if i > 8:
            picture[:, 40:] = 30
        followed.append(flow.step(picture)[0] is not None)
    assert followed[:8] == [True] * 8
    assert not any(followed[8:])
    assert flow.is_lost


def test_what_leaves_the_picture_is_followed_to_the_border() -> None:
    flow = ShapeFlow(frame(0, False), [outline(0, False)])
    steps = [flow.step(frame(i, False))[0] for i in range(1, 40)]
    last = max(i for i, step in enumerate(steps, 1) if step is not None)
    # The border is 160: at frame 31 the middle lies on it, at frame 36 all is outside.
    assert 28 <= last <= 34


def test_a_jump_is_searched() -> None:
    flow = ShapeFlow(frame(0, False), [outline(0, False)])
    (step,) = flow.step(frame(8, False))  # 32 pixels at once, nearly its own size
    assert step is not None
    assert iou(step.geometry, outline(8, False)) > 0.85


def test_red_on_green_of_one_brightness() -> None:
    def picture(i: int) -> np.ndarray:
        found = np.full((HEIGHT, WIDTH, 3), (0, 128, 0), np.uint8)
        x, y = middle(i)
        cv2.circle(found, (round(x), round(y)), 15, (0, 0, 251), -1)
        return found

    def box(i: int) -> Box:
        x, y = (round(v) + 0.5 for v in middle(i))
        return Box(x - 15.5, y - 15.5, x + 15.5, y + 15.5)

    flow = ShapeFlow(picture(0), [box(0)])
    for i in range(1, 10):
        (step,) = flow.step(picture(i))
        assert step is not None
        assert iou(step.geometry, box(i)) > 0.85


def test_every_kind_of_shape_keeps_its_kind() -> None:
    start, end = outline(0, False), outline(6, False)
    corners = start.exterior
    shapes: list[Geometry] = [
        start,
        Box(*start.bounds()),
        to_mask(start, HEIGHT, WIDTH),
        Polyline(corners),
        Keypoints(corners, (2, 2, 1, 0)),
        Tag(),
    ]
    flow = ShapeFlow(frame(0, False), shapes)
    for i in range(1, 7):
        steps = flow.step(frame(i, False))
    *found, tag = steps
    assert tag is None
    for shape, step in zip(shapes, found, strict=False):
        assert step is not None
        assert type(step.geometry) is type(shape)
        assert np.abs(np.subtract(step.geometry.bounds(), end.bounds())).max() < 2.5
    assert isinstance(found[2].geometry, Mask)
    assert found[4].geometry.visibility == (2, 2, 1, 0)


def test_without_any_contrast_nothing_is_claimed() -> None:
    blank = np.full((HEIGHT, WIDTH, 3), 90, np.uint8)
    flow = ShapeFlow(blank, [Box(40, 40, 80, 80)])
    assert flow.step(blank) == [None]
    assert likeness(blank[..., 0], blank[..., 0], np.ones((HEIGHT, WIDTH))) == 0.0
