"""What the worker does to follow shapes, called in this process with real pictures and real segmenters."""

from __future__ import annotations

from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from engine.data.annotations import Box, Geometry, Mask, Polygon, to_mask
from engine.runtime.errors import ModelError
from studio.jobs.messages import Followed, MarkedShape, Progress, Track, TrackingDone
from studio.jobs.tracking import track
from studio.jobs.worker import CancelledError, Context

WIDTH, HEIGHT, RADIUS = 160, 120, 18
MIDDLES = [(40 + 5 * i, 50 + 2 * i) for i in range(5)]


@pytest.fixture
def frames(tmp_path: Path) -> list[tuple[int, str]]:
    """Five pictures of a disc that moves, with keys 10 to 14."""
    ground = np.random.default_rng(0).integers(30, 90, (30, 40, 3), np.uint8)
    ground = cv2.resize(ground, (WIDTH, HEIGHT), interpolation=cv2.INTER_CUBIC)
    made = []
    for i, middle in enumerate(MIDDLES):
        picture = cv2.circle(ground.copy(), middle, RADIUS, (40, 200, 240), -1)
        path = tmp_path / f"{i}.png"
        cv2.imwrite(str(path), picture)
        made.append((10 + i, str(path)))
    return made


def disc(i: int, radius: float = RADIUS) -> Polygon:
    (x, y), at = MIDDLES[i], np.linspace(0, 2 * np.pi, 24, endpoint=False)
    points = zip(x + 0.5 + radius * np.cos(at), y + 0.5 + radius * np.sin(at), strict=True)
    return Polygon(tuple((float(a), float(b)) for a, b in points))


def run(request: Track, stop: Callable[[], bool] = lambda: False) -> tuple[TrackingDone, list[Any]]:
    sent: list[Any] = []
    done = track(request, Context(1, sent.append, stop))
    return done, sent


def iou(first: Geometry, second: Geometry) -> float:
    a, b = (to_mask(g, HEIGHT, WIDTH).to_array() > 0 for g in (first, second))
    return float((a & b).sum() / (a | b).sum())


def test_by_motion_each_image_is_told_with_the_track(frames: list[tuple[int, str]]) -> None:
    shapes = (MarkedShape(7, "disc", disc(0)), MarkedShape(9, "disc", Box(*disc(0).bounds())))
    done, sent = run(Track(1, tuple(frames), shapes))
    told = [report for report in sent if isinstance(report, Followed)]
    assert [report.key for report in told] == [11, 12, 13, 14]
    for i, report in enumerate(told, 1):
        outline, box = report.shapes
        assert (outline.track, box.track) == (7, 9)
        assert iou(outline.geometry, disc(i)) > 0.9
        assert isinstance(box.geometry, Box)
    assert done == TrackingDone(4, ((7, 14), (9, 14)))
    assert [r for r in sent if isinstance(r, Progress)][-1].done == 4


def test_an_unreadable_image_and_one_of_another_size_are_passed_over(
    frames: list[tuple[int, str]],
) -> None:
    Path(frames[1][1]).write_bytes(b"nothing")
    cv2.imwrite(frames[3][1], np.zeros((20, 20, 3), np.uint8))
    _, sent = run(Track(1, tuple(frames), (MarkedShape(1, "disc", disc(0)),)))
    told = [report for report in sent if isinstance(report, Followed)]
    assert [(r.key, r.problem is None) for r in told] == [
        (11, False), (12, True), (13, False), (14, True),
    ]  # fmt: skip
    assert iou(told[-1].shapes[0].geometry, disc(4)) > 0.9


@pytest.mark.parametrize("kind", ["polygon", "mask"])
def test_outlined_again_a_rough_shape_becomes_exact(
    frames: list[tuple[int, str]], kind: str
) -> None:
    rough: Geometry = disc(0, RADIUS * 1.18)
    rough = to_mask(rough, HEIGHT, WIDTH) if kind == "mask" else rough
    shapes = (MarkedShape(1, "disc", rough),)
    plain, better = (
        [r for r in run(Track(1, tuple(frames[:3]), shapes, segmenter=s))[1] if isinstance(r, Followed)]
        for s in ("", "classic")
    )  # fmt: skip
    for i, (before, after) in enumerate(zip(plain, better, strict=True), 1):
        found = after.shapes[0].geometry
        assert isinstance(found, Mask if kind == "mask" else Polygon)
        assert iou(found, disc(i)) > 0.93 > iou(before.shapes[0].geometry, disc(i))


def square(i: int) -> Polygon:
    x, y = 6.0 + 4 * i, 8.0 + 2 * i
    return Polygon(((x, y), (x + 24, y), (x + 24, y + 24), (x, y + 24)))


@pytest.fixture
def squares(tmp_path: Path) -> list[tuple[int, str]]:
    """Five pictures of a bright square that moves, out of sight on the third, with keys 20 to 24."""
    noise = np.random.default_rng(3).integers(0, 60, (64, 64, 3), np.uint8)
    made = []
    for i in range(5):
        picture, (x1, y1, x2, y2) = noise.copy(), map(int, square(i).bounds())
        if i != 2:
            picture[y1:y2, x1:x2] = 220
        path = tmp_path / f"square{i}.png"
        cv2.imwrite(str(path), picture)
        made.append((20 + i, str(path)))
    return made


@pytest.mark.parametrize("kind", [Polygon, Box])
def test_by_a_trained_model_what_it_finds_takes_the_track_on(
    squares: list[tuple[int, str]], square_model: Any, kind: type
) -> None:
    first = square(0) if kind is Polygon else Box(*square(0).bounds())
    shapes = (MarkedShape(5, "square", first),)
    model = str(square_model.ckpt_path)
    done, sent = run(Track(1, tuple(squares), shapes, "model", model, arguments={"imgsz": 64}))
    told = {report.key: report.shapes for report in sent if isinstance(report, Followed)}
    assert list(told) == [21, 22, 23, 24]
    assert told[22] == ()  # nobody sees it there
    for i in (1, 3, 4):
        (found,) = told[20 + i]
        assert found.track == 5
        assert isinstance(found.geometry, kind)
        assert found.score > 0.1
        assert iou(found.geometry, square(i)) > 0.6
    assert done == TrackingDone(4, ((5, 24),))


def test_given_up_it_ends_between_two_images(frames: list[tuple[int, str]]) -> None:
    with pytest.raises(CancelledError):
        run(Track(1, tuple(frames), (MarkedShape(1, "disc", disc(0)),)), lambda: True)


@pytest.mark.skipif(find_spec("sam2") is not None, reason="the package is there and would be asked")
def test_sam2_says_what_to_install(frames: list[tuple[int, str]]) -> None:
    with pytest.raises(ModelError, match="sam2") as caught:
        run(Track(1, tuple(frames), (MarkedShape(1, "disc", disc(0)),), "sam2"))
    assert "pip install sam2" in str(caught.value)
