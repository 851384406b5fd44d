"""Weights for the architectures of promptable segmenters where no published file is at hand, with masks like real ones.

The numbers of the weights change nothing about the time that a network takes, but much about its masks: of random ones
they are noise, thousands of specks that take long to enlarge, compare and outline. So the last layers of the decoder are
fitted to pictures that are drawn here, three discs one in the other, as an object, a part of it and a part of that. The
encoder and the transformer keep their seeded numbers, every layer computes all it has, and the prompts decide nothing: on
one of these pictures each mask is about one of its discs.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

_GROUND = (92, 104, 110)
# Radius of a disc as a share of the picture's height, its colour (RGB); the largest first, each over the one before
_DISCS = ((0.33, (205, 60, 45)), (0.24, (35, 150, 215)), (0.15, (240, 225, 80)))
# Which disc each of the four masks is: the one for clear prompts, the three for ambiguous ones
_MASKS = (0, 0, 1, 2)
_GRAIN = 8
_CHANNELS = (
    2  # one for what is inside a disc, one for what is outside: a sum that no normalisation moves
)
_RIDGE = 1e-4


def draw_discs(
    number: int, size_wh: tuple[int, int]
) -> tuple[np.ndarray, np.ndarray, tuple[float, float]]:
    """Draw a picture of the discs, each number at another place.

    Returns:
        The picture (H, W, 3) uint8 RGB, how far each pixel is from the middle of the discs as a share of the height
        (H, W), and that middle, x and y.
    """
    width, height = size_wh
    rng = np.random.default_rng(number)
    x, y = _middle(rng, size_wh)
    rows, columns = np.mgrid[:height, :width]
    away = np.hypot(columns + 0.5 - x, rows + 0.5 - y) / height
    picture = np.empty((height, width, 3), np.int16)
    picture[:] = _GROUND
    for radius, color in _DISCS:
        picture[away < radius] = color
    picture += rng.integers(-_GRAIN, _GRAIN + 1, (height, width, 1), np.int16)
    return np.clip(picture, 0, 255).astype(np.uint8), away, (x, y)


def disc_box(number: int, size_wh: tuple[int, int]) -> tuple[float, float, float, float]:
    """Return the corners of the largest disc of a picture, x1, y1, x2, y2."""
    x, y = _middle(np.random.default_rng(number), size_wh)
    radius = _DISCS[0][0] * size_wh[1]
    return x - radius, y - radius, x + radius, y + radius


def write_seeded_sam(
    path: Path, numbers: Sequence[int], size_wh: tuple[int, int], name: str = "mobile_sam"
) -> Path:
    """Write weights whose masks are the discs of these pictures, roughly those of others too.

    Args:
        path: A file, ``.safetensors``.
        numbers: Of the pictures that the masks are fitted to; each is looked at once.
        size_wh: Of the pictures.
        name: One of ``engine.models.sam.architectures.ARCHITECTURES``.
    """
    import torch

    from engine.models.sam.architectures import build
    from engine.nn.safetensors_file import write_safetensors

    torch.manual_seed(0)
    network = build(name)
    state = {key: value.clone() for key, value in network.state_dict().items()}
    cells, away = _look(network, numbers, size_wh)
    _fill_heads(state, _weights(cells, away))
    return write_safetensors(path, state)


def _middle(rng: np.random.Generator, size_wh: tuple[int, int]) -> tuple[float, float]:
    return size_wh[0] * rng.uniform(0.4, 0.6), size_wh[1] * rng.uniform(0.45, 0.55)


def _look(
    network: Any, numbers: Sequence[int], size_wh: tuple[int, int]
) -> tuple[np.ndarray, np.ndarray]:
    """Return the decoder's cells for a click and a box, (N, dim), and how far the quarters of each are away, (N, 2, 2)."""
    from engine.models.sam.network import NetworkSegmenter
    from engine.models.sam.prompts import make_prompt
    from engine.runtime.device import select_device

    segmenter = NetworkSegmenter(network, "seeded", select_device(None))
    seen: list[np.ndarray] = []
    keep = network.mask_decoder.transformer.register_forward_hook(
        lambda _module, _given, found: seen.append(found[1][0].float().cpu().numpy())
    )
    cells, away = [], []
    for number in numbers:
        picture, distance, middle = draw_discs(number, size_wh)
        size_hw = size_wh[1], size_wh[0]
        embedding = segmenter.embed(picture)
        prompts = (
            make_prompt(size_hw, [middle]),
            make_prompt(size_hw, box=disc_box(number, size_wh)),
        )
        for prompt in prompts:
            segmenter.segment(embedding, [prompt], True)
            found, quarters = _shown(seen.pop(), distance)
            cells.append(found)
            away.append(quarters)
    keep.remove()
    return np.concatenate(cells), np.concatenate(away)


def _shown(cells: np.ndarray, away: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return those of the cells of a square (S * S, dim) that the picture covers, and the distances of their quarters."""
    import cv2

    side = round(len(cells) ** 0.5)
    height, width = (length * side // max(away.shape) for length in away.shape)
    small = cv2.resize(away, (2 * width, 2 * height), interpolation=cv2.INTER_AREA)
    quarters = small.reshape(height, 2, width, 2).transpose(0, 2, 1, 3).reshape(-1, 2, 2)
    return cells.reshape(side, side, -1)[:height, :width].reshape(len(quarters), -1), quarters


def _weights(cells: np.ndarray, away: np.ndarray) -> np.ndarray:
    """Return what of cells (N, dim) tells the inside of each disc from its outside, (discs, dim + 1, 2, 2), bias last."""
    known = np.concatenate((cells, np.ones((len(cells), 1))), 1).astype(np.float64)
    square = known.T @ known
    square += _RIDGE * np.trace(square) / len(square) * np.eye(len(square))
    inside = np.stack([np.where(away < radius, 1.0, -1.0) for radius, _ in _DISCS])
    wanted = np.einsum("nc,knyx->ckyx", known, inside)
    solved = np.linalg.solve(square, wanted.reshape(len(square), -1))
    return solved.reshape(wanted.shape).transpose(1, 0, 2, 3)


def _fill_heads(state: dict[str, Any], weights: np.ndarray) -> None:
    """Let the decoder's last layers hand on, of each cell, the sum that `_weights` found, once as it is and once negated.

    Two negated channels leave a mean of zero to the normalisation, which so keeps signs; and gelu(x) - gelu(-x) is x.
    """
    import torch

    up = "mask_decoder.output_upscaling."
    for key in ("0.weight", "0.bias", "3.weight", "3.bias"):
        state[up + key].zero_()
    for disc, solved in enumerate(weights):
        plus, minus = _CHANNELS * disc, _CHANNELS * disc + 1
        numbers = torch.from_numpy(solved).float()
        for channel, sign in ((plus, 1), (minus, -1)):
            state[up + "0.weight"][:, channel] = sign * numbers[:-1]
            # a bias is one number for the four quarters
            state[up + "0.bias"][channel] = sign * numbers[-1].mean()
            state[up + "3.weight"][plus, channel] = sign
            state[up + "3.weight"][minus, channel] = -sign
    for mask, disc in enumerate(_MASKS):
        last = f"mask_decoder.output_hypernetworks_mlps.{mask}.layers.2."
        state[last + "weight"].zero_()
        state[last + "bias"].zero_()
        state[last + "bias"][_CHANNELS * disc] = 1
        state[last + "bias"][_CHANNELS * disc + 1] = -1
