from __future__ import annotations

from types import SimpleNamespace

import pytest
import torch
import torch.nn.functional as F

from engine.losses.boxes import expected_distances
from engine.losses.detection import DetectionLoss
from engine.losses.segmentation import SegmentationLoss
from engine.ops.anchors import dist2bbox
from engine.ops.iou import bbox_iou

STRIDES = (8, 16, 32)
SIZE, NC, REG_MAX = 64, 4, 16


def gains(**changes):
    return SimpleNamespace(
        **{"box": 7.5, "cls": 0.5, "dfl": 1.5, "label_smoothing": 0.0, **changes}
    )


def raw_outputs(images=2, seed=0, size=SIZE):
    random = torch.Generator().manual_seed(seed)
    feats = [torch.zeros(images, 8, size // s, size // s) for s in STRIDES]
    anchors = sum(f.shape[2] * f.shape[3] for f in feats)
    shapes = {
        "boxes": (images, 4 * REG_MAX, anchors),
        "scores": (images, NC, anchors),
        "mask_coefficient": (images, 6, anchors),
        "proto": (images, 6, size // 4, size // 4),
    }
    raw = {
        name: torch.randn(shape, generator=random).requires_grad_()
        for name, shape in shapes.items()
    }
    return {**raw, "feats": feats}


def labels(per_image=(3, 2), seed=1, size=SIZE, overlap=True):
    random = torch.Generator().manual_seed(seed)
    count = sum(per_image)
    wh = torch.rand(count, 2, generator=random) * 0.3 + 0.15
    centre = wh / 2 + torch.rand(count, 2, generator=random) * (1 - wh)
    image = torch.repeat_interleave(torch.arange(len(per_image)), torch.tensor(per_image))
    boxes = torch.cat((centre, wh), 1)
    grid = (torch.arange(size // 4) + 0.5) / (size // 4)
    low, high = centre - wh / 2, centre + wh / 2
    filled = ((grid >= low[:, 1, None]) & (grid < high[:, 1, None]))[:, :, None]
    filled = filled & ((grid >= low[:, 0, None]) & (grid < high[:, 0, None]))[:, None, :]
    masks = filled.float()
    if overlap:
        masks = torch.zeros(len(per_image), size // 4, size // 4, dtype=torch.uint8)
        for b in range(len(per_image)):
            for number, mask in enumerate(filled[image == b], start=1):
                masks[b][mask] = number
    return {
        "batch_idx": image.float(),
        "cls": torch.randint(0, NC, (count, 1), generator=random).float(),
        "bboxes": boxes,
        "masks": masks,
    }


def losses(**changes):
    arguments = (NC, REG_MAX, STRIDES, gains(**changes))
    return DetectionLoss(*arguments), SegmentationLoss(*arguments)


def test_names_and_shapes():
    raw, batch = raw_outputs(), labels()
    for loss, count in zip(losses(), (3, 5), strict=True):
        total, items = loss(raw, batch)
        assert len(loss.names) == len(items) == count
        assert not items.requires_grad
        torch.testing.assert_close(total.detach(), items.sum() * 2)
    assert items[4] == 0  # no semantic branch


def test_equals_the_sums_over_positive_anchors():
    raw, batch = raw_outputs(), labels()
    loss = losses()[0]
    _, items = loss(raw, batch)
    points, strides = loss._anchor_points(raw["feats"])
    _, (found, targets, size) = loss._parts(raw, batch)
    assert size == (SIZE, SIZE)
    predicted = dist2bbox(expected_distances(raw["boxes"]), points.T, xywh=False, dim=1) * strides.T
    dense = torch.zeros_like(raw["scores"])
    box = torch.zeros(())
    for b, a, t, score in zip(*found, strict=True):
        dense[b, targets.label[t], a] = score
        box += (1 - bbox_iou(predicted[b, :, a], targets.boxes[t], xywh=False, kind="ciou")) * score
    total = dense.sum().clamp(min=1)
    cls = F.binary_cross_entropy_with_logits(raw["scores"], dense, reduction="sum") / total
    torch.testing.assert_close(items[1], (0.5 * cls).detach())
    torch.testing.assert_close(items[0], (7.5 * box / total).detach())


@pytest.mark.parametrize("per_image", [(0, 0), (0, 3), (3, 0)])
@pytest.mark.parametrize("overlap", [True, False])
def test_images_without_objects(per_image, overlap):
    raw, batch = raw_outputs(), labels(per_image, overlap=overlap)
    loss = SegmentationLoss(NC, REG_MAX, STRIDES, gains(), overlap_mask=overlap)
    total, items = loss(raw, batch)
    total.backward()
    assert total.isfinite()
    for name in ("boxes", "scores", "mask_coefficient", "proto"):
        assert raw[name].grad.isfinite().all()
    assert raw["scores"].grad.abs().sum() > 0
    if not sum(per_image):
        assert items[[0, 1, 3]].tolist() == [0, 0, 0]
        assert not raw["boxes"].grad.any()
    else:
        empty = per_image.index(0)
        assert not raw["boxes"].grad[empty].any()
        assert not raw["proto"].grad[empty].any()
        assert raw["proto"].grad[1 - empty].any()


@pytest.mark.parametrize("name", ["box", "cls", "dfl"])
def test_each_gain_scales_its_part(name):
    raw, batch = raw_outputs(), labels()
    before = losses()[1](raw, batch)[1]
    after = losses(**{name: 3 * getattr(gains(), name)})[1](raw, batch)[1]
    scaled = {"box": [0, 1], "cls": [2], "dfl": [3]}[name]
    for part in range(5):
        torch.testing.assert_close(after[part], before[part] * (3 if part in scaled else 1))


def test_label_smoothing_changes_the_classes_only():
    raw, batch = raw_outputs(), labels()
    plain, soft = losses()[0](raw, batch)[1], losses(label_smoothing=0.2)[0](raw, batch)[1]
    assert plain[1] != soft[1]
    torch.testing.assert_close(plain[[0, 2]], soft[[0, 2]])
    bare = SimpleNamespace(box=7.5, cls=0.5, dfl=1.5)
    torch.testing.assert_close(DetectionLoss(NC, REG_MAX, STRIDES, bare)(raw, batch)[1], plain)


def test_separate_masks_give_what_a_number_image_gives_where_nothing_overlaps():
    raw = raw_outputs()
    apart = {
        "batch_idx": torch.tensor([0.0, 0, 1]),
        "cls": torch.zeros(3, 1),
        "bboxes": torch.tensor([[0.2, 0.2, 0.3, 0.3], [0.7, 0.7, 0.4, 0.4], [0.5, 0.5, 0.5, 0.6]]),
    }
    own = torch.zeros(3, 16, 16)
    own[0, 2:5, 1:5], own[1, 9:14, 8:14], own[2, 4:12, 4:12] = 1, 1, 1
    index = torch.zeros(2, 16, 16, dtype=torch.uint8)
    index[0], index[1] = own[0] + 2 * own[1], own[2]
    arguments = (NC, REG_MAX, STRIDES, gains())
    one = SegmentationLoss(*arguments)(raw, {**apart, "masks": index})[1]
    other = SegmentationLoss(*arguments, overlap_mask=False)(raw, {**apart, "masks": own})[1]
    torch.testing.assert_close(one, other)
    large = index.repeat_interleave(4, 1).repeat_interleave(4, 2)
    finer = SegmentationLoss(*arguments)(raw, {**apart, "masks": large})[1]
    torch.testing.assert_close(one, finer)
    with pytest.raises(ValueError, match="expected 2 masks"):
        SegmentationLoss(*arguments)(raw, {**apart, "masks": own})


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_low_precision_outputs_are_worked_on_in_float32(dtype):
    raw, batch = raw_outputs(), labels()
    low = {
        k: [f.to(dtype) for f in v] if k == "feats" else v.detach().to(dtype).requires_grad_()
        for k, v in raw.items()
    }
    exact = {k: v if k == "feats" else v.detach().float() for k, v in low.items()}
    loss = losses()[1]
    with torch.autocast("cpu", dtype=torch.bfloat16):
        total, items = loss(low, batch)
    assert total.dtype == items.dtype == torch.float32
    torch.testing.assert_close(items, loss(exact, batch)[1])
    total.backward()
    assert low["proto"].grad.dtype == dtype


def test_the_order_of_images_in_the_label_list_does_not_matter():
    raw, batch = raw_outputs(), labels((2, 2))
    mixed = torch.tensor([2, 0, 3, 1])
    other = {k: v if k == "masks" else v[mixed] for k, v in batch.items()}
    loss = losses()[1]
    torch.testing.assert_close(loss(raw, batch)[1], loss(raw, other)[1])


def test_descending_leads_to_the_labels():
    raw, batch = raw_outputs(seed=3), labels((2, 1), seed=5)
    loss = losses()[1]
    leaves = [raw[k] for k in ("boxes", "scores", "mask_coefficient", "proto")]
    optimizer = torch.optim.Adam(leaves, lr=0.1)
    first = loss(raw, batch)[0].item()
    for _ in range(150):
        optimizer.zero_grad()
        total, items = loss(raw, batch)
        total.backward()
        optimizer.step()
    assert total.item() < 0.3 * first
    assert items[0] < 0.5  # 1 - CIoU of about 0.05 and less
    points, strides = loss._anchor_points(raw["feats"])
    boxes = dist2bbox(expected_distances(raw["boxes"]), points.T, xywh=False, dim=1) * strides.T
    scores = raw["scores"].sigmoid()
    targets = loss._targets(batch, (SIZE, SIZE), torch.device("cpu"))
    for image, label, box in zip(*targets, strict=True):
        overlap = bbox_iou(boxes[image].T, box, xywh=False)
        assert (overlap * scores[image, label]).max() > 0.7


def test_sizes_may_change_between_batches():
    loss = losses()[1]
    for size in (64, 96, 64):
        total, _ = loss(raw_outputs(size=size), labels(size=size))
        assert total.isfinite()


def test_a_validation_may_come_before_a_training_step():
    loss = losses()[1]
    raw, batch = raw_outputs(), labels()
    with torch.inference_mode():
        _, seen = loss(raw, batch)
    total, items = loss(raw, batch)
    total.backward()
    torch.testing.assert_close(items, seen.clone())


def test_too_few_bins_are_refused():
    with pytest.raises(ValueError, match="1 or more bins"):
        DetectionLoss(NC, 0, STRIDES, gains())


def test_a_head_of_plain_distances_learns_them_as_shares_of_the_image():
    loss = DetectionLoss(NC, 1, STRIDES, gains())
    assert loss.names == ("box_loss", "cls_loss", "l1_loss")
    assert SegmentationLoss(NC, 1, STRIDES, gains()).names[3:] == ("l1_loss", "sem_loss")
    # One object of 24 x 32 pixels around the anchor (3, 4) of the finest level, 0.5 cells too far left.
    raw = {"feats": [torch.zeros(1, 8, SIZE // s, SIZE // s) for s in STRIDES]}
    raw |= {"boxes": torch.full((1, 4, 84), 1e-4), "scores": torch.full((1, NC, 84), -20.0)}
    raw["boxes"][0, :, 4 * 8 + 3] = torch.tensor([2.0, 2.0, 1.5, 2.0])
    raw["scores"][0, 2, 4 * 8 + 3] = 20.0
    batch = {
        "batch_idx": torch.zeros(1),
        "cls": torch.tensor([[2.0]]),
        "bboxes": torch.tensor([[28.0, 36.0, 24.0, 32.0]]) / SIZE,
    }
    _, items = loss(raw, batch)
    score = 24 / 28  # the overlap: what the best anchor's class should score
    torch.testing.assert_close(items[2].item(), 1.5 * score * (0.5 * 8 / SIZE) / 4)
    torch.testing.assert_close(items[1].item(), 0.5 * 20 * (1 - score), rtol=1e-4, atol=0)


def test_small_objects_have_as_many_candidates_as_asked_for():
    raw = raw_outputs(images=1)
    tiny = {
        "batch_idx": torch.zeros(1),
        "cls": torch.zeros(1, 1),
        "bboxes": torch.tensor([[0.5, 0.5, 0.03, 0.03]]),
    }
    for cells, count in ((1.0, 1), (2.0, 4)):
        loss = DetectionLoss(NC, REG_MAX, STRIDES[:1], gains(), least_cells=cells)
        first = {k: v[:, :, :64] for k, v in raw.items() if k in ("boxes", "scores")}
        found = loss._parts({**first, "feats": raw["feats"][:1]}, tiny)[1].assignment
        assert len(found.anchor) >= count
