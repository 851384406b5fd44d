"""Forms of other command lines: what they mean here, and what is said of them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.cfg.command_line import parse
from engine.cfg.schema import MODES, by_name
from engine.cfg.words import argument_for_file, forgive
from engine.runtime.errors import ConfigError


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("train --epochs 3 --data d.yaml", "train epochs=3 data=d.yaml"),
        ("train --epochs=3 -imgsz 64", "train epochs=3 imgsz=64"),
        ("train epochs 3, imgsz 64,", "train epochs=3 imgsz=64"),
        ("train epochs=3,imgsz=64", "train epochs=3 imgsz=64"),
        ("predict --agnostic-nms --save-txt", "predict agnostic_nms save_txt"),
        ("predict show_labels False half", "predict show_labels=False half"),
        ("val split val", "val split=val"),
        ("val split=val model a.pt", "val split=val model=a.pt"),
        ("train cache ram", "train cache=ram"),
        ("train cache resume", "train cache resume"),
        ("train resume runs/last.pt", "train resume=runs/last.pt"),
        ("train save_period -1", "train save_period=-1"),
        ("train data --epochs 3", "train data epochs=3"),
        ("--mode train --task segment", "mode=train task=segment"),
        ("predict classes [0, 2] conf 0.5", "predict classes=[0,2] conf=0.5"),
        ("predict device=0,1 half", "predict device=0,1 half"),
        ("predict source=a,b.jpg", "predict source=a,b.jpg"),
        ("predict , half", "predict half"),
    ],
)
def test_other_forms_are_understood(typed, meant):
    words, notes = forgive(typed.split())
    assert " ".join(words) == meant
    assert bool(notes) == (typed.replace("[0, 2]", "[0,2]") != meant)


def test_the_hint_shows_the_form_of_this_program():
    _, (note,) = forgive(["train", "--epochs", "3"])
    assert note.startswith("'--epochs 3' is read as 'epochs=3'")


@given(
    st.lists(
        st.sampled_from(["epochs=3", "train", "segment", "half", "conf=0.5", "source=x y.jpg"])
    )
)
def test_the_own_form_is_left_alone(words):
    assert forgive(words) == (words, [])


@given(st.sampled_from(sorted(by_name)), st.from_regex(r"\A[a-z0-9.]{1,8}\Z"))
def test_dashes_and_blanks_mean_the_same_as_the_own_form(name, value):
    if by_name[name].type == "bool" or value in (*MODES, *by_name) or value in ("detect", "pose"):
        return
    assert forgive([f"--{name.replace('_', '-')}", value])[0] == [f"{name}={value}"]
    assert forgive([f"--{name}={value},"])[0] == [f"{name}={value}"]


@pytest.mark.parametrize(
    ("line", "mode"),
    [
        ("source=x.jpg model=a.pt", "predict"),
        ("tracker=botsort.yaml source=x.mp4 model=a.pt", "track"),
        ("model=a.pt format=onnx", "export"),
        ("data=d.yaml epochs=3", "train"),
        ("data=d.yaml save_json model=a.pt", "val"),
        ("data=d.yaml", "train"),
        ("segment", "train"),
    ],
)
def test_the_arguments_tell_the_mode(line, mode):
    command = parse(line.split())
    assert command.mode == mode
    assert f"No mode given: {mode} is assumed." in command.notes[0]


@pytest.mark.parametrize(
    ("line", "hint"),
    [
        ("predict best.pt", "Did you mean model=best.pt?"),
        ("train yolo11n.yaml", "Did you mean model=yolo11n.yaml?"),
        ("train coco8.yaml", "Did you mean data=coco8.yaml?"),
        ("predict pictures/", "Did you mean source=pictures/?"),
        ("train --batch-size 4", "Did you mean 'batch'?"),
        ("train lr 0.1", "Did you mean 'lr0'?"),
        ("login", "no online service"),
        ("train epochs", "Write epochs=VALUE."),
    ],
)
def test_what_cannot_be_understood_gets_a_hint(line, hint):
    with pytest.raises(ConfigError) as caught:
        parse(line.split())
    assert hint in str(caught.value)


def test_a_bare_word_names_no_argument():
    assert argument_for_file("hello") == ""


def test_output_words_say_how_and_not_what():
    command = parse(["predict", "--json", "quiet=True", "source=x", "model=a.pt"])
    assert (command.json, command.quiet) == (True, True)
    assert command.overrides == {"source": "x", "model": "a.pt"}
    assert parse(["settings", "--json", "runs_dir=/a"]).rest == ("runs_dir=/a",)
    assert parse(["version", "json=False"]).json is False


def test_help_is_understood_anywhere():
    assert parse(["segment", "train", "--help"]).rest == ("train",)
    assert parse(["help", "epochs"]).rest == ("epochs",)
