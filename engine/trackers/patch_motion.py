"""How a patch moved: corners followed there and back, and the turn, growth and shift on which most of them agree.

Lucas and Kanade, An iterative image registration technique, 1981; Kalal et al., Forward-backward error: automatic
detection of tracking failures, 2010. Loads no torch.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from engine.trackers.patches import chained

_FEW = 4  # points that tell turn and growth; fewer tell a shift at most
_CORNERS = 80
_BACK_PX = 1.0  # a point that does not come back this near was lost
_AGREE_PX = 1.5
_WINDOW = (21, 21)
_LARGEST_TURN_RAD = 0.6
_LARGEST_GROWTH = 1.35


@dataclass(frozen=True)
class PatchMotion:
    """A motion (2, 3) from the first patch's pixels to the second's, and the share of the corners that agree on it."""

    matrix: np.ndarray
    support: float


def corners_in(grey: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """Return up to 80 places (N, 2) float32 that can be followed, inside a mask."""
    side = max(int(np.sqrt(max(cv2.countNonZero(mask), 1) / _CORNERS)), 2)
    found = cv2.goodFeaturesToTrack(grey, _CORNERS, 0.01, side, mask=mask, blockSize=5)
    return np.zeros((0, 2), np.float32) if found is None else found.reshape(-1, 2)


def patch_motion(
    first: np.ndarray, second: np.ndarray, corners: np.ndarray, levels: int
) -> PatchMotion | None:
    """Return the motion between two grey patches of one size, None where it cannot be told.

    Args:
        first: (h, w) uint8.
        second: The same.
        corners: (N, 2) places in the first.
        levels: Halvings of the patches: each doubles how far a corner may move.
    """
    if len(corners) < _FEW:
        return None
    points = corners.reshape(-1, 1, 2)
    there, found = _followed(first, second, points, levels)
    back, returned = _followed(second, first, there, levels)
    error = np.hypot(*(back - points).reshape(-1, 2).T)
    kept = found & returned & (error < _BACK_PX)
    if kept.sum() < _FEW:
        return None
    start, end = points[kept].reshape(-1, 2), there[kept].reshape(-1, 2)
    matrix, agree = cv2.estimateAffinePartial2D(
        start, end, method=cv2.RANSAC, ransacReprojThreshold=_AGREE_PX
    )
    if matrix is None or not _is_likely(matrix):
        return None
    return PatchMotion(matrix, float(agree.sum()) / len(corners))


def searched(patch: np.ndarray, core: np.ndarray, wide: np.ndarray) -> np.ndarray | None:
    """Return the shift (2, 3) that brings the core of a patch onto a wider one with the same middle; None without contrast.

    Args:
        patch: (h, w) uint8.
        core: (h, w) uint8, not zero for the object: the rectangle around it is looked for.
        wide: (H, W) uint8, at least as large as the patch, its middle at the same place.
    """
    x, y, width, height = cv2.boundingRect(core)
    cutout = patch[y : y + height, x : x + width]
    if not cutout.size or cutout.std() < 2:
        return None
    scores = cv2.matchTemplate(wide, cutout, cv2.TM_CCOEFF_NORMED)
    _, best, _, (left, top) = cv2.minMaxLoc(scores)
    if not np.isfinite(best):
        return None
    margin_x, margin_y = (wide.shape[1] - patch.shape[1]) / 2, (wide.shape[0] - patch.shape[0]) / 2
    return np.array([[1.0, 0.0, left - margin_x - x], [0.0, 1.0, top - margin_y - y]])


def refined(
    reference: np.ndarray, now: np.ndarray, corners: np.ndarray, matrix: np.ndarray
) -> tuple[np.ndarray, float]:
    """Return a motion to the frame made better by what is left between the reference and the patch cut by it, and its support."""
    rest = patch_motion(reference, now, corners, 1)
    return (matrix, 0.0) if rest is None else (chained(matrix, rest.matrix), rest.support)


def _followed(
    first: np.ndarray, second: np.ndarray, points: np.ndarray, levels: int
) -> tuple[np.ndarray, np.ndarray]:
    moved, found, _ = cv2.calcOpticalFlowPyrLK(
        first, second, points, np.zeros_like(points), winSize=_WINDOW, maxLevel=levels
    )
    return moved, found.ravel() == 1


def _is_likely(matrix: np.ndarray) -> bool:
    """Tell whether a thing can turn and grow so much from one frame to the next."""
    growth = float(np.hypot(matrix[0, 0], matrix[1, 0]))
    turn = abs(float(np.arctan2(matrix[1, 0], matrix[0, 0])))
    return 1 / _LARGEST_GROWTH < growth < _LARGEST_GROWTH and turn < _LARGEST_TURN_RAD
