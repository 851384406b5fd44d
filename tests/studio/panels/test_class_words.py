"""What a person types about a class, and what several shapes have in common."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.data.annotations import Box, Keypoints, Mask, OrientedBox, Polyline, Tag
from studio.model.attribute_def import AttributeDef, default_words
from studio.model.errors import EditError
from studio.model.keypoint_scheme import KeypointScheme
from studio.model.records import ClassDef, Shape
from studio.panels.classes.class_words import (
    attribute_from_words,
    depths,
    pair_words,
    possible_parents,
    scheme_from_words,
)
from studio.panels.properties.shared_values import (
    MIXED,
    asked_attributes,
    described,
    shared,
    shared_attribute,
)


def cls(number: int, parent: int | None = None, *attributes: AttributeDef) -> ClassDef:
    return ClassDef(number, f"class {number}", "#e69f00", parent=parent, attributes=attributes)


def shape(number: int, geometry: Any, class_id: int = 0, **attributes: Any) -> Shape:
    return Shape(number, 1, class_id, geometry, attributes=attributes)


def test_depth_counts_the_classes_above_and_forgets_removed_ones() -> None:
    classes = [cls(0), cls(1, 0), cls(2, 1), cls(3, 99)]
    assert depths(classes) == {0: 0, 1: 1, 2: 2, 3: 0}
    assert [c.id for c in possible_parents(classes[1], classes)] == [0, 3]


@given(st.lists(st.none() | st.integers(0, 5), min_size=6, max_size=6))
def test_depths_end_whatever_the_parents_are(parents: list[int | None]) -> None:
    classes = [cls(i, parent) for i, parent in enumerate(parents)]
    assert set(depths(classes)) == set(range(6))


@pytest.mark.parametrize(
    "attribute",
    [
        AttributeDef("colour", "choice", ("red", "light blue"), "red"),
        AttributeDef("age", "number", default=2.5),
        AttributeDef("new", "flag", default=False),
        AttributeDef("maker", "text", default="me"),
        AttributeDef("maker"),
    ],
)
def test_an_attribute_comes_back_from_its_words(attribute: AttributeDef) -> None:
    choices, default = ", ".join(attribute.choices), default_words(attribute)
    assert attribute_from_words(attribute.name, attribute.kind, choices, default) == attribute


@pytest.mark.parametrize(
    ("kind", "choices", "default"),
    [("number", "", "x"), ("flag", "", "perhaps"), ("choice", "", ""), ("choice", "a, b", "c")],
)
def test_words_that_make_no_sense_are_refused(kind: Any, choices: str, default: str) -> None:
    with pytest.raises(EditError):
        attribute_from_words("size", kind, choices, default)


def test_keypoints_come_back_from_their_words() -> None:
    scheme = scheme_from_words("left eye, right eye, nose", "1-3, 2-3", "1-2")
    assert scheme == KeypointScheme(
        3, (1, 0, 2), ("left eye", "right eye", "nose"), ((0, 2), (1, 2))
    )
    assert scheme is not None
    assert (pair_words(scheme.skeleton), pair_words(scheme.flip_pairs())) == ("1-3, 2-3", "1-2")
    assert scheme_from_words("", "", "") is None
    assert scheme_from_words("tip", "", "") == KeypointScheme(1, (), ("tip",))


@pytest.mark.parametrize("bones", ["1-4", "0-1", "1-1", "1", "a-b", "1-2-3"])
def test_bones_that_are_no_pairs_are_refused(bones: str) -> None:
    with pytest.raises(EditError, match="no pair"):
        scheme_from_words("a, b, c", bones, "")


def test_bones_without_points_are_refused() -> None:
    with pytest.raises(EditError, match="need keypoints"):
        scheme_from_words("", "1-2", "")


def test_what_shapes_share() -> None:
    assert shared([]) is None
    assert shared([1, 1]) == 1
    assert shared([1, 2]) is MIXED
    assert shared([1, True]) is MIXED
    two = [shape(1, Tag(), crowd=True, note="a"), shape(2, Tag())]
    assert shared_attribute(two, "crowd") is MIXED
    assert shared_attribute(two[1:], "crowd") is False
    assert shared_attribute(two[1:], "note") is None


def test_asked_is_what_all_classes_ask_for_and_what_shapes_carry_besides() -> None:
    color = AttributeDef("colour", "choice", ("red", "blue"))
    classes = {0: cls(0, None, color, AttributeDef("age", "number")), 1: cls(1, None, color)}
    first = shape(1, Tag(), 0, pose="left", weight=2, seen=True, track_id=3)
    assert asked_attributes([first], classes) == [
        color,
        AttributeDef("age", "number"),
        AttributeDef("pose", "text"),
        AttributeDef("seen", "flag"),
        AttributeDef("weight", "number"),
    ]
    assert asked_attributes([shape(1, Tag()), shape(2, Tag(), 1)], classes) == [color]


def test_one_shape_is_described_in_full_and_several_by_their_sums() -> None:
    box = shape(1, Box(1, 2, 4, 6))
    assert described([box]) == {
        "Kind": "box", "Place": "x 1.0, y 2.0", "Size": "3.0 × 4.0 px", "Area": "12 px²",
        "Perimeter": "14.0 px", "Points": "4", "Source": "drawn by hand",
    }  # fmt: skip
    scored = [replace(box, source="model", score=s) for s in (0.5, 0.75)]
    told = described(scored)
    assert (told["Kind"], told["Area"]) == ("2 × box", "24 px²")
    assert (told["Source"], told["Score"]) == ("accepted from a model", "0.50 to 0.75")
    assert described([box, scored[0]])["Source"] == "mixed"
    assert described([shape(1, Polyline(((0, 0), (3, 4))))])["Length"] == "5.0 px"
    assert described([shape(1, OrientedBox(9, 9, 4, 2, 0.5))])["Angle"] == "28.6°"
    assert described([shape(1, Tag()), box])["Kind"] == "2 shapes"
    for geometry in (Tag(), Keypoints(((1, 1),), (2,)), Mask((4,), 2, 2)):
        assert "Kind" in described([shape(1, geometry)])
