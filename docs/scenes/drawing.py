"""Scenes of the tools that draw outlines, each at the moment before it is done."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from PySide6.QtCore import Qt

from docs.scenes.scene import CLOSE, Scene, Shot
from docs.scenes.stage import BOLT, GEAR, SHIFT, WASHER, Stage, middle

_BOLTS, _ROUND, _DENSE = 147, 144, 143  # pictures of the sample


def polygon(stage: Stage) -> Iterator[Shot]:
    """A bolt of twelve corners, the next one under the cursor; another bolt is done."""
    stage.picture(_BOLTS)
    stage.take_class(BOLT)
    stage.key(Qt.Key.Key_P)
    for corner in stage.ring(_BOLTS, 3):
        stage.click(*corner)
    stage.key(Qt.Key.Key_Return)
    ring = stage.ring(_BOLTS, 5)
    for corner in ring[:7]:
        stage.click(*corner)
    stage.move(*ring[7])
    yield stage.work()
    stage.key(Qt.Key.Key_Escape)


def freehand(stage: Stage) -> Iterator[Shot]:
    """A washer's rim drawn in one drag."""
    stage.picture(_BOLTS)
    stage.take_class(WASHER)
    stage.key(Qt.Key.Key_P)
    ring = stage.ring(_BOLTS, 0)
    stage.press(*ring[: len(ring) * 3 // 4])
    yield stage.work()
    stage.let_go(*ring[len(ring) * 3 // 4])
    stage.key(Qt.Key.Key_Escape)


def box(stage: Stage) -> Iterator[Shot]:
    """One rectangle done, one being dragged."""
    stage.picture(_ROUND)
    stage.take_class(WASHER)
    stage.key(Qt.Key.Key_R)
    left, top, right, bottom = stage.truth(_ROUND)[2].geometry.bounds()
    stage.drag((left, top), (left + 40, top + 40), (right, bottom))
    left, top, right, bottom = stage.truth(_ROUND)[0].geometry.bounds()
    stage.press((left, top), (left + 40, top + 40), (right, bottom))
    yield stage.work()
    stage.let_go(right, bottom)


def oriented_box(stage: Stage) -> Iterator[Shot]:
    """A rotated rectangle after two clicks, its third side under the cursor."""
    stage.picture(_BOLTS)
    stage.take_class(BOLT)
    stage.key(Qt.Key.Key_O)
    for place in ((66, 178), (115, 199), (131, 66)):
        stage.click(*place)
    for place in ((166, 180), (190, 137)):
        stage.click(*place)
    stage.move(297, 222)
    yield stage.work()
    stage.key(Qt.Key.Key_Escape)


def circle(stage: Stage) -> Iterator[Shot]:
    """A circle from its middle to its rim."""
    stage.picture(_ROUND)
    stage.take_class(WASHER)
    stage.key(Qt.Key.Key_C, SHIFT)
    center = middle(stage.ring(_ROUND, 2))
    stage.press(center, (center[0] + 20, center[1]), (center[0] + 43, center[1]))
    yield stage.work()
    stage.let_go(center[0] + 43, center[1])


def ellipse(stage: Stage) -> Iterator[Shot]:
    """An ellipse in the box that is dragged around it."""
    stage.picture(_ROUND)
    stage.take_class(WASHER)
    stage.key(Qt.Key.Key_E, SHIFT)
    stage.press((308, 4), (350, 60), (424, 112))
    yield stage.work()
    stage.let_go(424, 112)


def polyline(stage: Stage) -> Iterator[Shot]:
    """An open line along a scratch between parts."""
    stage.picture(_BOLTS)
    stage.key(Qt.Key.Key_L)
    for place in ((240, 50), (300, 62), (352, 95), (400, 108), (430, 96)):
        stage.click(*place)
    stage.move(455, 70)
    yield stage.work()
    stage.key(Qt.Key.Key_Escape)


def point(stage: Stage) -> Iterator[Shot]:
    """A point in the middle of each part."""
    stage.picture(_BOLTS)
    stage.key(Qt.Key.Key_P, SHIFT)
    for which, label in enumerate(stage.truth(_BOLTS)):
        stage.take_class(label.class_id)
        stage.click(*middle(stage.ring(_BOLTS, which)))
    stage.move(390, 90)
    yield stage.work()


def keypoints(stage: Stage) -> Iterator[Shot]:
    """Bolts as skeletons of three points; the second is being placed."""
    from studio.model.edits import ChangeClass
    from studio.model.keypoint_scheme import KeypointScheme

    stage.picture(_BOLTS)
    stage.take_class(BOLT)
    before = stage.session.project.classes()[BOLT]
    names = ("head", "collar", "tip")
    scheme = KeypointScheme(len(names), names=names, skeleton=((0, 1), (1, 2)))
    stage.session.apply(ChangeClass(replace(before, keypoints=scheme)))
    stage.key(Qt.Key.Key_K)
    for place in ((93, 190), (99, 172), (131, 70)):
        stage.click(*place)
    for place in ((311, 226), (328, 228)):
        stage.click(*place)
    stage.move(428, 232)
    yield stage.work()
    stage.key(Qt.Key.Key_Escape)
    stage.clear()
    stage.session.apply(ChangeClass(before))


def scissors(stage: Stage) -> Iterator[Shot]:
    """A line that follows a gear's teeth between three clicks."""
    stage.picture(_ROUND)
    stage.take_class(GEAR)
    stage.key(Qt.Key.Key_I)
    ring = stage.ring(_ROUND, 5)
    count = len(ring)
    for share in (0.0, 0.22, 0.45):
        stage.click(*ring[int(share * count)])
    stage.move(*ring[int(0.62 * count)])
    stage.settle()
    yield stage.work()
    stage.key(Qt.Key.Key_Escape)
    stage.key(Qt.Key.Key_Escape)


def snapping(stage: Stage) -> Iterator[Shot]:
    """A new outline takes over its neighbour's corners."""
    stage.labelled(_DENSE, 1)
    stage.take_class(BOLT)
    stage.key(Qt.Key.Key_P)
    ring = stage.ring(_DENSE, 3)
    for corner in ring[:6]:
        stage.click(*corner)
    neighbour = min(
        stage.ring(_DENSE, 1), key=lambda p: (p[0] - ring[6][0]) ** 2 + (p[1] - ring[6][1]) ** 2
    )
    stage.move(neighbour[0] + 1.5, neighbour[1] + 1.0)
    yield stage.work()
    stage.key(Qt.Key.Key_Escape)


SCENES = tuple(
    Scene(f"tool-{play.__name__.replace('_', '-')}", play, CLOSE)
    for play in (
        polygon, freehand, box, oriented_box, circle, ellipse, polyline, point, keypoints, scissors, snapping,
    )
)  # fmt: skip
