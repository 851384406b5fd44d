import io
import os
import pickle
import zipfile
from pathlib import Path, PurePosixPath

import numpy as np
import pytest
import torch

from engine.nn.inert import Inert
from engine.nn.model_file import read_values
from engine.runtime.errors import CheckpointError


class _Call:
    """Pickles as the call of a function."""

    def __init__(self, function, *args):
        self.what = function, args

    def __reduce__(self):
        return self.what


@pytest.fixture
def trap(tmp_path):
    """A file that appears if hostile content was run."""
    path = tmp_path / "trap"
    yield path
    assert not path.exists()


def zipped(path, pickled):
    """Write a pickle in torch's zip layout."""
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("archive/data.pkl", pickled)
        archive.writestr("archive/version", "3\n")
    return path


HOSTILE = {
    "open": lambda trap: _Call(open, str(trap), "w"),
    "system": lambda trap: _Call(os.system, f"touch {trap}"),
    "touch": lambda trap: _Call(Path.touch, trap),
    "eval": lambda trap: _Call(eval, f"open({str(trap)!r}, 'w')"),
    "getattr": lambda trap: _Call(getattr, "text", "upper"),
    "torch.load": lambda trap: _Call(torch.load, str(trap)),
    "hub": lambda trap: _Call(torch.hub.load, "a/b", "c"),
}


@pytest.mark.parametrize("protocol", [2, 4])
@pytest.mark.parametrize("layout", ["zip", "raw"])
@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_pickles_are_refused_by_name(name, layout, protocol, tmp_path, trap):
    pickled = pickle.dumps({"model": HOSTILE[name](trap)}, protocol=protocol)
    path = tmp_path / "bad.pt"
    if layout == "zip":
        zipped(path, pickled)
    else:
        path.write_bytes(pickled)
    with pytest.raises(CheckpointError, match="this file would run code: it asks for") as error:
        read_values(path)
    assert "Get the weights from a source you trust" in str(error.value)
    assert error.value.value


def test_hostile_reference_files(shared_dir):
    folder = shared_dir / "datasets" / "formats" / "bad" / "21-pickle-bomb-pt"
    bomb = Path("/tmp/STUDIO_PICKLE_BOMB")
    bomb.unlink(missing_ok=True)
    for name in ("model_raw.pt", "model_zip.pt"):
        with pytest.raises(CheckpointError, match=r"it asks for io.open"):
            read_values(folder / name)
    with pytest.raises(CheckpointError, match="it is a NumPy array"):
        read_values(folder / "array.npy")
    assert not bomb.exists()


def test_a_call_of_an_allowed_class_with_a_hostile_part_is_refused(tmp_path, trap):
    pickled = pickle.dumps({"a": _Call(os.system, f"touch {trap}"), "b": torch.Size([1])}, 2)
    with pytest.raises(CheckpointError, match="system"):
        read_values(zipped(tmp_path / "a.pt", pickled))


def test_names_hidden_from_the_scan_are_refused_by_the_reader(tmp_path, trap):
    # STACK_GLOBAL whose texts come from the memo in swapped order: the scan sees other words
    pickled = (
        b"\x80\x04\x8c\x06system\x94\x8c\x05posix\x94\x8c\x0btorch.dtype\x940h\x01h\x00\x93\x8c"
        + bytes([len(f"touch {trap}")])
        + f"touch {trap}".encode()
        + b"\x85R."
    )
    with pytest.raises(CheckpointError):
        read_values(zipped(tmp_path / "a.pt", pickled))


def test_plain_content_is_read(tmp_path):
    values = {"a": torch.arange(3), "b": [1, (2.5, "x")], "c": {4: None}, "d": torch.float16}
    torch.save(values, tmp_path / "a.pt")
    found = read_values(tmp_path / "a.pt")
    assert torch.equal(found["a"], values["a"])
    assert (found["b"], found["c"], found["d"]) == (values["b"], values["c"], torch.float16)


def test_the_layout_before_zips_is_read(tmp_path):
    torch.save({"a": torch.arange(3)}, tmp_path / "a.pt", _use_new_zipfile_serialization=False)
    assert read_values(tmp_path / "a.pt")["a"].tolist() == [0, 1, 2]


def test_modules_become_inert(tmp_path):
    torch.save({"model": torch.nn.Sequential(torch.nn.Linear(2, 3))}, tmp_path / "a.pt")
    model = read_values(tmp_path / "a.pt")["model"]
    assert isinstance(model, Inert)
    assert (model.kind, model.origin) == ("Sequential", "torch.nn.modules.container.Sequential")
    linear = model.state["_modules"]["0"]
    assert linear.state["in_features"] == 2
    assert linear.state["_parameters"]["weight"].shape == (3, 2)


def test_harmless_values_of_older_programs_are_read(tmp_path):
    values = {
        "fitness": np.float64(0.25),
        "count": np.int32(7),
        "folder": Path("runs") / "train" if os.name == "posix" else PurePosixPath("runs/train"),
    }
    torch.save(values, tmp_path / "a.pt")
    found = read_values(tmp_path / "a.pt")
    assert found == {"fitness": 0.25, "count": 7, "folder": "runs/train"}
    assert [type(v) for v in found.values()] == [float, int, str]


def test_numpy_objects_are_no_numbers(tmp_path):
    scalar = np.float64(1).__reduce__()[0]
    torch.save({"x": _Call(scalar, np.dtype("O"), b"12345678")}, tmp_path / "a.pt")
    with pytest.raises(CheckpointError, match="expected a NumPy type of numbers"):
        read_values(tmp_path / "a.pt")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "is empty.*get it again"),
        (b"just some text\n", "is not a model file: it is text"),
        ("größer\n".encode() * 30, "it is text"),
        (
            b"version https://git-lfs.github.com/spec/v1\noid sha256:0\n",
            "Git LFS pointer.*git lfs pull",
        ),
        (b"<!DOCTYPE html><html>", "web page or XML"),
        (b"\x08\x08\x12\x07pytorch\x1a\x062.15.0", "looks like an ONNX model.*name ending .onnx"),
        (b"\x89PNG\r\n\x1a\n", "it is a picture"),
        (b"\x89\x00\x01\x02", "starts with the bytes 89 00 01 02"),
        (b"PK\x05", "is cut short"),
        (b"\x1f\x8b\x08\x00", "a gzip archive, unpack it first"),
        (b"\x00" * 257 + b"ustar", "a tar archive"),
        (b"\x40\x00\x00\x00\x00\x00\x00\x00{}", "needs the name ending .safetensors"),
        (b"\x80", "starts with the bytes 80"),
        (b"\x80\x02}q\x00(X\x05\x00", "is damaged or not a model file"),
        (b"\x80\x02K\x01.", "is a pickle, but not of torch.save"),
    ],
)
def test_files_of_other_kinds_are_named(tmp_path, content, message):
    path = tmp_path / "model.pt"
    path.write_bytes(content)
    with pytest.raises(CheckpointError, match=message) as error:
        read_values(path)
    assert error.value.path == path


@pytest.mark.parametrize("kept", [0.2, 0.5, 0.99])
def test_truncated_files_are_said_to_be(tmp_path, kept):
    buffer = io.BytesIO()
    torch.save({"a": torch.zeros(1000)}, buffer)
    path = tmp_path / "model.pt"
    path.write_bytes(buffer.getvalue()[: int(len(buffer.getvalue()) * kept)])
    with pytest.raises(CheckpointError, match=r"is cut short.*last.pt and best.pt"):
        read_values(path)


def test_damage_inside_is_said(tmp_path):
    buffer = io.BytesIO()
    torch.save({"a": torch.zeros(4)}, buffer)
    content = bytearray(buffer.getvalue())
    start = content.index(b"ctorch._utils")
    content[start : start + 6] = b"\xff" * 6
    path = tmp_path / "model.pt"
    path.write_bytes(bytes(content))
    with pytest.raises(CheckpointError, match="is damaged or not a model file"):
        read_values(path)


def test_zips_without_a_model(tmp_path):
    with zipfile.ZipFile(tmp_path / "a.pt", "w") as archive:
        archive.writestr("hello.txt", "x")
    with pytest.raises(CheckpointError, match="a zip without a model"):
        read_values(tmp_path / "a.pt")
    with zipfile.ZipFile(tmp_path / "b.pt", "w") as archive:
        archive.writestr("a/data.pkl", pickle.dumps({}))
        archive.writestr("a/constants.pkl", pickle.dumps(()))
    with pytest.raises(
        CheckpointError, match=r"TorchScript model. Give it the name ending .torchscript"
    ):
        read_values(tmp_path / "b.pt")


def test_a_pickle_that_would_fill_the_memory_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr("engine.nn.torch_file.LONGEST_PICKLE", 100)
    path = zipped(tmp_path / "a.pt", pickle.dumps(list(range(1000))))
    with pytest.raises(CheckpointError, match="too long for a model"):
        read_values(path)


def test_unreadable_files_are_said_to_be(tmp_path):
    with pytest.raises(CheckpointError, match="cannot be read"):
        read_values(tmp_path / "nothing.pt")
