"""What stands out in a data set: classes that are rare, unused, tiny, or missing from a split."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

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
            found.append(Finding(f"{cls.name} has no shapes yet."))
            continue
        if most is not None and count * _RARE <= shapes[most.id]:
            times = shapes[most.id] // count
            found.append(
                Finding(
                    f"{cls.name} is rare: {_shapes(count)}, {times:,} times fewer than {most.name}.",
                    where,
                )
            )
        elif count < _FEW:
            found.append(
                Finding(f"{cls.name} has only {_shapes(count)}: little to learn from.", where)
            )
        if median_side.get(cls.id, _TINY_PX) < _TINY_PX:
            found.append(
                Finding(
                    f"{cls.name} is tiny: half of its shapes are under "
                    f"{median_side[cls.id]:.0f} pixels. Train at a larger image size.",
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
        return [Finding(f"{cls.name} is in validation but not in training.", where)]
    if images.get("train") and not images.get("val"):
        return [Finding(f"{cls.name} is in training but not in validation.", where)]
    return []


def _shapes(count: int) -> str:
    return "1 shape" if count == 1 else f"{count:,} shapes"
