"""What the worker reads in a model file, and the words that the window makes of it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from engine.models.yolo.model import YOLO
from engine.runtime.errors import EngineError
from studio.jobs.inspection import inspect_model
from studio.jobs.messages import ModelFacts, Takeover
from studio.jobs.model_words import (
    architecture_text,
    parameters_text,
    takeover_text,
    why_not_trained,
)


@pytest.fixture(scope="module")
def saved(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A segmentation model of two classes in our own format, with arguments of a training."""
    path = tmp_path_factory.mktemp("saved") / "model.pt"
    model = YOLO("yolo11n-seg.yaml")
    model.model = type(model.model)("yolo11n-seg.yaml", nc=2, verbose=False)
    model.model.names = {0: "bolt", 1: "nut"}
    model.overrides |= {"imgsz": 96, "epochs": 7}
    model.save(path)
    return path


def test_our_own_file_says_all_there_is(saved):
    facts = inspect_model(saved, 2)
    assert (facts.format, facts.task, facts.names) == ("pt", "segment", ("bolt", "nut"))
    assert architecture_text(facts) == "YOLO11 nano (yolo11n-seg)"
    assert facts.written_by.startswith("maskwright ")
    assert facts.parameters == sum(p.numel() for p in YOLO(saved).model.parameters())
    assert facts.imgsz == (96, 96)
    assert facts.train_args["epochs"] == 7
    assert facts.epoch is None
    assert facts.takeover is not None
    assert facts.takeover.kept == facts.takeover.total
    assert facts.takeover.initial == ()


def test_other_classes_leave_a_part_of_the_head_behind(saved):
    takeover = inspect_model(saved, 5).takeover
    assert takeover is not None
    assert takeover.kept < takeover.total
    assert "class scores" in " ".join(takeover.initial)
    twin = YOLO("yolo11n-seg.yaml").model
    report = type(twin)("yolo11n-seg.yaml", nc=5, verbose=False).load(YOLO(saved).model)
    assert takeover.kept == len(report.loaded), "as a training will find it"
    assert inspect_model(saved).takeover is None, "nobody asked"


def test_fused_models_are_not_trained(saved, tmp_path):
    path = tmp_path / "fused.pt"
    YOLO(saved).fuse().save(path)
    facts = inspect_model(path, 2)
    assert facts.takeover is None
    assert "folded in" in why_not_trained(facts, "segment")
    assert any("folded in" in note for note in facts.notes)


@pytest.mark.slow
def test_an_exported_file_says_what_it_is_for(saved, tmp_path):
    copy = tmp_path / "model.pt"
    copy.write_bytes(saved.read_bytes())
    path = Path(YOLO(copy).export(format="onnx", imgsz=64))
    facts = inspect_model(path, 2)
    assert (facts.format, facts.task, facts.names) == ("onnx", "segment", ("bolt", "nut"))
    assert facts.imgsz == (64, 64)
    assert "exported file" in why_not_trained(facts, "segment")


@pytest.mark.parametrize("content", [b"", b"<html>404</html>", b"PK\x03\x04 cut short"])
def test_what_is_no_model_says_so_with_its_name(tmp_path, content):
    path = tmp_path / "page.pt"
    path.write_bytes(content)
    with pytest.raises(EngineError, match=r"page\.pt"):
        inspect_model(path)


@pytest.mark.parametrize(
    ("name", "task", "architecture"),
    [
        ("yolo11n-pose", "pose", "YOLO11 nano (yolo11n-pose)"),
        ("yolo26n-seg", "segment", "YOLO26 nano (yolo26n-seg)"),
        ("yolo26n-sem", "semseg", "YOLO26 nano (yolo26n-sem)"),
        ("yoloe-11n-seg", "segment", "YOLOE-11 nano (yoloe-11n-seg)"),
    ],
)
def test_files_of_the_ultralytics_layout_say_what_they_are(shared_dir, name, task, architecture):
    facts = inspect_model(shared_dir / "vectors" / f"{name}.pt", 3)
    assert facts.task == task
    assert architecture_text(facts) == architecture
    assert facts.written_by.startswith("ultralytics 8.")
    assert facts.train_args["epochs"] > 0
    if task == "segment" and "yoloe" not in name:
        assert why_not_trained(facts, "segment") == ""
        assert facts.takeover is not None
        assert facts.takeover.kept > 0.8 * facts.takeover.total
    else:
        assert why_not_trained(facts, "segment")


FACTS = ModelFacts("a.pt", "pt", "segment", ("bolt", "nut"), takeover=Takeover(9, 9))


@pytest.mark.parametrize(
    ("facts", "classes", "words"),
    [
        (FACTS, ("bolt", "nut"), "knows this project's classes"),
        (FACTS, ("cat", "dog"), "it knew other classes (bolt, nut)"),
        (
            replace(FACTS, takeover=Takeover(7, 9, ("class scores",))),
            ("a", "b", "c"),
            "7 of 9 tensors are kept; what starts anew: class scores. It knows 2 classes, this project 3.",
        ),
        (replace(FACTS, takeover=None), ("a",), ""),
        (replace(FACTS, is_open=True), ("a",), "told in words"),
    ],
)
def test_what_is_kept_is_said_in_words(facts, classes, words):
    said = takeover_text(facts, classes)
    assert words in said
    assert bool(said) is bool(words)


@pytest.mark.parametrize(
    ("facts", "words"),
    [
        (FACTS, ""),
        (replace(FACTS, format="onnx"), "exported file"),
        (replace(FACTS, task="pose"), "finds boxes with keypoints (pose), this project trains"),
        (replace(FACTS, architecture="yoloe-11s-seg", is_open=True), ""),
        (replace(FACTS, architecture="yoloe-11s-seg", is_fixed=True), "fixed inside"),
        (
            replace(FACTS, architecture="yoloe-11s-seg", is_open=True, words_problem="no encoder."),
            "cannot be encoded: no encoder.",
        ),
        (replace(FACTS, takeover=None), "folded in"),
    ],
)
def test_why_a_file_cannot_be_trained(facts, words):
    said = why_not_trained(facts, "segment")
    assert words in said
    assert bool(said) is bool(words)


@pytest.mark.parametrize(
    ("number", "text"), [(None, "–"), (1234, "1,234"), (2_876_848, "2.9 million")]
)
def test_parameters_are_said_in_millions(number, text):
    assert parameters_text(number) == text
