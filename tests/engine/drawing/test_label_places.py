"""Names of boxes do not hide one another."""

from __future__ import annotations

import itertools

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from engine.drawing.annotator import Annotator
from engine.drawing.label_places import Plate, place_label
from engine.drawing.mosaic import plot_images
from engine.drawing.palette import colors

INKS = ((0, 0, 255), (0, 255, 0), (255, 0, 0))
PICTURE = (200, 150)


def corners(x1: float, y1: float, x2: float, y2: float) -> np.ndarray:
    return np.array([(x1, y1), (x2, y1), (x1, y2), (x2, y2)], dtype=float)


def overlap(a: Plate, b: Plate) -> int:
    wide, high = min(a[2], b[2]) - max(a[0], b[0]), min(a[3], b[3]) - max(a[1], b[1])
    return max(wide, 0) * max(high, 0)


def test_the_second_of_two_equal_boxes_is_named_below_the_first_name() -> None:
    box, size = corners(40, 60, 160, 120), (50, 14)
    first = place_label(box, size, PICTURE, [])
    assert first == (40, 46, 90, 60)
    second = place_label(box, size, PICTURE, [first])
    assert second == (40, 60, 90, 74)
    third = place_label(box, size, PICTURE, [first, second])
    assert third == (110, 46, 160, 60)  # ends with the box


def test_where_every_place_is_taken_the_least_is_covered() -> None:
    box = corners(0, 0, 60, 14)
    wall = [(0, 0, 200, 10)]
    assert place_label(box, (60, 14), PICTURE, wall) == (0, 14, 60, 28)
    everywhere = [(0, 0, 200, 150)]
    assert place_label(box, (60, 14), PICTURE, everywhere) == (0, 0, 60, 14)


sides = st.tuples(st.integers(-20, 190), st.integers(-20, 140))


@given(st.lists(st.tuples(sides, st.integers(1, 90), st.integers(1, 90)), max_size=8))
def test_a_free_place_is_taken_wherever_there_is_one(
    boxes: list[tuple[tuple[int, int], int, int]],
) -> None:
    taken: list[Plate] = []
    for (x, y), wide, high in boxes:
        box = corners(x, y, x + wide, y + high)
        place = place_label(box, (40, 12), PICTURE, taken)
        assert 0 <= place[0] <= PICTURE[0] - 40
        if any(overlap(place, other) for other in taken):  # then each place alone is no better
            for left, top in itertools.product({x, max(x + wide - 40, 0)}, (y - 12, y)):
                free = (left, top, left + 40, top + 12)
                is_inside = left >= 0 and top >= 0 and left + 40 <= 200 and top + 12 <= 150
                assert not is_inside or any(overlap(free, other) for other in taken)
        taken.append(place)


def shown(picture: np.ndarray, ink: tuple[int, int, int]) -> int:
    """Return how many pixels have exactly a colour."""
    return int((picture == np.array(ink, np.uint8)).all(-1).sum())


def test_all_names_of_boxes_upon_one_another_can_be_read() -> None:
    alone = []
    for ink in INKS:
        picture = np.zeros((150, 200, 3), np.uint8)
        Annotator(picture, line_width=1).box_labels([[50, 50, 150, 110]], ["nut 0.93"], [ink])
        alone.append(shown(picture, ink))
    picture = np.zeros((150, 200, 3), np.uint8)
    boxes = [[50, 50, 150, 110], [51, 51, 151, 111], [49, 50, 149, 109]]
    Annotator(picture, line_width=1).box_labels(boxes, ["nut 0.93"] * 3, INKS)
    ring = 2 * (100 + 60)
    for ink, before in zip(INKS, alone, strict=True):
        assert shown(picture, ink) > before - ring * 1.2  # only its frame may be crossed


def test_turned_boxes_are_named_at_another_corner() -> None:
    picture = np.zeros((150, 200, 3), np.uint8)
    diamond = np.array([(100, 40), (140, 75), (100, 110), (60, 75)], float)
    annotator = Annotator(picture, line_width=1)
    annotator.box_label(diamond, "nut", INKS[0], rotated=True)
    annotator.box_label(diamond, "bolt", INKS[1], rotated=True)
    ys = [np.nonzero((picture == ink).all(-1))[0] for ink in INKS[:2]]
    assert ys[0].min() < 40  # above the topmost corner
    assert shown(picture, INKS[0]) > 150
    assert shown(picture, INKS[1]) > 150


def test_predictions_of_a_batch_picture_name_each_object() -> None:
    batch = {
        "img": np.zeros((1, 3, 480, 480), np.uint8),
        "batch_idx": np.zeros(2),
        "cls": np.array([0, 1]),
        "bboxes": np.array([[0.5, 0.5, 0.4, 0.4], [0.5, 0.5, 0.4, 0.4]]),
        "conf": np.array([0.9, 0.8]),
    }
    picture = plot_images(batch, names={0: "nut", 1: "bolt"})
    for number in (0, 1):
        where = np.nonzero((picture == np.array(colors(number, bgr=True), np.uint8)).all(-1))
        wide_rows = np.bincount(
            where[0], minlength=480
        )  # a plate is wider than a frame's two sides
        assert (wide_rows[100:200] > 15).sum() >= 10
