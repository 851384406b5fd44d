import zipfile
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from engine.nn import foreign
from engine.nn.checkpoint import load_checkpoint, save_checkpoint
from engine.nn.inert import Inert
from engine.nn.tasks import DetectionModel, SegmentationModel
from engine.runtime.errors import CheckpointError
from tests.recorded import read_arrays


def _tree(module, name="", root=None):
    """Make the inert tree that a pickled module becomes."""
    kind = type(module).__name__ if root is None else root
    prefix = "torch.nn.modules" if type(module).__module__.startswith("torch") else "ultralytics.nn"
    state = {k: v for k, v in vars(module).items() if not k.startswith("_")}
    state["_parameters"] = dict(module._parameters)
    state["_buffers"] = dict(module._buffers)
    state["_modules"] = {k: v if v is None else _tree(v) for k, v in module._modules.items()}
    return Inert(f"{prefix}.{kind}", state=state)


@pytest.fixture
def detector():
    torch.manual_seed(0)
    model = DetectionModel("yolo11n.yaml", nc=2, verbose=False)
    model.names = {0: "a", 1: "b"}
    return model


def test_a_tree_becomes_our_model(detector, tmp_path):
    built = foreign.build_from_tree(_tree(detector), tmp_path / "x.pt")
    assert built.names == {0: "a", 1: "b"}
    x = torch.rand(1, 3, 64, 64)
    with torch.no_grad():
        torch.testing.assert_close(built.eval()(x)[0], detector.eval()(x)[0])


def test_a_fused_tree_becomes_a_fused_model(detector, tmp_path):
    built = foreign.build_from_tree(_tree(detector.fuse()), tmp_path / "x.pt")
    assert built.is_fused()


def test_the_average_is_taken_before_the_model():
    one, two = Inert("a.DetectionModel"), Inert("a.DetectionModel")
    assert foreign.find_tree({"model": one, "ema": two}) is two
    assert foreign.find_tree({"model": one, "ema": None}) is one
    assert foreign.find_tree({"model": {}}) is None
    assert foreign.find_tree([1]) is None


def _change_activation(tree):
    conv = tree.state["_modules"]["model"].state["_modules"]["0"]
    conv.state["_modules"]["act"] = Inert("torch.nn.ReLU")


def _change_eps(tree):
    layer = tree.state["_modules"]["model"].state["_modules"]["0"]
    layer.state["_modules"]["bn"].state["eps"] = 1e-5


def _drop_tensor(tree):
    layer = tree.state["_modules"]["model"].state["_modules"]["0"]
    layer.state["_modules"]["conv"].state["_parameters"] = {}


def _unknown_layer(tree):
    rows = [[-1, 1, "Twister", [3]], *tree.state["yaml"]["head"]]
    tree.state["yaml"] = {**tree.state["yaml"], "head": rows}


def _unknown_head(tree):
    tree.state["yaml"] = {**tree.state["yaml"], "head": [[-1, 1, "Twister", [3]]]}


def _head_of_another_task(tree):
    rows = tree.state["yaml"]["head"][:-1]
    tree.state["yaml"] = {**tree.state["yaml"], "head": [*rows, [-1, 1, "Classify", ["nc"]]]}


def _endless(tree):
    tree.state["_modules"]["model"].state["_modules"]["0"] = tree


def _countless(tree):
    part = Inert("torch.nn.Identity")
    for _ in range(12):
        part = Inert("torch.nn.Sequential", state={"_modules": dict.fromkeys("abcdefghij", part)})
    tree.state["_modules"]["more"] = part


def _no_table(tree):
    tree.state["_modules"]["model"].state["_parameters"] = ["weight"]


def _not_a_number(tree):
    layer = tree.state["_modules"]["model"].state["_modules"]["0"]
    layer.state["_modules"]["conv"].state["_parameters"]["weight"].data[0, 0, 0, 0] = torch.nan


def _no_description(tree):
    tree.state["yaml"] = None


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (_change_activation, "model.0.act is 'ReLU'.*Export it to ONNX where it was made"),
        (_change_eps, "model.0.bn.eps is 1e-05"),
        (_drop_tensor, "1 differ, first model.0.conv.weight"),
        (_unknown_layer, "there is no module 'Twister'"),
        (_unknown_head, "the last layer is 'Twister', expected one of the heads Detect"),
        (_head_of_another_task, "holds a DetectionModel, but describes a ClassificationModel"),
        (_endless, "nested too deep or too many for a model"),
        (_countless, "nested too deep or too many for a model"),
        (_no_table, "its Sequential is damaged: _parameters is none"),
        (_not_a_number, "NaN or infinity in 1 of 499 tensors, first model.0.conv.weight"),
        (_no_description, "has no description"),
    ],
)
def test_models_that_would_give_something_else_are_refused(detector, tmp_path, change, message):
    tree = _tree(detector)
    change(tree)
    with pytest.raises(CheckpointError, match=message):
        foreign.build_from_tree(tree, tmp_path / "x.pt")


def test_other_kinds_of_model_are_named(tmp_path):
    tree = Inert("ultralytics.nn.tasks.DepthModel")
    with pytest.raises(
        CheckpointError, match=r"holds a DepthModel.*It can build: DetectionModel, Seg"
    ):
        foreign.build_from_tree(tree, tmp_path / "x.pt")


def test_names_are_completed():
    assert foreign.names_of(["a", "b"], 3) == {0: "a", 1: "b", 2: "2"}
    assert foreign.names_of({"0": "a"}, 1) == {0: "a"}
    assert foreign.names_of(None, 1) == {0: "0"}


def test_inert_values_become_plain():
    inert = Inert("x.Namespace", state={"imgsz": 64, "more": [(1, {2})]})
    assert foreign.plain({"args": inert}) == {"args": {"imgsz": 64, "more": [[1, [2]]]}}


def _flat(final, raw):
    decoded, proto = final
    return {
        "0.0": decoded,
        "0.1": proto,
        **{f"1.{k}": raw[k] for k in ("boxes", "scores", "mask_coefficient", "proto")},
    }


def test_reference_checkpoint_gives_the_reference_outputs(shared_dir, tmp_path):
    found = load_checkpoint(shared_dir / "vectors" / "yolo11n-seg.pt")
    assert isinstance(found.model, SegmentationModel)
    assert found.software == "ultralytics 8.4.190"
    assert (found.task, found.epoch, found.names[79]) == ("segment", -1, "toothbrush")
    assert found.train_args["imgsz"] == 160
    assert not found.is_resumable
    assert len(found.results["epoch"]) == 60
    assert "metrics/mAP50-95(M)" in found.metrics
    arrays = read_arrays(shared_dir / "vectors" / "yolo11n-seg.npz")
    images = torch.from_numpy(arrays["input"])
    with torch.inference_mode():
        outputs = _flat(*found.model(images))
        again = load_checkpoint(save_checkpoint(tmp_path / "ours.pt", found.model)).model
        saved = _flat(*again(images))
        fused = _flat(*found.model.fuse()(images))
    for key, tensor in outputs.items():
        expected = arrays[f"unfused.{key}"]
        # box coordinates reach 480 pixels, where float32 itself steps by 3e-5
        tolerance = 3e-4 if key == "0.0" else 1e-4
        np.testing.assert_allclose(tensor.numpy(), expected, rtol=0, atol=tolerance, err_msg=key)
        torch.testing.assert_close(saved[key], tensor, rtol=0, atol=0)
    np.testing.assert_allclose(fused["0.0"].numpy(), arrays["fused.0.0"], rtol=0, atol=1e-3)


def _rewritten(source, target, changes):
    """Copy a checkpoint with other bytes in its pickle."""
    with zipfile.ZipFile(source) as archive, zipfile.ZipFile(target, "w") as out:
        for part in archive.infolist():
            content = archive.read(part)
            if part.filename.endswith("data.pkl"):
                for old, new in changes.items():
                    assert old in content
                    content = content.replace(old, new)
            out.writestr(part.filename, content)
    return target


def _answer(model):
    with torch.no_grad():
        return model.eval()(torch.full((1, model.yaml["channels"], 64, 64), 0.3))[0]


@pytest.mark.parametrize("legacy", [False, True])
@pytest.mark.parametrize("form", ["plain", "half", "fused", "gray"])
def test_files_in_the_other_layout_give_the_same_answers(tmp_path, write_foreign, legacy, form):
    torch.manual_seed(0)
    model = DetectionModel("yolo11n.yaml", ch=1 if form == "gray" else 3, nc=5, verbose=False)
    model.names = dict(enumerate("abcde"))
    model = model.fuse() if form == "fused" else model.half() if form == "half" else model
    path = write_foreign(model, tmp_path / "a.pt", legacy=legacy)
    found = load_checkpoint(path)
    assert (found.task, found.names, found.model.nc) == ("detect", model.names, 5)
    assert found.model.yaml["channels"] == model.yaml["channels"]
    assert found.model.is_fused() is (form == "fused")
    assert (found.software, found.train_args) == ("ultralytics 8.4.0", {"imgsz": 64})
    assert next(found.model.parameters()).dtype is torch.float32
    torch.testing.assert_close(_answer(found.model), _answer(model.float()), rtol=0, atol=0)


def test_class_paths_of_the_first_releases_are_known(tmp_path, write_foreign, detector):
    path = write_foreign(detector, tmp_path / "a.pt")
    old = _rewritten(
        path,
        tmp_path / "old.pt",
        {
            b"cultralytics.nn.modules.block\n": b"cultralytics.nn.modules\n",
            b"cultralytics.nn.tasks\n": b"cultralytics.yolo.engine.tasks\n",
        },
    )
    torch.testing.assert_close(_answer(load_checkpoint(old).model), _answer(detector))


def test_a_class_that_is_no_class_of_models_is_refused(tmp_path, write_foreign, detector):
    path = write_foreign(detector, tmp_path / "a.pt")
    change = {b"cultralytics.nn.modules.block\nConv\n": b"csubprocess\nPopen\n"}
    bad = _rewritten(path, tmp_path / "bad.pt", change)
    with pytest.raises(CheckpointError, match=r"would run code: it asks for subprocess.Popen,"):
        load_checkpoint(bad)


def test_the_state_of_a_training_is_read(tmp_path, write_foreign, detector):
    optimizer = {
        "state": {0: {"step": torch.tensor(3.0), "exp_avg": torch.ones(2)}},
        "param_groups": [{"lr": 0.01, "param_group": "weight", "params": [0]}],
    }
    path = write_foreign(
        detector,
        tmp_path / "last.pt",
        epoch=4,
        best_fitness=np.float64(0.25),
        updates=17,
        optimizer=optimizer,
        scaler={"scale": 2.0},
        train_args=SimpleNamespace(imgsz=96, project=Path("runs") / "a"),
        train_metrics={"fitness": np.float32(0.5)},
        train_results={"epoch": [0, 1]},
    )
    found = load_checkpoint(path)
    assert found.is_resumable
    assert (found.epoch, found.best_fitness, found.updates) == (4, 0.25, 17)
    assert found.optimizer["param_groups"] == optimizer["param_groups"]
    assert torch.equal(found.optimizer["state"][0]["exp_avg"], torch.ones(2))
    assert (found.scaler, found.metrics) == ({"scale": 2.0}, {"fitness": 0.5})
    assert found.train_args == {"imgsz": 96, "project": "runs/a"}
    assert found.results == {"epoch": [0, 1]}


@pytest.mark.parametrize(
    ("more", "expected"),
    [
        ({"epoch": "many", "best_fitness": float("nan"), "updates": None}, (-1, None, 0)),
        ({"epoch": [3], "best_fitness": {}, "updates": "x"}, (-1, None, 0)),
        ({"epoch": torch.tensor(2), "best_fitness": torch.tensor(0.5)}, (2, 0.5, 0)),
    ],
)
def test_facts_of_another_kind_are_left_out(tmp_path, write_foreign, detector, more, expected):
    path = write_foreign(detector, tmp_path / "a.pt", train_args=5, version=7, **more)
    found = load_checkpoint(path)
    assert (found.epoch, found.best_fitness, found.updates) == expected
    assert (found.train_args, found.software) == ({}, "ultralytics")


def test_a_model_inside_a_wrapper_is_found(tmp_path, detector):
    tree = _tree(detector)
    wrapped = Inert(
        "torch.nn.parallel.data_parallel.DataParallel", state={"_modules": {"module": tree}}
    )
    compiled = Inert(
        "torch._dynamo.eval_frame.OptimizedModule", state={"_modules": {"_orig_mod": wrapped}}
    )
    assert foreign.find_tree({"model": compiled}) is tree
    assert foreign.find_tree(tree) is tree


def test_what_a_model_file_shares_with_itself_is_converted_once():
    nested = ["x"]
    for _ in range(40):
        nested = [nested, nested]
    made = foreign.plain({"a": nested})["a"]
    assert made[0] is made[1]
    loop = [1]
    loop.append(loop)
    assert foreign.plain(loop) == [1, None]
    assert foreign.names_of({0: nested, 1: "b"}, 2) == {0: "0", 1: "b"}
