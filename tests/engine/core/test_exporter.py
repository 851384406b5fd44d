import builtins
import shutil
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from engine.core import exporter
from engine.core.exporter import Exporter, input_size
from engine.export.verify import compare
from engine.nn.autobackend import AutoBackend
from engine.nn.checkpoint import save_checkpoint
from engine.nn.modules.conv import Conv
from engine.nn.tasks import DetectionModel, SegmentationModel
from engine.runtime.errors import ConfigError, ExportError, ModelError


def _with_statistics(model):
    """Give the normalisations values as after some training, and the heads visible scores."""
    for module in model.modules():
        if isinstance(module, Conv):
            module.bn.running_mean.uniform_(-0.3, 0.3)
            module.bn.running_var.uniform_(0.5, 1.5)
    for branch in model.head.cv3:
        branch[-1].bias.data.uniform_(-1, 1)
    return model


@pytest.fixture(scope="module")
def segmenter():
    torch.manual_seed(0)
    model = _with_statistics(SegmentationModel("yolo11n-seg.yaml", nc=2, verbose=False))
    model.names = {0: "nut", 1: "bolt"}
    return model


@pytest.fixture(scope="module")
def detector():
    torch.manual_seed(0)
    return _with_statistics(DetectionModel("yolo11n.yaml", nc=3, verbose=False))


@pytest.fixture(scope="module")
def photo():
    """A picture with structure at several scales."""
    y, x = np.mgrid[0:120, 0:160].astype(np.float32)
    waves = [np.sin(x / 7) * np.cos(y / 11), np.sin((x + y) / 23), np.cos(x * y / 900)]
    return np.clip(np.stack(waves, 2) * 100 + 128, 0, 255).astype(np.uint8)


ONNX = {"format": "onnx", "imgsz": 64}
QUICK = {**ONNX, "simplify": False}
TORCHSCRIPT = {"format": "torchscript", "imgsz": 64}


@pytest.mark.parametrize(
    ("options", "tolerance"),
    [
        (ONNX, 1e-3),
        ({**ONNX, "simplify": False}, 1e-3),
        ({**ONNX, "opset": 12}, 1e-3),
        ({**ONNX, "dynamic": True}, 1e-3),
        ({**ONNX, "batch": 2}, 1e-3),
        ({**ONNX, "imgsz": [64, 96]}, 1e-3),
        ({**ONNX, "half": True}, 0.5),
        ({**ONNX, "nms": True}, 1e-3),
        (TORCHSCRIPT, 1e-3),
        ({**TORCHSCRIPT, "dynamic": True}, 1e-3),
        ({**TORCHSCRIPT, "optimize": True}, 1e-3),
        ({**TORCHSCRIPT, "half": True}, 0.5),
    ],
    ids=lambda v: ",".join(f"{k}={x}" for k, x in v.items()) if isinstance(v, dict) else "",
)
def test_exported_files_give_what_the_model_gives(segmenter, photo, tmp_path, options, tolerance):
    export = Exporter(options)
    path = export(segmenter, tmp_path / f"m.{options['format']}")
    found = export.verify(photo)
    assert found["max_abs_diff"] < tolerance
    assert list(found["outputs"]) == ["output0", "output1"]
    assert found["size_mib"] == pytest.approx(5.6 if options.get("half") else 11.2, rel=0.1)
    backend = AutoBackend(path)
    assert (backend.task, backend.names, backend.stride) == ("segment", {0: "nut", 1: "bolt"}, 32)
    assert backend.metadata == export.metadata
    height, width = backend.imgsz
    final, proto = backend(torch.rand(3, 3, height, width))
    rows = 300 if options.get("nms") else height * width // 64 * 21 // 16
    assert final.shape == (3, 4 + 2 + 32, rows)
    assert proto.shape == (3, 32, height // 4, width // 4)
    assert [p.name for p in tmp_path.iterdir()] == [path.name]


@pytest.mark.parametrize("options", [QUICK, TORCHSCRIPT, {**QUICK, "nms": True}], ids=str)
def test_detectors_are_exported_too(detector, photo, tmp_path, options):
    export = Exporter(options)
    path = export(detector, tmp_path / f"m.{options['format']}")
    assert export.verify(photo)["max_abs_diff"] < 1e-3
    assert AutoBackend(path)(torch.rand(1, 3, 64, 64)).shape[1] == 7


@pytest.mark.parametrize("options", [QUICK, TORCHSCRIPT], ids=str)
def test_dynamic_files_take_other_sizes_and_batches(segmenter, tmp_path, options):
    path = Exporter({**options, "dynamic": True})(segmenter, tmp_path / f"m.{options['format']}")
    images = torch.rand(2, 3, 96, 32)
    final, proto = AutoBackend(path)(images)
    expected, expected_proto = AutoBackend(segmenter)(images)
    torch.testing.assert_close(final, expected, rtol=1e-4, atol=1e-3)
    torch.testing.assert_close(proto, expected_proto, rtol=1e-4, atol=1e-3)


@pytest.mark.parametrize("options", [QUICK, TORCHSCRIPT], ids=str)
def test_fixed_files_refuse_other_sizes(segmenter, tmp_path, options):
    path = Exporter(options)(segmenter, tmp_path / f"m.{options['format']}")
    with pytest.raises(ModelError, match="height 64 and width 64, received 96 and 64"):
        AutoBackend(path)(torch.rand(1, 3, 96, 64))


def test_built_in_removal_gives_what_removal_afterwards_gives(segmenter, photo, tmp_path):
    from engine.export.verify import to_input
    from engine.ops.nms import non_max_suppression

    options = {**QUICK, "nms": True, "conf": 0.4, "iou": 0.5, "max_det": 50}
    path = Exporter(options)(segmenter, tmp_path / "m.onnx")
    images = to_input(photo, (64, 64))
    settings = {"conf": 0.4, "iou": 0.5, "max_det": 50, "nc": 2}
    inside = non_max_suppression(AutoBackend(path)(images)[0], **settings)[0]
    after = non_max_suppression(AutoBackend(segmenter)(images)[0], **settings)[0]
    assert len(after) > 3
    torch.testing.assert_close(inside, after, rtol=1e-3, atol=1e-3)


def test_metadata_is_inside_and_names_nobody(segmenter, tmp_path):
    import onnx

    path = Exporter(QUICK)(segmenter, tmp_path / "m.onnx")
    model = onnx.load(str(path))
    entries = {entry.key: entry.value for entry in model.metadata_props}
    assert entries["names"] == "{0: 'nut', 1: 'bolt'}"
    assert (entries["stride"], entries["task"], entries["imgsz"]) == ("32", "segment", "[64, 64]")
    assert (entries["batch"], entries["description"]) == ("1", "Written by Maskwright")
    assert (entries["author"], entries["license"]) == ("not stated", "not stated")
    assert entries["date"].endswith("+00:00")
    assert model.opset_import[0].version == 18
    assert [i.name for i in model.graph.input] == ["images"]
    assert [o.name for o in model.graph.output] == ["output0", "output1"]


def test_simplification_makes_the_graph_smaller(segmenter, tmp_path):
    import onnx

    nodes = [
        len(
            onnx.load(
                str(Exporter({**ONNX, "simplify": s})(segmenter, tmp_path / "m.onnx"))
            ).graph.node
        )
        for s in (True, False)
    ]
    assert nodes[0] < nodes[1]


def test_without_the_simplifier_the_file_is_written_with_a_warning(
    segmenter, tmp_path, monkeypatch, caplog
):
    real_import = builtins.__import__

    def no_onnxslim(name, *args, **kwargs):
        if name == "onnxslim":
            raise ImportError(name)
        return real_import(name, *args, **kwargs)

    monkeypatch.setattr(builtins, "__import__", no_onnxslim)
    path = Exporter(ONNX)(segmenter, tmp_path / "m.onnx")
    assert path.is_file()
    assert "pip install onnxslim" in caplog.text


def test_freezing_turns_weights_into_constants(segmenter, tmp_path):
    counts = []
    for optimize in (True, False):
        path = Exporter({**TORCHSCRIPT, "optimize": optimize})(
            segmenter, tmp_path / "m.torchscript"
        )
        module = AutoBackend(path).backend._module
        counts.append(sum(1 for _ in module.parameters()))
    assert counts[0] == 0
    assert counts[1] > 100


def test_the_file_lies_beside_its_weights(segmenter, tmp_path):
    weights = save_checkpoint(tmp_path / "weights" / "best.pt", segmenter)
    path = Exporter({**TORCHSCRIPT, "model": str(weights)})()
    assert path == weights.with_suffix(".torchscript")
    assert path.is_file()


def test_untrained_models_go_into_the_working_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert Exporter({**TORCHSCRIPT, "model": "yolo11n.yaml"})() == tmp_path / "yolo11n.torchscript"
    with pytest.raises(ExportError, match="export needs model="):
        Exporter(TORCHSCRIPT)()


def test_callbacks_hear_of_start_and_end(segmenter, tmp_path):
    heard = []
    callbacks = {
        "on_export_start": lambda e: heard.append(("start", e.file)),
        "on_export_end": lambda e: heard.append(("end", e.file, e.seconds > 0)),
    }
    path = Exporter(TORCHSCRIPT, callbacks)(segmenter, tmp_path / "m.torchscript")
    assert heard == [("start", None), ("end", path, True)]


def test_the_model_stays_as_it_was(segmenter, tmp_path):
    before = {k: v.clone() for k, v in segmenter.state_dict().items()}
    segmenter.train()
    Exporter({**QUICK, "half": True, "dynamic": True})(segmenter, tmp_path / "m.onnx")
    assert segmenter.training
    assert not segmenter.head.dynamic
    assert all(torch.equal(v, before[k]) for k, v in segmenter.state_dict().items())


@pytest.mark.parametrize(
    ("overrides", "error", "message"),
    [
        ({"format": "engine"}, ExportError, "needs tensorrt, which is not installed.*pip install"),
        ({"format": "onxx"}, ExportError, "Did you mean 'onnx'"),
        ({"format": "onnx", "optimize": True}, ExportError, "has no effect on ONNX"),
        ({"format": "torchscript", "opset": 17}, ExportError, "has no effect on TorchScript"),
        ({"format": "onnx", "opset": 7}, ConfigError, "opset"),
        ({"format": "onnx", "opzet": 17}, ConfigError, "opset"),
    ],
)
def test_arguments_are_checked_before_anything_is_read(overrides, error, message):
    with pytest.raises(error, match=message):
        Exporter(overrides)


def test_a_full_disk_is_said_before_writing(segmenter, tmp_path, monkeypatch):
    monkeypatch.setattr(shutil, "disk_usage", lambda folder: SimpleNamespace(free=2**20))
    with pytest.raises(ExportError, match=r"needs about \d+ MiB, and 1 MiB are free") as error:
        Exporter(TORCHSCRIPT)(segmenter, tmp_path / "m.torchscript")
    assert error.value.path == tmp_path / "m.torchscript"
    assert list(tmp_path.iterdir()) == []


def test_a_failed_write_leaves_the_old_file(segmenter, tmp_path, monkeypatch):
    path = tmp_path / "m.onnx"
    path.write_bytes(b"old")

    def fail(graph, images, file, args):
        Path(file).write_bytes(b"half")
        raise OSError(28, "No space left on device")

    monkeypatch.setitem(exporter.WRITERS, "onnx", fail)
    with pytest.raises(ExportError, match=r"cannot be written \(No space left on device\)"):
        Exporter(ONNX)(segmenter, path)
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


def test_sizes_are_raised_to_the_stride(caplog):
    assert input_size(64, 32) == (64, 64)
    assert not caplog.text
    assert input_size([70, 64], 32) == (96, 64)
    assert "raised to (96, 64)" in caplog.text


def test_verification_needs_a_file():
    with pytest.raises(ExportError, match="no exported file yet"):
        Exporter(ONNX).verify(np.zeros((8, 8, 3), np.uint8))


def test_a_file_of_other_weights_is_seen_to_differ(segmenter, photo, tmp_path):
    export = Exporter(TORCHSCRIPT)
    path = export(segmenter, tmp_path / "m.torchscript")
    weights = save_checkpoint(tmp_path / "same.pt", segmenter)
    assert compare(weights, path, photo)["max_abs_diff"] < 1e-3
    torch.manual_seed(9)
    other = SegmentationModel("yolo11n-seg.yaml", nc=2, verbose=False)
    found = compare(other, path, photo)
    assert found["max_abs_diff"] > 0.05
    assert found["max_abs_diff"] == max(o["max_abs_diff"] for o in found["outputs"].values())


def test_verification_at_another_size(segmenter, photo, tmp_path):
    path = Exporter({**TORCHSCRIPT, "dynamic": True})(segmenter, tmp_path / "m.torchscript")
    found = compare(segmenter, path, photo, imgsz=(64, 96))
    assert found["imgsz"] == [64, 96]
    assert found["outputs"]["output1"]["shape"] == [1, 32, 16, 24]
    assert found["max_abs_diff"] < 1e-3


def test_reference_weights_on_a_photograph(shared_dir, tmp_path):
    import cv2

    export = Exporter(
        {"format": "onnx", "imgsz": 320, "model": str(shared_dir / "vectors" / "yolo11n-seg.pt")}
    )
    export(file=tmp_path / "m.onnx")
    images = sorted((shared_dir / "datasets" / "coco8-seg" / "images" / "val").glob("*.jpg"))
    found = export.verify(cv2.imread(str(images[0])))
    assert found["boxes_px"] < 1e-3
    assert found["scores"] < 1e-5
    assert found["outputs"]["output1"]["max_abs_diff"] < 1e-5
