"""Tracking through the model's own entry points: videos, single frames, the command line."""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np
import pytest

from engine import YOLO
from engine.cli import main
from engine.core.results import Results
from engine.models.yolo.detect.predict import DetectionPredictor
from engine.models.yolo.segment.predict import SegmentationPredictor
from engine.runtime.errors import ConfigError

SIDE, FRAMES = 64, 8
QUICK = {"imgsz": SIDE, "device": "cpu", "verbose": False}


@pytest.fixture(scope="module")
def video(tmp_path_factory):
    """Write a bright square that moves from left to right."""
    path = tmp_path_factory.mktemp("video") / "square.mp4"
    out = cv2.VideoWriter(str(path), cv2.VideoWriter_fourcc(*"mp4v"), 10, (SIDE, SIDE))
    for picture in pictures():
        out.write(picture)
    out.release()
    return path


def pictures():
    for i in range(FRAMES):
        picture = np.full((SIDE, SIDE, 3), 40, np.uint8)
        picture[24:40, 6 + 4 * i : 22 + 4 * i] = 230
        yield picture


class FindsBright(DetectionPredictor):
    """A detector in the place of a trained one: it finds what is bright, and a second thing that is weak."""

    def postprocess(self, outputs, images, originals):
        return [self.found(original) for original in originals]

    def found(self, original):
        rows, columns = np.nonzero(original[..., 0] > 150)
        box = [columns.min(), rows.min(), columns.max() + 1, rows.max() + 1, 0.9, 0]
        weak = [2, 2, 10, 10, 0.12, 1]
        return Results(original, "", self.model.names, boxes=np.array([weak, box], np.float32))


class FindsMasks(SegmentationPredictor):
    """As above, with masks: the second object of each result is the bright one."""

    def postprocess(self, outputs, images, originals):
        results = [FindsBright.found(self, original) for original in originals]
        for result, original in zip(results, originals, strict=True):
            bright = (original[..., 0] > 150).astype(np.uint8)
            result.update(masks=np.stack([np.zeros_like(bright), bright]))
        return results


@pytest.fixture(scope="module")
def detector():
    return YOLO("yolo11n.yaml")


@pytest.mark.parametrize("tracker", ["bytetrack.yaml", "botsort.yaml", None])
def test_an_object_keeps_its_number_through_a_video(detector, video, tracker):
    results = detector.track(str(video), predictor=FindsBright, tracker=tracker, **QUICK)
    assert len(results) == FRAMES
    assert [r.boxes.id.tolist() for r in results] == [[1.0]] * FRAMES
    assert all(r.boxes.conf.tolist() == pytest.approx([0.9]) for r in results)
    assert all('"track_id": 1' in r.to_json() for r in results)


def test_each_video_begins_anew(detector, video, tmp_path):
    copy = tmp_path / "again.mp4"
    copy.write_bytes(video.read_bytes())
    results = detector.track([str(video), str(copy)], predictor=FindsBright, **QUICK)
    assert len(results) == 2 * FRAMES
    assert {n for r in results for n in r.boxes.id.tolist()} == {1.0}


def test_single_frames_go_on_where_the_person_says_so(detector):
    for persist, expected in ((True, [1, 1, 1]), (False, [1, 1, 1])):
        detector.predictor = None
        seen = []
        for picture in list(pictures())[:3]:
            result = detector.track(picture, persist=persist, predictor=FindsBright, **QUICK)[0]
            seen += result.boxes.id.tolist()
        assert seen == expected
        tracker = detector.predictor.follower.tracker
        assert tracker.frame == (3 if persist else 1)


def test_masks_stay_with_their_objects(video):
    model = YOLO("yolo11n-seg.yaml")
    for result in model.track(str(video), predictor=FindsMasks, **QUICK):
        assert len(result.masks) == len(result.boxes) == 1
        x1, y1, x2, y2 = (int(v) for v in result.boxes.xyxy[0])
        mask = np.asarray(result.masks.data[0])
        assert mask[y1:y2, x1:x2].mean() > 0.9
        assert mask.sum() == pytest.approx((x2 - x1) * (y2 - y1), rel=0.1)


def test_a_prediction_after_tracking_carries_no_numbers(detector, video):
    detector.track(str(video), predictor=FindsBright, **QUICK)
    results = detector.predict(str(video), predictor=FindsBright, **QUICK)
    assert all(r.boxes.id is None and len(r) == 2 for r in results)


def test_appearance_comes_from_the_networks_own_features(detector, video, tmp_path):
    own = tmp_path / "own.yaml"
    own.write_text("tracker_type: botsort\nwith_reid: true\n")
    results = detector.track(str(video), predictor=FindsBright, tracker=str(own), **QUICK)
    assert [r.boxes.id.tolist() for r in results] == [[1.0]] * FRAMES
    feature = detector.predictor.follower.tracker.tracks[0].feature
    assert feature is not None
    assert np.linalg.norm(feature) == pytest.approx(1, abs=1e-5)


def test_an_exported_file_has_no_features_to_compare(detector, video, tmp_path):
    from engine.nn.checkpoint import save_checkpoint

    file = save_checkpoint(tmp_path / "n.pt", detector.model)
    exported = YOLO(YOLO(file).export(format="torchscript", imgsz=SIDE))
    own = tmp_path / "own.yaml"
    own.write_text("tracker_type: botsort\nwith_reid: true\n")
    with pytest.raises(ConfigError, match="with_reid"):
        exported.track(str(video), tracker=str(own), **QUICK)


def test_a_task_without_objects_is_refused(video):
    with pytest.raises(ConfigError, match="classify"):
        YOLO("yolo11n-cls.yaml").track(str(video), **QUICK)


def test_from_the_command_line(detector, video, tmp_path, capsys):
    from engine.nn.checkpoint import save_checkpoint

    file = save_checkpoint(tmp_path / "n.pt", detector.model)
    words = ["track", f"model={file}", f"source={video}", "tracker=bytetrack.yaml", "imgsz=64"]
    assert main([*words, f"project={tmp_path}", "name=t", "json=True", "device=cpu"]) == 0
    outcome = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert outcome["mode"] == "track"
    assert outcome["images"] == FRAMES
    assert list(Path(outcome["save_dir"]).iterdir())
