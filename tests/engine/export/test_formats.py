import dataclasses
import re

import pytest

from engine.cfg.arguments import defaults
from engine.cfg.schema import by_name
from engine.export.formats import (
    ALWAYS_INT8,
    FORMATS,
    NEUTRAL_OPTIONS,
    check_options,
    check_ready,
    find_format,
    known_key,
)
from engine.export.tools import Tool
from engine.export.writers import WRITERS
from engine.nn.autobackend import ELSEWHERE, EXPORTED
from engine.runtime.errors import ExportError

RECORDED = (
    "torchscript onnx openvino engine coreml coreai saved_model pb edgetpu tflite tfjs paddle mnn ncnn imx "
    "rknn executorch axelera deepx qnn hailo ascend xilinx"
)
WRITTEN = (
    "torchscript onnx openvino engine coreml saved_model pb edgetpu tflite tfjs paddle mnn ncnn imx rknn "
    "executorch"
)


def test_all_known_formats_are_listed():
    assert [f.key for f in FORMATS] == RECORDED.split()
    assert len({f.suffix for f in FORMATS}) == len(FORMATS)


def test_table_has_the_formats_of_the_facts(shared_dir):
    text = (shared_dir / "facts" / "cli_and_callbacks.md").read_text(encoding="utf-8")
    rows = text.partition("## 5. Export formats")[2].splitlines()
    cells = [
        [cell.strip() for cell in row.strip("|").split("|")] for row in rows if row.startswith("| ")
    ]
    listed = {
        c[1]: (c[0], c[2], c[3] == "yes", c[4] == "yes")
        for c in cells
        if c[1] not in ("-", "format=")
    }
    ours = {f.key: (f.name, f.suffix, f.cpu, f.gpu) for f in FORMATS if f.key != "tfjs"}
    assert (known_key("litert"), listed.pop("litert")[1:]) == ("tflite", ours.pop("tflite")[1:])
    assert ours == listed


def test_written_formats_are_those_of_the_specification(shared_dir):
    assert [f.key for f in FORMATS if f.is_writable] == WRITTEN.split()
    text = (shared_dir / "spec" / "segment-task.md").read_text(encoding="utf-8")
    rows = [row.split("|") for row in text.splitlines() if row.startswith("| [")]
    listed = {
        row[2].strip(" `"): (row[3].strip(" `/"), set(re.findall(r"`(\w+)`", row[5])))
        for row in rows
        if len(row) > 5 and "`yolo11n-seg" in row[3] and row[2].strip() != "-"
    }
    assert set(listed) == set(WRITTEN.split())
    for key, (file, _options) in listed.items():
        assert file == f"yolo11n-seg{find_format(key).suffix}"


@pytest.mark.parametrize("key", WRITTEN.split())
def test_each_written_format_has_a_writer_and_something_that_runs_it_or_a_reason(key):
    found = find_format(key)
    assert callable(WRITERS[key])
    assert (found.suffix in EXPORTED) == found.runs
    assert (found.suffix in ELSEWHERE) != found.runs


def test_words_of_other_programs_are_understood():
    assert find_format("ONNX").suffix == ".onnx"
    assert find_format(".torchscript").key == "torchscript"
    assert [find_format(w).key for w in ("tensorrt", "TensorFlow", "litert", "trt")] == [
        "engine",
        "saved_model",
        "tflite",
        "engine",
    ]


def test_what_is_a_folder():
    folders = {f.key for f in FORMATS if f.is_writable and f.is_folder}
    assert folders == {
        "openvino",
        "coreml",
        "saved_model",
        "tfjs",
        "paddle",
        "ncnn",
        "imx",
        "rknn",
        "executorch",
    }


def test_missing_tools_are_said_with_what_to_install(monkeypatch):
    nothing = Tool("no_such_package_anywhere", "pip install it")
    program = Tool("no_such_program_anywhere", "Get it there.", is_program=True)
    found = dataclasses.replace(find_format("mnn"), needs=(nothing, program))
    assert found.missing() == ["pip install it", "Get it there."]
    with pytest.raises(
        ExportError, match="needs no_such_package_anywhere and no_such_prog"
    ) as error:
        check_ready(found)
    assert error.value.remedy == "pip install it Get it there."
    check_ready(find_format("onnx"))
    monkeypatch.setattr("platform.system", lambda: "Plan9")
    with pytest.raises(ExportError, match="written on Darwin and Linux, this is Plan9"):
        check_ready(find_format("coreml"))


def test_eight_bits_may_need_more():
    found = dataclasses.replace(find_format("onnx"), int8_needs=(Tool("no_such_thing", "get it"),))
    check_ready(found)
    with pytest.raises(ExportError, match="no_such_thing"):
        check_ready(found, int8=True)


@pytest.mark.parametrize("key", [f.key for f in FORMATS if not f.is_writable])
def test_other_formats_are_refused_with_a_way_to_get_there(key):
    with pytest.raises(ExportError, match=r"this version does not write .* itself") as error:
        find_format(key)
    assert any(word in error.value.remedy for word in ("onnx", "torchscript", ".pt"))


def test_unknown_formats_are_refused():
    with pytest.raises(ExportError, match=r"no export format 'onxx'. Did you mean 'onnx'"):
        find_format("onxx")
    with pytest.raises(ExportError, match="There are: torchscript, onnx"):
        find_format("zzzzz")
    with pytest.raises(ExportError, match="does not write Hailo"):
        find_format("hailo")


def test_defaults_ask_for_nothing():
    for found in FORMATS:
        if found.is_writable:
            check_options(found, defaults("export"))
    assert set(NEUTRAL_OPTIONS) <= set(by_name)
    assert {k: v for k, v in defaults("export").items() if k in NEUTRAL_OPTIONS} == NEUTRAL_OPTIONS


@pytest.mark.parametrize(
    ("key", "option", "message"),
    [
        ("torchscript", {"opset": 17}, "opset=17 has no effect"),
        ("torchscript", {"simplify": False}, "simplify=False has no effect"),
        ("onnx", {"optimize": True}, "optimize=True has no effect on ONNX.*format=torchscript"),
        ("onnx", {"int8": True}, "int8=True has no effect.*format=openvino or engine or coreml"),
        ("onnx", {"workspace": 2.0}, "workspace=2.0 has no effect on ONNX.*format=engine"),
        ("ncnn", {"dynamic": True}, "dynamic=True has no effect on NCNN"),
        ("mnn", {"nms": True}, "nms=True has no effect on MNN"),
        ("executorch", {"half": True}, "half=True has no effect on ExecuTorch"),
    ],
)
def test_options_without_effect_are_refused(key, option, message):
    with pytest.raises(ExportError, match=message):
        check_options(find_format(key), {**defaults("export"), **option})


@pytest.mark.parametrize("key", ALWAYS_INT8)
@pytest.mark.parametrize("said", [True, False])
def test_eight_bits_may_be_said_of_what_always_has_them(key, said):
    check_options(find_format(key), {**defaults("export"), "int8": said})


def test_the_branch_of_a_head_can_be_chosen_in_any_format():
    check_options(find_format("ncnn"), {**defaults("export"), "nms": False})
