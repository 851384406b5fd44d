"""The loop on real pictures through the studio's own code: import, dataset version, detached training, export."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from studio.jobs import tasks
from studio.jobs.messages import Export, Exported
from studio.jobs.preparation import train_project
from studio.jobs.worker import Context
from studio.model.runs import VALIDATION_FILE, RunState, read_json, summarise
from studio.storage.dataset_import import import_dataset
from studio.storage.project_files import create_project
from studio.storage.versions import list_versions

TIMEOUT_S = 300


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "images", "shapes"), [("coco8-seg", 8, 30), ("nuinsseg-mini", 80, 3397)]
)
def test_import_train_and_export(
    shared_dir: Path, tmp_path: Path, name: str, images: int, shapes: int
) -> None:
    source = shared_dir / "datasets" / name / "data.yaml"
    with create_project(tmp_path / "project") as project:
        report = import_dataset(project, source)
        assert (report.images, report.annotations, report.skipped) == (images, shapes, [])
        first = project.images(project.image_ids()[:1])[0].path
        runs, versions = project.folder, project.versions_dir
    arguments = {
        "model": "yolo11n-seg.yaml",
        "epochs": 1,
        "imgsz": 64,
        "batch": 4,
        "fraction": 0.2 if images > 8 else 1.0,
        "device": "cpu",
        "workers": 0,
        "plots": False,
    }
    folder = train_project(runs, "segment", arguments)
    end = time.monotonic() + TIMEOUT_S
    while summarise(folder).state.is_alive:
        assert time.monotonic() < end
        time.sleep(0.3)
    run = summarise(folder)
    assert run.state is RunState.FINISHED, run.failure
    assert run.version == list_versions(versions)[0].folder.name
    assert set(read_json(folder / VALIDATION_FILE) or {}) >= {"per_class", "confusion", "images"}
    request = Export(1, str(run.best), "onnx", str(first), {"imgsz": 64})
    exported = tasks.run(request, Context(1, lambda _report: None, lambda: False)).value
    assert isinstance(exported, Exported)
    assert Path(exported.path).stat().st_size == exported.size_bytes
    assert exported.max_abs_diff is not None
    assert exported.max_abs_diff < 1e-2
