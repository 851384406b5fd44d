from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest
import torch

from engine.ops import boxes
from engine.ops.numbers import make_divisible

XYXY = np.array(
    [
        [22.878, 231.27, 804.98, 756.83],
        [48.552, 398.56, 245.35, 902.71],
        [669.47, 392.19, 809.72, 877.04],
        [221.52, 405.8, 344.98, 857.54],
        [0, 550.53, 63.01, 873.44],
        [0.0584, 254.46, 32.561, 324.87],
    ]
)
XYWH = np.array(
    [
        [413.93, 494.05, 782.1, 525.56],
        [146.95, 650.63, 196.8, 504.15],
        [739.6, 634.62, 140.25, 484.85],
        [283.25, 631.67, 123.46, 451.74],
        [31.505, 711.99, 63.01, 322.91],
        [16.31, 289.67, 32.503, 70.41],
    ]
)


def test_corners_to_centre_and_size_gives_the_documented_numbers():
    np.testing.assert_allclose(boxes.xyxy2xywh(XYXY), XYWH, rtol=1e-3)


@pytest.mark.parametrize("kind", ["numpy", "torch"])
@pytest.mark.parametrize(
    ("there", "back"),
    [
        (boxes.xyxy2xywh, boxes.xywh2xyxy),
        (boxes.xyxy2ltwh, boxes.ltwh2xyxy),
        (lambda x: boxes.xywh2ltwh(boxes.xyxy2xywh(x)), boxes.ltwh2xyxy),
        (boxes.xyxy2ltwh, lambda x: boxes.xywh2xyxy(boxes.ltwh2xywh(x))),
        (lambda x: boxes.xyxy2xywhn(x, 810, 1080), lambda x: boxes.xywhn2xyxy(x, 810, 1080)),
    ],
)
def test_conversions_come_back_and_leave_their_input_alone(there, back, kind):
    before = XYXY.copy() if kind == "numpy" else torch.from_numpy(XYXY.copy())
    given = before.copy() if kind == "numpy" else before.clone()
    result = back(there(given))
    assert type(result) is type(given)
    np.testing.assert_allclose(result, XYXY, rtol=1e-9)
    np.testing.assert_array_equal(given, XYXY)


@pytest.mark.parametrize(
    "function",
    [
        boxes.xyxy2xywh,
        boxes.xywh2xyxy,
        boxes.xyxy2ltwh,
        boxes.ltwh2xyxy,
        boxes.xywh2ltwh,
        boxes.ltwh2xywh,
        boxes.xywhn2xyxy,
        boxes.xyxy2xywhn,
    ],
)
def test_no_boxes_and_whole_numbers_and_wrong_shapes(function):
    assert function(np.zeros((0, 4))).shape == (0, 4)
    assert function(torch.zeros(2, 0, 4)).shape == (2, 0, 4)
    whole = np.array([[1, 2, 4, 7]])
    np.testing.assert_allclose(function(whole), function(whole.astype(float)))
    assert function(torch.tensor([[1, 2, 4, 7]])).is_floating_point()
    with pytest.raises(ValueError, match=r"\(\.\.\., 4\)"):
        function(np.zeros((3, 5)))


def test_scaling_gives_the_documented_numbers():
    scaled = boxes.scale_boxes((1080, 810), XYXY, (1296, 972), padding=False)
    expected = [
        [27.454, 277.52, 965.98, 908.2],
        [58.262, 478.27, 294.42, 1083.3],
        [803.36, 470.63, 971.66, 1052.4],
        [265.82, 486.96, 413.98, 1029],
        [0, 660.64, 75.612, 1048.1],
        [0.0701, 305.35, 39.073, 389.84],
    ]
    np.testing.assert_allclose(scaled, expected, rtol=1e-3)


@pytest.mark.parametrize("xywh", [False, True])
@pytest.mark.parametrize(
    ("height", "width"), [(1080, 810), (333, 640), (50, 50), (427, 640), (640, 481)]
)
def test_a_letterbox_is_undone(height, width, xywh):
    size = (640, 640)
    gain = min(size[0] / height, size[1] / width)
    inner_w, inner_h = round(width * gain), round(height * gain)
    left, top = round((size[1] - inner_w) / 2 - 0.1), round((size[0] - inner_h) / 2 - 0.1)
    gains = np.array([inner_w / width, inner_h / height] * 2)
    original = np.array([[1.0, 2.0, width - 3.0, height - 4.0]])
    there = original * gains + np.array([left, top, left, top])
    if xywh:
        there, original = boxes.xyxy2xywh(there), boxes.xyxy2xywh(original)
    assumed = boxes.scale_boxes(size, there, (height, width), xywh=xywh)
    told = boxes.scale_boxes(
        size, there, (height, width), ratio_pad=((gains[1], gains[0]), (left, top)), xywh=xywh
    )
    np.testing.assert_allclose(assumed, original, rtol=1e-9)
    np.testing.assert_allclose(told, original, rtol=1e-9)


def test_boxes_and_points_are_cut_at_the_border():
    box = torch.tensor([[-5.0, 4.0, 30.0, 99.0]])
    assert boxes.clip_boxes(box, (50, 20)).tolist() == [[0, 4, 20, 50]]
    points = np.array([[[-5.0, 99.0, 0.7]]])
    moved = boxes.scale_coords((100, 40), points, (50, 20), normalize=True)
    np.testing.assert_allclose(moved, [[[0, 49.5 / 50, 0.7]]])
    cut = boxes.xyxy2xywhn(np.array([[-10.0, 0, 10, 20]]), w=20, h=20, clip=True)
    np.testing.assert_allclose(cut, [[0.25, 0.5, 0.5, 1.0]])


@pytest.mark.parametrize(
    ("x", "divisor", "expected"),
    [(7, 3, 9), (7, 2, 8), (8, 8, 8), (0.1, 4, 4), (33, torch.tensor([8.0, 32.0]), 64)],
)
def test_make_divisible(x, divisor, expected):
    assert make_divisible(x, divisor) == expected


def test_make_divisible_refuses_zero():
    with pytest.raises(ValueError, match="divisor"):
        make_divisible(5, 0)


def test_the_window_side_of_the_room_loads_no_torch():
    code = (
        "import sys, engine.ops.boxes, engine.ops.polygons, engine.ops.raster, engine.ops.bboxes, "
        "engine.ops.numbers, engine.ops.profile; sys.exit('torch' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
