"""The figures that tell how good a model of each task is, out of the metrics that its run wrote."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from studio.language import tr


@dataclass(frozen=True, slots=True)
class Figure:
    """One figure.

    Attributes:
        key: Its name among a run's metrics.
        name: What it is called, as in ``mAP50-95``.
        of: What was measured, as in ``mask``; empty where the name says it.
        value: The figure, 0..1.
    """

    key: str
    name: str
    of: str
    value: float

    @property
    def caption(self) -> str:
        """Return both words: ``mask mAP50-95``."""
        return f"{self.of_word} {self.name}".strip()

    @property
    def of_word(self) -> str:
        """Return what kind of prediction it is of, as a person reads it."""
        return _OF_WORDS.get(self.of, self.of)


# The letters behind the field's metrics; what a task measures beside boxes comes first.
KINDS: Mapping[str, str] = {"M": "mask", "P": "pose", "B": "box"}
_OF_WORDS = {"mask": tr("mask"), "pose": tr("pose"), "box": tr("box")}
_PAIRS: tuple[tuple[tuple[str, str, str], tuple[str, str, str]], ...] = (
    *(
        (
            (f"metrics/mAP50-95({letter})", "mAP50-95", word),
            (f"metrics/mAP50({letter})", "mAP50", word),
        )
        for letter, word in KINDS.items()
    ),
    (
        ("metrics/accuracy_top1", tr("top-1 accuracy"), ""),
        ("metrics/accuracy_top5", tr("top-5 accuracy"), ""),
    ),
    (("metrics/mIoU", "mIoU", ""), ("metrics/pixel_acc", tr("pixel accuracy"), "")),
)


def headline(metrics: Mapping[str, float]) -> tuple[Figure | None, Figure | None]:
    """Return the figure that a model is judged by and the one beside it, None where they were not measured."""
    for pair in _PAIRS:
        first, second = (_figure(metrics, *names) for names in pair)
        if first is not None:
            return first, second
    return None, None


def main_kind(names: Mapping[str, object] | list[str]) -> str:
    """Return the letter of what is measured foremost, empty where nothing carries one."""
    return next((k for k in KINDS if any(name.endswith(f"({k})") for name in names)), "")


def _figure(metrics: Mapping[str, float], key: str, name: str, of: str) -> Figure | None:
    value = metrics.get(key)
    return None if value is None else Figure(key, name, of, float(value))
