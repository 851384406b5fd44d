"""A data set's label files follow the project, but only when asked."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from PySide6.QtCore import Qt

SQUARE = ((20.0, 20.0), (60.0, 20.0), (60.0, 60.0), (20.0, 60.0))


def everything(folder: Path) -> dict[Path, bytes]:
    """Read the data set's own files, without the project inside its folder."""
    files = (path for path in folder.rglob("*") if path.is_file())
    return {path: path.read_bytes() for path in files if "maskwright" not in path.parts}


def open_dataset(hands: Any, parts: Path) -> None:
    hands.studio.files.open_paths([parts])
    hands.wait(lambda: hands.studio.session is not None)
    hands.settle()


def draw_one(hands: Any) -> Path:
    """Draw a shape on the first image and return its label file."""
    hands.rail("Annotate")
    hands.settle()
    hands.press(Qt.Key.Key_P)
    hands.draw(*SQUARE)
    image = hands.session.project.image(hands.session.workspace.image_id).path
    return Path(str(image).replace("/images/", "/labels/")).with_suffix(".txt")


def test_nothing_is_written_unasked(hands: Any, parts: Path) -> None:
    before = everything(parts.parent)
    open_dataset(hands, parts)
    draw_one(hands)
    hands.qtbot.wait(1500)
    assert everything(parts.parent) == before


def test_asked_for_the_files_follow_and_can_be_left(hands: Any, parts: Path) -> None:
    open_dataset(hands, parts)
    label = draw_one(hands)
    before = len(label.read_text().splitlines())
    hands.rail("Dataset")
    hands.push(hands.button("Keep the labels folder in step"))
    hands.wait(lambda: hands.studio.session is not None and hands.session.labels.kept == parts)
    assert hands.studio.window.current_page() == "dataset"
    hands.wait(lambda: len(label.read_text().splitlines()) == before + 1)
    draw_one(hands)
    assert len(label.read_text().splitlines()) == before + 2
    hands.rail("Dataset")
    hands.push(hands.button("Stop writing label files"))
    assert hands.session.labels.kept is None
    draw_one(hands)
    assert len(label.read_text().splitlines()) == before + 2


def test_a_file_changed_outside_waits_for_a_decision(hands: Any, parts: Path) -> None:
    open_dataset(hands, parts)
    hands.studio.files.keep_labels_in_step(parts)
    hands.wait(lambda: hands.studio.session is not None and hands.session.labels.kept)
    hands.settle()
    label = draw_one(hands)
    theirs = "0 0.5 0.5 0.2 0.2\n"
    label.write_text(theirs)
    draw_one(hands)
    assert label.read_text() == theirs
    assert "decision" in hands.banner()
    hands.push(hands.studio.window.banner.action_button)
    hands.push(hands.button("Load the files"))
    hands.rail("Annotate")
    assert len(hands.shapes()) == 1
    assert hands.session.labels.conflicts() == 0
