"""Trouble from outside while the window is open: each time a clear message, and nothing lost."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PySide6.QtCore import Qt, QTimer
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QMessageBox

from engine.data.images import write_image
from studio.dialogs.restore_backup import RestoreBackupDialog
from studio.dialogs.save_project import SaveProjectDialog
from studio.storage.backup import FOLDER, list_backups
from studio.storage.health import check_health
from studio.storage.project_files import open_project

SQUARE = ((20.0, 20.0), (80.0, 20.0), (80.0, 80.0), (20.0, 80.0))
OTHER = ((120.0, 20.0), (180.0, 20.0), (180.0, 80.0), (120.0, 80.0))
ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture(autouse=True)
def _backups_when_asked(monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> None:
    """Let no backup come by itself into a test that counts them, however slow the machine is."""
    if "by_itself" not in request.node.name:
        monkeypatch.setattr("studio.app.backups.DELAY_MS", 3_600_000)


def fill_disk(hands: Any) -> None:
    """Let SQLite find no room for another page, as on a full disk."""
    database = hands.session.project.store.db
    pages = database.value("PRAGMA page_count")
    database.value(f"PRAGMA max_page_count = {pages}")


def free_disk(hands: Any) -> None:
    hands.session.project.store.db.value("PRAGMA max_page_count = 1000000")


def ring(points: int = 900) -> list[tuple[float, float]]:
    angles = np.linspace(0, 2 * np.pi, points, endpoint=False)
    return [(100 + 60 * float(np.cos(a)), 90 + 60 * float(np.sin(a))) for a in angles]


# -- the disk ---------------------------------------------------------------------------------


def draw_until_refused(hands: Any) -> int:
    """Draw until a page more is needed and refused; returns how many shapes were taken."""
    from engine.data.annotations import Polygon
    from studio.model.edits import AddShapes
    from studio.model.records import new_shape

    image = hands.session.workspace.image_id
    for count in range(50):
        shape = new_shape(image, -1, Polygon(tuple(ring())))
        hands.canvas.edit_made.emit(AddShapes((shape,)))  # what the polygon tool emits at Enter
        if hands.banner():
            return count
    raise AssertionError("the disk never was full")


def test_what_a_full_disk_refused_waits_and_is_written_when_there_is_room(opened: Any) -> None:
    opened.draw(*SQUARE)
    fill_disk(opened)
    taken = draw_until_refused(opened)
    assert "the disk is full" in opened.banner()
    assert "Everything that was saved before is still there" in opened.banner()
    assert len(opened.shapes()) == taken + 1
    assert len(opened.canvas.scene.shapes()) == taken + 1  # the screen shows what is saved
    refused = opened.session.refused
    assert refused.count == 1
    assert opened.studio.window.status.saved.text() == "not saved"
    draw_until_refused(opened)
    assert refused.count == 2
    opened.push(opened.button("Try again (2 changes)"))
    assert "the disk is full" in opened.banner()
    assert refused.count == 2
    free_disk(opened)
    opened.push(opened.button("Try again (2 changes)"))
    assert opened.banner() == ""
    assert refused.count == 0
    assert opened.studio.window.status.saved.text() == "saved ✓"
    assert len(opened.shapes()) == taken + 3
    assert len(opened.canvas.scene.shapes()) == taken + 3
    assert check_health(opened.session.project).problems == []
    opened.session.project.undo()
    assert len(opened.shapes()) == taken + 2


def answer_with(button: str) -> list[str]:
    """Press a button of the next question; returns the list that its words come into."""
    asked: list[str] = []

    def press() -> None:
        box = QApplication.activeModalWidget()
        if not isinstance(box, QMessageBox):
            QTimer.singleShot(20, press)
            return
        asked.append(box.text())
        (wanted,) = [b for b in box.buttons() if b.text().replace("&", "") == button]
        QTest.mouseClick(wanted, Qt.MouseButton.LeftButton)

    QTimer.singleShot(0, press)
    return asked


@pytest.mark.parametrize("leave", ["window", "project", "another"])
def test_the_window_does_not_close_over_what_is_not_written(
    opened: Any, leave: str, tmp_path: Path
) -> None:
    fill_disk(opened)
    taken = draw_until_refused(opened)
    project, folder = opened.session.project, opened.session.project.folder
    ways = {
        "window": opened.studio.window.close,
        "project": opened.studio.files.file_close_project,
        "another": lambda: opened.studio.files.open_paths([other]),
    }
    other = tmp_path / "other"
    other.mkdir()
    write_image(other / "a.png", np.zeros((40, 60, 3), np.uint8))
    asked = answer_with("Stay")
    ways[leave]()
    assert asked == ["One change could not be written yet."]
    assert opened.studio.window.isVisible()
    assert opened.session.project is project
    assert opened.session.refused.count == 1
    free_disk(opened)
    ways[leave]()  # there is room again: it is written, and nobody is asked
    assert len(asked) == 1
    with open_project(folder) as again:
        assert sum(len(again.shapes(i)) for i in again.image_ids()) == taken + 1


def test_who_gives_up_what_is_not_written_may_close(opened: Any) -> None:
    fill_disk(opened)
    draw_until_refused(opened)
    asked = answer_with("Close without them")
    opened.studio.files.file_close_project()
    assert len(asked) == 1
    assert opened.studio.session is None


def test_a_later_edit_takes_those_that_wait_with_it(opened: Any) -> None:
    fill_disk(opened)
    taken = draw_until_refused(opened)
    free_disk(opened)
    opened.draw(*SQUARE)
    assert opened.session.refused.count == 0
    assert len(opened.shapes()) == taken + 2
    assert opened.banner() == ""


def test_the_first_class_that_cannot_be_written_comes_with_its_shape_later(opened: Any) -> None:
    from studio.model.errors import StorageError

    project = opened.session.project
    real, full = project.store.transaction, [True]

    def transaction() -> Any:
        if full[0]:
            raise StorageError("the disk is full, so the last change was not saved.")
        return real()

    project.store.transaction = transaction
    opened.draw(*SQUARE)
    assert "the disk is full" in opened.banner()
    assert project.classes() == []
    full[0] = False
    opened.push(opened.button("Try again"))
    assert [cls.name for cls in project.classes()] == ["object"]
    assert len(opened.shapes()) == 1


def test_looking_and_closing_go_on_with_a_full_disk(opened: Any) -> None:
    from studio.model.errors import StorageError

    def transaction() -> Any:
        raise StorageError("the disk is full, so the last change was not saved.")

    project = opened.session.project
    project.store.transaction = transaction
    opened.press(Qt.Key.Key_D)
    opened.settle()
    assert opened.session.workspace.image().width == 320
    assert opened.canvas.is_settled()
    opened.studio.close_session()
    with open_project(project.folder) as again:
        assert check_health(again).problems == []


# -- another window ---------------------------------------------------------------------------

_HOLD = """
import sys
from studio.storage.project_files import open_project
project = open_project(sys.argv[1])
print(project.read_only, flush=True)
sys.stdin.readline()
project.close()
print("closed", flush=True)
sys.stdin.readline()
"""


@pytest.fixture
def holder(opened: Any) -> Iterator[subprocess.Popen[str]]:
    """Another process that has the window's project open for writing; the window has it closed."""
    opened.draw(*SQUARE)
    folder = opened.session.project.folder
    opened.studio.close_session()
    process = subprocess.Popen(
        [sys.executable, "-c", _HOLD, str(folder)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "False\n"
    opened.studio.files.open_project(folder)
    opened.settle()
    yield process
    process.kill()
    process.communicate()


def test_a_project_open_elsewhere_is_shown_and_tried_again(opened: Any, holder: Any) -> None:
    project = opened.session.project
    assert project.read_only
    assert f"process {holder.pid}" in opened.banner()
    assert len(opened.shapes()) == 1
    opened.press(Qt.Key.Key_P)
    opened.draw(*OTHER)
    assert "already open in another window" in opened.banner()
    assert len(opened.shapes()) == len(opened.canvas.scene.shapes()) == 1
    opened.push(opened.button("Try again"))
    assert opened.session.project is project  # still held
    assert opened.session.project.read_only
    holder.stdin.write("\n")
    holder.stdin.flush()
    assert holder.stdout.readline() == "closed\n"
    opened.push(opened.button("Try again"))
    opened.settle()
    assert not opened.session.project.read_only
    assert opened.banner() == ""
    opened.press(Qt.Key.Key_P)
    opened.draw(*OTHER)
    assert len(opened.shapes()) == 2


# -- images -----------------------------------------------------------------------------------


def look(hands: Any) -> None:
    """Let the watch look, as its timer does every other second."""
    watch = hands.session.image_watch
    watch.look()
    watch._background.wait()
    QApplication.processEvents()


def test_an_image_that_is_removed_while_open(opened: Any, photos: Path) -> None:
    look(opened)
    path = opened.session.workspace.image().path
    path.rename(photos / "hidden")
    look(opened)
    look(opened)
    assert "img0.png was removed or moved by another program" in opened.banner()
    assert "shapes are kept" in opened.banner()
    opened.draw(*SQUARE)  # the picture is still there to work on
    assert len(opened.shapes()) == 1
    (photos / "hidden").rename(path)
    look(opened)
    assert opened.banner() == ""


def test_an_image_that_is_replaced_while_a_shape_is_drawn(opened: Any, photos: Path) -> None:
    opened.draw(*SQUARE)
    look(opened)
    for point in OTHER[:2]:
        opened.click(*point)
    path = opened.session.workspace.image().path
    write_image(path, np.full((120, 160, 3), 200, np.uint8))
    look(opened)
    assert opened.banner() == ""  # it may still be being written
    look(opened)
    assert "img0.png was changed by another program" in opened.banner()
    for point in OTHER[2:]:
        opened.click(*point)
    opened.press(Qt.Key.Key_Return)
    assert len(opened.shapes()) == 2  # the outline in hand was not lost
    opened.push(opened.button("Show it as it is now"))
    opened.settle()
    opened.wait(lambda: "160 × 120 pixels now" in opened.banner())
    assert "drawn on 320 × 240" in opened.banner()
    record = opened.session.workspace.image()
    assert (record.width, record.height) == (160, 120)
    assert opened.canvas.scene.size_wh == (160, 120)
    assert len(opened.shapes()) == 2


def test_an_image_that_was_replaced_between_two_visits(opened: Any, photos: Path) -> None:
    opened.press(Qt.Key.Key_D)
    opened.settle()
    write_image(photos / "img0.png", np.full((100, 50, 3), 90, np.uint8))
    opened.press(Qt.Key.Key_A)
    opened.settle()
    opened.wait(lambda: opened.session.workspace.image().width == 50)
    assert opened.banner() == ""  # nothing was drawn on it: nothing to look at


# -- backups ----------------------------------------------------------------------------------


def dialog(hands: Any, kind: type) -> Any:
    hands.wait(lambda: hands.studio.window.findChildren(kind))
    return hands.studio.window.findChildren(kind)[0]


def test_a_backup_on_opening_and_the_way_back_to_it(opened: Any) -> None:
    opened.draw(*SQUARE)
    folder = opened.session.project.folder
    opened.session.backup.start()
    opened.wait(lambda: list_backups(folder))
    opened.draw(*OTHER)
    assert len(opened.shapes()) == 2
    opened.studio.actions["file.restore_backup"].trigger()
    found = dialog(opened, RestoreBackupDialog)
    opened.wait(lambda: "1 shape on 3 images" in found._facts[0].text())
    assert found.list.count() == 1
    opened.push(found.restore_button)
    opened.wait(lambda: "is again what it was" in opened.banner())
    opened.settle()
    assert len(opened.shapes()) == 1
    assert len(list_backups(folder)) == 2
    opened.studio.close_session()


def test_an_opened_project_is_backed_up_by_itself(opened: Any) -> None:
    folder = opened.session.project.folder
    opened.wait(lambda: list_backups(folder), 10_000)


def test_a_backup_that_cannot_be_made_is_told(opened: Any) -> None:
    (opened.session.project.folder / FOLDER).write_text("in the way")
    opened.session.backup.start()
    opened.wait(opened.banner)
    assert "the backup could not be made" in opened.banner()
    assert "The project itself is saved" in opened.banner()


def test_a_damaged_project_offers_its_backups(opened: Any) -> None:
    opened.draw(*SQUARE)
    folder = opened.session.project.folder
    opened.session.backup.start()
    opened.wait(lambda: list_backups(folder))
    opened.studio.close_session()
    (folder / "project.db").write_bytes(b"\x00" * 20_000)
    assert not opened.studio.files.open_project(folder)
    opened.push(opened.button("Restore a backup"))
    opened.push(dialog(opened, RestoreBackupDialog).restore_button)
    opened.wait(lambda: opened.studio.session is not None)
    opened.settle()
    assert len(opened.shapes()) == 1


def test_without_a_backup_the_list_says_so(opened: Any) -> None:
    opened.session.backup.stop()
    opened.studio.actions["file.restore_backup"].trigger()
    found = dialog(opened, RestoreBackupDialog)
    assert not found.restore_button.isEnabled()
    opened.push(found.cancel_button)


# -- a project as one file --------------------------------------------------------------------


def test_saving_a_project_as_one_file_and_opening_it(opened: Any, tmp_path: Path) -> None:
    opened.draw(*SQUARE)
    first = opened.session.project.folder
    opened.studio.actions["file.save_as_file"].trigger()
    found = dialog(opened, SaveProjectDialog)
    opened.wait(lambda: found.images_fact.text().startswith("3 files"))
    opened.answer_dialog(tmp_path / "mine")
    opened.push(found.save_button)
    opened.wait(lambda: "was written to" in opened.banner())
    assert "3 images and 0 trainings" in opened.banner()
    (tmp_path / "there").mkdir()
    opened.answer_dialog(tmp_path / "there")
    opened.drop(opened.studio.window, tmp_path / "mine.zip")
    opened.wait(lambda: "The project is in" in opened.banner())
    opened.settle()
    project = opened.session.project
    assert project.folder == tmp_path / "there" / "mine" != first
    assert len(opened.shapes()) == 1
    assert opened.session.workspace.image().path.is_relative_to(project.folder)


def test_a_file_that_is_damaged_leaves_the_open_project(opened: Any, tmp_path: Path) -> None:
    from studio.storage.archive_write import export_project

    made = export_project(opened.session.project.folder, tmp_path / "p.zip").path
    data = bytearray(made.read_bytes())
    data[len(data) // 2 : len(data) // 2 + 2000] = bytes(2000)
    made.write_bytes(data)
    before = opened.session.project
    opened.answer_dialog(tmp_path)
    opened.studio.files.open_paths([made])
    opened.wait(opened.banner)
    assert "damaged" in opened.banner()
    assert opened.session.project is before
    assert not (tmp_path / "p").exists()
