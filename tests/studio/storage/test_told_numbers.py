"""What COCO's files number stays numbered so: images and categories of an import keep their ids in an export."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from engine.data.annotations import Box
from engine.data.formats.kept_numbers import kept_numbers
from studio.model.edits import AddShapes
from studio.model.project import Project
from studio.model.records import new_shape
from studio.storage.dataset_export import export_dataset
from studio.storage.dataset_import import import_dataset
from studio.storage.image_index import add_files
from studio.storage.project_files import create_project, open_project


def coco(folder: Path, ids: dict[str, int], categories: dict[int, str]) -> Path:
    """Write a COCO file about pictures of a folder, with an object of the first category on each."""
    images = [{"id": i, "file_name": n, "width": 64, "height": 48} for n, i in ids.items()]
    first = next(iter(categories))
    boxes = [
        {"id": 900 + i, "image_id": i, "category_id": first, "bbox": [4, 4, 20, 20], "area": 400}
        for i in ids.values()
    ]
    rows = [{"id": number, "name": name} for number, name in categories.items()]
    file = folder / "coco.json"
    file.write_text(json.dumps({"images": images, "annotations": boxes, "categories": rows}))
    return file


def exported(project: Project, out: Path, **only: Any) -> tuple[dict[str, int], dict[str, int]]:
    """Return the ids of images and categories that an export writes, by name."""
    path = export_dataset(project, out, "coco", **only).path
    images: dict[str, int] = {}
    categories: dict[str, int] = {}
    for file in (path / "annotations").glob("*.json"):
        document = json.loads(file.read_text())
        images |= {Path(row["file_name"]).name: row["id"] for row in document["images"]}
        categories |= {row["name"]: row["id"] for row in document["categories"]}
        known = {row["id"] for row in document["images"]}
        assert {row["image_id"] for row in document.get("annotations", ())} <= known
    return images, categories


@pytest.fixture
def told(tmp_path: Path, write_photos: Any) -> tuple[Project, Path]:
    """A project of three pictures from a COCO file with numbers of its own, and the folder of the pictures."""
    photos = tmp_path / "photos"
    names = [path.name for path in write_photos(photos, 3, (64, 48))]
    ids = dict(zip(sorted(names), (501, 17, 40), strict=True))
    project = create_project(tmp_path / "p")
    import_dataset(project, coco(photos, ids, {44: "nut", 3: "bolt"}))
    return project, photos


def test_images_and_categories_keep_their_ids(told: tuple[Project, Path], tmp_path: Path) -> None:
    project, _ = told
    folder = project.folder
    project.close()
    with open_project(folder) as again:
        images, categories = exported(again, tmp_path / "out")
        assert images == {"img0.png": 501, "img1.png": 17, "img2.png": 40}
        assert categories == {"nut": 44, "bolt": 3}
        nut = next(cls.id for cls in again.classes() if cls.name == "nut")
        some = exported(again, tmp_path / "some", image_ids=again.image_ids()[1:], class_ids=[nut])
        assert some == ({"img1.png": 17, "img2.png": 40}, {"nut": 44})


def test_what_is_added_gets_a_free_id_and_changes_no_other(
    told: tuple[Project, Path], tmp_path: Path, write_photos: Any
) -> None:
    project, _ = told
    with project:
        (new,) = write_photos(tmp_path / "new", 1, (64, 48))
        add_files(project, [new.rename(new.with_name("fresh.png"))])
        screw = project.add_class("screw")
        fresh = project.find_image(new.with_name("fresh.png"))
        assert fresh is not None
        project.apply(AddShapes((new_shape(fresh, screw.id, Box(1, 1, 9, 9)),)))
        images, categories = exported(project, tmp_path / "out")
        assert images["fresh.png"] == 502
        assert (images["img0.png"], images["img1.png"]) == (501, 17)
        assert categories == {"nut": 44, "bolt": 3, "screw": 45}


def test_two_files_with_the_same_numbers_do_not_collide(
    told: tuple[Project, Path], tmp_path: Path, write_photos: Any
) -> None:
    project, _ = told
    with project:
        others = tmp_path / "others"
        for place, path in enumerate(write_photos(others, 2, (64, 48))):
            path.rename(path.with_name(f"other{place}.png"))
        ids = {"other0.png": 17, "other1.png": 8}
        import_dataset(project, coco(others, ids, {44: "washer", 7: "bolt"}))
        images, categories = exported(project, tmp_path / "out")
        assert images["other1.png"] == 8
        assert sorted(images.values()) == [8, 17, 40, 501, 502]
        assert sorted(categories.values()) == [7, 44, 45]
        assert categories["bolt"] == 7


def test_other_formats_know_nothing_of_them(told: tuple[Project, Path], tmp_path: Path) -> None:
    project, _ = told
    with project:
        path = export_dataset(project, tmp_path / "out", "labelme").path
        for file in path.rglob("*.json"):
            assert "id" not in json.loads(file.read_text())


@pytest.mark.parametrize(
    ("told", "kept"),
    [
        ([None, None], [1, 2]),
        ([7, None, 3, 7], [7, 8, 3, 9]),
        ([0, None, -4], [0, 1, -4]),
        ([-4, -4], [-4, 1]),
        ([], []),
    ],
)
def test_numbers_that_are_there_once_are_kept(told: list[int | None], kept: list[int]) -> None:
    assert kept_numbers(told) == kept
