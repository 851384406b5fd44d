"""What trainings of open-vocabulary models cost, measured by a few steps."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest
import torch

from engine.models.yolo.yoloe.cost import TrainingCost, measure_cost
from engine.nn.open_vocabulary import YOLOEModel
from engine.nn.tasks import build_model
from engine.runtime.errors import ModelError

_found = importlib.util.spec_from_file_location("tiny_yoloe", Path(__file__).with_name("tiny.py"))
tiny = importlib.util.module_from_spec(_found)
_found.loader.exec_module(tiny)


@pytest.mark.parametrize("head", ["YOLOEDetect", "YOLOESegment", "YOLOESegment26"])
def test_all_ways_are_timed_and_the_network_stays_as_it_is(head: str, tmp_path: Path) -> None:
    network = build_model(tiny.write_description(tmp_path, head), verbose=False)
    assert isinstance(network, YOLOEModel)
    before = {name: value.clone() for name, value in network.state_dict().items()}
    small = measure_cost(network, 3, 64)
    assert min(small.full, small.probe, small.seen) > 0
    after = network.state_dict()
    assert before.keys() == after.keys()
    assert all(torch.equal(before[name], after[name]) for name in before)
    assert network.head.takes_embeddings


def test_it_ends_when_it_is_told_to(tmp_path: Path) -> None:
    network = build_model(tiny.write_description(tmp_path, "YOLOEDetect"), verbose=False)
    asked: list[int] = []

    def check() -> None:
        asked.append(1)
        if len(asked) == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        measure_cost(network, 3, 64, check=check)
    assert len(asked) == 2


def test_a_large_size_is_told_from_a_small_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On a processor no picture is larger than what soon tells; the rest is arithmetic."""
    network = build_model(tiny.write_description(tmp_path, "YOLOEDetect"), verbose=False)
    monkeypatch.setattr("engine.models.yolo.yoloe.cost._of_steps", lambda *_: 1.0)
    assert measure_cost(network, 3, 256) == TrainingCost(0.5, 0.5, 0.5)
    assert measure_cost(network, 3, 512) == TrainingCost(2.0, 2.0, 2.0)


def test_fixed_classes_are_refused(tmp_path: Path) -> None:
    network = build_model(tiny.write_description(tmp_path, "YOLOEDetect"), verbose=False)
    assert isinstance(network, YOLOEModel)
    network.set_classes(["a"], torch.ones(1, 1, 512))
    network.fuse()
    with pytest.raises(ModelError, match="fixed inside"):
        measure_cost(network, 3, 64)
