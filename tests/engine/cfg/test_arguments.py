from __future__ import annotations

import copy
import logging
import pickle
from pathlib import Path

import numpy as np
import pytest

from engine.cfg.arguments import (
    DEFAULT_CFG,
    Arguments,
    check,
    defaults,
    load_yaml,
    resolve,
    tell_without_effect,
    write_arguments,
)
from engine.cfg.schema import by_name
from engine.runtime.errors import ConfigError


@pytest.mark.parametrize(
    ("name", "given", "value"),
    [
        ("epochs", "3", 3),
        ("epochs", 3.0, 3),
        ("epochs", "1e2", 100),
        ("epochs", np.int64(5), 5),
        ("time", "0.5", 0.5),
        ("time", "none", None),
        ("lr0", 1, 1.0),
        ("lr0", "1e-3", 0.001),
        ("save", "true", True),
        ("save", "False", False),
        ("save", 1, True),
        ("imgsz", "320", 320),
        ("imgsz", (320, 640), [320, 640]),
        ("imgsz", "[320, 640]", [320, 640]),
        ("imgsz", "320,320", 320),
        ("batch", -1, -1),
        ("batch", "0.7", 0.7),
        ("batch", "8", 8),
        ("device", 0, "0"),
        ("device", "0,1", "0,1"),
        ("device", [0, 1], "0,1"),
        ("device", "", None),
        ("classes", "0,2", [0, 2]),
        ("classes", 3, [3]),
        ("classes", np.array([1, 2]), [1, 2]),
        ("freeze", "10", 10),
        ("freeze", [0, 1], [0, 1]),
        ("freeze", "[5]", [5]),
        ("cache", "ram", "ram"),
        ("cache", "True", True),
        ("cache", "DISK", "disk"),
        ("pretrained", "a.pt", "a.pt"),
        ("pretrained", Path("a.pt"), "a.pt"),
        ("pretrained", "False", False),
        ("resume", "runs/last.pt", "runs/last.pt"),
        ("optimizer", "sgd", "SGD"),
        ("name", 7, "7"),
        ("name", "001", "001"),
        ("data", Path("a.yaml"), "a.yaml"),
        ("conf", 0, 0.0),
        ("auto_augment", "none", None),
        ("data", "", None),
    ],
)
def test_values_are_understood(name, given, value):
    result = check({name: given})[name]
    assert result == value
    assert type(result) is type(value)


@pytest.mark.parametrize(
    ("name", "given", "message"),
    [
        ("epochs", 0, "epochs expects a whole number from 1 to 1000000, received 0."),
        ("epochs", "many", "epochs expects a whole number, received many."),
        ("epochs", 1.5, "epochs expects a whole number, received 1.5."),
        ("epochs", True, "epochs expects a whole number, received True."),
        ("epochs", None, "epochs expects a whole number, received None."),
        ("epochs", [3], "epochs expects a whole number, received [3]."),
        ("patience", -1, "patience expects a whole number of at least 0, received -1."),
        ("fliplr", 2, "fliplr expects a number from 0 to 1, received 2."),
        ("lr0", float("nan"), "lr0 expects a number from 0 to 1, received nan."),
        ("lr0", "x", "lr0 expects a number, received x."),
        ("save", "maybe", "save expects True or False, received maybe."),
        ("save", 2, "save expects True or False, received 2."),
        ("imgsz", [1, 2, 3], "imgsz expects a whole number from 32 to 8192"),
        ("imgsz", [64, 64, 96], "imgsz expects a number of pixels, or height,width"),
        ("batch", 0, "batch expects a whole number of images, -1, or a fraction"),
        ("batch", 1.5, "batch expects a whole number of images, -1, or a fraction"),
        ("batch", -2, "batch expects a number from -1"),
        ("device", "gpux", "device expects cpu, mps, a GPU number"),
        ("classes", "a,b", "classes expects whole numbers such as 0,2,5, received a,b."),
        ("classes", [-1], "classes expects a whole number of at least 0"),
        ("freeze", "x", "freeze expects a number of layers"),
        ("cache", "tape", "cache expects one of ram, disk, received tape."),
        ("optimizer", "adamm", "received adamm. Did you mean 'Adam'"),
        ("format", "zzz", "format expects one of torchscript, onnx, openvino, engine,"),
        ("format", "openvin", "received openvin. Did you mean 'openvino'"),
        ("data", 3, "data expects the path of a file or folder, received 3."),
        ("keras", True, "Leave keras out."),
        ("epochz", 3, "there is no argument 'epochz'. Did you mean 'epochs'?"),
    ],
)
def test_refusals_say_what_was_expected_and_received(name, given, message):
    with pytest.raises(ConfigError) as caught:
        check({name: given})
    assert message in str(caught.value)
    assert caught.value.value is given


def test_all_unknown_names_are_told_at_once_each_with_the_nearest():
    with pytest.raises(ConfigError) as caught:
        check({"epochz": 4, "imgsz": 64, "imgzs": 3, "qwxyz": 1})
    assert str(caught.value) == (
        "there is no argument 'epochz'. Did you mean 'epochs'? "
        "there is no argument 'imgzs'. Did you mean 'imgsz'? there is no argument 'qwxyz'. "
        "`yolo help MODE` lists the arguments of a mode."
    )


def test_an_argument_without_effect_may_be_given_its_default_or_off():
    harmless = {
        "workspace": None,
        "dnn": False,
        "erasing": 0.4,
        "pose": 12.0,
        "kobj": 0.0,
        "embed": None,
    }
    assert check(harmless) == harmless


def test_resolve_fills_in_the_modes_defaults():
    assert resolve({}, "predict").conf == 0.25
    assert resolve({"conf": None}, "val").conf == 0.001
    assert resolve({"conf": 0.0}, "val").conf == 0.0
    train = resolve({"epochs": "2"}, "train", "segment")
    assert (train.mode, train.task, train.epochs, train.conf) == ("train", "segment", 2, None)
    assert set(vars(train)) == set(by_name)
    with pytest.raises(ConfigError, match="mode expects one of"):
        resolve({}, "learn")


def test_caller_decides_mode_and_task():
    args = resolve({"mode": "val", "task": "detect"}, "train", "segment")
    assert (args.mode, args.task) == ("train", "segment")


def test_base_gives_way_and_is_taken_only_where_usable(caplog):
    base = {
        "epochs": 7,
        "imgsz": 320,
        "rle": 1.0,
        "keras": True,
        "optimizer": "LION",
        "mode": "train",
    }
    with caplog.at_level(logging.WARNING, "engine"):
        args = resolve({"imgsz": 640}, "val", base=base)
    assert (args.epochs, args.imgsz, args.keras, args.optimizer) == (7, 640, False, "auto")
    assert not caplog.records


def test_cfg_file_lies_between_defaults_and_what_is_given(tmp_path):
    file = tmp_path / "mine.yaml"
    file.write_text("epochs: 5\nimgsz: 320\n")
    args = resolve({"cfg": file, "imgsz": 64}, "train")
    assert (args.epochs, args.imgsz, args.cfg) == (5, 64, str(file))


def test_cfg_file_errors_name_the_file(tmp_path):
    file = tmp_path / "mine.yaml"
    with pytest.raises(ConfigError, match="No such file"):
        load_yaml(file)
    file.write_text("epochs: 5\nimgsz: [1\n")
    with pytest.raises(ConfigError, match=r"mine\.yaml, line 3: this is no YAML"):
        load_yaml(file)
    file.write_text("- 1\n")
    with pytest.raises(ConfigError, match="name: value"):
        load_yaml(file)
    file.write_text("epochz: 5\n")
    with pytest.raises(ConfigError, match=r"mine\.yaml: there is no argument 'epochz'"):
        resolve({"cfg": file})
    file.write_text("")
    assert load_yaml(file) == {}


def test_arguments_iterate_copy_pickle_and_explain_a_typo():
    args = resolve({"epochs": 4})
    assert dict(args)["epochs"] == 4
    assert isinstance(args, Arguments)
    assert args.get("nothing", 1) == 1
    assert (
        vars(copy.copy(args)) == vars(copy.deepcopy(args)) == vars(pickle.loads(pickle.dumps(args)))
    )
    with pytest.raises(AttributeError, match="Did you mean 'epochs'"):
        args.epoch  # noqa: B018
    assert not hasattr(args, "nothing")
    assert "epochs=4" in str(args)


def test_saved_arguments_are_read_back_equal(tmp_path):
    args = resolve(
        {"imgsz": [64, 96], "classes": [1], "freeze": 3, "lr0": 1e-5, "name": "ż"}, "train"
    )
    write_arguments(args, tmp_path / "args.yaml")
    assert load_yaml(tmp_path / "args.yaml") == vars(args)
    again = resolve(load_yaml(tmp_path / "args.yaml"), "train")
    assert vars(again) == vars(args)


def test_saving_a_source_in_memory_names_its_type(tmp_path):
    args = resolve({"source": [np.zeros((2, 2, 3)), Path("a.jpg")]}, "predict")
    write_arguments(args, tmp_path / "args.yaml")
    assert load_yaml(tmp_path / "args.yaml")["source"] == ["ndarray", "a.jpg"]


def test_idle_arguments_are_named_once(caplog):
    given = {"epochs": 3, "conf": 0.4, "imgsz": 64, "batch": 16}
    with caplog.at_level(logging.WARNING, "engine"):
        assert tell_without_effect(given, "predict", "detect") == ["epochs"]
    assert "Without effect in predict of detect models: epochs." in caplog.text
    assert tell_without_effect({"overlap_mask": False}, "train", "detect") == ["overlap_mask"]


def test_default_cfg_is_the_training_defaults():
    assert dict(DEFAULT_CFG) == defaults("train")
