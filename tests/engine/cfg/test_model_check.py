import copy

import pytest

from engine.cfg.model_check import MOST_REPEATS, check_description, check_plain
from engine.cfg.model_yaml import find_model_yaml, model_names, read_model_yaml
from engine.runtime.errors import ModelError


@pytest.fixture
def tiny():
    return {
        "backbone": [[-1, 1, "Conv", [16, 3, 2]], [-1, 1, "Conv", [32, 3, 2]]],
        "head": [[[-1, 0], 1, "Concat", [1]], [[0, 1], 1, "Detect", ["nc"]]],
        "yaml_file": "tiny.yaml",
    }


def test_the_descriptions_that_come_along_are_fine():
    for name in model_names()[::7]:
        check_description(find_model_yaml(name), 3, 80)


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ([1, 1, "Conv", [16]], "layer 1: reads itself, a cycle"),
        ([3, 1, "Conv", [16]], "layer 1: reads layer 3, which comes after it, a cycle"),
        ([[0, 9], 1, "Concat", [1]], "layer 1: reads layer 9, which comes after it"),
        ([-2, 1, "Conv", [16]], "layer 1: reads layer -2, which is before the first"),
        (["x", 1, "Conv", [16]], "layer 1: expected the number of a layer to read"),
        ([[], 1, "Concat", [1]], "layer 1: expected the number of a layer to read"),
        ([True, 1, "Conv", [16]], "layer 1: expected the number of a layer to read"),
        ([-1, 10**9, "Conv", [16]], "layer 1: expected 0 to 300 repeats, received 1000000000"),
        ([-1, -3, "Conv", [16]], "repeats, received -3"),
        ([-1, 1.5, "Conv", [16]], "repeats, received 1.5"),
        ([-1, 1, "Conv", [10**9]], "layer 1: 1000000000 is no argument of 'Conv'"),
        ([-1, 1, "Conv", [float("nan")]], "layer 1: nan is no argument of 'Conv'"),
        ([-1, 1, "Conv", ["x" * 1000]], "is no argument of 'Conv'"),
        ([-1, 1, "Conv", [{"a": 1}]], "layer 1: a table of 1 is no argument"),
        ([-1, 1, "nn.Upsample", ["None", 1000]], "to enlarge at most 16 times, received 1000"),
        ([-1, 1, 7, [16]], r"layer 1: expected \[from, repeats, module, arguments\]"),
        ([-1, 1, "Conv", 16], r"layer 1: expected \[from, repeats, module, arguments\]"),
        (["a", 1, "b"], r"layer 1: expected .* received \['a', 1, 'b'\]"),
        ("Conv", "layer 1: expected .* received 'Conv'"),
    ],
)
def test_rows_are_refused_by_number(tiny, row, message):
    tiny["backbone"][1] = row
    with pytest.raises(ModelError, match=message) as error:
        check_description(tiny, 3, 80)
    assert str(error.value).startswith("tiny.yaml: ")


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"backbone": None}, "expected a list of layers under 'backbone'"),
        ({"backbone": [], "head": []}, "expected 2 to 500 layers, received 0"),
        ({"head": [[-1, 1, "Conv", [8]]] * 600}, "expected 2 to 500 layers, received 602"),
        ({"head": [[-1, 200, "Conv", [8]]] * 2}, f"repeated 402 times together.*{MOST_REPEATS}"),
        ({"scale": "n", "scales": {"n": [1, 1]}}, r"expected scale 'n' as \[depth, width, most"),
        ({"scale": "n", "scales": {"n": [1e9, 1, 8]}}, "factor of depth or width in 0..16"),
        ({"scale": "n", "scales": {"n": [1, "x", 8]}}, "factor of depth or width"),
        ({"scale": "n", "scales": {"n": [1, 1, -8]}}, "number of most channels, received -8"),
        ({"scale": "n", "scales": 3}, "received None"),
        ({"depth_multiple": -1}, "factor of depth or width"),
    ],
)
def test_descriptions_are_refused(tiny, changes, message):
    with pytest.raises(ModelError, match=message):
        check_description(tiny | changes, 3, 80)


@pytest.mark.parametrize(
    ("channels", "classes", "message"),
    [
        (3, 10**9, r"expected nc in 1..100,000, received 1000000000"),
        (3, 0, "expected nc in"),
        (3, "two", "received 'two'"),
        (10**6, 80, "expected channels in"),
        (True, 80, "expected channels in"),
    ],
)
def test_impossible_counts_are_refused(tiny, channels, classes, message):
    with pytest.raises(ModelError, match=message):
        check_description(tiny, channels, classes)


def _bomb(levels=10, width=10):
    lines = [f"a0: &a0 [{', '.join(['x'] * width)}]"]
    for n in range(1, levels):
        lines.append(f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * width)}]")
    return "\n".join(lines)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (_bomb() + "\nbackbone: *a9\nhead: []\n", "expands to more than 100,000 values"),
        ("backbone: &a\n- [-1, 1, Conv, *a]\nhead: []\n", "contains itself, a cycle"),
        ("backbone: &a [*a]\nhead: []\n", "contains itself, a cycle"),
        ("&r\nbackbone: []\nhead: []\nmore: *r\n", "contains itself, a cycle"),
        ("backbone: !!python/object/apply:os.system [x]\n", "holds .*os.system.*never run"),
        ("backbone: !!python/tuple [1]\n", "holds .*python/tuple.*never run"),
        ("scales: 5\nbackbone: []\nhead: []\n", "expected scales as a table"),
        ("base: yolo11.yaml\nlayers: x\nlast: 5\n", r"expected layers in 0..\d+, received 'x'"),
        ("base: a.yaml\n", "its base is 'a.yaml', expected one of the engine's"),
    ],
)
def test_files_that_are_no_description_are_refused_at_once(tmp_path, text, message):
    file = tmp_path / "a.yaml"
    file.write_text(text)
    with pytest.raises(ModelError, match=message) as error:
        find_model_yaml(file)
    assert error.value.path == file


def test_a_deep_file_is_refused(tmp_path):
    file = tmp_path / "deep.yaml"
    file.write_text("backbone: " + "[" * 5000 + "]" * 5000)
    with pytest.raises(ModelError, match=r"nested too deep|nested without end"):
        read_model_yaml(file)


def test_sharing_that_stays_small_is_fine():
    row = [-1, 1, "Conv", [16]]
    check_plain({"backbone": [row] * 50, "head": [row]}, "x.yaml")


def test_what_is_told_of_huge_values_is_short(tiny):
    nested = ["x"] * 10
    for _ in range(3):
        nested = [nested] * 10
    tiny["backbone"][1] = [nested, 1, "Conv", [16]]
    with pytest.raises(ModelError) as error:
        check_description(copy.copy(tiny), 3, 80)
    assert len(str(error.value)) < 300
