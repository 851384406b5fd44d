"""Marked objects followed among detections: kept through a gap, not confused with others, given up in the end."""

from __future__ import annotations

import numpy as np

from engine.trackers.options import TrackerOptions
from engine.trackers.seeded import SeededTracks
from engine.trackers.tracks import Detections

PICTURE = np.zeros((120, 200, 3), np.uint8)
QUIET = TrackerOptions("bytetrack", track_buffer=5)


def found(*middles: tuple[float, float], score: float = 0.9) -> Detections:
    boxes = np.array([(x, y, 20.0, 20.0) for x, y in middles]).reshape(-1, 4)
    return Detections(boxes, np.full(len(boxes), score))


def test_each_marked_object_keeps_its_place_among_others() -> None:
    tracks = SeededTracks(np.array([(20, 20, 20, 20), (20, 80, 20, 20)]), PICTURE, QUIET)
    for i in range(1, 12):
        # a stranger comes first, the two are told in the other order
        others = found((150, 50), (20 + 3 * i, 80), (20 + 3 * i, 20), score=0.8 if i % 2 else 0.2)
        assert tracks.update(others, PICTURE) == {0: 2, 1: 1}


def test_out_of_sight_is_not_lost_at_once_but_in_the_end() -> None:
    tracks = SeededTracks(np.array([(20, 20, 20, 20)]), PICTURE, QUIET)
    for i in range(1, 5):
        assert tracks.update(found((20 + 2 * i, 20)), PICTURE) == {0: 0}
    for _ in range(3):
        assert tracks.update(found((150, 90)), PICTURE) == {}
    assert not tracks.is_lost
    assert tracks.update(found((150, 90), (34, 20)), PICTURE) == {0: 1}
    for _ in range(7):
        tracks.update(found((150, 90)), PICTURE)
    assert tracks.is_lost


def test_nothing_found_at_all() -> None:
    tracks = SeededTracks(np.array([(20, 20, 20, 20)]), PICTURE, QUIET)
    assert tracks.update(found(), PICTURE) == {}
