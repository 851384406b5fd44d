"""Dataset versions of each task, read back by what the engine trains with."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from engine.data.annotations import Box, Keypoints, OrientedBox, Polygon, Tag
from engine.data.formats import read
from engine.data.labels.parse import parse_label_text
from engine.data.yaml_file import read_data_yaml
from studio.model.edits import AddShapes, ChangeClass, SetBackground, SetSplit
from studio.model.errors import EditError
from studio.model.keypoint_scheme import KeypointScheme
from studio.model.project import Project
from studio.model.records import new_shape
from studio.storage.dataset_import import import_dataset
from studio.storage.splits import SplitRule, fill_training
from studio.storage.task_labels import class_folders
from studio.storage.version_origins import original_of
from studio.storage.versions import DatasetVersion, check_version, create_version, list_versions

WritePhotos = Callable[..., list[Path]]
POINTS = Keypoints(((10.0, 12.0), (30.0, 20.0), (20.0, 40.0)), (2, 1, 0))
TURNED = OrientedBox(32, 24, 20, 10, 0.5)
RING = Polygon(((4.0, 4.0), (30.0, 4.0), (30.0, 30.0), (4.0, 30.0)))


def put(project: Project, *shapes: list[tuple[int, object]]) -> None:
    """Give the first images of a project shapes: (class, geometry) pairs for each."""
    for image_id, pairs in zip(project.image_ids(), shapes, strict=False):
        made = tuple(new_shape(image_id, class_id, geometry) for class_id, geometry in pairs)
        project.apply(AddShapes(made))


def labels_of(version: DatasetVersion) -> dict[str, list[str]]:
    files = sorted((version.folder / "labels").rglob("*.txt"))
    return {path.stem: path.read_text().splitlines() for path in files}


def test_pose_writes_box_points_and_visibility(photo_project: Project) -> None:
    put(photo_project, [(0, POINTS)], [(1, Box(0, 0, 32, 24)), (0, POINTS)])
    photo_project.describe_keypoints(KeypointScheme(3, (1, 0, 2), ("a", "b", "c")))
    version = create_version(photo_project, task="pose")
    data = read_data_yaml(version.yaml)
    assert (data["kpt_shape"], data["flip_idx"]) == ([3, 3], [1, 0, 2])
    assert data["kpt_names"] == {0: ["a", "b", "c"], 1: ["a", "b", "c"]}
    assert version.annotations == {"bolt": 2, "nut": 1}
    assert version.lost == ["1 object without keypoints, learnt as a box alone"]
    lines = labels_of(version)["img1"]
    assert lines[0].split()[5:] == ["0.000000"] * 9
    rows, problems = parse_label_text("\n".join(lines), 2, kpt_shape=(3, 3))
    assert problems == []
    np.testing.assert_allclose(
        rows[1].keypoints[:2, :2] * (64, 48), [(10, 12), (30, 20)], atol=0.01
    )
    assert rows[1].keypoints[:, 2].tolist() == [2, 1, 0]
    assert rows[1].keypoints[2].tolist() == [0, 0, 0]
    np.testing.assert_allclose(rows[1].box * (64, 48, 64, 48), (20, 16, 20, 8), atol=0.01)
    assert check_version(version) == []


def test_pose_takes_the_box_that_came_with_the_points(photo_project: Project) -> None:
    image = photo_project.image_ids()[0]
    given = {"box": [0.0, 0.0, 64.0, 48.0]}
    photo_project.apply(AddShapes((new_shape(image, 0, POINTS, attributes=given),)))
    line = labels_of(create_version(photo_project, task="pose"))["img0"][0]
    assert line.split()[1:5] == ["0.500000", "0.500000", "1.000000", "1.000000"]


def test_pose_hides_points_beyond_the_border_and_of_other_objects(photo_project: Project) -> None:
    beyond = Keypoints(((10.0, 12.0), (80.0, 20.0), (20.0, 40.0)), (2, 2, 2))
    two = Keypoints(((10.0, 12.0), (30.0, 20.0)), (2, 2))
    put(photo_project, [(0, POINTS)], [(0, beyond), (0, two)])
    version = create_version(photo_project, task="pose")
    first, second = (line.split()[5:] for line in labels_of(version)["img1"])
    assert [float(v) for v in first[3:6]] == [0, 0, 0]
    assert float(first[8]) == 2
    assert {float(v) for v in second} == {0.0}
    assert version.lost == [
        "1 object with another number of keypoints than 3, learnt as a box alone"
    ]


def test_the_meaning_of_keypoints_is_part_of_a_version(photo_project: Project) -> None:
    put(photo_project, [(0, POINTS)])
    plain = create_version(photo_project, task="pose")
    assert "flip_idx" not in read_data_yaml(plain.yaml)
    photo_project.describe_keypoints(KeypointScheme(3, (1, 0, 2)))
    mirrored = create_version(photo_project, task="pose")
    assert mirrored.hash != plain.hash
    assert check_version(mirrored) == check_version(plain) == []
    assert create_version(photo_project, task="pose") == mirrored


def test_obb_writes_four_corners(photo_project: Project) -> None:
    put(photo_project, [(0, TURNED), (1, Box(0, 0, 32, 24))], [(0, RING), (0, POINTS)])
    version = create_version(photo_project, task="obb")
    turned, upright = (np.array(r.split()[1:], float) for r in labels_of(version)["img0"])
    np.testing.assert_allclose(turned.reshape(4, 2) * (64, 48), TURNED.corners(), atol=0.01)
    np.testing.assert_allclose(
        upright.reshape(4, 2) * (64, 48), [(0, 0), (32, 0), (32, 24), (0, 24)], atol=0.01
    )
    ring = np.array(labels_of(version)["img1"][0].split()[1:], float).reshape(4, 2) * (64, 48)
    assert sorted(map(tuple, ring.round(1))) == sorted(RING.exterior)
    assert version.annotations == {"bolt": 2, "nut": 1}
    assert version.lost == [
        "1 keypoints shape without an area, left out",
        "1 outline, learnt as the smallest box around it",
    ]


def test_obb_keeps_corners_beyond_the_border(photo_project: Project) -> None:
    beyond = OrientedBox(60, 24, 20, 10, 0.5)
    put(photo_project, [(0, beyond)])
    row = labels_of(create_version(photo_project, task="obb"))["img0"][0]
    corners = np.array(row.split()[1:], float).reshape(4, 2) * (64, 48)
    np.testing.assert_allclose(corners, beyond.corners(), atol=0.01)


def test_semseg_writes_what_covers_pixels(photo_project: Project) -> None:
    put(photo_project, [(0, RING)], [(1, Box(0, 0, 32, 24))])
    photo_project.apply(SetBackground({photo_project.image_ids()[2]: True}))
    version = create_version(photo_project, task="semseg")
    assert (
        labels_of(version)["img0"]
        == labels_of(create_version(photo_project, task="segment"))["img0"]
    )
    assert (version.annotations, version.backgrounds) == ({"bolt": 1, "nut": 1}, 1)
    assert version.lost == ["1 box, learnt as a rectangle"]


@pytest.fixture
def tagged(project: Project, tmp_path: Path, write_photos: WritePhotos) -> Project:
    """Eight images of two classes, one with two of them, one with a shape alone, one background."""
    from studio.storage.image_index import add_folder

    write_photos(tmp_path / "photos", 11)
    list(add_folder(project, tmp_path / "photos"))
    for name in ("nut/bolt", "hen"):
        project.add_class(name)
    images = project.image_ids()
    put(project, *([(i % 2, Tag())] for i in range(8)))
    project.apply(AddShapes((new_shape(images[0], 0, RING),)))
    project.apply(AddShapes((new_shape(images[8], 0, Tag()), new_shape(images[8], 1, Tag()))))
    project.apply(AddShapes((new_shape(images[9], 0, RING),)))
    project.apply(SetBackground({images[10]: True}))
    return project


def test_classify_writes_a_folder_a_class(tagged: Project) -> None:
    version = create_version(tagged, SplitRule(val=0.3), task="classify")
    assert version.names == ["hen", "nut_bolt"]
    assert version.annotations == {"nut/bolt": 4, "hen": 4}
    assert sum(version.images.values()) == 8
    assert version.left_out == {
        "with several classes": 1,
        "without a class of the whole image": 2,
    }
    assert version.lost == ["1 shape, left out: the class of the image is learnt"]
    assert {p.name for p in (version.folder / "train").iterdir()} == {"hen", "nut_bolt"}
    assert not (version.folder / "labels").exists()
    assert check_version(version) == []
    assert list_versions(tagged.versions_dir) == [version]
    data = read_data_yaml(version.yaml)
    assert data["names"] == {0: "hen", 1: "nut_bolt"}
    assert data["train"] == [version.folder / "train"]


def test_another_class_of_an_image_is_another_version(tagged: Project) -> None:
    first = create_version(tagged, task="classify")
    moved = tagged.image_ids()[8]
    tagged.apply(SetSplit({moved: "train"}))
    assert create_version(tagged, task="classify") == first
    shape = tagged.shapes(moved)[0]
    from studio.model.edits import RemoveShapes

    tagged.apply(RemoveShapes((shape,)))
    assert create_version(tagged, task="classify").hash != first.hash


def test_an_image_missing_from_its_class_folder_is_found(tagged: Project) -> None:
    version = create_version(tagged, task="classify")
    next((version.folder / "train" / "hen").iterdir()).unlink()
    assert len(check_version(version)) == 1


def test_every_class_has_an_image_to_learn_from(tagged: Project) -> None:
    version = create_version(tagged, SplitRule(val=0.95), task="classify")
    counts = {p.name: len(list(p.iterdir())) for p in (version.folder / "train").iterdir()}
    assert set(counts) == {"hen", "nut_bolt"}


def test_a_split_that_somebody_chose_is_not_moved(photo_project: Project) -> None:
    records = photo_project.images(photo_project.image_ids())
    photo_project.apply(SetSplit({records[0].id: "val"}))
    records = photo_project.images(photo_project.image_ids())
    groups = {record.id: str(n % 2) for n, record in enumerate(records)}
    splits = dict.fromkeys(groups, "val")
    moved = fill_training(splits, groups, records)
    assert [moved[record.id] for record in records] == ["val", "train", "train", "val"]


@pytest.mark.parametrize(
    ("task", "remedy"), [("pose", "keypoints"), ("classify", "class of its own")]
)
def test_what_the_task_needs_is_said(photo_project: Project, task: str, remedy: str) -> None:
    put(photo_project, [(0, Box(1, 2, 30, 40))])
    with pytest.raises(EditError, match=remedy):
        create_version(photo_project, task=task)


def test_class_folders_are_safe_and_told_apart() -> None:
    folders = class_folders(["a/b", "a:b", "A_B", "..", "CON?", " x "])
    assert list(folders.values()) == ["a_b", "a_b-2", "A_B-3", "class", "CON_", "x"]


def test_a_pose_dataset_comes_and_goes_unchanged(
    project: Project, tmp_path: Path, write_photos: WritePhotos
) -> None:
    source = tmp_path / "source"
    write_photos(source / "images" / "train", 2)
    row = "0 0.5 0.5 0.5 0.5 0.300000 0.400000 2 0.600000 0.700000 1 0 0 0"
    for number in range(2):
        label = source / "labels" / "train" / f"img{number}.txt"
        label.parent.mkdir(parents=True, exist_ok=True)
        label.write_text(row + "\n")
    (source / "data.yaml").write_text(
        "path: .\ntrain: images/train\nnames: [person]\nkpt_shape: [3, 3]\nflip_idx: [1, 0, 2]\n"
    )
    import_dataset(project, source / "data.yaml")
    assert project.keypoints == KeypointScheme(3, (1, 0, 2))
    assert project.task == "pose"
    version = create_version(project)
    assert read_data_yaml(version.yaml)["flip_idx"] == [1, 0, 2]
    before, _ = parse_label_text(row, kpt_shape=(3, 3))
    after, problems = parse_label_text(labels_of(version)["img0"][0], kpt_shape=(3, 3))
    assert problems == []
    np.testing.assert_allclose(after[0].keypoints, before[0].keypoints, atol=1e-6)
    np.testing.assert_allclose(after[0].box, before[0].box, atol=1e-6)
    assert read(version.yaml).keypoints == {"kpt_shape": [3, 3], "flip_idx": [1, 0, 2]}


def test_a_mirror_that_is_none_is_left_out_of_an_import(
    project: Project, tmp_path: Path, write_photos: WritePhotos
) -> None:
    write_photos(tmp_path / "images", 1)
    (tmp_path / "data.yaml").write_text(
        "path: .\ntrain: images\nnames: [person]\nkpt_shape: [3, 3]\nflip_idx: [1, 2, 0]\n"
    )
    report = import_dataset(project, tmp_path / "data.yaml")
    assert project.keypoints == KeypointScheme(3)
    assert any("changes places" in note.reason for note in report.notes)


def test_the_manifest_names_the_class_folder(tagged: Project) -> None:
    version = create_version(tagged, task="classify")
    lines = (version.folder / "manifest.jsonl").read_text().splitlines()
    assert {json.loads(line)["folder"] for line in lines} == {"hen", "nut_bolt"}


def test_from_the_files_of_a_version_back_to_its_images(tagged: Project) -> None:
    classes = create_version(tagged, task="classify")
    placed = next((classes.folder / "train" / "hen").iterdir())
    assert original_of(placed) == placed.resolve()
    tagged.apply(AddShapes((new_shape(tagged.image_ids()[1], 0, RING),)))
    outlines = create_version(tagged, task="segment")
    label = next((outlines.folder / "labels").rglob("*.txt"))
    assert original_of(label).stem == label.stem
    assert tagged.find_image(original_of(label)) is not None
    assert original_of(outlines.folder / "data.yaml") == outlines.folder / "data.yaml"


def describe(project: Project, *schemes: KeypointScheme | None) -> None:
    """Say what the keypoints of the first classes are, as the dialogue does."""
    for cls, scheme in zip(project.classes(), schemes, strict=False):
        project.apply(ChangeClass(replace(cls, keypoints=scheme)))


def flips(project: Project) -> list[int] | None:
    return read_data_yaml(create_version(project, task="pose").yaml).get("flip_idx")


def test_pairs_that_were_said_of_a_class_are_learnt_with(photo_project: Project) -> None:
    put(photo_project, [(0, POINTS)])
    describe(photo_project, KeypointScheme(3, (1, 0, 2), ("left", "right", "top")))
    version = create_version(photo_project, task="pose")
    data = read_data_yaml(version.yaml)
    assert (data["kpt_shape"], data["flip_idx"]) == ([3, 3], [1, 0, 2])
    assert data["kpt_names"][0] == ["left", "right", "top"]


def test_images_are_mirrored_only_where_that_is_true_of_every_class(photo_project: Project) -> None:
    put(photo_project, [(0, POINTS)], [(1, POINTS)])
    describe(photo_project, KeypointScheme(3, (1, 0, 2)))
    assert flips(photo_project) is None
    describe(photo_project, KeypointScheme(3, (1, 0, 2)), KeypointScheme(3, (2, 1, 0)))
    assert flips(photo_project) is None
    describe(photo_project, KeypointScheme(3, (1, 0, 2)), KeypointScheme(3, (1, 0, 2)))
    assert flips(photo_project) == [1, 0, 2]


def test_a_class_has_the_points_that_were_said_of_it(photo_project: Project) -> None:
    """Two objects drawn before a point was added to the list do not outvote the one drawn after."""
    old = Keypoints(((10.0, 12.0), (30.0, 20.0)), (2, 2))
    put(photo_project, [(0, old)], [(0, old)], [(0, POINTS)])
    describe(photo_project, KeypointScheme(3, (1, 0, 2)))
    assert flips(photo_project) == [1, 0, 2]
