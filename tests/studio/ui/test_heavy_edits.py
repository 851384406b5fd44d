"""Edits of many images on the real window: a thread writes them, the window opens the project again and says what was done."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from threading import Event
from typing import Any

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QMenu

from studio.app import heavy_edits
from studio.model.edits import AddShapes, SetSplit, change_tags, set_attributes
from studio.panels.images.image_menu import build_image_menu

CTRL, SHIFT = Qt.KeyboardModifier.ControlModifier, Qt.KeyboardModifier.ShiftModifier
KEY = Qt.Key


@pytest.fixture(autouse=True)
def three_are_many(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the three pictures of these tests count as very many."""
    monkeypatch.setattr(heavy_edits, "MANY", 2)


def reopened(hands: Any, session: Any) -> Any:
    """Wait until the project was closed and is open again; return it."""
    hands.wait(lambda: hands.studio.session is not None and hands.studio.session is not session)
    hands.settle()
    return hands.session.project


def splits(hands: Any) -> list[str | None]:
    project = hands.session.project
    return [record.split for record in project.images(project.image_ids())]


def test_splits_are_written_undone_and_done_again_by_a_thread(labelled: Any) -> None:
    hands, first = labelled, labelled.session
    hands.studio.show_page("dataset")
    page = first.pages.dataset_page
    page.show_part("splits")
    hands.push(page.splits.try_button)
    hands.wait(lambda: page.splits.apply_button.isEnabled())
    hands.push(page.splits.apply_button)
    project = reopened(hands, first)
    drawn = splits(hands)
    assert set(drawn) <= {"train", "val"}
    assert project.history()[0].label.startswith("Draw")
    assert hands.studio.window.current_page() == "dataset"
    hands.studio.show_page("annotate")
    for how, expected in ((CTRL, [None] * 3), (CTRL | SHIFT, drawn)):
        session = hands.session
        hands.press(KEY.Key_Z, how)
        reopened(hands, session)
        assert splits(hands) == expected
        assert hands.studio.window.current_page() == "annotate"


def test_few_images_are_written_where_one_is(labelled: Any) -> None:
    session, image = labelled.session, labelled.session.workspace.image_id
    session.apply(SetSplit({image: "val"}))
    labelled.press(KEY.Key_Z, CTRL)
    assert labelled.session is session
    assert splits(labelled) == [None] * 3


def test_what_does_not_fit_changes_nothing_and_is_said(labelled: Any) -> None:
    session = labelled.session
    gone = SetSplit({999: "val"})
    assert labelled.studio.heavy.take(3, lambda _project: gone)
    reopened(labelled, session)
    assert "999" in labelled.banner()
    assert splits(labelled) == [None] * 3


def test_an_edit_that_is_given_up_leaves_everything(labelled: Any) -> None:
    session = labelled.session
    shapes = tuple(labelled.shapes())

    begun, go_on = Event(), Event()

    def slowly(_project: Any) -> Any:
        begun.set()
        assert go_on.wait(20)
        return AddShapes(shapes)

    assert labelled.studio.heavy.take(3, slowly)
    labelled.wait(begun.is_set)
    labelled.push(labelled.studio.window.progress.cancel_button)
    go_on.set()
    project = reopened(labelled, session)
    assert len(project.shapes(shapes[0].image_id)) == len(shapes)
    assert labelled.banner() == ""


def test_missing_files_are_found_again_by_a_thread(labelled: Any, tmp_path: Path) -> None:
    hands, first = labelled, labelled.session
    paths = [record.path for record in first.project.images(first.project.image_ids())]
    for path in paths:
        (tmp_path / "moved").mkdir(exist_ok=True)
        path.rename(tmp_path / "moved" / path.name)
    hands.studio.show_page("dataset")
    page = first.pages.dataset_page
    page.show_part("files")
    hands.push(page.files.look_button)
    hands.wait(lambda: len(page.files.missing) == 3)
    page.files.search(tmp_path / "moved")
    hands.wait(page.files.use_button.isVisible)
    hands.push(page.files.use_button)
    project = reopened(hands, first)
    assert {r.path.parent for r in project.images(project.image_ids())} == {tmp_path / "moved"}


def image_menu(hands: Any) -> QMenu:
    """Return the menu of all images on the Dataset page."""
    session = hands.session
    hands.studio.show_page("dataset")
    page = session.pages.dataset_page
    page.show_part("images")
    page.images.set_mode("table")
    page.images.table.selectAll()
    chosen = page.images.chosen()
    assert chosen == list(session.workspace.image_ids)
    return build_image_menu(page.images, session.project, chosen, session.apply, session.apply_made)


def choose(menu: QMenu, *words: str) -> None:
    """Trigger an entry of a menu by the words on the way to it."""
    for word in words:
        action = next(action for action in menu.actions() if action.text() == word)
        menu = action.menu()
    action.trigger()


def test_stages_tags_and_removals_of_many_images_are_written_by_a_thread(labelled: Any) -> None:
    hands = labelled
    hands.session.apply(change_tags({hands.session.project.image_ids()[0]: ()}, add=["night"]))
    for words, told in (
        (("Stage", "Done"), lambda records: {r.stage for r in records} == {"done"}),
        (("Tags", "night"), lambda records: {r.tags for r in records} == {("night",)}),
        (("Remove from project",), lambda records: not records),
    ):
        session = hands.session
        choose(image_menu(hands), *words)
        project = reopened(hands, session)
        assert told(project.images(project.image_ids())), words
    session = hands.session
    hands.studio.show_page("annotate")
    hands.press(KEY.Key_Z, CTRL)
    project = reopened(hands, session)
    assert [record.tags for record in project.images(project.image_ids())] == [("night",)] * 3


def on_all_images(hands: Any) -> None:
    """Copy the first image's shapes to the others, so that each class is on all of them."""
    project = hands.session.project
    first, *others = project.image_ids()
    for image in others:
        shapes = tuple(replace(s, id=0, z=0, image_id=image) for s in project.shapes(first))
        project.apply(AddShapes(shapes))


def test_classes_of_many_images_are_merged_by_a_thread_and_come_back(labelled: Any) -> None:
    hands = labelled
    on_all_images(hands)
    session = hands.session
    bolt, nut = session.project.classes()
    before = session.project.class_counts()
    session.annotate.classes.merge(bolt, nut)
    project = reopened(hands, session)
    assert project.class_counts() == {nut.id: 6}
    session = hands.session
    hands.press(KEY.Key_Z, CTRL)
    project = reopened(hands, session)
    assert project.class_counts() == before


def test_a_class_of_many_images_is_removed_by_a_thread(labelled: Any) -> None:
    hands = labelled
    on_all_images(hands)
    session = hands.session
    bolt, nut = session.project.classes()
    dialog = session.annotate.classes.remove(bolt)
    dialog.delete_button.setChecked(True)
    hands.push(dialog.remove_button)
    project = reopened(hands, session)
    assert [cls.id for cls in project.classes()] == [nut.id]
    assert project.class_counts() == {nut.id: 3}


def test_classes_for_each_value_are_made_by_a_thread(labelled: Any) -> None:
    hands = labelled
    on_all_images(hands)
    session = hands.session
    bolt = session.project.classes()[0]
    for place, image in enumerate(session.project.image_ids()):
        shapes = [s for s in session.project.shapes(image) if s.class_id == bolt.id]
        session.project.apply(set_attributes(shapes, {"side": "left" if place else "right"}))
    session.annotate.classes.split_by(bolt, "side")
    project = reopened(hands, session)
    counts = project.class_counts()
    named = {cls.name: counts.get(cls.id, 0) for cls in project.classes()}
    assert (named["bolt left"], named["bolt right"], named["bolt"]) == (2, 1, 0)
