"""Finding more of what is selected, with a real open-vocabulary network in the worker."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
import yaml

from engine.data.annotations import Polygon
from engine.nn.checkpoint import save_checkpoint
from engine.nn.tasks import build_model
from engine.runtime.settings import settings
from studio.model.edits import AddShapes
from studio.model.preferences import CONFIDENCE
from studio.model.records import new_shape


def test_without_a_model_it_says_where_to_get_one(labelled: Any) -> None:
    labelled.session.canvas.select_all()
    labelled.studio.actions["suggest.alike:image"].trigger()
    assert "yoloe-11s-seg.pt" in labelled.banner()


def test_an_example_outside_of_the_image_is_told_before_anything_runs(labelled: Any) -> None:
    project = labelled.session.project
    image, cls = project.image_ids()[0], project.classes()[0]
    ring = ((400.0, 10.0), (450.0, 10.0), (450.0, 60.0))  # the image is 320 wide
    project.apply(AddShapes((new_shape(image, cls.id, Polygon(ring)),)))
    labelled.settle()
    labelled.canvas.select_all()
    labelled.studio.actions["suggest.alike:image"].trigger()
    assert "outside of the image" in labelled.studio.window.status.currentMessage()
    assert not labelled.studio.suggest.is_running


def test_examples_are_looked_for_on_every_listed_image(
    labelled: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    small = [[-1, 1, "Conv", [width, 3, 2]] for width in (8, 16, 16, 16, 16)]
    head = [[[2, 3, 4], 1, "YOLOEDetect", ["nc", 512, True]]]
    description = tmp_path / "yoloe-tiny.yaml"
    description.write_text(yaml.safe_dump({"nc": 80, "backbone": small, "head": head}))
    torch.manual_seed(0)
    folder = tmp_path / "weights"
    folder.mkdir()
    model = build_model(description, verbose=False)
    for name, part in model.head.named_modules():
        if name.startswith("cv4.") and hasattr(part, "logit_scale"):
            part.bias.data.fill_(0)  # nobody trained it: let it be sure of something
    save_checkpoint(folder / "yoloe-tiny.pt", model)
    monkeypatch.setitem(settings, "weights_dir", str(folder))
    labelled.studio.preferences[CONFIDENCE] = 0.01
    project = labelled.session.project
    drawn = project.shapes(project.image_ids()[0])
    labelled.canvas.select_all()
    labelled.studio.actions["suggest.alike:listed"].trigger()
    labelled.wait(lambda: not labelled.studio.suggest.is_running, timeout_ms=120_000)
    assert labelled.banner() == ""
    found = {i: project.suggestions(i) for i in project.image_ids()}
    assert any(found.values())
    classes = {shape.class_id for shape in drawn}
    assert {s.class_id for shapes in found.values() for s in shapes} <= classes
