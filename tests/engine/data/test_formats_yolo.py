from __future__ import annotations

import dataclasses
from pathlib import Path

import cv2
import numpy as np
import pytest

from engine.data.annotations import (
    Annotation,
    Box,
    Keypoints,
    Mask,
    OrientedBox,
    Polygon,
    Tag,
    to_mask,
)
from engine.data.formats import ClassInfo, LabelledDataset, LabelledImage, read, write
from engine.data.formats.bridges import bridged, unbridged
from engine.runtime.errors import DatasetError

SQUARE = ((10.0, 10.0), (50.0, 10.0), (50.0, 50.0), (10.0, 50.0))
HOLES = (
    ((20.0, 20.0), (20.0, 30.0), (30.0, 30.0)),
    ((35.0, 35.0), (35.0, 45.0), (45.0, 45.0), (45.0, 35.0)),
)


@pytest.fixture
def picture(tmp_path):
    path = tmp_path / "pictures" / "a.png"
    path.parent.mkdir()
    cv2.imwrite(str(path), np.random.default_rng(0).integers(0, 255, (80, 100, 3), dtype=np.uint8))
    return path


def dataset_of(picture, *geometries, split="train", **fields):
    annotations = tuple(Annotation(g, 0, **fields) for g in geometries)
    return LabelledDataset({0: "part"}, [LabelledImage(picture, 100, 80, split, annotations)])


def geometries(dataset):
    return [a.geometry for a in dataset.images[0].annotations]


def test_holes_survive_the_single_ring():
    polygon = Polygon(SQUARE, HOLES)
    back = unbridged(bridged([polygon]))
    assert back.area() == polygon.area()
    assert sorted(map(sorted, back.rings())) == sorted(map(sorted, polygon.rings()))
    assert to_mask(back, 60, 60) == to_mask(polygon, 60, 60)


def test_two_parts_stay_one_ring_of_the_same_mask():
    parts = [Polygon(SQUARE), Polygon(tuple((x + 45, y) for x, y in SQUARE))]
    ring = unbridged(bridged(parts))
    assert ring.holes == ()
    both = to_mask(parts[0], 60, 100).to_array() | to_mask(parts[1], 60, 100).to_array()
    assert np.array_equal(to_mask(ring, 60, 100).to_array(), both)


def test_a_plain_ring_is_left_alone():
    assert unbridged(np.array(SQUARE)) == Polygon(SQUARE)


def test_round_trip_of_polygons_with_holes(tmp_path, picture):
    dataset = dataset_of(picture, Polygon(SQUARE, HOLES), Polygon(SQUARE[:3]))
    report = write(dataset, tmp_path / "out", "yolo")
    assert (report.images, report.annotations, report.lost) == (1, 2, [])
    back = read(report.path)
    assert not back.skipped
    first, second = geometries(back)
    assert len(first.holes) == 2
    assert first.area() == pytest.approx(Polygon(SQUARE, HOLES).area(), abs=0.01)
    assert np.allclose(second.exterior, SQUARE[:3], atol=1e-4)


def test_round_trip_of_boxes_and_backgrounds_and_unlabelled(tmp_path, picture):
    dataset = dataset_of(picture, Box(10, 20, 30, 40), split="val")
    dataset.images += [
        LabelledImage(picture, 100, 80, "train", ()),
        LabelledImage(picture, 100, 80, None, None),
    ]
    back = read(write(dataset, tmp_path / "out", "yolo").path)
    states = {i.split: i.annotations for i in back.images}
    assert states["train"] == ()
    assert states[None] is None
    assert states["val"][0].geometry.bounds() == pytest.approx((10, 20, 30, 40), abs=1e-4)
    assert not (tmp_path / "out/labels/unlabelled").exists()


def test_what_the_format_cannot_hold_is_said(tmp_path, picture):
    shapes = (
        Box(1, 1, 5, 5),
        Polygon(SQUARE),
        OrientedBox(40, 40, 20, 10, 0.5),
        Mask.from_array(np.pad(np.ones((20, 20)), ((10, 50), (10, 70)))),
        Keypoints(((1, 1),), (2,)),
        Tag(),
    )
    dataset = dataset_of(picture, *shapes, attributes={"occluded": True}, score=0.5)
    report = write(dataset, tmp_path / "seg", "yolo")
    assert report.annotations == 4
    assert [line.split(",")[0] for line in report.lost] == [
        "1 box",
        "4 scores",
        "4 sets of attributes",
        "1 keypoints shape",
        "1 tag shape",
    ]
    areas = [g.area() for g in geometries(read(report.path))]
    assert areas == pytest.approx([16, 1600, 200, 400], abs=0.1)
    report = write(dataset, tmp_path / "det", "yolo", task="detect")
    assert any("written as the boxes around them" in line for line in report.lost)
    assert all(isinstance(g, Box) for g in geometries(read(report.path)))


def test_pictures_of_one_name_do_not_overwrite_each_other(tmp_path, picture):
    other = picture.parent / "sub" / "A.jpg"
    other.parent.mkdir()
    cv2.imwrite(str(other), np.zeros((80, 100, 3), dtype=np.uint8))
    dataset = dataset_of(picture, Box(1, 1, 9, 9))
    dataset.images.append(dataclasses.replace(dataset.images[0], path=other, annotations=()))
    write(dataset, tmp_path / "out", "yolo")
    names = sorted(p.name for p in (tmp_path / "out/images/train").iterdir())
    assert names == ["A_2.jpg", "a.png"]
    assert (tmp_path / "out/labels/train/A_2.txt").read_text() == ""


@pytest.mark.parametrize("images", ["copy", "link", "none"])
def test_the_sources_are_never_changed(tmp_path, picture, images):
    before = picture.read_bytes(), picture.stat().st_mtime_ns
    dataset = dataset_of(picture, Box(1, 1, 9, 9))
    for _ in range(2):  # the second time over the first
        write(dataset, tmp_path / "out", "yolo", images=images)
    target = tmp_path / "out/images/train/a.png"
    assert (picture.read_bytes(), picture.stat().st_mtime_ns) == before
    assert target.is_symlink() == (images == "link")
    assert target.exists() == (images != "none")
    write(dataset, tmp_path / "out", "yolo", images="copy")
    assert not target.is_symlink()


def test_writing_a_data_set_onto_itself_keeps_its_pictures(tmp_path, picture):
    path = write(dataset_of(picture, Box(1, 1, 9, 9)), tmp_path / "out", "yolo").path
    for images in ("copy", "link", "none"):
        dataset = read(path)
        write(dataset, path.parent, "yolo", images=images)
        assert dataset.images[0].path.read_bytes() == picture.read_bytes()
        assert not dataset.images[0].path.is_symlink()


def test_unwritable_folder_is_a_dataset_error(tmp_path, picture):
    (tmp_path / "file").touch()
    with pytest.raises(DatasetError, match="Cannot be written"):
        write(dataset_of(picture, Box(1, 1, 9, 9)), tmp_path / "file" / "out", "yolo")


def test_unknown_formats_and_paths(tmp_path):
    with pytest.raises(DatasetError, match="does not exist"):
        read(tmp_path / "none")
    with pytest.raises(DatasetError, match="no data set"):
        read(tmp_path)
    with pytest.raises(DatasetError, match="'tfrecord' is unknown"):
        read(tmp_path, "tfrecord")


def test_folder_with_classes_txt(tmp_path, picture):
    (picture.parent / "classes.txt").write_bytes("moto\nperson\n".encode("utf-16"))
    picture.with_suffix(".txt").write_text("1 0.5 0.5 0.5 0.5\n")
    dataset = read(picture.parent)
    assert dataset.names == {0: "moto", 1: "person"}
    assert dataset.images[0].split is None
    assert geometries(dataset) == [Box(25, 20, 75, 60)]


def test_progress_can_stop_reading_and_writing(tmp_path, picture):
    dataset = dataset_of(picture, Box(1, 1, 9, 9))
    write(dataset, tmp_path / "out", "yolo")

    def stop(done, total):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        read(tmp_path / "out", progress=stop)
    with pytest.raises(KeyboardInterrupt):
        write(dataset, tmp_path / "out2", "yolo", progress=stop)


def test_images_in_two_splits_and_orphans_are_reported(shared_dir):
    dataset = read(shared_dir / "datasets/formats/bad/10-label-without-image/data.yaml")
    reasons = [str(p) for p in dataset.skipped]
    assert any("ghost.txt: This label file has no image" in r for r in reasons)
    assert any("1 image is in both train and val" in r for r in reasons)
    assert [i.split for i in dataset.images] == ["train"]


def test_unlabelled_and_background_of_the_manifest(shared_dir):
    dataset = read(shared_dir / "datasets/formats/bad/11-image-without-label/data.yaml")
    states = {i.path.stem: i.annotations for i in dataset.images}
    assert states["unlabelled"] is None
    assert states["background"] == ()
    assert len(states["img"]) == 1


def test_exif_pictures_carry_the_upright_size(shared_dir):
    dataset = read(shared_dir / "datasets/formats/bad/14-exif-rotated/data.yaml")
    assert {(i.width, i.height) for i in dataset.images} == {(256, 320)}
    assert len({i.annotations for i in dataset.images}) == 1


@pytest.mark.parametrize(
    ("name", "images", "objects"),
    [("coco8-seg", 8, 30), ("nuinsseg-mini", 80, 3397), ("coco8", 8, 30)],
)
def test_shared_data_sets_survive_a_round_trip(shared_dir, tmp_path, name, images, objects):
    dataset = read(shared_dir / "datasets" / name / "data.yaml")
    assert (len(dataset.images), dataset.annotation_count) == (images, objects)
    assert all(p.kind == "note" for p in dataset.skipped)
    report = write(dataset, tmp_path, "yolo", images="link")
    assert not report.lost
    back = read(report.path)
    assert back.annotation_count == objects
    by_name = {(i.split, i.path.name): i for i in back.images}
    for image in dataset.images:
        twin = by_name[image.split, image.path.name]
        for a, b in zip(image.annotations, twin.annotations, strict=True):
            assert a.class_id == b.class_id
            assert a.geometry.bounds() == pytest.approx(b.geometry.bounds(), abs=2e-3)


@pytest.mark.parametrize("name", ["yolo-det", "yolo-seg", "yolo-pose", "yolo-obb"])
def test_expected_counts_of_the_five_pictures(shared_dir, name):
    import json

    formats = shared_dir / "datasets/formats"
    expected = json.loads((formats / "EXPECTED.json").read_text())[name]
    dataset = read(formats / expected["path"])
    assert len(dataset.images) == expected["images"]
    assert dataset.annotation_count == expected["objects"]


def test_bad_cases_never_create_a_marker_file():
    assert not list(Path("/tmp").glob("STUDIO_*"))


def test_keypoints_drawn_after_a_point_was_added_outweigh_those_before(picture, tmp_path):
    def joints(count):
        return Keypoints(tuple((10.0 * i + 5, 7.0 * i + 5) for i in range(count)), (2,) * count)

    dataset = dataset_of(picture, joints(3), joints(3), joints(4))
    dataset.keypoints = {
        "kpt_shape": [3, 3],
        "flip_idx": [1, 0, 2],
        "kpt_names": {0: ["a", "b", "c"]},
    }
    dataset.classes = {0: ClassInfo(keypoints=("a", "b", "c", "d"), flip=(1, 0, 2, 3))}
    report = write(dataset, tmp_path / "out", "yolo")
    assert report.lost == ["2 keypoints shapes, of another number of points"]
    back = read(report.path)
    assert [len(g.points) for g in geometries(back)] == [4]
    assert back.keypoints == {
        "kpt_shape": [4, 3],
        "flip_idx": [1, 0, 2, 3],
        "kpt_names": {0: ["a", "b", "c", "d"]},
    }


def test_a_class_with_keypoints_of_its_own_does_not_outvote_the_set(picture, tmp_path):
    dataset = dataset_of(picture, *[Keypoints(((1, 1), (9, 9)), (2, 2))] * 3)
    dataset.images[0] = dataclasses.replace(
        dataset.images[0],
        annotations=(
            *dataset.images[0].annotations,
            Annotation(Keypoints(((1, 1), (9, 9), (20, 9)), (2,) * 3), 1),
        ),
    )
    dataset.names[1] = "hand"
    dataset.keypoints = {"kpt_shape": [2, 3]}
    dataset.classes = {1: ClassInfo(keypoints=("a", "b", "c"))}
    report = write(dataset, tmp_path / "out", "yolo")
    assert read(report.path).keypoints["kpt_shape"] == [2, 3]


def test_names_of_keypoints_may_be_one_list(picture, tmp_path):
    dataset = dataset_of(picture, Keypoints(((1, 1), (9, 9)), (2, 2)))
    dataset.keypoints = {"kpt_shape": [2, 3], "kpt_names": ["a", "b"]}
    report = write(dataset, tmp_path / "out", "yolo")
    assert read(report.path).keypoints["kpt_names"] == {0: ["a", "b"]}
