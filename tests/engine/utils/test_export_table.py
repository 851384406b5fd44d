"""The benchmark of export formats: real files measured, rows of several environments put together."""

from __future__ import annotations

import argparse
import json

import pytest
import torch

from benchmarks import export_formats
from engine.nn.checkpoint import save_checkpoint
from engine.nn.tasks import build_model


@pytest.fixture(scope="module")
def weights(tmp_path_factory):
    torch.manual_seed(0)
    model = build_model("yolo11n-seg.yaml", nc=1, verbose=False)
    model.names = {0: "square"}
    return save_checkpoint(tmp_path_factory.mktemp("weights") / "tiny.pt", model)


def test_each_format_and_variant_is_written_compared_and_measured(weights, drawn_parts, tmp_path):
    parser = argparse.ArgumentParser()
    export_formats.add_options(parser)
    into = tmp_path / "export.json"
    earlier = {"format": "mnn", "options": "", "status": "ok", "size_mib": 1.0}
    into.write_text(json.dumps({"rows": [earlier]}))
    words = ["--model", str(weights), "--data", str(drawn_parts), "--imgsz", "64"]
    words += ["--formats", "torchscript", "imx", "--into", str(into)]
    figures = export_formats.run(parser.parse_args(words))
    told = [(row["format"], row["options"], row["status"]) for row in figures["rows"]]
    assert told[:4] == [
        ("pt", "", "ok"),
        ("torchscript", "", "ok"),
        ("torchscript", "half=True", "ok"),
        ("mnn", "", "ok"),
    ]
    assert told[4][::2] in (("imx", "skipped"), ("imx", "written"))
    plain, plainly, half = figures["rows"][:3]
    assert plainly["boxes_px"] < 1e-3 > plainly["scores"]
    assert half["size_mib"] < 0.6 * plainly["size_mib"]
    assert plain["metric"] == plainly["metric"] == "mAP50-95(M)"
    assert plainly["value"] == pytest.approx(plain["value"], abs=1e-4)
    assert json.loads(into.read_text())["rows"] == figures["rows"]


def test_a_row_that_measured_nothing_replaces_none():
    before = [{"format": "onnx", "options": "", "status": "ok"}]
    skipped = [{"format": "onnx", "options": "", "status": "skipped", "note": "needs onnx"}]
    assert export_formats.merged(before, skipped) == before
    failed = [{"format": "onnx", "options": "", "status": "failed"}]
    pt = [{"format": "pt", "options": "", "status": "ok"}]
    assert export_formats.merged(before, failed + pt) == [*pt, *failed]
