"""What a small promptable network is told of a window: colours, clicks, a box, the mask before, and likeness of colours.

Likeness is what interactive cuts go by (Rother et al., GrabCut, 2004): how near a colour is to what was clicked, and
how much more often it is found inside a box, or inside the mask before, than around it.
"""

from __future__ import annotations

import cv2
import numpy as np

from engine.models.sam.prompts import INSIDE, Prompt
from engine.models.sam.windows import FAR_OUTSIDE, Window

SIZE = 96  # of a window, as the network sees it
CHANNELS = 15
_REACHES = (2.0, 12.0)  # pixels of a window from a click at which its map has fallen to 60 %
_NEAR, _WIDE = 10.0, 28.0  # of colours, in Lab
_LOGITS = 8.0  # of the mask before: more is all the same
_BINS = 12  # a colour's along each axis of Lab
_MOST = 3.0  # of a logarithm of frequencies
_DARKEST = 128.0


def make_maps(picture: np.ndarray, window: Window, prompt: Prompt) -> np.ndarray:
    """Return the maps of a window, (15, SIZE, SIZE) float32.

    Args:
        picture: (H, W, 3) uint8 RGB.
        window: The part of it that is seen.
        prompt: In pixels of the picture; its mask has the picture's size.
    """
    seen = window.cut(picture, SIZE)
    is_there = window.cut(np.ones(picture.shape[:2], np.uint8), SIZE)
    lab = cv2.cvtColor(seen.astype(np.float32) / 255, cv2.COLOR_RGB2Lab)
    at = window.to_inside(prompt.points, SIZE)
    wanted, unwanted = at[prompt.labels == INSIDE], at[prompt.labels != INSIDE]
    box = _box_map(prompt.box, window)
    before = _before(prompt.mask, window)
    bins = _bins(lab)
    shown = is_there > 0
    colours = (seen.astype(np.float32) - _DARKEST) / 64 * is_there[..., None]
    return np.stack(
        (
            *colours.transpose(2, 0, 1),
            is_there.astype(np.float32),
            *(_near(wanted, reach) for reach in _REACHES),
            *(_near(unwanted, reach) for reach in _REACHES),
            box,
            before,
            _alike(lab, wanted, _NEAR),
            _alike(lab, wanted, _WIDE),
            _alike(lab, unwanted, _NEAR),
            _more_often(bins, box > 0.5, shown),
            _more_often(bins, before > 0, shown),
        )
    ).astype(np.float32)


def _before(mask: np.ndarray | None, window: Window) -> np.ndarray:
    """Return the logits of the mask before as -1..1, 0 everywhere without one."""
    if mask is None:
        return np.zeros((SIZE, SIZE), np.float32)
    return window.cut(mask, SIZE, FAR_OUTSIDE).clip(-_LOGITS, _LOGITS) / _LOGITS


def _near(points: np.ndarray, reach: float) -> np.ndarray:
    """Return how near the nearest of some points is, 0..1."""
    out = np.zeros((SIZE, SIZE), np.float32)
    middles = np.arange(SIZE, dtype=np.float32) + 0.5
    for x, y in points:
        across = np.exp(-((middles - x) ** 2) / (2 * reach**2))
        down = np.exp(-((middles - y) ** 2) / (2 * reach**2))
        np.maximum(out, down[:, None] * across, out=out)
    return out


def _box_map(box: np.ndarray | None, window: Window) -> np.ndarray:
    """Return the share of each pixel that lies in a box, 0 everywhere without one."""
    if box is None:
        return np.zeros((SIZE, SIZE), np.float32)
    (x1, y1), (x2, y2) = window.to_inside(box.reshape(2, 2), SIZE)
    starts = np.arange(SIZE, dtype=np.float32)
    across = (np.minimum(starts + 1, x2) - np.maximum(starts, x1)).clip(0, 1)
    down = (np.minimum(starts + 1, y2) - np.maximum(starts, y1)).clip(0, 1)
    return down[:, None] * across


def _alike(lab: np.ndarray, points: np.ndarray, spread: float) -> np.ndarray:
    """Return how near each colour is to that of the nearest clicked one, 0..1."""
    out = np.zeros((SIZE, SIZE), np.float32)
    for x, y in np.floor(points).astype(int).clip(0, SIZE - 1):
        around = lab[max(y - 1, 0) : y + 2, max(x - 1, 0) : x + 2].reshape(-1, 3)
        square = ((lab - np.median(around, axis=0)) ** 2).sum(2)
        np.maximum(out, np.exp(-square / (2 * spread**2)), out=out)
    return out


def _bins(lab: np.ndarray) -> np.ndarray:
    """Return the number of each pixel's colour in a coarse table, (SIZE, SIZE)."""
    soft = cv2.blur(lab, (3, 3))
    lightness = (soft[..., 0] / 100 * _BINS).clip(0, _BINS - 1).astype(np.int32)
    hues = ((soft[..., 1:] + 80) / 160 * _BINS).clip(0, _BINS - 1).astype(np.int32)
    return (lightness * _BINS + hues[..., 0]) * _BINS + hues[..., 1]


def _more_often(bins: np.ndarray, inside: np.ndarray, shown: np.ndarray) -> np.ndarray:
    """Return how much more often each pixel's colour is found inside than around, -1..1; 0 where nothing is inside."""
    inside, around = inside & shown, shown & ~inside
    if not inside.any() or not around.any():
        return np.zeros((SIZE, SIZE), np.float32)
    least = 2.0
    counts = [np.bincount(bins[part], minlength=_BINS**3) for part in (inside, around)]
    shares = [(count + least) / (count.sum() + least * 50) for count in counts]
    told = np.log(shares[0] / shares[1]).clip(-_MOST, _MOST) / _MOST
    return told[bins].astype(np.float32)
