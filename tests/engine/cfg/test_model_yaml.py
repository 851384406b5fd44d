import subprocess
import sys

import pytest

from engine.cfg.model_yaml import find_model_yaml, model_names, split_scale
from engine.runtime.errors import ModelError


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("yolo11n-seg.yaml", ("yolo11-seg.yaml", "n")),
        ("yolo11x.yaml", ("yolo11.yaml", "x")),
        ("yolo11-seg.yaml", ("yolo11-seg.yaml", "")),
        ("yolov8m-pose.yaml", ("yolov8-pose.yaml", "m")),
        ("yoloe-11s-seg.yaml", ("yoloe-11-seg.yaml", "s")),
        ("yoloe-v8l-seg.yaml", ("yoloe-v8-seg.yaml", "l")),
        ("my_model.yaml", ("my_model.yaml", "")),
    ],
)
def test_scale_letter_is_found_in_the_name(name, expected):
    assert split_scale(name) == expected


def test_scale_and_name_are_kept_in_the_description():
    found = find_model_yaml("yolo11m-seg.yaml")
    assert (found["scale"], found["yaml_file"]) == ("m", "yolo11m-seg.yaml")
    assert found["head"][-1] == [[16, 19, 22], 1, "Segment", ["nc", 32, 256]]


def test_without_a_letter_the_first_scale_is_taken():
    assert find_model_yaml("yolo11-seg.yaml")["scale"] == "n"


def test_own_files_come_first(tmp_path):
    own = tmp_path / "yolo11.yaml"
    own.write_text("nc: 7\nbackbone: []\nhead: []\n", encoding="utf-8")
    assert find_model_yaml(own)["nc"] == 7
    assert find_model_yaml(tmp_path / "yolo11s.yaml")["nc"] == 7
    assert find_model_yaml(own)["scale"] == ""


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("yolo11n-sge.yaml", "Did you mean 'yolo11n-seg.yaml'"),
        ("zzz.yaml", r"There are: yolo11-cls, .*yolo11n.yaml; or"),
        ("yolo11q.yaml", "one of the scales n, s, m, l, x, received 'q'"),
        ("yolo11n.pt", "there is no model description"),
    ],
)
def test_names_that_are_not_there(name, message):
    with pytest.raises(ModelError, match=message):
        find_model_yaml(name)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("train: images\nnames: [a]\n", r"no list backbone and no list head.*data="),
        ("just text", "no list backbone"),
        ("a: [1,\nb: ]]", "line 2: is not valid YAML"),
        ("!!python/object/apply:os.system ['true']", "os.system', which is never run"),
    ],
)
def test_files_that_hold_no_model(tmp_path, text, message):
    path = tmp_path / "bad.yaml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(ModelError, match=message):
        find_model_yaml(path)


def test_names_that_come_with_the_engine():
    names = model_names()
    assert {"yolo11n.yaml", "yolo11x-seg.yaml", "yoloe-v8l-seg.yaml", "yolo26s-sem.yaml"} <= set(
        names
    )
    assert all(find_model_yaml(name)["scale"] for name in names)


def test_descriptions_say_only_what_differs_from_their_base():
    found, base = find_model_yaml("yolo26m-sem.yaml"), find_model_yaml("yolo26m.yaml")
    rows = base["backbone"] + base["head"]
    assert found["backbone"] + found["head"] == [
        *rows[:17],
        [[16, 13], 1, "SemanticSegment", ["nc"]],
    ]
    assert (found["nc"], found["scales"], found["scale"]) == (19, base["scales"], "m")
    assert base["end2end"] is True
    assert base["reg_max"] == 1
    assert not {"end2end", "reg_max", "base", "last", "layers"} & set(found)


@pytest.mark.parametrize("base", ["yolo11-seg.yaml", "mine.yaml", "nowhere.yaml", "[1]", "{a: b}"])
def test_a_base_is_one_of_the_complete_descriptions(tmp_path, base):
    mine = tmp_path / "mine.yaml"
    mine.write_text(f"base: {base}\n", encoding="utf-8")
    with pytest.raises(ModelError, match="expected one of the engine's complete descriptions"):
        find_model_yaml(mine)


def test_finding_a_model_loads_no_torch():
    code = (
        "import sys; from engine.cfg.model_yaml import find_model_yaml as f; f('yolo11n.yaml');"
        "sys.exit('torch' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
