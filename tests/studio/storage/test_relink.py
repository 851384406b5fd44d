"""Files that are gone are noticed, found again elsewhere, and never taken for another picture."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from engine.data.annotations import Box
from studio.model.edits import AddShapes, PlaceImages
from studio.model.errors import CancelledError, EditError
from studio.model.project import Project
from studio.model.records import new_shape
from studio.storage.image_index import add_folder, read_sizes
from studio.storage.relink import find_missing, relink_edit, search_files, taken_files

BOX = Box(1, 2, 30, 20)


@pytest.fixture
def moved(photo_project: Project, tmp_path: Path) -> Project:
    """A measured project whose four pictures were moved into another folder."""
    read_sizes(photo_project)
    (tmp_path / "archive").mkdir()
    shutil.move(tmp_path / "photos", tmp_path / "archive" / "2026")
    return photo_project


def test_nothing_is_missing_where_all_is_in_its_place(photo_project: Project) -> None:
    assert find_missing(photo_project.folder) == []


def test_a_moved_folder_is_found_and_put_back_by_undo(moved: Project, tmp_path: Path) -> None:
    project, one = moved, moved.image_ids()[0]
    project.apply(AddShapes((new_shape(one, 0, BOX),)))
    missing = find_missing(project.folder)
    assert [file.id for file in missing] == project.image_ids()
    assert all(file.size > 0 for file in missing)
    found = search_files(tmp_path, missing, taken_files(project, missing))
    assert (len(found.files), found.left, found.doubtful, found.other_size) == (4, 0, {}, {})
    project.apply(relink_edit(project, found.files))
    assert find_missing(project.folder) == []
    assert project.image(one).path == tmp_path / "archive" / "2026" / "img0.png"
    assert len(project.shapes(one)) == 1
    assert project.find_image(tmp_path / "archive" / "2026" / "img0.png") == one
    project.undo()
    assert project.image(one).path == tmp_path / "photos" / "img0.png"
    assert len(find_missing(project.folder)) == 4


def test_a_file_of_another_size_is_offered_apart(moved: Project, tmp_path: Path) -> None:
    path = tmp_path / "archive" / "2026" / "img1.png"
    path.write_bytes(path.read_bytes() + b"more")
    found = search_files(tmp_path, find_missing(moved.folder))
    assert len(found.files) == 3
    assert list(found.other_size.values()) == [path]


def test_of_two_files_the_one_with_the_same_folders_is_taken(
    photo_project: Project, tmp_path: Path
) -> None:
    shutil.copytree(tmp_path / "photos", tmp_path / "backup" / "photos")
    shutil.copytree(tmp_path / "photos", tmp_path / "backup" / "other")
    shutil.rmtree(tmp_path / "photos")
    found = search_files(tmp_path / "backup", find_missing(photo_project.folder))
    assert {path.parent.name for path in found.files.values()} == {"photos"}
    shutil.move(tmp_path / "backup" / "photos", tmp_path / "backup" / "third")
    found = search_files(tmp_path / "backup", find_missing(photo_project.folder))
    assert found.files == {}
    assert all(len(paths) == 2 for paths in found.doubtful.values())


def test_a_file_is_never_given_to_two_images(project: Project, tmp_path: Path) -> None:
    for folder in ("a", "b"):
        path = tmp_path / "in" / folder / "same.png"
        path.parent.mkdir(parents=True)
        path.write_bytes(b"x")
    for _ in add_folder(project, tmp_path / "in"):
        pass
    shutil.rmtree(tmp_path / "in")
    (tmp_path / "now").mkdir()
    (tmp_path / "now" / "SAME.png").write_bytes(b"x")
    found = search_files(tmp_path / "now", find_missing(project.folder))
    assert found.files == {}
    assert len(found.doubtful) == 2


def test_a_file_of_another_image_is_not_taken(photo_project: Project, tmp_path: Path) -> None:
    project = photo_project
    one, two = project.image_ids()[:2]
    (tmp_path / "photos" / "img0.png").unlink()
    missing = find_missing(project.folder)
    assert [file.id for file in missing] == [one]
    shutil.copyfile(tmp_path / "photos" / "img1.png", tmp_path / "photos" / "IMG0.png")
    for _ in add_folder(project, tmp_path / "photos"):
        pass
    found = search_files(tmp_path, missing, taken_files(project, missing))
    assert found.files == {}
    with pytest.raises(EditError, match="has an image of this file already"):
        project.apply(PlaceImages({one: project.image(two).path}))
    assert project.image(one).path.name == "img0.png"


def test_a_search_can_be_given_up(moved: Project, tmp_path: Path) -> None:
    with pytest.raises(CancelledError):
        find_missing(moved.folder, is_cancelled=lambda: True)
    with pytest.raises(CancelledError):
        search_files(tmp_path, [], is_cancelled=lambda: True)
