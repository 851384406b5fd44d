import json

import pytest
import torch

from engine.nn.autobackend import AutoBackend
from engine.nn.backends.backend import brought_to_form, expand_detections, run_in_batches
from engine.nn.backends.metadata import Metadata
from engine.nn.checkpoint import save_checkpoint
from engine.nn.tasks import DetectionModel, SegmentationModel, build_model
from engine.runtime.errors import CheckpointError, ModelError


@pytest.fixture(scope="module")
def model():
    torch.manual_seed(0)
    built = SegmentationModel("yolo11n-seg.yaml", nc=2, verbose=False)
    built.names = {0: "nut's", 1: 'a "bolt"'}
    return built


def test_a_model_is_run_as_a_fused_copy(model):
    backend = AutoBackend(model)
    assert model.training
    assert not model.is_fused()
    assert (backend.names, backend.stride, backend.task) == (model.names, 32, "segment")
    assert (backend.imgsz, backend.dynamic, backend.fp16, backend.batch) == (
        (640, 640),
        True,
        False,
        1,
    )
    images = torch.rand(2, 3, 64, 96)
    final, proto = backend(images)
    with torch.no_grad():
        (expected, expected_proto), _ = model.eval()(images)
    model.train()
    torch.testing.assert_close(final, expected, rtol=1e-4, atol=1e-3)
    torch.testing.assert_close(proto, expected_proto, rtol=1e-4, atol=1e-4)
    assert not final.requires_grad
    final.mul_(2)  # an ordinary tensor: what comes after may write into it


def test_a_detector_gives_one_tensor():
    backend = AutoBackend(DetectionModel("yolo11n.yaml", nc=1, verbose=False))
    backend.warmup((64, 64))
    assert backend.eval()(torch.rand(1, 3, 64, 64)).shape == (1, 5, 84)


def test_a_file_is_run_like_its_model(model, tmp_path):
    path = save_checkpoint(tmp_path / "a.pt", model, train_args={"imgsz": 96})
    backend = AutoBackend(path)
    assert backend.imgsz == (96, 96)
    images = torch.rand(1, 3, 64, 64)
    torch.testing.assert_close(backend(images)[0], AutoBackend(model)(images)[0])


def test_half_on_a_cpu_stays_float32(model):
    backend = AutoBackend(model, half=True)
    assert not backend.fp16
    assert backend(torch.rand(1, 3, 64, 64).half())[0].dtype is torch.float32


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_half_on_a_gpu(model):
    backend = AutoBackend(model, "cuda", half=True)
    assert backend.fp16
    images = torch.rand(1, 3, 64, 64)
    final, _ = backend(images)
    assert final.is_cuda
    torch.testing.assert_close(
        final.float().cpu(), AutoBackend(model)(images)[0], rtol=0.05, atol=1
    )


@pytest.mark.parametrize(
    ("name", "error", "message"),
    [
        ("a.onnx", CheckpointError, "there is no such model file"),
        ("a.yaml", ModelError, "train it first"),
        ("a.engine", CheckpointError, "there is no such model file"),
        ("a.xyz", ModelError, "models end in .pt, .*, .onnx, .torchscript, .*; received '.xyz'"),
    ],
)
def test_files_that_cannot_be_run(tmp_path, name, error, message):
    with pytest.raises(error, match=message):
        AutoBackend(tmp_path / name)


@pytest.mark.parametrize("suffix", [".onnx", ".torchscript"])
@pytest.mark.parametrize("content", [b"", b"text", b"PK\x03\x04"])
def test_damaged_exports_are_named(tmp_path, suffix, content):
    path = tmp_path / f"a{suffix}"
    path.write_bytes(content)
    with pytest.raises(ModelError, match=r"cannot be opened as .*Export it again") as error:
        AutoBackend(path)
    assert error.value.path == path


class _Recorder:
    """A backend of fixed batch that remembers its calls."""

    fp16 = False

    def __init__(self, **metadata):
        defaults = {
            "task": "detect",
            "names": {0: "a"},
            "stride": 32,
            "imgsz": (64, 32),
            "batch": 2,
        }
        self.metadata = Metadata(**{**defaults, **metadata})
        self.calls = []

    def run(self, images):
        self.calls.append(len(images))
        return images.sum((1, 2, 3))[:, None], images[:, :1] * 2


@pytest.mark.parametrize(("count", "calls"), [(1, [2]), (2, [2]), (5, [2, 2, 2])])
def test_fixed_batches_are_filled_up(count, calls):
    backend = _Recorder()
    images = torch.rand(count, 3, 64, 32)
    first, second = run_in_batches(backend, images)
    assert backend.calls == calls
    torch.testing.assert_close(first, images.sum((1, 2, 3))[:, None])
    torch.testing.assert_close(second, images[:, :1] * 2)


def test_free_batches_go_in_whole():
    backend = _Recorder(dynamic=True)
    run_in_batches(backend, torch.rand(5, 3, 96, 96))
    assert backend.calls == [5]
    backend = _Recorder(dynamic=True, nms=True)
    run_in_batches(backend, torch.rand(5, 3, 96, 96))
    assert backend.calls == [2, 2, 2]


def test_other_sizes_are_refused_with_the_right_one():
    with pytest.raises(
        ModelError, match=r"height 64 and width 32, received 64 and 64.*imgsz=\[64, 32\]"
    ):
        run_in_batches(_Recorder(), torch.rand(1, 3, 64, 64))


def test_detections_are_expanded():
    rows = torch.tensor([[[10.0, 20, 30, 60, 0.9, 1, 7, 8], [0, 0, 0, 0, 0, 0, 0, 0]]])
    found = expand_detections(rows, 3)
    assert found.shape == (1, 4 + 3 + 2, 2)
    assert found[0, :, 0].tolist() == pytest.approx([20, 40, 20, 40, 0, 0.9, 0, 7, 8])
    assert found[0, :, 1].tolist() == [0] * 9


def test_oriented_detections_stay_centre_and_size():
    rows = torch.tensor([[[10.0, 20, 30, 60, 0.9, 1, 0.5]]])
    found = expand_detections(rows, 2, rotated=True)
    assert found[0, :, 0].tolist() == pytest.approx([10, 20, 30, 60, 0, 0.9, 0.5])


def test_maps_of_classes_become_maps_of_scores():
    told = Metadata("semseg", {0: "a", 1: "b", 2: "c"}, 32, (32, 32))
    classes = torch.tensor([[[0, 2], [1, 1]]], dtype=torch.uint8)
    (scores,) = brought_to_form((classes,), told)
    assert scores.shape == (1, 3, 2, 2)
    assert torch.equal(scores.argmax(1), classes.long())
    logits = torch.rand(1, 3, 4, 4)
    assert brought_to_form((logits,), told)[0] is logits


class _Chooser(_Recorder):
    """A backend whose number of anchors depends on the image."""

    def run(self, images):
        return (torch.ones(len(images), 5, int(images.max())),)


def test_pieces_with_different_numbers_of_anchors_are_filled_up():
    images = torch.ones(3, 3, 64, 32) * torch.tensor([1.0, 4, 2])[:, None, None, None]
    (found,) = run_in_batches(_Chooser(batch=1), images)
    assert found.shape == (3, 5, 4)
    assert found[:, 0].sum(1).tolist() == [1, 4, 2]


def test_the_branch_can_be_chosen():
    torch.manual_seed(0)
    model = DetectionModel("yolo26n.yaml", nc=2, verbose=False)
    images = torch.rand(1, 3, 64, 64)
    for end2end, shape in ((None, (1, 6, 84)), (False, (1, 6, 84)), (True, (1, 84, 6))):
        backend = AutoBackend(model, end2end=end2end)
        assert backend.end2end is bool(end2end)
        assert backend(images).shape == shape
    assert not model.end2end
    with pytest.raises(ModelError, match="no one-to-one branch"):
        AutoBackend(DetectionModel("yolo11n.yaml", nc=2, verbose=False), end2end=True)


@pytest.mark.parametrize(
    ("name", "shape"), [("yolo11n-cls", (2, 3)), ("yolo26n-sem", (2, 3, 8, 8))]
)
def test_tasks_without_boxes_give_one_tensor(name, shape):
    backend = AutoBackend(build_model(f"{name}.yaml", nc=3, verbose=False))
    assert backend(torch.rand(2, 3, 64, 64)).shape == shape
    assert (backend.end2end, backend.kpt_shape) == (False, None)


def test_metadata_survives_text(tmp_path):
    metadata = Metadata(
        task="segment",
        names={0: "it's", 7: 'a "b"'},
        stride=32,
        imgsz=(64, 96),
        batch=3,
        nms=True,
        conf=0.1,
        end2end=True,
        kpt_shape=(5, 2),
    )
    text = metadata.to_text()
    assert all(isinstance(v, str) for v in text.values())
    assert Metadata.from_text(json.loads(json.dumps(text)), tmp_path) == metadata


def test_metadata_of_other_programs_is_read(tmp_path):
    entries = {
        "task": "detect",
        "names": "['a', 'b']",
        "stride": "32",
        "imgsz": "640",
        "extra": "x",
    }
    found = Metadata.from_text(entries, tmp_path)
    assert (found.names, found.imgsz, found.batch) == ({0: "a", 1: "b"}, (640, 640), 1)
    as_text = {
        "task": "semantic",
        "end2end": "False",
        "kpt_shape": "[17, 3]",
        "args": "{'nms': None}",
    }
    found = Metadata.from_text({**entries, **as_text}, tmp_path)
    assert (found.task, found.end2end, found.kpt_shape, found.nms) == (
        "semseg",
        False,
        (17, 3),
        False,
    )
    as_json = {
        "task": "detect",
        "names": {0: "a"},
        "stride": 32,
        "imgsz": [64, 64],
        "batch": 2,
        "args": {},
    }
    assert Metadata.from_text(as_json, tmp_path).batch == 2


@pytest.mark.parametrize(
    ("entries", "message"),
    [
        ({}, "does not say its task, names, stride, imgsz"),
        ({"task": "d", "names": "x y", "stride": "1", "imgsz": "1"}, "cannot be read"),
        ({"task": "d", "names": "{0: 'a'}", "stride": "[]", "imgsz": "1"}, "cannot be read"),
        (
            {"task": "d", "names": "['a']", "stride": "1", "imgsz": "1", "kpt_shape": "7 3"},
            "cannot be",
        ),
        ({"task": "d", "names": "['a']", "stride": "1", "imgsz": "[1]"}, "cannot be read"),
        ({"task": "d", "names": "3", "stride": "1", "imgsz": "1"}, "cannot be read"),
        ({"task": "d", "names": "__import__('os')", "stride": "1", "imgsz": "1"}, "cannot be read"),
    ],
)
def test_bad_metadata_is_refused(tmp_path, entries, message):
    with pytest.raises(ModelError, match=message):
        Metadata.from_text(entries, tmp_path / "a.onnx")
