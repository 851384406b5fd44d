"""From a detector's dense output to a short list of detections an image.

On the CPU the suppression is ours: candidates are looked at in order of score, a block at a time, and the
work stops with the last detection asked for, so its cost hangs on ``max_det`` and not on how many
candidates there are (and torchvision, seconds to import, is not needed). On CUDA it is torchvision's kernel.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from engine.ops.boxes import xywh2xyxy
from engine.ops.rotated import moved_apart, select_rotated

# candidates compared with one another at once: 256 x 256 float32 stays in the L2 cache
_BLOCK = 256


def non_max_suppression(
    prediction: Tensor,
    conf: float = 0.25,
    iou: float = 0.45,
    classes: Sequence[int] | None = None,
    agnostic: bool = False,
    multi_label: bool = False,
    max_det: int = 300,
    nc: int | None = None,
    max_nms: int = 30_000,
    rotated: bool = False,
) -> list[Tensor]:
    """Select the detections of each image, best first.

    Args:
        prediction: (B, 4 + nc + extra, A): centre and size in input pixels, class scores 0..1, extras.
        conf: Scores must be above this.
        iou: A detection goes when its IoU with a better one of its class is above this.
        classes: Class ids to return; None returns all.
        agnostic: Suppress across classes too.
        multi_label: An anchor may answer for each class above ``conf`` instead of its best only.
        max_det: Most detections to return for an image.
        nc: Number of classes; None takes all channels after the box as classes.
        max_nms: Most candidates of an image to consider, best first.
        rotated: The last extra is the boxes' angle in radians, see :mod:`engine.ops.rotated`; overlap is
            ProbIoU then.

    Returns:
        For each image (n, 6 + extra): x1, y1, x2, y2 (rotated: centre and size), score, class, extras.
    """
    if not 0 <= conf <= 1 or not 0 <= iou <= 1:
        raise ValueError(f"expected conf and iou within 0..1, received conf={conf}, iou={iou}")
    nc = nc or prediction.shape[1] - 4
    wanted = None if classes is None else torch.as_tensor(list(classes), device=prediction.device)
    scores = prediction[:, 4 : 4 + nc]
    best = None if multi_label and nc > 1 else scores.amax(1)  # (B, A)
    out = []
    for index, dense in enumerate(prediction):
        if best is None:
            anchor, label, score = _candidates_of_all_classes(scores[index], conf)
        else:
            anchor, label, score = _candidates_of_best_class(scores[index], best[index], conf)
        if wanted is not None:
            allowed = torch.isin(label, wanted).nonzero().squeeze(1)
            anchor, label, score = anchor[allowed], label[allowed], score[allowed]
        order = _best_first(score, max_nms, stable=not rotated)
        anchor, label, score = anchor[order], label[order], score[order]
        boxes = dense[:4, anchor].T.float()
        rivals = None if agnostic else label
        if rotated:
            turned = torch.cat((boxes, dense[-1:, anchor].T.float()), 1)
            keep = select_rotated(turned, rivals, iou, max_det)
        else:
            boxes = xywh2xyxy(boxes)
            keep = select(boxes, rivals, iou, max_det)
        anchor = anchor[keep]
        parts = (boxes[keep], score[keep, None].float(), label[keep, None].float())
        out.append(torch.cat((*parts, dense[4 + nc :, anchor].T.float()), 1))
    return out


def best_rows(
    rows: Tensor, conf: float, classes: Sequence[int] | None, max_det: int
) -> list[Tensor]:
    """Select from the rows (B, N, 6 + extra) of a head that gives each object once, best first.

    Args:
        rows: Box, score, class, extras.
        conf: Scores must be above this.
        classes: Class ids to return; None returns all.
        max_det: Most detections to return for an image.
    """
    kept = rows[..., 4] > conf
    if classes is not None:
        kept &= torch.isin(rows[..., 5], torch.as_tensor(list(classes)).to(rows))
    return [one[chosen][:max_det].float() for one, chosen in zip(rows, kept, strict=True)]


def _candidates_of_best_class(
    scores: Tensor, best: Tensor, conf: float
) -> tuple[Tensor, Tensor, Tensor]:
    """Return (anchor, class, score) of each anchor whose best class is above ``conf``."""
    anchor = (best > conf).nonzero().squeeze(1)
    return anchor, scores.index_select(1, anchor).argmax(0), best[anchor]


def _candidates_of_all_classes(scores: Tensor, conf: float) -> tuple[Tensor, Tensor, Tensor]:
    """Return (anchor, class, score) of each pair of anchor and class above ``conf``."""
    flat = scores.reshape(-1)
    pair = (flat > conf).nonzero().squeeze(1)
    count = scores.shape[1]
    return pair % count, pair // count, flat[pair]


def _best_first(score: Tensor, limit: int, stable: bool) -> Tensor:
    """Return the indices of the ``limit`` best, best first.

    Which of equal scores comes first decides what is suppressed. Published results of plain boxes keep the
    order of the cells, those of rotated boxes the order that an unstable sort happens to give.
    """
    if len(score) <= limit:
        return score.argsort(descending=True, stable=stable)
    best = (
        score.topk(limit, sorted=False).indices.sort().values
    )  # sorting all would cost ten times this
    return best[score[best].argsort(descending=True, stable=True)]


def select(boxes: Tensor, labels: Tensor | None, iou: float, max_det: int) -> Tensor:
    """Return the indices that greedy suppression keeps, in order.

    Args:
        boxes: Corners (N, 4) float32, best score first.
        labels: Class ids (N,); boxes of different classes do not touch each other. None: all are one class.
        iou: Suppress above this overlap.
        max_det: Stop with this many.
    """
    boxes = moved_apart(boxes, labels)
    if boxes.is_cuda:
        from torchvision.ops import nms  # seconds to import: only where its kernel is what counts

        ranks = torch.arange(len(boxes), 0, -1, device=boxes.device, dtype=torch.float32)
        return nms(boxes, ranks, iou)[:max_det]
    classes = None if labels is None else labels.cpu().numpy()
    kept = _select_blocks(boxes.detach().cpu().numpy(), classes, iou, max_det)
    return torch.from_numpy(kept).to(boxes.device)


def _select_blocks(
    boxes: np.ndarray, labels: np.ndarray | None, iou: float, max_det: int
) -> np.ndarray:
    """Run greedy suppression in blocks: first against all kept so far, then within the block."""
    kept = np.zeros(0, dtype=np.int64)
    for start in range(0, len(boxes), _BLOCK):
        block = np.arange(start, min(start + _BLOCK, len(boxes)))
        if len(kept):
            block = block[~_conflicts(boxes, labels, kept, block, iou).any(0)]
        if not len(block):
            continue
        clash = _conflicts(boxes, labels, block, block, iou)
        alive = np.ones(len(block), dtype=bool)
        # Only rows with a later conflict can remove anything; most rows have none.
        for row in np.flatnonzero(np.triu(clash, 1).any(1)):
            if alive[row]:
                alive[row + 1 :] &= ~clash[row, row + 1 :]
        kept = np.concatenate((kept, block[alive]))
        if len(kept) >= max_det:
            break
    return kept[:max_det]


def _conflicts(
    boxes: np.ndarray, labels: np.ndarray | None, first: np.ndarray, second: np.ndarray, iou: float
) -> np.ndarray:
    """Return (F, S) bool: these boxes overlap by more than ``iou`` and are of one class."""
    ax1, ay1, ax2, ay2 = boxes[first].T[:, :, None]
    bx1, by1, bx2, by2 = boxes[second].T[:, None, :]
    inter = np.minimum(ax2, bx2)
    inter -= np.maximum(ax1, bx1)
    np.maximum(inter, 0, out=inter)
    height = np.minimum(ay2, by2)
    height -= np.maximum(ay1, by1)
    np.maximum(height, 0, out=height)
    inter *= height
    union = (ax2 - ax1) * (ay2 - ay1) + (bx2 - bx1) * (by2 - by1) - inter
    with np.errstate(divide="ignore", invalid="ignore"):  # 0 / 0 of empty boxes is no overlap
        inter /= union
    over = inter > _float32_below(iou)
    if labels is not None:
        over &= labels[first][:, None] == labels[second][None]
    return over


def _float32_below(value: float) -> np.float32:
    """Return the largest float32 that is not above a number: what is above the one is above the other."""
    near = np.float32(value)
    return np.nextafter(near, np.float32(-1)) if float(near) > value else near
