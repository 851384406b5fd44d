"""What will be trained, in words: counted from the project. No Qt here."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from studio.language import ntr, tr
from studio.model.keypoint_scheme import mirror_of_all
from studio.model.project import Project
from studio.model.records import ImageFilter, Status
from studio.model.tasks import TaskFitness, task_fitness
from studio.storage.image_index import store_of
from studio.storage.splits import SplitRule, assign_splits
from studio.storage.versions import list_versions

_USED: frozenset[Status] = frozenset({"labelled", "background"})
_NAMED_CLASSES = 4
_FEW = 1000  # so many images are divided in a moment, as the training will; of few a fifth may be a third
_NO_MIRROR = tr(
    "Images are not mirrored: nobody has said which keypoints of {names} change places in a mirror (left eye, "
    "right eye). Tools > Keypoints of the class is where to say it."
)
_TWO_MIRRORS = tr(
    "Images are not mirrored: keypoints of {names} change places in different ways, and a training knows one way "
    "for all classes."
)


@dataclass(frozen=True)
class Summary:
    """The labels of a project as a training sees them.

    Attributes:
        images: Labelled images and backgrounds.
        fitness: What each task would learn from the labels, or why it cannot.
        mirror: Why images with keypoints are not mirrored, empty where they are or have none.
        classes: Class names in order.
        unlabelled: Images that are left out.
        damaged: Images that cannot be read.
        split: Images of each split; under ``""`` those that are divided when the training starts.
        drawn: Images of each split after those without one are divided; None where they are too many to look.
        version: Number of the last dataset version, 0 without one.
    """

    images: int
    fitness: Mapping[str, TaskFitness]
    mirror: str
    classes: tuple[str, ...]
    unlabelled: int
    damaged: int
    split: dict[str, int]
    drawn: Mapping[str, int] | None
    version: int

    def problem(self, task: str) -> str:
        """Return why a task cannot be trained yet, empty if it can."""
        if not self.classes:
            return tr("Add a class and draw some shapes first.")
        if not any(found.labels for found in self.fitness.values()):
            return tr("Draw some shapes first.")
        return self.fitness[task].reason


def summarise_project(project: Project) -> Summary:
    """Count what a training would learn from; a handful of indexed questions, however many images."""
    status = project.status_counts()
    split = {
        name: project.count_images(ImageFilter(statuses=_USED, split=name))
        for name in ("train", "val", "test", "")
    }
    versions = list_versions(project.versions_dir)
    facts = project.label_facts()
    return Summary(
        images=facts.images,
        fitness=task_fitness(facts),
        mirror=_mirror_note(project) if facts.count("keypoints") else "",
        classes=tuple(cls.name for cls in project.classes()),
        unlabelled=status.get("unlabelled", 0),
        damaged=status.get("damaged", 0),
        split=split,
        drawn=_drawn(project) if sum(status.values()) <= _FEW else None,
        version=versions[-1].number if versions else 0,
    )


def summary_lines(summary: Summary, task: str) -> list[str]:
    """Return what a task would learn from as a few short lines."""
    named = _named(summary.classes)
    lines = [
        f"{_images(summary.images)}, {summary.fitness[task].words}",
        f"{_classes(len(summary.classes))}: {named}",
        _split_line(summary),
    ]
    left_out = []
    if summary.unlabelled:
        left_out.append(tr("{unlabelled:,} unlabelled").format(unlabelled=summary.unlabelled))
    if summary.damaged:
        left_out.append(tr("{damaged:,} damaged").format(damaged=summary.damaged))
    if unused := summary.fitness[task].unused:
        left_out.append(
            ntr("{count:,} label of other kinds", "{count:,} labels of other kinds", unused).format(
                count=unused
            )
        )
    if left_out:
        lines.append(tr("Left out: {left_out}").format(left_out=", ".join(left_out)))
    if task == "pose" and summary.mirror:
        lines.append(summary.mirror)
    return lines


def split_counts(summary: Summary) -> tuple[int, int]:
    """Return how many images a training learns from and how many it checks on, about."""
    if summary.drawn is not None:
        return summary.drawn.get("train", 0), summary.drawn.get("val", 0)
    free = summary.split.get("", 0)
    to_check = round(free * SplitRule().val)
    return summary.split.get("train", 0) + free - to_check, summary.split.get("val", 0) + to_check


def _drawn(project: Project) -> Mapping[str, int]:
    """Divide the images as a dataset version does; what a task leaves out is not known here."""
    records = project.images(project.image_ids(ImageFilter(statuses=_USED)))
    return Counter(assign_splits(records, store_of(project).rels(), SplitRule()).values())


def _mirror_note(project: Project) -> str:
    """Say why images with keypoints are not mirrored, as :func:`studio.storage.task_labels.keypoint_scheme` decides."""
    schemes, names = project.keypoint_schemes(), {c.id: c.name for c in project.classes()}
    told = {n: schemes.get(n) for n in project.store.classes_of_kind("keypoints")}
    silent = [names[n] for n, scheme in told.items() if scheme is None or not scheme.mirrored]
    if silent:
        return _NO_MIRROR.format(names=_named(silent))
    if len({s.count for s in told.values() if s is not None}) > 1 or mirror_of_all(told.values()):
        return ""
    return _TWO_MIRRORS.format(names=_named([names[n] for n in told]))


def _named(names: Sequence[str]) -> str:
    shown, more = ", ".join(names[:_NAMED_CLASSES]), len(names) - _NAMED_CLASSES
    return shown if more <= 0 else tr("{named} and {more} more").format(named=shown, more=more)


def _split_line(summary: Summary) -> str:
    train, val = split_counts(summary)
    said = (
        tr("about {train:,} to learn from, {val:,} to check on")
        if summary.split.get("", 0)
        else tr("{train:,} to learn from, {val:,} to check on")
    ).format(train=train, val=val)
    if not summary.version:
        return said
    frozen = tr("last frozen as version {version}").format(version=summary.version)
    return f"{said} · {frozen}"


def _images(count: int) -> str:
    return ntr("{count:,} image", "{count:,} images", count).format(count=count)


def _classes(count: int) -> str:
    return ntr("{count:,} class", "{count:,} classes", count).format(count=count)
