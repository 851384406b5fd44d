"""Folders of images: what is found, what is left out and why, how fast, and what happens the second time."""

from __future__ import annotations

import os
import sys
import tarfile
from collections.abc import Callable
from pathlib import Path

import pytest

from engine.data.annotations import Box
from studio.model.edits import AddShapes, RemoveImages
from studio.model.errors import ReadOnlyError, StorageError
from studio.model.project import Project
from studio.model.records import ImageFilter, ImageOrder, new_shape
from studio.storage.image_index import (
    add_files,
    add_folder,
    measure,
    missing_folders,
    read_sizes,
    relocate_folder,
    scan_images,
    unmeasured,
)
from studio.storage.project_files import create_project, open_project

WritePhotos = Callable[..., list[Path]]


def touch_all(folder: Path, *names: str) -> None:
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()


def names(project: Project) -> list[str]:
    return [record.path.name for record in project.images(project.image_ids())]


def test_pictures_below_the_folder_are_found_and_nothing_else(
    project: Project, tmp_path: Path
) -> None:
    folder = tmp_path / "in"
    touch_all(folder, "a.jpg", "b.PNG", "c.txt", "sub/d.tiff", ".hidden/e.jpg", ".f.jpg", "g.gif")
    touch_all(folder, "proj/project.db", "proj/versions/1/images/h.jpg")
    before = sorted(path.name for path in folder.rglob("*"))
    progress = list(add_folder(project, folder))[-1]
    assert sorted(names(project)) == ["a.jpg", "b.PNG", "d.tiff", "g.gif"]
    assert (progress.found, progress.added, progress.done) == (4, 4, True)
    assert progress.problems == []
    assert sorted(path.name for path in folder.rglob("*")) == before


def test_adding_again_adds_only_what_is_new(project: Project, tmp_path: Path) -> None:
    folder = tmp_path / "in"
    touch_all(folder, "a.jpg", "b.jpg")
    list(add_folder(project, folder))
    project.add_class("bolt")
    first = project.image_ids()[0]
    project.apply(AddShapes((new_shape(first, 0, Box(0, 0, 1, 1)),)))
    touch_all(folder, "c.jpg")
    progress = list(add_folder(project, folder))[-1]
    assert (progress.found, progress.added) == (3, 1)
    assert len(project.shapes(first)) == 1


def test_an_image_that_was_removed_comes_back_when_its_folder_is_added(
    project: Project, tmp_path: Path
) -> None:
    touch_all(tmp_path / "in", "a.jpg")
    list(add_folder(project, tmp_path / "in"))
    project.apply(RemoveImages(tuple(project.image_ids())))
    assert project.image_ids() == []
    assert list(add_folder(project, tmp_path / "in"))[-1].added == 1
    assert names(project) == ["a.jpg"]


@pytest.mark.parametrize("order", [("outer", "inner"), ("inner", "outer")])
def test_folders_inside_one_another_give_each_image_once(
    project: Project, tmp_path: Path, order: tuple[str, str]
) -> None:
    outer, inner = tmp_path / "in", tmp_path / "in" / "sub" / "deep"
    touch_all(outer, "a.jpg", "sub/b.jpg", "sub/deep/c.jpg")
    for name in order:
        list(add_folder(project, {"outer": outer, "inner": inner}[name]))
    assert sorted(names(project)) == ["a.jpg", "b.jpg", "c.jpg"]
    assert project.find_image(inner / "c.jpg") is not None


def test_stopping_midway_keeps_what_was_added(project: Project, tmp_path: Path) -> None:
    touch_all(tmp_path / "in", *(f"{i}.jpg" for i in range(25)))
    steps = add_folder(project, tmp_path / "in", chunk=10)
    next(steps)
    steps.close()
    assert len(project.image_ids()) == 10
    list(add_folder(project, tmp_path / "in", chunk=10))
    assert len(project.image_ids()) == 25


def test_single_files_that_were_dropped(project: Project, tmp_path: Path) -> None:
    touch_all(tmp_path / "in", "a.jpg", "b.txt", "sub/c.png")
    paths = [tmp_path / "in" / name for name in ("a.jpg", "b.txt", "sub/c.png", "gone.jpg")]
    progress = add_files(project, paths)
    assert sorted(names(project)) == ["a.jpg", "c.png"]
    assert progress.added == 2
    assert [(p.file.name, p.reason) for p in progress.problems] == [
        ("b.txt", "not an image file that can be read"),
        ("gone.jpg", "the file does not exist"),
    ]


def test_folders_that_cannot_be_added(project: Project, tmp_path: Path) -> None:
    with pytest.raises(StorageError, match="does not exist"):
        next(add_folder(project, tmp_path / "nowhere"))
    with open_project(project.folder) as reader, pytest.raises(ReadOnlyError, match="another"):
        next(add_folder(reader, tmp_path))


@pytest.mark.skipif(sys.platform == "win32", reason="links and odd names are POSIX")
def test_links_and_odd_names(project: Project, tmp_path: Path) -> None:
    folder, outside = tmp_path / "in", tmp_path / "out"
    touch_all(outside, "o.jpg")
    touch_all(folder, "a.jpg", "new\nline.jpg", "späce 图像 é.jpg")
    (folder / "loop").symlink_to(folder)
    (folder / "self").symlink_to("self")
    (folder / "dangling.jpg").symlink_to("/nonexistent/x.jpg")
    (folder / "away").symlink_to(outside)
    (folder / "file.jpg").symlink_to(outside / "o.jpg")
    with open(os.fsencode(folder) + b"/bad\xff.jpg", "wb"):  # noqa: PTH123 - a name that is no text
        pass
    progress = list(add_folder(project, folder))[-1]
    assert sorted(names(project)) == ["a.jpg", "file.jpg", "new\nline.jpg", "späce 图像 é.jpg"]
    reasons = {problem.file.name: problem.reason for problem in progress.problems}
    assert set(reasons) == {"self", "dangling.jpg", "away", "bad\\xff.jpg"}
    assert "lies outside" in reasons["away"]
    assert "not valid text" in reasons["bad\\xff.jpg"]
    assert "nowhere" in reasons["dangling.jpg"]


def test_the_tree_of_links_from_the_shared_data(
    shared_dir: Path, project: Project, tmp_path: Path
) -> None:
    archive = next((shared_dir / "datasets/formats/bad").glob("25-*/*.tar*"))
    with tarfile.open(archive) as packed:
        packed.extractall(tmp_path / "in", filter="fully_trusted")
    list(add_folder(project, tmp_path / "in"))
    assert names(project) == ["img.jpg"]


def test_sizes_are_read_in_the_background(
    project: Project, tmp_path: Path, write_photos: WritePhotos
) -> None:
    write_photos(tmp_path / "in", 5, (40, 30))
    (tmp_path / "in" / "empty.png").write_bytes(b"")
    list(add_folder(project, tmp_path / "in"))
    (tmp_path / "in" / "img3.png").unlink()
    after, rounds = 0, 0
    while after := read_sizes(project, limit=2, after=after):
        rounds += 1
    assert rounds == 3
    sizes = {
        r.path.name: (r.width, r.height, r.status) for r in project.images(project.image_ids())
    }
    assert sizes["img0.png"] == (40, 30, "unlabelled")
    assert sizes["empty.png"] == (0, 0, "damaged")
    assert sizes["img3.png"] == (0, 0, "unlabelled")  # missing is not damaged
    assert measure(unmeasured(project)) == []


def test_a_moved_folder_is_found_again_with_its_labels(
    project: Project, tmp_path: Path, write_photos: WritePhotos
) -> None:
    write_photos(tmp_path / "in", 2)
    list(add_folder(project, tmp_path / "in"))
    project.add_class("bolt")
    first = project.image_ids()[0]
    project.apply(AddShapes((new_shape(first, 0, Box(0, 0, 1, 1)),)))
    (tmp_path / "in").rename(tmp_path / "moved")
    missing = missing_folders(project)
    assert list(missing.values()) == [tmp_path / "in"]
    relocate_folder(project, next(iter(missing)), tmp_path / "moved")
    assert project.image(first).path == tmp_path / "moved" / "img0.png"
    assert project.image(first).width == 64
    assert len(project.shapes(first)) == 1


def test_ten_thousand_images(tmp_path: Path) -> None:
    folder = tmp_path / "in"
    touch_all(folder, *(f"{i // 1000}/img{i}.jpg" for i in range(10_000)))
    with create_project(tmp_path / "project") as project:
        steps = [progress.added for progress in add_folder(project, folder)]
        assert len(project.image_ids()) == 10_000
    assert len(steps) >= 20  # a window stays alive between them
    with open_project(tmp_path / "project") as project:
        assert len(project.images(project.image_ids()[:50])) == 50


FILTERS = (
    ImageFilter(),
    ImageFilter(statuses=frozenset({"labelled"})),
    ImageFilter(statuses=frozenset({"unlabelled", "background"})),
    ImageFilter(suggested=True),
    ImageFilter(class_id=0),
    ImageFilter(stages=frozenset({"done"})),
    ImageFilter(split="val"),
    ImageFilter(tags=frozenset({"night"})),
    ImageFilter(only=(1, 2)),
)


@pytest.mark.parametrize("wanted", FILTERS)
def test_filters_use_an_index(project: Project, wanted: ImageFilter) -> None:
    from studio.storage.image_query import ids_query

    sql, values = ids_query(wanted, ImageOrder(), lambda _term: [], lambda cls: [cls, 1, 2])
    plan = " ".join(row[3] for row in project.store.db.rows(f"EXPLAIN QUERY PLAN {sql}", values))
    assert "USING" in plan
    assert "SCAN images" not in plan.replace("SCAN images USING", "")


def test_scan_reports_a_folder_that_cannot_be_read(tmp_path: Path) -> None:
    found = list(scan_images(tmp_path / "gone"))
    assert len(found) == 1
    assert "cannot be read" in found[0].reason
