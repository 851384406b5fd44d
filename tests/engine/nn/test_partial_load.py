import pytest
import torch
from torch import nn

from engine.nn.partial_load import LoadReport, check_finite, load_fitting, parts_of, unwrapped
from engine.nn.tasks import build_model
from engine.runtime.errors import CheckpointError


def made(name, **more):
    return build_model(name, verbose=False, **more)


@pytest.fixture(scope="module")
def detector():
    torch.manual_seed(0)
    return made("yolo11n.yaml", nc=80)


def test_other_classes_leave_the_class_scores(detector):
    report = load_fitting(made("yolo11n.yaml", nc=2), detector.state_dict())
    # below 100 classes their hidden channels follow the number of classes only where it is the larger
    assert report.parts == ("the head's class scores",)
    assert set(report.misfits) == set(report.initial)
    assert all(".23.cv3." in name for name in report.initial)
    assert f"{len(report.initial)} stay at their initial values (the head's class scores)" in str(
        report
    )


@pytest.mark.parametrize(
    ("name", "parts"),
    [
        ("yolo11n-seg.yaml", {"the head's mask prototypes", "the head's mask coefficients"}),
        ("yolo11n-pose.yaml", {"the head's keypoints"}),
        ("yolo11n-obb.yaml", {"the head's angles"}),
    ],
)
def test_another_task_keeps_what_both_have(detector, name, parts):
    model = made(name, nc=80)
    report = load_fitting(model, detector.state_dict())
    assert set(report.parts) == parts
    assert report.unused == ()
    assert torch.equal(model.model[0].conv.weight, detector.model[0].conv.weight)
    assert torch.equal(model.head.cv2[0][2].weight, detector.head.cv2[0][2].weight)
    back = load_fitting(made("yolo11n.yaml", nc=80), model.state_dict())
    assert back.initial == ()
    assert str(back).endswith(f"{len(back.unused)} of the weights have no place in this model")


def test_a_head_with_nothing_in_common_is_named_whole(detector):
    report = load_fitting(made("yolo11n-cls.yaml"), detector.state_dict())
    assert report.parts[0] == "the whole head, Classify"
    assert len(report.loaded) > 100


def test_the_side_without_nms_is_told_apart():
    torch.manual_seed(0)
    model = made("yolo26n.yaml", nc=3)
    plain = {k: v for k, v in model.state_dict().items() if "one2one" not in k}
    report = load_fitting(made("yolo26n.yaml", nc=3), plain)
    assert report.parts == ("the head's boxes without NMS", "the head's class scores without NMS")
    other = load_fitting(made("yolo26n.yaml", nc=4), model.state_dict())
    assert other.parts == ("the head's class scores",)


def test_layers_are_named_up_to_three(detector):
    state = detector.state_dict()
    one = {k: v for k, v in state.items() if not k.startswith("model.5.")}
    assert load_fitting(made("yolo11n.yaml"), one).parts == ("layer 5 (Conv)",)
    few = {k: v for k, v in state.items() if k.startswith("model.23.")}
    report = load_fitting(made("yolo11n.yaml"), few)
    assert report.parts[:3] == ("layer 0 (Conv)", "layer 1 (Conv)", "layer 2 (C3k2)")
    assert report.parts[3] == "14 more layers"


def test_numbers_of_another_kind_do_not_fit():
    model = nn.Sequential(nn.Linear(2, 1), nn.BatchNorm1d(1))
    weight = model[0].weight.detach().clone()
    wrong = {
        "0.weight": torch.ones(1, 2, dtype=torch.complex64),
        "0.bias": torch.ones(1, dtype=torch.int64),
        "1.weight": torch.full((1,), 3.0).half(),
        "1.num_batches_tracked": torch.tensor(7, dtype=torch.int32),
    }
    report = load_fitting(model, wrong)
    assert set(report.loaded) == {"1.weight", "1.num_batches_tracked"}
    assert report.misfits == ("0.weight", "0.bias")
    assert torch.equal(model[0].weight, weight)
    assert model[1].weight.item() == 3.0


def test_wrappers_of_names_are_taken_off():
    state = {"_orig_mod.module.a.weight": torch.ones(1), "_orig_mod.module.b": torch.ones(1)}
    assert set(unwrapped(state)) == {"a.weight", "b"}
    mixed = {"module.a": torch.ones(1), "b": torch.ones(1)}
    assert unwrapped(mixed) == mixed
    assert unwrapped({}) == {}


def test_models_of_other_builds_are_told_by_their_modules():
    assert parts_of(nn.Linear(1, 1), ["a.weight", "a.bias", "b.weight"]) == ("a", "b")
    assert parts_of(nn.Linear(1, 1), [f"{c}.w" for c in "abcde"])[-1] == "..."
    assert str(LoadReport(("x",), missing=("y.w",))) == (
        "1 of 2 tensors fitted; 1 stay at their initial values (y)"
    )


@pytest.mark.parametrize("value", [float("nan"), float("inf"), float("-inf")])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float16, torch.bfloat16, torch.float64])
def test_what_is_no_number_is_found(tmp_path, value, dtype):
    tensors = {"a": torch.zeros(3, dtype=dtype), "b": torch.arange(3), "c": torch.zeros(2, 2)}
    check_finite(tensors, tmp_path)
    tensors["a"][1] = value
    with pytest.raises(CheckpointError, match=r"NaN or infinity in 1 of 3 tensors, first a.*lr0"):
        check_finite(tensors, tmp_path)


def test_large_numbers_are_numbers(tmp_path):
    check_finite({"a": torch.full((1000,), 60000.0).half(), "b": torch.full((9,), 3e38)}, tmp_path)
