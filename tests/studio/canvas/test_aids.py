"""Rulers, minimap, crosshair and the measured length on a real canvas; the draft of many shapes."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from PySide6.QtCore import QPoint, QRect, Qt
from PySide6.QtGui import QImage
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication

from engine.data.annotations import Box, Keypoints, Polygon, Polyline
from studio.canvas.draft import draw_draft
from studio.canvas.label_content import Drawable
from studio.canvas.rulers import nice_step
from studio.canvas.styles import Styles
from studio.model.calibration import Calibration
from studio.model.records import ClassDef, Shape
from studio.tools.scene import Entry

LEFT = Qt.MouseButton.LeftButton


def alpha(image: QImage) -> np.ndarray:
    flat = np.frombuffer(image.constBits(), np.uint8)
    return flat.reshape(image.height(), image.width(), 4)[..., 3]


@pytest.mark.parametrize(
    ("smallest", "step"), [(72, 100), (1, 1), (1.01, 2), (2.5, 5), (0.03, 0.05), (0.2, 0.2)]
)
def test_rulers_count_in_round_steps(smallest: float, step: float) -> None:
    assert nice_step(smallest) == pytest.approx(step)


def test_the_minimap_shows_only_what_helps_and_leads_elsewhere(studio: Any) -> None:
    view, minimap = studio.view, studio.view.aids.minimap
    view.aids.set_minimap(True)
    assert minimap.isHidden()  # the whole picture is in view
    view.set_zoom(8.0)
    assert minimap.isVisible()
    assert minimap.geometry().right() < view.width()
    spot = QPoint(minimap.width() // 4, minimap.height() * 3 // 4)
    QTest.mouseClick(minimap, LEFT, pos=spot)
    x1, y1, x2, y2 = view.viewport.visible()
    assert ((x1 + x2) / 2, (y1 + y2) / 2) == pytest.approx((100, 225), abs=3)
    assert view.scene.selection == ()
    view.fit()
    assert minimap.isHidden()


def test_rulers_lie_along_the_edges_and_let_clicks_through(studio: Any) -> None:
    view = studio.view
    level, upright = view.aids.rulers
    assert level.isHidden()
    view.aids.set_rulers(True)
    assert (level.width(), upright.height()) == (view.width() - 20, view.height() - 20)
    plain = level.grab().toImage()
    view.aids.set_calibration(Calibration(37.0, "mm"))
    assert level.grab().toImage() != plain
    studio.move(200, 150)
    marked = level.grab().toImage()
    studio.move(220, 150)
    assert level.grab().toImage() != marked
    view.aids.set_rulers(False)
    assert level.isHidden()


def test_the_crosshair_follows_with_every_tool_and_never_twice(studio: Any) -> None:
    view = studio.view
    view.aids.set_crosshair(True)
    view.set_tool("select")
    studio.move(200, 20)
    level, upright = view.aids.lines
    assert level.isVisible()
    assert upright.isVisible()
    place = studio.place(200, 20)
    assert abs(level.y() - place.y()) <= 1
    assert abs(upright.x() - place.x()) <= 1
    view.set_tool("measure")  # it draws its own
    studio.move(210, 25)
    assert level.isHidden()
    view.set_tool("select")
    studio.move(215, 25)
    view.aids.set_crosshair(False)
    assert level.isHidden()


def test_the_measured_length_stands_beside_its_line(studio: Any) -> None:
    view = studio.view
    view.set_snapping(False)
    view.set_tool("measure")
    view.aids.set_calibration(Calibration(10.0, "mm"))
    studio.drag((20, 20), (60, 20), (120, 20))
    QApplication.processEvents()
    label = view.aids.length
    assert label.isVisible()
    assert label.text().startswith("10")
    assert "mm" in label.text()
    assert studio.edits == []
    studio.key(Qt.Key.Key_Escape)
    studio.move(30, 30)
    assert label.isHidden()


def test_a_draft_shows_every_kind_of_shape_where_it_is() -> None:
    styles = Styles([ClassDef(0, "bolt", "#e69f00")])
    geometries = [
        Polygon(((10, 10), (60, 10), (60, 60), (10, 60)), (((18, 18), (52, 18), (35, 52)),)),
        Box(100, 10, 150, 60),
        Polyline(((10, 100), (60, 130))),
        Keypoints(((120, 120),), (2,)),
    ]
    drawables = [
        Drawable(number, Entry(Shape(number, 1, 0, geometry)), styles.style(0))
        for number, geometry in enumerate(geometries)
    ]
    for scale in (1.0, 0.5):
        size = round(200 * scale)
        shown = alpha(draw_draft(QRect(0, 0, size, size), scale, drawables))

        def at(x: float, y: float, shown: np.ndarray = shown, scale: float = scale) -> int:
            return int(shown[round(y * scale), round(x * scale)])

        assert at(60, 40) == 255  # outlines
        assert at(100, 40) == 255
        assert at(35, 115) == 255
        assert at(120, 120) == 255
        assert 30 < at(15, 50) < 70  # areas
        assert at(35, 31) == 0  # the hole
        assert at(180, 180) == 0
    moved = alpha(draw_draft(QRect(100, 0, 60, 80), 1.0, drawables))
    assert moved[40, 0] == 255


def test_many_shapes_show_as_a_draft_before_they_are_sharp(new_studio: Any, qtbot: Any) -> None:
    studio = new_studio()
    studio.show()
    rng = np.random.default_rng(0)
    corners = rng.uniform(0, (380, 280), (900, 2))
    shapes = [
        Shape(n, 7, 0, Polygon(((x, y), (x + 9, y), (x + 12, y + 9), (x, y + 8))), z=n)
        for n, (x, y) in enumerate(corners.tolist(), 1)
    ]
    studio.view.set_shapes(shapes)
    studio.view.repaint()
    qtbot.waitUntil(studio.view.is_covered, timeout=10_000)
    early = studio.view.grab().toImage().convertToFormat(QImage.Format.Format_RGB32)
    studio.settle()
    sharp = studio.shot()
    a, b = (np.frombuffer(i.constBits(), np.uint8).astype(int) for i in (early, sharp))
    assert np.corrcoef(a, b)[0, 1] > 0.75  # nearly the same picture
    assert np.abs(b - 64).mean() > 15  # full of shapes
