from __future__ import annotations

from pathlib import Path

import pytest

from engine.data.annotations import Box, Polygon
from engine.data.formats import read
from engine.runtime.errors import DatasetError
from studio.model.edits import AddShapes, OrderClasses, SetBackground, SetSplit
from studio.model.errors import StorageError
from studio.model.project import Project
from studio.model.records import new_shape
from studio.storage.dataset_export import export_dataset, labelled_dataset
from studio.storage.dataset_import import import_dataset
from studio.storage.project_files import create_project, open_project

TRIANGLE = Polygon(((4.0, 4.0), (60.0, 4.0), (60.0, 40.0)))


@pytest.fixture
def labelled(photo_project: Project) -> Project:
    a, b, c, _ = photo_project.image_ids()
    photo_project.apply(AddShapes((new_shape(a, 0, TRIANGLE), new_shape(b, 1, Box(2, 4, 32, 24)))))
    photo_project.apply(SetBackground({c: True}))
    photo_project.apply(SetSplit({a: "train", b: "val", c: "train"}))
    return photo_project


def test_what_was_written_reads_back_the_same(labelled: Project, tmp_path: Path) -> None:
    report = export_dataset(labelled, tmp_path / "out")
    assert (report.images, report.annotations) == (4, 2)
    assert report.lost == ["1 box, written as the outline of a rectangle"]
    with create_project(tmp_path / "again") as again:
        import_dataset(again, report.path)
        assert again.status_counts() == labelled.status_counts()
        assert [cls.name for cls in again.classes()] == ["bolt", "nut"]
        first = again.find_image(tmp_path / "out/images/train/img0.png")
        assert first is not None
        shape = again.shapes(first)[0]
        for ours, theirs in zip(shape.geometry.exterior, TRIANGLE.exterior, strict=True):
            assert ours == pytest.approx(theirs, abs=1e-4)


def test_classes_are_numbered_by_their_order(labelled: Project, tmp_path: Path) -> None:
    labelled.apply(OrderClasses((1, 0)))
    report = export_dataset(labelled, tmp_path / "out")
    assert read(report.path).names == {0: "nut", 1: "bolt"}
    assert (tmp_path / "out/labels/train/img0.txt").read_text().startswith("1 ")


def test_only_some_splits(labelled: Project, tmp_path: Path) -> None:
    report = export_dataset(labelled, tmp_path / "out", splits=["val"], task="detect")
    assert (report.images, report.annotations, report.lost) == (1, 1, [])
    with pytest.raises(StorageError, match="holdout"):
        export_dataset(labelled, tmp_path / "other", splits=["holdout"])


def test_missing_and_damaged_images_are_counted(labelled: Project, tmp_path: Path) -> None:
    a, b, *_ = labelled.image_ids()
    labelled.store.image(a).path.unlink()
    labelled.store.image(b).path.write_bytes(b"")
    report = export_dataset(labelled, tmp_path / "out")
    assert report.images == 2
    assert report.lost == [
        "1 image whose file cannot be read, left out",
        "1 image whose file is missing, left out",
    ]


@pytest.mark.parametrize("format", ["yolo", "csv"])
def test_images_that_show_only_other_classes_are_left_out(
    labelled: Project, tmp_path: Path, format: str
) -> None:
    report = export_dataset(labelled, tmp_path / "out", format, class_ids=[0])
    assert report.lost[:2] == [
        "1 shape of other classes, left out",
        "1 image that shows only other classes, left out",
    ]
    back = read(report.path, format)
    shown = {image.path.stem: len(image.annotations or ()) for image in back.images}
    assert {stem for stem, count in shown.items() if count} == {"img0"}
    assert "img1" not in shown
    assert "img2" in shown  # a background that somebody looked at stays one
    report = export_dataset(labelled, tmp_path / "all", format)
    assert not any("other classes" in said for said in report.lost)


@pytest.mark.parametrize("format", ["yolo", "csv"])
def test_images_that_show_only_other_classes_are_written_as_background_if_asked(
    labelled: Project, tmp_path: Path, format: str
) -> None:
    out = tmp_path / "out"
    report = export_dataset(labelled, out, format, class_ids=[0], emptied="background")
    assert "1 image that shows only other classes, written as background" in report.lost
    images = {image.path.stem: image.annotations for image in read(report.path, format).images}
    assert images["img1"] is not None
    assert len(images["img1"]) == 0
    with pytest.raises(StorageError, match="leave_out, background"):
        export_dataset(labelled, tmp_path / "other", format, class_ids=[0], emptied="drop")  # type: ignore[arg-type]


def test_suggestions_of_the_classes_that_are_written_keep_their_image(
    labelled: Project, tmp_path: Path
) -> None:
    _, b, *_ = labelled.image_ids()
    labelled.set_suggestions(b, [new_shape(b, 0, TRIANGLE, "model", 0.9)])
    dataset, said = labelled_dataset(labelled, class_ids=[0], predictions=True)
    (image,) = [image for image in dataset.images if image.path.stem == "img1"]
    assert image.annotations is None
    assert len(image.predictions) == 1
    assert said == ["1 shape of other classes, left out"]


def test_a_folder_with_files_is_not_written_unasked(labelled: Project, tmp_path: Path) -> None:
    out = tmp_path / "out"
    out.mkdir()
    (out / "data.yaml").write_text("mine")
    with pytest.raises(StorageError, match="not empty"):
        export_dataset(labelled, out)
    assert (out / "data.yaml").read_text() == "mine"
    assert export_dataset(labelled, out, overwrite=True).images == 4
    with pytest.raises(StorageError, match="in the way"):
        export_dataset(labelled, out / "data.yaml")


def test_nothing_to_export(project: Project, tmp_path: Path) -> None:
    with pytest.raises(StorageError, match="no image to export"):
        export_dataset(project, tmp_path / "out")


def test_an_unknown_format_is_named(labelled: Project, tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="'yollo'"):
        export_dataset(labelled, tmp_path / "out", "yollo")


def test_a_project_open_elsewhere_can_be_exported(labelled: Project, tmp_path: Path) -> None:
    with open_project(labelled.folder, read_only=True) as reader:
        assert export_dataset(reader, tmp_path / "out").images == 4


def test_a_real_dataset_goes_round(shared_dir: Path, tmp_path: Path) -> None:
    source = shared_dir / "datasets/coco8-seg/data.yaml"
    with create_project(tmp_path / "project") as project:
        import_dataset(project, source)
        report = export_dataset(project, tmp_path / "out")
    before, after = read(source), read(report.path)
    assert report.lost == []
    assert after.names == before.names
    ours = {image.path.name: image for image in after.images}
    for image in before.images:
        mine = ours[image.path.name]
        assert mine.split == image.split
        assert [a.class_id for a in mine.annotations] == [a.class_id for a in image.annotations]
        for a, b in zip(mine.annotations, image.annotations, strict=True):
            assert a.geometry.bounds() == pytest.approx(b.geometry.bounds(), abs=1e-2)
