"""What a file that is no model gets from ``YOLO(...)`` and from the command line."""

from __future__ import annotations

import os
import pickle
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from engine import YOLO, cli
from engine.nn.checkpoint import save_checkpoint
from engine.nn.tasks import DetectionModel
from engine.runtime.errors import CheckpointError, EngineError
from engine.runtime.log import LOGGER

ROOT = Path(__file__).parents[3]
ROWS = "backbone:\n- [-1, 1, Conv, [16, 3, 2]]\n- {row}\nhead:\n- [[1], 1, Detect, [nc]]\n"


@pytest.fixture(autouse=True)
def _log_as_it_was():
    handlers, level = list(LOGGER.handlers), LOGGER.level
    yield
    LOGGER.handlers[:] = handlers
    LOGGER.setLevel(level)


class _Call:
    """Pickles as the call of a function."""

    def __init__(self, function, *arguments):
        self.what = function, arguments

    def __reduce__(self):
        return self.what


def _hostile(path: Path) -> None:
    """A checkpoint whose unpickling would make the file ``trap`` beside it."""
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(
            "a/data.pkl", pickle.dumps({"model": _Call(open, path.parent / "trap", "w")})
        )


def _cut(path: Path) -> None:
    torch.save({"a": torch.zeros(1000)}, path)
    path.write_bytes(path.read_bytes()[:2000])


def _nan(path: Path) -> None:
    model = DetectionModel("yolo11n.yaml", nc=1, verbose=False)
    model.model[0].conv.weight.data.fill_(float("nan"))
    save_checkpoint(path, model)


def _other_class(path: Path) -> None:
    pickled = b"}Vmodel\nc__main__\nMyModel\n)\x81s."
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("a/data.pkl", pickled)


def _unknown_architecture(path: Path) -> None:
    pickled = b"}Vmodel\ncultralytics.nn.tasks\nRTDETRDetectionModel\n)\x81}Vyaml\n}sbs."
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("a/data.pkl", pickled)


def _text(content: str) -> Callable[[Path], None]:
    return lambda path: path.write_text(content) and None


def _row(row: str) -> Callable[[Path], None]:
    return _text(ROWS.format(row=row))


BAD: dict[str, tuple[Callable[[Path], None], str]] = {
    "cut.pt": (_cut, "is cut short: its table of contents at the end is missing"),
    "text.pt": (_text("hello"), "is not a model file: it is text"),
    "page.pt": (_text("<!DOCTYPE html>"), "it is a web page or XML, perhaps a failed download"),
    "empty.pt": (_text(""), "is empty"),
    "graph.pt": (_text("\x08\x08\x12\x07pytorch"), "needs the name ending .onnx"),
    "hostile.pt": (_hostile, "this file would run code: it asks for"),
    "own.pt": (_other_class, "it asks for __main__.MyModel"),
    "rtdetr.pt": (_unknown_architecture, "holds a RTDETRDetectionModel, which this version cannot"),
    "nan.pt": (_nan, "its weights hold NaN or infinity in 1 of 499 tensors"),
    "nan.safetensors": (_nan, "its weights hold NaN or infinity"),
    "cut.safetensors": (_text("\x10\0\0\0\0\0\0\0{"), "its table of tensors is cut short"),
    "folder.pt": (Path.mkdir, "expected a model file, received a folder"),
    "notes.txt": (_text("x"), "models end in .pt, .pth, .safetensors, .onnx, .torchscript"),
    "block.yaml": (_row("[-1, 1, Konv, [16]]"), "layer 1: there is no module 'Konv'"),
    "cycle.yaml": (_row("[2, 1, Conv, [16]]"), "layer 1: reads layer 2, which comes after it"),
    "self.yaml": (_row("[1, 1, Conv, [16]]"), "layer 1: reads itself, a cycle"),
    "huge.yaml": (_row("[-1, 1, Conv, [900000, 99]]"), "more than 500,000,000 parameters"),
    "often.yaml": (_row("[-1, 1000000000, Conv, [16]]"), "repeats, received 1000000000"),
    "alias.yaml": (_row("&a [-1, 1, Conv, *a]"), "contains itself, a cycle"),
    "sizes.yaml": (
        _text(
            "backbone:\n- [-1, 1, Conv, [8, 3, 2]]\n- [-1, 1, Conv, [8, 3, 2]]\n"
            "head:\n- [[0, 1], 1, Concat, [1]]\n- [[2], 1, Detect, [nc]]\n"
        ),
        "layer 2: joins maps of different sizes (1/2, 1/4)",
    ),
    "tag.yaml": (_text("backbone: !!python/object/apply:os.getcwd []\n"), "which is never run"),
    "data.yaml": (_text("train: images\nnames: [a]\n"), "found no list backbone"),
}  # fmt: skip


@pytest.fixture(params=BAD)
def bad(request: pytest.FixtureRequest, tmp_path: Path) -> tuple[Path, str]:
    write, message = BAD[request.param]
    path = tmp_path / request.param
    write(path)
    return path, message


def test_the_api_names_file_and_reason(bad):
    path, message = bad
    with pytest.raises(EngineError) as error:
        YOLO(path)
    assert str(path) in str(error.value)
    assert message in str(error.value)
    assert not (path.parent / "trap").exists()


def test_the_command_line_says_the_same_in_one_line(bad, capsys, monkeypatch):
    path, message = bad
    monkeypatch.chdir(path.parent)
    code = cli.main(["predict", f"model={path}", "source=nothing.png"])
    told = capsys.readouterr()
    assert (code, told.out) == (cli.FAILED, "")
    lines = told.err.splitlines()
    assert len(lines) == 1
    assert lines[0].startswith(f"yolo: {path}")
    assert message in lines[0]
    assert not (path.parent / "trap").exists()


def test_a_process_ends_with_one_line_and_one(tmp_path):
    path = tmp_path / "hostile.pt"
    _hostile(path)
    done = subprocess.run(
        [sys.executable, "-m", "engine", "predict", f"model={path}", "source=x.png"],
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 1
    assert done.stdout == ""
    assert len(done.stderr.splitlines()) == 1
    assert "this file would run code: it asks for" in done.stderr
    assert "Traceback" not in done.stderr
    assert not (tmp_path / "trap").exists()


def test_names_from_a_file_cannot_act_on_a_terminal(tmp_path):
    pickled = b"\x80\x04\x8c\x0cos\x1b[31m\x07\x1b]0;x\x8c\x03a\nb\x93."
    with zipfile.ZipFile(tmp_path / "a.pt", "w") as archive:
        archive.writestr("a/data.pkl", pickled)
    with pytest.raises(CheckpointError) as error:
        YOLO(tmp_path / "a.pt")
    assert str(error.value).isprintable()


def test_a_model_of_another_task_is_told_by_both(tmp_path):
    path = save_checkpoint(tmp_path / "boxes.pt", DetectionModel("yolo11n.yaml", verbose=False))
    with pytest.raises(EngineError, match="is a model for task 'detect', received task='pose'"):
        YOLO(path, task="pose")


def test_safetensors_are_opened_and_written(tmp_path):
    path = YOLO("yolo11n.yaml").save(tmp_path / "a.safetensors")
    model = YOLO(path)
    assert (model.task, model.ckpt_path) == ("detect", path)
    again = YOLO("yolo11n.yaml").load(path)
    name = "model.0.conv.weight"
    assert torch.equal(again.model.state_dict()[name], model.model.state_dict()[name])
    torch.save(model.model.state_dict(), tmp_path / "bare.pt")
    bare = YOLO("yolo11n.yaml").load(tmp_path / "bare.pt")
    assert torch.equal(bare.model.state_dict()[name], model.model.state_dict()[name])
