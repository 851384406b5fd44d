"""Scissors: the line follows the edges of a drawn picture, from click to click."""

from __future__ import annotations

from math import cos, dist, pi, sin
from typing import Any

import cv2
import numpy as np
import pytest

from engine.data.annotations import Polygon
from studio.model.edits import AddShapes
from studio.tools.live_wire import LiveWire
from studio.tools.scene import Scene
from studio.tools.scissors import ScissorsTool

MIDDLE, RADIUS = (200, 150), 90


@pytest.fixture
def disc(scene: Scene) -> None:
    """A picture with a bright disc, and no shapes."""
    pixels = np.full((300, 400, 3), 50, np.uint8)
    cv2.circle(pixels, MIDDLE, RADIUS, (210, 180, 90), -1, cv2.LINE_AA)
    scene.pixels = lambda x1, y1, x2, y2: pixels[y1:y2, x1:x2].copy()
    scene.set_shapes(())


@pytest.fixture
def scissors(disc: None, new_hand: Any) -> Any:
    """A hand with the scissors over the disc."""
    return new_hand(ScissorsTool)


def on_rim(turn: float) -> tuple[float, float]:
    """Return a place on the rim, a share of the whole turn from the right."""
    return MIDDLE[0] + RADIUS * cos(2 * pi * turn), MIDDLE[1] + RADIUS * sin(2 * pi * turn)


def test_four_clicks_cut_a_disc_out(scissors: Any) -> None:
    for turn in (0, 0.25, 0.5, 0.75):
        scissors.click(*on_rim(turn), ctrl=True)
    edit = scissors.click(*on_rim(0), ctrl=True)
    assert isinstance(edit, AddShapes)
    polygon = edit.shapes[0].geometry
    assert isinstance(polygon, Polygon)
    assert polygon.area() == pytest.approx(pi * RADIUS**2, rel=0.03)
    assert all(abs(dist(point, MIDDLE) - RADIUS) < 4 for point in polygon.exterior)
    assert len(polygon.exterior) < 120
    assert scissors.leaves_nothing()


def test_enter_finds_the_way_back_and_alt_goes_straight(scissors: Any) -> None:
    for turn in (0, 0.25):
        scissors.click(*on_rim(turn), ctrl=True)
    curved = scissors.key("enter").shapes[0].geometry
    assert curved.area() < 2500  # there and back along the same rim
    scissors.click(*on_rim(0), ctrl=True)
    scissors.click(*on_rim(0.25), alt=True)
    assert len(scissors.tool.points) == 2


def test_the_line_shows_before_the_click_with_only_what_was_clicked_as_vertices(
    scissors: Any,
) -> None:
    scissors.click(*on_rim(0), ctrl=True)
    scissors.move(*on_rim(0.2), ctrl=True)
    preview = scissors.tool.preview()
    assert len(preview.trail) > 5
    assert all(abs(dist(point, MIDDLE) - RADIUS) < 4 for point in preview.trail)
    scissors.click(*on_rim(0.2), ctrl=True)
    preview = scissors.tool.preview()
    assert len(preview.path) > 5
    assert len(preview.anchors) == 2


def test_a_line_that_was_laid_aside_goes_on_along_edges_and_is_not_lost_to_backspace(
    scissors: Any,
) -> None:
    for turn in (0, 0.2):
        scissors.click(*on_rim(turn), ctrl=True)
    points = tuple(scissors.tool.points)
    scissors.tool.cancel()
    scissors.tool.resume(points)
    scissors.move(*on_rim(0.4), ctrl=True)
    assert len(scissors.tool.preview().trail) > 5
    scissors.click(*on_rim(0.4), ctrl=True)
    assert len(scissors.tool.points) > len(points) + 5
    scissors.key("backspace")
    assert tuple(scissors.tool.points) == points
    scissors.key("backspace")
    assert tuple(scissors.tool.points) == points[:-1]


def test_backspace_takes_a_whole_piece_back(scissors: Any) -> None:
    for turn in (0, 0.2, 0.4):
        scissors.click(*on_rim(turn), ctrl=True)
    many = len(scissors.tool.points)
    scissors.key("backspace")
    assert 1 < len(scissors.tool.points) < many
    scissors.key("backspace")
    assert len(scissors.tool.points) == 1
    scissors.key("backspace")
    assert scissors.leaves_nothing()


def test_without_a_picture_the_line_is_straight_and_that_is_said(
    scissors: Any, scene: Scene
) -> None:
    scene.pixels = lambda *_: None
    scissors.click(*on_rim(0), ctrl=True)
    assert "still being read" in scissors.tool.notice.take()
    scissors.move(*on_rim(0.25), ctrl=True)
    assert scissors.tool.preview().trail == ()


def test_a_large_reach_sees_coarser_edges(disc: None, scene: Scene) -> None:
    wire = LiveWire(scene.pixels, scene.size_wh)
    assert wire.root_at(on_rim(0.5), 2000.0)
    way = wire.way_to(on_rim(0.75))
    assert max(abs(dist(point, MIDDLE) - RADIUS) for point in way) < 12
    assert not wire.root_at((500.0, 20.0), 100.0)
    assert wire.way_to((10.0, 10.0)) == []
