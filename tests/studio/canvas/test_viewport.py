"""Zoom, pan and fit as plain numbers."""

from __future__ import annotations

import pytest

from studio.canvas.viewport import MAX_SCALE, Viewport


@pytest.fixture
def viewport() -> Viewport:
    viewport = Viewport()
    viewport.resize((1000, 600))
    viewport.set_image((400, 300))
    return viewport


def test_fit_shows_the_whole_picture_in_the_middle(viewport: Viewport) -> None:
    assert viewport.scale == pytest.approx((600 - 48) / 300)
    x1, y1 = viewport.to_device(0, 0)
    x2, y2 = viewport.to_device(400, 300)
    assert (x1 + x2) / 2 == pytest.approx(500, abs=1)
    assert (y1 + y2) / 2 == pytest.approx(300, abs=1)


def test_a_tiny_picture_is_not_blown_up_without_end(viewport: Viewport) -> None:
    viewport.set_image((4, 4))
    assert viewport.scale == 8.0


def test_there_and_back(viewport: Viewport) -> None:
    viewport.set_scale(3.7, 100, 100)
    assert viewport.to_device(*viewport.to_image(123, 456)) == pytest.approx((123, 456))


@pytest.mark.parametrize("factor", [1.2, 1 / 1.2, 1.01])
def test_the_point_under_the_cursor_stays(viewport: Viewport, factor: float) -> None:
    before = viewport.to_image(420, 250)
    for _ in range(12):
        viewport.zoom_about(420, 250, factor)
    assert viewport.to_device(*before) == pytest.approx((420, 250), abs=1.0)


def test_zoom_has_ends(viewport: Viewport) -> None:
    viewport.zoom_about(500, 300, 1e9)
    assert viewport.scale == MAX_SCALE
    viewport.zoom_about(500, 300, 1e-12)
    assert viewport.scale == pytest.approx(min(viewport.fit_scale() / 4, 1.0))


def test_origin_is_in_whole_device_pixels(viewport: Viewport) -> None:
    viewport.pan(0.4, 0.4)
    viewport.pan(0.4, 0.4)
    assert all(isinstance(part, int) for part in viewport.origin)
    here = viewport.origin
    viewport.pan(1, 0)
    assert viewport.origin == (here[0] + 1, here[1])


def test_panning_cannot_lose_the_picture(viewport: Viewport) -> None:
    viewport.pan(1e6, -1e6)
    x1, y1, x2, y2 = viewport.visible()
    assert x1 < 400
    assert x2 > 0
    assert y1 < 300
    assert y2 > 0


def test_resizing_keeps_a_fitted_picture_fitted_and_else_the_middle(viewport: Viewport) -> None:
    viewport.resize((500, 500))
    assert viewport.scale == pytest.approx((500 - 48) / 400)
    viewport.set_scale(2.0)
    middle = viewport.to_image(250, 250)
    viewport.resize((700, 300))
    assert viewport.scale == 2.0
    assert viewport.to_image(350, 150) == pytest.approx(middle, abs=0.5)


def test_show_rect_brings_a_part_into_the_middle(viewport: Viewport) -> None:
    viewport.show_rect(100, 100, 120, 110)
    x, y = viewport.to_device(110, 105)
    assert (x, y) == pytest.approx((500, 300), abs=1)
    assert viewport.scale == pytest.approx(16.0)
    viewport.show_rect(0, 0, 400, 300)
    assert viewport.scale == pytest.approx(viewport.fit_scale())


def test_no_picture_is_no_trouble() -> None:
    viewport = Viewport()
    viewport.resize((100, 100))
    viewport.fit()
    viewport.zoom_about(5, 5, 2.0)
    assert viewport.scale == 2.0
