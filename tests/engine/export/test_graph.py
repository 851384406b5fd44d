from dataclasses import replace

import pytest
import torch
from torch.fx import symbolic_trace

from engine.export.graph import ExportGraph
from engine.nn.backends.metadata import Metadata
from engine.nn.tasks import DetectionModel, SegmentationModel, build_model
from engine.runtime.errors import ModelError

CPU = torch.device("cpu")


def metadata(**changes):
    values = {"task": "segment", "names": {0: "a", 1: "b"}, "stride": 32, "imgsz": (64, 64)}
    return Metadata(**{**values, **changes})


@pytest.fixture(scope="module")
def model():
    torch.manual_seed(0)
    return SegmentationModel("yolo11n-seg.yaml", nc=2, verbose=False)


def test_the_graph_gives_the_final_outputs_and_leaves_the_model(model):
    graph = ExportGraph(model, metadata(), CPU)
    images = torch.rand(1, 3, 64, 64)
    final, proto = graph(images)
    with torch.no_grad():
        (expected, _), _ = model.eval()(images)
    model.train()
    torch.testing.assert_close(final, expected, rtol=1e-4, atol=1e-3)
    assert proto.shape == (1, 32, 16, 16)
    assert graph.output_names == ["output0", "output1"]
    assert not model.is_fused()
    assert not model.head.dynamic
    assert not any(p.requires_grad for p in graph.parameters())


@pytest.mark.parametrize("name", ["yolo11n", "yolo11n-seg", "yolo11n-pose", "yolo11n-obb"])
def test_parts_are_those_of_the_whole_and_were_never_joined(name):
    torch.manual_seed(0)
    model = build_model(f"{name}.yaml", nc=2, verbose=False)
    task, shape = model.task, getattr(model, "kpt_shape", None)
    graph = ExportGraph(model, metadata(task=task, kpt_shape=shape), CPU)
    images = torch.rand(1, 3, 64, 64)
    whole, *rest = graph(images)
    graph.in_parts = True
    parts = graph(images)
    assert len(parts) == len(graph.output_names)
    count = len(parts) - len(rest)
    torch.testing.assert_close(torch.cat(parts[:count], 1), whole)
    assert parts[0].shape[1] == 4
    assert parts[1].shape[1] == 2
    # of a join a part would be a view
    assert len({part.untyped_storage().data_ptr() for part in parts}) == len(parts)


def test_half_computes_in_float16_and_decodes_in_float32(model):
    graph = ExportGraph(model, metadata(half=True), CPU)
    assert graph.model.model[0].conv.weight.dtype is torch.float16
    assert model.model[0].conv.weight.dtype is torch.float32
    images = torch.rand(1, 3, 64, 64)
    final, proto = graph(images)
    assert final.dtype is proto.dtype is torch.float32
    expected, _ = ExportGraph(model, metadata(), CPU)(images)
    torch.testing.assert_close(final, expected, rtol=0.01, atol=0.3)


def test_the_branch_that_answers_is_the_one_that_is_asked_for():
    torch.manual_seed(0)
    model = DetectionModel("yolo26n.yaml", nc=2, verbose=False)
    images = torch.rand(1, 3, 64, 64)
    dense = ExportGraph(model, metadata(task="detect"), CPU)
    rows = ExportGraph(model, metadata(task="detect", end2end=True, max_det=50), CPU)
    assert dense(images)[0].shape == (1, 6, 84)
    assert rows(images)[0].shape == (1, 50, 6)
    assert not dense.model.head.has_one2one
    assert not rows.model.head.has_one2many
    assert not model.end2end
    assert model.head.max_det == 300


@pytest.mark.parametrize("end2end", [False, True])
def test_half_reaches_every_task(end2end):
    torch.manual_seed(0)
    images = torch.rand(1, 3, 64, 64)
    for name in ("yolo26n-pose", "yolo26n-obb", "yolo26n-seg", "yolo26n-sem", "yolo26n-cls"):
        model = build_model(f"{name}.yaml", nc=2, verbose=False)
        branch = end2end and hasattr(model.head, "has_one2one")
        told = metadata(task=model.task, end2end=branch)
        exact = ExportGraph(model, told, CPU)(images)
        rough = ExportGraph(model, replace(told, half=True), CPU)(images)
        for a, b in zip(exact, rough, strict=True):
            assert b.dtype is torch.float32
            assert b.shape == a.shape
        if not branch:  # rows of equal scores change places
            torch.testing.assert_close(rough[0], exact[0], rtol=0.02, atol=0.5)


def test_a_branch_that_is_not_there_is_refused(model):
    with pytest.raises(ModelError, match="no one-to-one branch"):
        ExportGraph(model, metadata(end2end=True), CPU)


@pytest.mark.parametrize("name", ["yolo11n-seg", "yolo11n-pose"])
def test_a_recorder_that_knows_no_sizes_follows_once_they_are_held(name):
    torch.manual_seed(0)
    made = build_model(f"{name}.yaml", nc=2, verbose=False)
    graph = ExportGraph(made, metadata(task=made.task), CPU)
    images = torch.rand(2, 1, 3, 64, 64)
    with pytest.raises(ModelError, match="run it on images of one size first"):
        graph.hold_sizes()
    graph(images[0])
    graph.hold_sizes()
    recorded = symbolic_trace(graph)
    for ours, theirs in zip(graph(images[1]), recorded(images[1]), strict=True):
        torch.testing.assert_close(theirs, ours)
    assert made.head._held is None
