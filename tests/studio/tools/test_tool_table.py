"""What holds for every tool, whatever it draws."""

from __future__ import annotations

import random
from typing import Any

import numpy as np
import pytest

from studio.model.attribute_def import AttributeDef
from studio.model.edits import AddShapes
from studio.model.keypoint_scheme import KeypointScheme
from studio.model.records import ClassDef
from studio.tools.base import Key, Pointer
from studio.tools.options import OPTIONS
from studio.tools.scene import Scene
from studio.tools.table import TOOLS

KEYS = ("escape", "enter", "backspace", "delete", "left", "space", "other")
UNLIKE = (
    "select",
    "eraser",
    "knife",
    "measure",
    "smart",
)  # they make no new object, or need a segmenter
DRAWING = [name for name in TOOLS if name not in ("select", "image_class", "measure")]


@pytest.fixture(autouse=True)
def picture(scene: Scene) -> None:
    """A picture with a bright square, for the tools that look at it."""
    pixels = np.full((300, 400, 3), 40, np.uint8)
    pixels[60:200, 100:300] = 220
    scene.pixels = lambda x1, y1, x2, y2: pixels[y1:y2, x1:x2].copy()


@pytest.mark.parametrize("name", TOOLS)
def test_options_and_wheel_name_what_there_is(name: str) -> None:
    spec = TOOLS[name]
    assert set(spec.options) <= set(OPTIONS)
    assert not spec.wheel or not OPTIONS[spec.wheel].is_switch
    assert spec.wheel in ("", *spec.options)
    assert len(spec.hint) > 10
    assert not spec.hint.endswith(".")


@pytest.mark.parametrize("name", DRAWING)
def test_cancelling_leaves_nothing(name: str, scene: Scene, new_hand: Any) -> None:
    hand = new_hand(TOOLS[name].build)
    before = scene.shapes()
    hand.click(110, 70, ctrl=True)
    hand.press(150, 90, ctrl=True)
    hand.move(200, 120, held=True, ctrl=True)
    hand.edits.clear()
    scene.set_shapes(before)
    hand.tool.cancel()
    assert hand.leaves_nothing()
    preview = hand.tool.preview()
    assert preview.paint is None
    assert preview.hidden == ()
    assert hand.release(200, 120) is None
    assert hand.edits == []


@pytest.mark.parametrize("name", [name for name in TOOLS if name not in UNLIKE])
def test_what_is_drawn_has_what_its_class_gives_at_first(
    name: str, scene: Scene, new_hand: Any
) -> None:
    asked = AttributeDef("maker", default="me"), AttributeDef("age", "number")
    kinds = [ClassDef(0, "bolt", "#e69f00", attributes=asked), ClassDef(1, "nut", "#56b4e9")]
    scene.set_classes(kinds, KeypointScheme(3))
    hand = new_hand(TOOLS[name].build)
    for place in ((180, 60), (200, 220), (300, 240)):
        hand.click(*place)
    hand.key("enter")
    hand.key("other", text="1")
    parts = [part for edit in hand.edits for part in getattr(edit, "edits", (edit,))]
    drawn = [shape for part in parts if isinstance(part, AddShapes) for shape in part.shapes]
    assert drawn
    assert {shape.attributes.get("maker") for shape in drawn} == {"me"}
    assert not any("age" in shape.attributes for shape in drawn)


@pytest.mark.parametrize("name", TOOLS)
def test_a_key_that_is_not_wanted_is_left_to_the_window(name: str, scene: Scene) -> None:
    tool = TOOLS[name].build(scene)
    plain = [key for key in KEYS if not (name == "image_class" and key == "enter")]
    assert [key for key in plain if tool.wants(Key(key))] == []


@pytest.mark.parametrize("name", TOOLS)
def test_no_order_of_events_breaks_a_tool(name: str, scene: Scene, new_hand: Any) -> None:
    """Four hundred events at random, beside the image too: nothing fails, every shape lies on the image and has an area."""
    hand = new_hand(TOOLS[name].build)
    chance = random.Random(name)
    for _ in range(400):
        x, y = chance.uniform(-60, 460), chance.uniform(-60, 360)
        how = {key: chance.random() < 0.15 for key in ("shift", "alt", "ctrl")}
        kind = chance.choice(("move", "move", "press", "release", "double", "leave", "key"))
        if kind == "key":
            hand.key(chance.choice(KEYS), text=chance.choice(("", "s", "1", "x")), **how)
        else:
            hand.send(kind, x, y, held=kind in ("press", "move") and chance.random() < 0.5, **how)
        hand.tool.preview()
        if len(scene) > 40:
            scene.set_shapes(scene.shapes()[:3])
    for shape in scene.shapes():
        x1, y1, x2, y2 = shape.geometry.bounds()
        if shape.geometry.kind != "oriented_box":  # its corners may lie outside
            assert 0 <= x1 <= x2 <= 400
            assert 0 <= y1 <= y2 <= 300
        assert shape.geometry.kind in ("keypoints", "polyline", "tag") or shape.geometry.area() > 0


@pytest.mark.parametrize("name", TOOLS)
def test_a_pointer_that_has_left_takes_the_crosshair_along(name: str, scene: Scene) -> None:
    tool = TOOLS[name].build(scene)
    tool.pointer(Pointer("move", 20, 20))
    tool.pointer(Pointer("leave", float("nan"), float("nan")))
    preview = tool.preview()
    assert preview is None or (preview.crosshair is None and preview.brush is None)
