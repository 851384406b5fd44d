"""Make the small promptable network that comes with the program: ``python -m engine.models.sam.train_small``.

Minutes on two cores. It learns from drawn pictures only, by clicks, boxes and corrections as Kirillov et al. 2023
describe: of three candidates the best one learns, and each says how good it thinks it is.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from copy import deepcopy
from dataclasses import dataclass, replace
from pathlib import Path

import cv2
import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from engine.models.sam.click_maps import CHANNELS, SIZE, make_maps
from engine.models.sam.prompts import INSIDE, OUTSIDE, Prompt
from engine.models.sam.small import ROOM, window_of
from engine.models.sam.small_scenes import blobs_picture, parts_picture
from engine.models.sam.weights import read_small
from engine.models.sam.windows import Window, kept_within, window_around
from engine.nn.modules.click_net import ClickNet
from engine.nn.safetensors_file import write_safetensors
from engine.runtime.heap import all_freed_memory_kept
from engine.runtime.log import LOGGER, show_log_by_default
from engine.training.precision import Precision

# Beside a test that holds scenes back: these numbers start the seeds of what is learnt from
PARTS_SEED, BLOBS_SEED = 7, 8
PICTURE_SIDE = 448
LEAST_AREA_PX = 60
CORRECTED = 0.6  # share of the steps that learn from a second look too
_LARGEST_ROOM = 10.0  # side of a window around a click as a multiple of the object's
_STEADY = 0.998  # share of the kept weights that a step leaves
_DRAWN_FIRST = 16  # pictures of each kind before the first step
_SHOWN_EVERY = _SAVED_EVERY = 100
_BOXES, _BOTH = 0.35, 0.1  # shares of the prompts that are boxes, and boxes with a click

Picture = tuple[
    np.ndarray, np.ndarray
]  # (H, W, 3) uint8 RGB, and the number of the object at each pixel


@dataclass(frozen=True)
class Lesson:
    """One object to be found.

    Attributes:
        picture: (H, W, 3) uint8 RGB.
        mask: (H, W) uint8, 1 where the object is.
        prompt: What says so, in pixels of the picture.
        window: What is looked at.
    """

    picture: np.ndarray
    mask: np.ndarray
    prompt: Prompt
    window: Window


def train(
    steps: int, seconds: float, batch: int, pool: int, start: Path | None, out: Path, seed: int = 0
) -> ClickNet:
    """Train from random weights, or from those of a file, for so many steps or seconds.

    Args:
        steps: At most; the learning rate falls to nothing over them, or over the time.
        seconds: At most.
        batch: Objects a step.
        pool: Pictures of each kind, drawn one a step until there are so many.
        start: File to go on from.
        out: File that is written now and then, and at the end.
        seed: Which objects are taken, and how; another one to go on.
    """
    torch.manual_seed(seed)
    network = ClickNet(CHANNELS).train()
    if start is not None:
        network = read_small(start, network).train()
    network = network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    optimizer = torch.optim.AdamW(network.parameters(), 1.0, weight_decay=0.02)
    highest = 2e-3 if start is None else 1e-3
    steady = deepcopy(network).requires_grad_(False)
    began, shown = time.monotonic(), np.zeros(2)
    random = np.random.default_rng(seed)
    for step, lessons in enumerate(_lessons(batch, pool, seed)):
        share = max(step / steps, (time.monotonic() - began) / seconds)
        if share >= 1:
            break
        for group in optimizer.param_groups:
            group["lr"] = highest * min(1, (step + 1) / 60) * (0.5 + 0.5 * np.cos(np.pi * share))
        loss, overlap = _step(network, lessons, random)
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(network.parameters(), 1.0)
        optimizer.step()
        _follow(steady, network, step)
        shown = 0.98 * shown + 0.02 * np.array([float(loss.detach()), overlap])
        if step % _SHOWN_EVERY == _SHOWN_EVERY - 1:
            LOGGER.info(
                "step %d: loss %.3f, IoU %.3f", step + 1, *(shown / (1 - 0.98 ** (step + 1)))
            )
        if step % _SAVED_EVERY == _SAVED_EVERY - 1:
            _write(steady, out)
    _write(steady, out)
    return steady.eval()


def _lessons(batch: int, pool: int, seed: int) -> Iterator[list[Lesson]]:
    """Yield the objects of each step, made by a thread while the step before is taken."""
    random = np.random.default_rng((seed, 1))
    pictures: list[Picture] = []

    def make() -> list[Lesson]:
        if len(pictures) < 2 * pool:  # drawn as they are wanted
            for _ in range(1 if pictures else _DRAWN_FIRST):
                number = len(pictures) // 2
                pictures.append(parts_picture((PARTS_SEED, number), PICTURE_SIDE))
                pictures.append(blobs_picture((BLOBS_SEED, number), PICTURE_SIDE))
        return [_lesson(random, pictures) for _ in range(batch)]

    with ThreadPoolExecutor(1) as thread:
        ahead = thread.submit(make)
        while True:
            lessons = ahead.result()
            ahead = thread.submit(make)
            yield lessons


def _lesson(random: np.random.Generator, pictures: list[Picture]) -> Lesson:
    """Take an object of a picture, vary the picture, and point at the object."""
    while True:
        picture, numbers = pictures[int(random.integers(len(pictures)))]
        areas = np.bincount(numbers.ravel())
        areas[0] = 0  # the ground
        usable = np.flatnonzero(areas >= LEAST_AREA_PX)
        if not len(usable):
            continue
        mask = (numbers == random.choice(usable)).astype(np.uint8)
        picture, mask = _varied(random, picture, mask)
        prompt = _prompt(random, mask)
        return Lesson(picture, mask, prompt, _window(random, mask, prompt))


def _varied(random: np.random.Generator, picture: np.ndarray, mask: np.ndarray) -> Picture:
    """Return a picture and a mask turned and recoloured."""
    if random.random() < 0.5:
        picture, mask = picture[:, ::-1], mask[:, ::-1]
    if random.random() < 0.5:
        picture, mask = picture[::-1], mask[::-1]
    if random.random() < 0.5:
        picture, mask = picture.transpose(1, 0, 2), mask.T
    if random.random() < 0.4:
        picture = picture[..., random.permutation(3)]
    if random.random() < 0.1:
        picture = picture.mean(2, keepdims=True).repeat(3, 2)
    gain, shift = random.uniform(0.6, 1.3), random.normal(0, 14, 3) + 128
    tables = (np.arange(256)[:, None] - 128) * gain + shift
    table = tables.clip(0, 255).astype(np.uint8)[None]
    recoloured = cv2.LUT(np.ascontiguousarray(picture, dtype=np.uint8), table)
    return recoloured, np.ascontiguousarray(mask)


def _prompt(random: np.random.Generator, mask: np.ndarray) -> Prompt:
    """Return a click inside a mask, now and then with others, or a box around it."""
    kind = random.random()
    box = None
    if kind < _BOXES + _BOTH:
        x1, y1, x2, y2 = _corners(mask)
        loose = random.normal(0, 0.03, 4) * max(x2 - x1, y2 - y1, 8)
        height, width = mask.shape
        box = (np.array([x1, y1, x2, y2]) + loose).clip(0, (width, height, width, height))
    points, labels = np.zeros((0, 2)), np.zeros(0, np.int64)
    if kind > _BOXES:
        points, labels = _click(random, mask)[None], np.array([INSIDE])
        if random.random() < 0.2:
            points = np.concatenate((points, _click(random, mask)[None]))
            labels = np.array([INSIDE, INSIDE])
        if random.random() < 0.15:
            points = np.concatenate((points, random.uniform(0, mask.shape[::-1], (1, 2))))
            x, y = points[-1].astype(int)
            labels = np.append(labels, INSIDE if mask[y, x] else OUTSIDE)
    return Prompt(points, labels, box)


def _window(random: np.random.Generator, mask: np.ndarray, prompt: Prompt) -> Window:
    """Return what is looked at: what a box says, or something between the object and far more."""
    if prompt.box is not None:
        return window_of(prompt, mask.shape)
    height, width = mask.shape
    longest = max(np.ptp(_corners(mask)[::2]), np.ptp(_corners(mask)[1::2]))
    room = np.exp(random.uniform(np.log(0.7), np.log(_LARGEST_ROOM)))
    inside = prompt.points[prompt.labels == INSIDE]
    low, high = inside.min(0), inside.max(0)
    least = max(40, int(ROOM * (high - low).max()))
    side = int(np.clip(room * longest, least, max(height, width, least)))
    return kept_within(window_around(np.concatenate((low, high)), 0, side), height, width)


def _click(random: np.random.Generator, mask: np.ndarray) -> np.ndarray:
    """Return a pixel (x, y) of a mask, rather inside than at its edge."""
    depth = _depth(mask)
    ys, xs = np.nonzero(depth >= depth.max() * random.uniform(0.1, 0.98))
    at = int(random.integers(len(xs)))
    return np.array([xs[at] + 0.5, ys[at] + 0.5])


def _depth(mask: np.ndarray) -> np.ndarray:
    padded = cv2.copyMakeBorder(mask, 1, 1, 1, 1, cv2.BORDER_CONSTANT, value=0)
    return cv2.distanceTransform(padded, cv2.DIST_L2, 3)[1:-1, 1:-1]


def _corners(mask: np.ndarray) -> np.ndarray:
    ys, xs = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
    return np.array([xs[0], ys[0], xs[-1] + 1, ys[-1] + 1], float)


def _step(
    network: ClickNet, lessons: list[Lesson], random: np.random.Generator
) -> tuple[Tensor, float]:
    """Return the loss of a first look and of a second one, and the IoU after the first."""
    loss, best, overlap = _look(network, lessons)
    if random.random() >= CORRECTED:
        return loss, overlap
    corrects = random.random() < 0.6
    again = [_again(lesson, rows, corrects) for lesson, rows in zip(lessons, best, strict=True)]
    second, _, _ = _look(network, again)
    return loss + second, overlap


def _look(network: ClickNet, lessons: list[Lesson]) -> tuple[Tensor, np.ndarray, float]:
    """Return the loss, each lesson's best logits (B, SIZE, SIZE), and their mean IoU."""
    maps = [make_maps(lesson.picture, lesson.window, lesson.prompt) for lesson in lessons]
    x = torch.from_numpy(np.stack(maps)).contiguous(memory_format=torch.channels_last)
    with Precision(torch.device("cpu"), amp=True).autocast():
        logits, scores = (out.float() for out in network(x))
    seen = [lesson.window.cut(255 * lesson.mask, SIZE) for lesson in lessons]
    wanted = torch.from_numpy(np.stack(seen)).float()[:, None] / 255
    area = wanted.mean((2, 3))
    whole = [lesson.mask.sum() / lesson.window.side**2 for lesson in lessons]
    unseen = (torch.tensor(whole)[:, None] - area).clamp(min=0)
    is_clear = torch.tensor([_is_clear(lesson.prompt) for lesson in lessons])
    rare = ((1 - area) / area.clamp(min=1e-3)).clamp(min=0).sqrt().clamp(1, 5)[..., None, None]
    target = wanted.expand_as(logits)
    cross = F.binary_cross_entropy_with_logits(
        logits, target, reduction="none", weight=1 + (rare - 1) * target
    ).mean((2, 3))
    chance = logits.sigmoid()
    shared = (chance * target).sum((2, 3))
    dice = 1 - (2 * shared + 20) / (chance.sum((2, 3)) + target.sum((2, 3)) + 20)
    each = 2 * cross + dice  # (B, 4)
    inside, truth = logits.detach() > 0, target > 0.5
    both = (inside & truth).float().mean((2, 3))
    either = (inside | truth).float().mean((2, 3)) + unseen
    overlap = both / either.clamp(min=1e-4)
    candidates = each[:, 1:].min(1)
    loss = (each[:, 0] * torch.where(is_clear, 1.0, 0.5) + candidates.values * 0.7).mean()
    loss = loss + 2 * F.mse_loss(scores, overlap)
    chosen = torch.where(is_clear, 0, candidates.indices + 1)
    row = torch.arange(len(logits))
    return loss, logits[row, chosen].detach().numpy(), float(overlap[row, chosen].mean())


def _is_clear(prompt: Prompt) -> bool:
    """Say whether a prompt means one thing: one click does not."""
    return prompt.box is not None or prompt.mask is not None or len(prompt.points) > 1


def _again(lesson: Lesson, logits: np.ndarray, corrects: bool) -> Lesson:
    """Return an object with what was found of it, looked at closer; with a click into the largest error."""
    height, width = lesson.mask.shape
    found = lesson.window.put_back(logits, height, width)
    prompt = replace(lesson.prompt, mask=found)
    if corrects:
        wrong = ((found > 0) != (lesson.mask > 0)).astype(np.uint8)
        if wrong.sum() >= 4:
            y, x = divmod(int(_depth(wrong).argmax()), width)
            label = INSIDE if lesson.mask[y, x] else OUTSIDE
            points = np.concatenate((prompt.points, [[x + 0.5, y + 0.5]]))
            prompt = replace(prompt, points=points, labels=np.append(prompt.labels, label))
    return replace(lesson, prompt=prompt, window=window_of(prompt, lesson.mask.shape))


@torch.no_grad()
def _follow(steady: ClickNet, network: ClickNet, step: int) -> None:
    """Let the weights that are kept follow those that learn: their mean over many steps is better than the last."""
    keep = min(_STEADY, (step + 1) / (step + 10))
    for kept, learnt in zip(
        steady.state_dict().values(), network.state_dict().values(), strict=True
    ):
        if kept.is_floating_point():
            kept.lerp_(learnt, 1 - keep)


def _write(network: ClickNet, out: Path) -> None:
    """Write the weights at half precision."""
    state = {k: v.half() if v.is_floating_point() else v for k, v in network.state_dict().items()}
    write_safetensors(out, state, {"sam": network.name, "license": "Apache-2.0"})


def main() -> None:
    """Train and write the file."""
    show_log_by_default()
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--steps", type=int, default=20_000)
    parser.add_argument("--seconds", type=float, default=1800)
    parser.add_argument("--batch", type=int, default=16)
    parser.add_argument("--pool", type=int, default=400)
    parser.add_argument("--start", type=Path)
    parser.add_argument("--seed", type=int, default=0)
    with all_freed_memory_kept():
        train(**vars(parser.parse_args()))


if __name__ == "__main__":
    main()
