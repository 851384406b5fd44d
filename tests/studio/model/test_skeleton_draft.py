from __future__ import annotations

from collections.abc import Callable

from hypothesis import given
from hypothesis import strategies as st

from studio.model.keypoint_scheme import KeypointScheme
from studio.model.skeleton_draft import COCO_PERSON, SkeletonDraft, draft_of

HAND = KeypointScheme(3, (0, 2, 1), ("top", "left", "right"), ((0, 1), (0, 2)))


def test_a_scheme_survives_its_draft() -> None:
    assert draft_of(HAND).scheme() == HAND
    person = draft_of(COCO_PERSON).scheme()
    assert person is not None
    assert (person.count, person.mirrored, person.names) == (
        17,
        COCO_PERSON.mirrored,
        COCO_PERSON.names,
    )
    assert len(person.skeleton) == 19
    assert draft_of(None).scheme() is None


def test_a_point_that_goes_takes_its_bones_along_and_leaves_its_pair_alone() -> None:
    assert draft_of(HAND).without_point(1).scheme() == KeypointScheme(
        2, (), ("top", "right"), ((0, 1),)
    )
    assert draft_of(HAND).without_point(0).scheme() == KeypointScheme(2, (1, 0), ("left", "right"))


def test_a_new_pair_parts_the_former_ones() -> None:
    draft = draft_of(KeypointScheme(4, (1, 0, 3, 2)))
    assert draft.with_pair(0, 2).mirrored == (2, 1, 0, 3)
    assert draft.with_pair(0, 0).mirrored == (0, 1, 3, 2)


def test_a_bone_comes_and_goes() -> None:
    draft = draft_of(HAND).with_bone_turned(2, 1)
    assert (1, 2) in draft.bones
    assert draft.with_bone_turned(1, 2).bones == draft_of(HAND).bones
    assert draft.with_bone_turned(1, 1) == draft


CHANGES: dict[str, Callable[[SkeletonDraft, int, int], SkeletonDraft]] = {
    "remove": lambda draft, one, _other: draft.without_point(one),
    "pair": SkeletonDraft.with_pair,
    "bone": SkeletonDraft.with_bone_turned,
    "name": lambda draft, one, other: draft.with_name(one, f" {other} "),
}
STEPS = st.lists(
    st.tuples(
        st.sampled_from(("add", *CHANGES)),
        st.integers(0, 20),
        st.integers(0, 20),
    ),
    max_size=30,
)


@given(STEPS)
def test_any_steps_give_a_scheme_that_is_whole(steps: list[tuple[str, int, int]]) -> None:
    draft = SkeletonDraft()
    for what, one, other in steps:
        count = len(draft.names)
        if what == "add" or not count:
            draft = draft.with_point("x")
            continue
        one, other = one % count, other % count
        draft = CHANGES[what](draft, one, other)
        # Building a scheme checks pairs and bones.
        assert draft_of(draft.scheme()).scheme() == draft.scheme()
