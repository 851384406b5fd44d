"""What a class may carry: attributes, keypoints, a place in the hierarchy; kept and read back as it was."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from studio.model.attribute_def import AttributeDef, attribute_from_dict
from studio.model.edits import ChangeClass
from studio.model.errors import EditError
from studio.model.keypoint_scheme import KeypointScheme
from studio.model.project import Project
from studio.model.records import ClassDef, class_from_dict
from studio.storage.project_files import open_project

FACE = KeypointScheme(3, (1, 0, 2), ("left eye", "right eye", "nose"), ((0, 2), (1, 2)))
names = st.from_regex(r"[a-zäß漢][a-z ]{0,6}", fullmatch=True)
attributes = st.one_of(
    st.builds(AttributeDef, names, st.just("text"), default=st.none() | st.text(max_size=5)),
    st.builds(AttributeDef, names, st.just("number"), default=st.none() | st.floats(-9, 9)),
    st.builds(AttributeDef, names, st.just("flag"), default=st.none() | st.booleans()),
    st.lists(names, min_size=1, max_size=4, unique=True).flatmap(
        lambda choices: st.builds(
            AttributeDef,
            names,
            st.just("choice"),
            st.just(tuple(choices)),
            st.sampled_from([None, *choices]),
        )
    ),
)
classes = st.builds(
    ClassDef,
    st.just(0),
    names,
    st.just("#e69f00"),
    st.booleans(),
    st.sampled_from(["", "q", "x"]),
    st.none() | st.integers(0, 9),
    st.floats(0.01, 1),
    st.lists(attributes, max_size=3, unique_by=lambda a: a.name).map(tuple),
    st.sampled_from([None, FACE]),
)


@given(attributes)
def test_an_attribute_comes_back_from_plain_values(attribute: AttributeDef) -> None:
    assert attribute_from_dict(attribute.to_dict()) == attribute


@given(classes)
def test_a_class_comes_back_from_plain_values(cls: ClassDef) -> None:
    assert class_from_dict(cls.to_dict()) == cls


def test_what_a_class_carries_is_on_disk_and_can_be_undone(project: Project) -> None:
    plain = project.add_class("face")
    rich = replace(
        plain,
        shortcut="q",
        parent=None,
        opacity=0.4,
        attributes=(
            AttributeDef("colour", "choice", ("red", "blue"), "red"),
            AttributeDef("age", "number"),
        ),
        keypoints=FACE,
    )
    project.apply(ChangeClass(rich))
    folder = project.folder
    project.close()
    with open_project(folder) as again:
        assert again.classes() == [rich]
        again.undo()
        assert again.classes() == [plain]


@pytest.mark.parametrize(
    "values",
    [
        {"name": " "},
        {"name": "crowd", "kind": "flag"},
        {"name": "size", "kind": "size"},
        {"name": "size", "kind": "choice"},
        {"name": "size", "kind": "text", "choices": ("a",)},
        {"name": "size", "kind": "choice", "choices": ("a", "a")},
        {"name": "size", "kind": "number", "default": True},
        {"name": "size", "kind": "number", "default": float("nan")},
        {"name": "size", "kind": "choice", "choices": ("a",), "default": "b"},
    ],
)
def test_an_attribute_that_makes_no_sense_is_refused(values: dict[str, Any]) -> None:
    with pytest.raises(EditError):
        AttributeDef(**values)


@pytest.mark.parametrize("opacity", [0.0, -1.0, 1.5])
def test_an_opacity_that_shows_nothing_or_too_much_is_refused(opacity: float) -> None:
    with pytest.raises(EditError, match="opacity"):
        ClassDef(0, "bolt", "#e69f00", opacity=opacity)


@pytest.mark.parametrize("bone", [(0, 3), (-1, 0), (1, 1)])
def test_bones_join_two_points_of_the_scheme(bone: tuple[int, int]) -> None:
    with pytest.raises(EditError, match="bones"):
        KeypointScheme(3, skeleton=(bone,))


def test_pairs_of_a_mirror_are_told_once() -> None:
    assert FACE.flip_pairs() == ((0, 1),)
