"""Measuring a model on the classes of a data set, by words and by what its labels show."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import torch
from torch import Tensor

from engine import YOLOE
from engine.data.yaml_file import read_data_yaml
from engine.models.yolo.yoloe import YOLOESegValidator
from engine.models.yolo.yoloe.labelled import embed_labels
from engine.models.yolo.yoloe.predict import YOLOEVPSegPredictor
from engine.nn.tasks import build_model
from engine.runtime.errors import CheckpointError, ConfigError, ModelError

HOW: dict[str, Any] = {"imgsz": 64, "device": "cpu", "plots": False, "verbose": False, "workers": 0}


class Asked:
    """A text encoder with one embedding for all words, that remembers them."""

    name, dimension = "asked", 512

    def __init__(self, row: Tensor) -> None:
        self.row = row
        self.words: list[str] = []

    def encode(self, phrases: list[str]) -> Tensor:
        self.words += phrases
        return self.row.expand(len(phrases), -1)


@pytest.fixture
def model(weights: Path) -> YOLOE:
    return YOLOE(weights)


@pytest.fixture
def how(drawn_parts: Path, tmp_path: Path) -> dict[str, Any]:
    return {**HOW, "data": str(drawn_parts), "project": str(tmp_path)}


def other_names(data: Path, names: str, tmp_path: Path) -> Path:
    """Write a description of the same pictures with other names."""
    path = tmp_path / "other.yaml"
    path.write_text(data.read_text().replace("0: square", names))
    return path


def test_the_models_own_classes_are_measured_where_they_are_the_datas(
    model: YOLOE, how: dict[str, Any], embeddings: Tensor
) -> None:
    model.text_encoder = asked = Asked(embeddings[0, 0])
    model.set_classes(["square"], embeddings[:, :1])
    metrics = model.val(**how)
    assert asked.words == []
    assert {"metrics/mAP50(B)", "metrics/mAP50(M)"} <= set(metrics.results_dict)


def test_the_datas_names_become_words(
    model: YOLOE, how: dict[str, Any], embeddings: Tensor
) -> None:
    model.text_encoder = asked = Asked(embeddings[0, 0])
    model.set_classes(["a", "b", "c", "d"], embeddings)
    own = model.model
    model.val(**how)
    assert asked.words == ["square"]
    assert model.validator.names == {0: "square"}
    assert model.model is own
    assert model.names == dict(enumerate("abcd"))


def test_without_classes_and_encoder_the_file_is_named(model: YOLOE, how: dict[str, Any]) -> None:
    with pytest.raises(CheckpointError, match=r"mobileclip_blt\.ts"):
        model.val(**how)


def test_labels_teach_the_classes(
    model: YOLOE, how: dict[str, Any], drawn_parts: Path, tmp_path: Path
) -> None:
    model.val(load_vp=True, **how)
    assert model.validator.names == {0: "square"}
    shown = model.metrics.results_dict
    assert model.model.pe is None
    refer = other_names(drawn_parts, "0: square", tmp_path)
    model.val(load_vp=True, refer_data=refer, **how)
    assert model.metrics.results_dict == shown
    alone = YOLOESegValidator(args=how)
    assert alone(model=model.overrides["model"], load_vp=True) == pytest.approx(shown)
    assert alone.names == {0: "square"}


def test_an_embedding_is_the_mean_over_the_training_pictures(
    model: YOLOE, drawn_parts: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    data = read_data_yaml(other_names(drawn_parts, "0: square\n  1: circle", tmp_path))
    predictor = YOLOEVPSegPredictor(overrides={"imgsz": 64, "device": "cpu"})
    predictor.setup_model(model.model)
    with caplog.at_level(logging.WARNING):
        made = embed_labels(predictor, data)
    assert made.shape == (1, 2, 512)
    assert not made[0, 1].any()
    assert "circle" in caplog.text
    total = torch.zeros(512)
    for picture in sorted((drawn_parts.parent / "images/train").iterdir()):
        line = (drawn_parts.parent / "labels/train" / f"{picture.stem}.txt").read_text().split()
        points = np.array(line[1:], dtype=float).reshape(-1, 2) * 64
        prompts = {"bboxes": [[*points.min(0), *points.max(0)]], "cls": [0]}
        predictor.set_prompts(prompts)
        total += predictor.get_vpe(cv2.imread(str(picture)))[0, 0]
    assert torch.allclose(made[0, 0], torch.nn.functional.normalize(total, dim=0), atol=1e-4)


def test_a_validator_takes_names_as_words(
    weights: Path, how: dict[str, Any], embeddings: Tensor
) -> None:
    validator = YOLOESegValidator(args=how)
    validator.text_encoder = asked = Asked(embeddings[0, 0])
    stats = validator(model=weights)
    assert asked.words == ["square"]
    assert validator.weights == weights
    assert "metrics/mAP50(M)" in stats
    with pytest.raises(ConfigError, match="load_vp"):
        validator(model=weights, refer_data=how["data"])
    with pytest.raises(ModelError, match="classes are free"):
        YOLOESegValidator(args=how)(model=build_model("yolo11n-seg.yaml"), load_vp=True)


def test_as_one_class_the_models_own_classes_stay(
    model: YOLOE, how: dict[str, Any], embeddings: Tensor
) -> None:
    model.text_encoder = asked = Asked(embeddings[0, 0])
    model.set_classes(["a", "b"], embeddings[:, :2])
    model.val(single_cls=True, **how)
    assert asked.words == []
    assert model.validator.names == {0: "item"}


def test_data_sets_that_do_not_fit_are_told(
    model: YOLOE, how: dict[str, Any], drawn_parts: Path, tmp_path: Path
) -> None:
    other = other_names(drawn_parts, "0: circle", tmp_path)
    with pytest.raises(ConfigError, match="other classes"):
        model.val(load_vp=True, refer_data=other, **how)
    with pytest.raises(ConfigError, match="load_vp"):
        model.val(refer_data=other, **how)
