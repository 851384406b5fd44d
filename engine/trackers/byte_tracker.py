"""ByteTrack: sure detections are associated first, then weak ones carry on what is left (Zhang et al., ECCV 2022)."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from engine.trackers.association import assign, overlap_distance, with_scores
from engine.trackers.kalman import BoxFilter
from engine.trackers.options import TrackerOptions
from engine.trackers.tracks import Detections, Track, begin, boxes_of, move, predict, see

_SECOND, _UNCONFIRMED = 0.5, 0.7  # largest distances of the later associations
_SAME = 0.15  # tracks that are nearer than this are one


class ByteTracker:
    """Follows the objects of one video, frame by frame.

    Args:
        options: How.
        fps: Frames a second of the video; how long lost tracks are remembered depends on it.
    """

    def __init__(self, options: TrackerOptions, fps: float = 30.0) -> None:
        self.options = options
        self.filter = BoxFilter()
        self.remembered = max(round((fps or 30.0) / 30 * options.track_buffer), 1)
        self.reset()

    def reset(self) -> None:
        """Forget everything; the next track is number 1 again."""
        self.tracks: list[Track] = []
        self.frame, self._last_id = 0, 0

    def update(self, found: Detections, picture: np.ndarray | None = None) -> list[tuple[int, int]]:
        """Take the next frame.

        Args:
            found: Its detections.
            picture: The frame itself, (H, W, C) uint8, for trackers that look at it.

        Returns:
            (row of the detection, number of its track) of every confirmed track in this frame, by number.
        """
        self.frame += 1
        sure = np.flatnonzero(found.scores >= self.options.track_high_thresh)
        weak = np.flatnonzero(
            (found.scores < self.options.track_high_thresh)
            & (found.scores > self.options.track_low_thresh)
        )
        predict(self.filter, self.tracks)
        move(self.filter, self.tracks, self.camera_motion(found[sure], picture))
        known = [track for track in self.tracks if track.id]
        fresh = [track for track in self.tracks if not track.id]
        distance = self.first_distance(known, found[sure])
        left, sure = self._associate(known, found, sure, distance, self.options.match_thresh)
        left = [track for track in left if not track.lost]
        distance = self._overlaps(left, found[weak])
        left, _ = self._associate(left, found, weak, distance, _SECOND)
        for track in left:
            track.lost = True
        distance = self.first_distance(fresh, found[sure])
        unseen, sure = self._associate(fresh, found, sure, distance, _UNCONFIRMED)
        self._forget(unseen)
        self._begin(found, sure)
        self._confirm()
        self._merge()
        shown = [t for t in self.tracks if t.id and t.seen == self.frame]
        return sorted(((t.row, t.id) for t in shown), key=lambda pair: pair[1])

    def camera_motion(self, found: Detections, picture: np.ndarray | None) -> np.ndarray:
        """Return how the picture moved since the last frame, (2, 3); here it never does."""
        return np.eye(2, 3)

    def first_distance(self, tracks: Sequence[Track], found: Detections) -> np.ndarray:
        """Return (T, N) distances of tracks and sure detections, 0..1."""
        distance = self._overlaps(tracks, found)
        return with_scores(distance, found.scores) if self.options.fuse_score else distance

    def _overlaps(self, tracks: Sequence[Track], found: Detections) -> np.ndarray:
        boxes = found.boxes.astype(np.float64)
        return overlap_distance(boxes_of(tracks, boxes.shape[1]), boxes)

    def _associate(
        self,
        tracks: Sequence[Track],
        found: Detections,
        rows: np.ndarray,
        distance: np.ndarray,
        largest: float,
    ) -> tuple[list[Track], np.ndarray]:
        """Tell tracks what they were; return the tracks and the rows of detections that are left."""
        pairs, alone, free = assign(distance, largest)
        seen = [tracks[t] for t, _ in pairs]
        see(self.filter, seen, found, [int(rows[d]) for _, d in pairs], self.frame)
        return [tracks[t] for t in alone], rows[free]

    def _begin(self, found: Detections, rows: np.ndarray) -> None:
        worth = rows[found.scores[rows] >= self.options.new_track_thresh]
        self.tracks += begin(self.filter, found, worth.tolist(), self.frame)

    def _confirm(self) -> None:
        """Number what was seen twice; in the first frame everything counts."""
        for track in self.tracks:
            again = track.seen == self.frame and (track.began < self.frame or self.frame == 1)
            if not track.id and again:
                self._last_id += 1
                track.id = self._last_id

    def _forget(self, unseen: Sequence[Track]) -> None:
        gone = {id(track) for track in unseen}
        self.tracks = [
            track
            for track in self.tracks
            if id(track) not in gone and self.frame - track.seen <= self.remembered
        ]

    def _merge(self) -> None:
        """Where a lost track lies on a seen one, keep the one that was followed for longer."""
        seen = [track for track in self.tracks if track.id and not track.lost]
        lost = [track for track in self.tracks if track.lost]
        if not seen or not lost:
            return
        columns = 4 if seen[0].angle is None else 5
        near = overlap_distance(boxes_of(seen, columns), boxes_of(lost, columns)) < _SAME
        gone = set()
        for i, j in zip(*np.nonzero(near), strict=True):
            older = seen[i].seen - seen[i].began > lost[j].seen - lost[j].began
            gone.add(id(lost[j] if older else seen[i]))
        self.tracks = [track for track in self.tracks if id(track) not in gone]
