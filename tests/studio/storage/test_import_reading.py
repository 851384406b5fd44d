"""Several files and folders at once: all of them are read, and what cannot be is named."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from engine.data.annotations import Box
from engine.runtime.errors import DatasetError
from studio.model.edits import AddShapes
from studio.model.project import Project
from studio.model.records import new_shape
from studio.storage.dataset_import import import_all
from studio.storage.import_preview import preview_import
from studio.storage.import_reading import Sources, read_several
from studio.storage.project_files import create_project

WritePhotos = Callable[..., list[Path]]


@pytest.fixture
def pictures(tmp_path: Path, write_photos: WritePhotos) -> list[Path]:
    """Four pictures of 64 x 48 in a folder."""
    return write_photos(tmp_path / "set", 4)


def labelme(picture: Path, label: str = "bolt") -> Path:
    """Write a square into the file beside a picture."""
    shape = {"label": label, "points": [[1, 1], [9, 1], [9, 9]], "shape_type": "polygon"}
    head = {"version": "5.0", "flags": {}, "shapes": [shape], "imageData": None}
    size = {"imagePath": picture.name, "imageHeight": 48, "imageWidth": 64}
    file = picture.with_suffix(".json")
    file.write_text(json.dumps(head | size))
    return file


def voc(picture: Path) -> Path:
    """Write a box that begins at the first pixel, counted from 1, into the file beside a picture."""
    corners = "<xmin>1</xmin><ymin>1</ymin><xmax>9</xmax><ymax>9</ymax>"
    box = f"<object><name>nut</name><bndbox>{corners}</bndbox></object>"
    size = "<size><width>64</width><height>48</height><depth>3</depth></size>"
    file = picture.with_suffix(".xml")
    file.write_text(f"<annotation><filename>{picture.name}</filename>{size}{box}</annotation>")
    return file


def coco(file: Path, pictures: Sequence[Path], name: str, *boxes: list[float]) -> Path:
    """Write a file with boxes of one class on the first picture."""
    images = [
        {"id": n, "file_name": picture.name, "width": 64, "height": 48}
        for n, picture in enumerate(pictures)
    ]
    shapes = [
        {"id": n, "image_id": 0, "category_id": 1, "bbox": box} for n, box in enumerate(boxes)
    ]
    rows = {"images": images, "annotations": shapes, "categories": [{"id": 1, "name": name}]}
    file.write_text(json.dumps(rows))
    return file


def told(sources: Sources) -> list[tuple[str, str, int, int]]:
    """Return name, format, images and shapes of each data set."""
    return [
        (path.name, dataset.format, len(dataset.images), dataset.annotation_count)
        for path, dataset in sources.datasets
    ]


@pytest.mark.parametrize(("write", "format"), [(labelme, "labelme"), (voc, "voc")])
def test_files_of_single_pictures_are_one_set_without_the_rest_of_the_folder(
    pictures: list[Path], write: Callable[[Path], Path], format: str
) -> None:
    files = [write(picture) for picture in pictures]
    sources = read_several(files[1:3])
    assert told(sources) == [("set", format, 2, 2)]
    assert [image.path for image in sources.datasets[0][1].images] == pictures[1:3]
    assert sources.problems == []
    (single,) = read_several([files[3]]).datasets
    assert [image.path for image in single[1].images] == [pictures[3]]


def test_pictures_come_with_the_labels_and_none_twice(pictures: list[Path]) -> None:
    files = [labelme(pictures[0]), labelme(pictures[1])]
    sources = read_several([*pictures[:3], *files])
    assert told(sources) == [("set", "labelme", 2, 2), ("set", "images", 1, 0)]
    assert sources.datasets[1][1].images[0].path == pictures[2]


def test_folders_of_labels_and_of_pictures_are_all_read(
    tmp_path: Path, write_photos: WritePhotos
) -> None:
    folders = [tmp_path / name for name in ("one", "two", "val", "bare")]
    for folder in folders:
        for picture in write_photos(folder, 2):
            if folder.name in ("one", "two"):
                labelme(picture)
    sources = read_several(folders[:3])
    found = [("one", "labelme", 2, 2), ("two", "labelme", 2, 2), ("val", "images", 2, 0)]
    assert told(sources) == found


def test_all_that_a_folder_holds_is_the_folder(pictures: list[Path], tmp_path: Path) -> None:
    root = tmp_path / "yolo"
    (root / "labels").mkdir(parents=True)
    pictures[0].parent.rename(root / "images")
    (root / "labels" / "img0.txt").write_text("0 0.5 0.5 0.2 0.2\n")
    (root / "data.yaml").write_text("train: images\nval: images\nnames: [bolt]\n")
    (root / ".hidden").touch()
    create_project(root / "maskwright").close()
    shown = [root / name for name in ("data.yaml", "images", "labels")]
    sources = read_several(shown)
    assert told(sources)[0] == ("yolo", "yolo", 4, 1)
    assert len(sources.datasets) == 1
    assert sources.problems == []


def test_several_descriptions_of_the_same_pictures_are_each_read(pictures: list[Path]) -> None:
    folder = pictures[0].parent
    cars = coco(folder / "cars.json", pictures, "car", [1, 1, 9, 9])
    people = coco(folder / "people.json", pictures, "person", [20, 20, 9, 9])
    sources = read_several([cars, people, *pictures])  # all that the folder holds
    assert told(sources) == [("cars.json", "coco", 4, 1), ("people.json", "coco", 4, 1)]
    assert preview_import(sources).shared == 1


def test_what_cannot_be_taken_is_named(pictures: list[Path], tmp_path: Path) -> None:
    create_project(tmp_path / "other").close()
    broken, notes, empty = tmp_path / "broken.json", tmp_path / "notes.docx", tmp_path / "empty"
    broken.write_text("{")
    notes.touch()
    empty.mkdir()
    bad = [broken, notes, empty, tmp_path / "gone.json", tmp_path / "other"]
    sources = read_several([labelme(pictures[0]), *bad])
    assert told(sources) == [("img0.json", "labelme", 1, 1)]
    assert sorted(problem.file for problem in sources.problems) == sorted(bad)
    assert all(problem.kind == "skipped" for problem in sources.problems)
    with pytest.raises(DatasetError) as raised:
        read_several(bad)
    assert all(path.name in str(raised.value) for path in bad)


def test_the_work_is_given_up_in_the_middle(pictures: list[Path]) -> None:
    class StopError(Exception):
        """Given up."""

    def stop(*_: Any) -> None:
        raise StopError

    labels = [labelme(picture) for picture in pictures[:2]]
    for paths in (labels, [labels[0], pictures[3]]):
        with pytest.raises(StopError):
            read_several(paths, stop)


def test_a_preview_counts_what_is_there_already(project: Project, pictures: list[Path]) -> None:
    file = coco(pictures[0].parent / "cars.json", pictures, "Car", [1, 1, 9, 9], [30, 20, 9, 9])
    import_all(project, read_several([file]).datasets)
    (image, *_) = project.image_ids()
    cls = project.add_class("other")
    project.apply(AddShapes((new_shape(image, cls.id, Box(40, 30, 50, 40)),)))
    more = coco(file, pictures, "car", [1.2, 1, 9, 9], [30, 20, 9, 9], [40, 30, 10, 10])
    preview = preview_import(read_several([more]), project)
    assert (preview.occupied, preview.shapes, preview.doubled) == (1, 3, 2)
    assert [(row.path, row.images, row.shapes) for row in preview.sets] == [(file, 4, 3)]
    classes = {"car": "Car"}
    report = import_all(project, preview.sources.datasets, "add", classes=classes)
    assert (report.annotations, report.doubled) == (1, 2)


def test_each_file_of_a_class_adds_to_those_before(project: Project, pictures: list[Path]) -> None:
    folder = pictures[0].parent
    files = [
        coco(folder / f"{name}.json", pictures, name, [place, 1, 9, 9])
        for place, name in enumerate(("car", "person", "dog"))
    ]
    import_all(project, read_several(files).datasets, "add")
    names = {cls.id: cls.name for cls in project.classes()}
    shapes = project.shapes(project.image_ids()[0])
    assert [names[shape.class_id] for shape in shapes] == ["car", "person", "dog"]
    assert [shape.z for shape in shapes] == [1, 2, 3]
