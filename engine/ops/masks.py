"""Instance masks: from prototypes and coefficients, between frames, and to outlines.

A mask is binary, (height, width), 1 inside. Prototypes are the small images that a segmentation head
mixes into masks (YOLACT, Bolya et al. 2019): logits = coefficients @ prototypes, inside where above 0.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Literal

import cv2
import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from engine.ops.boxes import RatioPad, letterbox_frame
from engine.ops.outlines import outer_border
from engine.ops.polygons import join_rings


def crop_mask(masks: Tensor, boxes: Tensor) -> Tensor:
    """Return masks (N, H, W) set to 0 outside their boxes (N, 4), corners in pixels.

    A pixel is inside when its top-left corner is: the field's rule, kept so that checkpoints of others
    give the masks they gave there. It lies half a pixel right and below of the box, on average.
    """
    (x1, y1, x2, y2) = boxes[:, :, None].unbind(1)  # (N, 1) each
    x = torch.arange(masks.shape[2], device=masks.device)
    y = torch.arange(masks.shape[1], device=masks.device)
    columns, rows = (x >= x1) & (x < x2), (y >= y1) & (y < y2)
    return masks * (rows[:, :, None] & columns[:, None, :])


def process_mask(
    protos: Tensor, masks_in: Tensor, bboxes: Tensor, shape: Sequence[int], upsample: bool = False
) -> Tensor:
    """Mix prototypes into one mask a detection, cut at its box.

    Args:
        protos: (nm, h, w) of one image.
        masks_in: Coefficients (N, nm).
        bboxes: Corners (N, 4) in pixels of the network's input.
        shape: (height, width) of the network's input.
        upsample: Return masks in the input's size (bilinear on the logits) instead of the prototypes'.

    Returns:
        (N, H, W) uint8.
    """
    nm, h, w = protos.shape
    height, width = int(shape[0]), int(shape[1])
    logits = (masks_in.float() @ protos.float().view(nm, -1)).view(-1, h, w)
    if not upsample:
        scale = torch.tensor([w / width, h / height] * 2, device=bboxes.device)
        return crop_mask(logits > 0, bboxes * scale).to(torch.uint8)
    if logits.device.type == "cpu":
        return _enlarge_in_boxes(logits, bboxes, (height, width))
    if not len(logits):
        return logits.new_zeros((0, height, width), dtype=torch.uint8)
    large = F.interpolate(logits[None], (height, width), mode="bilinear")[0] > 0
    return crop_mask(large, bboxes).to(torch.uint8)


def _enlarge_in_boxes(logits: Tensor, boxes: Tensor, shape: tuple[int, int]) -> Tensor:
    """Return what is above 0 in logits (N, h, w) enlarged to ``shape``, inside the boxes (N, 4) only.

    Each box is enlarged with a margin and between whole pixels of both grids, which gives the numbers that
    enlarging the whole image would give.
    """
    h, w = logits.shape[1:]
    grid_y, grid_x = h // math.gcd(h, shape[0]), w // math.gcd(w, shape[1])
    out = np.zeros((len(logits), *shape), dtype=np.uint8)
    planes = logits.detach().numpy()
    for mask, plane, (x1, y1, x2, y2) in zip(out, planes, _pixels(boxes, shape), strict=True):
        if x1 >= x2 or y1 >= y2:
            continue
        left, right = _around(x1, x2, w, shape[1], grid_x)
        top, bottom = _around(y1, y2, h, shape[0], grid_y)
        x0, y0 = left * shape[1] // w, top * shape[0] // h  # where the window starts in the output
        size = (right * shape[1] // w - x0, bottom * shape[0] // h - y0)
        large = cv2.resize(plane[top:bottom, left:right], size, interpolation=cv2.INTER_LINEAR)
        inside = large[y1 - y0 : y2 - y0, x1 - x0 : x2 - x0]
        np.greater(inside, 0, out=mask[y1:y2, x1:x2], casting="unsafe")
    return torch.from_numpy(out)


def _pixels(boxes: Tensor, shape: tuple[int, int]) -> list[list[int]]:
    """Return for each box the first pixel inside and the first beyond, by the rule of :func:`crop_mask`."""
    limit = torch.tensor([shape[1], shape[0]] * 2)
    return boxes.detach().cpu().ceil().clamp(min=0).minimum(limit).long().tolist()


def _around(first: int, last: int, small: int, large: int, grid: int) -> tuple[int, int]:
    """Return the small pixels that large pixels ``first`` to ``last`` are made of, and a margin."""
    low = max(first * small // large - 1, 0) // grid * grid
    high = -(-(-(-last * small // large) + 1) // grid) * grid
    return low, min(high, small)


def process_mask_native(
    protos: Tensor,
    masks_in: Tensor,
    bboxes: Tensor,
    shape: Sequence[int],
    input_shape: Sequence[int] | None = None,
    ratio_pad: RatioPad | None = None,
) -> Tensor:
    """Mix prototypes into masks of the original image's size, enlarged before they are cut at their boxes.

    Args:
        protos: (nm, h, w) of one image.
        masks_in: Coefficients (N, nm).
        bboxes: Corners (N, 4) in pixels of the original image.
        shape: (height, width) of the original image.
        input_shape: (height, width) of the network's letterboxed input; None takes four times the prototypes.
        ratio_pad: What the letterbox recorded, see :func:`engine.ops.boxes.scale_boxes`.

    Returns:
        (N, height, width) uint8.
    """
    nm, h, w = protos.shape
    height, width = shape[:2]
    out = torch.zeros(len(bboxes), height, width, dtype=torch.uint8, device=protos.device)
    if not len(bboxes):
        return out
    logits = (masks_in.float() @ protos.float().view(nm, -1)).view(-1, h, w)
    input_h, input_w = input_shape or (4 * h, 4 * w)
    size, rows, columns = _frame_without_border(
        (h, w), (input_h, input_w), (height, width), ratio_pad
    )
    # Where the centre of each original pixel falls inside the border.
    y = (torch.arange(height) + 0.5) * ((rows.stop - rows.start) / height) - 0.5
    x = (torch.arange(width) + 0.5) * ((columns.stop - columns.start) / width) - 0.5
    for mask, plane, (x1, y1, x2, y2) in zip(
        out, logits, _pixels(bboxes, (height, width)), strict=True
    ):
        if x1 < x2 and y1 < y2:
            if size != (h, w):
                plane = F.interpolate(plane[None, None], size, mode="bilinear")[0, 0]
            mask[y1:y2, x1:x2] = _sample(plane[rows, columns], y[y1:y2], x[x1:x2]) > 0
    return out


def _frame_without_border(
    small: tuple[int, int],
    large: tuple[int, int],
    original: tuple[int, int],
    ratio_pad: RatioPad | None,
) -> tuple[tuple[int, int], slice, slice]:
    """Return the least size at which a letterbox's border is whole, and its inner rows and columns there.

    The field's rule: prototypes whose border ends between two of their cells are enlarged before it is cut
    off, to the input's size at most.

    Args:
        small: (height, width) of the prototypes.
        large: (height, width) of the letterboxed input.
        original: (height, width) of the image inside.
        ratio_pad: What the letterbox recorded.
    """
    gain_x, gain_y, pad_x, pad_y = letterbox_frame(large, original, ratio_pad)
    top, left = round(pad_y), round(pad_x)
    inner_h, inner_w = round(original[0] * gain_y), round(original[1] * gain_x)
    cell = math.gcd(large[0] // small[0], large[1] // small[1]) or 1
    cell = math.gcd(cell, top, left, large[0] - inner_h - top, large[1] - inner_w - left)
    rows = slice(top // cell, (top + inner_h) // cell)
    columns = slice(left // cell, (left + inner_w) // cell)
    return (large[0] // cell, large[1] // cell), rows, columns


def _sample(plane: Tensor, y: Tensor, x: Tensor) -> Tensor:
    """Return a (h, w) plane at the crossings of fractional rows and columns, bilinear, edges repeated."""
    for dim, at in ((0, y), (1, x)):
        at = at.clamp(0, plane.shape[dim] - 1).to(plane.device)
        low = at.floor().long().clamp_(max=max(plane.shape[dim] - 2, 0))
        share = (at - low)[:, None] if dim == 0 else (at - low)[None]
        first = plane.index_select(dim, low)
        second = plane.index_select(dim, (low + 1).clamp_(max=plane.shape[dim] - 1))
        plane = torch.lerp(first, second, share.expand_as(first))
    return plane


def scale_masks(
    masks: Tensor,
    shape: Sequence[int],
    ratio_pad: RatioPad | None = None,
    padding: bool = True,
) -> Tensor:
    """Cut the letterbox border off masks and resize them to an image, bilinear.

    Args:
        masks: (N, C, H, W), any scale of the letterboxed image; floats.
        shape: (height, width) of the original image.
        ratio_pad: The padding in pixels of ``masks``, when known.
        padding: False when there is no border.
    """
    h, w = masks.shape[2:]
    height, width = shape[:2]
    if padding:
        if ratio_pad is None:
            gain_x, gain_y, left, top = letterbox_frame((h, w), (height, width))
            bottom, right = top + round(height * gain_y), left + round(width * gain_x)
        else:
            pad_x, pad_y = ratio_pad[1]
            top, left = round(pad_y - 0.1), round(pad_x - 0.1)
            bottom, right = h - round(pad_y + 0.1), w - round(pad_x + 0.1)
        masks = masks[..., int(top) : int(bottom), int(left) : int(right)]
    if masks.shape[2:] == (height, width):
        return masks
    return F.interpolate(masks, (height, width), mode="bilinear", align_corners=False)


def masks2segments(
    masks: Tensor | np.ndarray, strategy: Literal["all", "largest"] = "all"
) -> list[np.ndarray]:
    """Trace the outer outline of each mask.

    The outline runs along the border of the pixels, so that rasterising it gives the mask back (without
    its holes). Coordinates are pixels of the mask, origin at the top-left corner of the top-left pixel.

    Args:
        masks: (N, H, W), non-zero inside.
        strategy: ``all`` joins the parts of a mask into one polygon; ``largest`` takes the largest part.

    Returns:
        A polygon (k, 2) float32 for each mask; (0, 2) for an empty one.
    """
    arrays = masks.cpu().numpy() if isinstance(masks, Tensor) else masks
    segments = []
    for mask in arrays:
        binary = np.ascontiguousarray(mask != 0).view(np.uint8)
        found = cv2.findContours(binary, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_SIMPLE)[0]
        rings = [outer_border(ring.reshape(-1, 2)) for ring in found]
        if not rings:
            segments.append(np.zeros((0, 2), dtype=np.float32))
        elif strategy == "largest":
            sizes = [cv2.contourArea(ring) for ring in rings]
            segments.append(rings[int(np.argmax(sizes))])
        else:
            segments.append(join_rings(rings))
    return segments
