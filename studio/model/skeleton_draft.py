"""A keypoint scheme while it is being described: points come and go, pairs and bones go along with them."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from studio.model.keypoint_scheme import KeypointScheme

COCO_PERSON = KeypointScheme(
    17,
    (0, 2, 1, 4, 3, 6, 5, 8, 7, 10, 9, 12, 11, 14, 13, 16, 15),
    (
        "nose", "left eye", "right eye", "left ear", "right ear", "left shoulder", "right shoulder", "left elbow", "right elbow",
        "left wrist", "right wrist", "left hip", "right hip", "left knee", "right knee", "left ankle", "right ankle",
    ),
    (
        (15, 13), (13, 11), (16, 14), (14, 12), (11, 12), (5, 11), (6, 12), (5, 6), (5, 7), (6, 8), (7, 9), (8, 10),
        (1, 2), (0, 1), (0, 2), (1, 3), (2, 4), (3, 5), (4, 6),
    ),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class SkeletonDraft:
    """What is known so far; every change gives another one.

    Attributes:
        names: Of each point, may be empty.
        mirrored: For each point the one that takes its place in a mirrored image, itself where none does.
        bones: Pairs of points, the lower number first.
    """

    names: tuple[str, ...] = ()
    mirrored: tuple[int, ...] = ()
    bones: frozenset[tuple[int, int]] = field(default_factory=frozenset)

    def with_point(self, name: str = "") -> SkeletonDraft:
        """Add a point at the end."""
        here = len(self.names)
        return replace(self, names=(*self.names, name), mirrored=(*self.mirrored, here))

    def without_point(self, place: int) -> SkeletonDraft:
        """Take a point out; the later ones move up, its pair stands alone, its bones go."""
        kept = [number for number in range(len(self.names)) if number != place]
        moved = {old: new for new, old in enumerate(kept)}
        mirrored = tuple(moved.get(self.mirrored[old], moved[old]) for old in kept)
        bones = {(moved[a], moved[b]) for a, b in self.bones if place not in (a, b)}
        return SkeletonDraft(tuple(self.names[old] for old in kept), mirrored, frozenset(bones))

    def with_name(self, place: int, name: str) -> SkeletonDraft:
        """Call a point something else."""
        names = (*self.names[:place], name.strip(), *self.names[place + 1 :])
        return replace(self, names=names)

    def with_pair(self, one: int, other: int) -> SkeletonDraft:
        """Let two points change places in a mirror; a point with itself stands alone. Their former partners stand alone."""
        mirrored = list(self.mirrored)
        for place in (one, other):
            partner = mirrored[place]
            mirrored[partner], mirrored[place] = partner, place
        mirrored[one], mirrored[other] = other, one
        return replace(self, mirrored=tuple(mirrored))

    def with_bone_turned(self, one: int, other: int) -> SkeletonDraft:
        """Join two points by a bone, or take the bone between them away."""
        bone = (min(one, other), max(one, other))
        return self if one == other else replace(self, bones=self.bones ^ {bone})

    def scheme(self) -> KeypointScheme | None:
        """Return the scheme, None without a point. Pairs and names are left out where there are none."""
        if not self.names:
            return None
        alone = tuple(range(len(self.names)))
        return KeypointScheme(
            len(self.names),
            () if self.mirrored == alone else self.mirrored,
            self.names if any(self.names) else (),
            tuple(sorted(self.bones)),
        )


def draft_of(scheme: KeypointScheme | None) -> SkeletonDraft:
    """Return the draft to go on from."""
    if scheme is None:
        return SkeletonDraft()
    return SkeletonDraft(
        scheme.names or ("",) * scheme.count,
        scheme.mirrored or tuple(range(scheme.count)),
        frozenset((min(bone), max(bone)) for bone in scheme.skeleton),
    )
