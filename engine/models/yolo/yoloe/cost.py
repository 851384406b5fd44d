"""What an image costs in each training of a YOLOE model, measured by a few steps on drawn noise."""

from __future__ import annotations

import time
from collections.abc import Callable
from copy import deepcopy
from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from engine.cfg.arguments import resolve
from engine.models.yolo.yoloe.probe import last_layers
from engine.models.yolo.yoloe.words import check_free
from engine.nn.open_vocabulary import YOLOEModel
from engine.runtime.device import select_device
from engine.training.freeze import freeze_layers, hold_statistics

# A processor's time grows with the pixels: a small picture tells of a large one, and is soon done
_MEASURED_SIDE = 256
_BATCH = 2
_STEPS = 2
_OBJECTS = 8


@dataclass(frozen=True)
class TrainingCost:
    """Seconds for one image, reading it left out.

    Attributes:
        full: In a training of everything.
        probe: In a linear probe.
        seen: In a validation.
    """

    full: float
    probe: float
    seen: float


def measure_cost(
    network: YOLOEModel,
    classes: int,
    imgsz: int,
    device: Any = "cpu",
    check: Callable[[], None] | None = None,
) -> TrainingCost:
    """Run a few steps of each training and say what an image takes; the network stays as it is.

    Args:
        network: A model whose classes are free.
        classes: How many classes would be trained.
        imgsz: Side of the pictures in pixels.
        device: Where.
        check: Called between steps; what it raises ends the measurement.

    Raises:
        ModelError: The network's classes are fixed inside.
    """
    check_free(network)
    place, ask = select_device(device), check or _go_on
    side = min(imgsz, _MEASURED_SIDE) if place.type == "cpu" else imgsz
    side = max(32, side // 32 * 32)
    scale = (imgsz / side) ** 2
    batch = {key: value.to(place) for key, value in _noise(classes, side).items()}
    words = F.normalize(torch.randn(1, classes, network.head.embed), dim=-1).to(place)
    full = _fresh(network).to(place)
    times = [_of_steps(lambda: _learn(full, batch, words), ask, place)]
    probed = _folded(network, words.cpu()).to(place)
    times.append(_of_steps(lambda: _learn(probed, batch, None), ask, place))
    times.append(_of_steps(lambda: _see(probed, batch["img"]), ask, place))
    return TrainingCost(*(seconds * scale / _BATCH for seconds in times))


def _go_on() -> None:
    """Never end a measurement."""


def _fresh(network: YOLOEModel) -> YOLOEModel:
    """Return a copy in which everything learns."""
    copy = deepcopy(network).float()
    copy.args = resolve({}, "train", copy.task)
    freeze_layers(copy, ())
    return copy.train()


def _folded(network: YOLOEModel, words: Tensor) -> YOLOEModel:
    """Return a copy with the classes inside, of which only the last layers learn."""
    copy = _fresh(network).cpu()
    copy.head.fold(words)
    copy.head.savpe = None
    frozen = freeze_layers(copy, (), last_layers(copy.head))
    hold_statistics(copy.train(), frozen)
    return copy


def _learn(network: YOLOEModel, batch: dict[str, Tensor], words: Tensor | None) -> None:
    """Do the passes of one batch."""
    network.zero_grad(set_to_none=True)
    raw = network(batch["img"]) if words is None else network(batch["img"], tpe=words)
    loss, _ = network.loss(batch, raw)
    loss.backward()  # type: ignore[no-untyped-call]


@torch.no_grad()
def _see(network: YOLOEModel, images: Tensor) -> None:
    network.eval()(images)


def _of_steps(step: Callable[[], None], check: Callable[[], None], place: torch.device) -> float:
    """Return the seconds of one step, the best of a few after a first one that warms up."""
    best = float("inf")
    for number in range(_STEPS + 1):
        check()
        begun = time.perf_counter()
        step()
        if place.type == "cuda":
            torch.cuda.synchronize(place)
        if number:
            best = min(best, time.perf_counter() - begun)
    return best


def _noise(classes: int, side: int) -> dict[str, Tensor]:
    """Return a batch of pictures with objects at random, as a data set gives it."""
    generator = torch.Generator().manual_seed(0)
    boxes = torch.rand(_BATCH, _OBJECTS, 4, generator=generator) * 0.4 + 0.1  # centre and size
    masks = torch.zeros(_BATCH, side // 4, side // 4)
    corners = torch.cat(
        (boxes[..., :2] - boxes[..., 2:] / 2, boxes[..., :2] + boxes[..., 2:] / 2), 2
    )
    for mask, own in zip(masks, (corners.clamp(0, 1) * side / 4).long(), strict=True):
        for number, (x1, y1, x2, y2) in enumerate(own.tolist(), 1):
            mask[y1 : y2 + 1, x1 : x2 + 1] = number
    return {
        "img": torch.rand(_BATCH, 3, side, side, generator=generator),
        "cls": torch.randint(classes, (_BATCH * _OBJECTS, 1), generator=generator).float(),
        "bboxes": boxes.view(-1, 4),
        "batch_idx": torch.arange(_BATCH).repeat_interleave(_OBJECTS).float(),
        "masks": masks,
    }
