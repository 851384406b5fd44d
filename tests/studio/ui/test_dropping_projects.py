"""Several things dropped at once, a project or a project as one file among them: all come in or are named."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from PySide6.QtCore import QTimer
from PySide6.QtWidgets import QApplication, QFileDialog

from studio.storage.archive_write import export_project
from studio.storage.project_files import create_project


@pytest.fixture
def packed(opened: Any, tmp_path: Path) -> Path:
    """The open project of three images as one file."""
    return export_project(opened.session.project.folder, tmp_path / "mine.zip").path


@pytest.fixture
def extra(tmp_path: Path, write_photos: Any) -> Path:
    """A folder of two other pictures."""
    write_photos(tmp_path / "extra", 2, (64, 48))
    return tmp_path / "extra"


@pytest.fixture
def other(tmp_path: Path) -> Path:
    """Another project, empty."""
    create_project(tmp_path / "other").close()
    return tmp_path / "other"


def labelme(picture: Path) -> Path:
    points = [[10, 10], [30, 10], [30, 30]]
    shape = {"label": "bolt", "points": points, "shape_type": "polygon"}
    head = {"version": "5.0", "flags": {}, "shapes": [shape], "imageData": None}
    file = picture.with_suffix(".json")
    size = {"imagePath": picture.name, "imageHeight": 48, "imageWidth": 64}
    file.write_text(json.dumps(head | size))
    return file


def unpacked(hands: Any, place: Path, *dropped: Path) -> None:
    place.mkdir()
    hands.answer_dialog(place)
    hands.drop(hands.studio.window, *dropped)
    session = hands.studio.session
    hands.wait(lambda: hands.studio.session not in (None, session))
    hands.settle()


def test_pictures_beside_a_project_as_one_file_come_into_it(
    opened: Any, packed: Path, extra: Path, tmp_path: Path
) -> None:
    unpacked(opened, tmp_path / "there", packed, extra)
    project = opened.session.project
    assert project.folder == tmp_path / "there" / "mine"
    opened.wait(lambda: project.count_images() == 5)


def test_labels_beside_it_are_shown_first(
    opened: Any, packed: Path, extra: Path, tmp_path: Path
) -> None:
    files = [labelme(picture) for picture in sorted(extra.glob("*.png"))]
    unpacked(opened, tmp_path / "there", packed, *files)
    opened.wait(lambda: opened.studio.files.importing.dialog is not None)
    dialog = opened.studio.files.importing.dialog
    assert "2 images" in dialog.facts.text()
    dialog.reject()


def test_what_is_a_project_itself_is_named(
    opened: Any, packed: Path, extra: Path, other: Path, tmp_path: Path
) -> None:
    second = tmp_path / "second.zip"
    second.write_bytes(packed.read_bytes())
    unpacked(opened, tmp_path / "there", packed, second, other, extra)
    opened.wait(lambda: opened.session.project.count_images() == 5)
    assert "Not brought in: second.zip, other." in opened.banner()
    assert "open it by itself" in opened.banner()


def test_projects_alone_beside_a_project_are_named(opened: Any, packed: Path, other: Path) -> None:
    opened.drop(opened.studio.window, other, packed)
    opened.wait(lambda: "Not brought in: mine.zip." in opened.banner())
    assert opened.session.project.folder == other
    opened.settle()
    assert opened.session.project.count_images() == 0


def test_a_project_after_pictures_is_named(opened: Any, packed: Path, extra: Path) -> None:
    opened.drop(opened.studio.window, extra, packed)
    opened.wait(lambda: opened.session.project.count_images() == 5)
    assert "Not brought in: mine.zip." in opened.banner()


def test_without_a_place_for_the_project_the_rest_comes_in(
    opened: Any, packed: Path, extra: Path
) -> None:
    def give_up() -> None:
        dialog = QApplication.activeModalWidget()
        if isinstance(dialog, QFileDialog):
            dialog.reject()
        else:
            QTimer.singleShot(20, give_up)

    before = opened.session.project
    QTimer.singleShot(20, give_up)
    opened.drop(opened.studio.window, packed, extra)
    opened.wait(lambda: before.count_images() == 5)
    assert opened.session.project is before


def test_a_damaged_one_does_not_hide_the_others(
    opened: Any, packed: Path, extra: Path, tmp_path: Path
) -> None:
    data = bytearray(packed.read_bytes())
    data[len(data) // 2 : len(data) // 2 + 2000] = bytes(2000)
    packed.write_bytes(data)
    opened.answer_dialog(tmp_path)
    opened.drop(opened.studio.window, packed, extra)
    opened.wait(opened.banner)
    assert "damaged" in opened.banner()
    assert "Not brought in: extra." in opened.banner()


def test_the_dialog_of_labels_takes_several_files(opened: Any, photos: Path) -> None:
    files = [labelme(picture) for picture in sorted(photos.glob("*.png"))[:2]]
    opened.answer_dialog(*files)
    opened.studio.actions["file.import_labels"].trigger()
    opened.wait(lambda: opened.studio.files.importing.dialog is not None)
    dialog = opened.studio.files.importing.dialog
    assert "2 images, 2 of them in the project already." in dialog.facts.text()
    dialog.import_button.click()
    opened.wait(lambda: opened.studio.session is not None)
    opened.settle()
    assert sum(opened.session.project.class_counts().values()) == 2
