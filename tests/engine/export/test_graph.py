import pytest
import torch

from engine.export.graph import ExportGraph, remove_duplicates
from engine.nn.backends.metadata import Metadata
from engine.nn.tasks import SegmentationModel

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


def test_half_computes_in_float16_and_decodes_in_float32(model):
    graph = ExportGraph(model, metadata(half=True), CPU)
    assert graph.model.model[0].conv.weight.dtype is torch.float16
    assert model.model[0].conv.weight.dtype is torch.float32
    images = torch.rand(1, 3, 64, 64)
    final, proto = graph(images)
    assert final.dtype is proto.dtype is torch.float32
    expected, _ = ExportGraph(model, metadata(), CPU)(images)
    torch.testing.assert_close(final, expected, rtol=0.01, atol=0.3)


def detections(*rows, nc=2, extras=0):
    """Columns of (x, y, w, h, scores..., extras...) as a head gives them."""
    return torch.tensor(rows, dtype=torch.float32).T[None]


def test_overlapping_boxes_of_one_class_are_reduced_to_the_best():
    decoded = detections(
        [50, 50, 20, 20, 0.6, 0, 1],
        [51, 50, 20, 20, 0.9, 0, 2],
        [50, 50, 20, 20, 0, 0.8, 3],
        [90, 90, 10, 10, 0.2, 0.1, 4],
    )
    found = remove_duplicates(decoded, metadata(conf=0.25, iou=0.5, max_det=4))[0]
    assert found.shape == (4, 7)
    assert found[0].tolist() == pytest.approx([41, 40, 61, 60, 0.9, 0, 2])
    assert found[1].tolist() == pytest.approx([40, 40, 60, 60, 0.8, 1, 3])
    assert not found[2:].any()


def test_classes_can_be_compared_with_each_other():
    decoded = detections([50, 50, 20, 20, 0.9, 0], [50, 50, 20, 20, 0, 0.8])
    apart = remove_duplicates(decoded, metadata(max_det=2))[0, :, 4]
    together = remove_duplicates(decoded, metadata(max_det=2, agnostic_nms=True))[0, :, 4]
    assert apart.tolist() == pytest.approx([0.9, 0.8])
    assert together.tolist() == pytest.approx([0.9, 0])


def test_rows_are_cut_and_filled_up():
    boxes = [[100 * i, 0, 10, 10, 0.3 + 0.1 * i, 0] for i in range(5)]
    three = remove_duplicates(detections(*boxes), metadata(max_det=3))[0]
    assert three[:, 4].tolist() == pytest.approx([0.7, 0.6, 0.5])
    nothing = remove_duplicates(detections(*boxes), metadata(conf=0.99, max_det=3))[0]
    assert nothing.shape == (3, 6)
    assert not nothing.any()


def test_many_classes_far_from_the_origin_are_kept_apart():
    names = {i: str(i) for i in range(80)}
    decoded = torch.zeros(1, 84, 80)
    decoded[0, 0], decoded[0, 1], decoded[0, 2], decoded[0, 3] = -300.0, 5000.0, 100.0, 100.0
    decoded[0, 4:] = torch.eye(80) * 0.9
    found = remove_duplicates(decoded, metadata(names=names))[0]
    assert sorted(found[:80, 5].tolist()) == list(range(80))
    assert not found[80:].any()
