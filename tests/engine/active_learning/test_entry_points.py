"""The entry points with a real network and files: made by nobody's training, so only what must hold of any is held."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch

from engine.active_learning.answers import Surveyor
from engine.data.annotations import Box
from engine.models.yolo.model import YOLO
from engine.runtime.errors import ConfigError, ModelError
from engine.utils.active_learning import find_label_errors, rank_images

SIDE = 64


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Six pictures, the last one unlike the others, with a data.yaml and a box on each."""
    root = tmp_path_factory.mktemp("pictures")
    for folder in ("images/train", "labels/train"):
        (root / folder).mkdir(parents=True)
    random = np.random.default_rng(0)
    for number in range(6):
        image = np.full((SIDE, SIDE, 3), 90, np.uint8)
        image[20:44, 20:44] = 200 + number
        if number == 5:
            image = random.integers(0, 255, (SIDE, SIDE, 3), dtype=np.uint8)
        cv2.imwrite(str(root / f"images/train/{number}.png"), image)
        (root / f"labels/train/{number}.txt").write_text("0 0.5 0.5 0.375 0.375\n")
    (root / "data.yaml").write_text(
        f"path: {root}\ntrain: images/train\nval: images/train\nnames: {{0: square, 1: other}}\n"
    )
    return root


@cache
def untrained(task: str) -> YOLO:
    """Return a network as it is made, the same each time; its first class is one of the data set."""
    torch.manual_seed(0)
    model = YOLO(f"yolo11n{task}.yaml", verbose=False)
    model.model.names = {**model.names, 0: "square"}
    return model


@pytest.mark.parametrize("task", ["", "-seg", "-cls", "-semseg"])
def test_every_task_ranks_images(pictures: Path, task: str) -> None:
    files = sorted((pictures / "images/train").glob("*.png"))
    ranked = rank_images(untrained(task), files[3:], files[:3], count=2, diversity=1.0, imgsz=64)
    assert ranked[0].path == files[5]  # unlike all the others
    assert ranked[0].novelty == 1.0
    assert ranked[0].nearest in files[:3]
    assert len({one.path for one in ranked}) == 2
    assert all(0 <= one.uncertainty.value <= 1 for one in ranked)


def test_a_damaged_image_is_left_out(
    pictures: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    broken = tmp_path / "broken.png"
    broken.write_bytes(b"no picture")
    good = pictures / "images/train/0.png"
    ranked = rank_images(untrained(""), [broken, good], count=5, imgsz=64)
    assert [one.path for one in ranked] == [good]


def test_a_share_beyond_one_is_refused(pictures: Path) -> None:
    with pytest.raises(ConfigError, match="diversity"):
        rank_images("never.pt", pictures / "images", diversity=2)


def test_vectors_are_those_of_the_layer_before_the_head(pictures: Path) -> None:
    image = cv2.imread(str(pictures / "images/train/5.png"))
    (answer,) = Surveyor(untrained(""), {"imgsz": 64}).look([image])
    (vector,) = untrained("").embed(image, imgsz=64, verbose=False)
    expected = vector.numpy() / np.linalg.norm(vector.numpy())
    assert answer.vector == pytest.approx(expected, abs=1e-4)


def test_a_model_that_sees_nothing_doubts_every_label_alike(pictures: Path) -> None:
    errors = find_label_errors(untrained(""), pictures / "data.yaml", imgsz=64)
    assert len(errors) == 6
    assert {error.kind for error in errors} == {"extra"}
    assert {round(error.doubt, 3) for error in errors} == {
        round(1 / 8, 3)
    }  # it finds none of the class
    assert errors[0].label is not None
    assert errors[0].label.geometry == Box(20, 20, 44, 44)


def test_models_that_cannot_check_labels_say_why(
    pictures: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(ModelError, match="pixels"):
        find_label_errors(untrained("-semseg"), pictures / "data.yaml")
    monkeypatch.setattr(untrained("").model, "names", {0: "cat", 1: "dog"})
    with pytest.raises(ModelError, match="none of the classes"):
        find_label_errors(untrained(""), pictures / "data.yaml")
