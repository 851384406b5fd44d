"""Rewritten models give the same numbers: borders, odd sizes, free sizes and every family."""

import numpy as np
import pytest
import torch
from torch import nn

from engine import YOLO
from engine.export.graph import ExportGraph
from engine.export.rewrites import Halved, Phases, rewrite
from engine.nn.backends.metadata import Metadata
from engine.nn.fuse import fuse
from engine.nn.modules.block import C2f, Proto
from engine.nn.tasks import build_model

CPU = torch.device("cpu")


def shaken(module: nn.Module) -> nn.Module:
    """Give every parameter and statistic a value that shows."""
    generator = torch.Generator().manual_seed(0)
    for values in module.state_dict().values():
        if values.is_floating_point():
            noise = torch.rand(values.shape, generator=generator)
            values.copy_(noise + 0.5 if values.dim() == 1 else (noise - 0.5) * 0.3)
    return module


@pytest.mark.parametrize("size", [(1, 1), (1, 4), (5, 7), (8, 8)])
def test_phases_are_what_three_convolutions_give_even_at_the_border(size):
    proto = fuse(shaken(Proto(6, 8, 4)))
    x = torch.randn(2, 6, *size)
    with torch.no_grad():
        wanted = proto(x)
        rewrite(nn.ModuleList([proto]))
        given = proto(x)
    assert isinstance(proto.cv2, Phases)
    assert given.shape == (2, 4, 2 * size[0], 2 * size[1])
    torch.testing.assert_close(given, wanted, rtol=1e-4, atol=1e-4)


def test_halves_are_the_parts_of_the_whole():
    holder = nn.Sequential(fuse(shaken(C2f(12, 20, 2, True))))
    x = torch.randn(2, 12, 5, 7)
    with torch.no_grad():
        wanted = holder(x)
        rewrite(holder)
        given = holder(x)
    assert isinstance(holder[0], Halved)
    torch.testing.assert_close(given, wanted, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize(
    "name", ["yolov8n-seg", "yolo11n-seg", "yolo26n-seg", "yolo12n", "yolo11n-pose", "yolo11n-cls"]
)
def test_every_family_answers_as_before(name):
    model = build_model(f"{name}.yaml", nc=2, verbose=False)
    shaken(model)
    task, shape = model.task, getattr(model, "kpt_shape", None)
    metadata = Metadata(
        task=task, names={0: "a", 1: "b"}, stride=32, imgsz=(64, 96), kpt_shape=shape
    )
    graph = ExportGraph(model, metadata, CPU)
    images = torch.rand(2, 3, 64, 96)
    with torch.no_grad():
        wanted = graph(images)
        rewrite(graph.model)
        given = graph(images)
    assert any(isinstance(module, Halved) for module in graph.modules())
    for one, other in zip(given, wanted, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-3, atol=1e-3)


@pytest.mark.parametrize("dynamic", [False, True])
def test_an_onnx_file_transposes_no_convolution_and_predicts_alike(tmp_path, dynamic):
    import onnx

    torch.manual_seed(0)
    model = YOLO("yolo11n-seg.yaml")
    shaken(model.model)
    weights = tmp_path / "model.pt"
    model.save(weights)
    path = YOLO(weights).export(format="onnx", imgsz=64, dynamic=dynamic)
    file = onnx.load(path)
    kinds = [node.op_type for node in file.graph.node]
    assert "ConvTranspose" not in kinds
    picture = np.random.default_rng(0).integers(0, 255, (48, 80, 3), np.uint8)
    sizes = [64, (96, 64)] if dynamic else [64]
    for imgsz in sizes:
        ours, theirs = (
            YOLO(file).predict(picture, imgsz=imgsz, conf=0.01, verbose=False)[0]
            for file in (weights, path)
        )
        assert len(ours) == len(theirs) > 0
        torch.testing.assert_close(theirs.boxes.data, ours.boxes.data, rtol=1e-3, atol=0.05)
