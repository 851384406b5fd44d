"""Each mode reads each argument that the schema offers for it: real runs on drawn pictures, watched."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine.cfg.arguments import Arguments
from engine.cfg.schema import arguments_for

SMALL = {"imgsz": 64, "device": "cpu", "workers": 0, "plots": False, "verbose": False}

# What the model object itself acts on before a run's arguments exist,
BY_THE_MODEL: dict[str, set[str]] = {
    "train": {"pretrained", "resume"},
    "val": {"model"},
    "predict": {"model", "source"},
    # and what only formats read that are not written here: in 8 bits, for TensorRT, for Rockchip's processors
    "export": {"format", "data", "fraction", "name", "workspace"},
}


class Watch:
    """Notes which arguments are read while a mode is set."""

    def __init__(self) -> None:
        self.mode = ""
        self.read: dict[str, set[str]] = {}

    def note(self, name: str) -> None:
        if self.mode:
            self.read.setdefault(self.mode, set()).add(name)


@pytest.fixture(scope="module")
def reads(drawn_parts: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, set[str]]:
    """Train, validate, predict and export once; return the names read in each mode."""
    from engine import YOLO

    watch = Watch()

    def watched(self: Arguments, name: str) -> object:
        watch.note(name)
        return object.__getattribute__(self, name)

    project = str(tmp_path_factory.mktemp("runs"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Arguments, "__getattribute__", watched)
        watch.mode = "train"
        model = YOLO("yolo11n-seg.yaml")
        model.train(data=str(drawn_parts), epochs=1, batch=4, project=project, **SMALL)
        weights = str(model.trainer.best)
        watch.mode = "val"
        YOLO(weights).val(project=project, batch=4, save_txt=True, **SMALL)
        watch.mode = "predict"
        source = drawn_parts.parent / "images" / "val"
        YOLO(weights).predict(
            source, save=True, save_txt=True, project=project, conf=1e-4, imgsz=64
        )
        watch.mode = "export"
        for kind in ("onnx", "torchscript"):
            YOLO(weights).export(format=kind, imgsz=64)
    return watch.read


@pytest.mark.parametrize("mode", ["train", "val", "predict", "export"])
def test_every_offered_argument_is_read(mode, reads):
    offered = {argument.name for argument in arguments_for(mode, "segment")}
    assert sorted(offered - reads[mode] - BY_THE_MODEL[mode]) == []


@pytest.mark.parametrize("mode", ["train", "val", "predict", "export"])
def test_list_of_exceptions_is_no_longer_than_needed(mode, reads):
    assert sorted(BY_THE_MODEL[mode] & reads[mode]) == []
