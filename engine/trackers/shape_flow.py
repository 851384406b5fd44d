"""Following shapes from frame to frame without a model: what moves as one, turns and grows is followed, until it is lost.

Each object is looked at in a patch of its own that moves, turns and grows with it, so that a frame is always compared
with the picture of the object as it was marked: errors do not add up. Loads no torch.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from engine.data.annotations import Geometry, Keypoints, Polyline, Tag, to_mask
from engine.data.annotations.moved import moved
from engine.trackers.patch_motion import corners_in, patch_motion, refined, searched
from engine.trackers.patches import (
    Tint,
    chained,
    cut,
    frame_of_patch,
    inverted,
    likeness,
    part_inside,
    tint_of,
)

LEAST_CONFIDENCE = 0.5
_SURE = 0.75  # less sure than this, it is searched further away too
_RENEW = 0.8  # as alike as this, the object's present look becomes what it is compared with
_RENEW_AFTER = 6  # frames: seldom, because each time a little error stays
_RING = 0.12  # of the patch: the border around the object that is looked at, which tells its place
_WIDE = 2  # a lost object is searched in a patch this many times as wide
_LEAST_INSIDE = 0.3  # share of the object that must be in the picture


@dataclass(frozen=True)
class FlowStep:
    """Where a shape is in the next frame.

    Attributes:
        geometry: The shape, pixels; it may reach beyond the frame.
        confidence: 0..1: how alike it looks, times 0.5 to 1 for how many of its corners moved together.
    """

    geometry: Geometry
    confidence: float


class ShapeFlow:
    """Follows shapes through the frames of one video.

    Args:
        frame: (H, W, 3) uint8 BGR, on which the shapes are marked.
        geometries: The shapes, pixels; a tag has no place and is never found again.
        least_confidence: Below this a shape counts as lost, 0..1.

    Examples:
        >>> flow = ShapeFlow(frames[0], [Box(10, 20, 60, 80)])
        >>> for frame in frames[1:]:
        ...     (step,) = flow.step(frame)
    """

    def __init__(
        self,
        frame: np.ndarray,
        geometries: Sequence[Geometry],
        least_confidence: float = LEAST_CONFIDENCE,
    ) -> None:
        self._least = least_confidence
        self._targets = [Target.of(frame, geometry) for geometry in geometries]

    @property
    def is_lost(self) -> bool:
        """Whether nothing is left to follow."""
        return not any(self._targets)

    def step(self, frame: np.ndarray) -> list[FlowStep | None]:
        """Look at the next frame, (H, W, 3) uint8 BGR.

        Returns:
            For each shape where it is; None for one that is lost, now or before.
        """
        steps: list[FlowStep | None] = []
        for place, target in enumerate(self._targets):
            step = None if target is None else target.step(frame)
            if step is not None and step.confidence < self._least:
                step = None
            if step is None:
                self._targets[place] = None
            steps.append(step)
        return steps


@dataclass
class Target:
    """One object: its look in a patch of its own, and where that patch lies now.

    Attributes:
        geometry: As it was marked.
        tint: How colours become grey.
        size_wh: Of the patch.
        core: (h, w) uint8, the object in the patch.
        ring: The same with a border around it.
        marked_at: (2, 3) from the patch to the frame in which it was marked.
        at: The same for the last frame.
        shift: How it moved in the last frame, pixels.
        reference: (h, w) uint8, its look that counts.
        last: Its look in the last frame.
        age: Frames since the reference was taken.
    """

    geometry: Geometry
    tint: Tint
    size_wh: tuple[int, int]
    core: np.ndarray
    ring: np.ndarray
    marked_at: np.ndarray
    at: np.ndarray
    shift: np.ndarray
    reference: np.ndarray
    last: np.ndarray
    corners: np.ndarray
    age: int = 0

    @classmethod
    def of(cls, frame: np.ndarray, geometry: Geometry) -> Target | None:
        """Look at an object; None where there is nothing to follow."""
        if isinstance(geometry, Tag):
            return None
        at, size = frame_of_patch(geometry.bounds())
        picture = cut(frame, at, size)
        core = _mask_of(geometry, at, size)
        side = max(round(_RING * max(size)), 2)
        ring = cv2.dilate(core, cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (side, side)))
        tint = tint_of(picture, ring)
        grey = tint(picture)
        corners = corners_in(grey, cv2.dilate(core, np.ones((5, 5), np.uint8)))
        return cls(geometry, tint, size, core, ring, at, at, np.zeros(2), grey, grey, corners)

    def step(self, frame: np.ndarray) -> FlowStep | None:
        """Find the object in the next frame; None where it has left the picture."""
        guess = self.at + np.column_stack((np.zeros((2, 2)), self.shift))
        at, confidence = self._from(frame, guess)
        if confidence < _SURE and (guess := self._search(frame)) is not None:
            at, confidence = max((at, confidence), self._from(frame, guess), key=lambda f: f[1])
        now = self._look(frame, at)
        self.shift = _middle(at, self.size_wh) - _middle(self.at, self.size_wh)
        self.at, self.last, self.age = at, now, self.age + 1
        if self.age >= _RENEW_AFTER and likeness(self.reference, now, self.ring) > _RENEW:
            self.reference, self.age = now, 0
            self.corners = corners_in(now, cv2.dilate(self.core, np.ones((5, 5), np.uint8)))
        geometry = moved(self.geometry, _in_pixels(chained(at, inverted(self.marked_at))))
        inside = _share_inside(geometry, frame.shape)
        return FlowStep(geometry, confidence) if inside >= _LEAST_INSIDE else None

    def _from(self, frame: np.ndarray, guess: np.ndarray) -> tuple[np.ndarray, float]:
        """Return where the patch lies, beginning at a guess, and how sure that is."""
        coarse = patch_motion(self.last, self._look(frame, guess), self.corners, 3)
        at = guess if coarse is None else chained(guess, coarse.matrix)
        at, support = refined(self.reference, self._look(frame, at), self.corners, at)
        support = max(support, 0.0 if coarse is None else coarse.support)
        # Of an object that leaves the picture only what is still there is compared.
        seen = self.ring * part_inside(frame.shape, at, self.size_wh)
        alike = likeness(self.reference, self._look(frame, at), seen)
        return at, max(alike, 0.0) * (0.5 + 0.5 * min(1.0, 1.5 * support))

    def _search(self, frame: np.ndarray) -> np.ndarray | None:
        """Return where the object may be if it moved further than corners are followed."""
        width, height = self.size_wh
        wide = _WIDE * width, _WIDE * height
        offset = np.array([[1, 0, (width - wide[0]) / 2], [0, 1, (height - wide[1]) / 2]])
        around = self.tint(cut(frame, chained(self.at, offset), wide))
        shift = searched(self.last, self.core, around)
        return None if shift is None else chained(self.at, shift)

    def _look(self, frame: np.ndarray, at: np.ndarray) -> np.ndarray:
        return self.tint(cut(frame, at, self.size_wh))


def _mask_of(geometry: Geometry, at: np.ndarray, size_wh: tuple[int, int]) -> np.ndarray:
    """Return a shape in its patch, (h, w) uint8 0 or 255; lines and points get some width."""
    back = _in_pixels(inverted(at))
    width, height = size_wh
    if isinstance(geometry, Polyline | Keypoints):
        mask = np.zeros((height, width), np.uint8)
        points = np.array(moved(geometry, back).points)  # type: ignore[union-attr]
        for x, y in points:
            cv2.circle(mask, (round(x), round(y)), max(round(0.06 * max(size_wh)), 3), 255, -1)
        if isinstance(geometry, Polyline):
            cv2.polylines(mask, [points.round().astype(np.int32)], False, 255, 5)
        return mask
    if geometry.kind == "mask":  # its pixels are of the frame's size
        whole = geometry.to_array().astype(np.uint8)  # type: ignore[union-attr]
        flags = cv2.INTER_NEAREST | cv2.WARP_INVERSE_MAP
        return cv2.warpAffine(whole, at, size_wh, flags=flags) * 255
    return to_mask(moved(geometry, back), height, width).to_array().astype(np.uint8) * 255


def _in_pixels(matrix: np.ndarray) -> np.ndarray:
    """Return a motion between pixels as OpenCV counts them as one between image pixels, whose centres lie at .5."""
    half = np.array([0.5, 0.5])
    shifted = matrix.copy()
    shifted[:, 2] += half - matrix[:, :2] @ half
    return shifted


def _middle(at: np.ndarray, size_wh: tuple[int, int]) -> np.ndarray:
    return at @ (size_wh[0] / 2, size_wh[1] / 2, 1.0)


def _share_inside(geometry: Geometry, shape: tuple[int, ...]) -> float:
    """Return how much of the box around a shape lies in the picture."""
    x1, y1, x2, y2 = geometry.bounds()
    width = min(x2, shape[1]) - max(x1, 0.0)
    height = min(y2, shape[0]) - max(y1, 0.0)
    whole = max(x2 - x1, 1e-6) * max(y2 - y1, 1e-6)
    return max(width, 0.0) * max(height, 0.0) / whole
