"""Formats beside ONNX and TorchScript: written by their real tools, run by their real runtimes, where installed."""

from __future__ import annotations

import importlib.util
import platform
import shutil
import sys
from types import SimpleNamespace

import cv2
import numpy as np
import pytest
import torch

from engine import YOLO
from engine.core.exporter import Exporter
from engine.export.calibration import Calibration
from engine.export.formats import find_format
from engine.export.tensorrt import dynamic_range
from engine.nn.autobackend import AutoBackend
from engine.nn.backends.metadata import Metadata
from engine.nn.checkpoint import save_checkpoint
from engine.nn.tasks import build_model
from engine.runtime.errors import ExportError, MissingCheckpointError, ModelError

# format -> the package that its files run with; only openvino is among the packages for tests, the others
# are too heavy or too many, and their tests run where somebody has them
RUNTIMES = {
    "openvino": "openvino",
    "mnn": "MNN",
    "ncnn": "ncnn",
    "saved_model": "tensorflow",
    "pb": "tensorflow",
    "tflite": "tensorflow",
    "paddle": "x2paddle",
    "executorch": "executorch",
}
FORMATS = [
    pytest.param(key, marks=[] if key == "openvino" else [pytest.mark.slow]) for key in RUNTIMES
]


def needs(name):
    """Skip where a package is not there; looked up only, for importing one here may warn of its age."""
    if importlib.util.find_spec(name) is None:
        pytest.skip(f"needs {name}, which is not among the packages for tests")


def make(name):
    """A model with scores that differ."""
    torch.manual_seed(0)
    model = build_model(f"{name}.yaml", nc=2, verbose=False)
    for module in model.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            module.running_mean.uniform_(-0.3, 0.3)
            module.running_var.uniform_(0.5, 1.5)
    for branch in model.head.branches(False)["scores"] if hasattr(model.head, "branches") else ():
        branch[-1].bias.data.uniform_(-1.5, 0.5)
        branch[-1].weight.data.mul_(8)
    model.names = {0: "nut", 1: "bolt's"}
    return model


@pytest.fixture(scope="module")
def models():
    made = {}
    return lambda name: made[name] if name in made else made.setdefault(name, make(name))


@pytest.fixture(scope="module")
def photo():
    y, x = np.mgrid[0:64, 0:64].astype(np.float32)
    waves = [np.sin(x / 4) * np.cos(y / 6), np.sin((x + y) / 9), np.cos(x * y / 300)]
    return np.clip(np.stack(waves, 2) * 100 + 128, 0, 255).astype(np.uint8)


@pytest.fixture(scope="module")
def pictures(tmp_path_factory):
    """A data set of three pictures without labels, one of them damaged."""
    root = tmp_path_factory.mktemp("pictures")
    (root / "images").mkdir()
    random = np.random.default_rng(0)
    for number in range(3):
        noise = cv2.resize(random.integers(0, 255, (6, 8, 3), np.uint8), (80, 60))
        cv2.imwrite(str(root / "images" / f"{number}.png"), noise)
    (root / "images" / "9.png").write_bytes(b"no picture")
    (root / "data.yaml").write_text("train: images\nval: images\nnames: [nut, bolt]\n")
    return root / "data.yaml"


@pytest.mark.parametrize("key", FORMATS)
def test_a_file_gives_what_the_model_gives(models, photo, tmp_path, key):
    needs(RUNTIMES[key])
    found = find_format(key)
    export = Exporter({"format": key, "imgsz": 64})
    path = export(models("yolo11n-seg"), tmp_path / f"m{found.suffix}")
    compared = export.verify(photo)
    assert compared["max_abs_diff"] < 1e-3
    assert list(compared["outputs"]) == ["output0", "output1"]
    assert [p.name for p in tmp_path.iterdir()] == [path.name]
    backend = AutoBackend(path)
    assert backend.metadata == export.metadata
    final, proto = backend(torch.rand(2, 3, 64, 64))  # a batch goes through one by one
    assert (final.shape, proto.shape) == ((2, 38, 84), (2, 32, 16, 16))


@pytest.mark.parametrize(
    "name", ["yolo26n", "yolo11n-pose", "yolo11n-obb", "yolo11n-cls", "yolo26n-sem"]
)
def test_every_task_becomes_openvino_and_predicts_alike(models, photo, tmp_path, name):
    needs("openvino")
    options = {"format": "openvino", "imgsz": 64}
    export = Exporter({**options, "nms": False} if name == "yolo26n" else options)
    path = export(models(name), tmp_path / "m_openvino_model")
    assert export.verify(photo)["max_abs_diff"] < 1e-3
    weights = save_checkpoint(tmp_path / "m.pt", models(name))
    given = {"imgsz": 64, "conf": 0.2, "verbose": False}
    given |= {"nms": False} if name == "yolo26n" else {}
    ours, theirs = (YOLO(p).predict(photo, **given)[0] for p in (weights, path))
    assert theirs.names == {0: "nut", 1: "bolt's"}
    a, b = (r.probs.data if r.probs is not None else r.to_json() for r in (ours, theirs))
    if isinstance(a, str):
        assert a.count('"name"') == b.count('"name"')
    else:
        torch.testing.assert_close(a.cpu(), b.cpu(), rtol=1e-3, atol=1e-4)


def test_openvino_takes_other_sizes_and_removes_duplicates(models, photo, tmp_path):
    needs("openvino")
    model = models("yolo11n-seg")
    path = Exporter({"format": "openvino", "imgsz": 64, "dynamic": True})(
        model, tmp_path / "a_openvino_model"
    )
    batch = torch.rand(2, 3, 96, 32)
    for ours, theirs in zip(AutoBackend(model)(batch), AutoBackend(path)(batch), strict=True):
        torch.testing.assert_close(theirs, ours, rtol=1e-3, atol=1e-3)
    export = Exporter({"format": "openvino", "imgsz": 64, "nms": True})
    export(model, tmp_path / "b_openvino_model")
    assert export.verify(photo)["rows_apart"] == 0


def test_half_openvino_is_half_as_large(models, photo, tmp_path):
    needs("openvino")
    export = Exporter({"format": "openvino", "imgsz": 64, "half": True})
    export(models("yolo11n-seg"), tmp_path / "m_openvino_model")
    compared = export.verify(photo)
    assert compared["size_mib"] < 6.5
    assert compared["max_abs_diff"] < 0.5


@pytest.mark.slow
@pytest.mark.parametrize("key", ["openvino", "tflite", "mnn"])
def test_eight_bits_are_small_and_near(models, photo, pictures, tmp_path, key):
    needs({"openvino": "nncf"}.get(key, RUNTIMES[key]))
    data = {} if key == "mnn" else {"data": str(pictures)}
    export = Exporter({"format": key, "imgsz": 64, "int8": True, **data})
    path = export(models("yolo11n-seg"), tmp_path / f"m{find_format(key).suffix}")
    compared = export.verify(photo)
    assert compared["size_mib"] < 5
    assert compared["scores"] < 0.3
    assert AutoBackend(path).metadata.int8


@pytest.mark.slow
@pytest.mark.skipif(platform.system() == "Windows", reason="coremltools has no Windows version")
def test_coreml_packages_say_what_they_are(models, tmp_path):
    needs("coremltools")
    export = Exporter({"format": "coreml", "imgsz": 64})
    path = export(models("yolo11n-seg"), tmp_path / "m.mlpackage")
    backend = AutoBackend(path)
    assert backend.metadata == export.metadata
    if not export.runs_here:
        with pytest.raises(ModelError, match="CoreML runs on macOS"):
            backend(torch.rand(1, 3, 64, 64))


@pytest.mark.parametrize(
    ("key", "package"),
    [
        ("engine", "tensorrt"),
        ("rknn", "rknn"),
        ("imx", "model_compression_toolkit"),
        ("edgetpu", "edgetpu_compiler"),
        ("tfjs", "tensorflowjs"),
        ("paddle", "x2paddle"),
        ("executorch", "executorch"),
    ],
)
def test_without_its_tool_a_format_is_refused_before_the_model_is_opened(key, package, monkeypatch):
    monkeypatch.setattr("engine.export.tools.Tool.is_here", lambda tool: tool.name != package)
    monkeypatch.setattr("platform.system", lambda: "Linux")
    with pytest.raises(ExportError, match=f"needs {package}") as error:
        Exporter({"format": key, "model": "there/is/no/such.pt"})
    assert any(word in error.value.remedy for word in ("pip install", "Install"))


def test_tools_that_cannot_be_loaded_are_said_in_a_sentence(models, monkeypatch, tmp_path):
    package = tmp_path / "site" / "rknn"
    package.mkdir(parents=True)
    (package / "__init__.py").write_text("")
    (package / "api.py").write_text("import a_package_of_another_age\n")
    monkeypatch.syspath_prepend(str(tmp_path / "site"))
    monkeypatch.setattr("platform.system", lambda: "Linux")
    for name in ("rknn", "rknn.api"):
        monkeypatch.setitem(sys.modules, name, sys)  # so that what is imported here goes afterwards
        monkeypatch.delitem(sys.modules, name)
    target = tmp_path / "m_rknn_model"
    with pytest.raises(ExportError, match=r"cannot be loaded .*a_package_of_another_age") as error:
        Exporter({"format": "rknn", "imgsz": 32})(models("yolo11n-cls"), target)
    assert "environment of their own" in error.value.remedy
    assert not target.exists()


def test_an_engine_needs_a_gpu_said_before_the_work(models, monkeypatch, tmp_path):
    monkeypatch.setattr("engine.export.tools.Tool.is_here", lambda _tool: True)
    monkeypatch.setattr("platform.system", lambda: "Linux")
    with pytest.raises(
        ExportError, match="on the NVIDIA GPU that will run them, received device=cpu"
    ):
        Exporter({"format": "engine", "device": "cpu"})(
            models("yolo11n-seg"), tmp_path / "m.engine"
        )
    with pytest.raises(ExportError, match="one of Rockchip's processors, received 'rk1'"):
        Exporter({"format": "rknn", "name": "rk1"})


def test_eight_bits_without_pictures_are_refused(models, monkeypatch, tmp_path):
    monkeypatch.setattr("engine.export.tools.Tool.is_here", lambda _tool: True)
    needs("openvino")
    with pytest.raises(ExportError, match="need pictures to calibrate with") as error:
        Exporter({"format": "openvino", "int8": True, "imgsz": 64})(
            models("yolo11n-seg"), tmp_path / "m_openvino_model"
        )
    assert "data=" in error.value.remedy
    assert not any(tmp_path.iterdir())


def test_calibration_reads_pictures_as_the_network_sees_them(pictures, caplog):
    metadata = Metadata("detect", {0: "nut"}, 32, (64, 96))
    found = Calibration(SimpleNamespace(data=str(pictures), fraction=1.0), metadata)
    arrays = list(found)
    assert [a.shape for a in arrays] == [(1, 3, 64, 96)] * 3
    assert all(a.dtype == np.float32 and 0 <= a.min() <= a.max() <= 1 for a in arrays)
    assert "9.png" in caplog.text
    assert "100 or more" in caplog.text
    first, second = found.batches(2)
    assert first.shape == second.shape == (2, 3, 64, 96)
    np.testing.assert_array_equal(second[0], second[1])  # filled up with what there is
    few = Calibration(SimpleNamespace(data=str(pictures), fraction=0.5), metadata)
    assert len(few) == 2


def test_a_folder_is_replaced_as_a_whole_and_other_folders_stay(models, tmp_path):
    needs("openvino")
    export = Exporter({"format": "openvino", "imgsz": 64})
    path = export(models("yolo11n-cls"), tmp_path / "m_openvino_model")
    (path / "old.txt").write_text("of the export before")
    export(models("yolo11n-cls"), path)
    assert sorted(p.name for p in path.iterdir()) == ["metadata.yaml", "model.bin", "model.xml"]
    other = tmp_path / "photos_openvino_model"
    other.mkdir()
    (other / "holiday.jpg").write_bytes(b"x")
    with pytest.raises(ExportError, match="something else than an export lies there, and stays"):
        export(models("yolo11n-cls"), other)
    assert [p.name for p in other.iterdir()] == ["holiday.jpg"]


def test_damaged_and_missing_folders_say_so(models, tmp_path):
    needs("openvino")
    with pytest.raises(MissingCheckpointError, match="no such folder of an exported model"):
        AutoBackend(tmp_path / "x_openvino_model")
    path = Exporter({"format": "openvino", "imgsz": 64})(
        models("yolo11n-cls"), tmp_path / "m_openvino_model"
    )
    (path / "model.xml").write_text("<net")
    with pytest.raises(ModelError, match="cannot be opened as OpenVINO"):
        AutoBackend(path)
    (path / "model.xml").unlink()
    with pytest.raises(ModelError, match=r"no \.xml file"):
        AutoBackend(path)
    shutil.rmtree(path)
    path.mkdir()
    with pytest.raises(ModelError, match=r"metadata\.yaml cannot be read"):
        AutoBackend(path)


@pytest.mark.parametrize("name", ["a.tflite", "a.engine"])
def test_other_programs_files_say_that_they_say_nothing(tmp_path, name):
    (tmp_path / name).write_bytes(b"\xff" * 64)
    with pytest.raises(ModelError, match="it does not say what it is"):
        AutoBackend(tmp_path / name)


@pytest.mark.parametrize(
    ("name", "place"),
    [
        ("m_edgetpu.tflite", "Edge TPU"),
        ("m_web_model", "browser"),
        ("m_imx_model", "IMX500"),
        ("m_rknn_model", "Rockchip"),
    ],
)
def test_files_for_other_places_say_where_they_run(name, place):
    with pytest.raises(ModelError, match=f"runs .*{place}.*, not here"):
        AutoBackend(name)


def test_the_range_of_a_dynamic_engine():
    metadata = Metadata("detect", {0: "nut"}, 32, (64, 96), batch=4, dynamic=True)
    graph = SimpleNamespace(metadata=metadata)
    assert dynamic_range(graph, (4, 3, 64, 96)) == [
        (1, 3, 32, 64),
        (4, 3, 64, 96),
        (8, 3, 128, 192),
    ]
