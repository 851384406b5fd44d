"""Dataset versions: what is in one, that the same content is the same version, that the engine can train with it."""

from __future__ import annotations

import errno
import json
from collections.abc import Callable
from pathlib import Path

import pytest

from engine.data.annotations import Box, Polygon, Tag
from engine.data.formats import read
from engine.data.yaml_file import read_data_yaml
from studio.model.edits import AddShapes, ChangeClass, SetBackground, SetSplit, new_class
from studio.model.errors import CancelledError, EditError, StorageError
from studio.model.project import Project
from studio.model.records import new_shape
from studio.storage import versions
from studio.storage.image_index import add_folder
from studio.storage.project_files import open_project
from studio.storage.splits import SplitRule
from studio.storage.versions import (
    check_version,
    create_version,
    list_versions,
)

WritePhotos = Callable[..., list[Path]]
TRIANGLE = Polygon(((4.0, 4.0), (60.0, 4.0), (60.0, 40.0)))
HOLED = Polygon(TRIANGLE.exterior, (((40.0, 10.0), (50.0, 10.0), (50.0, 20.0)),))


@pytest.fixture
def labelled(photo_project: Project, write_photos: WritePhotos, tmp_path: Path) -> Project:
    """Two labelled images, a background, an unlabelled, a damaged and a missing one."""
    project = photo_project
    write_photos(tmp_path / "more", 2)
    list(add_folder(project, tmp_path / "more"))
    a, b, c, _, damaged, missing = project.image_ids()
    project.apply(AddShapes((new_shape(a, 0, TRIANGLE), new_shape(a, 1, Box(1, 2, 30, 40)))))
    project.apply(AddShapes((new_shape(b, 1, HOLED),)))
    project.apply(SetBackground({c: True}))
    for image in (damaged, missing):
        project.apply(AddShapes((new_shape(image, 0, TRIANGLE),)))
    project.store.image(damaged).path.write_bytes(b"")
    project.store.image(missing).path.unlink()
    return project


def files(folder: Path) -> set[str]:
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}


def test_what_is_in_a_version(labelled: Project) -> None:
    labelled.apply(SetSplit({labelled.image_ids()[0]: "val"}))
    version = create_version(labelled, SplitRule(val=0.0))
    assert version.folder.name == f"1-{version.hash[:8]}"
    assert version.yaml == version.folder / "data.yaml"
    assert version.images == {"train": 2, "val": 1}
    assert version.annotations == {"bolt": 1, "nut": 2}
    assert version.backgrounds == 1
    assert version.left_out == {"unlabelled": 1, "damaged": 1, "missing": 1}
    assert version.lost == ["1 box, learnt as a rectangle"]
    assert files(version.folder) == {
        "data.yaml",
        "version.json",
        "manifest.jsonl",
        "images/val/img0.png",
        "images/train/img1.png",
        "images/train/img2.png",
        "labels/val/img0.txt",
        "labels/train/img1.txt",
        "labels/train/img2.txt",
    }
    image = version.folder / "images/val/img0.png"
    assert image.is_symlink()
    assert image.samefile(labelled.image(labelled.image_ids()[0]).path)
    lines = (version.folder / "labels/val/img0.txt").read_text().splitlines()
    assert [line.split()[0] for line in lines] == ["0", "1"]
    assert lines[0] == "0 0.062500 0.083333 0.937500 0.083333 0.937500 0.833333"
    assert (version.folder / "labels/train/img2.txt").read_text() == ""


def test_the_engine_reads_a_version_as_it_is(labelled: Project) -> None:
    version = create_version(labelled)
    data = read_data_yaml(version.yaml)
    assert data["names"] == {0: "bolt", 1: "nut"}
    dataset = read(version.yaml)
    assert dataset.skipped == []
    assert len(dataset.images) == 3
    assert dataset.annotation_count == 3
    holed = [a for image in dataset.images for a in image.annotations if len(a.geometry.holes)]
    assert len(holed) == 1


def test_the_training_dataset_finds_every_label(labelled: Project) -> None:
    pytest.importorskip("engine.data.dataset")
    from engine.data.dataset import YOLODataset

    version = create_version(labelled)
    data = read_data_yaml(version.yaml)
    found = 0
    for split in version.images:
        dataset = YOLODataset(str(data[split][0]), imgsz=64, data=data, task="segment")
        assert list(dataset.problems) == []
        found += sum(len(label["cls"]) for label in dataset.labels)
    assert found == 3


def test_detection_writes_boxes(labelled: Project) -> None:
    version = create_version(labelled, task="detect")
    text = "".join(path.read_text() for path in version.folder.rglob("labels/*/*.txt"))
    assert {len(line.split()) for line in text.splitlines()} == {5}
    assert version.lost == ["2 outlines, learnt as boxes"]


def test_the_same_content_is_the_same_version(labelled: Project) -> None:
    first = create_version(labelled)
    assert create_version(labelled) == first
    image = labelled.image_ids()[3]
    labelled.apply(AddShapes((new_shape(image, 0, TRIANGLE),)))
    second = create_version(labelled)
    assert (second.number, second.hash != first.hash) == (2, True)
    labelled.undo()
    assert create_version(labelled) == first
    assert list_versions(labelled.versions_dir) == [first, second]
    assert check_version(first) == []


def test_whatever_a_model_would_see_makes_another_version(labelled: Project) -> None:
    hashes = {create_version(labelled).hash}
    labelled.apply(ChangeClass(labelled.classes()[0].__class__(0, "screw", "#000000")))
    hashes.add(create_version(labelled).hash)
    labelled.apply(SetSplit({labelled.image_ids()[0]: "test"}))
    hashes.add(create_version(labelled).hash)
    hashes.add(create_version(labelled, task="detect").hash)
    path = labelled.image(labelled.image_ids()[1]).path
    path.write_bytes(path.read_bytes() + b"\0")
    hashes.add(create_version(labelled, task="detect").hash)
    assert len(hashes) == 5


def test_a_color_is_nothing_a_model_sees(labelled: Project) -> None:
    first = create_version(labelled)
    bolt = labelled.classes()[0]
    labelled.apply(ChangeClass(bolt.__class__(bolt.id, bolt.name, "#010203", False)))
    assert create_version(labelled) == first


def test_damage_to_a_version_is_found(labelled: Project) -> None:
    version = create_version(labelled)
    label = next((version.folder / "labels").rglob("*.txt"))
    label.chmod(0o644)
    label.write_text("0 0.5 0.5 0.1 0.1\n")
    image = labelled.image(labelled.image_ids()[0]).path
    image.write_bytes(image.read_bytes() + b"\0")
    problems = check_version(version)
    assert len(problems) == 2
    assert any("labels were changed" in problem for problem in problems)
    assert any(str(image) in problem for problem in problems)


def test_files_of_one_name_from_two_folders_both_come_in(
    project: Project, tmp_path: Path, write_photos: WritePhotos
) -> None:
    project.apply(_add_bolt())
    for name in ("one", "two"):
        write_photos(tmp_path / name, 1)
        list(add_folder(project, tmp_path / name))
    (tmp_path / "two" / "IMG0.jpg").write_bytes((tmp_path / "two" / "img0.png").read_bytes())
    list(add_folder(project, tmp_path / "two"))
    for image in project.image_ids():
        project.apply(AddShapes((new_shape(image, 0, TRIANGLE),)))
    version = create_version(project, SplitRule(val=0.0))
    assert sum(version.images.values()) == 3
    stems = [path.stem.casefold() for path in (version.folder / "labels/train").iterdir()]
    assert len(set(stems)) == 3
    assert read(version.yaml).annotation_count == 3


def test_odd_file_names(project: Project, tmp_path: Path, write_photos: WritePhotos) -> None:
    project.apply(_add_bolt())
    original = write_photos(tmp_path / "in", 1)[0]
    original.rename(tmp_path / "in" / "new\nline: 图像?.png")
    list(add_folder(project, tmp_path / "in"))
    project.apply(AddShapes((new_shape(project.image_ids()[0], 0, TRIANGLE),)))
    version = create_version(project)
    assert [p.name for p in (version.folder / "images/train").iterdir()] == ["new_line_ 图像_.png"]
    assert read(version.yaml).annotation_count == 1
    assert check_version(version) == []


def test_shapes_that_a_model_cannot_learn_do_not_become_background(labelled: Project) -> None:
    image = labelled.image_ids()[3]
    labelled.apply(AddShapes((new_shape(image, 0, Tag()),)))
    version = create_version(labelled)
    assert version.left_out["labelled, but with nothing that a segment model can learn"] == 1
    assert version.backgrounds == 1


def test_nothing_labelled_is_said(photo_project: Project) -> None:
    photo_project.apply(SetBackground({photo_project.image_ids()[0]: True}))
    with pytest.raises(EditError, match="Draw at least one shape"):
        create_version(photo_project)
    assert list_versions(photo_project.versions_dir) == []


def test_a_cancelled_version_leaves_nothing(labelled: Project) -> None:
    asked: list[int] = []

    def cancel() -> bool:
        asked.append(1)
        return len(asked) == 2

    with pytest.raises(CancelledError):
        create_version(labelled, is_cancelled=cancel)
    assert list(labelled.versions_dir.iterdir()) == []


def test_progress_counts_images(labelled: Project) -> None:
    seen: list[tuple[int, int]] = []
    create_version(labelled, progress=lambda done, total: seen.append((done, total)))
    assert seen == [(1, 3), (2, 3), (3, 3)]


@pytest.mark.parametrize(("broken", "kind"), [(1, "hard link"), (2, "copy")])
def test_where_links_cannot_be_made(
    labelled: Project, monkeypatch: pytest.MonkeyPatch, broken: int, kind: str
) -> None:
    """Windows without the right to link, or a disk of its own: the same version by other means."""

    def refuse(*_: object) -> None:
        raise OSError(errno.EPERM, "Operation not permitted")

    kinds = versions._Placer._KINDS
    refused = dict.fromkeys(list(kinds)[:broken], refuse)
    monkeypatch.setattr(versions._Placer, "_KINDS", {**kinds, **refused})
    version = create_version(labelled)
    assert version.placed == kind
    image = next((version.folder / "images").rglob("*.png"))
    assert not image.is_symlink()
    assert check_version(version) == []


def test_a_versions_folder_that_cannot_be_written(labelled: Project) -> None:
    labelled.versions_dir.write_text("in the way")
    with pytest.raises(StorageError, match="cannot be written") as caught:
        create_version(labelled)
    assert "versions" in str(caught.value)


def test_a_reader_in_another_thread_may_make_one(labelled: Project) -> None:
    from concurrent.futures import ThreadPoolExecutor

    def make() -> int:
        with open_project(labelled.folder, read_only=True) as reader:
            return create_version(reader).number

    with ThreadPoolExecutor(1) as pool:
        assert pool.submit(make).result() == 1
    assert create_version(labelled).number == 1


def test_folders_that_are_no_version_are_passed_over(labelled: Project) -> None:
    version = create_version(labelled)
    (labelled.versions_dir / "notes").mkdir()
    (labelled.versions_dir / "7-broken").mkdir()
    (labelled.versions_dir / "7-broken" / "version.json").write_text(json.dumps({"task": "x"}))
    assert list_versions(labelled.versions_dir) == [version]


def _add_bolt() -> object:
    from studio.model.edits import AddClass

    return AddClass(new_class("bolt"))
