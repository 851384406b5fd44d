"""What bad input gets in the window: one clear message each, and the rest goes on."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
from PySide6.QtCore import Qt

from studio.storage.project_files import is_project

SQUARE = ((200.0, 20.0), (280.0, 20.0), (280.0, 80.0), (200.0, 80.0))


def test_a_corrupt_and_an_empty_image(hands: Any, photos: Path) -> None:
    whole = (photos / "img1.png").read_bytes()
    (photos / "img1.png").write_bytes(whole[: len(whole) // 3])
    (photos / "img2.png").write_bytes(b"")
    hands.studio.files.open_paths([photos])
    hands.wait(lambda: hands.studio.session and hands.session.workspace.image_id is not None)
    hands.settle()
    for place in (1, 2):
        hands.press(Qt.Key.Key_D)
        hands.settle()
        hands.wait(lambda: hands.session.workspace.image().status == "damaged")
        assert hands.canvas.problem(), place
    hands.press(Qt.Key.Key_A)
    hands.press(Qt.Key.Key_A)
    hands.settle()
    hands.draw(*SQUARE)
    assert len(hands.shapes()) == 1
    assert hands.session.project.status_counts()["damaged"] == 2


def test_a_missing_folder(hands: Any, tmp_path: Path) -> None:
    hands.studio.files.open_paths([tmp_path / "nowhere"])
    assert "nowhere" in hands.banner()
    assert "Choose a folder that exists" in hands.banner()


def test_a_file_that_is_no_image(hands: Any, tmp_path: Path) -> None:
    (tmp_path / "notes.docx").write_text("x")
    hands.studio.files.open_paths([tmp_path / "notes.docx"])
    assert "notes.docx" in hands.banner()


def test_a_folder_without_images(hands: Any, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    hands.studio.files.open_paths([tmp_path / "empty"])
    hands.wait(hands.banner)
    assert "no images" in hands.banner()
    hands.button("Add a folder of images")


def test_a_data_yaml_with_a_wrong_path(hands: Any, tmp_path: Path) -> None:
    file = tmp_path / "data.yaml"
    file.write_text("path: nowhere\ntrain: images/train\nval: images/val\nnames: [bolt]\n")
    hands.studio.files.open_paths([file])
    hands.wait(hands.banner)
    assert "data.yaml" in hands.banner()
    assert not is_project(tmp_path / "maskwright")
    hands.button("Open folder of images")


def test_a_wrong_data_yaml_leaves_the_open_project_as_it_was(opened: Any, tmp_path: Path) -> None:
    file = tmp_path / "data.yaml"
    file.write_text("names: [bolt\n")
    opened.drop(opened.studio.window, file)
    opened.wait(opened.banner)
    assert "data.yaml" in opened.banner()
    opened.settle()
    assert opened.session.project.count_images() == 3


def test_bad_label_lines_are_named_and_the_rest_is_imported(hands: Any, parts: Path) -> None:
    labels = sorted((parts.parent / "labels" / "train").glob("*.txt"))
    labels[0].write_text(labels[0].read_text() + "0 0.5 0.5\n")
    labels[1].write_text("99 0.5 0.5 0.2 0.2\n" + labels[1].read_text())
    hands.studio.files.open_paths([parts])
    hands.wait(lambda: hands.studio.session is not None)
    hands.settle()
    assert "2 problems left out" in hands.banner()
    details = hands.studio.window.banner.details()
    for label in labels[:2]:
        assert f"{label}, line " in details
    assert hands.session.project.count_images() == 18
    assert sum(hands.session.project.class_counts().values()) > 20


@pytest.mark.skipif(os.name == "nt" or os.geteuid() == 0, reason="the root user may write anywhere")
def test_a_read_only_project_as_another_user(opened: Any, photos: Path) -> None:
    folder = photos / "maskwright"
    opened.studio.close_session()
    for path in (folder / "project.db", folder):
        path.chmod(0o555)
    try:
        _look_at_read_only(opened, photos)
    finally:
        folder.chmod(0o755)


def test_a_project_open_in_another_process_is_for_reading_only(
    hands: Any, photo_project: Any, tmp_path: Path
) -> None:
    hands.studio.files.open_project(tmp_path / "project")
    hands.settle()
    assert "already open" in hands.banner()
    _refuses(hands)


def _look_at_read_only(hands: Any, folder: Path) -> None:
    hands.studio.files.open_paths([folder])
    hands.settle()
    assert "reading only" in hands.banner()
    _refuses(hands)


def _refuses(hands: Any) -> None:
    assert hands.studio.window.status.saved.text() == "read-only"
    before = hands.shapes()
    hands.press(Qt.Key.Key_P)
    for corner in ((10, 10), (30, 10), (30, 30)):
        hands.click(*corner)
    hands.press(Qt.Key.Key_Return)
    assert hands.shapes() == before
    assert len(hands.canvas.scene.shapes()) == len(before)
    hands.press(Qt.Key.Key_D)
    assert hands.session.workspace.position == 1


def test_a_missing_picture_keeps_its_shapes(labelled: Any, photos: Path) -> None:
    labelled.press(Qt.Key.Key_D)
    (photos / "img0.png").unlink()
    labelled.press(Qt.Key.Key_A)
    labelled.settle()
    assert len(labelled.shapes()) == 2
    labelled.wait(labelled.canvas.problem)
    assert labelled.session.project.image(labelled.session.workspace.image_id).status == "labelled"
