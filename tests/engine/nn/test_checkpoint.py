import copy
from enum import StrEnum
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from engine.cfg.weights import find_weights
from engine.nn import checkpoint
from engine.nn.checkpoint import load_checkpoint, save_checkpoint, strip_checkpoint
from engine.nn.tasks import DetectionModel, SegmentationModel, build_model
from engine.runtime.errors import CheckpointError, MissingCheckpointError
from engine.runtime.settings import settings


@pytest.fixture(scope="module")
def model():
    torch.manual_seed(0)
    built = SegmentationModel("yolo11n-seg.yaml", nc=2, verbose=False)
    built.names = {0: "nut", 1: "bolt"}
    return built


def test_everything_comes_back(model, tmp_path):
    optimizer = torch.optim.AdamW(model.parameters(), lr=0.01)
    model.train()(torch.rand(1, 3, 64, 64))["boxes"].sum().backward()
    optimizer.step()
    ema = copy.deepcopy(model)
    ema.model[0].conv.weight.data += 1
    path = save_checkpoint(
        tmp_path / "new" / "last.pt",
        model,
        ema=ema,
        updates=12,
        optimizer=optimizer.state_dict(),
        scaler={"scale": 1024.0},
        epoch=3,
        best_fitness=np.float64(0.5),
        train_args=SimpleNamespace(imgsz=64, data=Path("a/data.yaml"), lr0=0.01),
        metrics={"metrics/mAP50(B)": np.float32(0.25)},
        results={"epoch": [0, 1]},
        dataset_version={"hash": "abc"},
        extra={"random": (1, [2, 3], torch.ones(2))},
    )
    assert [p.name for p in path.parent.iterdir()] == ["last.pt"]
    found = load_checkpoint(path)
    assert (found.task, found.names, found.epoch, found.updates) == ("segment", model.names, 3, 12)
    assert found.train_args == {"imgsz": 64, "data": str(Path("a") / "data.yaml"), "lr0": 0.01}
    assert (found.best_fitness, found.metrics) == (0.5, {"metrics/mAP50(B)": 0.25})
    assert (found.results, found.scaler) == ({"epoch": [0, 1]}, {"scale": 1024.0})
    assert found.dataset_version == {"hash": "abc"}
    assert found.extra["random"][1] == [2, 3]
    assert found.software.startswith("maskwright ")
    assert found.is_resumable
    assert found.yaml == model.yaml
    # the average is what is used, the trained weights are what training goes on from
    assert torch.equal(found.model.model[0].conv.weight, ema.model[0].conv.weight)
    assert torch.equal(found.weights["model.0.conv.weight"], model.model[0].conv.weight)
    assert torch.equal(found.ema["model.0.conv.weight"], ema.model[0].conv.weight)
    assert found.model.args.imgsz == 64
    assert not found.model.training
    fresh = torch.optim.AdamW(model.parameters(), lr=0.5)
    fresh.load_state_dict(found.optimizer)
    stored = optimizer.state_dict()
    assert fresh.state_dict()["param_groups"] == stored["param_groups"]
    first = stored["state"][0]["exp_avg"]
    assert torch.equal(fresh.state_dict()["state"][0]["exp_avg"], first)


def test_the_file_opens_without_this_program(model, tmp_path):
    path = save_checkpoint(tmp_path / "a.pt", model, extra={"a": {1, 2}})
    values = torch.load(path, weights_only=True)
    assert values["task"] == "segment"
    assert values["names"] == {0: "nut", 1: "bolt"}
    assert values["extra"]["a"] == [1, 2]
    assert set(values["model"]) == set(model.state_dict())


class _Word(StrEnum):
    A = "a"


def test_children_of_plain_types_are_stored_as_plain(model, tmp_path):
    path = save_checkpoint(tmp_path / "a.pt", model, train_args={"word": _Word.A, "n": np.int64(3)})
    args = torch.load(path, weights_only=True)["train_args"]
    assert args == {"word": "a", "n": 3}
    assert [type(v) for v in args.values()] == [str, int]


@pytest.mark.parametrize("value", [object(), lambda: 1, np.zeros(2), torch.nn.Linear(1, 1)])
def test_what_is_not_plain_is_refused_by_place(model, tmp_path, value):
    with pytest.raises(
        CheckpointError, match=r"extra.list\[1\] cannot be stored: expected a tensor"
    ):
        save_checkpoint(tmp_path / "a.pt", model, extra={"list": [1, value]})
    assert list(tmp_path.iterdir()) == []


def test_a_failed_write_leaves_the_old_file(model, tmp_path, monkeypatch):
    path = save_checkpoint(tmp_path / "a.pt", model)
    old = path.read_bytes()

    def full(content, file):
        Path(file).write_bytes(b"half of it")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(torch, "save", full)
    with pytest.raises(CheckpointError, match=r"cannot be written \(No space left on device\)"):
        save_checkpoint(path, model, epoch=1)
    assert path.read_bytes() == old
    assert [p.name for p in tmp_path.iterdir()] == ["a.pt"]


def test_stripping_keeps_the_average_in_half_the_size(model, tmp_path):
    ema = copy.deepcopy(model)
    ema.model[0].conv.weight.data += 1
    optimizer = {"state": {}, "param_groups": []}
    path = save_checkpoint(tmp_path / "a.pt", model, ema=ema, optimizer=optimizer, epoch=4)
    out = strip_checkpoint(path, tmp_path / "b.pt")
    assert out.stat().st_size < path.stat().st_size / 3
    found = load_checkpoint(out)
    assert (found.epoch, found.optimizer, found.ema, found.is_resumable) == (-1, None, None, False)
    weight = found.model.model[0].conv.weight
    assert weight.dtype is torch.float32
    torch.testing.assert_close(weight, ema.model[0].conv.weight, rtol=1e-3, atol=1e-3)
    assert strip_checkpoint(path) == path
    assert path.stat().st_size == pytest.approx(out.stat().st_size, abs=2000)


def test_fused_models_can_be_stored(tmp_path):
    fused = DetectionModel("yolo11n.yaml", nc=1, verbose=False).fuse()
    found = load_checkpoint(save_checkpoint(tmp_path / "a.pt", fused))
    assert found.model.is_fused()
    x = torch.rand(1, 3, 64, 64)
    with torch.no_grad():
        torch.testing.assert_close(found.model(x)[0], fused(x)[0])


def test_missing_files_say_where_to_put_them(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(MissingCheckpointError) as error:
        load_checkpoint("mine.pt")
    assert isinstance(error.value, FileNotFoundError)
    assert f"Put it at {tmp_path / 'mine.pt'}" in str(error.value)
    with pytest.raises(CheckpointError, match="received a folder"):
        load_checkpoint(tmp_path)


def test_the_weights_folder_is_looked_into(model, tmp_path):
    settings.update(weights_dir=str(tmp_path / "weights"))
    path = save_checkpoint(tmp_path / "weights" / "mine.pt", model)
    assert find_weights("mine.pt") == path


def _edited(model, tmp_path, changes):
    path = save_checkpoint(tmp_path / "a.pt", model)
    values = {**torch.load(path, weights_only=True), **changes}
    torch.save({k: v for k, v in values.items() if v is not ...}, path)
    return path


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"format_version": 99, "software": "maskwright 9"}, r"newer version \(maskwright 9\)"),
        ({"yaml": ..., "epoch": ...}, "lacks yaml, epoch"),
        ({"task": "juggle"}, "for 'juggle', but its model is for 'segment'"),
        ({"model": {"x": torch.ones(1)}}, r"tensors do not fit its description: \d+ differ"),
        ({"format": "other"}, "holds a dictionary of format, format_version"),
    ],
)
def test_files_with_wrong_content(model, tmp_path, changes, message):
    with pytest.raises(CheckpointError, match=message):
        load_checkpoint(_edited(model, tmp_path, changes))


def test_state_dicts_are_named_for_what_they_are(model, tmp_path):
    torch.save(model.state_dict(), tmp_path / "a.pt")
    with pytest.raises(
        CheckpointError, match="holds a state dict of 561 tensors, expected a model"
    ):
        load_checkpoint(tmp_path / "a.pt")
    with pytest.raises(CheckpointError, match="expected a file written by this program"):
        strip_checkpoint(tmp_path / "a.pt")


def test_shared_keys_are_attributes():
    fields = set(checkpoint.Checkpoint.__dataclass_fields__)
    assert set(checkpoint._SHARED_KEYS) <= fields


@pytest.mark.parametrize("name", ["yolo11n-seg", "yolo26n-pose", "yolo12n", "yolo11n-semseg"])
def test_a_loaded_model_has_memory_everywhere_and_shares_none_with_the_file(name, tmp_path):
    model = build_model(f"{name}.yaml", verbose=False)
    found = load_checkpoint(save_checkpoint(tmp_path / "m.pt", model))
    loaded = found.model
    tensors = [v for m in loaded.modules() for v in vars(m).values() if isinstance(v, torch.Tensor)]
    tensors += [*loaded.parameters(), *loaded.buffers(), loaded.stride]
    assert not any(tensor.is_meta for tensor in tensors)
    frozen = {n: p.requires_grad for n, p in model.named_parameters()}
    assert {n: p.requires_grad for n, p in loaded.named_parameters()} == frozen
    before = {key: tensor.clone() for key, tensor in found.weights.items()}
    with torch.no_grad():
        for parameter in loaded.parameters():
            parameter.add_(1)
    assert all(torch.equal(found.weights[key], before[key]) for key in before)
