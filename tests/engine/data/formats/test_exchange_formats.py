"""YOLO, DOTA, MOT, Label Studio, Datumaro, tables and class folders: what goes round, and what files of others say."""

from __future__ import annotations

import json
import math
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from engine.data.annotations import (
    Annotation,
    Box,
    Geometry,
    Keypoints,
    Mask,
    OrientedBox,
    Polygon,
    Polyline,
    Tag,
)
from engine.data.formats import ClassInfo, LabelledDataset, LabelledImage, read, write
from engine.data.formats.labelstudio_brush import format_brush, read_brush
from engine.data.formats.losses import loss_sentences
from engine.data.formats.packed import PackedAnnotations
from engine.runtime.errors import DatasetError

Lay = Callable[[dict[str, str | bytes]], Path]
WIDTH, HEIGHT = 60, 40
HOLE = ((20.0, 12.0), (20.0, 20.0), (30.0, 20.0), (30.0, 12.0))
SQUARE = ((10.0, 5.0), (50.0, 5.0), (50.0, 35.0), (10.0, 35.0))
_SETTINGS = settings(
    max_examples=20,
    deadline=None,
    derandomize=True,
    phases=(Phase.generate, Phase.shrink),
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)

_x, _y = (
    st.integers(0, WIDTH * 4).map(lambda n: n / 4),
    st.integers(0, HEIGHT * 4).map(lambda n: n / 4),
)
boxes = st.builds(
    lambda x, y, w, h: Box(x, y, x + w, y + h),
    st.integers(0, 40),
    st.integers(0, 25),
    st.integers(1, 60).map(lambda n: n / 4),
    st.integers(1, 60).map(lambda n: n / 4),
)
turned = st.builds(
    OrientedBox,
    st.integers(20, 40),
    st.integers(15, 25),
    st.integers(12, 20),
    st.integers(4, 10),
    st.floats(0.05, 3.0),
)
stars = st.lists(st.integers(3, 15), min_size=3, max_size=12).map(
    lambda radii: Polygon(
        tuple(
            (
                30 + r * math.cos(math.tau * i / len(radii)),
                20 + r * math.sin(math.tau * i / len(radii)),
            )
            for i, r in enumerate(radii)
        )
    )
)
holed = st.just(Polygon(SQUARE, (HOLE,)))
lines = st.lists(st.tuples(_x, _y), min_size=2, max_size=6, unique=True).map(
    lambda points: Polyline(tuple(points))
)
points = st.lists(
    st.tuples(_x, _y, st.sampled_from((1, 2))), min_size=3, max_size=3, unique=True
).map(lambda found: Keypoints(tuple((x, y) for x, y, _ in found), tuple(v for *_, v in found)))
masks = st.integers(0, 1 << 30).map(
    lambda seed: Mask.from_array(np.random.default_rng(seed).random((HEIGHT, WIDTH)) < 0.3)
)
tags = st.just(Tag())
words = st.text(st.characters(codec="utf-8", exclude_categories=("Cs", "Cc")), max_size=12)
attributes = st.dictionaries(
    st.sampled_from(("colour", "note", "description", "größe")), words.filter(str.strip), max_size=3
)
flags = st.fixed_dictionaries(
    {}, optional={"crowd": st.just(True), "occluded": st.just(True), "group_id": st.integers(1, 9)}
)
everything = st.one_of(boxes, turned, stars, holed, lines, points, masks, tags)
scores = st.none() | st.integers(0, 8).map(lambda n: n / 8)


def annotations(shapes: st.SearchStrategy[Geometry], facts: Any, scored: Any) -> Any:
    one = st.builds(
        lambda g, c, s, a, b: Annotation(g, c, s, a | b),
        shapes,
        st.integers(0, 1),
        scored,
        facts,
        flags if facts is attributes else st.just({}),
    )
    return st.lists(one, max_size=5).map(tuple)


KINDS = {
    "csv": (everything, attributes, scores, 1e-9),
    "labelstudio": (everything, attributes, scores, 1e-9),
    "datumaro": (everything, attributes, scores, 1e-9),
    "dota": (turned, st.just({}), st.none(), 1e-3),
    "mot": (
        boxes,
        st.fixed_dictionaries({"track_id": st.integers(0, 99)}),
        st.none(),
        1e-5,
    ),
    "yolo_classify": (tags, st.just({}), st.none(), 0.0),
}


def around(picture: Path, labels: tuple[Annotation, ...] | None) -> LabelledDataset:
    image = LabelledImage(picture, WIDTH, HEIGHT, "train", labels)
    return LabelledDataset({0: "nut", 1: "big bolt, M8"}, [image])


def goes_round(dataset: LabelledDataset, format: str, **options: Any) -> LabelledDataset:
    with tempfile.TemporaryDirectory() as folder:
        write(dataset, Path(folder) / "out", format, **options)
        return read(Path(folder) / "out")


def same(ours: Geometry, theirs: Geometry, off: float) -> bool:
    if type(ours) is not type(theirs):
        return False
    if isinstance(ours, OrientedBox) and isinstance(theirs, OrientedBox):
        return np.allclose(ours.corners(), theirs.corners(), atol=max(off, 1e-9))
    if isinstance(ours, Mask):
        return ours == theirs
    if isinstance(ours, Polygon) and isinstance(theirs, Polygon) and ours.holes:
        return len(theirs.holes) == 1 and math.isclose(ours.area(), theirs.area(), abs_tol=0.01)
    return np.allclose(ours.bounds(), theirs.bounds(), atol=off) and math.isclose(
        ours.area(), theirs.area(), abs_tol=max(off, 1e-9) * 200
    )


@pytest.mark.parametrize("format", KINDS)
def test_what_a_format_holds_goes_round(format: str, picture: Path) -> None:
    shapes, facts, scored, off = KINDS[format]

    @_SETTINGS
    @given(annotations(shapes, facts, scored))
    def check(labels: tuple[Annotation, ...]) -> None:
        if format == "yolo_classify":
            labels = labels[:1]
            if not labels:
                return
        back = goes_round(around(picture, labels), format)
        assert back.format == format
        (image,) = back.images
        assert len(image.annotations or ()) == len(labels)
        for ours, theirs in zip(labels, image.annotations or (), strict=True):
            assert same(ours.geometry, theirs.geometry, off)
            assert (theirs.score, dict(theirs.attributes)) == (ours.score, dict(ours.attributes))
            if format != "dota":  # its classes have no spaces
                assert back.names[theirs.class_id] == ("nut", "big bolt, M8")[ours.class_id]
            if isinstance(ours.geometry, (Polyline, Keypoints)):
                assert np.allclose(ours.geometry.points, theirs.geometry.points, atol=off)

    check()


@pytest.mark.parametrize(
    ("task", "shapes"), [("detect", boxes), ("segment", stars), ("obb", turned), ("pose", points)]
)
def test_each_kind_of_yolo_goes_round(task: str, shapes: Any, picture: Path) -> None:
    @_SETTINGS
    @given(st.lists(shapes, min_size=1, max_size=4, unique=True))
    def check(geometries: list[Geometry]) -> None:
        labels = tuple(Annotation(g, i % 2) for i, g in enumerate(geometries))
        dataset = around(picture, labels)
        for options in ({}, {"task": task}):  # the natural choice is the same
            back = goes_round(dataset, "yolo", **options)
            for ours, theirs in zip(labels, back.images[0].annotations or (), strict=True):
                assert same(ours.geometry, theirs.geometry, 0.01)
                assert ours.class_id == theirs.class_id

    check()


@pytest.mark.parametrize("format", ["csv", "labelstudio", "datumaro", "yolo"])
def test_unlabelled_and_empty_pictures_stay_apart(format: str, tmp_path: Path) -> None:
    images = []
    for name, labels in (("a", (Annotation(Box(1, 1, 9, 9), 0),)), ("b", ()), ("c", None)):
        cv2.imwrite(str(tmp_path / f"{name}.png"), np.zeros((HEIGHT, WIDTH, 3), np.uint8))
        images.append(LabelledImage(tmp_path / f"{name}.png", WIDTH, HEIGHT, "val", labels))
    back = goes_round(LabelledDataset({0: "nut"}, images), format)
    found = {i.path.stem: i.annotations for i in back.images}
    assert len(found["a"] or ()) == 1
    assert found["b"] == ()
    assert found["c"] is None


def test_datumaro_keeps_classes_skeletons_and_facts(picture: Path) -> None:
    info = ClassInfo(supercategory="nut", keypoints=("a", "b", "c"), skeleton=((0, 1), (1, 2)))
    dataset = around(picture, (Annotation(Box(1, 1, 9, 9), 1, None, {"group_id": 4}),))
    dataset.classes[1] = info
    image = dataset.images[0]
    facts = {"frame": 3, "weather": "rain"}
    dataset.images[0] = LabelledImage(image.path, WIDTH, HEIGHT, "val", image.annotations, facts)
    back = goes_round(dataset, "datumaro")
    assert back.classes[1] == info
    assert (back.images[0].split, back.images[0].attributes) == ("val", facts)


@pytest.mark.parametrize(
    ("format", "words"),
    [
        ("dota", "mask shape,|outline, written as the smallest rotated box around it"),
        ("mot", "tag shape, which this format cannot hold"),
        ("yolo_classify", "polygon shape, which this format cannot hold"),
    ],
)
def test_what_is_lost_is_said(format: str, words: str, picture: Path, tmp_path: Path) -> None:
    labels = tuple(Annotation(g, 0) for g in (Polygon(SQUARE), Tag()))
    report = write(around(picture, labels), tmp_path / "out", format)
    assert any(part in line for line in report.lost for part in words.split("|")), report.lost


def test_pictures_cannot_be_left_out_of_class_folders(picture: Path, tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="folders of the pictures are the labels"):
        write(around(picture, ()), tmp_path / "out", "yolo_classify", images="none")
    with pytest.raises(DatasetError, match="has no option task; it has images"):
        write(around(picture, ()), tmp_path / "out", "csv", task="detect")


CORNERS = "0 0.2 0.3 0.5 0.2 0.9 0.5 0.25 0.9\n"


@pytest.mark.parametrize(
    ("entries", "text", "kind"),
    [
        ("", "0 {turned}\n0 {turned2}\n", "oriented_box"),
        ("task: segment\n", "0 {turned}\n", "polygon"),
        ("", "0 {turned}\n0 0.1 0.1 0.5 0.1 0.3 0.5\n", "polygon"),
        ("", "0 0.1 0.1 0.5 0.1 0.5 0.5 0.1 0.5\n", "polygon"),  # all upright: outlines of boxes
        ("task: obb\n", "0 0.1 0.1 0.5 0.1 0.5 0.5 0.1 0.5\n", "oriented_box"),
        ("", CORNERS, "polygon"),  # no rectangles at all
    ],
)
def test_which_lines_are_corners_of_rotated_boxes(
    entries: str, text: str, kind: str, lay: Lay
) -> None:
    def corners(box: OrientedBox) -> str:
        return " ".join(f"{x / WIDTH:.6f} {y / HEIGHT:.6f}" for x, y in box.corners())

    text = text.format(
        turned=corners(OrientedBox(30, 20, 20, 8, 0.5)),
        turned2=corners(OrientedBox(25, 20, 10, 8, 1.1)),
    )
    yaml = f"train: images\nval: images\nnames: [nut]\n{entries}"
    folder = lay({"images/a.png": "", "labels/a.txt": text, "data.yaml": yaml})
    dataset = read(folder)
    assert dataset.images[0].annotations[0].geometry.kind == kind
    decided = [p for p in dataset.skipped if "read as rotated boxes" in p.reason]
    assert bool(decided) == (kind == "oriented_box" and not entries)


def test_darknet_names_beside_the_pictures(lay: Lay) -> None:
    folder = lay(
        {
            "obj.names": "nut\nbolt\n",
            "obj_train_data/a.png": "",
            "obj_train_data/a.txt": "1 0.5 0.5 0.2 0.2\n",
        }
    )
    dataset = read(folder)
    assert dataset.names == {0: "nut", 1: "bolt"}
    assert dataset.images[0].annotations[0].class_id == 1


def test_label_studio_as_the_tool_exports_it(lay: Lay) -> None:
    size = {"original_width": WIDTH, "original_height": HEIGHT, "image_rotation": 0}
    rectangle = {"x": 50, "y": 25, "width": 25, "height": 50, "rotation": 90}
    ellipse = {"x": 50, "y": 50, "radiusX": 20, "radiusY": 30, "rotation": 0}
    result = [
        {"id": "a", "type": "rectanglelabels", "value": {**rectangle, "rectanglelabels": ["Car"]}},
        {"id": "a", "type": "choices", "from_name": "paint", "value": {"choices": ["red"]}},
        {"id": "a", "type": "textarea", "from_name": "text", "value": {"text": ["AB 12"]}},
        {"id": "b", "type": "ellipselabels", "value": {**ellipse, "ellipselabels": ["Wheel"]}},
        {"id": "c", "type": "choices", "from_name": "scene", "value": {"choices": ["street"]}},
        {"id": "d", "type": "videorectangle", "value": {"sequence": []}},
    ]
    tasks = [
        {
            "id": 7,
            "file_upload": "1a2b3c4d-a.png",
            "data": {"image": "/data/upload/3/1a2b3c4d-a.png"},
            "annotations": [
                {"was_cancelled": True, "result": []},
                {"result": [region | size for region in result]},
            ],
        },
        {"id": 8, "data": {"image": "/data/local-files/?d=pictures/b.png"}, "annotations": []},
    ]
    folder = lay({"a.png": "", "pictures/b.png": "", "project-1.json": json.dumps(tasks)})
    dataset = read(folder)
    assert dataset.format == "labelstudio"
    a, b = dataset.images
    assert b.annotations is None
    car, wheel, street = a.annotations or ()
    # turned by a quarter about its top left corner (30, 10): it hangs to the left of it
    assert car.geometry.bounds() == pytest.approx((10, 10, 30, 25))
    assert dict(car.attributes) == {"paint": "red", "text": "AB 12"}
    assert wheel.geometry.bounds() == pytest.approx((18, 8, 42, 32), abs=0.1)
    assert wheel.geometry.area() == pytest.approx(math.pi * 12 * 12, rel=0.02)
    assert (street.geometry, dataset.names[street.class_id]) == (Tag(), "street")
    assert any("videorectangle" in p.reason for p in dataset.skipped)


def test_label_studio_in_its_short_form(lay: Lay) -> None:
    value = {"x": 10, "y": 10, "width": 50, "height": 50, "rectanglelabels": ["Car"]}
    tasks = [{"id": 1, "image": "http://x.org/u/a.png", "label": [{**value, "original_width": 60}]}]
    dataset = read(lay({"a.png": "", "min.json": json.dumps(tasks)}))
    assert dataset.images[0].annotations[0].geometry == Box(6, 4, 36, 24)


@_SETTINGS
@given(st.integers(1, 90), st.integers(1, 90), st.integers(0, 99), st.floats(0, 1))
def test_brush_strokes_go_round(width: int, height: int, seed: int, share: float) -> None:
    mask = Mask.from_array(np.random.default_rng(seed).random((height, width)) < share)
    assert read_brush(format_brush(mask), width, height) == mask


def test_a_long_run_and_bad_brush_strokes() -> None:
    whole = Mask.from_array(np.ones((300, 400)))  # runs longer than 16 bits can say
    codes = format_brush(whole)
    assert read_brush(codes, 400, 300) == whole
    for bad in (codes[:10], [], [300, 1], ["a"], codes[:4]):
        with pytest.raises(ValueError, match=r"ends too early|numbers from|values|index"):
            read_brush(bad, 400, 300)
    with pytest.raises(ValueError, match="refused"):
        read_brush(codes, 1 << 20, 1 << 20)


@pytest.mark.parametrize(
    ("header", "line"),
    [
        ("filename,width,height,class,xmin,ymin,xmax,ymax", "a.png,60,40,nut,6,4,36,24"),
        ("image;label;x1;y1;x2;y2", "a.png;nut;6;4;36;24"),
        ("ImageID,LabelName,XMin,XMax,YMin,YMax", "a,nut,0.1,0.6,0.1,0.6"),
        ("file,x,y,w,h,name", "a.png,6,4,30,20,nut"),
        ("", "a.png,6,4,36,24,nut"),
    ],
)
def test_tables_of_others(header: str, line: str, lay: Lay) -> None:
    text = "\n".join(filter(None, (header, line))) + "\n"
    dataset = read(lay({"images/a.png": "", "labels.csv": text}))
    assert dataset.format == "csv"
    (label,) = dataset.images[0].annotations or ()
    assert label.geometry.bounds() == pytest.approx((6, 4, 36, 24))
    assert dataset.names[label.class_id] == "nut"


def test_bad_lines_of_a_table_are_named_and_the_others_read(lay: Lay) -> None:
    lines = [
        "filename,class,xmin,ymin,xmax,ymax",
        "a.png,nut,1,1,9,9",
        "a.png,nut,nan,1,9,9",
        "a.png,,1,1,9,9",
        "gone.png,nut,1,1,9,9",
        "../../../../etc/passwd,nut,1,1,9,9",
        'a.png,"two\nlines",1,1,9,9',
    ]
    dataset = read(lay({"a.png": "", "t.csv": "\n".join(lines)}))
    assert [p.line for p in dataset.skipped] == [3, 4, 5, 6]
    assert len(dataset.images[0].annotations or ()) == 2
    assert "two\nlines" in dataset.names.values()


def test_mot_detections_have_scores_and_flags_mean_ignored(lay: Lay) -> None:
    lay({"img1/000001.png": "", "det/det.txt": "1,-1,2,3,10,10,0.5\n9,-1,2,3,10,10,0.5\n"})
    folder = lay({"seqinfo.ini": "[Sequence]\nname=v\nimDir=img1\n"})
    found = read(folder)
    (label,) = found.images[0].annotations or ()
    assert (label.geometry, label.score, dict(label.attributes)) == (Box(1, 2, 11, 12), 0.5, {})
    assert "Frame 9 has no picture" in found.skipped[0].reason
    lay({"gt/gt.txt": "1,4,2,3,10,10,0,3,0.25\n1,5,x,3,10,10,1,1,1\n"})
    found = read(folder)
    (label,) = found.images[0].annotations or ()
    assert dict(label.attributes) == {"track_id": 4, "ignored": True, "visibility": 0.25}
    assert found.names[label.class_id] == "car"
    assert found.skipped[0].line == 2


def test_dota_keeps_headers_and_difficulty(lay: Lay) -> None:
    lines = "imagesource:GoogleEarth\ngsd:0.15\n5 5 20 5 20 15 5 15 small-vehicle 1\n5 5 20 nut\n"
    folder = lay({"images/P1.png": "", "images/P2.png": "", "labelTxt/P1.txt": lines})
    dataset = read(folder)
    first, second = dataset.images
    assert first.attributes == {"imagesource": "GoogleEarth", "gsd": "0.15"}
    assert dict(first.annotations[0].attributes) == {"difficult": True}
    assert second.annotations is None
    assert [p.line for p in dataset.skipped] == [4]
    back = goes_round(dataset, "dota")
    assert back.images[0].attributes == first.attributes


EXPECTED = ["yolo-det", "yolo-seg", "yolo-pose", "yolo-obb", "dota", "mot"]


@pytest.mark.parametrize("entry", EXPECTED)
def test_the_shared_samples(entry: str, shared_dir: Path) -> None:
    folder = shared_dir / "datasets/formats"
    said = json.loads((folder / "EXPECTED.json").read_text())[entry]
    dataset = read(folder / said["path"])
    assert (len(dataset.images), dataset.annotation_count) == (said["images"], said["objects"])
    counts: dict[str, int] = {}
    for image in dataset.images:
        for label in image.annotations or ():
            name = dataset.names[label.class_id].replace("-", " ")
            if "track_id" in label.attributes:  # counted by object there
                name = f"track {label.attributes['track_id']}"
            counts[name] = counts.get(name, 0) + 1
    assert counts == said["per_class"]
    back = goes_round(dataset, dataset.format)
    assert back.annotation_count == dataset.annotation_count
    assert {n.replace("-", " ") for n in back.names.values()} == {
        n.replace("-", " ") for n in dataset.names.values()
    }


def test_packed_annotations_are_what_they_were(picture: Path) -> None:
    @_SETTINGS
    @given(annotations(everything, attributes, scores))
    def check(labels: tuple[Annotation, ...]) -> None:
        packed = PackedAnnotations(labels)
        assert tuple(packed) == labels
        assert len(packed) == len(labels)
        assert packed == labels
        assert [a.attributes for a in packed] == [a.attributes for a in labels]

    check()


def test_losses_count_in_the_singular_too() -> None:
    text = "[picture|pictures] that nobody has labelled, written as [one|ones] without objects"
    assert loss_sentences({text: 1}) == [
        "1 picture that nobody has labelled, written as one without objects"
    ]
    assert loss_sentences({text: 2}) == [
        "2 pictures that nobody has labelled, written as ones without objects"
    ]
