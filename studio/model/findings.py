"""What stands out in a data set: classes that are rare, unused, tiny, or missing from a split."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from studio.language import ntr, tr
from studio.model.records import ClassDef, ImageFilter

_RARE = 10  # times fewer shapes than the commonest class
_FEW = 50  # shapes below which a class is hard to learn
_TINY_PX = 16.0  # longer side that leaves 2 cells of the finest level of a detector


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that stands out.

    Attributes:
        text: What it is, one sentence.
        images: The images it is about, None where there are none to show.
    """

    text: str
    images: ImageFilter | None = None


def find(
    classes: Sequence[ClassDef],
    shapes: Mapping[int, int],
    median_side: Mapping[int, float],
    splits: Mapping[int, Mapping[str, int]],
) -> list[Finding]:
    """Return what stands out.

    Args:
        classes: The classes of the project.
        shapes: Number of shapes of each class id.
        median_side: Median longer side in pixels of each class id.
        splits: For each class id the number of images of each split, ``""`` for automatic.
    """
    found = []
    most = max(classes, key=lambda cls: shapes.get(cls.id, 0), default=None)
    for cls in classes:
        count = shapes.get(cls.id, 0)
        where = ImageFilter(class_id=cls.id)
        if not count:
            found.append(Finding(tr("{name} has no shapes yet.").format(name=cls.name)))
            continue
        if most is not None and count * _RARE <= shapes[most.id]:
            times = shapes[most.id] // count
            found.append(
                Finding(
                    tr("{name} is rare: {shapes}, {times:,} times fewer than {other}.").format(
                        name=cls.name, shapes=_shapes(count), times=times, other=most.name
                    ),
                    where,
                )
            )
        elif count < _FEW:
            found.append(
                Finding(
                    tr("{name} has only {shapes}: little to learn from.").format(
                        name=cls.name, shapes=_shapes(count)
                    ),
                    where,
                )
            )
        if median_side.get(cls.id, _TINY_PX) < _TINY_PX:
            found.append(
                Finding(
                    tr(
                        "{name} is tiny: half of its shapes are under {median_side:.0f} pixels. Train at a "
                        "larger image size."
                    ).format(name=cls.name, median_side=median_side[cls.id]),
                    where,
                )
            )
        found += _split_findings(cls, splits.get(cls.id, {}), where)
    return found


def _split_findings(cls: ClassDef, images: Mapping[str, int], where: ImageFilter) -> list[Finding]:
    """Tell of a class that is validated but never learned, or learned but never validated."""
    if images.get(""):  # automatic ones may still go anywhere
        return []
    if images.get("val") and not images.get("train"):
        return [
            Finding(tr("{name} is in validation but not in training.").format(name=cls.name), where)
        ]
    if images.get("train") and not images.get("val"):
        return [
            Finding(tr("{name} is in training but not in validation.").format(name=cls.name), where)
        ]
    return []


def _shapes(count: int) -> str:
    return ntr("{count:,} shape", "{count:,} shapes", count).format(count=count)
