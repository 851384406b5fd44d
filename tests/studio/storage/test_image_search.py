"""What filters find and how lists are sorted; and that what they read always agrees with the labels."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.data.annotations import Box
from studio.model.edits import (
    AddComment,
    AddShapes,
    ChangeClass,
    RemoveShapes,
    SetSplit,
    SetStage,
    SetTags,
    change_tags,
    reject,
)
from studio.model.errors import EditError
from studio.model.project import Project
from studio.model.records import ImageFilter, ImageOrder, new_shape
from studio.model.review import Comment
from studio.storage.health import check_health
from studio.storage.image_query import terms
from studio.storage.project_files import open_project

BOX = Box(1, 2, 30, 20)


@pytest.fixture
def searched(photo_project: Project) -> Project:
    """Images 0 to 3: a bolt, described and scored; two nuts and a tag; a comment; nothing."""
    project = photo_project
    one, two, three, _ = project.image_ids()
    project.apply(
        AddShapes(
            (
                new_shape(one, 0, BOX, "model", 0.25, {"description": "Rusty ÄRMEL"}),
                new_shape(two, 1, BOX, "model", 0.75),
                new_shape(two, 1, BOX),
            )
        )
    )
    project.apply(SetTags({two: ("night", "rain")}))
    project.apply(AddComment(Comment(0, three, "Who took this?")))
    project.apply(SetSplit({one: "val"}))
    return project


FOUND = {
    "path": (ImageFilter(text="IMG1"), [1]),
    "class": (ImageFilter(text="nut"), [1]),
    "part of a class": (ImageFilter(text="ol"), [0]),
    "description": (ImageFilter(text="rusty"), [0]),
    "folded": (ImageFilter(text="ärmel"), [0]),
    "tag": (ImageFilter(text="ain"), [1]),
    "comment": (ImageFilter(text="took"), [2]),
    "all words": (ImageFilter(text="nut night img"), [1]),
    "one word fails": (ImageFilter(text="nut rusty"), []),
    "held together": (ImageFilter(text='"took this"'), [2]),
    "not in this order": (ImageFilter(text='"this took"'), []),
    "quoted percent": (ImageFilter(text="%"), []),
    "tags": (ImageFilter(tags=frozenset({"rain", "day"})), [1]),
    "stage": (ImageFilter(stages=frozenset({"in_progress"})), [0, 1]),
    "new": (ImageFilter(stages=frozenset({"new"})), [2, 3]),
    "shapes": (ImageFilter(shapes=(2, None)), [1]),
    "few shapes": (ImageFilter(shapes=(0, 1)), [0, 2, 3]),
    "score": (ImageFilter(score=(0.0, 0.5)), [0]),
    "commented": (ImageFilter(commented=True), [2]),
    "split": (ImageFilter(split="val"), [0]),
    "modified": (ImageFilter(modified_since=1.0), [0, 1]),
    "added later": (ImageFilter(added_since=4e9), []),
    "two together": (ImageFilter(text="img", class_id=0, split="val"), [0]),
}


@pytest.mark.parametrize("name", FOUND)
def test_a_filter_finds_what_it_says(searched: Project, name: str) -> None:
    wanted, places = FOUND[name]
    ids = searched.image_ids()
    assert searched.image_ids(wanted) == [ids[place] for place in places]
    assert searched.count_images(wanted) == len(places)


def test_only_these_images(searched: Project) -> None:
    ids = searched.image_ids()
    assert searched.image_ids(ImageFilter(only=(ids[2], ids[0], 999))) == [ids[0], ids[2]]
    assert searched.image_ids(ImageFilter(only=())) == []


ORDERS = {
    "name": (ImageOrder("name"), [0, 1, 2, 3]),
    "name back": (ImageOrder("name", True), [3, 2, 1, 0]),
    "shapes": (ImageOrder("shapes", True), [1, 0, 2, 3]),
    "score": (ImageOrder("score"), [0, 1, 2, 3]),
    "score back": (ImageOrder("score", True), [1, 0, 2, 3]),
    "split": (ImageOrder("split"), [0, 1, 2, 3]),
    "stage": (ImageOrder("stage", True), [0, 1, 2, 3]),
    "modified": (ImageOrder("modified", True), [0, 1, 2, 3]),
    "status": (ImageOrder("status", True), [2, 3, 0, 1]),
    "size": (ImageOrder("size"), [0, 1, 2, 3]),
    "added": (ImageOrder("added"), [0, 1, 2, 3]),
}


@pytest.mark.parametrize("name", ORDERS)
def test_an_order_sorts_as_it_says(searched: Project, name: str) -> None:
    order, places = ORDERS[name]
    ids = searched.image_ids()
    assert searched.image_ids(order=order) == [ids[place] for place in places]


def test_terms() -> None:
    assert terms("  a  b ") == ["a", "b"]
    assert terms('x "y z" "open one') == ["x", "y z", "open one"]
    assert terms('""') == []


def test_words_follow_a_renamed_class_an_undone_tag_and_a_removed_comment(
    searched: Project,
) -> None:
    ids = searched.image_ids()
    bolt = searched.classes()[0]
    searched.apply(ChangeClass(type(bolt)(bolt.id, "screw", bolt.color)))
    assert searched.image_ids(ImageFilter(text="screw")) == [ids[0]]
    searched.apply(SetTags({ids[1]: ()}))
    assert searched.image_ids(ImageFilter(text="night")) == []
    searched.undo()
    assert searched.image_ids(ImageFilter(text="night")) == [ids[1]]
    searched.apply(RemoveShapes(tuple(searched.shapes(ids[0]))))
    assert searched.image_ids(ImageFilter(text="rusty")) == []


def test_the_name_of_a_class_finds_images_of_those_below_it(searched: Project) -> None:
    ids = searched.image_ids()
    bolt, nut = searched.classes()
    top = searched.add_class("fastener")
    searched.apply(ChangeClass(replace(nut, parent=top.id)))
    assert searched.image_ids(ImageFilter(text="fasten")) == [ids[1]]
    searched.apply(ChangeClass(replace(bolt, parent=nut.id)))
    wanted = ImageFilter(text="fasten")
    assert searched.image_ids(wanted) == ids[:2]
    assert searched.count_images(wanted) == 2
    assert searched.image_ids(ImageFilter(text="nut")) == ids[:2]
    assert searched.image_ids(ImageFilter(text="bolt")) == [ids[0]]  # not those above it
    assert searched.image_ids(ImageFilter(text="fasten night")) == [ids[1]]


def test_a_stage_that_nobody_chose_follows_the_labels(photo_project: Project) -> None:
    project = photo_project
    one = project.image_ids()[0]

    def stage() -> str:
        return project.image(one).stage

    assert stage() == "new"
    project.apply(AddShapes((new_shape(one, 0, BOX),)))
    assert stage() == "in_progress"
    project.undo()
    assert stage() == "new"
    project.apply(SetStage({one: "skipped"}))
    project.apply(AddShapes((new_shape(one, 0, BOX),)))
    assert stage() == "skipped"
    project.apply(SetStage({one: ""}))
    assert stage() == "in_progress"
    assert project.stage_counts() == {
        "new": 3,
        "in_progress": 1,
        "done": 0,
        "reviewed": 0,
        "skipped": 0,
        "rejected": 0,
    }


def test_a_rejection_with_its_reason_is_one_step(photo_project: Project) -> None:
    project = photo_project
    one = project.image_ids()[0]
    project.apply(reject(one, " box too wide "))
    assert project.image(one).stage == "rejected"
    (comment,) = project.comments(one)
    assert (comment.text, comment.kind) == ("box too wide", "reject")
    assert comment.time > 0
    assert project.image(one).comment_count == 1
    project.undo()
    assert project.image(one).stage == "new"
    assert project.comments(one) == []


def test_what_cannot_be_said_is_refused(photo_project: Project) -> None:
    one = photo_project.image_ids()[0]
    with pytest.raises(EditError, match="needs words"):
        photo_project.apply(AddComment(Comment(0, one, "  ")))
    with pytest.raises(EditError, match="Expected one of new"):
        photo_project.apply(SetStage({one: "finished"}))  # type: ignore[dict-item]
    with pytest.raises(EditError, match="no image 999"):
        photo_project.apply(SetTags({999: ("a",)}))


def test_a_locked_split_stays_until_it_is_unlocked(photo_project: Project) -> None:
    from studio.model.edits import UnlockSplits

    one, two = photo_project.image_ids()[:2]
    photo_project.apply(SetSplit({one: "val"}))
    with photo_project.store.transaction():
        photo_project.store.lock_splits({one: 2})
    photo_project.apply(SetSplit({one: "val", two: "train"}))  # nothing moves that is locked
    with pytest.raises(EditError, match="locked: version 2 uses it"):
        photo_project.apply(SetSplit({one: "train"}))
    photo_project.apply(UnlockSplits((one, two)))
    photo_project.apply(SetSplit({one: "train"}))
    assert photo_project.image(one).split == "train"


def test_tags_are_added_and_taken_away(photo_project: Project) -> None:
    one, two = photo_project.image_ids()[:2]
    photo_project.apply(SetTags({one: (" b", "a", "b", "")}))
    store = photo_project.store
    photo_project.apply(change_tags(store.tags_of([one, two]), add=["c"], remove=["a"]))
    assert store.tags_of([one, two]) == {one: ("b", "c"), two: ("c",)}
    assert photo_project.tag_counts() == {"b": 1, "c": 2}


STEPS = st.lists(
    st.tuples(
        st.sampled_from(["add", "remove", "tag", "stage", "undo", "redo", "drop"]),
        st.integers(0, 3),
        st.integers(0, 1),
    ),
    max_size=12,
)


@settings(max_examples=15, deadline=None)
@given(steps=STEPS)
def test_counts_and_facts_agree_with_the_labels_after_any_steps(
    tmp_path_factory: pytest.TempPathFactory, steps: list[tuple[str, int, int]]
) -> None:
    from studio.model.edits import RemoveImages
    from studio.storage.image_index import store_of
    from studio.storage.project_files import create_project

    folder: Path = tmp_path_factory.mktemp("steps")
    with create_project(folder / "project") as project:
        store = store_of(project)
        with store.transaction():
            store.add_images(store.take_source(folder), [f"{n}.png" for n in range(4)])
        project.add_class("a")
        project.add_class("b")
        all_ids = project.image_ids()
        project.class_counts()
        for what, place, class_id in steps:
            image = all_ids[place]
            listed = image in project.image_ids()
            if what == "undo":
                if len(project.history()) > 2:
                    project.undo()
            elif what == "redo":
                project.redo()
            elif not listed:
                continue
            elif what == "add":
                project.apply(AddShapes((new_shape(image, class_id, BOX),)))
            elif what == "remove" and project.shapes(image):
                project.apply(RemoveShapes(tuple(project.shapes(image)[:1])))
            elif what == "tag":
                project.apply(SetTags({image: ("x",) * class_id}))
            elif what == "stage":
                project.apply(SetStage({image: "done" if class_id else ""}))
            elif what == "drop":
                project.apply(RemoveImages((image,)))
        kept = project.class_counts()
        assert check_health(project).problems == []
    with open_project(folder / "project") as again:
        assert again.class_counts() == kept
