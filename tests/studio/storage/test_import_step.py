"""An import is a step of the history: taken back as a whole, done again as it was, also after a restart."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, get_args

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from engine.data.annotations import Annotation, Box
from engine.data.formats import LabelledDataset, LabelledImage
from studio.model.edits import (
    AddShapes,
    MergeClass,
    RemoveImages,
    RemoveShapes,
    SetBackground,
    SetSplit,
)
from studio.model.errors import EditError
from studio.model.project import Project
from studio.model.records import new_shape
from studio.storage.dataset_import import Present, add_paths, import_dataset
from studio.storage.health import check_health
from studio.storage.image_index import store_of
from studio.storage.project_files import open_project

WritePhotos = Callable[..., list[Path]]


def state(project: Project) -> dict[str, Any]:
    """Return everything that an import can change, but the sizes of pictures, which it only reads."""
    ids = project.image_ids()
    return {
        "classes": project.classes(),
        "counts": project.class_counts(),
        "statuses": project.status_counts(),
        "images": [replace(record, width=0, height=0) for record in project.images(ids)],
        "shapes": {i: project.shapes(i) for i in ids},
        "suggestions": {i: project.suggestions(i) for i in ids},
        "keypoints": project.keypoints,
    }


@pytest.fixture
def dataset(tmp_path: Path, write_photos: WritePhotos) -> Path:
    """Three pictures with labels of bolt and washer; the first two lie in the photo project too."""
    root = tmp_path / "photos"
    write_photos(root, 2)
    more = write_photos(tmp_path / "more", 1)
    (tmp_path / "labels").mkdir()
    paths = [root / "img0.png", root / "img1.png", more[0]]
    texts = ["1 0.5 0.5 0.25 0.5\n", "", "0 0.5 0.5 0.2 0.2\n1 0.4 0.4 0.1 0.1\n"]
    for path, text in zip(paths, texts, strict=True):
        path.with_suffix(".txt").write_text(text)
    (tmp_path / "train.txt").write_text("".join(f"{path}\n" for path in paths))
    yaml = tmp_path / "data.yaml"
    yaml.write_text(f"path: {tmp_path}\ntrain: train.txt\nval: train.txt\nnames: [bolt, washer]\n")
    return yaml


def back_and_forth(project: Project, change: Callable[[], object], steps: int = 1) -> None:
    """Do something, then undo and redo it twice."""
    before = state(project)
    change()
    after = state(project)
    assert after != before
    for _ in range(2):
        for _ in range(steps):
            assert project.undo() is not None
        assert state(project) == before
        for _ in range(steps):
            assert project.redo() is not None
        assert state(project) == after
    assert check_health(project).problems == []


def test_an_import_is_taken_back_and_done_again(photo_project: Project, dataset: Path) -> None:
    back_and_forth(photo_project, lambda: import_dataset(photo_project, dataset))
    latest = photo_project.history()[0]
    assert latest.label.startswith("Import data.yaml (3 shapes)")
    assert latest.done


def test_labels_that_it_replaced_come_back_with_the_same_step(
    photo_project: Project, dataset: Path
) -> None:
    first = photo_project.image_ids()[0]
    photo_project.apply(AddShapes((new_shape(first, 0, Box(0, 0, 9, 9)),)))
    back_and_forth(photo_project, lambda: import_dataset(photo_project, dataset, present="replace"))


def test_labels_that_it_added_go_and_those_before_stay(
    photo_project: Project, dataset: Path
) -> None:
    first = photo_project.image_ids()[0]
    photo_project.apply(AddShapes((new_shape(first, 0, Box(0, 0, 9, 9)),)))
    drawn = photo_project.shapes(first)
    back_and_forth(photo_project, lambda: import_dataset(photo_project, dataset, present="add"))
    assert len(photo_project.shapes(first)) == 2
    photo_project.undo()
    assert photo_project.shapes(first) == drawn


def test_a_second_import_and_edits_of_what_the_first_brought(
    photo_project: Project, dataset: Path
) -> None:
    def change() -> None:
        import_dataset(photo_project, dataset)
        new = photo_project.image_ids()[-1]
        photo_project.apply(RemoveShapes(tuple(photo_project.shapes(new)[:1])))
        photo_project.apply(SetSplit({new: "test"}))
        import_dataset(photo_project, dataset, present="replace")

    back_and_forth(photo_project, change, steps=4)


def test_images_that_come_back_bring_their_shapes_once(
    photo_project: Project, dataset: Path
) -> None:
    import_dataset(photo_project, dataset)
    count = sum(photo_project.class_counts().values())
    photo_project.apply(RemoveImages(tuple(photo_project.image_ids())))
    back_and_forth(photo_project, lambda: import_dataset(photo_project, dataset))
    assert sum(photo_project.class_counts().values()) == count


def test_an_undone_import_leaves_images_without_shapes_when_they_are_added(
    photo_project: Project, dataset: Path
) -> None:
    import_dataset(photo_project, dataset)
    new = photo_project.image_ids()[-1]
    path = photo_project.image(new).path
    photo_project.undo()
    assert photo_project.find_image(path) is None
    store = store_of(photo_project)
    with store.transaction():
        assert add_paths(store, [path]) == {path: new}
    assert photo_project.image(new).shape_count == 0
    assert photo_project.image(new).status == "unlabelled"


def test_a_merge_before_an_import_of_the_same_name_can_be_undone(
    photo_project: Project, dataset: Path
) -> None:
    bolt, nut = photo_project.classes()
    first, second = photo_project.image_ids()[2:4]
    shapes = (
        new_shape(first, bolt.id, Box(0, 0, 4, 4)),
        new_shape(second, nut.id, Box(0, 0, 5, 5)),
    )
    photo_project.apply(AddShapes(shapes))

    def change() -> None:
        photo_project.apply(MergeClass(bolt, nut.id))
        import_dataset(photo_project, dataset)  # brings a class of the name bolt again

    back_and_forth(photo_project, change, steps=2)


def test_suggestions_of_its_classes_go_and_come_with_it(
    photo_project: Project, dataset: Path
) -> None:
    def change() -> None:
        import_dataset(photo_project, dataset)
        washer = photo_project.classes()[-1].id
        ghost = new_shape(photo_project.image_ids()[0], washer, Box(1, 1, 3, 3), "model", 0.5)
        photo_project.set_suggestions(ghost.image_id, [ghost])

    back_and_forth(photo_project, change)


def test_it_can_be_done_again_after_a_restart(photo_project: Project, dataset: Path) -> None:
    import_dataset(photo_project, dataset)
    after = state(photo_project)
    photo_project.undo()
    photo_project.close()
    with open_project(photo_project.folder) as again:
        assert again.redo() is not None
        assert state(again) == after
        assert again.undo() is not None


def test_what_can_no_longer_be_done_again_is_not_kept(
    photo_project: Project, dataset: Path
) -> None:
    store = store_of(photo_project)
    import_dataset(photo_project, dataset)
    photo_project.undo()
    assert store.db.value("SELECT COUNT(*) FROM shelf") == 3
    photo_project.apply(SetBackground({photo_project.image_ids()[0]: True}))
    assert store.db.value("SELECT COUNT(*) FROM shelf") == 0
    assert photo_project.redo() is None


def test_a_class_that_others_use_meanwhile_is_not_taken_away(
    photo_project: Project, dataset: Path
) -> None:
    import_dataset(photo_project, dataset)
    washer, image = photo_project.classes()[-1].id, photo_project.image_ids()[2]
    store = store_of(photo_project)
    with store.transaction():  # as another program that keeps label files in step would
        number = store.take_ids("shape", 1)[0]
        shape = new_shape(image, washer, Box(0, 0, 1, 1))
        store.insert_shapes([type(shape)(number, image, washer, shape.geometry, z=1)])
    before = state(photo_project)
    with pytest.raises(EditError, match="1 shape"):
        photo_project.undo()
    assert state(photo_project) == before


def test_the_first_import_of_an_empty_project_is_its_beginning(
    project: Project, dataset: Path
) -> None:
    import_dataset(project, dataset)
    assert not project.can_undo
    assert project.image_ids()


def test_its_size_tells_how_long_undoing_takes(photo_project: Project, dataset: Path) -> None:
    assert photo_project.step_size(back=False) == 0
    import_dataset(photo_project, dataset)
    assert photo_project.step_size(back=True) == 3
    photo_project.undo()
    assert photo_project.step_size(back=False) == 3


@settings(
    max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(data=st.data())
def test_any_import_is_taken_back(photo_project: Project, data: st.DataObject) -> None:
    folder = photo_project.folder.parent / "photos"
    names = [f"img{number}.png" for number in range(4)] + ["new0.png", "new1.png"]
    boxes = st.builds(Annotation, st.just(Box(1.0, 2.0, 9.0, 8.0)), st.integers(0, 2))
    images = st.builds(
        LabelledImage,
        st.sampled_from([folder / name for name in names]),
        st.just(64),
        st.just(48),
        split=st.sampled_from([None, "train", "val"]),
        annotations=st.none() | st.lists(boxes, max_size=3),
    )
    dataset = LabelledDataset(
        names={0: "bolt", 1: "washer", 2: "gear"},
        images=data.draw(st.lists(images, min_size=1, max_size=6, unique_by=lambda i: i.path)),
    )
    before = state(photo_project)
    steps = photo_project.store.steps()[0]
    present = data.draw(st.sampled_from(get_args(Present)))
    import_dataset(photo_project, folder, dataset=dataset, present=present)
    after = state(photo_project)
    photo_project.undo()
    assert state(photo_project) == before
    photo_project.redo()
    assert state(photo_project) == after
    assert photo_project.store.steps()[0] == steps + 1
    if data.draw(st.booleans()):  # else the next one finds what this one brought
        photo_project.undo()
