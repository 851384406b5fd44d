"""Captions whose words are boxes: read, refused in words, and trained on beside detection data."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import yaml

from engine.data.grounding import GroundingDataset, phrase_of, read_grounding
from engine.data.mixed import MixedDataset, keep_description, open_mixed_yaml
from engine.data.phrases import PhraseDataset
from engine.data.yaml_file import read_data_yaml
from engine.runtime.errors import DatasetError

CAPTION = "A Red nut beside two bolts."


def document() -> dict[str, Any]:
    """Two captions of one picture, and one of another."""
    images = [
        {"id": 1, "file_name": "a.png", "width": 64, "height": 64, "caption": CAPTION},
        {"id": 2, "file_name": "a.png", "width": 64, "height": 64, "caption": "metal parts"},
        {"id": "x", "file_name": "b.png", "caption": "nothing"},
    ]
    annotations = [
        {"id": 1, "image_id": 1, "bbox": [0, 0, 32, 32], "tokens_positive": [[2, 9]]},
        {"id": 2, "image_id": 1, "bbox": [32, 0, 32, 16], "tokens_positive": [[17, 20], [21, 26]]},
        {"id": 3, "image_id": 2, "bbox": [8, 8, 16, 16], "tokens_positive": [[0, 11]]},
        {"id": 4, "image_id": 2, "bbox": [0, 0, 9, 9], "iscrowd": 1},
    ]
    annotations[2]["segmentation"] = [[8, 8, 24, 8, 16, 24]]
    return {"images": images, "annotations": annotations}


@pytest.fixture
def write(tmp_path: Path) -> Callable[[Any], Path]:
    """Write a document beside two pictures."""
    for name in ("a.png", "b.png"):
        cv2.imwrite(str(tmp_path / name), np.full((64, 64, 3), 90, np.uint8))

    def to_file(values: Any) -> Path:
        path = tmp_path / "captions.json"
        path.write_text(json.dumps(values))
        return path

    return to_file


@pytest.mark.parametrize(
    ("spans", "expected"),
    [([[2, 9]], "red nut"), ([[2, 6], [17, 20]], "red two"), ([[0, 27]], CAPTION.lower())],
)
def test_spans_are_phrases(spans: list[list[int]], expected: str) -> None:
    assert phrase_of(CAPTION, spans) == expected


@pytest.mark.parametrize(
    ("spans", "message"),
    [
        (None, "says nothing"),
        ([], "says nothing"),
        ([[2]], "no part of the caption"),
        ([[9, 2]], "no part of the caption"),
        ([[20, 28]], "no part of the caption"),
        ([[True, 5]], "no part of the caption"),
        ([["2", "9"]], "no part of the caption"),
        ([[1, 2]], "no letter"),
    ],
)
def test_other_spans_are_no_phrases(spans: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        phrase_of(CAPTION, spans)


def test_a_picture_may_have_several_captions(write: Callable[[Any], Path], tmp_path: Path) -> None:
    path = write(document())
    images = read_grounding(path, tmp_path)
    assert [image.phrases for image in images] == [("red nut", "two bolts"), ("metal parts",), ()]
    dataset = GroundingDataset(tmp_path, path, imgsz=64, task="segment", augment=True)
    assert dataset.texts == ["metal parts", "red nut", "two bolts"]
    assert len(dataset) == 3
    first, second = dataset.labels[0], dataset.labels[1]
    assert first["cls"].flatten().tolist() == [1.0, 2.0]
    assert first["bboxes"][0].tolist() == [0.25, 0.25, 0.5, 0.5]
    assert [len(s) for s in first["segments"]] == [
        0,
        0,
    ]  # boxes become rectangles when they are drawn
    assert len(second["segments"][0]) == 3
    sample = dataset[1, 0, False]
    assert sample["texts"][0] == "metal parts"
    assert len(sample["texts"]) == 3


def test_damaged_parts_are_left_out_and_told(write: Callable[[Any], Path], tmp_path: Path) -> None:
    values = document()
    values["annotations"][0]["bbox"] = [100, 100, 5, 5]
    path = write(values)
    (tmp_path / "b.png").write_bytes(b"no picture")
    dataset = GroundingDataset(tmp_path, path, imgsz=64, task="detect")
    assert len(dataset) == 2
    told = [p.reason for p in dataset.problems if p.kind == "skipped"]
    assert any("Annotation 1 of a.png" in reason for reason in told)
    assert dataset.counts["damaged"] == 1


def without(key: str, part: str, number: int = 0) -> dict[str, Any]:
    values = document()
    del values[part][number][key]
    return values


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ([], "no list of images"),
        ({"images": [], "annotations": []}, "no list of images"),
        ({"images": document()["images"]}, "no list of annotations"),
        (
            without("tokens_positive", "annotations", 1),
            r"Annotation 2 of image 1 \(a.png\) says nothing",
        ),
        (without("caption", "images"), r"Image 1 \(a.png\) has no caption"),
        (without("file_name", "images"), "Image 1 has no file_name"),
        (without("image_id", "annotations"), "has no image_id"),
        (without("id", "images", 1), "has no id"),
    ],
)
def test_what_is_no_grounding_data_is_refused(
    values: Any, message: str, write: Callable[[Any], Path], tmp_path: Path
) -> None:
    with pytest.raises(DatasetError, match=message):
        read_grounding(write(values), tmp_path)


def test_annotations_of_nobody_are_refused(write: Callable[[Any], Path], tmp_path: Path) -> None:
    values = document()
    values["annotations"][0]["image_id"] = 77
    with pytest.raises(DatasetError, match="image 77, which is not listed"):
        read_grounding(write(values), tmp_path)


# Several data sets


@pytest.fixture
def mixed(write: Callable[[Any], Path], drawn_parts: Path, tmp_path: Path) -> dict[str, Any]:
    captions = {"img_path": ".", "json_file": write(document()).name}
    return {
        "train": {"yolo_data": [str(drawn_parts)], "grounding_data": [captions]},
        "val": {"yolo_data": str(drawn_parts)},
    }


def save(values: Any, tmp_path: Path) -> Path:
    path = tmp_path / "mixed.yaml"
    path.write_text(yaml.safe_dump(values))
    return path


def test_a_description_names_its_data_sets(mixed: dict[str, Any], tmp_path: Path) -> None:
    data = open_mixed_yaml(save(mixed, tmp_path))
    assert data["names"] == {0: "square"}
    first, second = data["sources"]
    assert first["data"]["names"] == {0: "square"}
    assert second["json_file"].read_text()
    assert second["img_path"].is_dir()


def test_a_plain_description_is_one_data_set(drawn_parts: Path) -> None:
    data = open_mixed_yaml(drawn_parts)
    assert len(data["sources"]) == 1
    assert data["val"] == read_data_yaml(drawn_parts)["val"]


def test_a_description_may_be_a_dictionary(
    mixed: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    file = keep_description(mixed)
    assert file == keep_description(mixed)
    monkeypatch.chdir("/")
    assert open_mixed_yaml(file)["sources"][1]["json_file"] == tmp_path / "captions.json"
    with pytest.raises(DatasetError, match="plain values"):
        keep_description({"train": object()})


@pytest.mark.parametrize(
    ("part", "value", "message"),
    [
        ("train", {}, "Expected 'train' to have yolo_data and grounding_data"),
        ("train", {"other": []}, "Expected 'train'"),
        ("train", {"yolo_data": []}, "nothing to train on"),
        ("train", {"grounding_data": ["captions.json"]}, "Expected img_path and json_file"),
        (
            "train",
            {"grounding_data": [{"img_path": ".", "json_file": "gone.json"}]},
            "gone.json does not",
        ),
        ("val", {"grounding_data": []}, "one entry of val"),
        (
            "val",
            {"yolo_data": ["a.yaml", "b.yaml"]},
            "one entry of val: yolo_data to measure on, found 2",
        ),
        ("train", {"yolo_data": [3]}, "Expected a path, received 3"),
    ],
)
def test_descriptions_that_cannot_be_used(
    part: str, value: Any, message: str, mixed: dict[str, Any], tmp_path: Path
) -> None:
    with pytest.raises(DatasetError, match=message):
        open_mixed_yaml(save({**mixed, part: value}, tmp_path))


def test_pictures_of_different_data_sets_are_not_put_together(
    write: Callable[[Any], Path], drawn_parts: Path, tmp_path: Path
) -> None:
    data = read_data_yaml(drawn_parts)
    squares = PhraseDataset(data["train"], 64, data, task="detect", augment=True)
    captions = GroundingDataset(tmp_path, write(document()), imgsz=64, task="detect", augment=True)
    joined = MixedDataset([squares, captions])
    assert len(joined) == 7
    assert joined.names == {0: "square", 1: "metal parts", 2: "red nut", 3: "two bolts"}
    assert [label["cls"].flatten().tolist() for label in joined.labels[4:]] == [[2, 3], [1], []]
    near = tuple(range(7))
    for index in range(7):
        sample = joined[index, 0, True, near]
        assert {*sample["texts"]} <= {*(squares if index < 4 else captions).texts}
    assert [
        Path(s["im_file"]).name for s in joined.__getitems__([(0, 0, False), (6, 0, False)])
    ] == [
        "0.png",
        "b.png",
    ]
    joined.close_mosaic()
    assert not joined.blends
    grey = PhraseDataset(data["train"], 64, {**data, "channels": 1}, task="detect")
    with pytest.raises(DatasetError, match="1, 3 channels"):
        MixedDataset([squares, grey])
