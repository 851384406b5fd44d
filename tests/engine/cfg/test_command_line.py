from __future__ import annotations

import pytest

from engine.cfg.command_line import Command, default_model, parse, parse_settings
from engine.cfg.model_catalogue import find_entry
from engine.cfg.schema import TASKS
from engine.cfg.words import join_pairs
from engine.runtime.errors import ConfigError


@pytest.mark.parametrize(
    ("line", "mode", "task", "overrides"),
    [
        ("segment train data=d.yaml epochs=3", "train", "segment", {"data": "d.yaml", "epochs": 3}),
        ("val segment model=a.pt", "val", "segment", {"model": "a.pt"}),
        ("predict source=x.jpg", "predict", None, {"source": "x.jpg"}),
        ("export model=a.pt format=onnx dynamic", "export", None,
         {"model": "a.pt", "format": "onnx", "dynamic": True}),
        ("train imgsz = 320 lr0= 0.1 seed =4", "train", None, {"imgsz": 320, "lr0": 0.1, "seed": 4}),
        ("predict half agnostic_nms", "predict", None, {"half": True, "agnostic_nms": True}),
        ("predict source=a=b.jpg", "predict", None, {"source": "a=b.jpg"}),
        ("predict imgsz=[320, 640]", "predict", None, {"imgsz": [320, 640]}),
        ("mode=val task=segment model=a.pt", "val", "segment", {"model": "a.pt"}),
    ],
)  # fmt: skip
def test_grammar(line, mode, task, overrides):
    command = parse(line.split())
    assert (command.mode, command.task, command.overrides) == (mode, task, overrides)
    assert command.notes == ()


def test_dashes_and_commas_are_tolerated_with_a_note():
    command = parse(["train", "--epochs=3,", "imgsz=64,"])
    assert command.overrides == {"epochs": 3, "imgsz": 64}
    assert "'--epochs=3,' is read as 'epochs=3'" in command.notes[0]
    assert len(command.notes) == 2


def test_missing_mode_is_assumed_with_a_note():
    command = parse(["detect"])
    assert (command.mode, command.task) == ("train", "detect")
    assert "train is assumed" in command.notes[0]


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("xyz", "unknown word 'xyz'"),
        ("tarin data=x", "unknown word 'tarin'. Did you mean 'train'"),
        ("train epochs", "argument 'epochs' needs a value. Write epochs=VALUE."),
        ("train epochz=3", "no argument 'epochz'. Did you mean 'epochs'?"),
        ("train epochs=x", "epochs expects a whole number"),
        ("train val", "expected one mode, received 'train' and 'val'"),
        ("detect segment train", "expected one task"),
        ("=3 train", "expected name=value"),
        ("hub login", "unknown word 'hub'"),
        ("tune model=m.pt", "from Python: YOLO(FILE).tune(data="),
    ],
)
def test_refusals(line, message):
    with pytest.raises(ConfigError) as caught:
        parse(line.split())
    assert message in str(caught.value)


@pytest.mark.parametrize(
    ("words", "special"),
    [
        ([], "help"), (["help"], "help"), (["-h"], "help"), (["--help"], "help"), (["h"], "help"),
        (["version"], "version"), (["--version"], "version"), (["v"], "version"), (["-v"], "version"),
        (["checks"], "checks"), (["check"], "checks"), (["c"], "checks"), (["settings"], "settings"),
        (["setting"], "settings"), (["--settings"], "settings"), (["cfg"], "cfg"), (["copy-cfg"], "copy-cfg"),
    ],
)  # fmt: skip
def test_special_words(words, special):
    assert parse(words) == Command(special=special)


def test_words_after_settings_are_kept():
    assert parse(["settings", "runs_dir=/a"]).rest == ("runs_dir=/a",)


def test_settings_words():
    assert parse_settings([]) == {}
    assert parse_settings(["reset"]) is None
    assert parse_settings(["runs_dir", "=", "/a b", "--sync=false"]) == {
        "runs_dir": "/a b",
        "sync": "false",
    }
    with pytest.raises(ConfigError, match="key=value or reset"):
        parse_settings(["runs_dir"])


def test_file_of_arguments_lies_below_what_is_typed(tmp_path):
    file = tmp_path / "mine.yaml"
    file.write_text("mode: train\ntask: segment\nepochs: 5\nimgsz: 320\ndata:\n")
    command = parse([f"cfg={file}", "imgsz=64"])
    assert (command.mode, command.task) == ("train", "segment")
    assert command.overrides == {"epochs": 5, "imgsz": 64}
    assert parse(["val", f"cfg={file}"]).mode == "val"
    with pytest.raises(ConfigError, match="cannot be read"):
        parse(["train", f"cfg={tmp_path / 'none.yaml'}"])


@pytest.mark.parametrize(
    ("words", "joined"),
    [
        (["a", "=", "1"], ["a=1"]),
        (["a=", "1", "b"], ["a=1", "b"]),
        (["a", "=1"], ["a=1"]),
        (["a=[1,", "2]", "b=3"], ["a=[1,2]", "b=3"]),
        (["a=1", "=2"], ["a=1", "=2"]),
        ([], []),
    ],
)
def test_join_pairs(words, joined):
    assert join_pairs(words) == joined


def test_default_models():
    assert default_model(None) == "yolo11n.yaml"
    for task in TASKS:
        entry = find_entry(default_model(task))
        assert entry is not None
        assert entry.task == task
