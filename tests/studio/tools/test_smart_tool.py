"""The smart tool: what it asks, what it shows of the answers, and what becomes of them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from engine.data.annotations import Mask, Polygon, to_mask
from engine.data.annotations.attribute_names import GROUP_ID
from studio.model.attribute_def import AttributeDef
from studio.model.edits import AddShapes, ReplaceShapes
from studio.model.records import ClassDef
from studio.tools.prompting import Answer, Candidate, Prompts, Readiness
from studio.tools.scene import Scene
from studio.tools.smart import SmartTool


class Segmenter:
    """Finds what was drawn into it: the parts under the added places or in the box, less those under excluded ones."""

    def __init__(self) -> None:
        self.readiness, self.reason, self.is_quick = Readiness.READY, "", True
        self.model = "sam_b.pt"
        self.asked: list[Prompts] = []
        self.parts: list[np.ndarray] = []
        self.is_silent = False
        self.judges = True
        self.retries = 0
        self._answer: Answer | None = None

    def put(self, x1: int, y1: int, x2: int, y2: int) -> None:
        part = np.zeros((300, 400), np.uint8)
        part[y1:y2, x1:x2] = 1
        self.parts.append(part)

    def ask(self, prompts: Prompts) -> None:
        self.asked.append(prompts)
        if not self.is_silent:
            found = self._found(prompts)
            shrunk = [np.roll(found, 1, 0) & found] if len(prompts.added) == 1 else []
            masks = [mask for mask in (found, *shrunk) if mask.any()]
            candidates = (
                Candidate(Mask.from_array(m), 0.9 - i / 10 if self.judges else None)
                for i, m in enumerate(masks)
            )
            self._answer = Answer(prompts, tuple(candidates))

    def retry(self) -> None:
        self.retries += 1

    def answer(self) -> Answer | None:
        return self._answer

    def _found(self, prompts: Prompts) -> np.ndarray:
        mask = np.zeros((300, 400), np.uint8)
        if prompts.base is not None:
            mask |= to_mask(prompts.base, 300, 400).to_array()
        for part in self.parts:
            ys, xs = np.nonzero(part)
            inside = prompts.box is not None and (
                prompts.box[0] <= xs.min() and xs.max() <= prompts.box[2]
                and prompts.box[1] <= ys.min() and ys.max() <= prompts.box[3]
            )  # fmt: skip
            if inside or any(part[int(y), int(x)] for x, y in prompts.added):
                mask |= part
            if any(part[int(y), int(x)] for x, y in prompts.excluded):
                mask &= 1 - part
        return mask


@pytest.fixture
def segmenter(scene: Scene) -> Segmenter:
    """A segmenter that knows two parts of one object, far from the scene's shapes."""
    found = Segmenter()
    found.put(200, 210, 240, 250)
    found.put(300, 220, 330, 260)
    scene.prompter = found
    return found


@pytest.fixture
def smart(new_hand: Any, segmenter: Segmenter) -> Any:
    return new_hand(SmartTool)


def test_a_click_and_enter_make_an_outline(smart: Any, segmenter: Segmenter) -> None:
    smart.click(220, 230)
    shown = smart.tool.preview()
    assert segmenter.asked[-1] == Prompts(added=((220, 230),))
    assert [(mark.x, mark.y, mark.adds) for mark in shown.marks] == [(220, 230, True)]
    edit = smart.key("enter")
    assert isinstance(edit, AddShapes)
    (shape,) = edit.shapes
    assert shape.geometry == shown.shapes[0].geometry
    assert shape.geometry.bounds() == (200, 210, 240, 250)
    assert (shape.source, shape.class_id) == ("assisted", 0)
    assert shape.attributes == {"annotation_model": "sam_b.pt"}
    assert smart.leaves_nothing()


def test_what_is_found_has_what_its_class_gives_at_first(smart: Any, scene: Scene) -> None:
    scene.set_classes(
        [ClassDef(0, "bolt", "#e69f00", attributes=(AttributeDef("a", default="b"),))]
    )
    smart.click(220, 230)
    (shape,) = smart.key("enter").shapes
    assert shape.attributes == {"a": "b", "annotation_model": "sam_b.pt"}


def test_more_clicks_add_and_exclude_and_parts_share_a_group(
    smart: Any, segmenter: Segmenter
) -> None:
    smart.click(220, 230)
    smart.click(310, 240)
    edit = smart.key("enter")
    assert sorted(shape.geometry.bounds()[0] for shape in edit.shapes) == [200, 300]
    assert {shape.attributes[GROUP_ID] for shape in edit.shapes} == {1}
    smart.click(220, 230)
    smart.click(310, 240)
    smart.click(310, 240, alt=True)
    assert segmenter.asked[-1].excluded == ((310, 240),)
    edit = smart.key("enter")
    assert [shape.geometry.bounds() for shape in edit.shapes] == [(200, 210, 240, 250)]
    assert GROUP_ID not in edit.shapes[0].attributes


def test_a_drag_gives_a_box_and_a_click_without_a_move_does_not(
    smart: Any, segmenter: Segmenter
) -> None:
    smart.press(190, 200)
    smart.move(260, 270, held=True)
    assert smart.tool.preview().band == (190, 200, 260, 270)
    smart.release(260, 270)
    assert segmenter.asked[-1] == Prompts(box=(190, 200, 260, 270))
    assert len(smart.key("enter").shapes) == 1
    smart.drag((220, 230), (221, 231))
    assert segmenter.asked[-1].box is None


def test_backspace_takes_back_one_after_the_other(smart: Any, segmenter: Segmenter) -> None:
    smart.drag((190, 200), (260, 270))
    smart.click(310, 240)
    smart.key("backspace")
    assert segmenter.asked[-1] == Prompts(box=(190, 200, 260, 270))
    smart.key("backspace")
    assert smart.leaves_nothing()
    assert smart.key("enter") is None


def test_tab_goes_round_the_candidates(smart: Any) -> None:
    smart.click(220, 230)
    first = smart.tool.preview().shapes[0].geometry
    smart.key("tab")
    second = smart.tool.preview().shapes[0].geometry
    assert second.area() < first.area()
    smart.key("tab")
    assert smart.tool.preview().shapes[0].geometry == first
    smart.key("tab", shift=True)
    assert smart.key("enter").shapes[0].geometry == second


def test_a_score_shows_where_the_segmenter_knows_one(smart: Any, segmenter: Segmenter) -> None:
    smart.click(220, 230)
    assert smart.tool.preview().label.startswith("90%")
    smart.key("escape")
    segmenter.judges = False
    smart.click(220, 230)
    assert smart.tool.preview().label.startswith("1 of 2")


def test_the_outline_follows_the_cursor_where_answers_are_quick(
    smart: Any, segmenter: Segmenter, scene: Scene
) -> None:
    smart.move(220, 230)
    assert smart.tool.preview().shapes
    assert smart.key("enter") is None  # nothing was clicked
    smart.move(20, 20)
    assert not smart.tool.preview().shapes
    segmenter.is_quick = False
    count = len(segmenter.asked)
    smart.move(220, 230)
    segmenter.is_quick = True
    scene.options.set("hover", False)
    smart.move(221, 231)
    assert len(segmenter.asked) == count


def test_enter_waits_for_the_answer_to_the_last_click(smart: Any, segmenter: Segmenter) -> None:
    smart.click(220, 230)
    segmenter.is_silent = True
    smart.click(310, 240)
    assert smart.key("enter") is None
    assert smart.tool.preview().shapes  # what was found before stays in sight
    segmenter.is_silent = False
    segmenter.ask(segmenter.asked[-1])
    assert len(smart.key("enter").shapes) == 2


def test_a_new_object_does_not_begin_with_the_last_one(smart: Any, segmenter: Segmenter) -> None:
    smart.click(220, 230)
    smart.key("escape")
    segmenter.is_silent = True
    smart.click(310, 240)
    assert not smart.tool.preview().shapes  # the answer to what was given up is none to this
    segmenter.is_silent = False
    segmenter.ask(segmenter.asked[-1])
    assert smart.tool.preview().shapes[0].geometry.bounds() == (300, 220, 330, 260)


def test_a_selected_shape_is_refined(smart: Any, scene: Scene, segmenter: Segmenter) -> None:
    scene.select([1])
    smart.click(220, 230)
    assert segmenter.asked[-1].base == scene.shape(1).geometry
    assert smart.tool.preview().hidden == (1,)
    edit = smart.key("enter")
    assert isinstance(edit, ReplaceShapes)
    assert edit.after[0].id == 1
    assert edit.after[0].geometry.bounds()[2] == 240


def test_the_mask_itself_is_kept_where_that_is_wanted(smart: Any, scene: Scene) -> None:
    scene.options.set("as_mask", True)
    smart.click(220, 230)
    (shape,) = smart.key("enter").shapes
    assert isinstance(shape.geometry, Mask)
    assert shape.geometry.area() == 1600


def test_the_tolerance_leaves_out_points(smart: Any, scene: Scene, segmenter: Segmenter) -> None:
    disc = np.zeros((300, 400), np.uint8)
    ys, xs = np.mgrid[:300, :400]
    disc[(xs - 100) ** 2 + (ys - 240) ** 2 < 45**2] = 1
    segmenter.parts.append(disc)
    counts = []
    for tolerance in (1.0, 8.0):
        scene.options.set("outline_tolerance", tolerance)
        smart.click(100, 240)
        (shape,) = smart.key("enter").shapes
        assert isinstance(shape.geometry, Polygon)
        counts.append(len(shape.geometry.exterior))
    assert counts[1] < counts[0] < 80


def test_what_cannot_answer_says_why(smart: Any, segmenter: Segmenter) -> None:
    segmenter.readiness, segmenter.reason = Readiness.FAILED, "The weights are damaged."
    smart.click(220, 230)
    assert smart.tool.notice.take() == "The weights are damaged."
    assert segmenter.retries == 1
    segmenter.readiness, segmenter.reason = Readiness.STARTING, "Looking at the picture …"
    smart.click(220, 230)
    assert smart.tool.preview().label == "Looking at the picture …"
    assert segmenter.asked  # answered as soon as it has looked
