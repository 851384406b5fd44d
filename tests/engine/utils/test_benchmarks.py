import json

import pytest

from engine import YOLO
from engine.runtime.errors import ConfigError, ExportError, ModelError
from engine.utils.benchmarks import benchmark


@pytest.fixture(scope="module")
def model():
    return YOLO("yolo11n-cls.yaml")


def test_the_table_has_each_format_with_size_time_or_reason(model):
    table = benchmark(model=model, imgsz=32, device="cpu", format=["torchscript", "rknn"])
    assert [(r.format, r.status) for r in table] == [
        ("PyTorch", "ok"),
        ("TorchScript", "ok"),
        ("RKNN", "skipped"),
    ]
    ours, script, rknn = table
    assert ours.size_mib > 5
    assert script.size_mib > 5
    assert script.ms > 0
    assert script.per_second == pytest.approx(1e3 / script.ms, abs=0.01)
    assert "pip install rknn-toolkit2" in rknn.note
    assert (table.imgsz, table.device) == ((32, 32), "cpu")
    assert str(table).splitlines()[0].split()[:2] == ["Format", "Status"]
    assert json.loads(table.to_json())[2]["note"] == rknn.note


def test_options_that_a_format_does_not_take_are_its_reason(model):
    table = benchmark(model=model, imgsz=32, device="cpu", int8=True, format="torchscript")
    assert [r.status for r in table] == ["ok", "skipped"]
    assert "int8=True has no effect on TorchScript" in table.rows[1].note


def test_wrong_words_are_refused_before_any_work(model, tmp_path):
    with pytest.raises(ExportError, match="no export format 'onxx'"):
        benchmark(model=model, format="onxx")
    with pytest.raises(ConfigError, match="there is no argument 'imgzs'"):
        benchmark(model=model, imgzs=32, format="onnx")
    path = model.export(format="torchscript", imgsz=32)
    try:
        with pytest.raises(ModelError, match="benchmark needs the network"):
            benchmark(model=path)
    finally:
        from pathlib import Path

        Path(path).unlink()
