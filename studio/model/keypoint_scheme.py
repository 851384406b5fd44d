"""What the keypoints of a class or project mean: how many an object has, and which change places in a mirror."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from studio.language import ntr, tr
from studio.model.errors import EditError


@dataclass(frozen=True, slots=True)
class KeypointScheme:
    """The keypoints that each object of a project has.

    Attributes:
        count: Points of one object.
        mirrored: For each point the one that stands in its place in a mirrored image (the left eye where
            the right eye was); empty where nobody has said so, and then images cannot be mirrored.
        names: What the points are called, empty where nobody has said so.
        skeleton: The bones, each as the places of the two points that it joins, both from 0.
    """

    count: int
    mirrored: tuple[int, ...] = ()
    names: tuple[str, ...] = ()
    skeleton: tuple[tuple[int, int], ...] = ()

    def __post_init__(self) -> None:
        if self.count < 1:
            raise EditError(
                tr("An object needs at least one keypoint, received {count}.").format(
                    count=self.count
                )
            )
        if self.mirrored and not _is_mirror(self.mirrored, self.count):
            raise EditError(
                tr(
                    "Expected for each of {count} keypoints the one that it changes places with, "
                    "received {received}."
                ).format(count=self.count, received=list(self.mirrored)),
                remedy=tr("Mirroring twice must give every point its own place again."),
            )
        if self.names and len(self.names) != self.count:
            raise EditError(
                ntr(
                    "Expected {count} name of a keypoint, received {received}.",
                    "Expected {count} names of keypoints, received {received}.",
                    self.count,
                ).format(count=self.count, received=len(self.names))
            )
        for bone in self.skeleton:
            if len(bone) != 2 or bone[0] == bone[1] or not all(0 <= p < self.count for p in bone):
                raise EditError(
                    tr(
                        "Expected bones between two of {count} keypoints, received {received}."
                    ).format(count=self.count, received=list(bone))
                )

    def flip_pairs(self) -> tuple[tuple[int, int], ...]:
        """Return the pairs that change places in a mirror, the lower number first."""
        return tuple((i, j) for i, j in enumerate(self.mirrored) if i < j)

    def to_dict(self) -> dict[str, Any]:
        """Return plain values for JSON."""
        return {
            "count": self.count,
            "mirrored": list(self.mirrored),
            "names": list(self.names),
            "skeleton": [list(bone) for bone in self.skeleton],
        }


def mirror_of_all(schemes: Iterable[KeypointScheme | None]) -> tuple[int, ...]:
    """Return which points change places in a mirror where all classes say the same, else nothing.

    A training has one such list for all of its classes: one that is true of some only would turn the
    points of the others into wrong ones.
    """
    told = {() if scheme is None else scheme.mirrored for scheme in schemes}
    return told.pop() if len(told) == 1 else ()


def scheme_from_dict(values: Mapping[str, Any]) -> KeypointScheme:
    """Return the scheme that :meth:`KeypointScheme.to_dict` described."""
    mirrored, names = values.get("mirrored") or (), values.get("names") or ()
    skeleton = tuple((int(start), int(end)) for start, end in values.get("skeleton") or ())
    return KeypointScheme(
        int(values["count"]), tuple(map(int, mirrored)), tuple(map(str, names)), skeleton
    )


def _is_mirror(mirrored: Sequence[int], count: int) -> bool:
    in_range = len(mirrored) == count and all(0 <= place < count for place in mirrored)
    return in_range and all(mirrored[mirrored[place]] == place for place in range(count))
