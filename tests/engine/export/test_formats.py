import pytest

from engine.cfg.arguments import defaults
from engine.cfg.schema import by_name
from engine.export.formats import FORMATS, NEUTRAL_OPTIONS, check_options, find_format
from engine.runtime.errors import ExportError

RECORDED = (
    "torchscript onnx openvino engine coreml coreai saved_model pb edgetpu litert paddle mnn ncnn imx rknn "
    "executorch axelera deepx qnn hailo ascend xilinx"
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
    assert {f.key: (f.name, f.suffix, f.cpu, f.gpu) for f in FORMATS} == listed


def test_only_written_formats_are_found():
    assert [f.key for f in FORMATS if f.is_writable] == ["torchscript", "onnx"]
    assert find_format("ONNX").suffix == ".onnx"
    assert find_format(".torchscript").key == "torchscript"


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
    with pytest.raises(ExportError, match="does not write TensorRT"):
        find_format("tensorrt")


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
        ("onnx", {"int8": True}, "int8=True has no effect.*none of the formats that this version"),
    ],
)
def test_options_without_effect_are_refused(key, option, message):
    with pytest.raises(ExportError, match=message):
        check_options(find_format(key), {**defaults("export"), **option})
