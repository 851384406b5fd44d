"""What is known of the model files of a project's runs. Reads files, so it runs in a thread; no widgets."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from PySide6.QtCore import QSize, Qt
from PySide6.QtGui import QImage, QImageReader

from engine.data.yaml_file import read_data_yaml
from engine.runtime.errors import EngineError
from studio.model.run_figures import headline
from studio.model.runs import RunSnapshot, list_checkpoints
from studio.panels.models.card import CARD_WIDTH, ModelFile, file_of

_PICTURES = ("val_batch0_pred.jpg", "train_batch0.jpg")


def gather_models(
    runs: Sequence[RunSnapshot], extra: Sequence[Path], *, everything: bool
) -> list[tuple[ModelFile, QImage]]:
    """Return the model files, newest run first, each with its picture.

    Args:
        runs: Runs of the project.
        extra: Files from elsewhere.
        everything: Also last weights, single epochs and exported files; else the best of each run.
    """
    found = []
    for run in runs:
        classes, picture = _classes(run), _picture(run.folder)
        for checkpoint in list_checkpoints(run.folder):
            if everything or checkpoint.kind == "best":
                best = checkpoint.kind != "last"
                metrics = run.facts.best_metrics if best else run.facts.metrics
                figures = tuple(figure for figure in headline(metrics) if figure is not None)
                found.append((ModelFile(checkpoint, run, classes, figures), picture))
    for path in extra:
        try:
            found.append((file_of(path), QImage()))
        except OSError:
            continue  # it was moved or deleted: there is nothing to show
    return found


def _classes(run: RunSnapshot) -> tuple[str, ...]:
    data = run.args.get("data")
    if not data:
        return ()
    try:
        return tuple(read_data_yaml(str(data))["names"].values())
    except (EngineError, OSError, KeyError):
        return ()


def _picture(folder: Path) -> QImage:
    for name in _PICTURES:
        reader = QImageReader(str(folder / name))
        size = reader.size()
        if not size.isValid():
            continue
        wanted = QSize(2 * CARD_WIDTH, 2 * CARD_WIDTH)  # sharp on dense screens too
        reader.setScaledSize(size.scaled(wanted, Qt.AspectRatioMode.KeepAspectRatio))
        image = reader.read()
        if not image.isNull():
            return image
    return QImage()
