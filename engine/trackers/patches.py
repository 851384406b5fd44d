"""A small picture of one object, cut out of frames by a motion, and how alike two of them are. Loads no torch."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

LONGEST = 192  # pixels of a patch: what lies in it is followed no finer, and in a few milliseconds
_MARGIN = 0.5  # around the object, in lengths of its longer side
_LEAST_MARGIN = 16.0  # frame pixels
_LARGEST_GAIN = 6.0  # weak contrast is raised by no more than this: the rest is noise
_SPREAD = 45.0  # grey levels that one standard deviation of the object's colours becomes
_HALF = np.array([[0, 0, 0.5], [0, 0, 0.5]])  # from pixel centres at whole numbers to pixel corners

Bounds = tuple[float, float, float, float]


@dataclass(frozen=True)
class Tint:
    """Turns colours into the one grey in which an object shows best: along the axis on which its colours differ most.

    Red on green of the same brightness would be invisible in the usual grey.

    Attributes:
        mean: (3,) colour that becomes the middle grey.
        axis: (3,) direction, its length is the gain.
    """

    mean: np.ndarray
    axis: np.ndarray

    def __call__(self, picture: np.ndarray) -> np.ndarray:
        """Return (H, W) uint8 of (H, W, 3) uint8."""
        values = picture.reshape(-1, 3).astype(np.float32) @ self.axis.astype(np.float32)
        grey = values - float(self.mean @ self.axis) + 128
        return np.clip(grey, 0, 255).astype(np.uint8).reshape(picture.shape[:2])


def tint_of(picture: np.ndarray, mask: np.ndarray) -> Tint:
    """Return the tint for the pixels of a patch, (h, w, 3) uint8, that are not zero in ``mask``."""
    colours = picture[mask > 0].astype(np.float64)
    mean = colours.mean(0)
    values, axes = np.linalg.eigh(np.cov(colours.T) + np.eye(3) * 1e-6)
    gain = min(_SPREAD / max(float(np.sqrt(max(values[-1], 0.0))), 1e-6), _LARGEST_GAIN)
    return Tint(mean, axes[:, -1] * gain)


def frame_of_patch(bounds: Bounds) -> tuple[np.ndarray, tuple[int, int]]:
    """Return where the patch around an object lies.

    Args:
        bounds: Of the object, frame pixels.

    Returns:
        (2, 3) from pixels of the patch to pixels of the frame, both as OpenCV counts them (centres at whole numbers),
        and the width and height of the patch.
    """
    x1, y1, x2, y2 = bounds
    margin = max(_MARGIN * max(x2 - x1, y2 - y1), _LEAST_MARGIN)
    left, top = x1 - margin, y1 - margin
    width, height = x2 - x1 + 2 * margin, y2 - y1 + 2 * margin
    scale = max(max(width, height) / LONGEST, 0.25)  # frame pixels a patch pixel
    size = max(round(width / scale), 8), max(round(height / scale), 8)
    origin = left + scale / 2 - 0.5, top + scale / 2 - 0.5
    return np.array([[scale, 0, origin[0]], [0, scale, origin[1]]]), size


def cut(picture: np.ndarray, matrix: np.ndarray, size_wh: tuple[int, int]) -> np.ndarray:
    """Return the patch (h, w[, 3]) that ``matrix`` (2, 3), from patch to picture, cuts out; grey where there is no picture."""
    scale = float(np.sqrt(abs(np.linalg.det(matrix[:, :2]))))
    if scale > 2:  # every pixel shall count: only some are read otherwise
        factor = 2 / scale
        width, height = (max(round(side * factor), 1) for side in picture.shape[1::-1])
        factors = np.diag((width / picture.shape[1], height / picture.shape[0]))
        picture = cv2.resize(picture, (width, height), interpolation=cv2.INTER_AREA)
        matrix = factors @ (matrix + _HALF) - _HALF
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    middle = (128, 128, 128)
    return cv2.warpAffine(
        picture, matrix, size_wh, flags=flags, borderMode=cv2.BORDER_CONSTANT, borderValue=middle
    )


def part_inside(shape: tuple[int, ...], matrix: np.ndarray, size_wh: tuple[int, int]) -> np.ndarray:
    """Return where a patch lies in a picture of a shape (H, W, ...), (h, w) bool."""
    columns, rows = np.meshgrid(np.arange(size_wh[0]), np.arange(size_wh[1]))
    x = matrix[0, 0] * columns + matrix[0, 1] * rows + matrix[0, 2]
    y = matrix[1, 0] * columns + matrix[1, 1] * rows + matrix[1, 2]
    return (x >= 0) & (y >= 0) & (x <= shape[1] - 1) & (y <= shape[0] - 1)


def likeness(first: np.ndarray, second: np.ndarray, weights: np.ndarray) -> float:
    """Return the correlation of two grey patches where ``weights`` is not zero, -1..1; 0 where there is nothing to compare."""
    inside = weights > 0
    a, b = (patch[inside].astype(np.float64) for patch in (first, second))
    a, b = a - a.mean(), b - b.mean()
    spread = float(np.sqrt((a * a).mean() * (b * b).mean()))
    return float((a * b).mean() / spread) if spread > 1.0 else 0.0


def chained(outer: np.ndarray, inner: np.ndarray) -> np.ndarray:
    """Return the (2, 3) matrix that first does ``inner``, then ``outer``."""
    return (_square(outer) @ _square(inner))[:2]


def inverted(matrix: np.ndarray) -> np.ndarray:
    """Return the (2, 3) matrix that takes ``matrix`` back."""
    return np.linalg.inv(_square(matrix))[:2]


def _square(matrix: np.ndarray) -> np.ndarray:
    return np.vstack((matrix, (0.0, 0.0, 1.0)))
