"""The small network that comes with the program: it looks at windows around what was pointed at, not at whole pictures.

A click alone does not say how large its object is. So windows of several sizes around it are looked at first; what
looks best there is then looked at again in a window of its own size (Sofiiuk et al. 2020, f-BRS, call it zoom-in).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch

from engine.models.sam.click_maps import CHANNELS, SIZE, make_maps
from engine.models.sam.frame import Frame
from engine.models.sam.prompts import INSIDE, Prompt
from engine.models.sam.segmenter import Candidates, Embedding
from engine.models.sam.weights import SMALL_FILE, file_digest, read_small
from engine.models.sam.windows import FAR_OUTSIDE, Window, kept_within, window_around
from engine.nn.modules.click_net import ClickNet
from engine.runtime.device import select_device, tune_cpu
from engine.runtime.errors import ConfigError

# Pictures are worked on at this size at most: windows are seen at 128 pixels anyway
WORKING_SIDE = 1024
ROOM = 1.5  # side of a window as a multiple of what it is around
_STEPS = (1.0, 0.5, 0.25, 0.125)  # of the picture's longer side: windows around a click
_SMALLEST = 48  # pixels of the smallest of them
_CANDIDATES = 3
_SAME = 0.85  # IoU from which on two candidates are one


class SmallSegmenter:
    """Answers prompts from windows of the picture.

    Attributes:
        identity: Name and a digest of the weights.
        about: What it is.
        shares: Its embeddings are the picture made smaller: nothing to keep on disk.
        judges: Its scores say how good masks are.
        network: The module, in eval mode, batch normalisations folded.
        device: Where it runs.
    """

    shares = False
    judges = True

    def __init__(
        self, network: ClickNet, identity: str, device: torch.device | str = "cpu"
    ) -> None:
        """Take a network; it is made ready for inference in place."""
        self.identity, self.device = identity, torch.device(device)
        self.about = f"{network.name} on {device}"
        network.eval().fold()
        if self.device.type == "cpu":
            tune_cpu()
        self.network = network.to(self.device).requires_grad_(False)

    @classmethod
    def open(cls, weights: str | Path, device: object = None) -> SmallSegmenter:
        """Read the weights that come with the program, or those of a file.

        Raises:
            CheckpointError: They are of another architecture, damaged or hostile.
            MissingCheckpointError: They are not here.
        """
        path = SMALL_FILE if str(weights) in (ClickNet.name, SMALL_FILE.name) else Path(weights)
        network = read_small(path, ClickNet(CHANNELS))
        return cls(network, f"{network.name}-{file_digest(path)}", select_device(device))

    def embed(self, image: np.ndarray) -> Embedding:
        """Keep the picture (H, W, 3) uint8 RGB, at most :data:`WORKING_SIDE` wide or high."""
        frame = _frame((image.shape[0], image.shape[1]))
        return Embedding({"picture": np.ascontiguousarray(frame.shrink(image))}, frame.size_hw)

    def segment(
        self, embedding: Embedding, prompts: Sequence[Prompt], multimask: bool
    ) -> list[Candidates]:
        """Answer prompts, see `Segmenter.segment`."""
        frame = _frame(embedding.size_hw)
        picture = embedding.arrays["picture"]
        return [
            self._answer(picture, _within(prompt, frame), frame, multimask) for prompt in prompts
        ]

    def _answer(
        self, picture: np.ndarray, prompt: Prompt, frame: Frame, multimask: bool
    ) -> Candidates:
        if prompt.box is not None or prompt.mask is not None:
            found, scores = self._clear(picture, prompt, multimask)
        else:
            found, scores = self._looked_for(picture, prompt, multimask)
        square = np.full((len(found), frame.side, frame.side), FAR_OUTSIDE, np.float32)
        square[:, : picture.shape[0], : picture.shape[1]] = found
        return Candidates(square, scores, frame)

    def _clear(
        self, picture: np.ndarray, prompt: Prompt, multimask: bool
    ) -> tuple[np.ndarray, np.ndarray]:
        """Answer a prompt that says how large its object is: one window is enough."""
        window = window_of(prompt, picture.shape)
        logits, scores = self._look(picture, [window], [prompt])
        rows = range(4 if multimask else 1)
        masks = [window.put_back(logits[0, row], *picture.shape[:2]) for row in rows]
        return _different(masks, scores[0, : len(masks)])

    def _looked_for(
        self, picture: np.ndarray, prompt: Prompt, multimask: bool
    ) -> tuple[np.ndarray, np.ndarray]:
        """Answer clicks: windows of several sizes, then a closer look at what is best."""
        height, width = picture.shape[:2]
        windows = windows_around(prompt, height, width)
        logits, scores = self._look(picture, windows, [prompt] * len(windows))
        first = 1 if len(prompt.points) == 1 else 0
        masks, told = [], []
        for window, rows, values in zip(windows, logits, scores, strict=True):
            for row in range(first, 4 if first else 1):
                masks.append(window.put_back(rows[row], height, width))
                told.append(values[row])
        rough, _ = _different(masks, np.array(told))
        closer = [replace(prompt, mask=mask) for mask in rough]
        windows = [window_of(again, picture.shape) for again in closer]
        logits, scores = self._look(picture, windows, closer)
        masks = [
            window.put_back(rows[0], height, width)
            for window, rows in zip(windows, logits, strict=True)
        ]
        found, values = _different(masks, scores[:, 0])
        count = len(found) if multimask else 1
        return found[:count], values[:count]

    @torch.inference_mode()
    def _look(
        self, picture: np.ndarray, windows: Sequence[Window], prompts: Sequence[Prompt]
    ) -> tuple[np.ndarray, np.ndarray]:
        """Return logits (B, 4, SIZE, SIZE) and scores (B, 4) of windows."""
        maps = [make_maps(picture, w, prompt) for w, prompt in zip(windows, prompts, strict=True)]
        x = torch.from_numpy(np.stack(maps)).to(self.device, memory_format=torch.channels_last)
        logits, scores = self.network(x)
        return logits.float().cpu().numpy(), scores.float().cpu().numpy().clip(0, 1)


def windows_around(prompt: Prompt, height: int, width: int) -> list[Window]:
    """Return windows of several sizes around the clicks of a prompt, the whole picture first."""
    inside = prompt.points[prompt.labels == INSIDE]
    points = inside if len(inside) else prompt.points
    low, high = points.min(0), points.max(0)
    least = max(_SMALLEST, int(ROOM * (high - low).max()))
    longest = max(height, width)
    sides = sorted({max(int(longest * step), min(least, longest)) for step in _STEPS}, reverse=True)
    middle = np.concatenate((low, high))
    return [kept_within(window_around(middle, 0, side), height, width) for side in sides]


def window_of(prompt: Prompt, shape: tuple[int, ...]) -> Window:
    """Return the window around what a prompt's box or mask covers, and its clicks."""
    corners = [np.concatenate((p, p)) for p in prompt.points]
    if prompt.box is not None:
        corners.append(prompt.box)
    elif prompt.mask is not None:
        rows = np.flatnonzero((prompt.mask > 0).any(1))
        columns = np.flatnonzero((prompt.mask > 0).any(0))
        if len(rows):
            corners.append(np.array([columns[0], rows[0], columns[-1] + 1, rows[-1] + 1]))
    if not corners:
        return kept_within(Window(0, 0, max(shape[:2])), shape[0], shape[1])
    all_corners = np.stack(corners)
    box = np.concatenate((all_corners[:, :2].min(0), all_corners[:, 2:].max(0)))
    return window_around(box, ROOM, SIZE // 4)


def _different(masks: Sequence[np.ndarray], scores: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return at most three masks that differ, (C, H, W), and their scores, best first."""
    kept: list[int] = []
    for number in np.argsort(-scores, kind="stable"):
        alike = (_overlap(masks[number], masks[other]) > _SAME for other in kept)
        if (masks[number] > 0).any() and not any(alike):
            kept.append(int(number))
        if len(kept) == _CANDIDATES:
            break
    kept = kept or [int(scores.argmax())]
    return np.stack([masks[n] for n in kept]), scores[kept].astype(np.float32)


def _overlap(a: np.ndarray, b: np.ndarray) -> float:
    """Return the IoU of two masks given as logits."""
    first, second = a > 0, b > 0
    return int(np.count_nonzero(first & second)) / (int(np.count_nonzero(first | second)) or 1)


def _frame(size_hw: tuple[int, int]) -> Frame:
    return Frame(size_hw, min(max(size_hw), WORKING_SIDE))


def _within(prompt: Prompt, frame: Frame) -> Prompt:
    """Return a prompt in pixels of the picture that is worked on."""
    box = None if prompt.box is None else frame.to_square(prompt.box.reshape(2, 2)).reshape(-1)
    mask = prompt.mask
    if mask is not None:
        side = frame.side
        if mask.shape != (side, side):
            raise ConfigError(
                f"expected a rough mask of {side} x {side} logits, received {mask.shape}.",
                remedy="Give low_res of a prediction with the same model.",
            )
        height, width = frame.inner_hw
        mask = mask[:height, :width]
    return replace(prompt, points=frame.to_square(prompt.points), box=box, mask=mask)
