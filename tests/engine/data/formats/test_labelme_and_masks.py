from __future__ import annotations

import base64
import io
import json
import math

import numpy as np
import pytest
from PIL import Image

from engine.data.annotations import (
    Annotation,
    Box,
    Keypoints,
    Mask,
    OrientedBox,
    Polygon,
    Polyline,
    Tag,
)
from engine.data.formats import ClassInfo, read, write
from engine.data.formats.class_table import ClassEntry, read_table
from engine.data.formats.labelme_shapes import circle_of, circle_points
from engine.data.formats.mask_pictures import read_mask, voc_palette, write_numbers
from engine.data.formats.told_attributes import plain_value, shared_attributes, whole


def png(array):
    data = io.BytesIO()
    Image.fromarray(array).save(data, format="PNG")
    return data.getvalue()


def shape(kind, *points, **more):
    return {"label": "car", "shape_type": kind, "points": [list(p) for p in points], **more}


def labelme(*shapes, version="5.5.0", **more):
    size = {"imagePath": "a.png", "imageData": None, "imageHeight": 40, "imageWidth": 60}
    return json.dumps({"version": version, "flags": {}, "shapes": list(shapes), **size, **more})


def labels(dataset):
    return list(dataset.images[0].annotations)


def test_labelme_kinds(lay):
    inside = np.array([[1, 0], [1, 1]], dtype=np.uint8) * 255
    rows = (
        shape("rectangle", (30, 20), (10, 5), group_id=3, description="left", flags={"old": True}),
        shape("circle", (20, 20), (28, 20)),
        shape("line", (1, 1), (9, 9)),
        shape("linestrip", (1, 1), (9, 9), (20, 3)),
        shape("point", (4, 5)),
        shape("mask", (7, 8), (8, 9), mask=base64.b64encode(png(inside)).decode()),
        {"label": "old", "points": [[0, 0], [9, 0], [9, 9]]},
    )
    dataset = read(lay({"a.png": "", "a.json": labelme(*rows)}))
    assert dataset.format == "labelme"
    box, circle, line, strip, point, mask, first = labels(dataset)
    assert box.geometry == Box(10, 5, 30, 20)
    assert box.attributes == {"group_id": 3, "description": "left", "old": True}
    assert circle.geometry.area() == pytest.approx(math.pi * 64, rel=0.01)
    assert line.geometry == Polyline(((1, 1), (9, 9)))
    assert len(strip.geometry.points) == 3
    assert point.geometry == Keypoints(((4, 5),), (2,))
    assert mask.geometry.to_array()[7:11, 6:10].tolist() == [
        [0] * 4,
        [0, 1, 0, 0],
        [0, 1, 1, 0],
        [0] * 4,
    ]
    assert first.geometry == Polygon(((0, 0), (9, 0), (9, 9)))


def test_a_circle_stays_one_until_a_corner_moves(dataset_of, tmp_path):
    points = circle_points((20.0, 20.0), (28.0, 20.0))
    center, rim = circle_of(Polygon(points))
    assert center == pytest.approx((20, 20))
    assert rim == (28.0, 20.0)
    assert circle_of(Polygon(((29.0, 20.0), *points[1:]))) is None
    write(dataset_of(Annotation(Polygon(points), 0)), tmp_path, "labelme")
    told = json.loads((tmp_path / "train" / "a.json").read_text())["shapes"][0]
    assert told["shape_type"] == "circle"
    (back,) = labels(read(tmp_path))
    assert np.allclose(back.geometry.exterior, points)


def test_flags_of_a_picture_are_its_classes(lay):
    text = labelme(flags={"cat": True, "dog": False})
    dataset = read(lay({"a.png": "", "a.json": text}))
    assert [(a.geometry, dataset.names[a.class_id]) for a in labels(dataset)] == [(Tag(), "cat")]
    assert dataset.images[0].attributes == {"flags": ["dog"]}


def test_a_picture_inside_its_file_is_unpacked(lay, picture, said):
    data = base64.b64encode(picture.read_bytes()).decode()
    dataset = read(lay({"x.json": labelme(shape("point", (4, 5)), imageData=data)}))
    assert dataset.images[0].path.read_bytes() == picture.read_bytes()
    assert "Its picture was inside it" in said(dataset)
    broken = read(lay({"x.json": labelme(shape("point", (4, 5)), imageData="bm90IGFuIGltYWdl")}))
    assert not broken.images
    assert "no usable picture" in said(broken)


@pytest.mark.parametrize(
    ("bad", "reason"),
    [
        (shape("cuboid", (1, 1)), "type 'cuboid' are not known"),
        (shape("circle", (1, 1)), "a circle of 2 points, received 1"),
        (shape("polygon", (1, 1), (2, 2)), "3 or more points, received 2"),
        (shape("polygon", (1, 1), (2, float("nan")), (3, 4)), "finite number"),
        (shape("rectangle", (1, 1), (1, 9)), "The box has no area."),
        (shape("mask", (1, 1), (2, 2), mask="AAAA"), "no PNG in base64"),
        (shape("polygon", (100, 1), (200, 2), (150, 30)), "lies outside its picture of 60 x 40"),
        ({"points": [[1, 2]]}, "Expected an object with a 'label'"),
        ("text", "Expected an object with a 'label'"),
        (shape("point", (1, 2, 3)), "points of 2 numbers"),
    ],
)
def test_bad_shapes_are_named_and_others_kept(lay, said, bad, reason):
    dataset = read(lay({"a.png": "", "a.json": labelme(bad, shape("point", (4, 5)))}), "labelme")
    assert [a.geometry for a in labels(dataset)] == [Keypoints(((4, 5),), (2,))]
    assert "Shape 1 (" in said(dataset)
    assert reason in said(dataset)


def test_xanylabeling_fields(lay, dataset_of, tmp_path):
    rows = (
        shape("rotation", (10, 10), (20, 10), (20, 16), (10, 16), direction=0.0, difficult=True,
              score=0.75, attributes={"hue": "red"}, kie_linking=[[1, 2]]),
        shape("rectangle", (1, 2), (9, 2), (9, 8), (1, 8), kie_linking=[]),
    )  # fmt: skip
    folder = lay({"in/a.png": "", "in/a.json": labelme(*rows, version="2.4.0")}) / "in"
    dataset = read(folder)
    assert dataset.format == "xanylabeling"
    turned, box = labels(dataset)
    assert turned.geometry == OrientedBox(15, 13, 10, 6, 0.0)
    assert turned.score == 0.75
    assert turned.attributes == {"hue": "red", "difficult": True, "kie_linking": "[[1, 2]]"}
    assert box.geometry == Box(1, 2, 9, 8)
    write(dataset, tmp_path / "out", "xanylabeling")
    told = json.loads((tmp_path / "out" / "a.json").read_text())["shapes"][0]
    assert (told["kie_linking"], told["difficult"]) == ([[1, 2]], True)
    assert labels(read(tmp_path / "out")) == labels(dataset)


def test_xanylabeling_says_what_it_takes_apart(dataset_of, tmp_path):
    array = np.zeros((40, 60), dtype=np.uint8)
    array[4:9, 5:12] = 1
    skeleton = Keypoints(((5, 5), (0, 0), (9, 9)), (2, 0, 1))
    classes = {0: ClassInfo(keypoints=("a", "b", "c"))}
    dataset = dataset_of(
        Annotation(Mask.from_array(array), 1), Annotation(skeleton, 0), classes=classes
    )
    report = write(dataset, tmp_path, "xanylabeling")
    assert report.lost == [
        "1 mask, written as the outline along its pixels",
        "1 skeleton, written as single points of a group",
    ]
    back = read(tmp_path)
    outline, first, second = labels(back)
    assert outline.geometry.area() == 35
    assert [back.names[a.class_id] for a in (first, second)] == ["a", "c"]
    assert first.attributes == second.attributes == {"group_id": 1}


TABLES = {
    "colormap.csv": ("index,name,r,g,b\n0,background,0,0,0\n7,car,255,0,0\n", [("background", 0, (0, 0, 0)), ("car", 7, (255, 0, 0))]),
    "labelmap.txt": ("# label:color_rgb:parts:actions\ncar:1,2,3::\n", [("car", 0, (1, 2, 3))]),
    "labelmap2.txt": (
        "vehicle:car:1,2,3::\na:4,5,6:b:7,8,9:head,hand:run\nplain:1,2,4\nnone:::\nx:y:::\nbare\n",
        [("vehicle:car", 0, (1, 2, 3)), ("a:4,5,6:b", 1, (7, 8, 9)), ("plain", 2, (1, 2, 4)),
         ("none", 3, None), ("x:y", 4, None), ("bare", 5, None)],
    ),
    "classes.txt": ("0 sky\n3 old house\n", [("sky", 0, None), ("old house", 3, None)]),
    "class_names.txt": ("_background_\ncar\n", [("_background_", 0, None), ("car", 1, None)]),
    "labels.txt": ("__ignore__\n_background_\ncar\n", [("__ignore__", -1, None), ("_background_", 0, None), ("car", 1, None)]),
    "label_colors.txt": ("64 128 64\tAnimal\n", [("Animal", None, (64, 128, 64))]),
    "mask_color_map.json": ('{"colors": {"Road": [1, 2, 3]}}', [("Road", None, (1, 2, 3))]),
    "mask_grayscale_map.json": ('{"colors": {"Road": 128}}', [("Road", 128, None)]),
}  # fmt: skip


@pytest.mark.parametrize("name", TABLES)
def test_tables_of_classes(tmp_path, name):
    text, entries = TABLES[name]
    (tmp_path / name).write_text(text)
    assert read_table(tmp_path / name) == [ClassEntry(*entry) for entry in entries]


def test_mask_values(lay, said):
    array = np.zeros((40, 60), dtype=np.uint8)
    array[0, :10], array[1, :5], array[2, :7] = 2, 9, 255
    files = {"images/a.png": "", "masks/a.png": png(array), "classes.txt": "0 background\n2 car\n"}
    dataset = read(lay(files))
    assert dataset.format == "mask_index"
    assert [(a.geometry.area(), dataset.names[a.class_id]) for a in labels(dataset)] == [
        (10, "car")
    ]
    assert "9 (5 pixels)" in said(dataset)
    assert "7 pixels are marked as of no class" in said(dataset)


def test_mask_colors_and_those_that_jpeg_changed(lay, said):
    rgb = np.zeros((40, 60, 3), dtype=np.uint8)
    rgb[8:24, 8:40] = (255, 0, 0)
    rgb[30:32, :4] = (1, 2, 3)
    table = "index,name,r,g,b\n0,background,0,0,0\n1,car,255,0,0\n"
    dataset = read(lay({"images/a.png": "", "masks/a.png": png(rgb), "colormap.csv": table}))
    assert dataset.format == "mask_color"
    assert [a.geometry.area() for a in labels(dataset)] == [16 * 32]
    assert "#010203 (8 pixels)" in said(dataset)
    lossy = io.BytesIO()
    Image.fromarray(rgb).save(lossy, format="JPEG", quality=90)
    folder = lay(
        {"jpeg/images/a.png": "", "jpeg/masks/a.jpg": lossy.getvalue(), "jpeg/colormap.csv": table}
    )
    dataset = read(folder / "jpeg", "mask_color")
    assert labels(dataset)[0].geometry.area() == pytest.approx(16 * 32, rel=0.2)
    assert "changes the colours" in said(dataset)


def test_masks_of_objects_keep_them_apart(dataset_of, tmp_path):
    first, second = Annotation(Box(1, 1, 10, 10), 0), Annotation(Box(20, 1, 30, 10), 0)
    joined = write(dataset_of(first, second), tmp_path / "whole", "mask_index")
    assert "1 shape, joined with others of its class" in joined.lost
    assert len(labels(read(tmp_path / "whole"))) == 1
    apart = write(dataset_of(first, second), tmp_path / "apart", "mask_index", objects=True)
    assert not [text for text in apart.lost if "joined" in text]
    assert [a.geometry.bounds() for a in labels(read(tmp_path / "apart"))] == [
        (1, 1, 10, 10),
        (20, 1, 30, 10),
    ]


def test_a_mask_of_an_absurd_size_is_refused(tmp_path):
    from engine.data.image_headers import MAX_PIXELS
    from engine.runtime.errors import ImageError

    data = bytearray(png(np.zeros((4, 4), dtype=np.uint8)))
    data[16:24] = (MAX_PIXELS).to_bytes(4, "big") + (4).to_bytes(4, "big")
    (tmp_path / "bomb.png").write_bytes(bytes(data))
    with pytest.raises(ImageError):
        read_mask(tmp_path / "bomb.png")


def test_palettes_do_not_change_numbers(tmp_path):
    array = np.arange(256, dtype=np.uint8).reshape(16, 16)
    write_numbers(tmp_path / "a.png", array, voc_palette())
    assert np.array_equal(read_mask(tmp_path / "a.png"), array)
    assert voc_palette()[:4] == [(0, 0, 0), (128, 0, 0), (0, 128, 0), (128, 128, 0)]
    assert voc_palette()[255] == (224, 224, 192)


def test_attributes_get_their_shared_types():
    told = {
        "occluded": "1", "truncated": 0, "difficult": False, "crowd": True, "group_id": "7",
        "track_id": 1.5, "description": "", "own": 2, "nested": {"a": 1}, "nan": float("nan"),
    }  # fmt: skip
    assert shared_attributes(told) == {"occluded": True, "crowd": True, "group_id": 7, "own": 2}
    assert [plain_value(t) for t in ("true", "5", "0.5", "007", "1e5", "nan", "x")] == [
        True, 5, 0.5, "007", "1e5", "nan", "x",
    ]  # fmt: skip
    assert [whole(v) for v in ("12", " -3 ", 4.0, 4.5, True, None, "9" * 40)] == [
        12, -3, 4, None, None, None, None,
    ]  # fmt: skip


@pytest.mark.parametrize("format", ["mask_index", "mask_color"])
def test_classes_called_as_what_is_no_class_come_back(dataset_of, tmp_path, said, format):
    names = ["ignored", "background", "_background_", "__ignore__", "Void", "car"]
    drawn = [Annotation(Box(10 * i, 4, 10 * i + 6, 20), i) for i in range(len(names))]
    dataset = dataset_of(*drawn)
    dataset.names = dict(enumerate(names))
    report = write(dataset, tmp_path, format)
    assert "1 shape of class 'ignored', which other programs read as no class" in report.lost
    assert not any("'car'" in told for told in report.lost)
    back = read(tmp_path, format)
    assert [back.names[a.class_id] for a in labels(back)] == names
    assert [a.geometry.area() for a in labels(back)] == [6 * 16] * len(names)
    assert "no class" not in said(back)


@pytest.mark.parametrize("format", ["mask_index", "mask_color"])
def test_the_table_of_plain_names_is_what_other_programs_expect(dataset_of, tmp_path, format):
    write(dataset_of(Annotation(Box(0, 0, 9, 9), 0)), tmp_path, format)
    assert (tmp_path / "colormap.csv").read_text().startswith("index,name,r,g,b\n")
    assert [e.is_class for e in read_table(tmp_path / "colormap.csv")] == [False, True, True, False]
