"""Importing: what arrives, what is reported, what stays as it was."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path

import pytest

from engine.data.annotations import Annotation, Box, Geometry, Polygon
from engine.data.formats import LabelledDataset, LabelledImage
from engine.data.formats.packed import PackedAnnotations
from engine.runtime.errors import DatasetError
from studio.model.edits import AddShapes, RemoveShapes
from studio.model.project import Project
from studio.model.records import ImageFilter, new_shape
from studio.storage.dataset_import import import_all, import_dataset
from studio.storage.health import check_health
from studio.storage.project_files import create_project

WritePhotos = Callable[..., list[Path]]

LABELS = {
    "train/img0": "0 0.5 0.5 0.25 0.5\n1 0.1 0.1 0.9 0.1 0.9 0.9\n",
    "train/img1": "",
    "val/img0": "1 0.25 0.25 0.5 0.5\n0 0.5 0.5 nonsense 0.1\n7 0.5 0.5 0.1 0.1\n",
}


@pytest.fixture
def dataset(tmp_path: Path, write_photos: WritePhotos) -> Path:
    """Three train and two val pictures of 64 x 48, one of them unlabelled, one damaged."""
    root = tmp_path / "dataset"
    write_photos(root / "images/train", 3)
    write_photos(root / "images/val", 1)
    (root / "images/val/broken.jpg").write_bytes(b"\xff\xd8\xff\xe0 nothing more")
    for name, text in LABELS.items():
        file = root / "labels" / f"{name}.txt"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    yaml = "path: .\ntrain: images/train\nval: images/val\nnames: [bolt, nut]\n"
    (root / "data.yaml").write_text(yaml)
    return root


def content(folder: Path) -> dict[str, str]:
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in folder.rglob("*")
        if path.is_file()
    }


def test_everything_arrives_and_the_source_stays_as_it_was(project: Project, dataset: Path) -> None:
    before = content(dataset)
    report = import_dataset(project, dataset / "data.yaml")
    assert content(dataset) == before
    assert (report.format, report.images, report.annotations) == ("yolo", 4, 3)
    assert report.classes == ["bolt", "nut"]
    assert [cls.name for cls in project.classes()] == ["bolt", "nut"]
    records = {
        r.path.relative_to(dataset / "images").as_posix(): r
        for r in map(project.image, project.image_ids())
    }
    assert {name: (r.status, r.split) for name, r in records.items()} == {
        "train/img0.png": ("labelled", "train"),
        "train/img1.png": ("background", "train"),
        "train/img2.png": ("unlabelled", "train"),
        "val/img0.png": ("labelled", "val"),
        "val/broken.jpg": ("damaged", None),
    }
    box, polygon = project.shapes(records["train/img0.png"].id)
    assert box.geometry == Box(24.0, 12.0, 40.0, 36.0)
    assert isinstance(polygon.geometry, Polygon)
    assert polygon.geometry.exterior[1] == pytest.approx((57.6, 4.8), abs=1e-4)
    assert (box.class_id, polygon.class_id, box.source) == (0, 1, "imported")
    assert project.task == "segment"
    assert check_health(project).problems == []


def test_bad_lines_and_files_are_listed_by_file_and_line(project: Project, dataset: Path) -> None:
    skipped = import_dataset(project, dataset / "data.yaml").to_dict()["skipped"]
    places = {(Path(entry["file"]).name, entry["line"]) for entry in skipped}
    assert places == {("img0.txt", 2), ("img0.txt", 3), ("broken.jpg", None)}
    assert all(entry["reason"] for entry in skipped)


def test_importing_twice_adds_nothing(project: Project, dataset: Path) -> None:
    import_dataset(project, dataset / "data.yaml")
    again = import_dataset(project, dataset / "data.yaml")
    assert again.annotations == 0
    assert [note.file.name for note in again.notes] == ["data.yaml"]  # a picture in both splits
    assert project.class_counts() == {0: 1, 1: 2}
    assert len(project.image_ids()) == 5


def test_labels_drawn_here_are_kept_unless_asked(project: Project, dataset: Path) -> None:
    import_dataset(project, dataset / "data.yaml")
    image = project.find_image(dataset / "images/train/img0.png")
    assert image is not None
    project.apply(RemoveShapes(tuple(project.shapes(image)[:1])))
    kept = project.shapes(image)
    report = import_dataset(project, dataset / "data.yaml")
    assert project.shapes(image) == kept
    assert report.annotations == 0
    kept_notes = [note for note in report.notes if "were kept" in note.reason]
    assert [note.file.name for note in kept_notes] == ["img0.png"]
    assert "1 shape in the project" in kept_notes[0].reason
    replaced = import_dataset(project, dataset / "data.yaml", present="replace")
    assert replaced.annotations == 2
    assert len(project.shapes(image)) == 2
    project.undo()
    assert project.shapes(image) == kept
    assert check_health(project).problems == []


def test_labels_are_added_to_those_drawn_here(project: Project, dataset: Path) -> None:
    import_dataset(project, dataset / "data.yaml")
    image = project.find_image(dataset / "images/train/img0.png")
    assert image is not None
    project.apply(RemoveShapes(tuple(project.shapes(image)[1:])))
    project.apply(AddShapes((new_shape(image, 1, Box(1, 2, 9, 9)),)))
    box, drawn = project.shapes(image)
    report = import_dataset(project, dataset / "data.yaml", present="add")
    assert [*project.shapes(image)[:2]] == [box, drawn]
    assert project.shapes(image)[2].geometry.kind == "polygon"
    assert project.shapes(image)[2].z > drawn.z
    assert (report.annotations, report.doubled) == (1, 2)  # the box, and the polygon of the other
    assert not [note for note in report.notes if "were kept" in note.reason]
    again = import_dataset(project, dataset / "data.yaml", present="add")
    assert (again.annotations, again.doubled, len(project.shapes(image))) == (0, 3, 3)
    assert check_health(project).problems == []


def test_classes_are_matched_by_name(project: Project, dataset: Path) -> None:
    project.add_class("nut", "#123456")
    import_dataset(project, dataset / "data.yaml")
    assert [(cls.id, cls.name) for cls in project.classes()] == [(0, "nut"), (1, "bolt")]
    image = project.find_image(dataset / "images/val/img0.png")
    assert image is not None
    assert project.shapes(image)[0].class_id == 0
    colors = [cls.color for cls in project.classes()]
    assert len(set(colors)) == 2


def test_a_cancelled_import_changes_nothing(project: Project, dataset: Path) -> None:
    class StopError(Exception):
        pass

    def stop(done: int, total: int) -> None:
        assert total == 5
        if done == 3:
            raise StopError

    with pytest.raises(StopError):
        import_dataset(project, dataset / "data.yaml", progress=stop)
    assert project.image_ids() == []
    assert project.classes() == []


def test_one_transaction_for_everything(
    project: Project, dataset: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A write that fails after the images were added leaves nothing: not the classes, not the images."""

    def fail(store: object, first: int, rows: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(type(project.store), "insert_values", fail)
    with pytest.raises(OSError, match="No space"):
        import_dataset(project, dataset / "data.yaml")
    assert project.image_ids() == []
    assert project.classes() == []
    monkeypatch.undo()
    assert import_dataset(project, dataset / "data.yaml").images == 4


def test_the_first_import_is_no_step_but_in_the_journal(project: Project, dataset: Path) -> None:
    import_dataset(project, dataset / "data.yaml")
    assert not project.can_undo
    rows = project.store.db.rows("SELECT action, label FROM journal")
    assert rows == [("import", "Import data.yaml")]


def test_images_far_apart_are_found_by_their_own_folders(
    project: Project, tmp_path: Path, public_dir: Path, write_photos: WritePhotos
) -> None:
    near = write_photos(tmp_path / "a/images", 1)
    far = write_photos(public_dir / "b/images", 1)
    (tmp_path / "train.txt").write_text(f"{near[0]}\n{far[0]}\n")
    (tmp_path / "data.yaml").write_text("train: train.txt\nval: train.txt\nnames: [bolt]\n")
    import_dataset(project, tmp_path / "data.yaml")
    assert {r.path for r in project.images(project.image_ids())} == {near[0], far[0]}


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("path: nowhere\ntrain: images\nval: images\nnames: [a]\n", "nowhere"),
        ("train: [\n", "line"),
        ("train: images/train\nval: images/val\n", "no class names"),
    ],
)
def test_a_description_that_cannot_be_used(
    project: Project, dataset: Path, text: str, words: str
) -> None:
    (dataset / "data.yaml").write_text(text)
    with pytest.raises(DatasetError, match=words) as caught:
        import_dataset(project, dataset / "data.yaml")
    assert str(dataset / "data.yaml") in str(caught.value)
    assert project.image_ids() == []


def test_an_import_next_to_drawn_shapes_is_a_step_after_them(
    photo_project: Project, dataset: Path
) -> None:
    image = photo_project.image_ids()[0]
    photo_project.apply(AddShapes((new_shape(image, 0, Box(0, 0, 1, 1)),)))
    import_dataset(photo_project, dataset / "data.yaml")
    labelled = ImageFilter(statuses=frozenset({"labelled"}))
    assert photo_project.count_images(labelled) == 3
    photo_project.undo()
    assert photo_project.count_images(labelled) == 1
    assert len(photo_project.shapes(image)) == 1
    photo_project.undo()
    assert photo_project.shapes(image) == []


EXPECTED = {
    "coco8-seg": (8, 30, 80, "segment"),
    "coco8": (8, 30, 80, "detect"),
    "nuinsseg-mini": (80, 3397, 1, "segment"),
    "bccd": (364, 4886, 3, "detect"),
}


@pytest.mark.parametrize("name", EXPECTED)
def test_real_datasets(shared_dir: Path, tmp_path: Path, name: str) -> None:
    images, shapes, classes, task = EXPECTED[name]
    with create_project(tmp_path / "project") as project:
        report = import_dataset(project, shared_dir / "datasets" / name / "data.yaml")
        assert (report.images, report.annotations, len(report.classes)) == (images, shapes, classes)
        assert report.skipped == []
        assert project.task == task
        assert len(project.image_ids()) == images
        assert check_health(project).problems == []
        assert {record.split for record in project.images(project.image_ids())} >= {"train", "val"}


def test_every_bad_dataset_is_imported_in_part_or_refused_by_name(
    shared_dir: Path, tmp_path: Path
) -> None:
    refused: dict[str, str] = {}
    files = sorted((shared_dir / "datasets/formats/bad").rglob("*.yaml"))
    assert len(files) > 30
    for number, file in enumerate(files):
        with create_project(tmp_path / str(number)) as project:
            try:
                report = import_dataset(project, file)
            except DatasetError as error:
                refused[str(file)] = str(error)
            else:
                assert report.images + len(report.skipped) > 0
            assert check_health(project).problems == []
            assert project.image_ids() == [] or str(file) not in refused
    assert 10 <= len(refused) < len(files)
    assert all(name in message for name, message in refused.items())


def test_packed_annotations_arrive_like_others(tmp_path: Path, write_photos: WritePhotos) -> None:
    """What goes into the database as bytes is what goes there as objects: holes, scores and attributes too."""
    ring, hole = ((4.0, 4.0), (40.5, 4.0), (40.5, 30.25)), ((9.0, 6.0), (12.0, 6.0), (12.0, 8.0))
    shapes: list[tuple[Geometry, float | None, dict[str, object]]] = [
        (Polygon(ring), None, {}),
        (Polygon(ring, (hole,)), None, {}),
        (Box(1, 2, 3, 4), 0.5, {}),
        (Polygon(ring), 0.25, {"annotation_source": "model", "note": "ä"}),
        (Polygon(ring), None, {"occluded": True}),
        (Polygon(hole), None, {}),
    ]
    told = [Annotation(g, n % 2, score, about) for n, (g, score, about) in enumerate(shapes)]
    (photo,) = write_photos(tmp_path / "photos", 1)
    found = []
    for name, kept in (("plain", tuple(told)), ("packed", PackedAnnotations(told))):
        dataset = LabelledDataset({0: "bolt", 1: "nut"}, [LabelledImage(photo, 64, 48, None, kept)])
        with create_project(tmp_path / name) as project:
            report = import_all(project, [(photo.parent, dataset)])
            assert report.annotations == len(told)
            found.append(project.shapes(project.image_ids()[0]))
            assert check_health(project).problems == []
    assert found[0] == found[1]
    assert [shape.geometry for shape in found[1]] == [g for g, _, _ in shapes]


def test_names_of_classes_become_one_line_and_that_is_said(
    project: Project, tmp_path: Path, write_photos: WritePhotos
) -> None:
    (photo,) = write_photos(tmp_path / "photos", 1)
    annotations = tuple(Annotation(Box(1, 1, 9, 9), index) for index in range(3))
    image = LabelledImage(photo, 64, 48, None, annotations)
    dataset = LabelledDataset({0: "bolt\r\nM6", 1: "nut", 2: "\x00"}, [image])
    report = import_all(project, [(tmp_path / "set", dataset)])
    assert [cls.name for cls in project.classes()] == ["bolt M6", "nut", "class 2"]
    told = [str(note.reason) for note in report.notes]
    assert len(told) == 2
    assert "'bolt M6'" in told[0]
    assert "'class 2'" in told[1]
    again = import_all(project, [(tmp_path / "set", dataset)])
    assert (again.annotations, len(project.classes())) == (0, 3)
