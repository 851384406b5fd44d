"""Following objects that a person has marked among the detections of a model."""

from __future__ import annotations

import numpy as np

from engine.trackers.bot_sort import BotSort
from engine.trackers.byte_tracker import ByteTracker
from engine.trackers.options import TrackerOptions, read_options
from engine.trackers.tracks import Detections

_TRACKERS = {"bytetrack": ByteTracker, "botsort": BotSort}


class SeededTracks:
    """A tracker that begins with marked boxes; what else a model finds is followed too, but not told.

    Args:
        boxes: (N, 4) centre and size of the marked objects in pixels of the first frame.
        picture: (H, W, C) uint8, the first frame.
        options: How; None for BoT-SORT as it comes with the program.
        fps: Frames a second; how long an object may be out of sight depends on it.
    """

    def __init__(
        self,
        boxes: np.ndarray,
        picture: np.ndarray,
        options: TrackerOptions | None = None,
        fps: float = 30.0,
    ) -> None:
        options = options or read_options(None)
        self._tracker = _TRACKERS[options.tracker_type](options, fps)
        seeds = Detections(np.asarray(boxes, np.float64).reshape(-1, 4), np.ones(len(boxes)))
        # In the first frame every detection begins a track at once.
        self._seeds = {number: row for row, number in self._tracker.update(seeds, picture)}

    @property
    def is_lost(self) -> bool:
        """Whether none of the marked objects was seen for so long that all are given up."""
        return not any(track.id in self._seeds for track in self._tracker.tracks)

    def update(self, found: Detections, picture: np.ndarray) -> dict[int, int]:
        """Take the next frame.

        Args:
            found: What the model found in it.
            picture: The frame, (H, W, C) uint8.

        Returns:
            The row of the detection by the place of the marked object; one that is out of sight is not in it.
        """
        pairs = self._tracker.update(found, picture)
        return {self._seeds[number]: row for row, number in pairs if number in self._seeds}
