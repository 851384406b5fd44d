"""The charts that a run leaves behind: curves over confidence and recall, confusion, losses, labels.

These take measures by what they have (see each function), so that this room needs not know the metrics'.
"""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from engine.drawing.figures import figure
from engine.drawing.palette import colors

# Chart, vertical axis, where its curves are, whether over recall or confidence
_CURVES = (
    ("PR", "Precision", "precision", "recall"),
    ("F1", "F1", "f1", "confidence"),
    ("P", "Precision", "p", "confidence"),
    ("R", "Recall", "r", "confidence"),
)
_NAMED_CLASSES = 20  # with more the legend would cover the chart


def plot_metric_curves(metrics: Any, save_dir: str | Path) -> list[Path]:
    """Draw ``BoxPR_curve.png``, ``BoxF1_curve.png``, ``BoxP_curve.png``, ``BoxR_curve.png`` and the same for masks and keypoints.

    Args:
        metrics: Has ``names``, ``box`` and perhaps ``seg`` or ``pose``, each with ``curves`` and ``map50``, as
            :class:`engine.metrics.detection.DetectionMetrics`.
        save_dir: Folder.

    Returns:
        The files written.
    """
    written = []
    for prefix, part in (("Box", "box"), ("Mask", "seg"), ("Pose", "pose")):
        measure = getattr(metrics, part, None)
        if measure is None:
            continue
        for short, title, y, x in _CURVES:
            path = Path(save_dir) / f"{prefix}{short}_curve.png"
            _plot_curves(path, measure, metrics.names, (title, y, x))
            written.append(path)
    return written


def _plot_curves(
    path: Path, measure: Any, names: Mapping[int, str], kind: tuple[str, str, str]
) -> None:
    """Draw one curve a class and their mean."""
    title, y, x = kind
    curves = measure.curves
    across, rows = getattr(curves, x), getattr(curves, y)
    with figure(path, 9, 6) as chart:
        axes = chart.subplots()
        named = len(rows) <= _NAMED_CLASSES
        for label, row, ap in zip(curves.classes.tolist(), rows, measure.ap50, strict=True):
            text = names.get(label, str(label))
            text = f"{text} {ap:.3f}" if x == "recall" else text
            ink = np.array(colors(label)) / 255 if named else "lightgray"
            axes.plot(across, row, linewidth=1, color=ink, label=text if named else None)
        if len(rows):
            axes.plot(
                across, rows.mean(0), linewidth=3, color="black", label=_mean_label(measure, kind)
            )
        else:
            axes.text(0.5, 0.5, "no labelled objects", ha="center", va="center")
        axes.set(xlabel=x.capitalize(), ylabel=title, xlim=(0, 1), ylim=(0, 1.02))
        axes.set_title(f"{title} over {x}")
        axes.grid(alpha=0.3)
        if len(rows):
            axes.legend(bbox_to_anchor=(1.02, 1), loc="upper left", fontsize="small")


def _mean_label(measure: Any, kind: tuple[str, str, str]) -> str:
    """Say what stands out of the mean curve."""
    _, y, x = kind
    if x == "recall":
        return f"all classes {measure.map50:.3f} mAP50"
    mean = getattr(measure.curves, y).mean(0)
    best = int(mean.argmax())
    return f"all classes {mean[best]:.2f} at {measure.curves.confidence[best]:.3f}"


def plot_confusion_matrix(
    matrix: Any, save_dir: str | Path, normalize: bool | None = None
) -> list[Path]:
    """Draw ``confusion_matrix.png`` and ``confusion_matrix_normalized.png``.

    Args:
        matrix: Has ``matrix`` (counts, predicted rows, true columns), ``normalized()`` and ``labels``, as
            :class:`engine.metrics.confusion.ConfusionMatrix`.
        save_dir: Folder.
        normalize: True draws the second only, False the first, None both.

    Returns:
        The files written.
    """
    tables = (
        ("confusion_matrix.png", "Confusion matrix", matrix.matrix, "{:.0f}"),
        ("confusion_matrix_normalized.png", "Shares of each true class", matrix.normalized(), "{:.2f}"),
    )  # fmt: skip
    chosen = tables if normalize is None else tables[int(normalize) :][:1]
    return [
        _plot_table(Path(save_dir) / name, title, table, matrix.labels, text)
        for name, title, table, text in chosen
    ]


def _plot_table(
    path: Path, title: str, table: np.ndarray, labels: Sequence[str], text: str
) -> Path:
    side = min(5 + 0.3 * len(labels), 20)
    with figure(path, side + 1, side) as chart:
        axes = chart.subplots()
        shown = axes.imshow(table, cmap="Blues", vmin=0)
        if len(labels) <= 30:
            half = table.max(initial=0) / 2
            for (i, j), value in np.ndenumerate(table):
                if value:
                    ink = "white" if value > half else "black"
                    axes.text(j, i, text.format(value), ha="center", va="center", color=ink, size=7)
        ticks = range(len(labels)) if len(labels) <= 100 else ()
        names = labels if len(labels) <= 100 else ()
        axes.set_xticks(ticks, names, rotation=90, fontsize="small")
        axes.set_yticks(ticks, names, fontsize="small")
        axes.set(title=title, xlabel="True", ylabel="Predicted")
        chart.colorbar(shown, ax=axes, shrink=0.8)
    return path


def plot_results(path: str | Path) -> Path:
    """Draw the losses and measures of ``results.csv`` over the epochs to ``results.png`` beside it."""
    path = Path(path)
    with path.open(newline="", encoding="utf-8") as file:
        rows = [
            {k.strip(): v for k, v in row.items() if k is not None} for row in csv.DictReader(file)
        ]
    names = [n for n in (rows[0] if rows else {}) if n.startswith(("train/", "val/", "metrics/"))]
    out = path.with_name("results.png")
    groups = [[n for n in names if n.startswith(start)] for start in ("train/", "val/", "metrics/")]
    groups = [group for group in groups if group]
    across = max((len(group) for group in groups), default=1)
    with figure(out, 2.6 * across, 2.4 * max(len(groups), 1)) as chart:
        grid = chart.subplots(max(len(groups), 1), across, squeeze=False)
        for axes in grid.ravel():
            axes.set_visible(False)
        for line, group in zip(grid, groups, strict=False):
            for axes, name in zip(line, group, strict=False):
                axes.set_visible(True)
                points = [(float(r["epoch"]), _number(r[name])) for r in rows]
                axes.plot(*zip(*points, strict=True), marker=".", linewidth=1.5)
                axes.set_title(name, fontsize="small")
                axes.grid(alpha=0.3)
    return out


def plot_labels(
    labels: Sequence[Mapping[str, np.ndarray]], names: Mapping[int, str], save_dir: str | Path
) -> Path:
    """Draw how often classes occur and where and how large the boxes are, to ``labels.jpg``.

    Args:
        labels: For each image ``cls`` (n, 1) and ``bboxes`` (n, 4), centre and size as fractions.
        names: Class names by id.
        save_dir: Folder.
    """
    classes = np.concatenate([np.asarray(x["cls"]).reshape(-1) for x in labels] or [np.zeros(0)])
    boxes = np.concatenate(
        [np.asarray(x["bboxes"]).reshape(-1, 4) for x in labels] or [np.zeros((0, 4))]
    )
    path = Path(save_dir) / "labels.jpg"
    with figure(path, 9, 8) as chart:
        (bars, outlines), (places, sizes) = chart.subplots(2, 2)
        counts = np.bincount(classes.astype(int), minlength=len(names))
        inks = [np.array(colors(i)) / 255 for i in range(len(counts))]
        bars.bar(range(len(counts)), counts, color=inks)
        bars.set(title="Objects of each class", ylabel="objects")
        if len(counts) <= 30:
            ticks = [names.get(i, str(i)) for i in range(len(counts))]
            bars.set_xticks(range(len(counts)), ticks, rotation=90, fontsize="small")
        _draw_outlines(outlines, boxes[:1000], classes[:1000])
        for axes, columns, title in ((places, (0, 1), "Centres"), (sizes, (2, 3), "Sizes")):
            axes.hist2d(*boxes[:, columns].T, bins=50, range=((0, 1), (0, 1)), cmap="Blues")
            axes.set(title=title, xlabel="xw"[columns[0] // 2], ylabel="yh"[columns[0] // 2])
        places.invert_yaxis()
    return path


def _draw_outlines(axes: Any, boxes: np.ndarray, classes: np.ndarray) -> None:
    """Draw boxes on a common centre."""
    from matplotlib.collections import PolyCollection

    half = boxes[:, None, 2:] / 2
    corners = 0.5 + half * np.array([[-1, -1], [1, -1], [1, 1], [-1, 1]])
    inks = [np.array(colors(c)) / 255 for c in classes]
    axes.add_collection(PolyCollection(corners, facecolors="none", edgecolors=inks, linewidths=0.5))
    axes.set(title="Shapes", xlim=(0, 1), ylim=(0, 1), aspect="equal")
    axes.set_axis_off()


def _number(text: str | None) -> float:
    """Return a cell as a number, not-a-number where it is empty."""
    return float(text) if text and text.strip() else float("nan")
