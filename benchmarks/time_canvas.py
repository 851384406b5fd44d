"""Time the canvas with thousands of polygons: opening, pan, wheel zoom, hover, vertex drag, hit tests.

Each frame is timed from the event to its end. Real Qt events go to a real canvas over a picture of 4000 x 3000. Without a display Qt's offscreen platform draws with
the same raster code. A frame counts as painted when ``repaint`` has returned; ``..._cpu_ms`` is what the
window's thread used for it, which a busy machine does not change.
"""

from __future__ import annotations

import argparse
import os
import statistics
import time
from collections.abc import Callable

import numpy as np

from benchmarks.studio_window import wait

CLASS_NAMES = ("bolt", "nut", "washer", "gear")
PICTURE_WH = (4000, 3000)
CANVAS_WH = (1920, 1080)
FRAMES = 60
HITS = 300


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add how much lies on the canvas."""
    parser.add_argument("--polygons", type=int, default=10_000)
    parser.add_argument("--vertices", type=int, default=40)


class CanvasBenchmark:
    """A canvas full of polygons, and a hand that moves over it."""

    def __init__(self, polygons: int, vertices: int, seed: int = 0) -> None:
        from PySide6.QtTest import QTest

        from studio.app.launch import build_application
        from studio.canvas.view import CanvasView
        from studio.model.colors import class_color
        from studio.model.records import ClassDef
        from studio.theme.theme import Theme, find_theme

        self.application = build_application()
        self.theme = find_theme() or Theme(self.application, "dark")
        self.shapes = make_shapes(polygons, vertices, seed)
        self.canvas = CanvasView()
        self.canvas.resize(*CANVAS_WH)
        self.canvas.set_classes(
            [ClassDef(number, name, class_color(number)) for number, name in enumerate(CLASS_NAMES)]
        )
        self.canvas.edit_made.connect(lambda edit: self.canvas.update_shapes(edit.after))
        self.canvas.set_image(_noise_picture(seed), 1)
        self.canvas.show()
        QTest.qWaitForWindowExposed(self.canvas)

    def load(self) -> dict[str, float]:
        """Time from the shapes to a first frame, and until all of them are sharp."""
        start, cpu = time.perf_counter(), time.thread_time()
        self.canvas.set_shapes(self.shapes)
        self.canvas.repaint()
        first = time.perf_counter() - start
        wait(self.canvas.is_covered)
        self.canvas.repaint()
        visible, used = time.perf_counter() - start, time.thread_time() - cpu
        self._settle()
        return {
            "first_frame_ms": first * 1000,
            "all_shapes_visible_ms": visible * 1000,
            "all_shapes_visible_cpu_ms": used * 1000,
            "sharp_after_ms": (time.perf_counter() - start) * 1000,
        }

    def zoom(self) -> dict[str, float]:
        """Time quarter notches of the wheel, in and out again."""
        self._view(1.0)
        turns = [30 if frame < FRAMES // 2 else -30 for frame in range(FRAMES)]
        return self._frames("zoom_frame", [lambda turn=turn: self._wheel(turn) for turn in turns])

    def zoom_settle(self) -> dict[str, float]:
        """Time from the last turn of the wheel until everything is sharp."""
        self._view(1.0)
        self._wheel(120)
        start = time.perf_counter()
        self._settle()
        return {"sharp_after_zoom_ms": (time.perf_counter() - start) * 1000}

    def pan(self, times_fit: float, name: str) -> dict[str, float]:
        """Time dragging the picture there and back."""
        from PySide6.QtCore import QEvent, QPoint, Qt

        self._view(times_fit)
        middle = Qt.MouseButton.MiddleButton
        self._mouse(QEvent.Type.MouseButtonPress, QPoint(960, 540), middle, middle)
        half = FRAMES // 2
        places = [QPoint(960 - 8 * (half - abs(half - n)), 540 - n) for n in range(FRAMES)]
        move = QEvent.Type.MouseMove
        steps = [lambda place=place: self._mouse(move, place, held=middle) for place in places]
        figures = self._frames(name, steps)
        self._mouse(QEvent.Type.MouseButtonRelease, places[-1], middle)
        return figures

    def hover(self) -> dict[str, float]:
        """Time moving the mouse over the fitted picture; the frame repaints only what changed."""
        from PySide6.QtCore import QEvent, QPoint

        self._view(1.0)
        places = [QPoint(200 + 15 * n, 300 + 3 * n) for n in range(FRAMES)]
        steps = [lambda place=place: self._mouse(QEvent.Type.MouseMove, place) for place in places]
        handled = self._frames("hover", steps, repaint=False)
        return handled | self._frames("hover_frame", steps, whole=False)

    def hit(self) -> dict[str, float]:
        """Time asking which shape lies under a point, as every move of the mouse does."""
        rng = np.random.default_rng(1)
        places = rng.uniform((0, 0), PICTURE_WH, (HITS, 2)).tolist()
        times = []
        for x, y in places:
            start = time.thread_time()
            self.canvas.scene.shapes_at(x, y, 6.0)
            times.append((time.thread_time() - start) * 1000)
        p95 = sorted(times)[int(HITS * 0.95)]
        return {"hit_test_cpu_ms": statistics.median(times), "hit_test_p95_cpu_ms": p95}

    def drag_vertex(self) -> dict[str, float]:
        """Time reshaping one polygon at three times the fitted size."""
        from PySide6.QtCore import QEvent, QPoint, Qt

        self._view(3.0)
        left = Qt.MouseButton.LeftButton
        shape = self._shape_in_view()
        self.canvas.select([shape.id])
        x, y = self.canvas.viewport.to_device(*shape.geometry.exterior[5])
        place = QPoint(round(x), round(y))
        self._mouse(QEvent.Type.MouseMove, place)
        self._mouse(QEvent.Type.MouseButtonPress, place, left, left)
        move = QEvent.Type.MouseMove
        stops = [place + QPoint(n, n // 2) for n in range(1, FRAMES)]
        steps = [lambda stop=stop: self._mouse(move, stop, held=left) for stop in stops]
        figures = self._frames("vertex_drag_frame", steps, whole=False)
        start = time.perf_counter()
        self._mouse(QEvent.Type.MouseButtonRelease, stops[-1], left)
        self.application.processEvents()
        return figures | {"vertex_release_ms": (time.perf_counter() - start) * 1000}

    def _frames(
        self,
        name: str,
        steps: list[Callable[[], object]],
        *,
        repaint: bool = True,
        whole: bool = True,
    ) -> dict[str, float]:
        """Time each step with its frame; ``whole`` repaints the canvas, else only what it asked for."""
        walls, used = [], []
        for step in steps:
            wall, cpu = time.perf_counter(), time.thread_time()
            step()
            if repaint and whole:
                self.canvas.repaint()
            elif repaint:
                self.application.processEvents()
            walls.append((time.perf_counter() - wall) * 1000)
            used.append((time.thread_time() - cpu) * 1000)
            self.application.processEvents()
        return {
            f"{name}_ms": statistics.median(walls),
            f"{name}_p95_ms": sorted(walls)[int(len(walls) * 0.95)],
            f"{name}_cpu_ms": statistics.median(used),
            f"{name}_p95_cpu_ms": sorted(used)[int(len(used) * 0.95)],
        }

    def _view(self, times_fit: float) -> None:
        self.canvas.fit()
        self.canvas.viewport.set_scale(self.canvas.zoom * times_fit)
        self.canvas.repaint()
        self._settle()

    def _settle(self) -> None:
        """Wait until everything in view is sharp."""
        wait(self.canvas.is_settled)

    def _shape_in_view(self):
        x1, y1, x2, y2 = self.canvas.viewport.visible()
        third = (x2 - x1) / 3, (y2 - y1) / 3
        middle = (x1 + third[0], y1 + third[1], x2 - third[0], y2 - third[1])
        return self.canvas.scene.shapes_touching(middle)[0]

    def _wheel(self, turn: int) -> None:
        from PySide6.QtCore import QPoint, QPointF, Qt
        from PySide6.QtGui import QWheelEvent

        place = QPointF(500, 400)
        event = QWheelEvent(
            place,
            self.canvas.mapToGlobal(place),
            QPoint(),
            QPoint(0, turn),
            Qt.MouseButton.NoButton,
            Qt.KeyboardModifier.NoModifier,
            Qt.ScrollPhase.NoScrollPhase,
            False,
        )
        self.application.sendEvent(self.canvas, event)

    def _mouse(self, kind, place, button=None, held=None) -> None:
        from PySide6.QtCore import QPointF, Qt
        from PySide6.QtGui import QMouseEvent

        none = Qt.MouseButton.NoButton
        event = QMouseEvent(
            kind,
            QPointF(place),
            QPointF(self.canvas.mapToGlobal(place)),
            button or none,
            held or none,
            Qt.KeyboardModifier.NoModifier,
        )
        self.application.sendEvent(self.canvas, event)


def make_shapes(count: int, vertices: int, seed: int = 0) -> list:
    """Return wavy blobs of ``vertices`` points, 25 to 50 pixels in radius, all over the picture."""
    from engine.data.annotations import Polygon
    from studio.model.records import Shape

    rng = np.random.default_rng(seed)
    angles = np.linspace(0, 2 * np.pi, vertices, endpoint=False)
    shapes = []
    for number in range(count):
        center = rng.uniform((60, 60), (PICTURE_WH[0] - 60, PICTURE_WH[1] - 60))
        wave = 1 + 0.15 * np.sin(3 * angles + number) + 0.03 * rng.standard_normal(vertices)
        radius = rng.uniform(25, 50) * wave
        points = center + np.stack([np.cos(angles), np.sin(angles)], axis=1) * radius[:, None]
        polygon = Polygon.of(points.round(1).tolist())
        shapes.append(Shape(number + 1, 1, number % len(CLASS_NAMES), polygon, z=number))
    return shapes


def run(options: argparse.Namespace) -> dict[str, object]:
    """Return the figures; each time is the median over the frames, p95 beside it."""
    os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
    bench = CanvasBenchmark(options.polygons, options.vertices)
    figures: dict[str, object] = {
        "polygons": options.polygons,
        "vertices": options.vertices,
        "picture": list(PICTURE_WH),
        "canvas": list(CANVAS_WH),
        "platform": bench.application.platformName(),
    }
    figures |= bench.load()
    rounds: list[dict[str, float]] = []
    for _ in range(options.repeats):
        rounds.append(
            bench.zoom()
            | bench.zoom_settle()
            | bench.pan(1.0, "pan_frame")
            | bench.pan(3.0, "pan_at_3x_frame")
            | bench.hover()
            | bench.hit()
            | bench.drag_vertex()
        )
    for name in rounds[0]:
        figures[name] = statistics.median(each[name] for each in rounds)
    return {key: round(v, 3) if isinstance(v, float) else v for key, v in figures.items()}


def _noise_picture(seed: int):
    from PySide6.QtGui import QImage

    rng = np.random.default_rng(seed)
    width, height = PICTURE_WH
    coarse = rng.integers(50, 130, (height // 8, width // 8, 4), dtype=np.uint8)
    pixels = np.ascontiguousarray(coarse.repeat(8, axis=0).repeat(8, axis=1))
    return QImage(pixels.data, width, height, 4 * width, QImage.Format.Format_RGB32).copy()
