"""Labels of other programs are dropped on the window, shown before anything is written, imported, and written again."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QComboBox, QLabel

from engine.data.annotations import Box
from engine.data.formats import read
from studio.dialogs.export_dataset import ExportDatasetDialog
from studio.dialogs.import_preview import ImportPreviewDialog
from studio.model.edits import AddShapes
from studio.model.records import new_shape

LEFT = Qt.MouseButton.LeftButton


@pytest.fixture
def coco(photos: Path) -> Path:
    """A COCO file over the three photos: a box of a bolt, an outline of an "M8 nut", a line of NaN, one empty photo."""
    images = [{"id": n, "file_name": f"img{n}.png", "width": 320, "height": 240} for n in range(3)]
    shapes = [
        {"id": 1, "image_id": 0, "category_id": 1, "bbox": [10, 20, 30, 40]},
        {
            "id": 2,
            "image_id": 1,
            "category_id": 2,
            "bbox": [10, 10, 50, 50],
            "segmentation": [[10, 10, 60, 10, 60, 60, 30, 50]],
        },
        {"id": 3, "image_id": 1, "category_id": 1, "bbox": [float("nan"), 0, 5, 5]},
    ]
    names = [{"id": 1, "name": "Bolt"}, {"id": 2, "name": "M8 nut"}]
    document = {"images": images, "annotations": shapes, "categories": names}
    file = photos / "labels.json"
    file.write_text(json.dumps(document))
    return file


def preview_of(hands: Any) -> ImportPreviewDialog:
    hands.wait(lambda: hands.studio.files.importing.dialog is not None)
    dialog = hands.studio.files.importing.dialog
    QTest.qWaitForWindowExposed(dialog)
    return dialog


def choose(dialog: ImportPreviewDialog, row: int, text: str) -> None:
    """Choose in the list that opens where the third column is clicked."""
    table = dialog.table
    item = table.item(row, 2)
    QTest.mouseClick(table.viewport(), LEFT, pos=table.visualItemRect(item).center())
    box = table.findChild(QComboBox)
    assert box is not None
    QTest.keyClicks(box, text)
    box.activated.emit(box.currentIndex())


def test_dropped_labels_are_shown_and_then_imported(opened: Any, coco: Path) -> None:
    opened.session.project.add_class("bolt")
    opened.drop(opened.studio.window, coco)
    dialog = preview_of(opened)
    assert not dialog.isModal()
    assert "COCO" in dialog.title.text()
    assert "3 images, 3 of them in the project already." in dialog.facts.text()
    assert "1 box, 1 polygon." in dialog.facts.text() or "1 polygon, 1 box." in dialog.facts.text()
    assert "1 image shows nothing." in dialog.facts.text()
    assert [dialog.table.item(row, 2).text() for row in range(2)] == ["bolt", "New class"]
    assert "nan" in dialog.problems.item(0).text()
    assert opened.session.project.class_counts().get(0, 0) == 0  # nothing is written yet
    QTest.mouseClick(dialog.import_button, LEFT)
    opened.settle()
    opened.wait(lambda: opened.studio.session is not None)
    project = opened.session.project
    assert [cls.name for cls in project.classes()] == ["bolt", "M8 nut"]
    assert project.class_counts() == {0: 1, 1: 1}
    assert project.status_counts()["background"] == 1
    assert "1 problem left out" in opened.banner()


def labelme(picture: Path, label: str) -> Path:
    """Write a triangle into the file beside a picture."""
    shape = {"label": label, "points": [[10, 10], [50, 10], [50, 50]], "shape_type": "polygon"}
    head = {"version": "5.0", "flags": {}, "shapes": [shape], "imageData": None}
    size = {"imagePath": picture.name, "imageHeight": 240, "imageWidth": 320}
    file = picture.with_suffix(".json")
    file.write_text(json.dumps(head | size))
    return file


def import_shown(hands: Any) -> None:
    QTest.mouseClick(preview_of(hands).import_button, LEFT)
    hands.settle()
    hands.wait(lambda: hands.studio.session is not None)


def test_all_label_files_that_are_dropped_come_in(opened: Any, photos: Path) -> None:
    files = [labelme(photo, "bolt") for photo in sorted(photos.glob("*.png"))]
    opened.drop(opened.studio.window, *files[:2])
    assert "2 images, 2 of them in the project already." in preview_of(opened).facts.text()
    import_shown(opened)
    assert opened.session.project.class_counts() == {0: 2}


def test_folders_and_pictures_that_are_dropped_with_labels_come_in(
    opened: Any, tmp_path: Path, write_photos: Any
) -> None:
    folders = [tmp_path / name for name in ("one", "two", "bare")]
    for folder in folders:
        for photo in write_photos(folder, 2, (320, 240)):
            if folder.name != "bare":
                labelme(photo, folder.name)
    notes = tmp_path / "notes.docx"
    notes.touch()
    opened.drop(opened.studio.window, *folders, notes)
    dialog = preview_of(opened)
    assert "3 data sets in one and 3 more" in dialog.title.text()
    assert "6 images." in dialog.facts.text()
    lines = dialog.facts.text().splitlines()
    assert [line.rpartition("(")[2] for line in lines if line.endswith(")")] == [
        "2 images, 2 shapes)",
        "2 images, 2 shapes)",
        "2 images, 0 shapes)",
    ]
    assert "notes.docx" in dialog.problems.item(0).text()
    import_shown(opened)
    assert opened.session.project.count_images() == 9
    assert opened.session.project.class_counts() == {0: 2, 1: 2}
    assert "notes.docx" in opened.banner()


def test_label_files_open_the_project_of_their_folder(hands: Any, photos: Path) -> None:
    files = [labelme(photo, "bolt") for photo in sorted(photos.glob("*.png"))]
    hands.studio.files.open_paths(files[:2])
    import_shown(hands)
    assert hands.session.project.folder == photos / "maskwright"
    assert hands.session.project.class_counts() == {0: 2}


def test_pictures_and_labels_open_the_project_of_their_folder(hands: Any, photos: Path) -> None:
    pictures = sorted(photos.glob("*.png"))
    hands.studio.files.open_paths([*pictures, labelme(pictures[0], "bolt")])
    import_shown(hands)
    assert hands.session.project.count_images() == 3
    assert hands.session.project.class_counts() == {0: 1}


def test_labels_are_added_to_those_of_the_project(labelled: Any, photos: Path) -> None:
    project = labelled.session.project
    first = project.image_ids()[0]
    before = project.shapes(first)
    labelled.drop(labelled.studio.window, labelme(photos / "img0.png", "bolt"))
    dialog = preview_of(labelled)
    assert dialog.present.isVisible()
    assert dialog.present.currentData() == "keep"
    dialog.present.setCurrentText("Add to what is there")
    import_shown(labelled)
    project = labelled.session.project
    assert project.shapes(first)[: len(before)] == before
    assert len(project.shapes(first)) == len(before) + 1
    labelled.drop(labelled.studio.window, photos / "img0.json")
    labelled.wait(lambda: labelled.studio.files.importing.dialog is not None)
    assert "1 image has labels in the project. 1 shape is there already." in [
        label.text() for label in preview_of(labelled).findChildren(QLabel)
    ]
    preview_of(labelled).reject()
    labelled.session.project.undo()
    assert labelled.session.project.shapes(first) == before


def test_two_files_of_the_same_images_are_added_to_each_other(
    opened: Any, coco: Path, photos: Path
) -> None:
    opened.drop(opened.studio.window, coco, labelme(photos / "img0.png", "washer"))
    dialog = preview_of(opened)
    assert dialog.present.currentData() == "add"
    import_shown(opened)
    project = opened.session.project
    names = {cls.id: cls.name for cls in project.classes()}
    shapes = project.shapes(project.image_ids()[0])
    assert [names[shape.class_id] for shape in shapes] == ["Bolt", "washer"]


def test_classes_are_matched_by_hand_and_left_out(opened: Any, coco: Path) -> None:
    opened.session.project.add_class("screw")
    opened.drop(opened.studio.window, coco)
    dialog = preview_of(opened)
    choose(dialog, 0, "screw")
    dialog.table.item(1, 0).setCheckState(Qt.CheckState.Unchecked)
    assert dialog.choices() == {"Bolt": "screw", "M8 nut": None}
    QTest.mouseClick(dialog.import_button, LEFT)
    opened.settle()
    opened.wait(lambda: opened.studio.session is not None)
    assert [cls.name for cls in opened.session.project.classes()] == ["screw"]
    assert opened.session.project.class_counts() == {0: 1}


def test_cancel_leaves_everything_as_it_was(opened: Any, coco: Path) -> None:
    opened.drop(opened.studio.window, coco)
    QTest.mouseClick(preview_of(opened).cancel_button, LEFT)
    opened.settle()
    assert opened.session.project.classes() == []
    assert opened.session.project.status_counts()["unlabelled"] == 3


def test_labels_beside_opened_images_are_offered(hands: Any, photos: Path, coco: Path) -> None:
    hands.studio.files.open_paths([photos])
    hands.wait(hands.banner)
    assert "holds labels: COCO" in hands.banner()
    hands.push(hands.button("Import labels", hands.studio.window.banner))
    dialog = preview_of(hands)
    QTest.mouseClick(dialog.import_button, LEFT)
    hands.settle()
    hands.wait(lambda: hands.studio.session is not None)
    assert hands.session.project.class_counts() == {0: 1, 1: 1}


def test_export_of_one_class_in_another_format(labelled: Any, tmp_path: Path) -> None:
    dialog = labelled.studio.files.exporting.ask(labelled.session)
    assert isinstance(dialog, ExportDatasetDialog)
    QTest.qWaitForWindowExposed(dialog)
    dialog.format.setCurrentIndex(dialog.format.findData("datumaro"))
    assert dialog.format_help().startswith("Holds every kind")
    assert not dialog.task.isVisible()
    assert dialog.emptied_help() == ""
    dialog.classes.item(1).setCheckState(Qt.CheckState.Unchecked)
    dialog.pictures.setCurrentIndex(dialog.pictures.findData("copy"))
    dialog.folder.setText(str(tmp_path / "out"))
    QTest.mouseClick(dialog.export_button, LEFT)
    labelled.settle()
    labelled.wait(labelled.banner)
    assert "3 images with 1 label were written" in labelled.banner()
    assert "1 thing does not fit" in labelled.banner()
    written = read(tmp_path / "out")
    assert written.names == {0: "bolt"}
    assert written.annotation_count == 1
    assert len(written.images) == 3


def test_an_export_asks_about_images_that_show_only_classes_left_out(
    labelled: Any, tmp_path: Path
) -> None:
    project = labelled.session.project
    second = project.image_ids()[1]
    project.apply(AddShapes((new_shape(second, 1, Box(1, 1, 9, 9)),)))
    dialog = labelled.studio.files.exporting.ask(labelled.session)
    assert dialog.emptied_help() == ""
    dialog.classes.item(1).setCheckState(Qt.CheckState.Unchecked)
    assert dialog.emptied_help() == "1 image shows only classes that are left out."
    dialog.splits["test"].setChecked(True)
    assert dialog.emptied_help() == ""
    dialog.splits["test"].setChecked(False)
    dialog.emptied.setCurrentIndex(dialog.emptied.findData("background"))
    dialog.folder.setText(str(tmp_path / "out"))
    QTest.mouseClick(dialog.export_button, LEFT)
    labelled.settle()
    labelled.wait(labelled.banner)
    images = read(tmp_path / "out").images
    assert len(images) == 3
    assert sum(image.annotations is not None for image in images) == 2


def test_an_export_into_a_full_folder_is_refused(labelled: Any, tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "mine.txt").write_text("keep")
    dialog = labelled.studio.files.exporting.ask(labelled.session)
    dialog.folder.setText(str(tmp_path / "out"))
    QTest.mouseClick(dialog.export_button, LEFT)
    labelled.wait(labelled.banner)
    assert "not empty" in labelled.banner()
    assert (tmp_path / "out" / "mine.txt").read_text() == "keep"
