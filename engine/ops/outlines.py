"""Outlines of masks, holes too, with few points and at once: for drawing, and for shapes that people go on with.

Loads no torch. Where every pixel counts there is :func:`engine.data.annotations.contours.mask_to_rings`.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

# Of an outline's mean width this share may be lost: 0.02 keeps the IoU above 0.99
_SHARE = 0.02
_LARGEST_TOLERANCE_PX = 1.5


@dataclass(frozen=True)
class Outline:
    """One part of a mask.

    Attributes:
        exterior: (k, 2) float64 x, y in pixels, origin at the top-left corner of the top-left pixel.
        holes: The same for each hole.
        area: Of the exterior without the holes, in square pixels.
    """

    exterior: np.ndarray
    holes: tuple[np.ndarray, ...]
    area: float


def trace_outlines(
    mask: np.ndarray,
    tolerance: float | None = None,
    least_part: float = 0.0,
    corner: tuple[int, int] = (0, 0),
) -> list[Outline]:
    """Trace a mask, largest part first.

    Args:
        mask: (H, W), not zero inside.
        tolerance: Pixels that an outline may leave the mask's border by, for fewer points; 0 keeps all. None
            takes as much as leaves the IoU with the mask above 0.99, which is little for small objects.
        least_part: Parts and holes smaller than this share of the mask are left out.
        corner: x and y of its top-left pixel, where it is a part of a picture.

    Raises:
        ValueError: The tolerance is negative.
    """
    if tolerance is not None and not 0 <= tolerance < np.inf:
        raise ValueError(f"expected a tolerance of 0 or more pixels, received {tolerance}")
    binary, inside = _window(mask)
    if binary is None:
        return []
    shift = inside + corner
    rings, tree = cv2.findContours(binary, cv2.RETR_CCOMP, cv2.CHAIN_APPROX_SIMPLE)
    areas = [abs(cv2.contourArea(ring)) for ring in rings]
    total = float(cv2.countNonZero(binary))
    if tolerance is None:
        tolerance = _tolerance(total, sum(cv2.arcLength(ring, True) for ring in rings))
    kept = {i for i, area in enumerate(areas) if area >= least_part * total}
    holes: dict[int, list[np.ndarray]] = {}
    traced = {i: _border(rings[i][:, 0], tolerance) + shift for i in kept}
    for i in kept:
        parent = int(tree[0, i, 3])
        if parent >= 0:
            holes.setdefault(parent, []).append(traced[i])
    found = [_outline(traced[i], holes.get(i, [])) for i in kept if tree[0, i, 3] < 0]
    return sorted(found, key=lambda outline: -outline.area)


def _window(mask: np.ndarray) -> tuple[np.ndarray | None, np.ndarray]:
    """Return the part of a mask that has something in it, uint8, and its top-left corner; None for nothing."""
    inside = np.ascontiguousarray(mask)
    inside = inside if inside.dtype in (np.bool_, np.uint8) else inside != 0
    binary = inside.view(np.uint8)
    x, y, width, height = cv2.boundingRect(binary) if binary.size else (0, 0, 0, 0)
    if not width:
        return None, np.zeros(2)
    return np.ascontiguousarray(binary[y : y + height, x : x + width]), np.array([x, y], float)


def _tolerance(area: float, length: float) -> float:
    """Return what may be lost along a border of ``length`` pixels around ``area`` of them."""
    return min(_SHARE * area / max(length, 1), _LARGEST_TOLERANCE_PX)


def outer_border(ring: np.ndarray) -> np.ndarray:
    """Push a contour through pixel centres (k, 2) int out to the pixels' border, (m, 2) float32.

    Steps of a contour go in eight directions, each as long as it is straight. Straight ones move out by half a pixel,
    diagonal ones by half of that in x and in y, which halves the teeth of the staircase they stand for. Where the
    outline turns back on itself (a line one pixel wide) the end gets its two corners. Around a hole the same rule
    moves the contour into the hole: OpenCV walks there with the object at the same hand.
    """
    centre = ring.astype(np.float32) + np.float32(0.5)
    if len(ring) == 1:
        corner = np.array([[-0.5, -0.5], [0.5, -0.5], [0.5, 0.5], [-0.5, 0.5]], dtype=np.float32)
        return centre + corner
    following = np.concatenate((ring[1:], ring[:1]))
    leave = np.sign(following - ring).astype(np.float32)  # direction of the edge after each point
    # OpenCV runs outer contours counter-clockwise on screen: outside is at the right hand of (dx, dy),
    # which with y down is (-dy, dx).
    normal = np.stack((-leave[:, 1], leave[:, 0]), 1)
    normal *= np.where(np.abs(normal).sum(1, keepdims=True) == 2, 0.25, 0.5).astype(np.float32)
    before = np.concatenate((normal[-1:], normal[:-1]))
    # The corner is where the two moved edges meet; on a straight run both are the same line.
    arrive = np.concatenate((leave[-1:], leave[:-1]))
    gap = normal - before
    turn = arrive[:, 0] * leave[:, 1] - arrive[:, 1] * leave[:, 0]
    meets = np.abs(turn) > 0
    ahead = np.divide(
        gap[:, 0] * leave[:, 1] - gap[:, 1] * leave[:, 0],
        turn,
        out=np.zeros_like(turn),
        where=meets,
    )
    corner = centre + before + ahead[:, None] * arrive
    back = (~meets) & ((arrive * leave).sum(1) < 0)
    if not back.any():
        return corner
    first, second = centre + before + arrive * 0.5, centre + normal + arrive * 0.5
    doubled = np.repeat(np.where(back[:, None], first, corner), 1 + back, axis=0)
    doubled[np.flatnonzero(back) + np.arange(1, np.count_nonzero(back) + 1)] = second[back]
    return doubled


def _border(ring: np.ndarray, tolerance: float) -> np.ndarray:
    """Return a contour through pixel centres (k, 2) as the pixels' border, simplified, (m, 2) float64."""
    points = outer_border(ring)
    if tolerance > 0:
        simple = cv2.approxPolyDP(points[:, None], tolerance, closed=True)[:, 0]
        if len(simple) >= 3:
            points = simple
    return points.astype(np.float64)


def _outline(exterior: np.ndarray, holes: list[np.ndarray]) -> Outline:
    area = _area(exterior) - sum(map(_area, holes))
    return Outline(exterior, tuple(holes), max(area, 0.0))


def _area(ring: np.ndarray) -> float:
    return abs(cv2.contourArea(ring.astype(np.float32)))
