"""Time the tools that work on pixels and outlines, on a picture of 4000 x 3000: brush, eraser, wand, scissors, snapping polygon.

Real Qt events go to a real canvas of 1920 x 1080. A step is one movement of the mouse with the frame that it asks for;
``..._cpu_ms`` is what the window's thread used for it. What the tools finish is put on the canvas, not into a project.
"""

from __future__ import annotations

import argparse
import os
import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np

from benchmarks.studio_window import wait

PICTURE_WH = (4000, 3000)
CANVAS_WH = (1920, 1080)
STEPS = 80
Place = tuple[float, float]


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the size of the brush and how many neighbours attract points."""
    parser.add_argument("--brush", type=int, default=120, help="diameter in pixels of the image")
    parser.add_argument("--polygons", type=int, default=2000)


class ToolBenchmark:
    """A canvas with a picture of discs, and a hand with the tools."""

    def __init__(self, brush: int, polygons: int) -> None:
        from PySide6.QtTest import QTest

        from benchmarks.time_canvas import make_shapes
        from studio.app.launch import build_application
        from studio.canvas.view import CanvasView
        from studio.model.records import ClassDef
        from studio.theme.theme import Theme, find_theme

        self.application = build_application()
        self.theme = find_theme() or Theme(self.application, "dark")
        self.neighbours = make_shapes(polygons, 40)
        self.canvas = CanvasView()
        self.canvas.resize(*CANVAS_WH)
        self.canvas.set_classes([ClassDef(0, "bolt", "#e69f00"), ClassDef(1, "nut", "#56b4e9")])
        self.canvas.set_current_class(0)
        self.canvas.edit_made.connect(self._apply)
        self.canvas.set_image(_discs(), 1)
        self.canvas.set_option("brush_size", brush)
        self.canvas.show()
        QTest.qWaitForWindowExposed(self.canvas)

    def brush(self) -> dict[str, float]:
        """Time a long stroke over the whole picture, its end, and taking pixels off the large mask again."""
        self._begin("brush")
        across = _zigzag()
        figures = self._stroke("brush", across)
        figures |= self._stroke("brush_on_large_mask", [(x, y + 40) for x, y in across])
        self.canvas.set_tool("eraser")
        return figures | self._stroke("eraser", [(x, y + 20) for x, y in across])

    def wand(self) -> dict[str, float]:
        """Time a click on the background, which is most of the picture, and dragging for another tolerance."""
        self._begin("wand")
        self.canvas.set_option("tolerance", 10)
        places = [(30.0 + 6 * step, 30.0) for step in range(STEPS // 4)]
        return self._stroke("wand", places)

    def scissors(self) -> dict[str, float]:
        """Time clicks along a rim, and moving between them."""
        self._begin("scissors")
        self.canvas.viewport.set_scale(1.0)
        self.canvas.repaint()
        middle, radius = (2000.0, 1500.0), 400.0
        turns = np.linspace(0.0, 1.2, 5)
        clicks, moves = [], []
        for turn in turns:
            place = _on_rim(middle, radius, turn)
            moves += self._steps(
                [_on_rim(middle, radius, turn - share) for share in (0.2, 0.1, 0.05)]
            )
            clicks += self._timed([lambda place=place: self._press(place)])
            self._release(place)
        return _figures("scissors_move", moves) | _figures("scissors_click", clicks)

    def snapping(self) -> dict[str, float]:
        """Time moving with an open outline among many neighbours, following their borders."""
        self._begin("polygon", self.neighbours)
        self.canvas.set_option("follow", True)
        self._press((500.0, 500.0))
        self._release((500.0, 500.0))
        places = [(500.0 + 30 * step, 500.0 + 17 * step) for step in range(STEPS)]
        figures = _figures("snap_move", self._steps(places))
        self.canvas.set_option("follow", False)
        return figures

    def _begin(self, tool: str, shapes: Sequence[object] = ()) -> None:
        self.canvas.set_shapes(shapes)
        self.canvas.set_tool(tool)
        self.canvas.select([])
        self.canvas.fit()
        self.canvas.repaint()
        self._settle()

    def _stroke(self, name: str, places: Sequence[Place]) -> dict[str, float]:
        """Time press, moves and release."""
        self._steps(places[:1])
        press = self._timed([lambda: self._press(places[0])])
        moves = self._steps(places[1:], held=True)
        release = self._timed([lambda: self._release(places[-1])])
        self._settle()
        return (
            _figures(f"{name}_press", press)
            | _figures(name, moves)
            | _figures(f"{name}_end", release)
        )

    def _steps(self, places: Sequence[Place], held: bool = False) -> list[tuple[float, float]]:
        return self._timed([lambda place=place: self._move(place, held) for place in places])

    def _timed(self, steps: Sequence[Callable[[], object]]) -> list[tuple[float, float]]:
        """Return wall and processor time in ms of each step with the frame that it asks for."""
        times = []
        for step in steps:
            wall, cpu = time.perf_counter(), time.thread_time()
            step()
            self.application.processEvents()
            times.append(((time.perf_counter() - wall) * 1000, (time.thread_time() - cpu) * 1000))
        return times

    def _move(self, place: Place, held: bool) -> None:
        from PySide6.QtCore import QEvent, Qt

        left = Qt.MouseButton.LeftButton
        self._mouse(QEvent.Type.MouseMove, place, None, left if held else None)

    def _press(self, place: Place) -> None:
        from PySide6.QtCore import QEvent, Qt

        left = Qt.MouseButton.LeftButton
        self._mouse(QEvent.Type.MouseButtonPress, place, left, left)

    def _release(self, place: Place) -> None:
        from PySide6.QtCore import QEvent, Qt

        self._mouse(QEvent.Type.MouseButtonRelease, place, Qt.MouseButton.LeftButton)

    def _mouse(self, kind, place: Place, button=None, held=None) -> None:
        from PySide6.QtCore import QPointF, Qt
        from PySide6.QtGui import QMouseEvent

        none = Qt.MouseButton.NoButton
        here = QPointF(*self.canvas.viewport.to_device(*place))
        event = QMouseEvent(
            kind,
            here,
            QPointF(self.canvas.mapToGlobal(here.toPoint())),
            button or none,
            held or none,
            Qt.KeyboardModifier.NoModifier,
        )
        self.application.sendEvent(self.canvas, event)

    def _apply(self, edit) -> None:
        """Put on the canvas what a tool has finished."""
        changed = getattr(edit, "shapes", None) or edit.after
        last = max((shape.id for shape in self.canvas.scene.shapes()), default=0)
        self.canvas.update_shapes(
            [replace(s, id=s.id or last + n, z=s.z or last + n) for n, s in enumerate(changed, 1)]
        )

    def _settle(self) -> None:
        wait(self.canvas.is_settled)


def run(options: argparse.Namespace) -> dict[str, object]:
    """Return the figures; each is the best of the repeats: this is how long the work takes where nothing else runs."""
    os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
    bench = ToolBenchmark(options.brush, options.polygons)
    rounds = [
        bench.brush() | bench.wand() | bench.scissors() | bench.snapping()
        for _ in range(options.repeats)
    ]
    figures: dict[str, object] = {
        "picture": list(PICTURE_WH),
        "canvas": list(CANVAS_WH),
        "brush": options.brush,
        "polygons": options.polygons,
    }
    return figures | {name: round(min(each[name] for each in rounds), 3) for name in rounds[0]}


def _figures(name: str, times: Sequence[tuple[float, float]]) -> dict[str, float]:
    """Return median and p95, or the one time where there is but one."""
    found = {}
    for label, values in zip(("", "_cpu"), zip(*times, strict=True), strict=True):
        found[f"{name}{label}_ms"] = statistics.median(values)
        if len(values) > 1:
            found[f"{name}_p95{label}_ms"] = sorted(values)[int(len(values) * 0.95)]
    return found


def _zigzag() -> list[Place]:
    """Return places of a stroke that crosses the picture eight times."""
    steps = np.linspace(0.0, 8.0, STEPS)
    share = 1 - np.abs(1 - steps % 2)
    return [
        (200 + 3600 * float(s), 200 + 2600 * float(t) / 8)
        for s, t in zip(share, steps, strict=True)
    ]


def _on_rim(middle: Place, radius: float, turn: float) -> Place:
    return middle[0] + radius * np.cos(turn), middle[1] + radius * np.sin(turn)


def _discs():
    """Return a picture of bright discs on a dark ground, with noise."""
    import cv2
    from PySide6.QtGui import QImage

    width, height = PICTURE_WH
    rng = np.random.default_rng(0)
    pixels = rng.integers(60, 66, (height, width, 4), dtype=np.uint8)
    cv2.circle(pixels, (2000, 1500), 400, (200, 180, 220, 255), -1, cv2.LINE_AA)
    for x, y in rng.uniform((300, 300), (3700, 2700), (30, 2)).astype(int).tolist():
        cv2.circle(pixels, (x, y), 60, (120, 220, 160, 255), -1, cv2.LINE_AA)
    return QImage(pixels.data, width, height, 4 * width, QImage.Format.Format_RGB32).copy()
