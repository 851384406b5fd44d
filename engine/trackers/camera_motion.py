"""How the camera moved between two frames, found from the background."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import numpy as np

from engine.runtime.log import LOGGER

_LONGEST_SIDE = 640  # frames are looked at no larger: the background needs no detail
_FEW = 4  # points that a motion needs
_STEPS, _CLOSE, _BLUR = 100, 1e-5, 5  # of the iteration of ecc

Affine = np.ndarray
View = tuple[np.ndarray, np.ndarray]  # a grey frame, and where its background is


class CameraMotion:
    """Gives the motion from frame to frame as (2, 3) matrices in pixels.

    Args:
        method: ``sparseOptFlow`` follows corners (Lucas and Kanade); ``orb`` and ``sift`` match features;
            ``ecc`` aligns the whole picture (Evangelidis and Psarakis, 2008); ``none`` says it stood still.
    """

    def __init__(self, method: str) -> None:
        self.method = method
        self._last: View | None = None

    def reset(self) -> None:
        """Forget the last frame."""
        self._last = None

    def __call__(self, frame: np.ndarray, boxes: np.ndarray) -> Affine:
        """Return the motion since the last frame; the first one stands still.

        Args:
            frame: (H, W, C) uint8.
            boxes: (N, 4) corners of objects, whose own motion shall not count.
        """
        if self.method == "none":
            return _still()
        grey, scale = _small_grey(frame)
        view = (grey, _background(grey.shape, boxes * scale))
        last, self._last = self._last, view
        if last is None or last[0].shape != grey.shape:
            return _still()
        found = _FINDERS[self.method](last, view)
        if found is None:
            LOGGER.debug("No camera motion was found; it counts as standing still.")
            return _still()
        found = found.astype(np.float64)
        found[:, 2] /= scale
        return found


def _still() -> Affine:
    return np.eye(2, 3)


def _small_grey(frame: np.ndarray) -> tuple[np.ndarray, float]:
    import cv2

    grey = frame if frame.shape[2] == 1 else cv2.cvtColor(frame[..., :3], cv2.COLOR_BGR2GRAY)
    grey = grey.reshape(grey.shape[:2])
    scale = min(1.0, _LONGEST_SIDE / max(grey.shape))
    if scale < 1:
        grey = cv2.resize(grey, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    return np.ascontiguousarray(grey), scale


def _background(shape: tuple[int, ...], boxes: np.ndarray) -> np.ndarray:
    mask = np.full(shape, 255, np.uint8)
    for x1, y1, x2, y2 in np.clip(boxes, 0, None).astype(int):
        mask[y1 : y2 + 1, x1 : x2 + 1] = 0
    return mask


def _by_flow(last: View, now: View) -> Affine | None:
    import cv2

    corners = cv2.goodFeaturesToTrack(last[0], 1000, 0.01, 1, mask=last[1], blockSize=3)
    if corners is None or len(corners) < _FEW:
        return None
    after = np.zeros_like(corners)
    moved, found, _ = cv2.calcOpticalFlowPyrLK(last[0], now[0], corners, after)
    kept = found.ravel() == 1
    return _affine(corners[kept], moved[kept])


def _by_features(method: str, last: View, now: View) -> Affine | None:
    import cv2

    finder = cv2.ORB.create(1000) if method == "orb" else cv2.SIFT.create(1000)
    norm = cv2.NORM_HAMMING if method == "orb" else cv2.NORM_L2
    first, described = finder.detectAndCompute(*last)
    second, also = finder.detectAndCompute(*now)
    if described is None or also is None or min(len(first), len(second)) < _FEW:
        return None
    matches = cv2.BFMatcher(norm, crossCheck=True).match(described, also)
    return _affine(
        np.array([first[m.queryIdx].pt for m in matches], np.float32),
        np.array([second[m.trainIdx].pt for m in matches], np.float32),
    )


def _affine(before: np.ndarray, after: np.ndarray) -> Affine | None:
    """Return rotation, scale and shift that most points agree on (RANSAC)."""
    import cv2

    if len(before) < _FEW:
        return None
    return cv2.estimateAffinePartial2D(before, after, method=cv2.RANSAC)[0]


def _by_whole(last: View, now: View) -> Affine | None:
    import cv2

    until = (cv2.TERM_CRITERIA_EPS | cv2.TERM_CRITERIA_COUNT, _STEPS, _CLOSE)
    start = np.eye(2, 3, dtype=np.float32)
    try:
        return cv2.findTransformECC(
            last[0], now[0], start, cv2.MOTION_EUCLIDEAN, until, now[1], _BLUR
        )[1]
    except cv2.error:
        return None  # it does not converge on pictures without texture


_FINDERS: dict[str, Callable[[View, View], Affine | None]] = {
    "sparseOptFlow": _by_flow,
    "orb": partial(_by_features, "orb"),
    "sift": partial(_by_features, "sift"),
    "ecc": _by_whole,
}
