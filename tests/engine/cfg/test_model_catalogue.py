"""The catalogue of models: what a picker needs, without building anything."""

from __future__ import annotations

import subprocess
import sys

import pytest

from engine.cfg.model_catalogue import (
    catalogue,
    family_of,
    find_entry,
    models_for,
    scale_of,
    title_of,
)
from engine.cfg.model_yaml import model_names
from engine.cfg.schema import TASKS


def test_every_description_at_every_scale_is_listed_once():
    names = [entry.name for entry in catalogue()]
    assert sorted(names) == sorted(model_names())
    assert {entry.task for entry in catalogue()} == set(TASKS)


@pytest.mark.parametrize(
    ("name", "family", "scale", "title"),
    [
        ("yolo11n-seg.yaml", "YOLO11", "n", "YOLO11 nano"),
        ("yolov8x.pt", "YOLOv8", "x", "YOLOv8 extra large"),
        ("yoloe-26s-seg.pt", "YOLOE-26", "s", "YOLOE-26 small"),
        ("weights/yoloe-v8l-seg.pt", "YOLOE-v8", "l", "YOLOE-v8 large"),
        ("yolo12.yaml", "YOLO12", "", "YOLO12"),
        ("best.pt", "best", "", "best"),
        ("yolo11next.pt", "yolo11next", "", "yolo11next"),
    ],
)
def test_names_are_taken_apart(name, family, scale, title):
    assert (family_of(name), scale_of(name), title_of(name)) == (family, scale, title)


def test_a_picker_gets_one_task_in_order_of_families_and_sizes():
    names = [entry.name for entry in models_for("segment")]
    assert names[:6] == [f"yolo11{s}-seg.yaml" for s in "nsmlx"] + ["yolo26n-seg.yaml"]
    assert [e.family for e in models_for("segment")][::5] == [
        "YOLO11",
        "YOLO26",
        "YOLO12",
        "YOLOv8",
    ]
    open_ones = models_for("segment", open_vocabulary=True)
    assert {e.family for e in open_ones} == {"YOLOE-11", "YOLOE-26", "YOLOE-v8"}


def test_a_name_finds_its_model_and_other_files_none():
    entry = find_entry("yolo26m-pose.pt")
    assert entry is not None
    assert (entry.task, entry.weights) == ("pose", "yolo26m-pose.pt")
    assert entry.weights_bytes == 2 * entry.parameters
    for other in ("", "best.pt", "yolo11n.onnx", "yolo11.pt", "yolo99n.pt"):
        assert find_entry(other) is None, other


def test_models_of_our_own_making_have_nothing_to_fetch():
    unpublished = {entry.name for entry in catalogue() if not entry.is_published}
    assert {"yolo11n-semseg.yaml", "yolo12n-seg.yaml", "yoloe-11s.yaml"} <= unpublished
    assert not unpublished & {
        "yolo11n-seg.yaml",
        "yolo26n-sem.yaml",
        "yolo12n.yaml",
        "yoloe-11s-seg.yaml",
    }


def test_the_catalogue_loads_no_torch():
    code = "import sys, engine.cfg.model_catalogue as c; c.catalogue(); sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
