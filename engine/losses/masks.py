"""The loss of instance masks mixed from prototypes (YOLACT, Bolya et al. 2019), each cut at its box.

A mask's logits are needed inside its object's box only, and the anchors of one object need the same pixels.
So the prototypes are cut into tiles, and the work is done for the pairs of an object and a tile its box
touches: one small product for all anchors of the object, in pieces that stay in the cache.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.autograd.function import once_differentiable

from engine.losses.shares import share_of_number

_TILE = (
    8  # pixels a side; at stride 32 / 4 it divides every prototype, and small boxes waste little
)
_PAIRS_ON_CPU = 256  # 256 tiles of 32 channels are 2 MiB: the L2 cache
_PAIRS_ON_GPU = 16_384
_TINY = 1e-37  # keeps the logarithm finite


class MaskTargets(NamedTuple):
    """What each object's mask should be, in pixels of the prototypes.

    Attributes:
        masks: (B, H, W) numbers of objects, or (T, H, W) binary.
        image: Image of each object (T,).
        number: The object's number in ``masks`` (T,); None when each object has its own mask.
        boxes: Corners (T, 4) at which the loss is cut.
    """

    masks: Tensor
    image: Tensor
    number: Tensor | None
    boxes: Tensor


def numbers_in_image(image: Tensor) -> Tensor:
    """Return for each object (T,) its 1-based place among the objects of its image."""
    order = image.argsort(stable=True)
    ordered = image[order]
    place = torch.arange(len(image), device=image.device)
    start = torch.searchsorted(ordered, ordered)  # where the image's first object stands
    return torch.empty_like(image).scatter_(0, order, place - start + 1)


def resize_nearest(masks: Tensor, size: tuple[int, int]) -> Tensor:
    """Return masks (N, h, w) of any dtype in another size, each pixel from the nearest centre."""
    if tuple(masks.shape[1:]) == size:
        return masks
    rows, columns = (
        ((torch.arange(n, device=masks.device) + 0.5) * (old / n)).long()
        for n, old in zip(size, masks.shape[1:], strict=True)
    )
    return masks[:, rows[:, None], columns]


def mask_loss(protos: Tensor, coefficients: Tensor, owner: Tensor, targets: MaskTargets) -> Tensor:
    """Return the mean over positive anchors of the mask's cross-entropy an area of its object's box.

    Args:
        protos: (B, nm, H, W), float32 or float64.
        coefficients: (P, nm) of the positive anchors.
        owner: The object of each (P,), ascending.
        targets: The objects.
    """
    count = share_of_number(len(owner), protos)
    return _TiledMaskLoss.apply(protos, coefficients, owner, targets, count)


class _TiledMaskLoss(torch.autograd.Function):
    """The loss with its gradient worked out on the way, so that no logits are kept for later."""

    @staticmethod
    def forward(
        ctx: Any,
        protos: Tensor,
        coefficients: Tensor,
        owner: Tensor,
        targets: MaskTargets,
        count: int | Tensor,
    ) -> Tensor:
        ctx.empty = len(owner) == 0
        if ctx.empty:
            ctx.save_for_backward(protos, coefficients)
            return protos.new_zeros(())
        tiles, grid = _tiles(protos)  # (B * gh * gw, nm, tile * tile)
        per_object = torch.bincount(owner, minlength=len(targets.boxes))
        start = per_object.cumsum(0) - per_object
        slot = torch.arange(len(owner), device=owner.device) - start[owner]
        mixes = protos.new_zeros(len(per_object), int(per_object.max()), protos.shape[1])
        mixes[owner, slot] = coefficients
        size = targets.boxes[:, 2:] - targets.boxes[:, :2]
        area = (
            size.prod(1).clamp(min=1).to(protos.dtype)
        )  # a box under a pixel would weigh thousands
        weights = mixes.new_zeros(mixes.shape[:2])
        weights[owner, slot] = 1 / (area[owner] * count)

        pairs = _pairs(targets, per_object > 0, grid)
        wants = any(ctx.needs_input_grad[:2])
        grad_tiles, grad_mixes = (torch.zeros_like(x) if wants else None for x in (tiles, mixes))
        loss = protos.new_zeros(())
        step = _PAIRS_ON_GPU if protos.is_cuda else _PAIRS_ON_CPU
        for part in zip(*(x.split(step) for x in pairs), strict=True):
            loss += _descend(tiles, mixes, weights, part, grad_tiles, grad_mixes)
        if grad_tiles is not None and grad_mixes is not None:
            ctx.save_for_backward(_untile(grad_tiles, protos.shape, grid), grad_mixes[owner, slot])
        return loss

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, Tensor, None, None, None]:
        grad_protos, grad_coefficients = ctx.saved_tensors
        if ctx.empty:  # zeros, not None: distributed training waits for a gradient of every weight
            zeros = torch.zeros_like(grad_protos), torch.zeros_like(grad_coefficients)
            return *zeros, None, None, None
        return grad_protos * grad, grad_coefficients * grad, None, None, None


def _tiles(images: Tensor) -> tuple[Tensor, tuple[int, int]]:
    """Cut (B, C, H, W) into (B * gh * gw, C, tile * tile), zeros beyond the border; and return (gh, gw)."""
    batch, channels, height, width = images.shape
    grid = (-(-height // _TILE), -(-width // _TILE))
    images = F.pad(images, (0, grid[1] * _TILE - width, 0, grid[0] * _TILE - height))
    tiles = images.view(batch, channels, grid[0], _TILE, grid[1], _TILE).permute(0, 2, 4, 1, 3, 5)
    return tiles.reshape(-1, channels, _TILE * _TILE), grid


def _untile(tiles: Tensor, shape: torch.Size, grid: tuple[int, int]) -> Tensor:
    """Put tiles back together as images of ``shape``."""
    batch, channels, height, width = shape
    images = tiles.view(batch, *grid, channels, _TILE, _TILE).permute(0, 3, 1, 4, 2, 5)
    images = images.reshape(batch, channels, grid[0] * _TILE, grid[1] * _TILE)
    return images[:, :, :height, :width].contiguous()


def _pairs(
    targets: MaskTargets, used: Tensor, grid: tuple[int, int]
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Return for each pair of a used object and a tile its box touches, of which there are K.

    The object (K,), the tile (K,), the mask it should have there and which pixels count, both
    (K, tile * tile) bool.
    """
    low = (
        targets.boxes[:, :2] - 0.5
    ).ceil()  # first pixel whose centre is inside; then the first beyond
    high = (targets.boxes[:, 2:] - 0.5).ceil()
    device = low.device

    def touched(axis: int, count: int) -> Tensor:
        edge = torch.arange(count, device=device) * _TILE
        return (edge < high[:, axis, None]) & (edge + _TILE > low[:, axis, None])

    across, down = touched(0, grid[1]), touched(1, grid[0])
    hits = down[:, :, None] & across[:, None, :] & used[:, None, None]
    who, row, column = hits.nonzero(as_tuple=True)
    in_image = row * grid[1] + column
    tile = targets.image[who] * (grid[0] * grid[1]) + in_image
    masks, _ = _tiles(targets.masks[:, None])
    if targets.number is None:
        wanted = masks[who * (grid[0] * grid[1]) + in_image, 0] > 0
    else:
        wanted = masks[tile, 0] == targets.number[who, None].to(masks.dtype)
    inner = torch.arange(_TILE, device=device)
    x, y = column[:, None] * _TILE + inner, row[:, None] * _TILE + inner
    counts_x = (x >= low[who, 0, None]) & (x < high[who, 0, None])
    counts_y = (y >= low[who, 1, None]) & (y < high[who, 1, None])
    return who, tile, wanted, (counts_y[:, :, None] & counts_x[:, None, :]).flatten(1)


def _descend(
    tiles: Tensor,
    mixes: Tensor,
    weights: Tensor,
    pairs: tuple[Tensor, Tensor, Tensor, Tensor],
    grad_tiles: Tensor | None,
    grad_mixes: Tensor | None,
) -> Tensor:
    """Return the loss of some pairs and add its gradient to ``grad_tiles`` and ``grad_mixes``."""
    who, tile, wanted, counts = pairs
    pixels, mix = tiles.index_select(0, tile), mixes.index_select(0, who)
    logits = torch.bmm(mix, pixels)  # (K, anchors, tile * tile)
    # The cross-entropy by the probability p of the truth: -log(p), slope p - 1 towards the truth. One
    # sigmoid and one logarithm, half the time of softplus and sigmoid.
    sign = wanted[:, None].to(logits.dtype) * 2 - 1
    weight = weights.index_select(0, who)[:, :, None] * counts[:, None].to(logits.dtype)
    right = logits.mul_(sign).sigmoid_()
    loss = -(right.clamp(min=_TINY).log_() * weight).sum()
    if grad_tiles is not None and grad_mixes is not None:
        slope = right.sub_(1).mul_(sign).mul_(weight)
        grad_mixes.index_add_(0, who, torch.bmm(slope, pixels.transpose(1, 2)))
        grad_tiles.index_add_(0, tile, torch.bmm(mix.transpose(1, 2), slope))
    return loss
