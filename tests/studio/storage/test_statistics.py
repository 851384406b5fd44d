"""The counts of a project agree with its labels, and what stands out is said."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from engine.data.annotations import Box, Polygon, Tag
from studio.model.edits import AddShapes, RemoveImages, SetSplit
from studio.model.errors import CancelledError
from studio.model.findings import find
from studio.model.project import Project
from studio.model.records import ClassDef, ImageFilter, new_shape
from studio.storage.image_index import read_sizes, store_of
from studio.storage.statistics import (
    _PART,
    CELLS,
    Statistics,
    bounds_of_bins,
    gather,
    images_in_cell,
    images_of_size,
    images_with_both,
    images_with_side,
)

CORNER = Polygon(((0.0, 0.0), (6.0, 0.0), (6.0, 4.0)), (((1.0, 1.0), (2.0, 1.0), (2.0, 2.0)),))
WIDE = Box(10, 20, 60, 30)


@pytest.fixture
def counted(photo_project: Project) -> Project:
    """Four images of 64 x 48: bolts on the first two, a nut on the second, a tag on the third."""
    project = photo_project
    one, two, three, _ = project.image_ids()
    shapes = (
        new_shape(one, 0, CORNER),
        new_shape(one, 0, WIDE),
        new_shape(two, 0, WIDE),
        new_shape(two, 1, CORNER),
        new_shape(three, 1, Tag()),
    )
    project.apply(AddShapes(shapes))
    read_sizes(project)
    return project


def test_everything_is_counted(counted: Project) -> None:
    told: list[tuple[int, int]] = []
    found = gather(counted.folder, lambda done, total: told.append((done, total)))
    assert found.images == 4
    assert found.shapes == {0: 3, 1: 2}
    assert found.images_with == {0: 2, 1: 2}
    assert found.shapes_an_image == (1, 1, 2)
    assert sum(found.image_sizes) == found.image_sizes[0] == 4
    assert found.aspects[4] == 4  # 64 / 48 lies between 1.1 and 1.4
    assert found.unmeasured == 0
    assert found.shape_sizes == (2, 0, 0, 2, 0, 0, 0, 0)  # 6 and 50 pixels; a tag has no size
    assert found.places.sum() == 4
    assert found.places[0, 0] == 2
    assert found.places[int(25 / 48 * CELLS), int(35 / 64 * CELLS)] == 2
    assert found.median_side == {0: 50.0, 1: 6.0}
    assert found.together == {(0, 1): 1}
    assert found.splits == {0: {"": 2}, 1: {"": 2}}
    assert found.stride == 1
    assert told[-1][0] == told[-1][1]


def test_images_that_were_removed_do_not_count(counted: Project) -> None:
    counted.apply(RemoveImages((counted.image_ids()[1],)))
    found = gather(counted.folder)
    assert (found.images, found.shapes, found.together) == (3, {0: 2, 1: 1}, {})
    assert found.places.sum() == 2


def test_an_empty_project_has_nothing_to_count(project: Project) -> None:
    found = gather(project.folder)
    assert isinstance(found, Statistics)
    assert (found.images, found.shapes, found.shapes_an_image) == (0, {}, (0,))
    assert not found.places.any()


def test_each_count_leads_to_its_images(counted: Project) -> None:
    one, two, _, _ = counted.image_ids()
    folder = counted.folder
    assert images_in_cell(folder, 0, 0) == [one, two]
    assert images_in_cell(folder, CELLS - 1, 0) == []
    assert images_with_side(folder, 32, 64) == [one, two]
    assert images_with_side(folder, 0, 8, class_id=1) == [two]
    assert images_with_both(counted, 0, 1) == [two]
    assert images_of_size(counted, 0, 320) == counted.image_ids()
    assert images_of_size(counted, 1.1, 1.4, is_aspect=True) == counted.image_ids()
    assert images_of_size(counted, 1.4, float("inf"), is_aspect=True) == []


def test_of_very_many_shapes_a_part_is_read(counted: Project) -> None:
    found = gather(counted.folder, sample=3)
    assert found.stride == 2
    assert found.shapes == {0: 3, 1: 2}
    assert 0 < found.places.sum() < 4


def test_counting_can_be_given_up(counted: Project) -> None:
    with pytest.raises(CancelledError):
        gather(counted.folder, is_cancelled=lambda: True)


def test_bins_have_no_gap() -> None:
    assert bounds_of_bins((1.0, 2.0)) == [(0.0, 1.0), (1.0, 2.0), (2.0, np.inf)]


CLASSES = tuple(ClassDef(n, name, "#112233") for n, name in enumerate(("bolt", "nut", "gear")))


def texts(**changed: object) -> list[str]:
    given = {
        "classes": CLASSES,
        "shapes": {0: 900, 1: 800, 2: 700},
        "median_side": {0: 40.0, 1: 40.0, 2: 40.0},
        "splits": {},
    }
    return [finding.text for finding in find(**{**given, **changed})]  # type: ignore[arg-type]


def test_a_balanced_data_set_has_no_findings() -> None:
    assert texts() == []


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"shapes": {0: 900, 1: 800}}, "gear has no shapes yet."),
        ({"shapes": {0: 900, 1: 800, 2: 90}}, "gear is rare: 90 shapes, 10 times fewer than bolt."),
        ({"shapes": {0: 90, 1: 80, 2: 49}}, "gear has only 49 shapes: little to learn from."),
        ({"median_side": {1: 9.0}}, "nut is tiny: half of its shapes are under 9 pixels."),
        ({"splits": {0: {"val": 3}}}, "bolt is in validation but not in training."),
        ({"splits": {0: {"train": 3}}}, "bolt is in training but not in validation."),
    ],
)
def test_what_stands_out_is_said(changed: dict[str, object], said: str) -> None:
    (text,) = texts(**changed)
    assert text.startswith(said)


def test_automatic_splits_are_no_finding_and_images_can_be_shown(counted: Project) -> None:
    assert texts(splits={0: {"train": 3, "": 2}}) == []
    counted.apply(SetSplit(dict.fromkeys(counted.image_ids(), "val")))
    found = gather(counted.folder)
    findings = find(found.classes, found.shapes, found.median_side, found.splits)
    wanted = next(f for f in findings if "bolt is in validation" in f.text).images
    assert wanted == replace(ImageFilter(), class_id=0)
    assert wanted is not None
    assert counted.count_images(wanted) == 2


def test_a_part_of_the_shapes_is_read_by_their_numbers(counted: Project) -> None:
    """Not by looking through all images for each part: of 100,000 images that took over a minute."""
    plan = store_of(counted).db.rows(f"EXPLAIN QUERY PLAN {_PART}", (0, 100, 1))
    steps = [row[3] for row in plan]
    assert len(steps) == 2
    assert "shapes USING INTEGER PRIMARY KEY" in steps[0]
    assert "images USING INTEGER PRIMARY KEY" in steps[1]
