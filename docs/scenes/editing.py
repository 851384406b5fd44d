"""Scenes of changing what is there: frames, vertices, cuts, unions, fewer points, and of looking closely."""

from __future__ import annotations

from collections.abc import Iterator

from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication

from docs.scenes.scene import CLOSE, Scene, Shot
from docs.scenes.stage import CTRL, SHIFT, Stage, middle

_BOLTS, _PLAIN, _ROUND, _OVERLAP = 147, 143, 144, 148


def select(stage: Stage) -> Iterator[Shot]:
    """One shape selected, a vertex of it under the cursor."""
    ids = stage.labelled(_BOLTS)
    stage.key(Qt.Key.Key_V)
    stage.session.workspace.select([ids[5]])
    stage.settle()
    stage.move(*stage.ring(_BOLTS, 5)[6])
    yield stage.work()
    stage.session.workspace.select([])


def select_several(stage: Stage) -> Iterator[Shot]:
    """A rubber band around three shapes."""
    stage.labelled(_PLAIN)
    stage.key(Qt.Key.Key_V)
    stage.press((212, 52), (300, 150), (470, 310))
    yield stage.work()
    stage.let_go(470, 310)
    stage.session.workspace.select([])


def frame(stage: Stage) -> Iterator[Shot]:
    """The frame that stretches and turns several shapes."""
    ids = stage.labelled(_PLAIN)
    stage.key(Qt.Key.Key_V)
    stage.session.workspace.select([ids[0], ids[1], ids[3]])
    stage.settle()
    stage.move(400, 190)
    yield stage.work()
    stage.session.workspace.select([])


def menu(stage: Stage) -> Iterator[Shot]:
    """What the right button offers for two selected shapes."""
    ids = stage.labelled(_OVERLAP)
    stage.key(Qt.Key.Key_V)
    stage.session.workspace.select([ids[1], ids[4]])
    stage.settle()
    place = stage.place(*middle(stage.ring(_OVERLAP, 4)))
    stage.canvas.customContextMenuRequested.emit(place)
    stage.wait(QApplication.activePopupWidget)
    popup = QApplication.activePopupWidget()
    yield stage.window(over=popup)
    if popup is not None:
        popup.close()
    stage.session.workspace.select([])


def knife(stage: Stage) -> Iterator[Shot]:
    """A line across a bolt, before the button is let go."""
    stage.labelled(_BOLTS, 5, 0)
    stage.key(Qt.Key.Key_C)
    stage.press((355, 170), (350, 220), (345, 285))
    yield stage.work()
    stage.let_go(345, 285)


def union(stage: Stage) -> Iterator[Shot]:
    """A nut and the bolt on it, made one shape."""
    ids = stage.labelled(_OVERLAP, 0, 1)
    stage.key(Qt.Key.Key_V)
    stage.session.workspace.select(ids)
    stage.studio.actions["shape.unite"].trigger()
    stage.settle()
    stage.move(230, 250)
    yield stage.work()
    stage.session.workspace.select([])


def subtract(stage: Stage) -> Iterator[Shot]:
    """The nut without what the bolt hides of it."""
    ids = stage.labelled(_OVERLAP, 0, 1)
    stage.key(Qt.Key.Key_V)
    stage.session.workspace.select(ids)
    stage.studio.actions["shape.subtract"].trigger()
    stage.settle()
    stage.move(230, 250)
    yield stage.work()
    stage.session.workspace.select([])


def simplify(stage: Stage) -> Iterator[Shot]:
    """A gear with fewer points, as the slider says, before it is taken."""
    ids = stage.labelled(_ROUND, 5, 4)
    stage.key(Qt.Key.Key_V)
    stage.session.workspace.select([ids[0]])
    stage.key(Qt.Key.Key_S, CTRL | SHIFT)
    bar = stage.session.annotate.simplify
    stage.wait(bar.isVisible)
    bar.slider.setValue(bar.slider.maximum() * 6 // 10)
    stage.settle()
    yield stage.work()
    QTest.keyClick(bar, Qt.Key.Key_Escape)
    stage.session.workspace.select([])


def measure(stage: Stage) -> Iterator[Shot]:
    """The length of a bolt, with rulers."""
    stage.picture(_BOLTS)
    rulers = stage.studio.actions["view.rulers"]
    rulers.trigger()
    stage.key(Qt.Key.Key_M, SHIFT)
    stage.press((299, 226), (360, 229), (431, 232))
    stage.settle()
    yield stage.work()
    stage.let_go(431, 232)
    stage.key(Qt.Key.Key_Escape)
    rulers.trigger()


def pixels(stage: Stage) -> Iterator[Shot]:
    """Close enough to read the values of the pixels; the minimap tells where."""
    ids = stage.labelled(_BOLTS, 5)
    stage.key(Qt.Key.Key_V)
    stage.session.workspace.select(ids)
    stage.canvas.show_rect(418, 208, 436, 222)
    stage.settle()
    stage.wheel(430, 219, 9, CTRL)
    stage.move(430.5, 220.2)
    stage.settle()
    yield stage.work()
    stage.canvas.fit()
    stage.session.workspace.select([])


def image_class(stage: Stage) -> Iterator[Shot]:
    """Classes of whole images by single keys."""
    stage.picture(_PLAIN)
    stage.key(Qt.Key.Key_T, SHIFT)
    stage.canvas.set_option("advance", False)
    stage.key(Qt.Key.Key_2)
    stage.settle()
    yield stage.work()
    stage.canvas.set_option("advance", True)
    stage.clear()
    stage.key(Qt.Key.Key_V)


SCENES = (
    Scene("tool-menu", menu),
    *(
        Scene(f"tool-{play.__name__.replace('_', '-')}", play, CLOSE)
        for play in (
            select, select_several, frame, knife, union, subtract, simplify, measure, pixels, image_class,
        )
    ),
)  # fmt: skip
