import warnings

import pytest
import torch

from engine.export.duplicates import (
    remove_duplicates,
    suppress_by_loop,
    suppress_by_operator,
)
from engine.nn.backends.metadata import Metadata
from engine.ops.nms import non_max_suppression
from engine.ops.rotated import select_rotated

BOTH = pytest.mark.parametrize("suppress", [suppress_by_operator, suppress_by_loop])


def metadata(**changes):
    values = {"task": "detect", "names": {0: "a", 1: "b"}, "stride": 32, "imgsz": (64, 64)}
    return Metadata(**{**values, **changes})


def detections(*rows):
    """Columns of (x, y, w, h, scores..., extras...) as a head gives them."""
    return torch.tensor(rows, dtype=torch.float32).T[None]


@BOTH
def test_overlapping_boxes_of_one_class_are_reduced_to_the_best(suppress):
    decoded = detections(
        [50, 50, 20, 20, 0.6, 0, 1],
        [51, 50, 20, 20, 0.9, 0, 2],
        [50, 50, 20, 20, 0, 0.8, 3],
        [90, 90, 10, 10, 0.2, 0.1, 4],
    )
    found = remove_duplicates(decoded, metadata(conf=0.25, iou=0.5, max_det=4), suppress)[0]
    assert found.shape == (4, 7)
    assert found[0].tolist() == pytest.approx([41, 40, 61, 60, 0.9, 0, 2])
    assert found[1].tolist() == pytest.approx([40, 40, 60, 60, 0.8, 1, 3])
    assert not found[2:].any()


@BOTH
def test_classes_can_be_compared_with_each_other(suppress):
    decoded = detections([50, 50, 20, 20, 0.9, 0], [50, 50, 20, 20, 0, 0.8])
    apart = remove_duplicates(decoded, metadata(max_det=2), suppress)[0, :, 4]
    together = remove_duplicates(decoded, metadata(max_det=2, agnostic_nms=True), suppress)[0, :, 4]
    assert apart.tolist() == pytest.approx([0.9, 0.8])
    assert together.tolist() == pytest.approx([0.9, 0])


@BOTH
def test_rows_are_cut_and_filled_up(suppress):
    boxes = [[100 * i, 0, 10, 10, 0.3 + 0.1 * i, 0] for i in range(5)]
    three = remove_duplicates(detections(*boxes), metadata(max_det=3), suppress)[0]
    assert three[:, 4].tolist() == pytest.approx([0.7, 0.6, 0.5])
    nothing = remove_duplicates(detections(*boxes), metadata(conf=0.99, max_det=3), suppress)[0]
    assert nothing.shape == (3, 6)
    assert not nothing.any()


@BOTH
def test_many_classes_far_from_the_origin_are_kept_apart(suppress):
    names = {i: str(i) for i in range(80)}
    decoded = torch.zeros(1, 84, 80)
    decoded[0, 0], decoded[0, 1], decoded[0, 2], decoded[0, 3] = -300.0, 5000.0, 100.0, 100.0
    decoded[0, 4:] = torch.eye(80) * 0.9
    found = remove_duplicates(decoded, metadata(names=names), suppress)[0]
    assert sorted(found[:80, 5].tolist()) == list(range(80))
    assert not found[80:].any()


def crowd(count, classes, extras=0, seed=0):
    """Many boxes (1, 4 + classes + extras, count), several to each place."""
    generator = torch.Generator().manual_seed(seed)
    random = torch.rand(count, 4 + classes + extras, generator=generator)
    random[:, :2] = (random[:, :2] * 6).round() * 50 + random[:, 2:4] * 20
    random[:, 2:4] = 40 + random[:, 2:4] * 30
    return random.T[None]


@BOTH
@pytest.mark.parametrize("agnostic", [False, True])
def test_what_is_kept_is_what_removal_afterwards_keeps(suppress, agnostic):
    dense = crowd(400, 3, extras=2)
    told = metadata(
        names={0: "a", 1: "b", 2: "c"}, conf=0.3, iou=0.5, max_det=60, agnostic_nms=agnostic
    )
    inside = remove_duplicates(dense, told, suppress)[0]
    after = non_max_suppression(dense, 0.3, 0.5, agnostic=agnostic, max_det=60, nc=3)[0]
    count = int((inside[:, 4] > 0).sum())
    assert 10 < count == len(after)
    torch.testing.assert_close(inside[:count], after)


@pytest.mark.parametrize("agnostic", [False, True])
def test_oriented_boxes_are_judged_as_they_are_afterwards(agnostic):
    dense = crowd(400, 2, extras=1)
    dense[:, -1] = (dense[:, -1] - 0.25) * 3.14
    told = metadata(task="obb", conf=0.3, iou=0.4, max_det=60, agnostic_nms=agnostic)
    inside = remove_duplicates(dense, told, suppress_by_operator)[0]
    boxes, scores, angle = dense[0].T.split((4, 2, 1), 1)
    score, label = scores.max(1)
    order = score.argsort(descending=True)
    order = order[score[order] > 0.3]
    rotated = torch.cat((boxes, angle), 1)[order]
    kept = order[select_rotated(rotated, None if agnostic else label[order], 0.4, 60)]
    count = int((inside[:, 4] > 0).sum())
    assert 10 < count == len(kept)
    torch.testing.assert_close(inside[:count, :4], boxes[kept])
    torch.testing.assert_close(inside[:count, 6], angle[kept, 0])
    assert inside[:count, 5].tolist() == label[kept].tolist()


def test_the_loop_can_be_compiled():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # torch.jit announces its end
        compiled = torch.jit.script(suppress_by_loop)
    boxes = torch.tensor([[0.0, 0, 10, 10], [1, 0, 11, 10], [30, 30, 40, 40], [50, 0, 60, 10]])
    assert compiled(boxes, 0.5, 9).tolist() == [0, 2, 3]
    assert compiled(boxes, 0.5, 2).tolist() == [0, 2]
    assert compiled(boxes[:0], 0.5, 2).tolist() == []
