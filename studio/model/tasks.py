"""The tasks that a model can be trained for, in a person's words, and which of them a project's labels allow."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from studio.language import nmark, ntr, tr

# Those with outlines before boxes: who has drawn outlines has both.
TASK_TITLES: Mapping[str, str] = {
    "segment": tr("Outlines of objects"),
    "detect": tr("Boxes around objects"),
    "obb": tr("Rotated boxes"),
    "pose": tr("Keypoints"),
    "semseg": tr("A class for every pixel"),
    "classify": tr("The class of the whole image"),
}
OUTLINES = ("polygon", "mask")
AREAS = (*OUTLINES, "box", "oriented_box")
_FEWEST_IMAGES = 2
_FEWEST_CLASSES = 2
# What decides the task while nobody has chosen one: the first kind that the project has.
_NATURAL = (
    ("segment", OUTLINES),
    ("pose", ("keypoints",)),
    ("obb", ("oriented_box",)),
    ("detect", ("box",)),
    ("classify", ("tag",)),
)


@dataclass(frozen=True, slots=True)
class LabelFacts:
    """What a project's labels are, counted.

    Attributes:
        kinds: Number of shapes of each kind, as in ``Geometry.kind``.
        tag_classes: Classes that stand for a whole image somewhere.
        images: Labelled images and backgrounds.
    """

    kinds: Mapping[str, int]
    tag_classes: int
    images: int

    def count(self, *kinds: str) -> int:
        """Return the number of shapes of these kinds."""
        return sum(self.kinds.get(kind, 0) for kind in kinds)


@dataclass(frozen=True, slots=True)
class TaskFitness:
    """Whether a task can be trained on a project's labels.

    Attributes:
        task: The task.
        labels: How many labels would teach it.
        words: Those labels in words, as in ``214 outlines, 12 boxes as rectangles``; empty without any.
        unused: How many other labels there are.
        reason: Why it cannot be trained yet, one sentence; empty if it can.
    """

    task: str
    labels: int
    words: str
    unused: int = 0
    reason: str = ""

    @property
    def is_fit(self) -> bool:
        """Whether a training can start."""
        return not self.reason


def natural_task(has_kind: Callable[[tuple[str, ...]], bool]) -> str:
    """Return the task that a project's labels are made for.

    Args:
        has_kind: Tells whether there is a shape of one of these kinds.
    """
    return next((task for task, needed in _NATURAL if has_kind(needed)), "detect")


def task_fitness(facts: LabelFacts) -> dict[str, TaskFitness]:
    """Return for every task whether these labels can teach it, and why not."""
    return {task: _fitness(task, facts) for task in TASK_TITLES}


def _fitness(task: str, facts: LabelFacts) -> TaskFitness:
    counts = [(facts.count(*kinds), one, many) for kinds, one, many in _TEACHES[task]]
    said = ", ".join(ntr(one, many, n).format(count=n) for n, one, many in counts if n)
    labels = sum(count for count, _one, _many in counts)
    reason = ""
    if not facts.count(*_NEEDS[task]):
        reason = _WANTED[task]
    elif task == "classify" and facts.tag_classes < _FEWEST_CLASSES:
        reason = tr("Needs images of at least two classes to tell apart.")
    elif facts.images < _FEWEST_IMAGES:
        reason = tr("Label at least two images: one to learn from, one to check on.")
    return TaskFitness(task, labels, said, sum(facts.kinds.values()) - labels, reason)


# What of a project a task learns from, and how; what is not named is left out of its versions.
_OUTLINED = (
    (OUTLINES, *nmark("{count:,} outline", "{count:,} outlines")),
    (
        ("oriented_box",),
        *nmark("{count:,} rotated box as an outline", "{count:,} rotated boxes as outlines"),
    ),
    (("box",), *nmark("{count:,} box as a rectangle", "{count:,} boxes as rectangles")),
)
_TEACHES: Mapping[str, tuple[tuple[tuple[str, ...], str, str], ...]] = {
    "detect": (
        (("box",), *nmark("{count:,} box", "{count:,} boxes")),
        (
            ("oriented_box",),
            *nmark(
                "{count:,} rotated box as an upright one", "{count:,} rotated boxes as upright ones"
            ),
        ),
        (OUTLINES, *nmark("{count:,} outline as a box", "{count:,} outlines as boxes")),
        (
            ("keypoints",),
            *nmark(
                "{count:,} object with keypoints as a box",
                "{count:,} objects with keypoints as boxes",
            ),
        ),
    ),
    "segment": _OUTLINED,
    "semseg": _OUTLINED,
    "obb": (
        (("oriented_box",), *nmark("{count:,} rotated box", "{count:,} rotated boxes")),
        (
            OUTLINES,
            *nmark(
                "{count:,} outline as the smallest box around it",
                "{count:,} outlines as the smallest boxes around them",
            ),
        ),
        (("box",), *nmark("{count:,} upright box", "{count:,} upright boxes")),
    ),
    "pose": (
        (
            ("keypoints",),
            *nmark("{count:,} object with keypoints", "{count:,} objects with keypoints"),
        ),
        (
            AREAS,
            *nmark("{count:,} object without keypoints", "{count:,} objects without keypoints"),
        ),
    ),
    "classify": (
        (
            ("tag",),
            *nmark(
                "{count:,} image with a class of its own",
                "{count:,} images with a class of their own",
            ),
        ),
    ),
}
# At least one of these must be there; the others only join in.
_NEEDS: Mapping[str, tuple[str, ...]] = {
    "detect": (*AREAS, "keypoints"),
    "segment": (*OUTLINES, "oriented_box"),
    "semseg": (*AREAS,),
    "obb": ("oriented_box", *OUTLINES),
    "pose": ("keypoints",),
    "classify": ("tag",),
}
_WANTED: Mapping[str, str] = {
    "detect": tr("Needs objects: draw boxes or outlines."),
    "segment": tr("Needs outlines: a rectangle says nothing of an object's shape."),
    "semseg": tr("Needs outlines or boxes that cover what belongs to a class."),
    "obb": tr("Needs rotated boxes or outlines: an upright box says nothing of an angle."),
    "pose": tr("Needs objects with keypoints."),
    "classify": tr("Needs images that have a class of their own."),
}
