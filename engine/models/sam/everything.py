"""All objects of a picture, by asking at the points of a grid (Kirillov et al. 2023, section 5 and appendix B)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch

from engine.models.sam.decoding import BATCH
from engine.models.sam.frame import Frame
from engine.models.sam.prompts import make_prompt
from engine.models.sam.segmenter import THRESHOLD, Embedding, Segmenter
from engine.ops.mask_windows import MaskWindow
from engine.ops.nms import select
from engine.runtime.errors import ConfigError, ModelError

# Logits this far from the border are where a stable mask ends
_OFFSET = 1.0


@dataclass(frozen=True)
class Everything:
    """What decides which masks are kept.

    Attributes:
        points_per_side: Points along each side of the grid.
        score: Least score, 0..1.
        stability: Least IoU of the mask cut a little lower with the same cut a little higher, 0..1.
        overlap: Of two masks whose boxes' IoU is above this the one with the lower score goes.
        least_area: Pixels of the picture that a mask has at least.
        most: Masks at most.
    """

    points_per_side: int = 32
    score: float = 0.88
    stability: float = 0.95
    overlap: float = 0.7
    least_area: int = 0
    most: int = 300

    def __post_init__(self) -> None:
        shares = (self.score, self.stability, self.overlap)
        if not 1 <= self.points_per_side <= 256 or not all(0 <= v <= 1 for v in shares):
            raise ConfigError(
                f"expected 1 to 256 points a side and shares within 0..1, received {self}."
            )


@dataclass(frozen=True)
class Thing:
    """One mask of many.

    Attributes:
        low_res: (h, w) float32 logits.
        score: How good it is thought to be.
        frame: How it lies in the picture.
    """

    low_res: np.ndarray
    score: float
    frame: Frame

    def mask(self) -> np.ndarray:
        """Return it in the picture's size, (H, W) bool."""
        return self.window().whole(self.frame.size_hw)

    def window(self) -> MaskWindow:
        """Return the part of it where anything is."""
        return self.frame.cut(self.low_res, THRESHOLD)


def find_everything(
    segmenter: Segmenter,
    embedding: Embedding,
    options: Everything | None = None,
    go_on: Callable[[float], bool] | None = None,
) -> list[Thing]:
    """Ask at every point of a grid and keep what is good, stable and different, best first.

    Args:
        segmenter: A back end with a network.
        embedding: Of the picture.
        options: What is kept.
        go_on: Called with the share that is done; False ends it with what was found so far.

    Raises:
        ModelError: The back end has no network: its scores say nothing.
    """
    options = options or Everything()
    if segmenter.identity.startswith("classic"):
        raise ModelError(
            "finding everything needs a network, and there is none.",
            remedy="Take sam_small or mobile_sam.pt; GrabCut needs a box around each object.",
        )
    size = embedding.size_hw
    points = grid(options.points_per_side, size)
    found: list[tuple[np.ndarray, float, np.ndarray, Frame]] = []
    for start in range(0, len(points), BATCH):
        if go_on is not None and not go_on(start / len(points)):
            break
        prompts = [make_prompt(size, [point]) for point in points[start : start + BATCH]]
        for candidates in segmenter.segment(embedding, prompts, True):
            for logits, score in zip(candidates.low_res, candidates.scores, strict=True):
                if score < options.score or stability(logits) < options.stability:
                    continue
                box = rough_box(logits, candidates.frame)
                if box is not None:
                    found.append((logits, float(score), box, candidates.frame))
    if not found:
        return []
    boxes = torch.from_numpy(np.stack([box for _, _, box, _ in found])).float()
    order = torch.tensor([score for _, score, _, _ in found]).sort(descending=True, stable=True)[1]
    kept = order[select(boxes[order], None, options.overlap, options.most)].tolist()
    things = [Thing(found[i][0], found[i][1], found[i][3]) for i in kept]
    if options.least_area:
        things = [t for t in things if t.window().area >= options.least_area]
    return things


def grid(points_per_side: int, size_hw: tuple[int, int]) -> np.ndarray:
    """Return the points (N, 2) of an even grid in pixels of a picture."""
    at = (np.arange(points_per_side) + 0.5) / points_per_side
    x, y = np.meshgrid(at * size_hw[1], at * size_hw[0])
    return np.stack((x.ravel(), y.ravel()), 1)


def stability(logits: np.ndarray) -> float:
    """Return how little a mask changes with the height at which it is cut, 0..1."""
    large = np.count_nonzero(logits > -_OFFSET)
    return np.count_nonzero(logits > _OFFSET) / large if large else 0.0


def rough_box(logits: np.ndarray, frame: Frame) -> np.ndarray | None:
    """Return the corners (4,) around a mask in pixels of the picture, from its rough logits; None for nothing."""
    inside = logits > 0
    rows, columns = np.flatnonzero(inside.any(1)), np.flatnonzero(inside.any(0))
    if not len(rows):
        return None
    box = np.array([columns[0], rows[0], columns[-1] + 1, rows[-1] + 1], float)
    if not frame.side:
        return box
    (height, width), (inner_h, inner_w) = frame.size_hw, frame.inner_hw
    cell = frame.side / len(logits)
    scale = np.array([width / inner_w, height / inner_h] * 2)
    return np.clip(box * cell * scale, 0, (width, height, width, height))
