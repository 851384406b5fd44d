"""Models that are told what to look for, in the worker's own process."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import torch
import yaml

from engine.nn.checkpoint import save_checkpoint
from engine.nn.tasks import build_model
from engine.runtime.errors import EngineError
from studio.jobs.inspection import inspect_model
from studio.jobs.messages import Predict, Predicted, PredictionDone
from studio.jobs.tasks import predict
from studio.jobs.worker import Context
from studio.model.auto_annotation import Examples

ARGUMENTS = {"conf": 0.0, "imgsz": 64, "max_det": 5, "device": "cpu"}


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """An open-vocabulary network of a few small convolutions with random weights, and an image."""
    folder = tmp_path_factory.mktemp("open")
    small = [[-1, 1, "Conv", [width, 3, 2]] for width in (8, 16, 16, 16, 16)]
    head = [[[2, 3, 4], 1, "YOLOEDetect", ["nc", 512, True]]]
    values = {"nc": 80, "text_model": "sample:phrases", "backbone": small, "head": head}
    (folder / "yoloe-tiny.yaml").write_text(yaml.safe_dump(values))
    torch.manual_seed(0)
    model = build_model(folder / "yoloe-tiny.yaml", verbose=False)
    weights = save_checkpoint(folder / "yoloe-tiny.pt", model)
    picture = np.random.default_rng(0).integers(0, 255, (64, 64, 3), np.uint8)
    cv2.imwrite(str(folder / "a.png"), picture)
    return weights, folder / "a.png"


def run(request: Predict) -> tuple[PredictionDone, list[Any]]:
    """Do a request here and return what it reported."""
    sent: list[Any] = []
    return predict(request, Context(1, sent.append, lambda: False)), sent


def names_found(sent: list[Any]) -> set[str]:
    return {s.class_name for report in sent if isinstance(report, Predicted) for s in report.shapes}


def test_an_open_model_says_that_it_is_one(files: tuple[Path, Path]) -> None:
    assert inspect_model(files[0]).is_open


def test_it_looks_for_words(files: tuple[Path, Path]) -> None:
    weights, image = files
    words = ("red bolt", "blue nut")
    done, sent = run(Predict(1, str(weights), ((7, str(image)),), ARGUMENTS, "", words))
    assert done.images == 1
    assert names_found(sent) <= set(words)
    assert names_found(sent)


def test_it_looks_for_what_examples_show(files: tuple[Path, Path]) -> None:
    weights, image = files
    boxes = ((4.0, 4.0, 30.0, 30.0), (30.0, 30.0, 60.0, 60.0), (8.0, 30.0, 28.0, 60.0))
    examples = Examples(str(image), boxes, ("scratch", "dent", "scratch"))
    request = Predict(1, str(weights), ((7, str(image)),), ARGUMENTS, "", (), examples)
    done, sent = run(request)
    assert done.images == 1
    assert names_found(sent) <= {"scratch", "dent"}
    assert names_found(sent)


def test_what_cannot_be_told_says_why(files: tuple[Path, Path], tmp_path: Path) -> None:
    weights, image = files
    plain = save_checkpoint(tmp_path / "plain.pt", build_model("yolo11n.yaml", verbose=False))
    with pytest.raises(EngineError, match="YOLOE"):
        run(Predict(1, str(plain), ((7, str(image)),), ARGUMENTS, "", ("bolt",)))
    outside = Examples(str(image), ((200.0, 200.0, 300.0, 300.0),), ("dent",))
    with pytest.raises(EngineError):
        run(Predict(1, str(weights), ((7, str(image)),), ARGUMENTS, "", (), outside))
