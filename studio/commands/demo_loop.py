"""The whole loop without a window, through the parts that the window uses: database, version, training, export."""

from __future__ import annotations

import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from engine.runtime.errors import EngineError
from engine.runtime.log import LOGGER
from studio.commands.demo import ready_sample
from studio.jobs.messages import Export, Exported, Predict, Predicted, Report
from studio.jobs.preparation import train_project
from studio.jobs.suggestions import SuggestionSink
from studio.jobs.worker import Context
from studio.model.project import Project
from studio.model.records import ImageFilter
from studio.model.runs import VALIDATION_FILE, RunReader, RunSnapshot, RunState, read_json
from studio.storage.project_files import open_project

# From random weights on two cores: what reaches a good mask mAP in a few minutes (measured; see benchmarks/results).
TRAINING: Mapping[str, Any] = {
    "model": "yolo11n-seg.yaml",
    "pretrained": False,
    "epochs": 30,
    "time": 3.5 / 60,  # hours: a slow machine ends here with fewer epochs
    "imgsz": 160,
    "lr0": 0.003,
    "batch": 4,  # twice the steps of 8 from the same pictures: learns faster from random weights
    "device": "cpu",
    "workers": 0,
    "close_mosaic": 6,
}
CONFIDENCE = 0.4
_POLL_S = 0.5


class DemoError(EngineError, RuntimeError):
    """A step of the demo that failed."""


def walk_loop(folder: Path) -> dict[str, Any]:
    """Walk the loop in ``folder`` and return its figures.

    Raises:
        EngineError: A step failed; the message says which and why.
    """
    start = time.perf_counter()
    project_folder = ready_sample(folder)
    run = _train(project_folder)
    validation = read_json(run.folder / VALIDATION_FILE) or {}
    with open_project(project_folder) as project:
        suggestions = _suggest(project, run.best)
        exported = _export(project, run.best)
        facts = _counts(project)
    metrics = validation.get("metrics", {})
    return {
        **facts,
        "suggestions": suggestions,
        "epochs": run.facts.epochs_done,
        "device": run.facts.device,
        "mask_map50": metrics.get("metrics/mAP50(M)"),
        "mask_map50_95": metrics.get("metrics/mAP50-95(M)"),
        "box_map50": metrics.get("metrics/mAP50(B)"),
        "box_map50_95": metrics.get("metrics/mAP50-95(B)"),
        "run": str(run.folder),
        "onnx_path": exported.path,
        "onnx_max_abs_diff": exported.max_abs_diff,
        "seconds": round(time.perf_counter() - start, 1),
    }


def _train(project_folder: Path) -> RunSnapshot:
    """Start a detached training and follow its run directory to the end."""
    LOGGER.info("Training from random weights")
    reader = RunReader(train_project(project_folder, "segment", TRAINING, name="demo"))
    told = -1
    while True:
        run, _ = reader.poll()
        if run.facts.epochs_done != told and run.facts.metrics:
            told = run.facts.epochs_done
            score = run.facts.metrics.get("metrics/mAP50(M)", 0.0)
            LOGGER.info("  epoch %d of %s: mask mAP50 %.3f", told, run.facts.epochs, score)
        if not run.state.is_alive:
            break
        time.sleep(_POLL_S)
    if run.state is not RunState.FINISHED:
        reason = run.failure.reason if run.failure else run.state.value
        remedy = run.failure.remedy if run.failure else ""
        raise DemoError(f"the training ended early: {reason}", path=run.folder, remedy=remedy)
    return run


def _context(job: int, taken: list[Report]) -> Context:
    """Return what a task reports to where no window listens and nobody cancels."""
    return Context(job, taken.append, lambda: False)


def _suggest(project: Project, weights: Path) -> int:
    """Run the model on the unlabelled images and keep what it finds as suggestions."""
    from studio.jobs import tasks

    LOGGER.info("Suggesting shapes for the unlabelled images")
    waiting = project.images(project.image_ids(ImageFilter(statuses=frozenset({"unlabelled"}))))
    images = tuple((record.id, str(record.path)) for record in waiting)
    reports: list[Report] = []
    arguments = {"conf": CONFIDENCE, "imgsz": TRAINING["imgsz"]}
    tasks.run(Predict(1, str(weights), images, arguments), _context(1, reports))
    sink = SuggestionSink(project)
    for report in reports:
        if isinstance(report, Predicted):
            sink.take(report)
    sink.flush()
    LOGGER.info("  %s", sink.count.sentence())
    return sink.count.shapes


def _export(project: Project, weights: Path) -> Exported:
    """Write ONNX and compare it with the model on one of the project's images."""
    from studio.jobs import tasks

    LOGGER.info("Exporting to ONNX and comparing")
    image = project.images(project.image_ids()[:1])[0].path
    request = Export(2, str(weights), "onnx", str(image), {"imgsz": TRAINING["imgsz"]})
    value = tasks.run(request, _context(2, [])).value
    if not isinstance(value, Exported):
        raise DemoError("the export gave no file.", path=weights)
    return value


def _counts(project: Project) -> dict[str, Any]:
    return {
        "images": project.count_images(),
        "annotations": sum(project.class_counts().values()),
        "unlabelled": project.status_counts().get("unlabelled", 0),
    }
