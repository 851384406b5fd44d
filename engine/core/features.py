"""What a network's layers answer to pictures: as vectors to compare pictures with, and as pictures to look at."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch
import torch.nn.functional as F

from engine.drawing.mosaic import write_picture
from engine.nn.base_model import BaseModel
from engine.runtime.errors import ConfigError

# Channels of a layer that are drawn, and how many stand beside one another.
MOST_CHANNELS = 32
COLUMNS = 8
# Smaller maps are enlarged to about this many pixels a side, so that something can be seen.
LEGIBLE_PX = 64

Answers = dict[int, torch.Tensor]


def network_of(backend: Any, asked: str) -> BaseModel:
    """Return the network behind a backend.

    Raises:
        ConfigError: It is an exported file, whose layers cannot be looked at; ``asked`` is what needs them.
    """
    network = getattr(backend, "model", None)
    if isinstance(network, BaseModel):
        return network
    raise ConfigError(
        f"{asked} looks at a network's layers, which an exported file does not show.",
        remedy="Use the .pt file that it was exported from.",
    )


def default_layers(network: BaseModel) -> list[int]:
    """Return the number of the last layer before the head, which knows most about the whole picture."""
    return [len(network.model) - 2]


def check_layers(network: BaseModel, layers: Sequence[int]) -> list[int]:
    """Return the numbers of layers whose answers can be had, in the order asked for.

    Raises:
        ConfigError: There is no such layer before the head, or none was named.
    """
    last = len(network.model) - 2
    if not layers or max(layers) > last:
        raise ConfigError(
            f"embed names layers by number, 0 to {last} for this network, received {list(layers)}.",
            value=list(layers),
            remedy=f"The last before the head is embed={last}.",
        )
    return list(layers)


def embeddings(network: BaseModel, images: torch.Tensor, layers: Sequence[int]) -> torch.Tensor:
    """Return (B, D): the mean answer of every channel of these layers, one layer after the other.

    Args:
        network: In eval mode.
        images: (B, C, H, W) in 0..1.
        layers: Numbers of layers before the head.
    """
    with listening(network, layers) as answers:
        network.features(images.contiguous(memory_format=torch.channels_last))
    pooled = [F.adaptive_avg_pool2d(answers[n].float(), 1).flatten(1) for n in layers]
    return torch.cat(pooled, 1)


@contextmanager
def listening(network: BaseModel, layers: Sequence[int] | None = None) -> Iterator[Answers]:
    """Collect the maps (B, C, h, w) that layers give inside the block, of the first run where there are several.

    Args:
        network: Whose layers.
        layers: Their numbers; None for all that give one map.
    """
    answers: Answers = {}

    def keep(number: int, output: Any) -> None:
        if isinstance(output, torch.Tensor) and output.ndim == 4:
            answers.setdefault(number, output)

    hooks = [
        layer.register_forward_hook(lambda _m, _i, output, n=number: keep(n, output))
        for number, layer in enumerate(network.model)
        if layers is None or number in layers
    ]
    try:
        yield answers
    finally:
        for hook in hooks:
            hook.remove()


def write_answers(network: BaseModel, answers: Answers, folders: Sequence[Path]) -> None:
    """Write a picture of every layer's answers to each image of a batch, ``stageN_KIND_features.png``.

    Args:
        network: Whose layers.
        answers: Layer number to maps (B, C, h, w); single numbers are left out.
        folders: One for each image, made where missing.
    """
    for number, maps in answers.items():
        if maps.shape[2] == 1 and maps.shape[3] == 1:
            continue
        kind = type(network.model[number]).__name__
        for one, folder in zip(maps[:, :MOST_CHANNELS].float().cpu().numpy(), folders, strict=True):
            folder.mkdir(parents=True, exist_ok=True)
            write_picture(folder / f"stage{number}_{kind}_features.png", draw_maps(one))


def draw_maps(maps: np.ndarray) -> np.ndarray:
    """Return maps (C, h, w) side by side, each from its smallest (dark) to its largest value, as BGR uint8."""
    low = maps.min((1, 2), keepdims=True)
    span = maps.max((1, 2), keepdims=True) - low
    grey = ((maps - low) / np.where(span > 0, span, 1) * 255).astype(np.uint8)
    factor = max(LEGIBLE_PX // min(grey.shape[1:]), 1)
    grey = grey.repeat(factor, 1).repeat(factor, 2)
    columns = min(COLUMNS, len(grey))
    rows = -(-len(grey) // columns)
    height, width = grey.shape[1:]
    sheet = np.zeros((rows * (height + 2), columns * (width + 2)), np.uint8)
    for i, one in enumerate(grey):
        top, left = i // columns * (height + 2) + 1, i % columns * (width + 2) + 1
        sheet[top : top + height, left : left + width] = one
    return cv2.applyColorMap(sheet, cv2.COLORMAP_VIRIDIS)
