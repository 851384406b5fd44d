"""Examples given as boxes or masks, and the cells that they become."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from engine.models.yolo.yoloe.prompts import cells_of_boxes, cells_of_masks, parse_prompts
from engine.runtime.errors import ConfigError


def covered(cells: np.ndarray) -> tuple[list[int], list[int]]:
    """Return the first and last row and column that one mask covers."""
    rows, columns = np.flatnonzero(cells.any(1)), np.flatnonzero(cells.any(0))
    return [rows[0], rows[-1]], [columns[0], columns[-1]]


def test_a_box_covers_the_cells_whose_corner_it_holds() -> None:
    cells = cells_of_boxes(np.array([[8, 16, 24, 41.0]]), (64, 64), (64, 64))
    assert cells.shape == (1, 8, 8)
    assert covered(cells[0]) == ([2, 5], [1, 2])
    assert cells.sum() == 8


def test_boxes_follow_the_letterbox() -> None:
    # 640 x 481 into 320 x 256: half the size, 8 pixels of border left; cells as the peer draws them
    boxes = np.array([[100, 120, 300, 330], [20.3, 30.7, 90.2, 200.9]])
    cells = cells_of_boxes(boxes, (640, 481), (320, 256))
    assert cells.shape == (2, 40, 32)
    assert covered(cells[0]) == ([8, 20], [8, 19])
    assert cells.sum((1, 2)).tolist() == [156, 44]


def test_a_rounded_size_does_not_move_boxes() -> None:
    # 97 x 640 becomes 48 x 320 of 64 x 320; the gain stays a half: 16..80.1 becomes 16..48.05
    cells = cells_of_boxes(np.array([[100, 16, 300, 80.1]]), (97, 640), (64, 320))
    assert covered(cells[0]) == ([2, 6], [7, 18])


@pytest.mark.parametrize("box", [[17, 17, 19, 19], [17, 0, 18, 64], [63, 63, 64, 64], [0, 0, 1, 1]])
def test_a_tiny_box_keeps_a_cell(box: list[float]) -> None:
    cells = cells_of_boxes(np.array([box], dtype=float), (64, 64), (64, 64))[0]
    rows, columns = covered(cells)
    x, y = (box[0] + box[2]) / 2, (box[1] + box[3]) / 2
    assert columns[0] <= x / 8 <= columns[1] + 1
    assert rows[0] <= y / 8 <= rows[1] + 1


@pytest.mark.parametrize(
    "box", [[70, 10, 90, 20], [10, 10, 10, 20], [30, 10, 20, 20], [-9, 0, -1, 5]]
)
def test_a_box_without_area_in_the_picture_is_told(box: list[float]) -> None:
    with pytest.raises(ConfigError, match="64 x 48 pixels"):
        cells_of_boxes(np.array([box], dtype=float), (48, 64), (64, 64))


def test_masks_cover_the_cells_whose_centre_they_hold() -> None:
    masks = np.zeros((2, 48, 64), dtype=bool)
    masks[0, 8:24, 16:40] = True
    masks[1] = True
    cells = cells_of_masks(masks, (48, 64), (64, 64))  # 8 rows of border above
    assert covered(cells[0]) == ([2, 3], [2, 4])
    assert covered(cells[1]) == ([1, 6], [0, 7])


def test_masks_that_do_not_fit_are_told() -> None:
    with pytest.raises(ConfigError, match="32 x 32"):
        cells_of_masks(np.ones((1, 32, 32), dtype=bool), (48, 64), (64, 64))
    with pytest.raises(ConfigError, match="no cell"):
        cells_of_masks(np.zeros((1, 48, 64), dtype=bool), (48, 64), (64, 64))


def test_examples_of_a_class_join() -> None:
    prompts = parse_prompts(
        {"bboxes": [[0, 0, 16, 16], [8, 8, 32, 32], [40, 40, 64, 64]], "cls": [5, 2, 5]}
    )
    assert prompts.classes == (2, 5)
    assert prompts.names == ["object0", "object1"]
    cells = prompts.of_picture(7).cells(2, (64, 64), (64, 64))
    assert cells.sum((1, 2)).tolist() == [9, 4 + 9]


def test_prompts_of_each_picture() -> None:
    prompts = parse_prompts(
        {"bboxes": [[[0, 0, 16, 16]], [[0, 0, 9, 9], [8, 8, 32, 32]]], "cls": [[1], [0, 1]]}
    )
    assert not prompts.shared
    assert prompts.classes == (0, 1)
    assert prompts.of_picture(0).classes.tolist() == [1]
    assert prompts.of_picture(1).classes.tolist() == [0, 1]
    with pytest.raises(ConfigError, match=r"for 2 pictures.*number 3"):
        prompts.of_picture(2)


@pytest.mark.parametrize(
    "given",
    [
        {"bboxes": np.array([1, 2, 30, 40]), "cls": np.array([0])},
        {"bboxes": [[1, 2, 30, 40]], "cls": [0]},
        {"bboxes": np.array([[1, 2, 30, 40]]), "cls": 0},
    ],
)
def test_one_box_however_it_is_written(given: dict[str, Any]) -> None:
    examples = parse_prompts(given).of_picture(0)
    assert examples.shapes.tolist() == [[1, 2, 30, 40]]
    assert examples.classes.tolist() == [0]


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ([[1, 2, 3, 4]], "need bboxes or masks, and cls"),
        ({"bboxes": [[1, 2, 3, 4]]}, "and cls"),
        ({"cls": [0]}, "either bboxes or masks"),
        ({"bboxes": [[1, 2, 3, 4]], "masks": np.ones((1, 4, 4)), "cls": [0]}, "either"),
        ({"bboxes": [[1, 2, 3, 4]], "cls": [0], "names": ["a"]}, "names"),
        ({"bboxes": [[1, 2, 3]], "cls": [0]}, r"\(N, 4\)"),
        ({"bboxes": [[1, 2, 3, 4]], "cls": [0, 1]}, r"\(1, 4\) and \(2,\)"),
        ({"bboxes": [], "cls": []}, "N of 1 or more"),
        ({"bboxes": [[1, 2, 3, 4]], "cls": ["cat"]}, "no numbers"),
        ({"bboxes": [[1, 2, 3, 4]], "cls": [0.5]}, "whole class numbers"),
        ({"bboxes": [[1, 2, 3, 4]], "cls": [-1]}, "whole class numbers"),
        ({"bboxes": [[1, 2, float("nan"), 4]], "cls": [0]}, "finite"),
        ({"bboxes": [[[1, 2, 3, 4]]], "cls": [[0], [1]]}, "for 1 pictures, cls for 2"),
        ({"masks": np.ones((2, 8)), "cls": [0, 1]}, r"\(N, H, W\)"),
    ],
)
def test_what_cannot_be_used_is_told(given: Any, words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        parse_prompts(given)
