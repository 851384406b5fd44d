"""Results of every task become shapes that the canvas can draw."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch

from engine.core.results import Results
from engine.data.annotations import Box, Keypoints, OrientedBox, Polygon, Tag
from studio.jobs.predicted_shapes import shapes_of

HEIGHT, WIDTH = 48, 64
NAMES = {0: "bolt", 1: "nut"}


def results(**parts: Any) -> Results:
    return Results(np.zeros((HEIGHT, WIDTH, 3), np.uint8), "x.png", NAMES, **parts)


def test_boxes_become_boxes_and_tiny_ones_nothing():
    rows = torch.tensor([[4.0, 5, 24.004, 30, 0.9, 1], [1, 1, 2, 2, 0.8, 0]])
    (shape,) = shapes_of(results(boxes=rows))
    assert shape.geometry == Box(4.0, 5.0, 24.0, 30.0)
    assert (shape.class_id, shape.class_name, shape.score) == (1, "nut", 0.9)


def test_masks_become_outlines():
    mask = torch.zeros(1, HEIGHT, WIDTH)
    mask[0, 10:30, 8:40] = 1
    (shape,) = shapes_of(results(boxes=torch.tensor([[8.0, 10, 40, 30, 0.7, 0]]), masks=mask))
    assert isinstance(shape.geometry, Polygon)
    assert shape.geometry.bounds() == pytest.approx((8, 10, 40, 30), abs=1)


def test_rotated_boxes_keep_their_angle():
    (shape,) = shapes_of(results(obb=torch.tensor([[30.0, 20, 24, 10, 0.5, 0.8, 1]])))
    assert shape.geometry == OrientedBox(30.0, 20.0, 24.0, 10.0, 0.5)
    assert (shape.class_name, shape.score) == ("nut", 0.8)


def test_keypoints_know_which_of_them_are_hidden_or_nowhere():
    points = torch.tensor([[[5.0, 6, 0.9], [7, 8, 0.3], [0, 0, 0.01]]])
    boxes = torch.tensor([[4.0, 5, 24, 30, 0.9, 0]])
    (shape,) = shapes_of(results(boxes=boxes, keypoints=points))
    assert isinstance(shape.geometry, Keypoints)
    assert shape.geometry.visibility == (2, 1, 0)
    assert shape.geometry.labelled() == ((5.0, 6.0), (7.0, 8.0))


def test_keypoints_without_a_place_are_left_out():
    boxes = torch.tensor([[4.0, 5, 24, 30, 0.9, 0]])
    assert shapes_of(results(boxes=boxes, keypoints=torch.zeros(1, 3, 3))) == ()


def test_a_classification_becomes_a_tag_where_it_is_sure_enough():
    found = results(probs=torch.tensor([0.3, 0.7]))
    (shape,) = shapes_of(found, 0.5)
    assert shape.geometry == Tag()
    assert (shape.class_name, shape.score) == ("nut", 0.7)
    assert shapes_of(found, 0.75) == ()


def test_a_map_of_classes_becomes_regions_with_holes():
    classes = torch.full((HEIGHT, WIDTH), 255, dtype=torch.uint8)
    classes[4:40, 4:50] = 1
    classes[10:20, 10:20] = 0
    classes[44, 60] = 1  # a speck
    shapes = {shape.class_name: shape for shape in shapes_of(results(semantic_mask=classes), 0.5)}
    assert set(shapes) == {"bolt", "nut"}
    assert shapes["bolt"].score is None
    assert shapes["bolt"].geometry.bounds() == (10, 10, 20, 20)
    nut = shapes["nut"].geometry
    assert nut.area() == pytest.approx(36 * 46 - 100, rel=0.02)
    assert len(nut.holes) == 1


def test_a_result_without_anything_gives_nothing():
    assert shapes_of(results()) == ()
    assert shapes_of(SimpleNamespace(names=NAMES)) == ()
