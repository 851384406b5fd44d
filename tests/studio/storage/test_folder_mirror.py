"""A dataset opened in place: label files follow the project, foreign changes are never overwritten unasked."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import yaml

from engine.data.annotations import Box, Keypoints, Polygon
from engine.data.formats import read
from studio.model.edits import (
    AddShapes,
    OrderClasses,
    RemoveClass,
    RemoveShapes,
    SetBackground,
)
from studio.model.errors import EditError
from studio.model.project import Project
from studio.model.records import new_shape
from studio.storage.dataset_import import import_dataset
from studio.storage.folder_mirror import FolderMirror, open_in_place
from studio.storage.project_files import create_project, open_project

WritePhotos = Callable[..., list[Path]]
TRIANGLE = Polygon(((16.0, 12.0), (48.0, 12.0), (48.0, 36.0)))


@pytest.fixture
def root(tmp_path: Path, write_photos: WritePhotos) -> Path:
    """Two labelled pictures and one without a label file."""
    root = tmp_path / "dataset"
    write_photos(root / "images/train", 3)
    (root / "labels/train").mkdir(parents=True)
    for index in range(2):
        label = root / "labels/train" / f"img{index}.txt"
        label.write_text("0 0.500000 0.500000 0.250000 0.500000\n")
    text = "# mine\npath: .\ntrain: images/train\nval: images/train\nnames: [bolt, nut]\n"
    (root / "data.yaml").write_text(text)
    return root


@pytest.fixture
def opened(root: Path, project: Project) -> Iterator[tuple[Project, FolderMirror]]:
    mirror, report = open_in_place(project, root / "data.yaml")
    assert report.annotations == 2
    yield project, mirror
    mirror.stop()


def label(root: Path, index: int) -> Path:
    return root / "labels/train" / f"img{index}.txt"


def everything(root: Path) -> dict[str, bytes]:
    return {str(p.relative_to(root)): p.read_bytes() for p in root.rglob("*") if p.is_file()}


def test_opening_in_place_writes_nothing(root: Path, project: Project) -> None:
    before = everything(root)
    mirror, _ = open_in_place(project, root / "data.yaml")
    assert mirror.sync() == 0
    assert everything(root) == before


def test_a_plain_import_never_writes(root: Path, project: Project) -> None:
    import_dataset(project, root / "data.yaml")
    assert FolderMirror.of(project) is None
    before = everything(root)
    image = project.image_ids()[0]
    project.apply(AddShapes((new_shape(image, 1, TRIANGLE),)))
    assert everything(root) == before


def test_each_edit_is_in_its_file_at_once(root: Path, opened: tuple[Project, FolderMirror]) -> None:
    project, _ = opened
    first, _, third = project.image_ids()
    project.apply(AddShapes((new_shape(first, 1, TRIANGLE),)))
    assert label(root, 0).read_text().splitlines() == [
        "0 0.500000 0.500000 0.250000 0.500000",
        "1 0.250000 0.250000 0.750000 0.250000 0.750000 0.750000",
    ]
    project.undo()
    assert label(root, 0).read_text() == "0 0.500000 0.500000 0.250000 0.500000\n"
    project.apply(SetBackground({third: True}))
    assert label(root, 2).read_text() == ""
    project.undo()
    assert not label(root, 2).exists()
    project.apply(RemoveShapes(tuple(project.shapes(first))))
    assert not label(root, 0).exists()
    project.undo()
    assert label(root, 0).exists()


def test_a_file_changed_outside_is_left_alone_until_decided(
    root: Path, opened: tuple[Project, FolderMirror]
) -> None:
    project, mirror = opened
    first, second, _ = project.image_ids()
    heard: list[tuple[int, str]] = []
    mirror.conflict_found.connect(lambda *args: heard.append(args))
    theirs = "1 0.500000 0.500000 0.500000 0.500000\n"
    for index in range(2):
        label(root, index).write_text(theirs)
    project.apply(AddShapes((new_shape(first, 1, TRIANGLE),)))
    assert label(root, 0).read_text() == theirs
    assert heard == [(first, "The file was changed outside, and the image in the project as well.")]
    assert mirror.check_outside() == 0
    assert [(row.image_id, row.conflict) for row in mirror.conflicts()] == [
        (first, "The file was changed outside, and the image in the project as well."),
        (second, "The file was changed outside."),
    ]
    assert mirror.sync() == 0
    mirror.keep_ours(first)
    assert len(label(root, 0).read_text().splitlines()) == 2
    assert mirror.take_theirs(second) == []
    assert [s.geometry for s in project.shapes(second)] == [Box(16.0, 12.0, 48.0, 36.0)]
    assert mirror.conflicts() == []
    assert label(root, 1).read_text() == theirs
    project.undo()
    assert project.shapes(second)[0].class_id == 0
    assert label(root, 1).read_text().startswith("0 ")


def test_taking_an_emptied_a_deleted_and_a_broken_file(
    root: Path, opened: tuple[Project, FolderMirror]
) -> None:
    project, mirror = opened
    first, second, third = project.image_ids()
    label(root, 0).write_text("")
    label(root, 1).unlink()
    label(root, 2).write_text("0 0.5 0.5 0.5 0.5\n9 1 1 1 1\nnonsense\n")
    mirror.check_outside()
    assert [row.image_id for row in mirror.conflicts()] == [first, second, third]
    problems = [mirror.take_theirs(image) for image in (first, second, third)]
    statuses = [project.image(image).status for image in (first, second, third)]
    assert statuses == ["background", "unlabelled", "labelled"]
    assert problems[:2] == [[], []]
    assert len(problems[2]) == 2
    assert "img2.txt, line 2" in problems[2][0]
    project.undo()
    project.undo()
    project.undo()
    assert [project.image(i).status for i in (first, second, third)] == [
        "labelled",
        "labelled",
        "unlabelled",
    ]


def test_what_was_drawn_while_no_mirror_ran_is_written_at_the_next_start(
    root: Path, opened: tuple[Project, FolderMirror]
) -> None:
    project, mirror = opened
    first = project.image_ids()[0]
    mirror.stop()
    project.apply(AddShapes((new_shape(first, 1, TRIANGLE),)))
    assert len(label(root, 0).read_text().splitlines()) == 1
    project.close()
    with open_project(project.folder) as again:
        resumed = FolderMirror.of(again)
        assert resumed is not None
        assert resumed.yaml_file == root / "data.yaml"
        assert resumed.sync() == 1
        assert resumed.sync() == 0
    assert len(label(root, 0).read_text().splitlines()) == 2


def test_a_file_that_was_written_just_before_a_crash_is_no_conflict(
    root: Path, opened: tuple[Project, FolderMirror]
) -> None:
    project, mirror = opened
    first = project.image_ids()[0]
    mirror.stop()
    project.apply(RemoveShapes(tuple(project.shapes(first))))
    project.apply(SetBackground({first: True}))
    label(root, 0).write_text("")  # as the mirror would have, without having noted it
    mirror = FolderMirror(project)
    assert mirror.sync() == 1
    assert mirror.conflicts() == []


def test_new_classes_go_into_the_yaml_and_nothing_else_changes(
    root: Path, opened: tuple[Project, FolderMirror]
) -> None:
    project, _ = opened
    original = (root / "data.yaml").read_text()
    before = everything(root)
    project.add_class("washer")
    project.apply(AddShapes((new_shape(project.image_ids()[2], 2, TRIANGLE),)))
    values = yaml.safe_load((root / "data.yaml").read_text())
    assert values["names"] == {0: "bolt", 1: "nut", 2: "washer"}
    assert values["train"] == "images/train"
    assert (project.folder / "original-data.yaml").read_text() == original
    assert {k: v for k, v in everything(root).items() if k in before and k != "data.yaml"} == {
        k: v for k, v in before.items() if k != "data.yaml"
    }
    assert read(root / "data.yaml").annotation_count == 3


@pytest.mark.parametrize("how", ["order", "remove"])
def test_when_classes_get_other_numbers_every_file_follows(
    root: Path, opened: tuple[Project, FolderMirror], how: str
) -> None:
    project, mirror = opened
    project.apply(AddShapes((new_shape(project.image_ids()[1], 1, TRIANGLE),)))
    bolt, nut = project.classes()
    project.apply(OrderClasses((nut.id, bolt.id)) if how == "order" else RemoveClass(bolt))
    while mirror.sync():
        pass
    dataset = read(root / "data.yaml")
    assert [*dataset.names.values()] == (["nut", "bolt"] if how == "order" else ["nut"])
    named = {
        image.path.name: [dataset.names[a.class_id] for a in image.annotations or ()]
        for image in dataset.images
    }
    expected = {"img0.png": ["bolt"], "img1.png": ["bolt", "nut"], "img2.png": []}
    if how == "remove":
        expected = {name: [n for n in names if n != "bolt"] for name, names in expected.items()}
    assert named == expected
    assert [p for p in dataset.skipped if p.kind == "skipped"] == []
    project.undo()
    while mirror.sync():
        pass
    assert [*read(root / "data.yaml").names.values()] == ["bolt", "nut"]


def test_a_yaml_changed_outside_is_not_overwritten(
    root: Path, opened: tuple[Project, FolderMirror]
) -> None:
    project, mirror = opened
    heard: list[tuple[Path, str]] = []
    mirror.failed.connect(lambda *args: heard.append(args))
    text = (root / "data.yaml").read_text().replace("nut", "gear")
    (root / "data.yaml").write_text(text)
    project.add_class("washer")
    assert (root / "data.yaml").read_text() == text
    assert len(heard) == 1
    assert "changed outside" in heard[0][1]
    # a label of a class that the file does not know would be wrong: it waits
    image = project.image_ids()[2]
    project.apply(AddShapes((new_shape(image, 2, TRIANGLE),)))
    assert not label(root, 2).exists()
    assert len(project.shapes(image)) == 1


def test_shapes_that_label_text_cannot_hold_keep_the_file_as_it_is(
    root: Path, opened: tuple[Project, FolderMirror]
) -> None:
    project, mirror = opened
    first = project.image_ids()[0]
    before = label(root, 0).read_text()
    edit = project.apply(AddShapes((new_shape(first, 0, Keypoints(((1.0, 2.0),), (2,))),)))
    assert label(root, 0).read_text() == before
    assert "cannot hold keypoints" in mirror.conflicts()[0].conflict
    project.apply(RemoveShapes(edit.shapes))
    assert mirror.conflicts() == []


@pytest.mark.skipif(
    sys.platform == "win32" or os.geteuid() != 0, reason="needs to become another user"
)
def test_a_folder_that_cannot_be_written_is_reported_and_made_up_for(
    public_dir: Path, write_photos: WritePhotos
) -> None:
    """Label folders are owned by root while the rest of the test runs as nobody."""
    write_photos(public_dir / "d/images", 1)
    (public_dir / "d/labels").mkdir()
    (public_dir / "d/data.yaml").write_text("train: images\nval: images\nnames: [bolt]\n")
    (public_dir / "p").mkdir()
    os.chown(public_dir / "p", 65534, 65534)
    child = os.fork()
    if child == 0:  # pragma: no cover - counted in the parent by its exit code
        os.setuid(65534)
        os._exit(_draw_without_rights(public_dir))
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    (public_dir / "d/labels").chmod(0o777)
    with open_project(public_dir / "p") as project:
        mirror = FolderMirror.of(project)
        assert mirror is not None
        assert mirror.sync() == 1
    assert (public_dir / "d/labels/img0.txt").read_text().startswith("0 ")


def _draw_without_rights(folder: Path) -> int:
    try:
        with create_project(folder / "p") as project:
            mirror, _ = open_in_place(project, folder / "d/data.yaml")
            heard: list[str] = []
            mirror.failed.connect(lambda _, reason: heard.append(reason))
            project.apply(AddShapes((new_shape(project.image_ids()[0], 0, TRIANGLE),)))
            return 0 if heard == ["Permission denied"] else 2
    except BaseException:  # noqa: BLE001 - a child of fork must not run the parent's clean-up
        return 3


def test_a_project_with_other_classes_is_refused(root: Path, project: Project) -> None:
    project.add_class("gear")
    with pytest.raises(EditError, match="other classes"):
        open_in_place(project, root / "data.yaml")
    assert project.image_ids() == []


def test_images_that_are_not_of_the_dataset_are_not_mirrored(
    root: Path, opened: tuple[Project, FolderMirror], tmp_path: Path, write_photos: WritePhotos
) -> None:
    from studio.storage.image_index import add_folder

    project, mirror = opened
    write_photos(tmp_path / "images", 1)
    list(add_folder(project, tmp_path / "images"))
    image = project.find_image(tmp_path / "images/img0.png")
    assert image is not None
    project.apply(AddShapes((new_shape(image, 0, TRIANGLE),)))
    assert not (tmp_path / "labels").exists()
    with pytest.raises(EditError, match="not kept in a folder"):
        mirror.keep_ours(image)
