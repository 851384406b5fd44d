"""COCO's files and folders of masks as label text."""

from __future__ import annotations

import json

import cv2
import numpy as np
import pytest

from engine.data.converter import (
    coco80_to_coco91_class,
    coco91_to_coco80_class,
    convert_coco,
    convert_segment_masks_to_yolo_seg,
)
from engine.ops.raster import polygon2mask
from engine.runtime.errors import DatasetError


def document(annotations, categories=({"id": 1, "name": "person"}, {"id": 90, "name": "brush"})):
    images = [
        {"id": 7, "file_name": "a.jpg", "width": 100, "height": 50},
        {"id": 8, "file_name": "deep/b.png", "width": 10, "height": 10},
        {"id": 9, "file_name": "../../c.jpg", "width": 10, "height": 10},
    ]
    rows = [{"id": i, "image_id": 7, "iscrowd": 0, **row} for i, row in enumerate(annotations)]
    return {"images": images, "annotations": rows, "categories": list(categories)}


@pytest.fixture
def convert(tmp_path):
    def run(annotations, **arguments):
        folder = tmp_path / "annotations"
        folder.mkdir(exist_ok=True)
        categories = arguments.pop("categories", document([])["categories"])
        text = json.dumps(document(annotations, categories))
        (folder / "instances_val2017.json").write_text(text)
        made = convert_coco(folder, save_dir=tmp_path / "converted", **arguments)
        return made, (made / "labels/val2017/a.txt").read_text().splitlines()

    return run


BOX = [10.0, 5.0, 40.0, 20.0]
OUTLINE = [[10, 5, 50, 5, 50, 25]]
POINTS = [20, 10, 2, 0, 0, 0, 30, 20, 1]


def test_boxes_outlines_and_keypoints(convert):
    objects = [
        {"category_id": 90, "bbox": BOX, "segmentation": OUTLINE, "keypoints": POINTS},
        {"category_id": 1, "bbox": BOX, "segmentation": []},
        {"category_id": 1, "bbox": BOX, "segmentation": []},  # the same once more
        {"category_id": 1, "bbox": BOX, "iscrowd": 1, "segmentation": {"size": [50, 100], "counts": [5000]}},
        {"category_id": 1, "bbox": [10, 5, 0, 20]},
        {"category_id": 5, "bbox": BOX},
        {"category_id": 1, "bbox": BOX, "image_id": 99},
    ]  # fmt: skip
    made, lines = convert(objects)
    box = "0.300000 0.300000 0.400000 0.400000"
    assert lines == [f"79 {box}", f"0 {box}"]
    assert (made / "labels/val2017/deep/b.txt").read_text() == ""
    assert (made / "labels/val2017/c.txt").exists()  # beside the others, not outside
    assert not list(made.parent.glob("c.*"))
    assert (made / "images").is_dir()
    again, lines = convert(objects, use_segments=True)
    assert again != made
    assert lines[0] == "79 0.100000 0.100000 0.500000 0.100000 0.500000 0.500000"
    assert len(lines) == 2
    _, lines = convert(objects, use_keypoints=True)
    assert lines == [f"79 {box} 0.200000 0.200000 2.000000 0.000000 0.000000 0.000000 0.300000 0.400000 1.000000"]  # fmt: skip


def test_categories_of_ones_own(convert):
    own = [{"id": 1, "name": "nut"}, {"id": 91, "name": "bolt"}]
    with pytest.raises(DatasetError, match="91 is none of COCO's"):
        convert([{"category_id": 91, "bbox": BOX}], categories=own)
    _, lines = convert([{"category_id": 91, "bbox": BOX}], categories=own, cls91to80=False)
    assert lines[0].split()[0] == "90"
    from_zero = [{"id": 0, "name": "nut"}, {"id": 1, "name": "bolt"}]
    objects = [{"category_id": 1, "bbox": BOX}]
    assert convert(objects, categories=from_zero, cls91to80=False)[1][0].split()[0] == "1"


def test_what_is_no_coco_file(tmp_path):
    with pytest.raises(DatasetError, match="no COCO file"):
        convert_coco(tmp_path, tmp_path / "out")
    with pytest.raises(DatasetError, match="not both"):
        convert_coco(tmp_path, tmp_path / "out", use_segments=True, use_keypoints=True)
    assert not (tmp_path / "out").exists()


def test_the_two_countings_of_classes():
    there, back = coco80_to_coco91_class(), coco91_to_coco80_class()
    assert (len(there), len(set(there)), there[0], there[-1]) == (80, 80, 1, 90)
    assert [back[number - 1] for number in there] == list(range(80))
    assert [i + 1 for i, c in enumerate(back) if c is None] == [
        *(12, 26, 29, 30, 45, 66, 68, 69, 71, 83, 91)
    ]


def test_a_real_data_set_agrees_with_its_label_text(shared_dir, tmp_path):
    source = shared_dir / "datasets/coco-mini"
    made = convert_coco(source / "annotations", save_dir=tmp_path / "out", use_segments=True)
    compared = 0
    for file in sorted((source / "labels/val").glob("*.txt")):
        ours = (made / "labels/val" / file.name).read_text().splitlines()
        theirs = file.read_text().splitlines()
        assert [row.split()[0] for row in ours] == [row.split()[0] for row in theirs]
        for one, other in zip(ours, theirs, strict=True):
            mine, told = (np.array(row.split()[1:], float) for row in (one, other))
            if len(mine) == len(told):  # the others are in several parts, of which the text has one
                # a ring may begin anywhere
                np.testing.assert_allclose(np.sort(mine), np.sort(told), atol=2e-5)
                compared += 1
    assert compared > 40


def masks_folder(tmp_path, **masks):
    folder = tmp_path / "masks"
    folder.mkdir(exist_ok=True)
    for name, mask in masks.items():
        cv2.imwrite(str(folder / f"{name}.png"), mask)
    return folder


def test_masks_become_outlines_with_their_holes(tmp_path, caplog):
    mask = np.zeros((120, 160), np.uint8)
    cv2.circle(mask, (50, 60), 40, 1, -1)
    cv2.circle(mask, (50, 60), 15, 0, -1)
    cv2.rectangle(mask, (100, 20), (150, 100), 3, -1)
    cv2.rectangle(mask, (100, 105), (110, 115), 9, -1)
    mask[0, 0] = 1  # a speck
    folder = masks_folder(tmp_path, shapes=mask, empty=np.zeros((5, 5), np.uint8))
    (folder / "photo.jpg").write_bytes(b"")
    (folder / "broken.png").write_bytes(b"no picture")
    cv2.imwrite(str(folder / "colours.png"), np.arange(75, dtype=np.uint8).reshape(5, 5, 3))
    out = convert_segment_masks_to_yolo_seg(folder, tmp_path / "labels", classes=3)
    assert sorted(p.name for p in out.iterdir()) == ["empty.txt", "shapes.txt"]
    rows = [line.split() for line in (out / "shapes.txt").read_text().splitlines()]
    assert [row[0] for row in rows] == ["0", "2"]
    for row, value in zip(rows, (1, 3), strict=True):
        ring = np.array(row[1:], float).reshape(-1, 2) * (160, 120)
        drawn, true = polygon2mask((120, 160), [ring]).astype(bool), mask == value
        assert (drawn & true).sum() / (drawn | true).sum() > 0.98
        assert len(ring) < 200  # along the pixels' edges it would be twice that
    for word in ("numbers [9]", "photo.jpg", "broken.png", "colours.png"):
        assert word in caplog.text


def test_white_is_the_only_class(tmp_path):
    mask = np.zeros((20, 20), np.uint8)
    mask[5:15, 5:15] = 255
    folder = masks_folder(tmp_path, one=mask)
    rows = (convert_segment_masks_to_yolo_seg(folder, tmp_path / "out", 1) / "one.txt").read_text()
    ring = np.array(rows.split()[1:], float).reshape(-1, 2)
    assert rows.startswith("0 ")
    assert (ring.min(0).tolist(), ring.max(0).tolist()) == ([0.25, 0.25], [0.75, 0.75])


def test_no_masks(tmp_path):
    for folder in (tmp_path, tmp_path / "missing"):
        with pytest.raises(DatasetError, match="no masks"):
            convert_segment_masks_to_yolo_seg(folder, tmp_path / "out", 2)
    for classes in (0, True, 1.5):
        with pytest.raises(DatasetError, match="classes"):
            convert_segment_masks_to_yolo_seg(tmp_path, tmp_path / "out", classes)
