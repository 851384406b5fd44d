"""``dnn=True``: ONNX files run by OpenCV, which needs no other package."""

from __future__ import annotations

import sys

import numpy as np
import pytest
import torch

from engine import YOLO
from engine.core.exporter import Exporter
from engine.nn.autobackend import AutoBackend
from engine.nn.backends.onnx_entries import read_entries
from engine.nn.tasks import build_model
from engine.runtime.errors import ModelError


@pytest.fixture(scope="module")
def model():
    torch.manual_seed(0)
    made = build_model("yolo11n-seg.yaml", nc=2, verbose=False)
    for branch in made.head.cv3:
        branch[-1].bias.data.uniform_(-1, 1)
        branch[-1].weight.data.mul_(8)
    made.names = {0: "nut", 1: "bolt's"}
    return made


@pytest.fixture(scope="module")
def written(model, tmp_path_factory):
    return Exporter({"format": "onnx", "imgsz": 64})(model, tmp_path_factory.mktemp("f") / "m.onnx")


def test_opencv_gives_what_onnxruntime_gives(written):
    images = torch.rand(3, 3, 64, 64)
    ours, theirs = (AutoBackend(written, dnn=dnn) for dnn in (True, False))
    assert ours.metadata == theirs.metadata
    first = ours(images[:1])[0].clone()
    for mine, other in zip(ours(images), theirs(images), strict=True):
        torch.testing.assert_close(mine, other, rtol=1e-3, atol=1e-3)
    torch.testing.assert_close(first, ours(images[:1])[0])


def test_predicting_with_dnn_needs_no_onnxruntime(written, monkeypatch):
    image = np.random.default_rng(0).integers(0, 255, (64, 64, 3), np.uint8)
    given = {"imgsz": 64, "conf": 0.2, "verbose": False}
    plain = YOLO(written).predict(image, **given)[0]
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    with pytest.raises(ModelError, match="needs the package onnxruntime"):
        YOLO(written).predict(image, **given)
    found = YOLO(written).predict(image, **given, dnn=True)[0]
    assert len(found) == len(plain) > 0
    torch.testing.assert_close(found.boxes.data, plain.boxes.data, rtol=1e-3, atol=1e-2)


def test_asking_for_opencv_opens_the_file_again(written):
    image = np.zeros((64, 64, 3), np.uint8)
    model = YOLO(written)
    model.predict(image, imgsz=64, verbose=False)
    assert type(model.predictor.model.backend).__name__ == "OnnxBackend"
    model.predict(image, imgsz=64, verbose=False, dnn=True)
    assert type(model.predictor.model.backend).__name__ == "OpenCvBackend"


def test_files_that_are_not_onnx_are_refused(model, tmp_path):
    with pytest.raises(ModelError, match="dnn=True runs ONNX files with OpenCV") as error:
        AutoBackend(model, dnn=True)
    assert "format=onnx" in error.value.remedy
    with pytest.raises(ModelError, match=r"received a\.mnn"):
        AutoBackend(tmp_path / "a.mnn", dnn=True)


def test_files_with_removal_inside_are_refused(model, tmp_path):
    path = Exporter({"format": "onnx", "imgsz": 64, "nms": True})(model, tmp_path / "m.onnx")
    with pytest.raises(ModelError, match="does not run files that remove duplicates inside"):
        AutoBackend(path, dnn=True)


def test_damaged_files_say_so(written, tmp_path):
    whole = written.read_bytes()
    damaged = {"short": whole[: len(whole) // 2], "empty": b"", "other": b"\xff" * 99}
    for name, content in damaged.items():
        file = tmp_path / f"{name}.onnx"
        file.write_bytes(content)
        with pytest.raises(ModelError, match="cannot be opened as ONNX"):
            AutoBackend(file, dnn=True)


def test_a_number_without_end_is_no_onnx(tmp_path):
    (tmp_path / "m.onnx").write_bytes(b"\x80" * 100_000)
    with pytest.raises(ModelError, match="no end"):
        read_entries(tmp_path / "m.onnx")


def test_entries_are_those_that_the_package_reads(written):
    import onnx

    stored = onnx.load(str(written), load_external_data=False).metadata_props
    assert read_entries(written) == {entry.key: entry.value for entry in stored}
