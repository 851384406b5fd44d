"""Drawn splits: their shares, evenness over the classes, groups that stay together, locks."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.data.annotations import Box
from studio.model.edits import AddShapes, SetSplit, SetTags, UnlockSplits
from studio.model.errors import EditError
from studio.model.project import Project
from studio.model.records import new_shape
from studio.storage.split_draw import SplitItem, SplitPlan, draw, draw_edit, draw_items
from studio.storage.split_locks import (
    find_locks,
    has_newer_versions,
    keep_locks,
    locked_images,
    newest_version,
)
from studio.storage.versions import create_version

ITEMS = [SplitItem(n, f"film{n // 10}/img{n}.png", frozenset({n % 3})) for n in range(100)]


def counts(splits: dict[int, str]) -> Counter[str]:
    return Counter(splits.values())


def test_shares_are_met() -> None:
    plan = SplitPlan(0.2, 0.1, by_class=False)
    splits, groups = draw_items(ITEMS, plan)
    assert counts(splits) == {"train": 70, "val": 20, "test": 10}
    assert groups == 0


def test_the_seed_alone_decides() -> None:
    one = draw_items(ITEMS, SplitPlan(seed=1))
    assert draw_items(list(reversed(ITEMS)), SplitPlan(seed=1)) == one
    assert draw_items(ITEMS, SplitPlan(seed=2)) != one


def test_a_rare_class_is_in_every_split() -> None:
    rare = [replace(ITEMS[n], classes=frozenset({0, 9})) for n in (3, 50, 51, 52, 99)]
    others = [item for item in ITEMS if item.id not in {r.id for r in rare}]
    splits, _ = draw_items([*rare, *others], SplitPlan(0.2, 0.2))
    assert Counter(splits[item.id] for item in rare) == {"train": 3, "val": 1, "test": 1}


@settings(max_examples=50, deadline=None)
@given(
    seed=st.integers(0, 9),
    val=st.sampled_from([0.0, 0.1, 0.25, 0.5]),
    classes=st.lists(st.frozensets(st.integers(0, 4), max_size=3), min_size=1, max_size=60),
)
def test_each_image_gets_a_split_and_the_shares_are_near(
    seed: int, val: float, classes: list[frozenset[int]]
) -> None:
    items = [SplitItem(n, f"{n}.png", own) for n, own in enumerate(classes)]
    splits, _ = draw_items(items, SplitPlan(val, seed=seed))
    assert splits.keys() == {item.id for item in items}
    kinds = len({c for own in classes for c in own}) + 1
    assert abs(counts(splits)["val"] - val * len(items)) <= kinds
    for class_id in range(5):
        members = [item.id for item in items if class_id in item.classes]
        placed = sum(splits[image_id] == "val" for image_id in members)
        assert abs(placed - val * len(members)) <= kinds


@pytest.mark.parametrize(
    ("group_by", "pattern"), [("folder", ""), ("name", r"img(\d)"), ("tag", "film")]
)
def test_groups_stay_together(group_by: str, pattern: str) -> None:
    items = [replace(item, tags=("x", item.key.split("/")[0])) for item in ITEMS]
    plan = SplitPlan(0.3, group_by=group_by, pattern=pattern)  # type: ignore[arg-type]
    splits, groups = draw_items(items, plan)
    assert groups >= 9
    where: dict[str, set[str]] = {}
    for item in items:
        name = item.key[-len("99.png") :] if group_by == "name" else item.key.split("/")[0]
        key = item.key.split("img")[1][0] if group_by == "name" else name
        where.setdefault(key, set()).add(splits[item.id])
    assert all(len(found) == 1 for found in where.values())
    assert 10 <= counts(splits)["val"] <= 45


def test_images_that_share_no_such_tag_are_alone() -> None:
    splits, groups = draw_items(ITEMS, SplitPlan(0.5, group_by="tag", pattern="patient"))
    assert groups == 0
    assert counts(splits) == {"train": 50, "val": 50}


def test_a_pattern_that_is_none_is_refused() -> None:
    with pytest.raises(EditError, match="no regular expression"):
        draw_items(ITEMS, SplitPlan(group_by="name", pattern="("))
    with pytest.raises(EditError, match="nothing to train on"):
        SplitPlan(0.6, 0.4)


def test_images_that_are_fixed_stay_and_count() -> None:
    items = [replace(item, fixed="val" if item.id < 30 else None) for item in ITEMS]
    splits, _ = draw_items(items, SplitPlan(0.4, by_class=False))
    assert all(splits[n] == "val" for n in range(30))
    assert counts(splits) == {"train": 60, "val": 40}


def test_drawing_into_a_project_is_one_step(photo_project: Project) -> None:
    one = photo_project.image_ids()[0]
    photo_project.apply(AddShapes((new_shape(one, 0, Box(1, 2, 30, 20)),)))
    photo_project.apply(SetTags({one: ("night",)}))
    drawn = draw(photo_project, SplitPlan(0.5, seed=3))
    assert drawn.images == {"train": 2, "val": 2}
    assert drawn.classes[0].total() == 1
    edit = draw_edit(photo_project, drawn, 3)
    assert edit is not None
    photo_project.apply(edit)
    assert draw_edit(photo_project, drawn, 3) is None
    assert photo_project.history()[0].label == "Draw splits (seed 3)"
    photo_project.undo()
    assert all(r.split is None for r in photo_project.images(photo_project.image_ids()))


def test_a_version_locks_the_splits_it_uses(photo_project: Project) -> None:
    project = photo_project
    one, two, three, four = project.image_ids()
    shapes = tuple(new_shape(i, 0, Box(1, 2, 30, 20)) for i in (one, two, three))
    project.apply(AddShapes(shapes))
    project.apply(SetSplit({one: "val", two: "train", four: "val"}))
    assert not has_newer_versions(project)
    create_version(project, task="detect")
    assert newest_version(project.versions_dir) == 1
    assert has_newer_versions(project)
    locks = find_locks(project.folder)
    assert locks.images == {
        one: 1,
        two: 1,
    }  # three has no split of its own, four is not in the version
    assert keep_locks(project, locks) == 2
    assert not has_newer_versions(project)
    drawn = draw(project, SplitPlan(0.25, seed=5))
    assert drawn.locked == 2
    assert (drawn.splits[one], drawn.splits[two]) == ("val", "train")
    with pytest.raises(EditError, match="locked: version 1"):
        project.apply(SetSplit({one: "train"}))
    project.apply(UnlockSplits(tuple(locked_images(project))))
    project.apply(SetSplit({one: "train"}))
    project.undo()
    project.undo()
    assert sorted(locked_images(project)) == sorted([one, two])
