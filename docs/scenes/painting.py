"""Scenes of the tools that paint pixels, or let something else find them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from math import cos, sin, tau

from PySide6.QtCore import Qt
from PySide6.QtTest import QTest

from docs.scenes.scene import CLOSE, Scene, Shot
from docs.scenes.stage import BOLT, RIGHT, SHIFT, WASHER, Stage, middle

_PLAIN, _ROUND, _DARK = 143, 144, 148


def _around(
    center: tuple[float, float], radius: float, share: float = 1.0
) -> list[tuple[float, float]]:
    steps = [tau * share * i / 40 for i in range(41)]
    return [(center[0] + radius * cos(a), center[1] + radius * sin(a)) for a in steps]


def brush(stage: Stage) -> Iterator[Shot]:
    """A washer painted with two strokes, the second still on its way."""
    stage.picture(_PLAIN)
    stage.take_class(WASHER)
    stage.key(Qt.Key.Key_B)
    stage.canvas.set_option("brush_size", 22)
    center = middle(stage.ring(_PLAIN, 4))
    stage.drag(*_around(center, 32, 0.5))
    stroke = [(2 * center[0] - x, 2 * center[1] - y) for x, y in _around(center, 32, 0.38)]
    stage.press(*stroke)
    yield stage.work()
    stage.let_go(*stroke[-1])
    stage.key(Qt.Key.Key_Return)


def eraser(stage: Stage) -> Iterator[Shot]:
    """The hole of a washer that was painted as a disc."""
    stage.picture(_PLAIN)
    stage.take_class(WASHER)
    stage.key(Qt.Key.Key_B)
    stage.canvas.set_option("brush_size", 88)
    center = middle(stage.ring(_PLAIN, 4))
    stage.drag(center, (center[0] + 1, center[1]))
    stage.key(Qt.Key.Key_E)
    stage.canvas.set_option("brush_size", 20)
    stroke = _around(center, 11, 0.7)
    stage.press(*stroke)
    yield stage.work()
    stage.let_go(*stroke[-1])
    stage.key(Qt.Key.Key_Escape)


def wand(stage: Stage) -> Iterator[Shot]:
    """Pixels alike the clicked one, of a brass washer."""
    stage.picture(_DARK)
    stage.take_class(WASHER)
    stage.key(Qt.Key.Key_W, SHIFT)
    stage.canvas.set_option("tolerance", 80)
    center = middle(stage.ring(_DARK, 2))
    stage.click(center[0] - 33, center[1])
    stage.settle()
    stage.move(center[0] - 30, center[1] + 4)
    yield stage.work()
    stage.canvas.set_option("tolerance", 24)


def smart(stage: Stage) -> Iterator[Shot]:
    """One click in, one click out, and the outline that Enter would keep; another part is done."""
    _take_smart(stage, _PLAIN)
    stage.take_class(BOLT)
    ring = stage.ring(_PLAIN, 2)
    _box(stage, ring)
    stage.wait(_answered(stage))
    stage.wait(lambda: stage.canvas.tool_preview().shapes)
    stage.key(Qt.Key.Key_Return)
    stage.settle()
    stage.take_class(WASHER)
    _box(stage, stage.ring(_PLAIN, 4))
    stage.wait(_answered(stage))
    center = middle(stage.ring(_PLAIN, 4))
    QTest.mouseClick(stage.canvas, RIGHT, pos=stage.place(*center))
    prompter = stage.session.smart.prompter
    stage.wait(lambda: (answer := prompter.answer()) is not None and answer.prompts.excluded)
    stage.settle()
    yield stage.work()
    stage.key(Qt.Key.Key_Escape)


def smart_box(stage: Stage) -> Iterator[Shot]:
    """A box around a gear while it is dragged."""
    _take_smart(stage, _ROUND)
    left, top, right, bottom = stage.truth(_ROUND)[5].geometry.bounds()
    stage.press((left - 5, top - 5), (left + 40, top + 40), (right + 5, bottom + 5))
    yield stage.work()
    stage.let_go(right + 5, bottom + 5)
    stage.wait(_answered(stage))
    stage.key(Qt.Key.Key_Escape)


def _take_smart(stage: Stage, number: int) -> None:
    from studio.model.preferences import SMART_MODEL
    from studio.tools.prompting import Readiness

    stage.studio.preferences[SMART_MODEL] = "classic"  # needs no weights
    stage.picture(number)
    stage.key(Qt.Key.Key_Q)
    prompter = stage.session.smart.prompter
    stage.wait(lambda: prompter.readiness is Readiness.READY)
    stage.settle()


def _box(stage: Stage, ring: list[tuple[float, float]]) -> None:
    xs, ys = zip(*ring, strict=True)
    start, end = (min(xs) - 5, min(ys) - 5), (max(xs) + 5, max(ys) + 5)
    stage.drag(start, ((start[0] + end[0]) / 2, (start[1] + end[1]) / 2), end)


def _answered(stage: Stage) -> Callable[[], object]:
    prompter = stage.session.smart.prompter
    return lambda: (answer := prompter.answer()) is not None and answer.prompts.box


SCENES = tuple(
    Scene(f"tool-{play.__name__.replace('_', '-')}", play, CLOSE)
    for play in (brush, eraser, wand, smart, smart_box)
)
