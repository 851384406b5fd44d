"""COCO's two countings of its classes: ids 1 to 90 with gaps in the files, 0 to 79 in models."""

from __future__ import annotations

# The ids in use; 91 names were planned, 80 were annotated (Lin et al., Microsoft COCO, 2014).
_RANGES = (
    (1, 11), (13, 25), (27, 28), (31, 44), (46, 65), (67, 67), (70, 70), (72, 82), (84, 90),
)  # fmt: skip
_USED = tuple(number for first, last in _RANGES for number in range(first, last + 1))


def coco80_to_coco91_class() -> list[int]:
    """Return for each of the 80 classes its id in COCO's files."""
    return list(_USED)


def coco91_to_coco80_class() -> list[int | None]:
    """Return for each id of COCO's files, less 1, its class 0 to 79; None for ids that are not in use."""
    return [_USED.index(number) if number in _USED else None for number in range(1, 92)]
