"""A small labelled project with its jobs and its watcher, and runs as trainings leave them."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest

from engine.data.annotations import Polygon
from studio.jobs.client import JobsClient, RunsWatcher
from studio.model.edits import AddShapes
from studio.model.project import Project
from studio.model.records import new_shape
from studio.storage.image_index import add_folder
from studio.storage.project_files import create_project

LABELLED, UNLABELLED, SIDE = 6, 2, 64


@pytest.fixture
def project(tmp_path: Path) -> Iterator[Project]:
    """Six images with one labelled square each, two without labels."""
    pictures = tmp_path / "pictures"
    pictures.mkdir()
    generator = np.random.default_rng(0)
    corners = []
    for number in range(LABELLED + UNLABELLED):
        image = generator.integers(0, 60, (SIDE, SIDE, 3), dtype=np.uint8)
        x, y = (int(v) for v in generator.integers(4, 30, 2))
        image[y : y + 24, x : x + 24] = 220
        corners.append(((x, y), (x + 24, y), (x + 24, y + 24), (x, y + 24)))
        cv2.imwrite(str(pictures / f"{number}.png"), image)
    with create_project(tmp_path / "project") as project:
        for _step in add_folder(project, pictures):
            pass
        square = project.add_class("square")
        for image_id, ring in list(zip(project.image_ids(), corners, strict=True))[:LABELLED]:
            project.apply(AddShapes((new_shape(image_id, square.id, Polygon(ring)),)))
        yield project


@pytest.fixture
def jobs(qtbot, tmp_path, monkeypatch) -> Iterator[JobsClient]:
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    client = JobsClient(log_path=tmp_path / "worker.log")
    yield client
    client.close()


@pytest.fixture
def watcher(qtbot, project) -> Iterator[RunsWatcher]:
    watcher = RunsWatcher(interval_s=0.1)
    watcher.set_folder(project.runs_dir)
    yield watcher
    watcher.close()


@pytest.fixture
def make_run(project) -> Callable[..., Path]:
    """Writes a run directory of two epochs as a training leaves it."""

    def make(
        name: str = "train",
        *extra: dict,
        epochs: int = 2,
        done: int = 2,
        alive: bool = False,
        exit_record: dict | None = None,
    ) -> Path:
        folder = project.runs_dir / name
        (folder / "weights").mkdir(parents=True)
        now = time.time() - 60
        rows = [
            {"event": "on_pretrain_routine_start", "task": "segment", "epochs": epochs, "pid": 1},
            {"event": "on_train_start", "epochs": epochs, "start_epoch": 1, "batches": 4},
        ]
        for epoch in range(1, done + 1):
            rows += [_batch(epoch, number) for number in (2, 4)]
            rows.append(_epoch(epoch, epochs))
        rows += extra
        lines = [json.dumps({"time": now + n, **row}) for n, row in enumerate(rows)]
        (folder / "events.jsonl").write_text("\n".join(lines) + "\n")
        process = {"time": now - 1, "created": now, "version": "1-abcdef00", "task": "segment"}
        process["pid"] = 1 if alive else 2**22 + 7
        (folder / "process.json").write_text(json.dumps(process))
        if exit_record is not None:
            (folder / "exit.json").write_text(json.dumps(exit_record))
        (folder / "args.yaml").write_text("task: segment\nmodel: yolo11n-seg.yaml\nimgsz: 64\n")
        for name in ("best.pt", "last.pt"):
            (folder / "weights" / name).write_bytes(b"x" * 1000)
        return folder

    return make


FINISHED = {"event": "on_train_end", "reason": "finished"}


def _batch(epoch: int, number: int) -> dict:
    losses = {"box_loss": 2.0 / epoch, "seg_loss": 3.0 / epoch, "sem_loss": 0.0}
    return {"event": "on_train_batch_end", "epoch": epoch, "batch": number, "batches": 4,
            "losses": losses, "images_per_second": 20.0, "memory_mib": 900.0}  # fmt: skip


def _epoch(epoch: int, epochs: int) -> dict:
    figure = epoch / 10
    metrics = {
        f"metrics/{n}({k})": figure
        for n in ("mAP50", "mAP50-95", "precision", "recall")
        for k in "BM"
    }
    losses = {"train/box_loss": 2.0 / epoch, "train/seg_loss": 3.0 / epoch}
    return {"event": "on_fit_epoch_end", "epoch": epoch, "losses": losses, "metrics": metrics,
            "val_losses": {"val/box_loss": 2.1 / epoch}, "lr": {"lr/pg0": 0.01}, "fitness": figure,
            "best_fitness": figure, "best_epoch": epoch, "images_per_second": 20.0,
            "memory_mib": 900.0, "eta_s": 10.0 * (epochs - epoch)}  # fmt: skip


@pytest.fixture(scope="session")
def random_weights(tmp_path_factory) -> Path:
    """A model file with random weights that knows one class, square."""
    from engine.models.yolo.model import YOLO

    path = tmp_path_factory.mktemp("weights") / "model.pt"
    model = YOLO("yolo11n-seg.yaml")
    model.model = type(model.model)("yolo11n-seg.yaml", nc=1, verbose=False)
    model.model.names = {0: "square"}
    model.save(path)
    return path
