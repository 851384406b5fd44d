"""The loss of class maps that an instance segmenter learns beside its masks."""

from __future__ import annotations

import torch
from torch import Tensor

from engine.losses.classes import sparse_bce
from engine.losses.masks import numbers_in_image, resize_nearest
from engine.losses.shares import share_of_number

# Added to both sides of the fraction, so that a class which is neither there nor seen costs nothing
_SMOOTH = 1.0


def semantic_loss(logits: Tensor, places: Tensor) -> Tensor:
    """Return half the mean cross-entropy and half the mean Dice loss (Milletari et al. 2016) of class maps.

    Args:
        logits: (B, nc, h, w); a pixel may be of several classes or of none.
        places: Flat indices into the logits of what is there (K,), distinct.
    """
    images, classes = logits.shape[:2]
    flat, pixels = logits.reshape(-1), logits[0, 0].numel()
    ones = torch.ones_like(places, dtype=flat.dtype)
    entropy = sparse_bce(flat, places, ones) / flat.numel()
    seen = flat.sigmoid()
    owner, empty = places // pixels, seen.new_zeros(images * classes)
    hit, there = empty.index_add(0, owner, seen[places]), empty.index_add(0, owner, ones)
    size = seen.view(images * classes, pixels).sum(1) + there
    dice = 1 - (2 * hit + _SMOOTH) / (size + _SMOOTH)
    own = images / share_of_number(
        images, flat
    )  # 1 but where processes have unlike numbers of images
    return own * (entropy + dice.mean()) / 2


def class_places(
    masks: Tensor, image: Tensor, label: Tensor, shape: torch.Size, overlap_mask: bool
) -> Tensor:
    """Return where in maps (B, nc, h, w) a class is, by the masks of its objects.

    Args:
        masks: Numbers of objects (B, H, W) with ``overlap_mask``, or one binary mask an object (T, H, W).
        image: Image of each object (T,).
        label: Class of each object (T,).
        shape: (B, nc, h, w) of the maps.
        overlap_mask: Which of the two ``masks`` are.

    Returns:
        Distinct flat indices (K,).
    """
    images, classes, height, width = shape
    masks = resize_nearest(masks, (height, width))
    pixels = height * width
    if not overlap_mask:  # objects of one class may share pixels
        who, y, x = masks.nonzero(as_tuple=True)
        return ((image[who] * classes + label[who]) * pixels + y * width + x).unique()
    numbers = numbers_in_image(image)
    most = int(numbers.max()) if len(numbers) else 0
    labels = label.new_full((images, most + 1), -1)  # number in the image -> class
    labels[image, numbers] = label
    which, y, x = masks.nonzero(as_tuple=True)
    number = masks[which, y, x].long()
    known = number <= most
    which, y, x, number = which[known], y[known], x[known], number[known]
    found = labels[which, number]
    there = found >= 0
    return ((which * classes + found) * pixels + y * width + x)[there]
