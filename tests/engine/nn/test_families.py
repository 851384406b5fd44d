"""Every family at every scale: sizes always, and keys, shapes and sizes as recorded where the record is."""

import copy
import gzip
import json

import pytest
import torch

from engine.cfg.model_yaml import find_model_yaml, join_scale, model_names
from engine.nn.tasks import build_model

# parameters at the scales n, s, m, l, x with each description's own number of classes, as published;
# of yolo11-semseg, whose head is our own, as first built
PARAMETERS = {
    "yolo11": (2_624_080, 9_458_752, 20_114_688, 25_372_160, 56_966_176),
    "yolo11-seg": (2_876_848, 10_113_248, 22_420_896, 27_678_368, 62_142_656),
    "yolo11-cls": (2_812_104, 6_724_008, 11_634_216, 14_115_624, 29_637_064),
    "yolo11-pose": (2_908_507, 9_948_811, 20_973_273, 26_230_745, 58_889_881),
    "yolo11-obb": (2_695_747, 9_744_931, 20_963_523, 26_220_995, 58_875_331),
    "yolo26": (2_572_280, 10_009_784, 21_896_248, 26_299_704, 58_993_368),
    "yolo26-seg": (3_126_280, 11_505_800, 27_112_072, 31_515_528, 70_693_800),
    "yolo26-sem": (1_632_902, 6_503_142, 14_317_670, 17_867_110, 40_157_702),
    "yolo26-cls": (2_812_104, 6_724_008, 11_634_216, 14_115_624, 29_637_064),
    "yolo26-pose": (3_747_554, 11_870_498, 24_344_482, 28_747_938, 62_914_350),
    "yolo26-obb": (2_715_614, 10_582_142, 23_593_918, 27_997_374, 62_811_678),
    "yolov8": (3_157_200, 11_166_560, 25_902_640, 43_691_520, 68_229_648),
    "yolov8-seg": (3_409_968, 11_821_056, 27_285_968, 45_997_728, 71_827_888),
    "yolov8-cls": (2_719_288, 6_361_736, 17_053_336, 37_480_744, 57_422_840),
    "yolov8-pose": (3_295_470, 11_626_046, 26_464_462, 44_489_196, 69_491_724),
    "yolov8-obb": (3_228_867, 11_452_739, 26_463_235, 44_540_355, 69_555_651),
    "yolo12": (2_602_288, 9_284_096, 20_199_168, 26_450_784, 59_210_784),
    "yolo12-seg": (2_855_056, 9_938_592, 22_505_376, 28_756_992, 64_387_264),
    "yoloe-11": (5_005_286, 13_055_542, 27_588_598, 32_846_070, 71_168_022),
    "yoloe-11-seg": (5_258_054, 13_710_038, 29_894_806, 35_152_278, 76_344_502),
    "yoloe-26": (5_061_540, 13_776_836, 29_706_308, 34_109_764, 73_697_252),
    "yoloe-26-seg": (5_615_540, 15_272_852, 34_922_132, 39_325_588, 85_397_684),
    "yoloe-v8-seg": (5_791_174, 15_417_846, 32_710_726, 53_471_638, 82_350_374),
}
OUR_OWN = "yolo11-semseg"
SCALES = "nsmlx"


def layout(model):
    return [
        [key, list(tensor.shape), str(tensor.dtype).removeprefix("torch.")]
        for key, tensor in model.state_dict().items()
    ]


def size(model):
    return sum(p.numel() for p in model.parameters())


@pytest.fixture(scope="module")
def record(shared_dir):
    packed = (shared_dir / "facts" / "models.json.gz").read_bytes()
    return json.loads(gzip.decompress(packed))["models"]


def test_the_table_names_every_description():
    families = {join_scale(f"{name}.yaml", s) for name in (*PARAMETERS, OUR_OWN) for s in SCALES}
    assert families == set(model_names())


@pytest.mark.parametrize("family", PARAMETERS)
def test_every_scale_has_the_published_size(family):
    # shapes are all that is asked for: without memory behind them the largest scales cost nothing
    with torch.device("meta"):
        for scale, parameters in zip(SCALES, PARAMETERS[family], strict=True):
            model = build_model(join_scale(f"{family}.yaml", scale), verbose=False)
            assert size(model) == parameters, scale


@pytest.mark.parametrize("family", PARAMETERS)
def test_keys_shapes_and_layers_are_the_recorded_ones(family, record):
    facts = record[family]
    model = build_model(join_scale(f"{family}.yaml", "n"), verbose=False)
    assert layout(model) == facts["state_dict"]
    assert [name for name, _ in model.named_parameters()] == facts["parameter_names"]
    assert [layer.np for layer in model.model] == [row[3] for row in facts["layers_printed"]]
    assert model.save == sorted(set(facts["save"]))
    assert model.stride.tolist() == facts["head_facts"]["stride"]
    assert type(model).__name__ == facts["class"]
    description = find_model_yaml(join_scale(f"{family}.yaml", "n"))
    assert description["scales"] == facts["scales"]
    told = facts["yaml_top_level"]
    assert {k: v for k, v in model.yaml.items() if k in told} == told


@pytest.mark.parametrize("family", PARAMETERS)
def test_fused_keys_and_sizes_are_the_recorded_ones(family, record):
    facts = record[family]
    model = build_model(join_scale(f"{family}.yaml", "n"), verbose=False).fuse()
    assert layout(model) == facts["state_dict_fused"]
    assert size(model) == facts["params_fused"]


@pytest.mark.parametrize("family", [*PARAMETERS, OUR_OWN])
def test_every_family_runs_and_fusing_changes_nothing(family):
    torch.manual_seed(0)
    model = build_model(join_scale(f"{family}.yaml", "n"), verbose=False).eval()
    with torch.no_grad():
        for module in model.modules():
            if isinstance(module, torch.nn.BatchNorm2d):
                module.running_mean.normal_(0, 0.1)
                module.running_var.uniform_(0.5, 1.5)
        images = torch.rand(1, 3, 64, 96)
        plain, fused = model(images), copy.deepcopy(model).fuse()(images)
    for before, after in zip(finals(plain), finals(fused), strict=True):
        assert before.isfinite().all()
        torch.testing.assert_close(after, before, rtol=1e-3, atol=1e-3)


def finals(output):
    """The final tensors of whatever a model returns in eval mode."""
    final = output[0] if isinstance(output, tuple) else output
    return final if isinstance(final, tuple) else (final,)
