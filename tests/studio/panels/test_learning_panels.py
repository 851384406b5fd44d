"""What to label next and what looks wrong: both panels on a real project, with a worker process that sees."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from PySide6.QtCore import QObject, Qt, Signal
from PySide6.QtGui import QImage
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from engine.data.annotations import Box
from studio.jobs.client import JobsClient, RunsWatcher
from studio.model.attribute_def import AttributeDef
from studio.model.edits import AddShapes, ChangeClass, RemoveShapes, ReplaceShapes
from studio.model.project import Project
from studio.model.records import Shape, new_shape
from studio.panels.learning.check_panel import CheckPanel
from studio.panels.learning.next_panel import TAG, NextPanel
from studio.storage.image_index import add_folder
from studio.storage.project_files import create_project

LEFT = Qt.MouseButton.LeftButton
TASKS = "tests.studio.panels.seeing_tasks"
SIDE, LABELLED = 96, 8
PLACES = ((6, 6, 26, 26), (50, 8, 80, 20), (10, 55, 30, 75), (55, 55, 85, 70))


class Pictures(QObject):
    """Small pictures: none, for the panels only place them."""

    loaded = Signal(int)

    def get(self, _image_id: int, _path: Path) -> QImage | None:
        return None


@pytest.fixture
def project(tmp_path: Path) -> Iterator[Project]:
    """Eight labelled images with two squares and two bars, four without labels, one of them faint."""
    (tmp_path / "pictures").mkdir()
    for number in range(LABELLED + 4):
        image = np.full((SIDE, SIDE, 3), 20 + number, np.uint8)
        brightness = 160 if number == LABELLED + 2 else 240
        for x1, y1, x2, y2 in PLACES:
            image[y1:y2, x1:x2] = brightness
        cv2.imwrite(str(tmp_path / "pictures" / f"{number:02}.png"), image)
    with create_project(tmp_path / "project") as made:
        for _ in add_folder(made, tmp_path / "pictures"):
            pass
        classes = [made.add_class("square").id, made.add_class("bar").id]
        for image_id in made.image_ids()[:LABELLED]:
            made.image(image_id)
            rows = [
                new_shape(image_id, classes[number % 2], Box(*map(float, place)))
                for number, place in enumerate(PLACES)
            ]
            made.apply(AddShapes(tuple(rows)))
        yield made


@pytest.fixture(scope="module")
def jobs(qapp: QApplication, tmp_path_factory: pytest.TempPathFactory) -> Iterator[JobsClient]:
    """One worker for all tests here: starting one takes longer than a test."""
    client = JobsClient(tasks=TASKS, log_path=tmp_path_factory.mktemp("jobs") / "worker.log")
    yield client
    client.close()


@pytest.fixture
def check(qtbot: QtBot, project: Project, jobs: JobsClient) -> Iterator[CheckPanel]:
    watcher = RunsWatcher(interval_s=0.1)
    panel = CheckPanel(project, jobs, watcher, lambda: project.image_ids()[:2], project.apply)
    qtbot.addWidget(panel)
    panel.resize(1000, 700)
    panel.show()
    panel.activateWindow()
    assert QTest.qWaitForWindowActive(panel)
    panel.picker.set_path(project.folder / "seer.pt")
    yield panel
    panel.stop()
    panel.gallery.tiles_model.wait()
    watcher.close()


def break_labels(project: Project) -> dict[tuple[int, str], Shape]:
    """Break one label on each of five images; returns the shape by image and what is wrong with it."""
    ids = project.image_ids()
    rows = [project.shapes(image_id) for image_id in ids[:5]]
    project.apply(RemoveShapes((rows[0][0],)))
    project.apply(ReplaceShapes((replace(rows[1][1], class_id=rows[1][0].class_id),)))
    project.apply(ReplaceShapes((replace(rows[2][2], geometry=Box(10, 55, 48, 90)),)))
    added = [new_shape(ids[3], rows[3][0].class_id, Box(35, 80, 48, 93))]
    added.append(new_shape(ids[4], rows[4][3].class_id, Box(56, 55, 86, 71)))
    project.apply(AddShapes(tuple(added)))
    return {
        (ids[0], "missing"): rows[0][0],
        (ids[1], "wrong_class"): rows[1][1],
        (ids[2], "loose"): rows[2][2],
        (ids[3], "extra"): project.shapes(ids[3])[-1],
        (ids[4], "double"): project.shapes(ids[4])[-1],
    }


def run_check(panel: CheckPanel, qtbot: QtBot) -> None:
    QTest.mouseClick(panel.check_button, LEFT)
    assert not panel.progress.isHidden()
    qtbot.waitUntil(panel.progress.isHidden, timeout=30_000)
    assert panel.banner.isHidden(), panel.banner.text()


def kinds(panel: CheckPanel) -> set[tuple[int, str]]:
    return {(d.image_id, d.kind) for d in (panel.doubts.doubts[n] for n in panel._shown)}


def choose(panel: CheckPanel, kind: str) -> None:
    numbers = [panel.doubts.doubts[n].kind for n in panel._shown]
    panel.gallery.setCurrentIndex(panel.gallery.tiles_model.index(numbers.index(kind)))


def test_every_deliberate_mistake_is_found_and_nothing_else(
    check: CheckPanel, project: Project, qtbot: QtBot
) -> None:
    broken = break_labels(project)
    run_check(check, qtbot)
    assert kinds(check) == set(broken)
    assert "8 images" in check.said.text()
    captions = [tile.caption for tile in check.gallery.tiles_model.tiles]
    assert any("bar" in words and "square" in words for words in captions)
    assert check.current() is not None


def test_what_is_right_gives_no_tile(check: CheckPanel, qtbot: QtBot) -> None:
    run_check(check, qtbot)
    assert check._shown == []
    assert check.gallery.isHidden()


def test_taking_the_models_word_puts_each_right_and_undo_brings_it_back(
    check: CheckPanel, project: Project, qtbot: QtBot
) -> None:
    before = [[s.geometry for s in project.shapes(i)] for i in project.image_ids()]
    broken = break_labels(project)
    run_check(check, qtbot)
    assert check.gallery.hasFocus()
    for left in range(4, -1, -1):
        QTest.keyClick(check.gallery, Qt.Key.Key_T)
        assert len(check._shown) == left
    after = [[s.geometry for s in project.shapes(i)] for i in project.image_ids()]
    assert [sorted(map(str, row)) for row in after] == [sorted(map(str, row)) for row in before]
    assert all(len({s.class_id for s in project.shapes(i)}) == 2 for i, _ in broken)
    for left in range(1, 6):
        project.undo()
        assert len(check._shown) == left
    assert kinds(check) == set(broken)


def test_fine_stays_fine_in_later_checks_until_somebody_wants_it_again(
    check: CheckPanel, project: Project, qtbot: QtBot
) -> None:
    broken = break_labels(project)
    run_check(check, qtbot)
    for kind in ("missing", "loose"):
        choose(check, kind)
        QTest.keyClick(check.gallery, Qt.Key.Key_F)
    run_check(check, qtbot)
    assert {kind for _, kind in kinds(check)} == {"wrong_class", "extra", "double"}
    assert project.can_undo  # the marks are no step of the history
    QTest.mouseClick(check.again_button, LEFT)
    run_check(check, qtbot)
    assert kinds(check) == set(broken)


def test_what_was_missing_has_what_its_class_gives_at_first(
    check: CheckPanel, project: Project, qtbot: QtBot
) -> None:
    break_labels(project)
    asked = (AttributeDef("maker", default="me"),)
    for cls in project.classes():
        project.apply(ChangeClass(replace(cls, attributes=asked)))
    run_check(check, qtbot)
    choose(check, "missing")
    check.take_word()
    assert project.shapes(project.image_ids()[0])[-1].attributes == {"maker": "me"}


def test_a_mark_ends_with_the_shape_it_was_made_for(
    check: CheckPanel, project: Project, qtbot: QtBot
) -> None:
    broken = break_labels(project)
    run_check(check, qtbot)
    choose(check, "loose")
    check.call_fine()
    shape = next(shape for (_, kind), shape in broken.items() if kind == "loose")
    project.apply(ReplaceShapes((replace(shape, geometry=Box(6, 50, 46, 90)),)))
    run_check(check, qtbot)
    assert "loose" in {kind for _, kind in kinds(check)}


def test_arrows_and_n_go_on_and_enter_opens(
    check: CheckPanel, project: Project, qtbot: QtBot
) -> None:
    break_labels(project)
    run_check(check, qtbot)
    assert check.gallery.hasFocus()
    first = check.current()
    QTest.keyClick(check.gallery, Qt.Key.Key_N)
    assert check.current() != first
    with qtbot.waitSignal(check.doubt_opened) as opened:
        QTest.keyClick(check.gallery, Qt.Key.Key_Return)
    assert opened.args == [check.current()]


def test_filters_by_what_is_wrong_and_by_class(
    check: CheckPanel, project: Project, qtbot: QtBot
) -> None:
    break_labels(project)
    run_check(check, qtbot)
    check.kind_box.setCurrentIndex(check.kind_box.findData("double"))
    assert {kind for _, kind in kinds(check)} == {"double"}
    check.kind_box.setCurrentIndex(0)
    square = project.classes()[0].id
    check.class_box.setCurrentIndex(check.class_box.findData(square))
    assert all(check.doubts.doubts[n].class_id == square for n in check._shown)
    assert check._shown


def test_results_are_there_the_next_time_but_for_what_was_mended_meanwhile(
    check: CheckPanel, project: Project, jobs: JobsClient, qtbot: QtBot
) -> None:
    broken = break_labels(project)
    run_check(check, qtbot)
    project.shapes_changed.disconnect(check._on_shapes)  # as if the window were closed
    gone = next(shape for (_, kind), shape in broken.items() if kind == "extra")
    project.apply(RemoveShapes((gone,)))
    watcher = RunsWatcher(interval_s=0.1)
    again = CheckPanel(project, jobs, watcher, tuple, project.apply)
    qtbot.addWidget(again)
    again.show()
    wanted = {key for key in broken if key[1] != "extra"}
    qtbot.waitUntil(lambda: kinds(again) == wanted, timeout=5000)
    again.stop()
    again.gallery.tiles_model.wait()
    watcher.close()


def test_only_the_images_of_the_list(check: CheckPanel, project: Project, qtbot: QtBot) -> None:
    break_labels(project)
    check.pool.setCurrentIndex(1)
    run_check(check, qtbot)
    assert {kind for _, kind in kinds(check)} == {"missing", "wrong_class"}


@pytest.mark.parametrize(("model", "words"), [("pixels.pt", "pixels"), ("stranger.pt", "square")])
def test_models_that_cannot_check_say_why(
    check: CheckPanel, project: Project, qtbot: QtBot, model: str, words: str
) -> None:
    check.picker.set_path(project.folder / model)
    QTest.mouseClick(check.check_button, LEFT)
    qtbot.waitUntil(lambda: not check.banner.isHidden(), timeout=30_000)
    assert words in check.banner.text()
    assert check.check_button.isEnabled()


@pytest.fixture
def ahead(qtbot: QtBot, project: Project, jobs: JobsClient) -> Iterator[NextPanel]:
    watcher = RunsWatcher(interval_s=0.1)
    panel = NextPanel(project, jobs, watcher, Pictures(), tuple, project.apply)
    qtbot.addWidget(panel)
    panel.resize(1000, 700)
    panel.show()
    panel.picker.set_path(project.folder / "seer.pt")
    yield panel
    panel.stop()
    watcher.close()


def find(panel: NextPanel, qtbot: QtBot) -> None:
    QTest.mouseClick(panel.find_button, LEFT)
    assert not panel.progress.isHidden()
    qtbot.waitUntil(panel.progress.isHidden, timeout=30_000)
    assert panel.banner.isHidden(), panel.banner.text()


def test_the_faint_image_comes_first_with_the_reason(
    ahead: NextPanel, project: Project, qtbot: QtBot
) -> None:
    ahead.count.setValue(2)
    ahead.balance.setValue(0)
    find(ahead, qtbot)
    waiting = project.image_ids()[LABELLED:]
    assert ahead.chosen()[0] == waiting[2]
    assert len(ahead.chosen()) == 2
    assert "Unsure of 4 objects" in ahead.model.images[0].reason()
    assert "2 images of 4" in ahead.said.text()


def test_the_chosen_ones_are_shown_tagged_and_opened(
    ahead: NextPanel, project: Project, qtbot: QtBot
) -> None:
    find(ahead, qtbot)
    asked: list[Any] = []
    ahead.images_asked.connect(asked.append)
    with qtbot.waitSignal(ahead.image_opened) as opened:
        QTest.mouseClick(ahead.start_button, LEFT)
    assert opened.args == [ahead.chosen()[0]]
    assert asked[0].only == ahead.chosen()
    QTest.mouseClick(ahead.tag_button, LEFT)
    assert project.tag_counts() == {TAG: 4}
    project.undo()
    assert project.tag_counts() == {}


def test_chosen_images_are_there_the_next_time(
    ahead: NextPanel, project: Project, jobs: JobsClient, qtbot: QtBot
) -> None:
    find(ahead, qtbot)
    watcher = RunsWatcher(interval_s=0.1)
    again = NextPanel(project, jobs, watcher, Pictures(), tuple, project.apply)
    qtbot.addWidget(again)
    again.show()
    assert again.chosen() == ahead.chosen()
    watcher.close()


def test_nothing_left_to_label_is_said(ahead: NextPanel, project: Project, qtbot: QtBot) -> None:
    square = project.classes()[0].id
    rows = [new_shape(i, square, Box(1, 1, 9, 9)) for i in project.image_ids()[LABELLED:]]
    project.apply(AddShapes(tuple(rows)))
    QTest.mouseClick(ahead.find_button, LEFT)
    assert "labelled" in ahead.said.text()
    assert ahead.progress.isHidden()
