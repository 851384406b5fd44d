from __future__ import annotations

import json

import numpy as np
import pytest

from engine.data.annotations import Annotation, Box, Keypoints, Mask, OrientedBox, Polygon, to_mask
from engine.data.formats import ClassInfo, LabelledDataset, read, write
from engine.data.formats.coco_shapes import polygon_of
from engine.data.formats.packed import PackedAnnotations

SQUARE = [5, 5, 25, 5, 25, 25, 5, 25]


def coco(*rows, images=None, **more):
    numbered = [{"id": i, "image_id": 1, "category_id": 3, **r} for i, r in enumerate(rows, 1)]
    value = {
        "images": images or [{"id": 1, "file_name": "a.png", "width": 60, "height": 40}],
        "categories": [{"id": 3, "name": "car", "supercategory": "vehicle"}],
        "annotations": numbered,
    }
    return json.dumps(value | more)


def shapes(dataset):
    return [a.geometry for a in dataset.images[0].annotations]


def test_kinds_of_objects(lay):
    flat = np.zeros((40, 60), dtype=np.uint8)
    flat[3:9, 4:20] = 1
    mask = Mask.from_array(flat)
    rows = (
        {"bbox": [5, 6, 10, 8]},
        {"segmentation": [SQUARE], "bbox": [5, 5, 20, 20]},
        {"segmentation": {"size": [40, 60], "counts": list(mask.counts)}, "iscrowd": 1},
        {"keypoints": [10, 10, 2, 0, 0, 0, 20, 12, 1], "bbox": [8, 8, 20, 10], "score": 0.5},
        {"segmentation": [SQUARE], "attributes": {"occluded": True, "track_id": 7, "hue": "red"}},
    )
    dataset = read(lay({"a.png": "", "labels.json": coco(*rows)}) / "labels.json")
    assert dataset.format == "coco"
    box, polygon, crowd, points, own = dataset.images[0].annotations
    assert box == Annotation(Box(5, 6, 15, 14), 0)
    assert polygon.geometry.exterior == ((5, 5), (25, 5), (25, 25), (5, 25))
    assert (crowd.geometry, crowd.attributes) == (mask, {"crowd": True})
    assert points.geometry == Keypoints(((10, 10), (0, 0), (20, 12)), (2, 0, 1))
    assert (points.score, points.attributes) == (0.5, {"box": [8, 8, 28, 18]})
    assert own.attributes == {"occluded": True, "track_id": 7, "hue": "red"}
    assert dataset.classes[0] == ClassInfo(number=3, supercategory="vehicle")


def test_overlapping_parts_are_united_and_others_joined():
    first = Polygon(((0, 0), (20, 0), (20, 20), (0, 20)))
    apart = Polygon(((30, 0), (40, 0), (40, 10), (30, 10)))
    over = Polygon(((10, 10), (30, 10), (30, 30), (10, 30)))
    for parts in ((first, apart), (first, over)):
        pixels = [to_mask(part, 50, 50).to_array() for part in parts]
        joined = polygon_of(parts)
        assert np.array_equal(to_mask(joined, 50, 50).to_array(), pixels[0] | pixels[1])
        assert joined.area() == pytest.approx(float((pixels[0] | pixels[1]).sum()))


def test_labels_of_a_larger_copy_are_scaled_and_of_a_lying_picture_turned(lay, said, tmp_path):
    from PIL import Image

    lay({"a.png": ""})
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.new("RGB", (60, 40)).save(tmp_path / "b.jpg", exif=exif)
    images = [
        {"id": 1, "file_name": "a.png", "width": 120, "height": 80},
        {"id": 2, "file_name": "b.jpg", "width": 60, "height": 40},
    ]
    rows = ({"bbox": [10, 20, 30, 40]}, {"bbox": [0, 0, 10, 5], "image_id": 2})
    dataset = read(lay({"labels.json": coco(*rows, images=images)}) / "labels.json")
    assert shapes(dataset) == [Box(5, 10, 20, 30)]
    turned = dataset.images[1]
    assert (turned.width, turned.height) == (40, 60)
    assert [a.geometry for a in turned.annotations] == [Box(35, 0, 40, 10)]
    assert "scaled by 0.5" in said(dataset)
    assert "turned upright" in said(dataset)


def test_splits_come_from_names_and_pictures_of_the_same_name_stay_apart(lay):
    files = {f"{split}2017/a.png": "" for split in ("train", "val")}
    for split, count in (("train", 1), ("val", 2)):
        rows = [{"bbox": [5, 5, 10, 10]}] * count
        files[f"annotations/instances_{split}2017.json"] = coco(*rows)
    files["annotations/person_keypoints_val2017.json"] = coco()
    dataset = read(lay(files))
    found = {(i.path.parent.name, i.split, len(i.annotations)) for i in dataset.images}
    assert found == {("train2017", "train", 1), ("val2017", "val", 2)}
    assert [p.kind for p in dataset.skipped] == ["note"]


def test_a_name_that_climbs_out_is_not_followed(lay, tmp_path):
    folder = lay({"secret/b.png": "", "set/labels.json": ""}) / "set"
    images = [{"id": 1, "file_name": "../secret/b.png"}, {"id": 2, "file_name": "/etc/x.png"}]
    (folder / "labels.json").write_text(coco(images=images))
    dataset = read(folder / "labels.json", "coco")
    assert not dataset.images
    assert "2 images are not on the disk" in dataset.skipped[0].reason


def test_ids_licences_and_skeletons_stay(dataset_of, tmp_path):
    classes = {
        0: ClassInfo(number=7, supercategory="vehicle"),
        1: ClassInfo(number=2, keypoints=("left_a", "right_a"), skeleton=((0, 1),)),
    }
    dataset = dataset_of(Annotation(Keypoints(((9, 9), (12, 9)), (2, 1)), 1), classes=classes)
    dataset.info = {"info": {"year": 2020}, "licenses": [{"id": 1, "name": "CC"}]}
    write(dataset, tmp_path, "coco")
    back = read(tmp_path)
    assert back.info == dataset.info
    assert back.classes[0] == classes[0]
    assert back.classes[1].skeleton == ((0, 1),)
    assert back.classes[1].flip == (1, 0)
    assert back.keypoints["kpt_shape"] == [2, 3]


def test_holes_as_bridges_keep_their_corners(dataset_of, tmp_path):
    outer = ((5.0, 5.0), (35.0, 5.0), (35.0, 30.0), (5.0, 30.0))
    hole = ((10.0, 10.0), (10.0, 20.0), (20.0, 20.0), (20.0, 10.0))
    dataset = dataset_of(Annotation(Polygon(outer, (hole,)), 0))
    masked = write(dataset, tmp_path / "masks", "coco")
    assert masked.lost == ["1 polygon with holes, written as a mask of whole pixels"]
    bridged = write(dataset, tmp_path / "bridges", "coco", holes="bridges")
    assert bridged.lost == []
    (value,) = json.loads(
        (tmp_path / "bridges" / "annotations" / "instances_train.json").read_text()
    )["annotations"]
    corners = list(zip(*[iter(value["segmentation"][0])] * 2, strict=True))
    assert set(corners) == {*outer, *hole}


def test_lost_is_counted(dataset_of, tmp_path):
    from engine.data.annotations import Polyline, Tag

    dataset = dataset_of(
        Annotation(Polyline(((1, 1), (9, 9))), 0),
        Annotation(Tag(), 0),
        Annotation(OrientedBox(20, 20, 9, 5, 0.4), 0),
    )
    report = write(dataset, tmp_path, "coco")
    assert report.annotations == 1
    assert sorted(report.lost) == [
        "1 polyline shape, which this format cannot hold",
        "1 tag shape, which this format cannot hold",
    ]


def test_many_annotations_wait_as_bytes(lay):
    rows = [{"bbox": [5, 5, 10, 10]}] * 20_001
    dataset = read(lay({"a.png": "", "labels.json": coco(*rows)}) / "labels.json")
    assert isinstance(dataset.images[0].annotations, PackedAnnotations)
    assert dataset.annotation_count == 20_001


def test_a_thousand_mistakes_alike_are_a_count(lay):
    rows = [{"bbox": [5, 5, 0, 10]}] * 1000
    dataset = read(lay({"a.png": "", "labels.json": coco(*rows)}) / "labels.json")
    assert len(dataset.skipped) == 201
    assert "The same 800 times more" in dataset.skipped[-1].reason


def test_progress_can_stop_the_work(lay):
    class Stopped(Exception):
        pass

    def stop(done, total):
        raise Stopped

    path = lay({"a.png": "", "labels.json": coco({"bbox": [5, 5, 10, 10]})}) / "labels.json"
    with pytest.raises(Stopped):
        read(path, progress=stop)


def test_panoptic_segments_and_what_covers_what(dataset_of, tmp_path):
    below = Annotation(Box(5, 5, 25, 25), 0)
    above = Annotation(Box(15, 15, 35, 35), 1, None, {"crowd": True})
    classes = {0: ClassInfo(is_thing=False, color="#112233")}
    report = write(dataset_of(below, above, classes=classes), tmp_path, "coco_panoptic")
    assert "1 shape, painted over others" in report.lost
    back = read(tmp_path)
    assert back.format == "coco_panoptic"
    first, second = back.images[0].annotations
    assert first.geometry.area() == 20 * 20 - 10 * 10
    assert (second.geometry.area(), second.attributes) == (400, {"crowd": True})
    assert (back.classes[0].is_thing, back.classes[0].color) == (False, "#112233")


def test_panoptic_mistakes_are_named(dataset_of, tmp_path, said):
    write(dataset_of(Annotation(Box(5, 5, 25, 25), 0)), tmp_path, "coco_panoptic")
    file = tmp_path / "annotations" / "panoptic_train.json"
    value = json.loads(file.read_text())
    value["annotations"][0]["segments_info"] = [{"id": 9, "category_id": 1}, {"id": "x"}]
    file.write_text(json.dumps(value))
    dataset: LabelledDataset = read(tmp_path)
    assert "Segment 9 has no pixels." in said(dataset)
    assert "1 segments of its PNG are not in the list" in said(dataset)
    assert "no usable id and category" in said(dataset)
    (file.parent / "panoptic_train" / "a.png").unlink()
    assert "is not there" in said(read(tmp_path))
