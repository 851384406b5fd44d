"""Small real trainings: a two-layer-deep description at 32 pixels, so that one takes about a second."""

from __future__ import annotations

import importlib.util
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import torch

from engine.models.yolo.detect.train import DetectionTrainer
from engine.models.yolo.segment.train import SegmentationTrainer


@pytest.fixture(autouse=True)
def _one_thread() -> Iterator[None]:
    """Keep tests that run beside one another from fighting for cores."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="package", autouse=True)
def no_fast_bfloat16() -> Iterator[None]:
    """Compute in float32: the same numbers on every processor. Mixed precision has tests of its own."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("engine.training.precision.has_fast_bfloat16", lambda: False)
        yield


@pytest.fixture
def arguments(drawn_parts: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """Arguments of a tiny training in a fresh folder."""
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    return {
        "data": str(drawn_parts),
        "epochs": 2,
        "batch": 2,
        "imgsz": 64,
        "device": "cpu",
        "plots": False,
        "verbose": False,
        "project": str(tmp_path / "runs"),
        "name": "run",
    }


@pytest.fixture
def make_trainer(arguments: dict[str, Any]) -> Callable[..., DetectionTrainer]:
    """Build a trainer; keyword arguments change the tiny training's."""

    def make(kind: type = DetectionTrainer, callbacks: Any = None, **changes: Any) -> Any:
        return kind(overrides={**arguments, **changes}, _callbacks=callbacks)

    return make


@pytest.fixture(params=[DetectionTrainer, SegmentationTrainer], ids=["detect", "segment"])
def kind(request: pytest.FixtureRequest) -> type:
    """Each of the tasks' trainers."""
    return request.param


@pytest.fixture
def read_events() -> Callable[..., list[dict[str, Any]]]:
    """Give a run's events, all or those of one name."""

    def read(folder: Path, name: str | None = None) -> list[dict[str, Any]]:
        rows = [json.loads(line) for line in (folder / "events.jsonl").read_text().splitlines()]
        return [row for row in rows if name in (None, row["event"])]

    return read


@pytest.fixture(scope="session")
def tiny_task(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., dict[str, Any]]:
    """Give the arguments ``model`` and ``data`` of a tiny network and data set of a task; see `drawn_tasks`."""
    found = importlib.util.spec_from_file_location(
        "drawn_tasks", Path(__file__).with_name("drawn_tasks.py")
    )
    drawn_tasks = importlib.util.module_from_spec(found)
    found.loader.exec_module(drawn_tasks)
    made: dict[tuple[str, int, int], dict[str, Any]] = {}

    def make(task: str, train: int = 4, val: int = 2) -> dict[str, Any]:
        if (task, train, val) not in made:
            folder = tmp_path_factory.mktemp(task)
            (folder / "data").mkdir()
            data = drawn_tasks.write_data(task, folder / "data", train, val)
            made[task, train, val] = {
                "model": str(drawn_tasks.write_model(task, folder)),
                "data": str(data),
            }
        return dict(made[task, train, val])

    return make
