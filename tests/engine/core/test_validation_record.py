"""validation.json of each task: what a validator hands over can be read back as it was."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import cv2
import numpy as np

from engine.core import validation_record
from engine.core.validation_record import MAP_SIDE_PX, Objects, ValidationRecord

METRICS = SimpleNamespace(names={0: "a"}, results_dict={"fitness": 0.5}, per_class=list)
CONFUSION = SimpleNamespace(to_dict=lambda: {"labels": [], "matrix": []})


def written(record: ValidationRecord, path: Path, task: str = "") -> dict[str, Any]:
    record.write(path, METRICS, CONFUSION, {}, None, task)
    return json.loads(path.read_text())


def objects(count: int) -> Objects:
    generator = np.random.default_rng(0)
    return Objects(
        np.zeros(count, dtype=int),
        generator.random((count, 4)) * 100,
        None,
        np.zeros(count, dtype=bool),
        np.linspace(0.9, 0.1, count),
        generator.random((count, 5, 3)) * 100,
        generator.random((count, 4, 2)) * 100,
    )


def test_keypoints_and_corners_stay_with_their_objects(tmp_path: Path) -> None:
    record, found = ValidationRecord(), objects(3)
    record.add("a.png", (64, 48), found, found.at_least(0.5))
    values = written(record, tmp_path / "validation.json", "pose")
    assert values["task"] == "pose"
    image = values["images"][0]
    assert [row["score"] for row in image["predictions"]] == [0.9, 0.5]
    for row, points, corners in zip(
        image["ground_truth"], found.keypoints, found.corners, strict=True
    ):
        np.testing.assert_allclose(row["keypoints"], points, atol=0.006)
        np.testing.assert_allclose(row["corners"], corners, atol=0.006)


def test_objects_without_points_do_not_mention_them(tmp_path: Path) -> None:
    record = ValidationRecord()
    plain = Objects(np.zeros(1), np.ones((1, 4)), None, np.ones(1, dtype=bool))
    record.add("a.png", (64, 48), plain, plain)
    row = written(record, tmp_path / "validation.json")["images"][0]["ground_truth"][0]
    assert set(row) == {"class_id", "box", "polygon", "matched"}


def test_a_classifier_keeps_its_five_best(tmp_path: Path) -> None:
    record = ValidationRecord()
    record.add_label("a.png", (64, 48), 3, np.array([0.05, 0.3, 0.1, 0.25, 0.2, 0.1]))
    values = written(record, tmp_path / "validation.json", "classify")
    assert values["curves"] == {"box": None, "mask": None}
    image = values["images"][0]
    assert image["label"] == 3
    assert image["top"] == [[1, 0.3], [3, 0.25], [4, 0.2], [2, 0.1], [5, 0.1]]


def test_class_maps_are_small_and_unmixed(tmp_path: Path) -> None:
    truth = np.zeros((400, 800), np.uint8)
    truth[:, 400:], truth[:100] = 7, 255
    predicted = np.where(truth == 255, 0, truth).astype(np.uint8)
    predicted[300:] = 0
    record = ValidationRecord()
    record.add_maps("a.png", (1600, 800), truth, predicted)
    image = written(record, tmp_path / "validation.json")["images"][0]
    assert image["pixel_accuracy"] == 1 - 400 * 100 / (800 * 300)
    pixels = cv2.imdecode(
        np.frombuffer(base64.b64decode(image["maps"]["truth"]), np.uint8), cv2.IMREAD_UNCHANGED
    )
    assert pixels.shape == (MAP_SIDE_PX // 2, MAP_SIDE_PX)
    assert set(np.unique(pixels)) == {0, 7, 255}


def test_images_of_every_kind_are_counted_when_there_are_too_many(
    tmp_path: Path, monkeypatch
) -> None:
    monkeypatch.setattr(validation_record, "MAX_IMAGES", 1)
    record = ValidationRecord()
    record.add_label("a.png", (64, 48), 0, np.array([1.0]))
    record.add_maps("b.png", (64, 48), np.zeros((4, 4), np.uint8), np.zeros((4, 4), np.uint8))
    values = written(record, tmp_path / "validation.json")
    assert [image["file"] for image in values["images"]] == ["a.png"]
    assert values["images_left_out"] == 1
