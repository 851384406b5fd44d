"""BoT-SORT: ByteTrack that knows the camera's motion and can compare appearances (Aharon et al., 2022)."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from engine.trackers.association import appearance_distance
from engine.trackers.byte_tracker import ByteTracker
from engine.trackers.camera_motion import CameraMotion
from engine.trackers.options import TrackerOptions
from engine.trackers.tracks import Detections, Track


class BotSort(ByteTracker):
    """Follows the objects of one video, frame by frame; the camera may move."""

    def __init__(self, options: TrackerOptions, fps: float = 30.0) -> None:
        self.motion = CameraMotion(options.gmc_method)
        super().__init__(options, fps)

    def reset(self) -> None:
        """Forget everything; the next track is number 1 again."""
        super().reset()
        self.motion.reset()

    def camera_motion(self, found: Detections, picture: np.ndarray | None) -> np.ndarray:
        """Return how the picture moved since the last frame, (2, 3)."""
        if picture is None:
            return np.eye(2, 3)
        return self.motion(picture, _around(found.boxes))

    def first_distance(self, tracks: Sequence[Track], found: Detections) -> np.ndarray:
        """Return (T, N) distances, 0..1: the smaller of overlap and, for what is near and alike, appearance."""
        distance = super().first_distance(tracks, found)
        compared = [track.feature is not None for track in tracks]
        if found.features is None or not any(compared) or not len(found):
            return distance
        features = [
            np.zeros(found.features.shape[1]) if track.feature is None else track.feature
            for track in tracks
        ]
        alike = appearance_distance(np.stack(features), found.features)
        far = self._overlaps(tracks, found) > 1 - self.options.proximity_thresh
        unlike = alike > (1 - self.options.appearance_thresh) / 2
        alike[far | unlike | ~np.array(compared)[:, None]] = 1.0
        return np.minimum(distance, alike)


def _around(boxes: np.ndarray) -> np.ndarray:
    """Return corners (N, 4) of the upright boxes around (N, 4 or 5) boxes."""
    half = boxes[:, 2:4] / 2
    if boxes.shape[1] == 5:
        cos, sin = np.abs(np.cos(boxes[:, 4:])), np.abs(np.sin(boxes[:, 4:]))
        half = half * cos + half[:, ::-1] * sin
    return np.concatenate((boxes[:, :2] - half, boxes[:, :2] + half), 1)
