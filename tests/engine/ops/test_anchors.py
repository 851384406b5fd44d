from __future__ import annotations

import torch

from engine.ops.anchors import bbox2dist, dist2bbox, make_anchors


def test_points_run_along_rows_level_after_level():
    feats = [torch.zeros(1, 5, 2, 3), torch.zeros(1, 5, 1, 1)]
    points, strides = make_anchors(feats, [8, 16])
    expected = [[0.5, 0.5], [1.5, 0.5], [2.5, 0.5], [0.5, 1.5], [1.5, 1.5], [2.5, 1.5], [0.5, 0.5]]
    assert points.tolist() == expected
    assert strides.flatten().tolist() == [8] * 6 + [16]
    assert make_anchors(feats, torch.tensor([8.0, 16.0]))[1].dtype == feats[0].dtype


def test_distances_and_boxes_are_each_others_inverse():
    points = torch.rand(9, 2) * 20
    distance = torch.rand(3, 9, 4) * 6
    corners = dist2bbox(distance, points, xywh=False)
    torch.testing.assert_close(bbox2dist(points, corners), distance)
    centre = dist2bbox(distance.transpose(1, 2), points.T, xywh=True, dim=1).transpose(1, 2)
    torch.testing.assert_close(centre[..., :2], (corners[..., :2] + corners[..., 2:]) / 2)
    torch.testing.assert_close(centre[..., 2:], corners[..., 2:] - corners[..., :2])


def test_distances_stay_within_the_bins():
    limited = bbox2dist(torch.zeros(1, 2), torch.tensor([[5.0, -2.0, 99.0, 3.0]]), last_bin=15)
    assert limited.tolist() == [[0, 2, torch.tensor(14.99).item(), 3]]
