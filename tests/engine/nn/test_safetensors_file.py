import json
import struct

import pytest
import torch

from engine.nn.checkpoint import load_checkpoint, load_weights, save_checkpoint, strip_checkpoint
from engine.nn.safetensors_file import read_metadata, read_safetensors, write_safetensors
from engine.nn.tasks import DetectionModel
from engine.runtime.errors import CheckpointError

TENSORS = {
    "a": torch.rand(2, 3),
    "b": torch.rand(5).half(),
    "c": torch.rand(3).bfloat16(),
    "d": torch.arange(7),
    "e": torch.tensor([True, False, True]),
    "f": torch.tensor(2.5, dtype=torch.float64),
    "g": torch.zeros(0, 4),
    "turned": torch.rand(3, 2).t(),
    "größe": torch.rand(1).to(torch.float8_e4m3fn),
}


def same(one, other):
    return (
        one.dtype is other.dtype
        and one.shape == other.shape
        and torch.equal(one.double(), other.double())
    )


def test_tensors_and_texts_come_back(tmp_path):
    path = write_safetensors(tmp_path / "new" / "a.safetensors", TENSORS, {"x": "y", "n": "ä"})
    tensors, metadata = read_safetensors(path)
    assert tensors.keys() == TENSORS.keys()
    assert all(same(tensors[name], TENSORS[name]) for name in TENSORS)
    assert metadata == read_metadata(path) == {"x": "y", "n": "ä"}


def test_the_formats_own_library_agrees(tmp_path):
    library = pytest.importorskip("safetensors.torch")
    ours = write_safetensors(tmp_path / "a.safetensors", TENSORS, {"x": "y"})
    theirs = library.load_file(ours)
    assert all(same(theirs[name], TENSORS[name]) for name in TENSORS)
    plain = {name: tensor.contiguous() for name, tensor in TENSORS.items()}
    library.save_file(plain, tmp_path / "b.safetensors", {"x": "y"})
    found, metadata = read_safetensors(tmp_path / "b.safetensors")
    assert all(same(found[name], TENSORS[name]) for name in TENSORS)
    assert metadata == {"x": "y"}
    assert (tmp_path / "b.safetensors").stat().st_size == ours.stat().st_size


def test_types_that_the_format_has_not_are_refused(tmp_path):
    with pytest.raises(
        CheckpointError, match=r"z is torch.complex64, which safetensors files cannot"
    ):
        write_safetensors(tmp_path / "a.safetensors", {"z": torch.ones(1, dtype=torch.complex64)})
    assert list(tmp_path.iterdir()) == []


def made(table, data=b"\0" * 8, length=None):
    head = table if isinstance(table, bytes) else json.dumps(table).encode()
    return struct.pack("<Q", len(head) if length is None else length) + head + data


def row(dtype="F32", shape=(2,), place=(0, 8)):
    return {"dtype": dtype, "shape": list(shape), "data_offsets": list(place)}


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "is empty.*get it again"),
        (b"abc", "table of tensors is cut short"),
        (b"PK\3\4" + b"\0" * 60, "it looks like a .pt file"),
        (b"<!DOCTYPE html><html></html>", "it looks like text or a web page"),
        (made({}, length=2**62), "table of tensors is cut short"),
        (made({"a": row()}, length=1), "table of tensors is cut short"),
        (made(b"{nonsense}"), "is no JSON"),
        (made(b"\xff\xfe{}"), "is no JSON"),
        (made(b"[" * 100_000 + b"]" * 100_000), "is no JSON"),
        (made(b"[1]"), "its table of tensors is none"),
        (made(b'{"a":%s,"a":%s}' % ((json.dumps(row()).encode(),) * 2)), "is no JSON"),
        (made({"a": 5}), "its row of 'a' is none"),
        (made({"a": row() | {"data_offsets": [0]}}), "its row of 'a' is none"),
        (made({"a": row(dtype="C64")}), "its row of 'a' is none"),
        (made({"a": row(dtype=["F32"])}), "its row of 'a' is none"),
        (made({"a": row(shape=(-2,))}), "'a' lies outside"),
        (made({"a": row(shape=(2.0,))}), "'a' lies outside"),
        (made({"a": row() | {"shape": "2"}}), "'a' lies outside"),
        (made({"a": row(place=(0, 16), shape=(4,))}), "'a' lies outside"),
        (made({"a": row(place=(8, 0))}), "'a' is of another size"),
        (made({"a": row(shape=(2**40, 2**40))}), "'a' is of another size"),
        (made({"a": row(), "b": row()}), "overlap or leave holes"),
        (made({"a": row(place=(8, 16))}, b"\0" * 16), "overlap or leave holes"),
        (made({"a": row()}, b"\0" * 9), "other data than its table says"),
        (made({"a": row(), "__metadata__": {"x": 5}}), "metadata is no table of texts"),
        (made({"a": row(), "__metadata__": "x"}), "metadata is no table of texts"),
    ],
)
def test_damage_is_said(tmp_path, content, message):
    path = tmp_path / "a.safetensors"
    path.write_bytes(content)
    with pytest.raises(CheckpointError, match=message) as error:
        read_safetensors(path)
    assert error.value.path == path


@pytest.mark.parametrize("kept", [1, 7, 8, 9, 100, -1])
def test_cut_files_are_said_to_be(tmp_path, kept):
    path = write_safetensors(tmp_path / "a.safetensors", TENSORS)
    path.write_bytes(path.read_bytes()[:kept])
    with pytest.raises(CheckpointError, match="is damaged or no safetensors file"):
        read_safetensors(path)


# Models


@pytest.fixture(scope="module")
def model():
    torch.manual_seed(0)
    built = DetectionModel("yolo11n.yaml", nc=2, verbose=False)
    built.names = {0: "nut", 1: "bolt"}
    return built.eval()


def _answers(model):
    with torch.no_grad():
        return model(torch.full((1, 3, 64, 64), 0.3))[0]


def test_a_model_comes_back_with_all_that_is_known_of_it(model, tmp_path):
    path = save_checkpoint(
        tmp_path / "a.safetensors",
        model,
        train_args={"imgsz": 64, "box": float("nan")},
        metrics={"map": 0.5},
        dataset_version={"hash": "abc"},
    )
    assert [p.name for p in tmp_path.iterdir()] == ["a.safetensors"]
    found = load_checkpoint(path)
    assert torch.equal(_answers(found.model), _answers(model))
    assert (found.task, found.names, found.yaml) == ("detect", model.names, model.yaml)
    assert found.train_args == {"imgsz": 64, "box": None}
    assert (found.metrics, found.dataset_version) == ({"map": 0.5}, {"hash": "abc"})
    assert found.software.startswith("maskwright ")
    assert not found.is_resumable


def test_averaged_weights_are_the_ones_that_are_kept(model, tmp_path):
    ema = DetectionModel("yolo11n.yaml", nc=2, verbose=False).eval()
    found = load_checkpoint(save_checkpoint(tmp_path / "a.safetensors", model, ema=ema))
    assert torch.equal(_answers(found.model), _answers(ema))


def test_the_state_of_a_training_is_not_dropped_in_silence(model, tmp_path):
    with pytest.raises(CheckpointError, match="holds weights, not the state of a training"):
        save_checkpoint(tmp_path / "a.safetensors", model, optimizer={"state": {}})
    with pytest.raises(CheckpointError, match=r"extra.t is a Tensor, which a safetensors file"):
        save_checkpoint(tmp_path / "a.safetensors", model, extra={"t": torch.ones(1)})
    assert list(tmp_path.iterdir()) == []
    path = save_checkpoint(tmp_path / "last.pt", model, optimizer={"state": {}}, epoch=3)
    found = load_checkpoint(strip_checkpoint(path, tmp_path / "a.safetensors"))
    assert (found.epoch, found.optimizer) == (-1, None)
    torch.testing.assert_close(_answers(found.model), _answers(model), rtol=1e-2, atol=0.5)


def test_fused_models_can_be_kept(model, tmp_path):
    fused = DetectionModel("yolo11n.yaml", nc=2, verbose=False)
    fused.load_state_dict(model.state_dict())
    path = save_checkpoint(tmp_path / "a.safetensors", fused.fuse())
    assert load_checkpoint(path).model.is_fused()


@pytest.mark.parametrize("place", ["beside", "config", "metadata"])
@pytest.mark.parametrize(
    "config",
    [
        {"yaml": "yolo11n.yaml", "names": ["nut", "bolt"]},
        {"architecture": "yolo11n.yaml", "names": {"0": "nut", "1": "bolt"}, "task": "detect"},
    ],
)
def test_weights_of_others_need_little_description(model, tmp_path, config, place):
    text = json.dumps(config)
    metadata = {"config": text} if place == "metadata" else {"format": "pt"}
    path = write_safetensors(tmp_path / "other.safetensors", model.state_dict(), metadata)
    if place != "metadata":
        (tmp_path / {"beside": "other.json", "config": "config.json"}[place]).write_text(text)
    found = load_checkpoint(path)
    assert torch.equal(_answers(found.model), _answers(model))
    assert found.names == {0: "nut", 1: "bolt"}


@pytest.mark.parametrize("suffix", [".safetensors", ".pt"])
@pytest.mark.parametrize("fused", [False, True])
def test_the_name_of_a_description_is_description_enough(model, tmp_path, suffix, fused):
    weights = DetectionModel("yolo11n.yaml", nc=2, verbose=False)
    weights.load_state_dict(model.state_dict())
    state = (weights.fuse() if fused else weights).state_dict()
    path = tmp_path / f"yolo11n{suffix}"
    if suffix == ".pt":
        torch.save({f"module.{name}": tensor for name, tensor in state.items()}, path)
    else:
        write_safetensors(path, state)
    found = load_checkpoint(path)
    assert (found.model.nc, found.names, found.model.is_fused()) == (2, {0: "0", 1: "1"}, fused)
    torch.testing.assert_close(_answers(found.model), _answers(model), rtol=1e-4, atol=1e-3)


@pytest.mark.parametrize(
    ("config", "message"),
    [
        (None, "holds a state dict of .* expected a model with its description.*x.json beside"),
        ("{", "x.json: the description of its model is no JSON"),
        ("[1]", "x.json: the description of its model is a value of type list, expected"),
        ("{}", "cannot be built: its description has None under 'yaml', expected"),
        ('{"yaml": 5}', "its description has 5 under 'yaml'"),
        ('{"yaml": "yolo99n.yaml"}', "cannot be built: there is no model description"),
        ('{"yaml": {"head": []}}', "cannot be built: the last layer is 'None'"),
        (
            '{"yaml": "yolo11n.yaml", "task": "pose"}',
            "it says that it is for 'pose', but its model",
        ),
        ('{"yaml": "yolo11n.yaml", "names": 5}', "its 'names' is 5, expected dict or list"),
        (
            '{"yaml": "yolo11n.yaml", "names": ["a"]}',
            "tensors do not fit its description: 6 differ",
        ),
        ('{"yaml": "yolo11s.yaml"}', "do not fit its description.*expected .* received"),
        ('{"yaml": "yolo11n.yaml", "nc": -1}', "cannot be built: expected nc in 1"),
    ],
)
def test_wrong_descriptions_are_named(model, tmp_path, config, message):
    path = write_safetensors(tmp_path / "x.safetensors", model.state_dict())
    if config is not None:
        (tmp_path / "x.json").write_text(config)
    with pytest.raises(CheckpointError, match=message):
        load_checkpoint(path)


def test_weights_alone_are_given_as_tensors(model, tmp_path):
    path = write_safetensors(tmp_path / "x.safetensors", model.state_dict())
    torch.save({"state_dict": model.state_dict()}, tmp_path / "x.pt")
    for file in (path, tmp_path / "x.pt"):
        found = load_weights(file)
        assert found.keys() == model.state_dict().keys()
    described = load_weights(save_checkpoint(tmp_path / "y.pt", model))
    assert isinstance(described, DetectionModel)
    torch.save({"state_dict": {"a": torch.tensor([float("nan")])}}, tmp_path / "n.pt")
    with pytest.raises(CheckpointError, match="NaN or infinity in 1 of 1 tensors, first a"):
        load_weights(tmp_path / "n.pt")
