"""Every family and task: an exported file gives what the model gives, as tensors and as results."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import nn

from engine import YOLO
from engine.core.exporter import Exporter
from engine.export.verify import compare
from engine.nn.autobackend import AutoBackend
from engine.nn.checkpoint import save_checkpoint
from engine.nn.tasks import build_model
from engine.runtime.errors import ExportError, ModelError

SUFFIXES = {
    "yolo11n": ("", "-seg", "-cls", "-pose", "-obb", "-semseg"),
    "yolo26n": ("", "-seg", "-cls", "-pose", "-obb", "-sem"),
    "yolov8n": ("", "-seg", "-cls", "-pose", "-obb"),
    "yolo12n": ("", "-seg"),
}
FAMILIES = [family + suffix for family, suffixes in SUFFIXES.items() for suffix in suffixes]
TASKS = ("yolo26n", "yolo11n-seg", "yolo26n-pose", "yolo11n-obb", "yolo11n-cls", "yolo26n-sem")
END2END = ("yolo26n", "yolo26n-seg", "yolo26n-pose", "yolo26n-obb")
ONNX = {"format": "onnx", "imgsz": 64, "simplify": False}
TORCHSCRIPT = {"format": "torchscript", "imgsz": 64}


def make(name):
    """A model with values in its normalisations as after some training, and scores that differ."""
    torch.manual_seed(0)
    model = build_model(f"{name}.yaml", nc=3, verbose=False)
    for module in model.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.running_mean.uniform_(-0.3, 0.3)
            module.running_var.uniform_(0.5, 1.5)
    head = model.head
    for one2one in (False, True) if getattr(head, "has_one2one", False) else (False,):
        for branch in head.branches(one2one)["scores"] if hasattr(head, "branches") else ():
            branch[-1].bias.data.uniform_(-1.5, 0.5)
            branch[-1].weight.data.mul_(8)
    model.names = {0: "nut", 1: "bolt", 2: "washer"}
    return model


@pytest.fixture(scope="module")
def models():
    made = {}
    return lambda name: made[name] if name in made else made.setdefault(name, make(name))


@pytest.fixture(scope="module")
def photo():
    """A square picture with structure at several scales."""
    y, x = np.mgrid[0:64, 0:64].astype(np.float32)
    waves = [np.sin(x / 4) * np.cos(y / 6), np.sin((x + y) / 9), np.cos(x * y / 300)]
    return np.clip(np.stack(waves, 2) * 100 + 128, 0, 255).astype(np.uint8)


@pytest.mark.parametrize("name", FAMILIES)
def test_every_family_is_exported_with_free_sizes(models, photo, tmp_path, name):
    export = Exporter({**ONNX, "dynamic": True})
    path = export(models(name), tmp_path / "m.onnx")
    assert export.verify(photo)["max_abs_diff"] < 1e-3
    assert compare(models(name), path, photo, imgsz=(96, 32))["max_abs_diff"] < 1e-3
    backend = AutoBackend(path)
    assert backend.metadata == export.metadata
    assert (backend.task, backend.end2end) == (models(name).task, False)
    assert backend.kpt_shape == ((17, 3) if "pose" in name else None)
    batch = torch.rand(2, 3, 64, 96)
    for ours, theirs in zip(
        listed(AutoBackend(models(name))(batch)), listed(backend(batch)), strict=True
    ):
        torch.testing.assert_close(theirs, ours, rtol=1e-3, atol=1e-3)


FEW = ({**ONNX, "half": True}, TORCHSCRIPT)
MORE = (
    {**ONNX, "simplify": True},
    {**ONNX, "batch": 2, "opset": 12},
    {**TORCHSCRIPT, "dynamic": True},
    {**TORCHSCRIPT, "half": True},
    {**TORCHSCRIPT, "optimize": True},
)


@pytest.mark.parametrize(
    ("name", "options"),
    [
        *((name, options) for name in TASKS for options in FEW),
        *((name, options) for name in ("yolo26n-pose", "yolo26n-sem") for options in MORE),
    ],
    ids=str,
)
def test_every_task_takes_every_option(models, photo, tmp_path, name, options):
    export = Exporter(options)
    path = export(models(name), tmp_path / f"m.{options['format']}")
    found = export.verify(photo)
    assert found["max_abs_diff"] < (0.5 if options.get("half") else 1e-3)
    for ours, theirs in zip(
        listed(AutoBackend(models(name))(torch.zeros(3, 3, 64, 64))),
        listed(AutoBackend(path)(torch.zeros(3, 3, 64, 64))),
        strict=True,
    ):
        assert theirs.shape == ours.shape
        assert theirs.dtype is torch.float32


@pytest.mark.parametrize(
    ("name", "options"),
    [*((name, ONNX) for name in END2END), *(("yolo26n-seg", options) for options in FEW)],
    ids=str,
)
def test_the_branch_without_duplicates_is_exported(models, photo, tmp_path, name, options):
    export = Exporter({**options, "nms": False})
    path = export(models(name), tmp_path / f"m.{options['format']}")
    found = export.verify(photo)
    assert found["max_abs_diff"] < (0.5 if options.get("half") else 1e-3)
    assert found["outputs"]["output0"]["shape"][1] == 84  # fewer cells than 300
    assert AutoBackend(path).end2end
    assert not models(name).end2end
    with pytest.raises(ModelError, match="was exported with nms=False"):
        AutoBackend(path, end2end=False)


@pytest.mark.parametrize("options", [ONNX, TORCHSCRIPT], ids=str)
def test_end_to_end_files_of_free_size_give_one_number_of_rows(models, photo, tmp_path, options):
    export = Exporter({**options, "nms": False, "dynamic": True, "max_det": 100})
    path = export(models("yolo26n-seg"), tmp_path / f"m.{options['format']}")
    for size in ((64, 64), (32, 32), (96, 160)):  # 84, 21 and 315 cells
        found = compare(models("yolo26n-seg"), path, photo, imgsz=size)
        assert found["outputs"]["output0"]["shape"] == [1, 100, 38]
        assert found["max_abs_diff"] < 1e-3
    rows = AutoBackend(path)(torch.rand(3, 3, 32, 32))[0]
    assert rows.shape == (3, 100, 38)
    assert not rows[:, 63:, :5].any()  # 21 cells of 3 classes are all there is


@pytest.mark.parametrize(
    ("name", "options"),
    [
        *((name, ONNX) for name in ("yolo26n", "yolo11n-seg", "yolo26n-pose", "yolo11n-obb")),
        *((name, TORCHSCRIPT) for name in ("yolo11n-seg", "yolo11n-obb")),
        ("yolo11n-obb", {**ONNX, "dynamic": True, "batch": 2}),
    ],
    ids=str,
)
def test_removal_inside_keeps_what_removal_afterwards_keeps(models, photo, tmp_path, name, options):
    weights = save_checkpoint(tmp_path / "m.pt", models(name))
    settings = {"conf": 0.2, "iou": 0.8, "max_det": 400}
    export = Exporter({**options, "nms": True, **settings})
    path = export(models(name), tmp_path / f"m.{options['format']}")
    found = export.verify(photo)
    assert found["max_abs_diff"] < 1e-3
    assert found["rows_apart"] == 0
    ours, theirs = (
        YOLO(file).predict(photo, imgsz=64, verbose=False, **settings)[0]
        for file in (weights, path)
    )
    assert len(ours) > 1
    assert_same(ours, theirs)


@pytest.mark.parametrize(
    ("name", "wishes"),
    [*((name, {}) for name in TASKS), ("yolo26n-seg", {"nms": False}), ("yolo12n", {})],
    ids=str,
)
@pytest.mark.parametrize("options", [ONNX, TORCHSCRIPT], ids=lambda o: o["format"])
def test_predictions_are_those_of_the_weights(models, photo, tmp_path, name, wishes, options):
    weights = save_checkpoint(tmp_path / "m.pt", models(name))
    path = YOLO(weights).export(**options, **wishes)
    settings = {"imgsz": 64, "conf": 0.3, "verbose": False, **wishes}
    ours, theirs = (
        YOLO(file).predict([photo, photo[::-1].copy()], **settings) for file in (weights, path)
    )
    for first, second in zip(ours, theirs, strict=True):
        assert_same(first, second)


@pytest.mark.parametrize("name", ["yolo11n-cls", "yolo26n-sem"])
def test_removal_is_refused_where_there_are_no_boxes(models, tmp_path, name):
    with pytest.raises(ExportError, match=r"nms=True has no effect on a model for .*: it gives no"):
        Exporter({**ONNX, "nms": True})(models(name), tmp_path / "m.onnx")
    assert list(tmp_path.iterdir()) == []


def test_a_branch_that_was_fused_away_cannot_be_exported(models, tmp_path):
    model = make("yolo26n")
    model.end2end = True
    model.fuse()
    path = Exporter(ONNX)(model, tmp_path / "m.onnx")
    assert AutoBackend(path).end2end
    with pytest.raises(ModelError, match="removed when it was fused"):
        Exporter({**ONNX, "nms": True})(model, tmp_path / "n.onnx")


def test_metadata_says_what_others_ask_for(models, tmp_path):
    import onnx

    path = Exporter({**ONNX, "nms": False})(models("yolo26n-pose"), tmp_path / "m.onnx")
    entries = {e.key: e.value for e in onnx.load(str(path)).metadata_props}
    assert (entries["task"], entries["end2end"], entries["kpt_shape"]) == (
        "pose",
        "True",
        "[17, 3]",
    )
    assert set(entries) >= {"stride", "names", "imgsz", "batch", "channels", "args", "version"}


# Classes by embeddings


@pytest.fixture(scope="module")
def phrases():
    generator = torch.Generator().manual_seed(0)
    return F.normalize(torch.randn(12, 512, generator=generator), dim=-1)


@pytest.mark.parametrize("options", [ONNX, {**ONNX, "dynamic": True}, TORCHSCRIPT], ids=str)
@pytest.mark.parametrize("name", ["yoloe-11n-seg", "yoloe-26n-seg"])
def test_classes_by_embeddings_are_inside(photo, phrases, tmp_path, name, options):
    model = make(name)
    file = tmp_path / f"m.{options['format']}"
    with pytest.raises(ExportError, match=r"fixed list of classes.*set_classes"):
        Exporter(options)(model, file)
    model.set_classes(["a", "b"], phrases[:2])
    export = Exporter(options)
    export(model, file)
    found = export.verify(photo)
    assert found["max_abs_diff"] < 1e-3
    assert found["outputs"]["output0"]["shape"] == [1, 4 + 2 + 32, 84]
    assert found["size_mib"] < 12  # the model with its encoders of prompts has 20 and more
    assert model.pe is not None
    assert model.head.savpe is not None


@pytest.mark.parametrize("options", [ONNX, {**ONNX, "nms": False}, TORCHSCRIPT], ids=str)
def test_prompt_free_models_name_the_cells_that_hold_something(photo, phrases, tmp_path, options):
    model, source = make("yoloe-26n-seg"), make("yoloe-26n-seg")
    words = [str(i) for i in range(len(phrases))]
    model.set_classes(["something"], phrases[:1])
    model.head.fold(model.pe)
    model.set_vocab(
        source.get_vocab(words, phrases), words, source.get_vocab(words, phrases, one2one=True)
    )
    choose_half_of_the_cells(model)
    file = tmp_path / f"m.{options['format']}"
    Exporter({**options, "max_det": 50})(model, file)
    backend = AutoBackend(file)
    whole = AutoBackend(model, end2end=backend.end2end)
    whole.backend.model.head.max_det = 50
    counts = set()
    for image in (torch.zeros(1, 3, 64, 64), *loud_images(3).split(1)):
        ours, theirs = whole(image)[0], backend(image)[0]
        counts.add(ours.shape[2])
        width = min(ours.shape[1], 50) if backend.end2end else ours.shape[1]
        torch.testing.assert_close(theirs[:, :width], ours[:, :width], rtol=1e-3, atol=1e-3)
    both = backend(torch.cat((torch.rand(1, 3, 64, 64), torch.zeros(1, 3, 64, 64))))[0]
    assert len(both) == 2
    assert backend.end2end or len(counts) > 1


def loud_images(count):
    """Noise so loud that an untrained model's cells differ by far more than two runtimes' rounding."""
    return 1e4 * torch.randn(count, 3, 64, 64)


def choose_half_of_the_cells(model):
    """Move what says whether a cell holds something so that it does in half of an image's cells."""

    def centre(layer, inputs, output):
        layer.weight.data.mul_(100)
        layer.bias.data.copy_((output - layer.bias[:, None, None]).median() * -100)

    model.head.conf = 0.5
    for one2one in (False, True):
        layers = model.head.one2one_lrpc if one2one else model.head.lrpc
        hooks = [layer.pf.register_forward_hook(centre) for layer in layers]
        model.end2end = one2one
        with torch.no_grad():
            model.eval()(loud_images(1))
        for hook in hooks:
            hook.remove()
    model.end2end = False


def listed(outputs):
    return outputs if isinstance(outputs, tuple) else (outputs,)


def assert_same(ours, theirs):
    """The same objects in both results; those of nearly equal scores may have changed places."""
    assert len(ours) == len(theirs)
    if ours.probs is not None:
        torch.testing.assert_close(theirs.probs.data, ours.probs.data, rtol=1e-3, atol=1e-5)
        return
    if ours.semantic_mask is not None:
        assert (ours.semantic_mask.data != theirs.semantic_mask.data).float().mean() < 1e-3
        return
    first, second = rows_of(ours), rows_of(theirs)
    order = torch.cdist(first, second, p=float("inf")).argmin(1)
    assert order.unique().numel() == len(first)
    torch.testing.assert_close(second[order], first, rtol=1e-3, atol=1e-2)
    if ours.masks is not None:
        assert (ours.masks.data != theirs.masks.data[order]).float().mean() < 1e-3


def rows_of(result):
    """All numbers of each object: box, score, class, keypoints."""
    boxes = result.boxes if result.obb is None else result.obb
    points = () if result.keypoints is None else (result.keypoints.data.flatten(1),)
    return torch.cat((boxes.data, *points), 1)
