from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from engine.ops import rotated
from engine.ops.nms import non_max_suppression
from engine.ops.rotated import (
    batch_probiou,
    covariance,
    dist2rbox,
    probiou,
    rbox2dist,
    select_rotated,
    xywhr2xyxyxyxy,
)


def _boxes(count, seed=0, size=60.0):
    random = torch.Generator().manual_seed(seed)
    values = torch.rand(count, 5, generator=random)
    scale = torch.tensor([size, size, 30.0, 10.0, math.pi])
    return values * scale + torch.tensor([0.0, 0, 5, 5, -math.pi / 4])


def test_corners_of_an_upright_and_of_a_turned_box():
    upright = xywhr2xyxyxyxy(np.array([10.0, 20, 8, 4, 0]))
    assert upright.tolist() == [[14, 22], [14, 18], [6, 18], [6, 22]]
    turned = xywhr2xyxyxyxy(torch.tensor([[10.0, 20, 8, 4, math.pi / 2]]))
    expected = torch.tensor([[[8.0, 24], [12, 24], [12, 16], [8, 16]]])
    torch.testing.assert_close(turned, expected)


def test_covariance_is_that_of_points_spread_evenly_over_the_box():
    box = torch.tensor([3.0, -2, 12, 5, 0.7])
    grid = (np.stack(np.meshgrid(np.arange(400), np.arange(400)), -1).reshape(-1, 2) + 0.5) / 400
    along, across = (grid - 0.5).T * np.array([[12.0], [5.0]])
    points = np.stack(
        (
            along * math.cos(0.7) - across * math.sin(0.7),
            along * math.sin(0.7) + across * math.cos(0.7),
        )
    )
    expected = np.cov(points, bias=True)
    found = torch.cat(covariance(box)).numpy()
    np.testing.assert_allclose(
        found, [expected[0, 0], expected[1, 1], expected[0, 1]], rtol=1e-3, atol=1e-3
    )


def _by_definition(first, second):
    """1 - Hellinger distance of two normal distributions, from the matrices."""
    matrices = []
    for box in (first, second):
        a, b, c = (float(v) for v in covariance(box))
        matrices.append(np.array([[a, c], [c, b]], dtype=np.float64))
    mean = (matrices[0] + matrices[1]) / 2
    gap = (first[:2] - second[:2]).double().numpy()
    distance = gap @ np.linalg.inv(mean) @ gap / 8
    determinants = np.linalg.det(matrices[0]) * np.linalg.det(matrices[1])
    distance += np.log(np.linalg.det(mean) / math.sqrt(determinants)) / 2
    return 1 - math.sqrt(1 - math.exp(-distance))


def test_overlap_is_the_hellinger_distance_of_the_distributions():
    boxes = _boxes(12)
    found = batch_probiou(boxes, boxes)
    for i in range(12):
        for j in range(i):
            assert found[i, j] == pytest.approx(_by_definition(boxes[i], boxes[j]), abs=2e-3)
    assert found.diagonal().min() > 0.998
    torch.testing.assert_close(found, found.T)


def test_overlap_does_not_hang_on_where_or_how_the_pair_lies():
    first, second = _boxes(2, seed=3)
    moved = torch.tensor([100.0, -40, 0, 0, 0])
    torch.testing.assert_close(
        probiou(first, second), probiou(first + moved, second + moved), rtol=1e-3, atol=1e-4
    )
    swapped = first[[0, 1, 3, 2, 4]] + torch.tensor([0, 0, 0, 0, math.pi / 2])
    torch.testing.assert_close(probiou(first, second), probiou(swapped, second))


def test_overlap_has_gradients_also_for_boxes_without_area():
    boxes = torch.tensor([[5.0, 5, 4, 2, 0.3], [5, 5, 0, 0, 0.0]], requires_grad=True)
    other = torch.tensor([[6.0, 5, 4, 2, 0.1], [5, 5, 3, 2, 0.0]])
    overlap = probiou(boxes, other)
    overlap.sum().backward()
    assert overlap.isfinite().all()
    assert boxes.grad.isfinite().all()
    assert boxes.grad[0].abs().sum() > 0


def _slowly(boxes, labels, iou, max_det):
    """A box stays when no earlier one of its class overlaps it enough, gone or not."""
    kept = []
    for i in range(len(boxes)):
        rivals = [j for j in range(i) if labels is None or labels[j] == labels[i]]
        if not any(probiou(boxes[j], boxes[i]) >= iou for j in rivals):
            kept.append(i)
    return kept[:max_det]


@pytest.mark.parametrize("block", [7, 256])
@pytest.mark.parametrize("max_det", [5, 300])
@pytest.mark.parametrize("classes", [None, 3])
def test_keeps_what_no_surer_box_overlaps(block, max_det, classes, monkeypatch):
    monkeypatch.setattr(rotated, "_BLOCK", block)
    boxes = _boxes(60, seed=1)
    labels = None if classes is None else torch.arange(60) % classes
    expected = _slowly(boxes, labels, 0.4, max_det)
    assert 5 <= len(expected) < 60
    assert select_rotated(boxes, labels, 0.4, max_det).tolist() == expected


@pytest.mark.parametrize("iou", [0.0, 0.3, 1.0])
@pytest.mark.parametrize("classes", [None, 2])
def test_heaps_of_boxes_are_judged_one_by_one(iou, classes):
    heaps = _boxes(6, seed=2, size=200).repeat_interleave(40, 0)
    boxes = heaps + torch.randn(240, 5, generator=torch.Generator().manual_seed(4)) * 0.8
    labels = None if classes is None else torch.arange(240) % classes
    expected = _slowly(boxes, labels, iou, 300)
    assert select_rotated(boxes, labels, iou, 300).tolist() == expected


def test_nothing_to_select_from():
    assert select_rotated(torch.zeros(0, 5), None, 0.5, 300).tolist() == []


def test_dense_output_gives_rows_with_the_angle_last():
    dense = torch.tensor(
        [
            [10.0, 10.2, 50, 10],  # x
            [10.0, 10.1, 50, 10],  # y
            [8.0, 8, 8, 8],  # w
            [4.0, 4, 4, 4],  # h
            [0.9, 0.8, 0.7, 0.1],  # first class
            [0.0, 0, 0, 0.6],  # second class
            [0.3, 0.3, 0.1, 0.3],  # angle
        ]
    )[None]
    (rows,) = non_max_suppression(dense, 0.25, 0.5, nc=2, rotated=True)
    expected = torch.tensor(
        [[10.0, 10, 8, 4, 0.9, 0, 0.3], [50, 50, 8, 4, 0.7, 0, 0.1], [10, 10, 8, 4, 0.6, 1, 0.3]]
    )
    torch.testing.assert_close(rows, expected)
    (alone,) = non_max_suppression(dense, 0.25, 0.5, nc=2, rotated=True, agnostic=True)
    torch.testing.assert_close(alone, expected[:2])


def test_distances_and_boxes_undo_each_other():
    boxes, points = _boxes(40), torch.rand(40, 2, generator=torch.Generator().manual_seed(3)) * 60
    distances = rbox2dist(points, boxes)
    again = dist2rbox(distances, boxes[:, 4:], points)
    torch.testing.assert_close(again, boxes[:, :4], atol=1e-4, rtol=1e-5)
    planes = dist2rbox(distances.T, boxes[:, 4:].T, points.T, dim=0)
    torch.testing.assert_close(planes, again.T)


def test_distances_count_along_the_sides_of_the_box():
    box = torch.tensor([[10.0, 20, 8, 4, math.pi / 2]])  # its width lies along y
    found = rbox2dist(torch.tensor([[11.0, 19]]), box)
    torch.testing.assert_close(found, torch.tensor([[3.0, 1, 5, 3]]))
    far = rbox2dist(torch.tensor([[10.0, 40]]), box, last_bin=15)
    torch.testing.assert_close(far, torch.tensor([[14.99, 2, 0, 2]]))


def test_a_blur_adds_a_circle_to_the_covariance():
    boxes = _boxes(5)
    for plain, blurred, more in zip(
        covariance(boxes), covariance(boxes, 0.3), (0.3, 0.3, 0), strict=True
    ):
        torch.testing.assert_close(blurred, plain + more)


def test_a_blur_bounds_the_gradient_of_the_thinnest_boxes():
    truth = torch.tensor([[5.0, 5, 9, 1e-3, 0.3]])
    slopes = []
    for blur in (0.0, 0.01):
        box = torch.tensor([[5.0, 5.5, 9, 1e-3, 0.4]], requires_grad=True)
        (1 - probiou(box, truth, blur=blur)).sum().backward()
        assert torch.isfinite(box.grad).all()
        slopes.append(float(box.grad.abs().max()))
    assert slopes[1] < 5
