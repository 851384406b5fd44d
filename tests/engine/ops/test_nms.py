from __future__ import annotations

import numpy as np
import pytest
import torch

from engine.ops import nms
from engine.ops.boxes import xywh2xyxy
from engine.ops.iou import box_iou
from engine.ops.nms import best_rows, non_max_suppression, select

NC, EXTRA = 6, 3


def _dense(images=2, anchors=300, power=3.0, seed=0):
    random = np.random.default_rng(seed)
    xy = random.random((images, 2, anchors)) * 100
    wh = random.random((images, 2, anchors)) * 40 + 5
    scores = random.random((images, NC, anchors)) ** power
    extra = random.standard_normal((images, EXTRA, anchors))
    return torch.from_numpy(np.concatenate((xy, wh, scores, extra), 1).astype(np.float32))


def _slowly(dense, conf, iou, agnostic=False, multi_label=False, classes=None, max_det=300):
    """The textbook: best first, drop what overlaps a kept one of the same class too much."""
    boxes, scores = xywh2xyxy(dense[:4].T), dense[4 : 4 + NC]
    candidates = []
    for anchor in range(dense.shape[1]):
        for label in range(NC) if multi_label else [int(scores[:, anchor].argmax())]:
            wanted = classes is None or label in classes
            if scores[label, anchor] > conf and wanted:
                candidates.append((float(scores[label, anchor]), label, anchor))
    kept = []
    for score, label, anchor in sorted(candidates, key=lambda c: -c[0]):
        rivals = [a for _, other, a in kept if agnostic or other == label]
        if not rivals or box_iou(boxes[anchor][None], boxes[rivals]).max() <= iou:
            kept.append((score, label, anchor))
    rows = [
        torch.cat((boxes[a], torch.tensor([s, float(c)]), dense[4 + NC :, a]))
        for s, c, a in kept[:max_det]
    ]
    return torch.stack(rows) if rows else torch.zeros(0, 6 + EXTRA)


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"agnostic": True},
        {"multi_label": True},
        {"classes": [1, 4]},
        {"classes": [0], "multi_label": True, "agnostic": True},
        {"max_det": 7},
    ],
)
@pytest.mark.parametrize("block", [4, 256])
def test_keeps_what_the_textbook_keeps(options, block, monkeypatch):
    monkeypatch.setattr(nms, "_BLOCK", block)
    dense = _dense()
    found = non_max_suppression(dense, conf=0.3, iou=0.4, nc=NC, **options)
    for got, image in zip(found, dense, strict=True):
        expected = _slowly(image, 0.3, 0.4, **options)
        assert len(expected) > 5
        torch.testing.assert_close(got, expected)


@pytest.mark.parametrize("power", [1.0, 4.0])
@pytest.mark.parametrize("multi_label", [False, True])
def test_equals_torchvision(power, multi_label):
    from torchvision.ops import nms as torchvision_nms

    dense = _dense(1, 2000, 1.0)
    places = np.random.default_rng(1).permutation(NC * 2000).reshape(NC, 2000)
    shares = (places + 0.5) / places.size  # no two equal: torchvision leaves their order open
    dense[0, 4 : 4 + NC] = torch.from_numpy(shares**power)
    (found,) = non_max_suppression(dense, 0.01, 0.7, multi_label=multi_label, nc=NC, max_det=10_000)
    scores, boxes = dense[0, 4 : 4 + NC], xywh2xyxy(dense[0, :4].T)
    if multi_label:
        label, anchor = (scores > 0.01).nonzero(as_tuple=True)
        score = scores[label, anchor]
    else:
        score, label = scores.max(0)
        anchor = (score > 0.01).nonzero().squeeze(1)
        score, label = score[anchor], label[anchor]
    # moved apart as the field does it: float32 rounds the same digits away
    keep = torchvision_nms(boxes[anchor] + label[:, None] * 7680.0, score, 0.7)
    expected = torch.cat((boxes[anchor[keep]], score[keep, None], label[keep, None]), 1)
    torch.testing.assert_close(found[:, :6], expected)


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_both_devices_agree():
    dense = _dense(2, 1000)
    for agnostic in (False, True):
        here = non_max_suppression(dense, 0.2, 0.5, nc=NC, agnostic=agnostic)
        there = non_max_suppression(dense.cuda(), 0.2, 0.5, nc=NC, agnostic=agnostic)
        for a, b in zip(here, there, strict=True):
            torch.testing.assert_close(a, b.cpu())


def test_best_candidates_are_considered_when_there_are_too_many():
    dense = _dense(1, 500)
    limited = non_max_suppression(dense, 0.01, 0.99, nc=NC, max_nms=20)[0]
    full = non_max_suppression(dense, 0.01, 0.99, nc=NC)[0]
    torch.testing.assert_close(limited, full[: len(limited)])
    assert 15 <= len(limited) <= 20


@pytest.mark.parametrize("multi_label", [False, True])
def test_nothing_above_the_confidence(multi_label):
    found = non_max_suppression(_dense(), conf=1.0, nc=NC, multi_label=multi_label)
    assert [x.shape for x in found] == [(0, 6 + EXTRA)] * 2
    empty = non_max_suppression(torch.zeros(1, 4 + NC, 0), multi_label=multi_label)
    assert empty[0].shape == (0, 6)


def test_equal_scores_keep_their_order_and_boxes_without_area_do_no_harm():
    boxes = torch.tensor([[0.0, 0, 10, 10], [0, 0, 10, 10], [5, 5, 5, 5], [5, 5, 5, 5]])
    assert select(boxes, None, 0.5, 10).tolist() == [0, 2, 3]
    dense = torch.tensor([[5.0, 5, 10, 10, 0.5], [5, 5, 10, 10, 0.5]]).T[None]
    assert len(non_max_suppression(dense)[0]) == 1


def test_classes_stay_apart_on_images_larger_than_their_usual_distance():
    huge = torch.tensor([[0.0, 0, 9000, 9000], [7680, 7680, 16680, 16680]])
    assert select(huge, torch.tensor([1, 0]), 0.5, 10).tolist() == [0, 1]
    assert select(huge, torch.tensor([0, 1]), 0.5, 10).tolist() == [0, 1]


def test_an_overlap_of_exactly_the_threshold_is_not_above_it():
    boxes = torch.tensor([[0.0, 0, 10, 1], [0, 0, 7, 1]])
    assert select(boxes, None, 0.7, 10).tolist() == [0, 1]
    assert select(boxes, None, 0.69, 10).tolist() == [0]


def test_rows_of_a_head_without_duplicates_are_only_filtered():
    rows = torch.tensor(
        [
            [[0.0, 0, 4, 4, 0.9, 2, 5], [0, 0, 4, 4, 0.8, 2, 6], [1, 1, 4, 4, 0.3, 0, 7]],
            [[0.0, 0, 4, 4, 0.2, 1, 8], [0, 0, 4, 4, 0.1, 2, 9], [0, 0, 0, 0, 0.0, 0, 0]],
        ]
    )
    first, second = best_rows(rows, 0.25, None, 300)
    assert (first[:, 6].tolist(), second.shape) == ([5, 6, 7], (0, 7))
    assert best_rows(rows, 0.25, None, 1)[0][:, 6].tolist() == [5]
    assert [r[:, 6].tolist() for r in best_rows(rows, 0.05, [0, 1], 300)] == [[7], [8]]


def test_half_precision_and_not_a_number():
    dense = _dense()
    dense[0, 4, 0] = float("nan")
    found = non_max_suppression(dense.half(), 0.3, 0.4, nc=NC)
    assert all(x.dtype == torch.float32 and x.isfinite().all() for x in found)


@pytest.mark.parametrize("bad", [{"conf": 1.5}, {"iou": -0.1}])
def test_thresholds_outside_their_range_are_refused(bad):
    with pytest.raises(ValueError, match=r"within 0\.\.1"):
        non_max_suppression(_dense(), **bad)
