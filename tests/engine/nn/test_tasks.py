import copy
import gzip
import json
from types import SimpleNamespace

import pytest
import torch

from engine.nn.fuse import fuse_conv_and_bn
from engine.nn.modules.conv import Conv
from engine.nn.tasks import (
    DetectionModel,
    SegmentationModel,
    build_model,
    guess_task,
    load_fitting,
)
from engine.runtime.errors import ModelError

# parameters with 80 classes, as published
PARAMETERS = {
    "yolo11n": 2_624_080,
    "yolo11s": 9_458_752,
    "yolo11m": 20_114_688,
    "yolo11l": 25_372_160,
    "yolo11x": 56_966_176,
    "yolo11n-seg": 2_876_848,
    "yolo11s-seg": 10_113_248,
    "yolo11m-seg": 22_420_896,
    "yolo11l-seg": 27_678_368,
    "yolo11x-seg": 62_142_656,
}
PARAMETERS_FUSED = {"yolo11n": 2_616_248, "yolo11n-seg": 2_868_664}


@pytest.mark.parametrize("name", PARAMETERS)
def test_every_scale_has_the_published_size_and_strides(name):
    model = build_model(f"{name}.yaml", verbose=False)
    assert sum(p.numel() for p in model.parameters()) == PARAMETERS[name]
    assert model.stride.tolist() == [8, 16, 32]
    assert model.task == ("segment" if name.endswith("-seg") else "detect")
    assert model.names == {i: str(i) for i in range(80)}
    assert model.training


@pytest.mark.parametrize("name", PARAMETERS_FUSED)
def test_state_dict_keys_are_the_recorded_ones(name, shared_dir):
    facts = json.loads(gzip.decompress((shared_dir / "facts" / "models.json.gz").read_bytes()))
    facts = facts["models"][name.replace("11n", "11")]
    model = build_model(f"{name}.yaml", verbose=False)

    def layout():
        return [
            [key, list(tensor.shape), str(tensor.dtype).removeprefix("torch.")]
            for key, tensor in model.state_dict().items()
        ]

    assert layout() == facts["state_dict"]
    assert [key for key, p in model.named_parameters() if not p.requires_grad] == facts[
        "requires_grad_false"
    ]
    assert [layer.np for layer in model.model] == [row[3] for row in facts["layers_printed"]]
    assert model.save == facts["save"]
    for scale, total in facts["params"].items():
        assert PARAMETERS[name.replace("11n", f"11{scale}")] == total
    assert model.fuse() is model
    assert layout() == facts["state_dict_fused"]
    assert (
        sum(p.numel() for p in model.parameters())
        == PARAMETERS_FUSED[name]
        == facts["params_fused"]
    )


@pytest.fixture(scope="module")
def segmenter():
    torch.manual_seed(0)
    model = SegmentationModel("yolo11n-seg.yaml", nc=3, verbose=False)
    for module in model.modules():  # statistics as after some training, so that folding is tested
        if isinstance(module, Conv):
            module.bn.running_mean.uniform_(-0.3, 0.3)
            module.bn.running_var.uniform_(0.5, 1.5)
            module.bn.weight.data.uniform_(0.8, 1.2)
    return model.eval()


def test_outputs_have_the_agreed_form(segmenter):
    images = torch.rand(2, 3, 64, 96)
    cells = 8 * 12 + 4 * 6 + 2 * 3
    with torch.no_grad():
        (final, proto), raw = segmenter(images)
    assert final.shape == (2, 4 + 3 + 32, cells)
    assert proto.shape == (2, 32, 16, 24)
    shapes = {k: tuple(v.shape) for k, v in raw.items() if k != "feats"}
    assert shapes == {
        "boxes": (2, 64, cells),
        "scores": (2, 3, cells),
        "mask_coefficient": (2, 32, cells),
        "proto": (2, 32, 16, 24),
    }
    raw = copy.deepcopy(segmenter).train()(images)
    assert list(raw) == ["boxes", "scores", "feats", "mask_coefficient", "proto"]


def test_fused_and_channels_last_give_the_same(segmenter):
    images = torch.rand(1, 3, 64, 64)
    fused = copy.deepcopy(segmenter).fuse()
    assert fused.is_fused()
    assert not segmenter.is_fused()
    last = copy.deepcopy(segmenter).to(memory_format=torch.channels_last)
    with torch.no_grad():
        (expected, proto), _ = segmenter(images)
        for other in (fused, last):
            (final, other_proto), _ = other(images)
            torch.testing.assert_close(final, expected, rtol=1e-4, atol=1e-3)
            torch.testing.assert_close(other_proto, proto, rtol=1e-4, atol=1e-4)


def test_folding_one_convolution_is_exact():
    torch.manual_seed(0)
    block = Conv(4, 6, 3, 2, g=2, act=False).eval().double()
    block.bn.running_mean.normal_()
    block.bn.running_var.uniform_(0.5, 2)
    x = torch.rand(1, 4, 9, 9, dtype=torch.float64)
    torch.testing.assert_close(fuse_conv_and_bn(block.conv, block.bn)(x), block(x))


def test_building_leaves_the_statistics_fresh():
    model = DetectionModel("yolo11n.yaml", verbose=False)
    statistics = {k: v for k, v in model.state_dict().items() if "running_mean" in k}
    assert statistics
    assert all(not v.any() for v in statistics.values())
    assert not any(v.any() for k, v in model.state_dict().items() if "num_batches" in k)


def test_classes_and_channels_can_be_given():
    model = DetectionModel("yolo11n.yaml", ch=1, nc=2, verbose=False)
    assert (model.nc, model.yaml["nc"], model.yaml["channels"]) == (2, 2, 1)
    assert model.eval()(torch.rand(1, 1, 64, 64))[0].shape == (1, 6, 84)


def test_a_model_is_built_again_from_its_own_description():
    model = DetectionModel("yolo11s.yaml", nc=4, verbose=False)
    again = build_model(model.yaml, verbose=False)
    assert load_fitting(again, model.state_dict()).initial == ()
    assert again.nc == 4


def test_every_task_is_guessed_from_its_head():
    assert guess_task({"head": [[[1], 1, "Segment", []]]}) == "segment"
    with pytest.raises(
        ModelError, match="the last layer is 'Conv', expected one of the heads Detect"
    ):
        guess_task({"head": [[-1, 1, "Conv", [3]]]})


def test_weights_of_another_class_count_say_what_fitted():
    torch.manual_seed(1)
    three, one = (DetectionModel("yolo11n.yaml", nc=nc, verbose=False) for nc in (3, 1))
    before = three.head.cv3[0][2].weight.clone()
    report = three.load(one)
    assert report.misfits == tuple(
        f"model.23.cv3.{level}.2.{kind}" for level in range(3) for kind in ("weight", "bias")
    )
    assert report.missing == report.unused == ()
    total = len(three.state_dict())
    assert str(report) == (
        f"{total - 6} of {total} tensors fitted; 6 stay at their initial values "
        "(the head's class scores)"
    )
    assert torch.equal(three.head.cv3[0][2].weight, before)
    assert torch.equal(three.model[0].conv.weight, one.model[0].conv.weight)


def test_weights_of_another_task_fit_as_far_as_names_agree():
    segment = SegmentationModel("yolo11n-seg.yaml", nc=1, verbose=False)
    detect = DetectionModel("yolo11n.yaml", nc=1, verbose=False)
    report = segment.load(detect.state_dict())
    assert {name.split(".")[2] for name in report.missing} == {"proto", "cv4"}
    back = detect.load(segment)
    assert back.initial == ()
    assert {name.split(".")[2] for name in back.unused} == {"proto", "cv4"}


def _batch(images):
    return {
        "img": images,
        "cls": torch.tensor([[0.0], [1.0]]),
        "bboxes": torch.tensor([[0.5, 0.5, 0.5, 0.5], [0.4, 0.4, 0.6, 0.3]]),
        "batch_idx": torch.tensor([0.0, 1.0]),
        "masks": torch.ones(len(images), images.shape[2] // 4, images.shape[3] // 4),
    }


@pytest.mark.parametrize(("name", "parts"), [("yolo11n.yaml", 3), ("yolo11n-seg.yaml", 5)])
def test_a_batch_gives_its_loss_in_training_and_in_eval(name, parts):
    torch.manual_seed(0)
    model = build_model(name, nc=2, verbose=False)
    model.args = SimpleNamespace(box=7.5, cls=0.5, dfl=1.5, overlap_mask=True, label_smoothing=0.0)
    batch = _batch(torch.rand(2, 3, 64, 64))
    total, items = model(batch)
    total.sum().backward()
    assert items.shape == (parts,)
    assert torch.isfinite(items).all()
    assert model.model[0].conv.weight.grad.abs().sum() > 0
    model.eval()
    with torch.no_grad():
        direct = model.loss(batch)[1]
        given = model.loss(batch, model(batch["img"]))[1]
    torch.testing.assert_close(direct, given)
    assert copy.deepcopy(model)._criterion is None


def test_a_loss_without_arguments_says_so():
    with pytest.raises(ModelError, match=r"Set model.args"):
        DetectionModel("yolo11n.yaml", nc=1, verbose=False).loss({"img": torch.rand(1, 3, 64, 64)})


def test_info_counts_layers_parameters_and_operations(caplog):
    caplog.set_level("INFO", "engine")
    model = SegmentationModel("yolo11n-seg.yaml")
    assert "yolo11n-seg summary" in caplog.text
    assert "2,876,848 parameters, 2,876,832 gradients, 9.8 GFLOPs" in caplog.text
    assert sum("Conv" in r.getMessage() for r in caplog.records) >= 7  # the table of layers
    found = model.info(imgsz=320)
    assert found.gflops == pytest.approx(9.79 / 4, rel=0.02)
    assert not any(p.is_meta for p in model.parameters())
