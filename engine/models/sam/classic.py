"""Masks without a network: GrabCut for boxes, colour and edges for clicks. Honest about what it is: a start.

Rother et al., GrabCut: Interactive Foreground Extraction using Iterated Graph Cuts, 2004.
"""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np

from engine.models.sam.frame import Frame
from engine.models.sam.prompts import INSIDE, Prompt
from engine.models.sam.segmenter import Candidates, Embedding

# Pictures are worked on at this size: time grows with the pixels, and outlines are enlarged smoothly
WORKING_SIDE = 512
GRABCUT_ROUNDS = 3
_MARGIN = 0.25  # of a box, looked at around it
_LOGIT = 4.0
# Colours this far apart (Lab) from the clicked one count as the same thing: three answers to one click
TOLERANCES = (10.0, 18.0, 30.0)
_EDGE = 60.0  # a stronger one stops the flood
_GUESS = 0.5  # nobody knows how good these masks are


class ClassicSegmenter:
    """GrabCut and a flood fill.

    Attributes:
        identity: Tells it from others.
        about: What it is.
        shares: Its embeddings are the picture made smaller: nothing to keep on disk.
        judges: Nobody knows how good its masks are.
    """

    identity = "classic-1"
    about = "no network: GrabCut for boxes, colour and edges for clicks"
    shares = False
    judges = False

    def embed(self, image: np.ndarray) -> Embedding:
        """Keep the picture, at most :data:`WORKING_SIDE` wide or high, (h, w, 3) uint8 BGR."""
        size = (image.shape[0], image.shape[1])
        scale = min(1.0, WORKING_SIDE / max(size))
        shape = max(round(size[1] * scale), 1), max(round(size[0] * scale), 1)
        small = cv2.resize(image, shape, interpolation=cv2.INTER_AREA) if scale < 1 else image
        return Embedding({"picture": np.ascontiguousarray(small[..., ::-1])}, size)

    def segment(
        self, embedding: Embedding, prompts: Sequence[Prompt], multimask: bool
    ) -> list[Candidates]:
        """Answer prompts; several candidates differ in how much the colour may."""
        picture = embedding.arrays["picture"]
        frame = Frame(embedding.size_hw, 0)
        return [self._answer(picture, prompt, frame, multimask) for prompt in prompts]

    def _answer(
        self, picture: np.ndarray, prompt: Prompt, frame: Frame, multimask: bool
    ) -> Candidates:
        scale = np.array(picture.shape[1::-1]) / np.array(frame.size_hw[::-1])
        last = np.array(picture.shape[1::-1]) - 1
        points = np.clip(np.floor(prompt.points * scale), 0, last).astype(int)
        if prompt.box is not None:
            box = (prompt.box.reshape(2, 2) * scale).reshape(-1)
            found = [cut_box(picture, box, points, prompt.labels)]
        else:
            rough = _shrink(prompt.mask, picture)
            tolerances = TOLERANCES if multimask else TOLERANCES[1:2]
            found = [flood(picture, points, prompt.labels, t, rough) for t in tolerances]
        size = (frame.size_hw[1], frame.size_hw[0])
        large = [cv2.resize(_smooth(mask), size, interpolation=cv2.INTER_LINEAR) for mask in found]
        # of several floods the middle one is as good a guess as any
        scores = [_GUESS - 0.1 * abs(i - len(large) // 2) for i in range(len(large))]
        return Candidates(np.stack(large), np.array(scores, np.float32), frame)


def cut_box(
    picture: np.ndarray, box: np.ndarray, points: np.ndarray, labels: np.ndarray
) -> np.ndarray:
    """Separate what is in a box from what is around it.

    Args:
        picture: (h, w, 3) uint8 BGR.
        box: Corners (4,) in its pixels.
        points: (N, 2) pixels that are sure.
        labels: (N,) 1 for the object, 0 for what is not.

    Returns:
        (h, w) bool.
    """
    height, width = picture.shape[:2]
    x1, y1 = np.floor(box[:2]).astype(int)
    x2, y2 = np.maximum(np.ceil(box[2:]).astype(int), (x1 + 1, y1 + 1))
    spare = max(int(max(x2 - x1, y2 - y1) * _MARGIN), 6)
    left, top = max(x1 - spare, 0), max(y1 - spare, 0)
    part = np.ascontiguousarray(picture[top : y2 + spare, left : x2 + spare])
    marks = np.full(part.shape[:2], cv2.GC_BGD, np.uint8)
    inner = marks[y1 - top : y2 - top, x1 - left : x2 - left]
    inner[:] = cv2.GC_PR_FGD
    for (x, y), label in zip(points - (left, top), labels, strict=True):
        if 0 <= x < part.shape[1] and 0 <= y < part.shape[0]:
            colour = cv2.GC_FGD if label == INSIDE else cv2.GC_BGD
            cv2.circle(marks, (int(x), int(y)), 2, colour, -1)
    out = np.zeros((height, width), bool)
    filled = out[y1:y2, x1:x2]
    if not (marks == cv2.GC_BGD).any():  # a box over the whole picture: nothing to tell it from
        filled[:] = True
        return out
    models = np.zeros((1, 65)), np.zeros((1, 65))
    cv2.setRNGSeed(0)  # its clusters begin at random
    cv2.grabCut(part, marks, (0, 0, 0, 0), *models, GRABCUT_ROUNDS, cv2.GC_INIT_WITH_MASK)
    found = np.isin(inner, (cv2.GC_FGD, cv2.GC_PR_FGD))
    filled[:] = found if found.any() else True
    return out


def flood(
    picture: np.ndarray,
    points: np.ndarray,
    labels: np.ndarray,
    tolerance: float,
    rough: np.ndarray | None = None,
) -> np.ndarray:
    """Gather what is connected to the clicks and looks like them, up to strong edges.

    Args:
        picture: (h, w, 3) uint8 BGR.
        points: (N, 2) clicked pixels.
        labels: (N,) 1 to gather from, 0 for what must not be gathered.
        tolerance: Largest distance of colours in Lab.
        rough: (h, w) bool, what a prediction before has found; taken along.

    Returns:
        (h, w) bool.
    """
    soft = cv2.bilateralFilter(picture, 5, 30, 5)
    lab = cv2.cvtColor(soft.astype(np.float32) / 255, cv2.COLOR_BGR2Lab)
    grey = lab[..., 0]
    edges = np.hypot(cv2.Sobel(grey, cv2.CV_32F, 1, 0), cv2.Sobel(grey, cv2.CV_32F, 0, 1))
    open_ground = edges < _EDGE
    wanted = _gather(lab, open_ground, points[labels == INSIDE], tolerance)
    if rough is not None:
        wanted |= rough
    unwanted = _gather(lab, open_ground, points[labels != INSIDE], tolerance * 0.6)
    wanted &= ~unwanted
    closed = cv2.morphologyEx(
        wanted.astype(np.uint8), cv2.MORPH_CLOSE, np.ones((3, 3), np.uint8), iterations=2
    )
    return (closed > 0) & ~unwanted


def _gather(
    lab: np.ndarray, open_ground: np.ndarray, seeds: np.ndarray, tolerance: float
) -> np.ndarray:
    found = np.zeros(open_ground.shape, bool)
    for x, y in seeds:
        around = lab[max(y - 2, 0) : y + 3, max(x - 2, 0) : x + 3].reshape(-1, 3)
        near = np.linalg.norm(lab - np.median(around, axis=0), axis=2) < tolerance
        ground = near & open_ground
        ground[max(y - 1, 0) : y + 2, max(x - 1, 0) : x + 2] = True
        parts = cv2.connectedComponents(ground.astype(np.uint8), connectivity=4)[1]
        part = (parts == parts[y, x]).astype(np.uint8)
        # what is flooded ends before the edge that stopped it
        found |= (cv2.dilate(part, np.ones((3, 3), np.uint8), iterations=2) > 0) & (
            near | (part > 0)
        )
    return found


def _smooth(mask: np.ndarray) -> np.ndarray:
    """Return a mask as logits whose zero runs along a smooth outline, (h, w) float32."""
    return cv2.GaussianBlur(np.where(mask, _LOGIT, -_LOGIT).astype(np.float32), (0, 0), 0.8)


def _shrink(mask: np.ndarray | None, picture: np.ndarray) -> np.ndarray | None:
    if mask is None:
        return None
    return cv2.resize(mask, picture.shape[1::-1], interpolation=cv2.INTER_LINEAR) > 0


def open_classic(_weights: str, _device: object = None) -> ClassicSegmenter:
    """Return the back end that needs no weights, for the table of back ends."""
    return ClassicSegmenter()
