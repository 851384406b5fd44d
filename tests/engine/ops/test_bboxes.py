from __future__ import annotations

import numpy as np
import pytest

from engine.ops.bboxes import Bboxes
from engine.ops.instances import Instances

XYXY = np.array(
    [
        [22.878, 231.27, 804.98, 756.83],
        [48.552, 398.56, 245.35, 902.71],
        [0.0584, 254.46, 32.561, 324.87],
    ]
)


def test_areas_and_conversion_give_the_documented_numbers():
    boxes = Bboxes(bboxes=XYXY, format="xyxy")
    np.testing.assert_allclose(boxes.areas(), [4.1104e05, 99216, 2288.5], rtol=1e-4)
    boxes.convert("xywh")
    expected = [
        [413.93, 494.05, 782.1, 525.56],
        [146.95, 650.63, 196.8, 504.15],
        [16.31, 289.67, 32.503, 70.41],
    ]
    np.testing.assert_allclose(boxes.bboxes, expected, rtol=1e-3)
    np.testing.assert_allclose(boxes.areas(), [4.1104e05, 99216, 2288.5], rtol=1e-4)


@pytest.mark.parametrize("first", ["xyxy", "xywh", "ltwh"])
@pytest.mark.parametrize("second", ["xyxy", "xywh", "ltwh"])
def test_every_format_leads_to_every_other(first, second):
    boxes = Bboxes(XYXY)
    boxes.convert(first)
    start = boxes.bboxes
    boxes.convert(second)
    assert boxes.format == second
    boxes.convert(first)
    np.testing.assert_allclose(boxes.bboxes, start)


def test_arithmetic_choosing_and_joining():
    boxes = Bboxes(np.array([[1.0, 2, 3, 4], [5, 6, 7, 8]]))
    boxes.mul(2)
    boxes.add((1, 0, 1, 0))
    assert boxes.bboxes.tolist() == [[3, 4, 7, 8], [11, 12, 15, 16]]
    assert boxes[1].bboxes.tolist() == [[11, 12, 15, 16]]
    assert len(boxes[boxes.bboxes[:, 0] > 99]) == 0
    assert len(Bboxes.concatenate([boxes, boxes[0]])) == 3
    assert len(Bboxes.concatenate([])) == 0
    assert len(Bboxes(np.array([1.0, 2, 3, 4]))) == 1


@pytest.mark.parametrize(
    ("action", "says"),
    [
        (lambda: Bboxes(np.zeros((2, 5))), "shape"),
        (lambda: Bboxes(np.zeros((2, 4)), "yxyx"), "yxyx"),
        (lambda: Bboxes(np.zeros((2, 4))).convert("what"), "what"),
        (lambda: Bboxes(np.zeros((2, 4))).mul((1, 2)), "four"),
        (lambda: Bboxes.concatenate([Bboxes(XYXY), Bboxes(XYXY, "xywh")]), "one format"),
        (lambda: Instances(XYXY).add_padding(1, 1), "pixels"),
        (
            lambda: Instances.concatenate([Instances(XYXY), Instances(XYXY, normalized=False)]),
            "both",
        ),
    ],
)
def test_what_cannot_be_is_refused(action, says):
    with pytest.raises(ValueError, match=says):
        action()


def _instances():
    boxes = np.array([[0.5, 0.5, 0.2, 0.4], [0.1, 0.2, 0.4, 0.2]])
    segments = np.array(
        [[[0.4, 0.3], [0.6, 0.3], [0.6, 0.7]], [[-0.1, 0.1], [0.3, 0.1], [0.3, 0.3]]]
    )
    points = np.array([[[0.5, 0.5, 2]], [[-0.05, 0.2, 2]]])
    return Instances(boxes, segments, points)


@pytest.mark.parametrize("format", ["xywh", "xyxy", "ltwh"])
def test_everything_moves_together(format):
    instances = _instances()
    instances.convert_bbox(format)
    instances.denormalize(100, 50)
    instances.denormalize(100, 50)  # once only
    instances.add_padding(10, 5)
    instances.fliplr(120)
    instances.flipud(60)
    instances.convert_bbox("xyxy")
    np.testing.assert_allclose(instances.bboxes[0], [50, 20, 70, 40], rtol=1e-5)
    np.testing.assert_allclose(instances.segments[0], [[70, 40], [50, 40], [50, 20]], rtol=1e-5)
    np.testing.assert_allclose(instances.keypoints[0, 0], [60, 30, 2], rtol=1e-5)
    np.testing.assert_allclose(instances.bbox_areas[0], 400, rtol=1e-5)
    instances.normalize(120, 60)
    np.testing.assert_allclose(
        instances.bboxes[0], [50 / 120, 20 / 60, 70 / 120, 40 / 60], rtol=1e-5
    )


def test_clipping_and_dropping_what_is_left_without_area():
    instances = Instances.concatenate([_instances(), _instances()[1]])
    assert len(instances) == 3
    instances.convert_bbox("xyxy")
    instances.clip(1, 1)
    assert instances.bboxes[1, 0] == 0
    assert instances.segments.min() == 0
    assert instances.keypoints[1, 0].tolist() == pytest.approx([0, 0.2, 0])
    instances.scale(0, 1)
    assert instances.remove_zero_area_boxes().tolist() == [False] * 3
    assert len(instances) == len(instances.segments) == 0
    assert len(Instances.concatenate([])) == 0


def test_choosing_gives_a_copy():
    instances = _instances()
    instances[0].scale(9, 9)
    assert instances.bboxes.max() < 1
    assert len(instances[np.array([False, True])].segments) == 1
    assert len(Instances(np.zeros((2, 4)))[[0]].segments) == 0
