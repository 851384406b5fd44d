"""Classes of images by single keys, and the tools' options."""

from __future__ import annotations

import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.data.annotations import Tag
from studio.model.edits import AddShapes, Batch, RemoveShapes
from studio.model.records import ClassDef, Shape
from studio.tools.base import Key
from studio.tools.image_class import ImageClassTool
from studio.tools.options import OPTIONS, ToolOptions, options_from
from studio.tools.scene import Scene


@pytest.fixture
def hand(new_hand: Any, scene: Scene) -> Any:
    """A hand with the tool, and three classes of which one has a key of its own."""
    names = (("cat", ""), ("dog", ""), ("none", "n"))
    scene.set_classes(
        [ClassDef(n, name, "#e69f00", shortcut=key) for n, (name, key) in enumerate(names)]
    )
    return new_hand(ImageClassTool)


def press(hand: Any, text: str) -> Any:
    """Press a key that types something, and put the tags on the scene as the project would."""
    edit = hand.key("other", text=text)
    for part in edit.edits if isinstance(edit, Batch) else ():
        hand._apply(part)
    return edit


def classes(scene: Scene) -> list[int]:
    """Return the classes of the image."""
    return sorted(s.class_id for s in scene.shapes() if isinstance(s.geometry, Tag))


def test_a_digit_says_what_the_image_is_and_goes_on(hand: Any, scene: Scene) -> None:
    edit = press(hand, "2")
    assert edit.title() == "This image is dog"
    assert classes(scene) == [1]
    assert hand.tool.notice.take_wish()
    assert not hand.tool.notice.take_wish()


def test_another_digit_takes_the_place_of_the_first(hand: Any, scene: Scene) -> None:
    press(hand, "2")
    edit = press(hand, "n")  # the class's own key
    assert [type(part) for part in edit.edits] == [RemoveShapes, AddShapes]
    assert classes(scene) == [2]


def test_the_same_digit_again_confirms_and_goes_on(hand: Any, scene: Scene) -> None:
    press(hand, "1")
    hand.tool.notice.take_wish()
    assert press(hand, "1") is None
    assert hand.tool.notice.take_wish()
    assert classes(scene) == [0]


def test_without_going_on_the_same_digit_takes_it_back(hand: Any, scene: Scene) -> None:
    scene.options.set("advance", False)
    press(hand, "1")
    assert not hand.tool.notice.take_wish()
    assert press(hand, "1").title() == "This image is not cat"
    assert classes(scene) == []


def test_an_image_may_have_several_classes(hand: Any, scene: Scene) -> None:
    scene.options.set("one_class", False)
    press(hand, "1")
    press(hand, "2")
    assert classes(scene) == [0, 1]
    assert not hand.tool.notice.take_wish()
    press(hand, "1")
    assert classes(scene) == [1]


def test_zero_clears_and_enter_goes_on(hand: Any, scene: Scene) -> None:
    scene.update([Shape(9, 7, 0, Tag()), Shape(10, 7, 1, Tag())])
    press(hand, "0")
    assert classes(scene) == []
    assert press(hand, "0") is None
    hand.key("enter")
    assert hand.tool.notice.take_wish()


def test_other_keys_and_digits_without_a_class_are_the_windows(hand: Any) -> None:
    for key in (Key("other", text="7"), Key("other", text="d"), Key("other", text="1", ctrl=True)):
        assert not hand.tool.wants(key)


def test_every_option_has_its_row_and_default() -> None:
    assert set(ToolOptions().values()) == set(OPTIONS)
    assert options_from({}) == ToolOptions()


def test_strange_values_keep_the_default() -> None:
    strange = {"brush_size": "12", "tolerance": math.nan, "snapping": 3, "fill_holes": None, "x": 1}
    assert options_from(strange) == ToolOptions()
    assert options_from({"brush_size": 1e9}).brush_size == OPTIONS["brush_size"].high


@given(st.floats(1, 2000), st.floats(0, 255), st.booleans())
def test_options_survive_the_settings(size: float, tolerance: float, snapping: bool) -> None:
    options = ToolOptions(brush_size=size, tolerance=tolerance, snapping=snapping)
    assert options_from(options.values()) == options


@pytest.mark.parametrize("name", [name for name, spec in OPTIONS.items() if not spec.is_switch])
def test_the_wheel_reaches_both_ends_and_each_notch_counts(name: str) -> None:
    options, spec = ToolOptions(), OPTIONS[name]
    for sign, end in ((1, spec.high), (-1, spec.low)):
        for _ in range(400):
            before = getattr(options, name)
            options.step(name, sign)
            assert before == end or (getattr(options, name) - before) * sign > 0
        assert getattr(options, name) == end
