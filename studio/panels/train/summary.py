"""What will be trained, in words: counted from the project. No Qt here."""

from __future__ import annotations

from dataclasses import dataclass

from studio.model.project import Project
from studio.model.records import ImageFilter, Status
from studio.storage.splits import SplitRule
from studio.storage.versions import list_versions

_USED: frozenset[Status] = frozenset({"labelled", "background"})
_NAMED_CLASSES = 4


@dataclass(frozen=True)
class Summary:
    """The labels of a project as a training sees them.

    Attributes:
        images: Labelled images and backgrounds.
        labels: Shapes on them.
        classes: Class names in order.
        unlabelled: Images that are left out.
        damaged: Images that cannot be read.
        split: Images of each split; under ``""`` those that are divided when the training starts.
        version: Number of the last dataset version, 0 without one.
    """

    images: int
    labels: int
    classes: tuple[str, ...]
    unlabelled: int
    damaged: int
    split: dict[str, int]
    version: int

    @property
    def problem(self) -> str:
        """Return why nothing can be trained yet, empty if it can."""
        if not self.classes:
            return "Add a class and draw some shapes first."
        if not self.labels:
            return "Draw some shapes first."
        if self.images < 2:
            return "Label at least two images: one to learn from, one to check on."
        return ""


def summarise_project(project: Project) -> Summary:
    """Count what a training would learn from; a handful of indexed questions, however many images."""
    status = project.status_counts()
    split = {
        name: project.count_images(ImageFilter(statuses=_USED, split=name))
        for name in ("train", "val", "test", "")
    }
    versions = list_versions(project.versions_dir)
    return Summary(
        images=status.get("labelled", 0) + status.get("background", 0),
        labels=sum(project.class_counts().values()),
        classes=tuple(cls.name for cls in project.classes()),
        unlabelled=status.get("unlabelled", 0),
        damaged=status.get("damaged", 0),
        split=split,
        version=versions[-1].number if versions else 0,
    )


def summary_lines(summary: Summary) -> list[str]:
    """Return the summary as two or three short lines."""
    named = ", ".join(summary.classes[:_NAMED_CLASSES])
    more = len(summary.classes) - _NAMED_CLASSES
    named += f" and {more} more" if more > 0 else ""
    lines = [
        f"{_count(summary.images, 'image')}, {_count(summary.labels, 'label')}, "
        f"{_count(len(summary.classes), 'class', 'classes')}: {named}",
        _split_line(summary),
    ]
    left_out = []
    if summary.unlabelled:
        left_out.append(f"{summary.unlabelled:,} unlabelled")
    if summary.damaged:
        left_out.append(f"{summary.damaged:,} damaged")
    if left_out:
        lines.append(f"Left out: {' and '.join(left_out)}")
    return lines


def _split_line(summary: Summary) -> str:
    rule = SplitRule()
    free = summary.split.get("", 0)
    val = summary.split.get("val", 0) + round(free * rule.val)
    train = summary.split.get("train", 0) + free - round(free * rule.val)
    about = "about " if free else ""
    last = f" · last frozen as version {summary.version}" if summary.version else ""
    return f"{about}{train:,} to learn from, {val:,} to check on{last}"


def _count(number: int, one: str, many: str | None = None) -> str:
    return f"{number:,} {one if number == 1 else many or one + 's'}"
