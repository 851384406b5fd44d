"""Which small chart shows which curves. No Qt here."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from studio.language import tr
from studio.model.run_facts import History, Series
from studio.model.run_figures import main_kind


@dataclass(frozen=True, slots=True)
class Line:
    """One curve of a chart.

    Attributes:
        name: Its name in the run's history.
        label: What it is called beside its value.
        ink: Name of its colour in the theme.
        dashed: For the second curve of a pair, such as validation beside training.
        detail: Name of a finer curve drawn faint behind it, empty for its own unsmoothed values.
    """

    name: str
    label: str
    ink: str
    dashed: bool = False
    detail: str = ""


@dataclass(frozen=True, slots=True)
class ChartSpec:
    """One small chart: its title and curves.

    Attributes:
        key: Its name for the program.
        title: Its name for people.
        lines: The curves.
        digits: Significant digits of the values in its head.
        is_measure: A plain quantity: its axis begins at zero and it is not smoothed.
        is_share: Between 0 and 1, and so is its axis.
    """

    key: str
    title: str
    lines: tuple[Line, ...]
    digits: int = 3
    is_measure: bool = False
    is_share: bool = False


_LOSS_TITLES = {
    "box_loss": tr("Box loss"),
    "seg_loss": tr("Mask loss"),
    "cls_loss": tr("Class loss"),
    "dfl_loss": tr("Edge loss"),
    "l1_loss": tr("Edge loss"),
    "sem_loss": tr("Class map loss"),
    "pose_loss": tr("Keypoint loss"),
    "kobj_loss": tr("Visibility loss"),
    "rle_loss": tr("Keypoint likelihood"),
    "angle_loss": tr("Angle loss"),
    "ce_loss": tr("Cross-entropy"),
    "dice_loss": tr("Dice loss"),
    "aux_loss": tr("Auxiliary head loss"),
}


def _pair(key: str, title: str, solid: tuple[str, str], dashed: tuple[str, str]) -> ChartSpec:
    """Return a chart of two shares, each given as the name of its column and its word."""
    lines = (Line(*solid, "accent_text"), Line(*dashed, "warning_text", dashed=True))
    return ChartSpec(key, title, lines, is_share=True)


_MEASURES = (
    _pair(
        "accuracy",
        tr("Accuracy"),
        ("metrics/accuracy_top1", tr("top 1")),
        ("metrics/accuracy_top5", tr("top 5")),
    ),
    _pair(
        "miou",
        tr("Overlap"),
        ("metrics/mIoU", "mIoU"),
        ("metrics/pixel_acc", tr("pixels")),
    ),
    _pair("pixels", tr("Precision, recall"), ("metrics/precision", "P"), ("metrics/recall", "R")),
    _pair("dice", tr("Dice, wrong"), ("metrics/DiceScore", tr("Dice")), ("metrics/MCR", "MCR")),
)
_MAP_TITLES = {"M": tr("Mask mAP"), "P": tr("Keypoint mAP"), "B": tr("Box mAP")}
_LEARNING = ChartSpec(
    "lr",
    tr("Learning rate"),
    (Line("lr/pg0", "", "accent_text"), Line("lr/pg2", tr("bias"), "warning_text", dashed=True)),
    digits=2,
    is_measure=True,
)
_SPEED = ChartSpec(
    "speed",
    tr("Images per second"),
    (Line("speed", "", "accent_text", detail="batch/speed"),),
    is_measure=True,
)
_MEMORY = ChartSpec(
    "memory", tr("Memory, MiB"), (Line("memory", "", "accent_text"),), digits=4, is_measure=True
)


def chart_specs(history: History) -> list[ChartSpec]:
    """Return the charts for the curves that a run has, in their order on the screen."""
    measured = history.names("metrics/")
    known = [spec for spec in _MEASURES if any(line.name in measured for line in spec.lines)]
    kind = main_kind(measured)
    of_objects = [_map(kind), _precision(kind)] if kind else []
    others = _others(measured, known)
    return [*_losses(history), *of_objects, *known, *others, _LEARNING, _SPEED, _MEMORY]


def smoothed(values: Sequence[float], weight: float) -> np.ndarray:
    """Return the exponential moving average, corrected for its start.

    Args:
        values: The raw values.
        weight: Share of the past, 0 (raw) up to but without 1.
    """
    result = np.asarray(values, dtype=float)
    if weight <= 0 or len(result) < 2:
        return result
    result = result.copy()
    average = 0.0
    for index, value in enumerate(values):
        average = weight * average + (1 - weight) * value
        result[index] = average / (1 - weight ** (index + 1))
    return result


def value_at(series: Series, x: float) -> float | None:
    """Return the value of the point nearest to ``x``, None for an empty curve."""
    if not series.x:
        return None
    xs = np.asarray(series.x)
    return series.y[int(np.argmin(np.abs(xs - x)))]


def format_number(value: float | None, digits: int = 3) -> str:
    """Return a number for a small space: significant digits, thousands grouped."""
    if value is None:
        return "–"
    if abs(value) >= 1000:
        return f"{value:,.0f}"
    return f"{value:.{digits}g}"


def _losses(history: History) -> list[ChartSpec]:
    found = [name.split("/", 1)[1] for name in history.names("batch/") + history.names("train/")]
    names = [name for name in dict.fromkeys(found) if name.endswith("loss")]
    return [_loss(history, name) for name in names if _has_values(history, name)]


def _has_values(history: History, name: str) -> bool:
    """Some losses are part of a task but always zero for a model family."""
    curves = (history.get(f"batch/{name}"), history.get(f"train/{name}"))
    return any(value != 0 for curve in curves for value in curve.y)


def _loss(history: History, name: str) -> ChartSpec:
    title = _LOSS_TITLES.get(name, name.replace("_", " ").capitalize())
    train = Line(f"train/{name}", tr("train"), "accent_text", detail=f"batch/{name}")
    measured = history.get(f"val/{name}").y
    if len(measured) and not any(measured):  # a part that only training has
        return ChartSpec(name, title, (train,))
    return ChartSpec(
        name, title, (train, Line(f"val/{name}", tr("val"), "warning_text", dashed=True))
    )


def _others(measured: list[str], known: list[ChartSpec]) -> list[ChartSpec]:
    """Return a chart for each measure that no chart above shows: a person's own metrics."""
    shown = {line.name for spec in known for line in spec.lines}
    plain = [name for name in measured if name not in shown and not name.endswith(")")]
    titles = {name: name.removeprefix("metrics/") for name in plain}
    return [
        ChartSpec(name, titles[name].replace("_", " "), (Line(name, "", "accent_text"),))
        for name in plain
    ]


def _map(kind: str) -> ChartSpec:
    return ChartSpec(
        "map",
        _MAP_TITLES[kind],
        (
            Line(f"metrics/mAP50({kind})", "50", "warning_text", dashed=True),
            Line(f"metrics/mAP50-95({kind})", "50-95", "accent_text"),
        ),
        is_share=True,
    )


def _precision(kind: str) -> ChartSpec:
    return ChartSpec(
        "precision",
        tr("Precision, recall"),
        (
            Line(f"metrics/precision({kind})", "P", "accent_text"),
            Line(f"metrics/recall({kind})", "R", "warning_text", dashed=True),
        ),
        is_share=True,
    )
