"""Order, groups, copies, and shapes made of shapes: what the project has afterwards, and that undo takes it back."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.data.annotations import Box, Geometry, Keypoints, Mask, Polygon, Tag
from studio.model.edits import AddShapes, Edit, ReplaceShapes
from studio.model.edits.arranging import (
    backward,
    copied,
    forward,
    group,
    to_back,
    to_front,
    ungroup,
    with_groups,
)
from studio.model.edits.reshaping import (
    filled,
    overlap,
    parted,
    subtracted,
    thinned,
    turned_into,
    united,
)
from studio.model.errors import EditError
from studio.model.project import Project
from studio.model.records import Shape, new_shape

SIZE = (64, 48)


def square(x: float, y: float, side: float) -> Polygon:
    return Polygon(((x, y), (x + side, y), (x + side, y + side), (x, y + side)))


@pytest.fixture
def put(photo_project: Project) -> Callable[..., list[Shape]]:
    """Puts shapes of these geometries on the first image, from back to front."""

    def put(*geometries: Geometry) -> list[Shape]:
        image, cls = photo_project.image_ids()[0], photo_project.classes()[0]
        photo_project.apply(AddShapes(tuple(new_shape(image, cls.id, g) for g in geometries)))
        return photo_project.shapes(image)

    return put


def there_and_back(project: Project, edit: Edit | None) -> list[Shape]:
    image = project.image_ids()[0]
    before = project.shapes(image)
    assert edit is not None
    project.apply(edit)
    after = project.shapes(image)
    project.undo()
    assert project.shapes(image) == before
    project.redo()
    assert project.shapes(image) == after
    return after


BOXES = [Box(i, i, i + 10.0, i + 10.0) for i in range(5)]


@pytest.mark.parametrize(
    ("move", "chosen", "expected"),
    [
        (to_front, [0, 2], [1, 3, 4, 0, 2]),
        (to_back, [4, 2], [2, 4, 0, 1, 3]),
        (forward, [1], [0, 2, 1, 3, 4]),
        (forward, [3, 4], [0, 1, 2, 3, 4]),
        (forward, [0, 1], [2, 0, 1, 3, 4]),
        (backward, [2, 3], [0, 2, 3, 1, 4]),
        (backward, [0], [0, 1, 2, 3, 4]),
    ],
)
def test_order(
    photo_project: Project,
    put: Callable[..., list[Shape]],
    move: Callable[..., Any],
    chosen: list[int],
    expected: list[int],
) -> None:
    shapes = put(*BOXES)
    edit = move([shapes[i] for i in chosen], shapes)
    if expected == sorted(expected):
        assert edit is None
        return
    after = there_and_back(photo_project, edit)
    assert [shape.geometry for shape in after] == [BOXES[i] for i in expected]


@given(
    st.lists(st.integers(-3, 6), min_size=1, max_size=8),
    st.sets(st.integers(0, 7), min_size=1),
    st.sampled_from([to_front, to_back, forward, backward]),
)
def test_order_from_any_numbers(zs: list[int], picked: set[int], move: Callable[..., Any]) -> None:
    shapes = [Shape(i + 1, 1, 0, Tag(), z=z) for i, z in enumerate(zs)]
    chosen = [shapes[i] for i in picked if i < len(shapes)]
    edit = move(chosen, shapes)
    before = [s.id for s in sorted(shapes, key=lambda s: (s.z, s.id))]
    numbers = {s.id: s.z for s in shapes}
    if edit is not None:
        numbers |= {i: values["z"] for i, values in edit.after.items()}
    after = sorted(numbers, key=lambda i: (numbers[i], i))
    ids = {s.id for s in chosen}
    assert [i for i in after if i not in ids] == [i for i in before if i not in ids]
    assert [i for i in after if i in ids] == [i for i in before if i in ids]
    assert (edit is None) == (after == before)
    if move is to_front and chosen:
        assert set(after[len(after) - len(ids) :]) == ids


def test_one_of_many_goes_to_the_front_by_one_number() -> None:
    shapes = [Shape(i, 1, 0, Tag(), z=i) for i in range(1, 2000)]
    edit = to_front(shapes[:1], shapes)
    assert edit is not None
    assert list(edit.after) == [1]
    edit = to_back(shapes[-2:], shapes)
    assert edit is not None
    assert list(edit.after) == [1998, 1999]


def test_groups_get_a_number_of_their_own(
    photo_project: Project, put: Callable[..., list[Shape]]
) -> None:
    shapes = put(*BOXES)
    shapes = there_and_back(photo_project, group(shapes[:2], shapes))
    shapes = there_and_back(photo_project, group(shapes[3:], shapes))
    assert [shape.attributes.get("group_id") for shape in shapes] == [1, 1, None, 2, 2]
    assert with_groups(shapes[:1], shapes) == shapes[:2]
    assert with_groups(shapes[2:3], shapes) == shapes[2:3]
    shapes = there_and_back(photo_project, ungroup(shapes))
    assert all(shape.attributes == {} for shape in shapes)
    assert ungroup(shapes) is None


def test_copies_are_cut_to_the_other_image_and_free(
    photo_project: Project, put: Callable[..., list[Shape]]
) -> None:
    shapes = put(Box(10, 10, 60, 40), Box(50, 5, 60, 9))
    other = photo_project.image_ids()[1]
    edit = copied(shapes, other, (40, 48), "Copy {shapes}").edit
    assert edit is not None
    assert edit.label == "Copy shape"
    photo_project.apply(edit)
    assert [s.geometry for s in photo_project.shapes(other)] == [Box(10, 10, 40, 40)]
    assert copied(shapes, other, (5, 5), "Copy {shapes}").edit is None
    shifted = copied(shapes[:1], other, (0, 0), "Duplicate {shapes}", 12.0).edit
    assert shifted is not None
    assert shifted.shapes[0].geometry == Box(22, 22, 72, 52)


MASK = Mask.from_array(np.pad(np.ones((9, 9), np.uint8), ((0, 39), (0, 55))))


@pytest.mark.parametrize(
    ("places", "said"),
    [
        ([Box(1, 1, 9, 9), MASK, square(2, 2, 9), Tag()], ""),
        ([Box(1, 1, 50, 9)], "1 shape was cut at the border of this image."),
        (
            [square(30, 30, 15), MASK, Keypoints(((1, 1), (60, 1)), (2, 2))],
            "2 shapes were cut at the border of this image.",
        ),
        ([Box(50, 1, 60, 9), Box(1, 1, 9, 9)], "1 of 2 shapes lies outside this image."),
        (
            [Box(50, 1, 60, 9), Box(1, 1, 9, 9), Box(1, 1, 50, 9)],
            "1 of 3 shapes lies outside this image; 1 was cut at its border.",
        ),
        ([Box(50, 1, 60, 9)], "None of the shapes lies inside this image."),
    ],
)
def test_what_does_not_fit_into_another_image_is_said(
    photo_project: Project, put: Callable[..., list[Shape]], places: list[Geometry], said: str
) -> None:
    shapes = put(*places)
    other = photo_project.image_ids()[1]
    assert copied(shapes, other, (40, 40), "Copy {shapes}").loss_text() == said
    assert copied(shapes, other, (0, 0), "Copy {shapes}").loss_text() == ""


def test_a_copy_beside_its_original_has_no_track(
    photo_project: Project, put: Callable[..., list[Shape]]
) -> None:
    (shape,) = put(Box(10, 10, 20, 20))
    shape = replace(shape, attributes={"track_id": 3, "group_id": 2, "own": "x"})
    here, other = photo_project.image_ids()[:2]
    beside = copied([shape], here, SIZE, "Duplicate {shapes}", 12.0).edit
    assert beside is not None
    assert beside.shapes[0].attributes == {"group_id": 2, "own": "x"}
    there = copied([shape], other, SIZE, "Copy {shapes}").edit
    assert there is not None
    assert there.shapes[0].attributes == shape.attributes
    again = copied([shape], other, SIZE, "Copy {shapes}", there=there.shapes).edit
    assert again is not None
    assert "track_id" not in again.shapes[0].attributes


@pytest.mark.parametrize(
    ("places", "copies"),
    [
        ([Box(10, 10, 20, 20)], [Box(22, 22, 32, 32)]),
        ([Box(40, 10, 60, 20)], [Box(28, 22, 48, 32)]),
        ([Box(40, 30, 64, 48)], [Box(28, 18, 52, 36)]),
        ([Box(40, 10, 60, 20), Box(20, 10, 30, 20)], [Box(28, 22, 48, 32), Box(8, 22, 18, 32)]),
        ([Box(2, 10, 64, 20)], [Box(14, 22, 64, 32)]),
    ],
)
def test_a_duplicate_stays_inside_the_image(
    places: list[Box], copies: list[Box], put: Callable[..., list[Shape]]
) -> None:
    shapes = put(*places)
    edit = copied(shapes, shapes[0].image_id, SIZE, "Duplicate {shapes}", 12.0).edit
    assert edit is not None
    assert [shape.geometry for shape in edit.shapes] == copies


def test_of_parts_the_first_keeps_the_track(
    photo_project: Project, put: Callable[..., list[Shape]]
) -> None:
    shapes = put(square(5, 5, 30), Box(0, 15, 60, 20))
    photo_project.apply(ReplaceShapes((replace(shapes[0], attributes={"track_id": 3, "own": 1}),)))
    shapes = photo_project.shapes(shapes[0].image_id)
    after = there_and_back(photo_project, subtracted(shapes, SIZE))
    assert [shape.attributes for shape in after] == [{"track_id": 3, "own": 1}, {"own": 1}]


def geometries(shapes: Sequence[Shape]) -> list[Geometry]:
    return [shape.geometry for shape in shapes]


def test_union_keeps_the_first_shape(
    photo_project: Project, put: Callable[..., list[Shape]]
) -> None:
    shapes = put(square(5, 5, 10), square(10, 5, 10), square(40, 20, 5))
    touching = united([shapes[1], shapes[0]], SIZE)
    assert touching.title() == "Unite 2 shapes"
    after = there_and_back(photo_project, touching)
    assert [shape.id for shape in after] == [shapes[1].id, shapes[2].id]
    assert after[0].geometry.bounds() == (5, 5, 20, 15)
    apart = united(after, SIZE)
    assert apart.title() == "Unite 2 shapes as a mask: their parts do not touch"
    after = there_and_back(photo_project, apart)
    assert isinstance(after[0].geometry, Mask)
    assert after[0].geometry.area() == 150 + 25
    everything = put(square(30, 40, 5))
    assert united(everything, SIZE).title() == "Unite 2 shapes"  # it was a mask before


def test_subtraction_uses_the_others_up_or_keeps_them(
    photo_project: Project, put: Callable[..., list[Shape]]
) -> None:
    shapes = put(square(5, 5, 30), square(10, 10, 5))
    after = there_and_back(photo_project, subtracted(shapes, SIZE, keep=True))
    assert [shape.geometry.area() for shape in after] == [875, 25]
    after = there_and_back(photo_project, subtracted(after, SIZE))
    assert len(after) == 1
    assert len(after[0].geometry.holes) == 1  # type: ignore[union-attr]
    after = there_and_back(photo_project, filled(after))
    assert after[0].geometry.area() == 900
    with pytest.raises(EditError, match="hole"):
        filled(after)


def test_parts_become_shapes_of_the_same_class(
    photo_project: Project, put: Callable[..., list[Shape]]
) -> None:
    shapes = put(square(5, 5, 30), Box(0, 15, 60, 20))
    after = there_and_back(photo_project, subtracted(shapes, SIZE))
    assert sorted(shape.geometry.area() for shape in after) == [300, 450]
    assert {shape.class_id for shape in after} == {shapes[0].class_id}
    array = np.zeros((48, 64))
    array[1:5, 1:5] = array[20:30, 20:30] = 1
    masks = put(Mask.from_array(array))
    after = there_and_back(photo_project, parted(masks))
    assert len(after) == 4
    with pytest.raises(EditError, match="one part"):
        parted(after)


def test_what_makes_no_sense_is_refused(put: Callable[..., list[Shape]]) -> None:
    shapes = put(square(5, 5, 5), square(30, 30, 5), Tag())
    for make in (
        lambda: united(shapes[:1], SIZE),
        lambda: united(shapes, SIZE),
        lambda: overlap(shapes[:2], SIZE),
        lambda: subtracted([shapes[0], shapes[0]], SIZE),
        lambda: thinned(shapes, 0.5),
        lambda: turned_into(shapes[2:], "box", SIZE),
        lambda: turned_into(shapes[:2], "polygon", SIZE),
    ):
        with pytest.raises(EditError):
            make()


def test_shapes_change_their_kind_and_their_points(
    photo_project: Project, put: Callable[..., list[Shape]]
) -> None:
    many = Polygon((*tuple((5.0 + i, 5.0 + i % 2 * 0.2) for i in range(20)), (20.0, 30.0)))
    shapes = put(many, Box(1, 1, 9, 9), Tag())
    after = there_and_back(photo_project, thinned(shapes, 1.0))
    assert len(after[0].geometry.exterior) < 5  # type: ignore[union-attr]
    edit = turned_into(after, "mask", SIZE)
    after = there_and_back(photo_project, edit)
    assert [shape.geometry.kind for shape in after] == ["mask", "mask", "tag"]
    assert edit.title() == "Turn 2 shapes into masks"
    assert turned_into(after[:2], "box", SIZE).title() == "Turn 2 shapes into boxes"
    after = there_and_back(photo_project, overlap(after[:2], SIZE))
    assert len(after) == 2
