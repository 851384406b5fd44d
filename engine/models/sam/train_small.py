"""Make the small promptable network that comes with the program: ``python -m engine.models.sam.train_small``.

Minutes on two cores. It learns from drawn pictures only, by clicks, boxes and corrections as Kirillov et al. 2023
describe: of three candidates the best one learns, and each says how good it thinks it is.
"""

from __future__ import annotations

import argparse
import time
from copy import deepcopy
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from engine.models.sam.architectures import build
from engine.models.sam.small_scenes import blobs_picture, parts_picture
from engine.nn.modules.sam import Sam
from engine.nn.modules.sam_prompts import NOTHING
from engine.nn.safetensors_file import read_safetensors, write_safetensors
from engine.runtime.log import LOGGER, show_log_by_default

PROMPTS = 4  # of each picture in a step
POINTS = 4  # slots of a prompt: a box takes two
LEAST_AREA_PX = 40
# Beside a test that holds scenes back: these numbers start the seeds of what is learnt from
PARTS_SEED, BLOBS_SEED = 7, 8


# Side of the input in pixels and how often. Small ones are cheap, and the network has only convolutions.
SIDES = ((96, 0.25), (128, 0.5), (192, 0.25))
# Beside the published frequencies of positions finer ones: they tell small things apart
FINER = 4.0
CORRECTED = 0.35  # share of the steps that learn from a correction too
_STEADY = 0.995  # share of the kept weights that a step leaves
_DRAWN_FIRST = 8  # pictures of each kind before the first step
_SAVED_EVERY = 50


def train(steps: int, seconds: float, batch: int, pool: int, start: Path | None, out: Path) -> Sam:
    """Train from random weights, or from those of a file, for so many steps or seconds.

    Args:
        steps: At most; the learning rate falls to nothing over them, or over the time.
        seconds: At most, of the processor's time.
        batch: Pictures a step.
        pool: Pictures of each kind, drawn one a step until there are so many.
        start: File to go on from.
        out: File that is written now and then, and at the end.
    """
    torch.manual_seed(0)
    rng = np.random.default_rng(0)
    network = build("sam_small").train()
    size = network.img_size
    pictures: list[tuple[np.ndarray, np.ndarray]] = []
    if start is None:
        _begin_quietly(network)
    else:
        # maps of prompts that a file does not have begin at nothing
        network.load_state_dict(read_safetensors(start)[0], strict=False)
    network = network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    highest = 1.5e-3 if start is None else 1e-3
    optimizer = torch.optim.AdamW(network.parameters(), highest, weight_decay=0.02)
    began, shown = time.process_time(), np.zeros(2)
    steady = deepcopy(network).requires_grad_(False)
    for step in range(steps):
        share = max(step / steps, (time.process_time() - began) / seconds)
        if share >= 1:
            break
        rate = highest * min(1, (step + 1) / 60) * (0.5 + 0.5 * np.cos(np.pi * share))
        for group in optimizer.param_groups:
            group["lr"] = rate
        if len(pictures) < 2 * pool:  # drawn as they are wanted
            for _ in range(_DRAWN_FIRST if step == 0 else 1):
                number = len(pictures) // 2
                pictures.append(parts_picture((PARTS_SEED, number), size))
                pictures.append(blobs_picture((BLOBS_SEED, number), size))
        side = int(rng.choice([s for s, _ in SIDES], p=[chance for _, chance in SIDES]))
        _take_side(network, side)
        loss, overlap = _step(network, _batch(rng, pictures, batch, side), rng)
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(network.parameters(), 1.0)
        optimizer.step()
        _follow(steady, network, step)
        shown = 0.98 * shown + 0.02 * np.array([loss.item(), overlap])
        if step % 50 == 49:
            scale = 1 - 0.98 ** (step + 1)
            LOGGER.info("step %d: loss %.3f, IoU %.3f", step + 1, *(shown / scale))
        if step % _SAVED_EVERY == _SAVED_EVERY - 1:
            _write(steady, out)
    _write(steady, out)
    return steady.eval()


@torch.no_grad()
def _follow(steady: Sam, network: Sam, step: int) -> None:
    """Let the weights that are kept follow those that learn: their mean over many steps is better than the last."""
    keep = min(_STEADY, (step + 1) / (step + 10))
    for kept, learnt in zip(
        steady.state_dict().values(), network.state_dict().values(), strict=True
    ):
        if kept.is_floating_point():
            kept.lerp_(learnt, 1 - keep)


def _begin_quietly(network: Sam) -> None:
    """Let the first masks be near zero everywhere, whose noise would teach nothing, and give fine positions."""
    waves = network.prompt_encoder.pe_layer.positional_encoding_gaussian_matrix
    waves[:, ::2] *= FINER
    mixers: Any = network.mask_decoder.output_hypernetworks_mlps
    for mixer in mixers:
        with torch.no_grad():
            mixer.layers[-1].weight *= 0.1
            mixer.layers[-1].bias.zero_()


def _take_side(network: Sam, side: int) -> None:
    """Let the network take square inputs of another side: its encoder has only convolutions."""
    network.img_size = network.prompt_encoder.img_size = side
    network.prompt_encoder.size = side // 8


def _write(network: Sam, out: Path) -> None:
    """Write the weights at half precision."""
    state = {k: v.half() if v.is_floating_point() else v for k, v in network.state_dict().items()}
    write_safetensors(out, state, {"sam": network.name, "license": "Apache-2.0"})


def _step(network: Sam, batch: tuple[Tensor, ...], rng: np.random.Generator) -> tuple[Tensor, float]:  # fmt: skip
    """Return the loss of a first prompt and of a correction, and the IoU after the first."""
    images, targets, points, labels = batch
    embeddings = network.encode(images).repeat_interleave(PROMPTS, 0)
    logits, scores = network.decode(embeddings, points, labels)
    loss, best, overlap = _losses(logits, scores, targets, labels)
    if rng.random() >= CORRECTED:
        return loss, overlap
    points, labels = _corrected(rng, best, targets, points, labels, network.img_size)
    logits, scores = network.decode(embeddings, points, labels, best[:, None])
    second, _, _ = _losses(logits, scores, targets, labels)
    return loss + second, overlap


def _losses(
    logits: Tensor, scores: Tensor, targets: Tensor, labels: Tensor
) -> tuple[Tensor, Tensor, float]:
    """Return the loss, each prompt's best logits (B, h, w) without gradient, and their mean IoU."""
    wanted = targets[:, None].expand_as(logits)
    area = targets.mean((1, 2)).clamp(min=1e-3)[:, None, None, None]
    rare = ((1 - area) / area).sqrt().clamp(1, 6)  # so that small objects are not given up
    cross = F.binary_cross_entropy_with_logits(
        logits, wanted, reduction="none", weight=1 + (rare - 1) * wanted
    ).mean((2, 3))
    chance = logits.sigmoid()
    shared = (chance * wanted).sum((2, 3))
    dice = 1 - (2 * shared + 1) / (chance.sum((2, 3)) + wanted.sum((2, 3)) + 1)
    each = 2 * cross + dice  # (B, 4)
    inside = logits.detach() > 0
    both = (inside & (wanted > 0.5)).sum((2, 3))
    either = (inside | (wanted > 0.5)).sum((2, 3)).clamp(min=1)
    overlap = both / either
    candidates = each[:, 1:].min(1)
    clear = (labels != NOTHING).sum(1) > 1  # one click is ambiguous, more are not
    loss = (each[:, 0] * torch.where(clear, 1.0, 0.5) + candidates.values).mean()
    loss = loss + F.mse_loss(scores, overlap)
    chosen = torch.where(clear, 0, candidates.indices + 1)
    row = torch.arange(len(logits))
    return loss, logits[row, chosen].detach(), float(overlap[row, chosen].mean())


def _batch(
    rng: np.random.Generator, pictures: list[tuple[np.ndarray, np.ndarray]], count: int, size: int
) -> tuple[Tensor, ...]:
    """Return images (B, 3, S, S) 0..255, targets (B * P, S / 2, S / 2), points and labels of as many prompts."""
    images: list[np.ndarray] = []
    targets, points, labels = [], [], []
    while len(images) < count:
        picture, numbers = _varied(rng, *pictures[int(rng.integers(len(pictures)))], size)
        found, areas = np.unique(numbers, return_counts=True)
        usable = found[(found > 0) & (areas >= LEAST_AREA_PX)]
        if not len(usable):
            continue
        images.append(picture)
        for number in rng.choice(usable, PROMPTS):
            mask = (numbers == number).astype(np.uint8)
            small = cv2.resize(mask * 255, (size // 2, size // 2), interpolation=cv2.INTER_AREA)
            targets.append(small >= 128)
            place, kind = _prompt(rng, mask)
            points.append(place)
            labels.append(kind)
    stacked = torch.from_numpy(np.stack(images)).permute(0, 3, 1, 2).float()
    return (
        stacked.contiguous(memory_format=torch.channels_last),
        torch.from_numpy(np.stack(targets)).float(),
        torch.from_numpy(np.stack(points)).float(),
        torch.from_numpy(np.stack(labels)),
    )


def _varied(
    rng: np.random.Generator, picture: np.ndarray, numbers: np.ndarray, size: int
) -> tuple[np.ndarray, np.ndarray]:
    """Return a turned and recoloured part of a picture, (S, S, 3) and (S, S), filled up with the mean colour."""
    height, width = numbers.shape
    side = int(max(height, width) * rng.uniform(0.4, 1.0)) if rng.random() < 0.5 else max(height, width)  # fmt: skip
    y = int(rng.integers(0, max(height - side, 0) + 1))
    x = int(rng.integers(0, max(width - side, 0) + 1))
    part, ids = picture[y : y + side, x : x + side], numbers[y : y + side, x : x + side]
    scale = size / max(ids.shape)
    shape = (round(ids.shape[1] * scale), round(ids.shape[0] * scale))
    part = cv2.resize(part, shape, interpolation=cv2.INTER_LINEAR).astype(np.float32)
    ids = cv2.resize(ids, shape, interpolation=cv2.INTER_NEAREST_EXACT)
    if rng.random() < 0.5:
        part, ids = part[:, ::-1], ids[:, ::-1]
    if rng.random() < 0.5:
        part, ids = part[::-1], ids[::-1]
    if rng.random() < 0.5:
        part, ids = part.transpose(1, 0, 2), ids.T
    part = part[..., rng.permutation(3)] if rng.random() < 0.4 else part
    part = (part - 128) * rng.uniform(0.6, 1.3) + 128 + rng.normal(0, 14, 3)
    full = np.empty((size, size, 3), np.float32)
    full[:] = (123.675, 116.28, 103.53)  # becomes zeros in the network
    full[: part.shape[0], : part.shape[1]] = part.clip(0, 255)
    places = np.zeros((size, size), np.uint8)
    places[: ids.shape[0], : ids.shape[1]] = ids
    return full, places


def _prompt(rng: np.random.Generator, mask: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return a click inside a mask, or a box around it, as points (4, 2) and labels (4,)."""
    points, labels = np.zeros((POINTS, 2)), np.full(POINTS, NOTHING)
    kind = rng.random()
    if kind < 0.6:
        points[0], labels[0] = _click(rng, mask), 1
    if kind > 0.5:
        ys, xs = np.nonzero(mask.any(1))[0], np.nonzero(mask.any(0))[0]
        box = np.array([[xs[0], ys[0]], [xs[-1] + 1, ys[-1] + 1]], float)
        loose = rng.normal(0, 0.04, (2, 2)) * np.maximum(box[1] - box[0], 8)
        points[1:3], labels[1:3] = box + loose, (2, 3)
    return points, labels


def _click(rng: np.random.Generator, mask: np.ndarray) -> np.ndarray:
    """Return a pixel (x, y) of a mask, rather inside than at its edge."""
    depth = cv2.distanceTransform(cv2.copyMakeBorder(mask, 1, 1, 1, 1, 0), cv2.DIST_L2, 3)
    depth = depth[1:-1, 1:-1]
    ys, xs = np.nonzero(depth >= depth.max() * rng.uniform(0.1, 0.98))
    at = int(rng.integers(len(xs)))
    return np.array([xs[at] + 0.5, ys[at] + 0.5])


def _corrected(
    rng: np.random.Generator, logits: Tensor, targets: Tensor, points: Tensor, labels: Tensor, size: int
) -> tuple[Tensor, Tensor]:  # fmt: skip
    """Return the prompts with a click more in the largest error of each mask, where there is one."""
    points, labels = points.clone(), labels.clone()
    wrong = ((logits > 0) != (targets > 0.5)).numpy().astype(np.uint8)
    scale = size / targets.shape[-1]
    for row, error in enumerate(wrong):
        if error.sum() < 4:
            continue
        depth = cv2.distanceTransform(error, cv2.DIST_L2, 3)
        y, x = divmod(int(depth.argmax()), error.shape[1])
        points[row, 3] = torch.tensor([(x + 0.5) * scale, (y + 0.5) * scale])
        labels[row, 3] = int(targets[row, y, x] > 0.5)
    return points, labels


def main() -> None:
    """Train and write the file."""
    show_log_by_default()
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--steps", type=int, default=4000)
    parser.add_argument("--seconds", type=float, default=1800)
    parser.add_argument("--batch", type=int, default=6)
    parser.add_argument("--pool", type=int, default=500)
    parser.add_argument("--start", type=Path)
    given = parser.parse_args()
    train(given.steps, given.seconds, given.batch, given.pool, given.start, given.out)


if __name__ == "__main__":
    main()
