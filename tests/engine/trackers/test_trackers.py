"""Trackers keep the numbers of objects whose true tracks are known."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from engine.runtime.errors import ConfigError
from engine.trackers.association import assign, overlap_distance
from engine.trackers.bot_sort import BotSort
from engine.trackers.byte_tracker import ByteTracker
from engine.trackers.camera_motion import CameraMotion
from engine.trackers.kalman import BoxFilter
from engine.trackers.options import MOTIONS, TrackerOptions, read_options
from engine.trackers.tracks import Detections

FRAMES, OBJECTS = 60, 6


def walk(seed=0, frames=FRAMES):
    """Return true boxes (frames, OBJECTS, 4) xywh: they cross a picture of 400 pixels in straight lines."""
    rng = np.random.default_rng(seed)
    start = rng.uniform(60, 340, (OBJECTS, 2))
    speed = rng.uniform(-3, 3, (OBJECTS, 2))
    size = rng.uniform(30, 50, (OBJECTS, 2))
    times = np.arange(frames)[:, None, None]
    centres = start + times * speed
    return np.concatenate((centres, np.broadcast_to(size, centres.shape)), 2)


def seen(truth, rng, noise=1.0, missed=0.0, weak=0.0, angle=None):
    """Return what a detector would give of one frame, and whose each detection is."""
    there = rng.random(len(truth)) >= missed
    boxes = truth[there] + rng.normal(0, noise, (there.sum(), 4))
    if angle is not None:
        boxes = np.column_stack((boxes, np.full(len(boxes), angle)))
    scores = np.where(rng.random(len(boxes)) < weak, 0.15, 0.9)
    order = rng.permutation(len(boxes))
    return Detections(boxes[order], scores[order]), np.flatnonzero(there)[order]


def score(tracker, truth, *, pictures=None, **how):
    """Follow a walk and return MOTA, IDF1 and the number of switched identities, as MOTChallenge counts them."""
    motmetrics = pytest.importorskip("motmetrics")
    counted = motmetrics.MOTAccumulator(auto_id=True)
    rng = np.random.default_rng(1)
    for i, boxes in enumerate(truth):
        found, _ = seen(boxes, rng, **how)
        pairs = tracker.update(found, None if pictures is None else pictures[i])
        rows, ids = [r for r, _ in pairs], [n for _, n in pairs]
        distance = overlap_distance(boxes, found.boxes[rows][:, :4]).astype(float)
        distance[distance > 0.5] = np.nan
        counted.update(np.arange(len(boxes)), ids, distance)
    metrics = ["mota", "idf1", "num_switches"]
    summary = motmetrics.metrics.create().compute(counted, metrics=metrics, name="walk")
    return summary.loc["walk"].tolist()


@pytest.mark.parametrize("kind", [ByteTracker, BotSort])
@pytest.mark.parametrize("seed", range(3))
def test_objects_that_are_always_seen_keep_their_numbers(kind, seed):
    mota, idf1, switches = score(kind(TrackerOptions()), walk(seed))
    assert mota > 0.97
    assert idf1 > 0.97
    assert switches <= 1


@pytest.mark.parametrize("kind", [ByteTracker, BotSort])
def test_objects_missed_now_and_then_keep_their_numbers(kind):
    _, idf1, switches = score(kind(TrackerOptions()), walk(3), missed=0.15)
    assert idf1 > 0.85
    assert switches <= 3


def test_weak_detections_carry_tracks_on_but_begin_none():
    options = TrackerOptions()
    mota, idf1, _ = score(ByteTracker(options), walk(4), weak=0.4)
    assert idf1 > 0.9
    without = TrackerOptions(track_low_thresh=0.25)
    assert score(ByteTracker(without), walk(4), weak=0.4)[0] < mota - 0.2
    tracker = ByteTracker(options)
    boxes = np.array([[50.0, 50, 20, 20]])
    assert not any(tracker.update(Detections(boxes, np.array([0.15]))) for _ in range(5))


def test_a_lost_object_gets_its_number_back_within_the_buffer_only():
    still = Detections(np.array([[50.0, 50, 20, 20]]), np.array([0.9]))
    nothing = Detections(np.zeros((0, 4)), np.zeros(0))
    for away, expected in ((5, 1), (12, 2)):
        tracker = ByteTracker(TrackerOptions(track_buffer=8))
        tracker.update(still)
        for _ in range(away):
            assert tracker.update(nothing) == []
        tracker.update(still)
        assert tracker.update(still) == [(0, expected)]


def test_what_is_seen_once_is_not_followed():
    tracker = ByteTracker(TrackerOptions())
    nothing = Detections(np.zeros((0, 4)), np.zeros(0))
    tracker.update(nothing)
    flash = Detections(np.array([[50.0, 50, 20, 20]]), np.array([0.9]))
    assert tracker.update(flash) == []
    assert tracker.update(nothing) == []
    assert not tracker.tracks


def test_a_video_of_few_frames_a_second_is_remembered_for_as_many_seconds():
    assert ByteTracker(TrackerOptions(track_buffer=30), fps=10).remembered == 10
    assert ByteTracker(TrackerOptions(track_buffer=30), fps=60).remembered == 60


def test_turned_boxes_are_followed():
    tracker, truth = ByteTracker(TrackerOptions()), walk(5)
    rng, owners = np.random.default_rng(0), {}
    for boxes in truth:
        found, whose = seen(boxes, rng, angle=0.6)
        for row, number in tracker.update(found):
            owners.setdefault(int(whose[row]), []).append(number)
    assert len(owners) == OBJECTS
    changes = sum(len(set(numbers)) - 1 for numbers in owners.values())
    assert changes <= 1


def texture(shape=(500, 700)):
    rng = np.random.default_rng(0)
    noise = rng.integers(0, 255, shape, dtype=np.uint8)
    smooth = cv2.GaussianBlur(noise, (0, 0), 3)
    return cv2.normalize(smooth, None, 0, 255, cv2.NORM_MINMAX)


@pytest.mark.parametrize("method", [m for m in MOTIONS if m != "none"])
def test_a_moved_camera_is_noticed(method):
    picture = texture()
    motion = CameraMotion(method)
    first, second = (picture[20 + d : 420 + d, 30 + 2 * d : 630 + 2 * d, None] for d in (0, 5))
    assert np.array_equal(motion(first, np.zeros((0, 4))), np.eye(2, 3))
    found = motion(second, np.zeros((0, 4)))
    assert found[:, 2] == pytest.approx([-10, -5], abs=0.7)
    assert found[:, :2] == pytest.approx(np.eye(2), abs=0.01)


@pytest.mark.parametrize("method", MOTIONS)
def test_a_picture_without_texture_counts_as_standing_still(method):
    motion, flat = CameraMotion(method), np.full((60, 80, 3), 90, np.uint8)
    for _ in range(2):
        assert np.array_equal(motion(flat, np.zeros((0, 4))), np.eye(2, 3))


def test_camera_motion_keeps_numbers_that_are_lost_without_it():
    frames, jump = 12, 45
    picture = texture((300, 300 + jump * frames))
    pictures = [picture[:, jump * i : jump * i + 300, None] for i in range(frames)]
    base = np.array([[150.0, 60, 30, 30], [150, 150, 30, 30], [150, 240, 30, 30]])
    shift = np.array([jump, 0, 0, 0])
    truth = np.stack([base + shift * (frames / 2 - i) for i in range(frames)])
    found = {}
    for method in ("none", "sparseOptFlow"):
        tracker = BotSort(TrackerOptions("botsort", gmc_method=method, fuse_score=False))
        found[method] = score(tracker, truth, pictures=pictures, noise=0.2)[1]
    assert found["sparseOptFlow"] > 0.95
    assert found["none"] < 0.5


def test_appearance_tells_apart_what_changes_places():
    """Two objects stand close together and swap places between two frames."""
    boxes = np.array([[50.0, 50, 40, 40], [62, 50, 40, 40]])
    looks = np.eye(2, 8)
    scores = np.array([0.9, 0.9])
    ids = {}
    for with_reid in (False, True):
        options = TrackerOptions("botsort", fuse_score=False, with_reid=with_reid)
        tracker = BotSort(options)
        features = looks if with_reid else None
        for _ in range(3):
            tracker.update(Detections(boxes, scores, features))
        swapped = Detections(boxes[::-1].copy(), scores, features)
        ids[with_reid] = dict(tracker.update(swapped))
    assert ids[True] == {0: 1, 1: 2}  # the first detection still looks like the first object
    assert ids[False] == {0: 2, 1: 1}


def test_the_filter_learns_a_speed_and_moves_with_the_camera():
    boxes = BoxFilter()
    states, covariances = boxes.start(np.array([[10.0, 20, 30, 40]]))
    for i in range(1, 30):
        states, covariances = boxes.predict(states, covariances)
        seen_box = np.array([[10.0 + 2 * i, 20 - i, 30, 40]])
        states, covariances = boxes.update(states, covariances, seen_box)
    assert states[0, 4:] == pytest.approx([2, -1, 0, 0], abs=0.05)
    assert np.linalg.eigvalsh(covariances[0]).min() > 0
    turn = np.array([[0.0, -1, 5], [1, 0, 7]])
    moved, _ = boxes.move(states, covariances, turn)
    assert moved[0, :2] == pytest.approx([5 - states[0, 1], 7 + states[0, 0]])
    assert moved[0, 4:6] == pytest.approx([-states[0, 5], states[0, 4]])


def test_pairs_are_near_and_their_sum_is_smallest():
    distance = np.array([[0.1, 0.2, 0.95], [0.15, 0.6, 0.9]])
    pairs, rows, columns = assign(distance, 0.5)
    assert pairs == [(0, 1), (1, 0)]
    assert (rows, columns) == ([], [2])
    assert assign(np.full((2, 2), 0.9), 0.5) == ([], [0, 1], [0, 1])
    assert assign(np.zeros((0, 3)), 0.5) == ([], [], [0, 1, 2])


@pytest.mark.parametrize("name", ["bytetrack.yaml", "botsort.yaml", "bytetrack", None])
def test_the_files_that_come_with_the_program_are_read(name):
    options = read_options(name)
    assert options.tracker_type == ("bytetrack" if name and "byte" in name else "botsort")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("tracker_type: magic", "magic"),
        ("match_thresh: 2", "0 to 1"),
        ("match_thresh: soon", "soon"),
        ("track_buffer: 0", "1 or more"),
        ("gmc_method: telepathy", "telepathy"),
        ("tracker_type: bytetrack\nwith_reid: true", "with_reid would have no effect"),
        ("matching: 0.8", "matching"),
        ("track_low_thresh: 0.5\ntrack_high_thresh: 0.2", "above"),
        ("model: other.pt\nwith_reid: true", "other.pt"),
    ],
)
def test_a_wrong_option_is_named(tmp_path, text, said):
    file = tmp_path / "own.yaml"
    file.write_text(text)
    with pytest.raises(ConfigError, match=said):
        read_options(file)


def test_a_tracker_that_is_not_there_is_named():
    with pytest.raises(ConfigError, match=r"nowhere\.yaml"):
        read_options("nowhere.yaml")
