"""What is followed: the detections of one frame, and tracks through many."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from engine.trackers.kalman import BoxFilter

_FEATURE_MEMORY = 0.9  # share of the old in a track's appearance


@dataclass(frozen=True)
class Detections:
    """What was found in one frame.

    Attributes:
        boxes: (N, 4) centre and size in pixels, or (N, 5) with the angle in radians.
        scores: (N,) 0..1.
        features: (N, F) appearances of length one, None where they are not compared.
    """

    boxes: np.ndarray
    scores: np.ndarray
    features: np.ndarray | None = None

    def __len__(self) -> int:
        return len(self.scores)

    def __getitem__(self, rows: Sequence[int] | np.ndarray) -> Detections:
        rows = np.asarray(rows, dtype=int)
        features = None if self.features is None else self.features[rows]
        return Detections(self.boxes[rows], self.scores[rows], features)


@dataclass
class Track:
    """One object through time.

    Attributes:
        state: (8,) of :class:`BoxFilter`.
        covariance: (8, 8) of it.
        angle: Radians, as last seen; None for upright boxes.
        feature: (F,) appearance of length one, None where it is not compared.
        began: Frame in which it was first seen.
        seen: Frame in which it was last seen.
        row: Which detection of that frame it was.
        id: Its number; 0 until it is confirmed by a second sight.
        lost: Whether it was not seen in the last frame.
    """

    state: np.ndarray
    covariance: np.ndarray
    angle: float | None
    feature: np.ndarray | None
    began: int
    seen: int
    row: int
    id: int = 0
    lost: bool = False

    @property
    def box(self) -> np.ndarray:
        """Centre, size and, where there is one, the angle."""
        return self.state[:4] if self.angle is None else np.append(self.state[:4], self.angle)


def begin(filter: BoxFilter, found: Detections, rows: Sequence[int], frame: int) -> list[Track]:
    """Return new tracks for the detections at ``rows``."""
    if not len(rows):
        return []
    chosen = found[rows]
    states, covariances = filter.start(chosen.boxes[:, :4].astype(np.float64))
    return [
        Track(
            state,
            covariance,
            float(box[4]) if len(box) == 5 else None,
            None if chosen.features is None else chosen.features[i],
            frame,
            frame,
            rows[i],
        )
        for i, (state, covariance, box) in enumerate(
            zip(states, covariances, chosen.boxes, strict=True)
        )
    ]


def predict(filter: BoxFilter, tracks: Sequence[Track]) -> None:
    """Bring tracks one frame on; lost ones no longer grow or shrink."""
    if not tracks:
        return
    states, covariances = _stacked(tracks)
    states[[t.lost for t in tracks], 6:] = 0
    _write(tracks, *filter.predict(states, covariances))


def move(filter: BoxFilter, tracks: Sequence[Track], affine: np.ndarray) -> None:
    """Move tracks with the camera's picture."""
    if tracks:
        _write(tracks, *filter.move(*_stacked(tracks), affine))


def see(
    filter: BoxFilter, tracks: Sequence[Track], found: Detections, rows: Sequence[int], frame: int
) -> None:
    """Tell each track which detection it was."""
    if not tracks:
        return
    chosen = found[rows]
    boxes = chosen.boxes[:, :4].astype(np.float64)
    _write(tracks, *filter.update(*_stacked(tracks), boxes))
    for i, (track, row) in enumerate(zip(tracks, rows, strict=True)):
        track.seen, track.row, track.lost = frame, int(row), False
        if track.angle is not None:
            track.angle = float(chosen.boxes[i, 4])
        if chosen.features is not None:
            track.feature = _remembered(track.feature, chosen.features[i])


def boxes_of(tracks: Sequence[Track], columns: int) -> np.ndarray:
    """Return (T, columns) boxes of tracks."""
    return np.array([track.box for track in tracks]).reshape(len(tracks), columns)


def _remembered(old: np.ndarray | None, new: np.ndarray) -> np.ndarray:
    if old is None:
        return new
    mean = _FEATURE_MEMORY * old + (1 - _FEATURE_MEMORY) * new
    return mean / max(float(np.linalg.norm(mean)), 1e-12)


def _stacked(tracks: Sequence[Track]) -> tuple[np.ndarray, np.ndarray]:
    return np.stack([t.state for t in tracks]), np.stack([t.covariance for t in tracks])


def _write(tracks: Sequence[Track], states: np.ndarray, covariances: np.ndarray) -> None:
    for track, state, covariance in zip(tracks, states, covariances, strict=True):
        track.state, track.covariance = state, covariance
