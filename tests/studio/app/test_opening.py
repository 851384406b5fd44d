"""What was opened or dropped is recognised, and an import that fails leaves nothing behind."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from engine.runtime.errors import EngineError
from studio.app.opening import classify, find_description, import_into, mirror_into
from studio.model.edits import RemoveShapes
from studio.model.errors import CancelledError, StorageError
from studio.storage.folder_mirror import FolderMirror
from studio.storage.project_files import create_project, is_project, open_project

WritePhotos = Callable[..., list[Path]]


def quiet(_done: int, _total: int, _text: str) -> None:
    """Nobody looks."""


@pytest.fixture
def dataset(tmp_path: Path, write_photos: WritePhotos) -> Path:
    """The data.yaml of two pictures with a box each."""
    root = tmp_path / "set"
    for photo in write_photos(root / "images", 2):
        label = root / "labels" / f"{photo.stem}.txt"
        label.parent.mkdir(exist_ok=True)
        label.write_text("0 0.5 0.5 0.25 0.5\n")
    (root / "data.yaml").write_text("train: images\nval: images\nnames: [bolt]\n")
    return root / "data.yaml"


def test_a_folder_of_images(tmp_path: Path, write_photos: WritePhotos) -> None:
    folder = write_photos(tmp_path / "photos", 1)[0].parent
    found = classify([folder, folder / "img0.png"])
    assert (found.kind, found.project) == ("images", folder / "maskwright")
    assert found.paths == (folder, folder / "img0.png")


def test_single_images(tmp_path: Path, write_photos: WritePhotos) -> None:
    paths = write_photos(tmp_path / "photos", 2)
    found = classify(paths)
    assert (found.kind, found.paths) == ("images", tuple(paths))


@pytest.mark.parametrize("name", ["data.yaml", "data.yml", "parts.yaml"])
def test_a_data_set_by_its_folder_and_by_its_file(dataset: Path, name: str) -> None:
    file = dataset.rename(dataset.with_name(name))
    for path in (file, file.parent):
        found = classify([path])
        assert (found.kind, found.paths) == ("dataset", (file,))


def test_a_folder_with_classes_and_labels_but_no_yaml(dataset: Path) -> None:
    dataset.unlink()
    assert find_description(dataset.parent) is None
    (dataset.parent / "classes.txt").write_text("bolt\n")
    assert find_description(dataset.parent) == dataset.parent
    report = import_into(dataset.parent / "maskwright", dataset.parent, quiet)
    assert (report.images, report.annotations) == (2, 2)


def test_a_yaml_of_something_else_is_no_data_set(tmp_path: Path, write_photos: WritePhotos) -> None:
    folder = write_photos(tmp_path / "photos", 1)[0].parent
    (folder / "camera.yaml").write_text("exposure: 3\n")
    assert classify([folder]).kind == "images"


def test_a_project_by_folder_inside_and_database(tmp_path: Path, write_photos: WritePhotos) -> None:
    folder = write_photos(tmp_path / "photos", 1)[0].parent
    create_project(folder / "maskwright").close()
    for path in (folder, folder / "maskwright", folder / "maskwright" / "project.db"):
        found = classify([path])
        assert (found.kind, found.project) == ("project", folder / "maskwright")


def test_what_is_given_beside_the_first_is_kept(
    tmp_path: Path, dataset: Path, write_photos: WritePhotos
) -> None:
    folder = write_photos(tmp_path / "photos", 2)[0].parent
    labels = [folder / "img0.json", folder / "img1.json"]
    for file in labels:
        file.write_text("{}")
    found = classify(labels)
    assert (found.kind, found.paths) == ("dataset", tuple(labels))
    found = classify([dataset.parent, folder])
    assert (found.kind, found.paths) == ("dataset", (dataset, folder))
    found = classify([tmp_path / "gone", folder / "img0.png", *labels])
    assert (found.kind, found.project) == ("images", folder / "maskwright")
    assert set(found.paths) == {tmp_path / "gone", folder / "img0.png", *labels}
    create_project(folder / "maskwright").close()
    found = classify([folder, dataset])
    assert (found.kind, found.paths) == ("project", (dataset,))


@pytest.mark.parametrize("name", ["nothing", "notes.docx"])
def test_what_cannot_be_opened_says_what_can(tmp_path: Path, name: str) -> None:
    (tmp_path / "notes.docx").touch()
    with pytest.raises(StorageError) as raised:
        classify([tmp_path / name])
    assert raised.value.path == tmp_path / name
    assert raised.value.remedy


def test_a_failed_import_makes_no_project(dataset: Path) -> None:
    dataset.write_text("train: nowhere\nnames: [bolt]\n")
    with pytest.raises(EngineError):
        import_into(dataset.parent / "maskwright", dataset, quiet)
    assert not is_project(dataset.parent / "maskwright")


def test_an_import_that_was_given_up_makes_no_project(dataset: Path) -> None:
    with pytest.raises(CancelledError):
        import_into(dataset.parent / "maskwright", dataset, quiet, lambda: True)
    assert not is_project(dataset.parent / "maskwright")


def test_mirroring_writes_what_was_drawn_before_it_began(dataset: Path) -> None:
    folder = dataset.parent / "maskwright"
    import_into(folder, dataset, quiet)
    with open_project(folder) as project:
        image = project.image_ids()[0]
        shape = project.shapes(image)[0]
        project.apply(RemoveShapes((shape,)))
    mirror_into(folder, dataset, quiet)
    with open_project(folder) as project:
        mirror = FolderMirror.of(project)
        assert mirror is not None
        assert mirror.yaml_file == dataset
        mirror.leave()
        assert FolderMirror.of(project) is None
