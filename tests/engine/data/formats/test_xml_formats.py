from __future__ import annotations

import math
from dataclasses import replace as changed

import pytest

from engine.data.annotations import Annotation, Box, Keypoints, OrientedBox, Polygon
from engine.data.formats import ClassInfo, LabelledDataset, LabelledImage, read, write
from engine.data.formats.cvat_tracks import TrackShape, all_frames, between
from engine.data.formats.ellipses import ellipse_of, ellipse_polygon
from engine.data.formats.xml_file import iter_xml, read_xml
from engine.runtime.errors import DatasetError

OBJECT = """<object><name>{name}</name>{more}<bndbox><xmin>{0}</xmin><ymin>{1}</ymin>
<xmax>{2}</xmax><ymax>{3}</ymax></bndbox></object>"""


def voc(*boxes, name="car", more=""):
    objects = "".join(OBJECT.format(*box, name=name, more=more) for box in boxes)
    size = "<size><width>60</width><height>40</height><depth>3</depth></size>"
    return f"<annotation><filename>a.png</filename>{size}{objects}</annotation>"


def labels(dataset):
    return list(dataset.images[0].annotations)


def test_voc_outlines_of_a_class_with_a_colon_come_back_once(dataset_of, tmp_path):
    ring = Polygon(((4.0, 4.0), (30.0, 4.0), (30.0, 20.0), (4.0, 20.0)))
    dataset = dataset_of(Annotation(ring, 0), Annotation(Box(40, 4, 50, 20), 1))
    dataset.names = {0: "vehicle:car", 1: "part"}
    report = write(dataset, tmp_path, "voc")
    assert any(said.startswith("1 class with a colon") for said in report.lost)
    back = read(tmp_path, "voc")
    assert list(back.names.values()) == ["vehicle:car", "part"]
    assert [back.names[a.class_id] for a in labels(back)] == ["vehicle:car", "part"]


@pytest.mark.parametrize(
    "text",
    [
        '<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]><annotation>&x;</annotation>',
        '<!DOCTYPE a [<!ENTITY x "lol"><!ENTITY y "&x;&x;">]><annotation>&y;</annotation>',
        '<!DOCTYPE a [<!ENTITY % x SYSTEM "http://127.0.0.1:1/x"> %x;]><annotation/>',
    ],
)
def test_entities_are_refused_with_their_line(tmp_path, text):
    file = tmp_path / "a.xml"
    file.write_text(f"<?xml version='1.0'?>\n{text}")
    with pytest.raises(DatasetError, match="declares entities") as caught:
        read_xml(file)
    assert caught.value.line == 2


@pytest.mark.parametrize("text", ["", "<a>", "<a></b>", "<a" * 100, "\x00", "plain", "<a>" * 500])
def test_broken_xml_is_refused(tmp_path, text):
    file = tmp_path / "a.xml"
    file.write_text(text)
    with pytest.raises(DatasetError):
        read_xml(file)


def test_elements_come_one_by_one_with_lines(tmp_path):
    file = tmp_path / "a.xml"
    file.write_text("<r>\n<a k='1'>x<b>y</b></a>\n\n<c/></r>")
    nodes = list(iter_xml(file))
    assert [(n.tag, n.line, n.text, n.attributes) for n in nodes] == [
        ("a", 2, "x", {"k": "1"}),
        ("c", 4, "", {}),
    ]
    assert nodes[0].say("b") == "y"


def test_voc_counts_pixels_from_one_unless_a_set_shows_otherwise(lay, said):
    folder = lay({"JPEGImages/a.png": "", "Annotations/a.xml": voc((1, 1, 10, 12))})
    dataset = read(folder)
    assert (dataset.format, [a.geometry for a in labels(dataset)]) == ("voc", [Box(0, 0, 10, 12)])
    lay({"Annotations/a.xml": voc((0, 1, 10, 12))})
    dataset = read(folder)
    assert [a.geometry for a in labels(dataset)] == [Box(0, 1, 10, 12)]
    assert "count pixels from 0" in said(dataset)
    lay({"Annotations/a.xml": voc((4.0, 5.5, 10.0, 12.0))})
    assert [a.geometry for a in labels(read(folder))] == [Box(4, 5.5, 10, 12)]


def test_voc_swaps_corners_as_pixels(lay):
    folder = lay({"a.png": "", "a.xml": voc((20, 30, 11, 6))})
    assert [a.geometry for a in labels(read(folder))] == [Box(10, 5, 20, 30)]


PART = "<part><name>{}</name><bndbox><xmin>{}</xmin><ymin>2</ymin><xmax>{}</xmax><ymax>6</ymax></bndbox></part>"


def test_voc_parts_are_objects_of_a_group_and_parts_again(lay, said, tmp_path):
    more = PART.format("head", 2, 8) + PART.format("hand", "x", 4) + PART.format("foot", 3, 5)
    text = voc((1, 1, 10, 12), name="person", more=more)
    told = "<attributes><attribute><name>group_id</name><value>4</value></attribute></attributes>"
    other = voc((20, 20, 30, 30), name="dog", more=told).partition("<object>")[2].partition("</annotation>")[0]  # fmt: skip
    text = text.replace("</annotation>", f"<object>{other}</annotation>")
    dataset = read(lay({"JPEGImages/a.png": "", "Annotations/a.xml": text}))
    found = {dataset.names[a.class_id]: a for a in labels(dataset)}
    assert found.keys() == {"person", "dog", "head", "foot"}
    assert found["head"].geometry == Box(1, 1, 8, 6)
    assert found["person"].attributes == {"group_id": 5}
    assert found["head"].attributes == {"group_id": 5, "part": True}
    assert found["dog"].attributes == {"group_id": 4}
    assert "Expected a number as 'xmin', received 'x'" in said(dataset)
    write(dataset, tmp_path / "out", "voc")
    written = (tmp_path / "out" / "Annotations" / "a.xml").read_text()
    assert (written.count("<part>"), written.count("<object>")) == (2, 2)
    again = read(tmp_path / "out")
    assert {again.names[a.class_id]: changed(a, class_id=0) for a in labels(again)} == {
        name: changed(a, class_id=0) for name, a in found.items()
    }


def test_a_voc_part_without_its_object_is_an_object(dataset_of, tmp_path):
    attributes = {"group_id": 3, "part": True}
    write(dataset_of(Annotation(Box(1, 2, 3, 4), 0, None, attributes)), tmp_path, "voc")
    (found,) = labels(read(tmp_path))
    assert (found.geometry, found.attributes) == (Box(1, 2, 3, 4), attributes)


def test_voc_flags_lists_and_mistakes(lay, said):
    more = "<truncated>1</truncated><difficult>1</difficult><pose>Left</pose><occluded>0</occluded>"
    files = {
        "JPEGImages/a.png": "",
        "JPEGImages/b.png": "",
        "Annotations/a.xml": voc((1, 1, 10, 12), more=more),
        "Annotations/b.xml": voc((2, 2, "x", 9), (2, 2, 9, 9), name="&lt;b&gt;").replace(
            "a.png", "b.png"
        ),
        "Annotations/c.xml": "<annotation><object>",
        "Annotations/d.xml": voc().replace("a.png", "gone.png"),
        "ImageSets/Main/val.txt": "a\n",
    }
    dataset = read(lay(files))
    first, second = dataset.images
    assert (first.split, second.split) == ("val", None)
    assert first.annotations[0].attributes == {"truncated": True, "difficult": True, "pose": "Left"}
    assert [dataset.names[a.class_id] for a in second.annotations] == ["<b>"]
    text = said(dataset)
    assert "b.xml, line 1: Object 1 (<b>): Expected a number as 'xmax', received 'x'" in text
    assert "c.xml, line 1: It is not valid XML" in text
    assert "1 picture is not there: gone.png" in text


def cvat(body, labels="<label><name>car</name><attributes></attributes></label>", more=""):
    return (
        f"<annotations><version>1.1</version><meta><task>{more}<labels>{labels}</labels></task></meta>\n"
        f"{body}</annotations>"
    )


IMAGE = '<image id="0" name="a.png" width="60" height="40">{}</image>'


def test_cvat_shapes_with_layers_and_typed_attributes(lay):
    kinds = """<label><name>car</name><attributes>
      <attribute><name>plate</name><input_type>text</input_type><values></values></attribute>
      <attribute><name>doors</name><input_type>number</input_type><values>1\n9\n1</values></attribute>
      <attribute><name>old</name><input_type>checkbox</input_type><default_value>true</default_value></attribute>
      </attributes></label>"""
    body = IMAGE.format(
        """<box label="car" xtl="1" ytl="2" xbr="11" ybr="12" z_order="3" occluded="1" group_id="4">
        <attribute name="plate">007</attribute><attribute name="doors">5</attribute>
        <attribute name="old">false</attribute></box>
        <box label="car" xtl="10" ytl="10" xbr="30" ybr="20" rotation="90" z_order="1"></box>
        <cuboid label="car" xtl1="1"></cuboid>"""
    )
    dataset = read(lay({"a.png": "", "annotations.xml": cvat(body, kinds)}))
    turned, box = labels(dataset)
    assert turned.geometry == OrientedBox(20, 15, 20, 10, math.pi / 2)
    assert box.attributes == {
        "occluded": True, "group_id": 4, "plate": "007", "doors": 5, "old": False
    }  # fmt: skip
    assert [a["kind"] for a in dataset.classes[0].attributes] == ["text", "number", "flag"]
    assert [(p.line, p.kind) for p in dataset.skipped] == [(12, "skipped")]
    assert "'ytl1'" in dataset.skipped[0].reason


CUBOID = (20, 10, 20, 30, 40, 10, 40, 30, 25.5, 5, 25, 22, 48, 5, 48, 22.25)
HULL = ((20, 10), (25.5, 5), (48, 5), (48, 22.25), (40, 30), (20, 30))


def test_cvat_cuboids_are_outlines_and_cuboids_again(lay, tmp_path):
    keys = [f"{a}{c}{n}" for n in "12" for c in ("tl", "bl", "tr", "br") for a in "xy"]
    sides = " ".join(f'{key}="{value}"' for key, value in zip(keys, CUBOID, strict=True))
    body = IMAGE.format(f'<cuboid label="car" occluded="1" {sides} z_order="0"></cuboid>')
    dataset = read(lay({"a.png": "", "annotations.xml": cvat(body)}))
    (found,) = labels(dataset)
    assert set(found.geometry.exterior) == set(HULL)
    assert found.attributes == {"occluded": True, "cuboid": list(CUBOID)}
    report = write(dataset, tmp_path / "out", "cvat")
    assert report.lost == []
    assert 'xtl1="20.0000" ytl1="10.0000" xbl1="20.0000"' in report.path.read_text()
    assert labels(read(tmp_path / "out")) == [found]


def test_a_cuboid_whose_outline_was_changed_is_a_polygon(dataset_of, tmp_path):
    moved = Polygon(tuple((x + 1, y) for x, y in HULL))
    dataset = dataset_of(Annotation(moved, 0, None, {"cuboid": list(CUBOID)}))
    report = write(dataset, tmp_path / "out", "cvat")
    assert report.lost == ["1 cuboid whose outline was changed, written as a polygon"]
    (found,) = labels(read(tmp_path / "out"))
    assert found.geometry == moved
    assert found.attributes == {}


def test_cvat_ellipses_stay_ellipses(dataset_of, tmp_path):
    polygon = ellipse_polygon(30, 20, 12, 7, 0.4)
    found = ellipse_of(polygon)
    assert found is not None
    assert (found.cx, found.cy, found.rx, found.ry) == pytest.approx((30, 20, 12, 7))
    assert found.angle_rad == pytest.approx(0.4)
    moved = Polygon(((42.5, 24.0), *polygon.exterior[1:]))
    assert ellipse_of(moved) is None
    report = write(dataset_of(Annotation(polygon, 0)), tmp_path, "cvat")
    assert '<ellipse label="car"' in report.path.read_text()
    (back,) = labels(read(report.path))
    assert ellipse_of(back.geometry) is not None
    assert back.geometry.area() == pytest.approx(polygon.area(), rel=1e-3)


def skeleton(count, seen=2):
    return Keypoints(tuple((3.0 * i + 1, 2.0 * i + 1) for i in range(count)), (seen,) * count)


@pytest.mark.parametrize(
    ("names", "counts"), [(("a", "b"), (3, 2)), (("a", "b"), (2, 4)), ((), (2, 3)), (("4",), (4,))]
)
def test_cvat_keeps_all_points_of_skeletons_whatever_their_class_names(
    dataset_of, tmp_path, names, counts
):
    drawn = [Annotation(skeleton(count, 1), 0) for count in counts]
    dataset = dataset_of(*drawn, classes={0: ClassInfo(keypoints=names)})
    report = write(dataset, tmp_path, "cvat")
    back = read(report.path, "cvat")
    longest = max(counts)
    assert len(back.classes[0].keypoints) == max(longest, len(names))
    assert back.classes[0].keypoints[: len(names)] == names
    for ours, its in zip(drawn, labels(back), strict=True):
        count = len(ours.geometry.points)
        assert its.geometry.points[:count] == ours.geometry.points
        assert its.geometry.visibility == (1,) * count + (0,) * (longest - count)
    longer = sum(count > len(names) for count in counts) if names else 0
    assert any("with more points than" in said for said in report.lost) == (longer > 0)
    assert not longer or any(said.startswith(f"{longer} skeleton") for said in report.lost)
    assert any("fewer points" in said for said in report.lost) == (len(set(counts)) > 1)


def test_cvat_points_that_the_head_does_not_name_are_kept(lay):
    head = "<label><name>man</name><type>skeleton</type></label>"
    head += "<label><name>b</name><type>points</type><parent>man</parent></label>"
    shape = (
        '<skeleton label="man"><points label="x" outside="0" occluded="1" points="9,8"></points>'
    )
    shape += '<points label="b" outside="0" occluded="0" points="1,2"></points></skeleton>'
    dataset = read(lay({"a.png": "", "x.xml": cvat(IMAGE.format(shape), head)}) / "x.xml")
    assert [a.geometry for a in labels(dataset)] == [Keypoints(((1, 2), (9, 8)), (2, 1))]


def test_cvat_skeletons_follow_the_order_of_the_head(lay):
    head = "<label><name>man</name><type>skeleton</type></label>" + "".join(
        f"<label><name>{n}</name><type>points</type><parent>man</parent></label>" for n in "ab"
    )
    body = IMAGE.format(
        '<skeleton label="man"><points label="b" outside="0" occluded="1" points="9,8"></points>'
        '<points label="a" outside="1" occluded="0" points="1,2"></points></skeleton>'
    )
    dataset = read(lay({"a.png": "", "x.xml": cvat(body, head)}) / "x.xml")
    assert [a.geometry for a in labels(dataset)] == [Keypoints(((0, 0), (9, 8)), (0, 1))]
    assert dataset.names == {0: "man"}
    assert dataset.classes[0].keypoints == ("a", "b")


def test_a_cut_cvat_file_keeps_what_came_before(lay, said):
    text = cvat(IMAGE.format('<box label="car" xtl="1" ytl="2" xbr="11" ybr="12"></box>'))
    dataset = read(lay({"a.png": "", "a.xml": text.replace("</annotations>", "<image")}) / "a.xml")
    assert dataset.annotation_count == 1
    assert "What came before was read." in said(dataset)


TRACK = """<track id="5" label="car">
<box frame="0" keyframe="1" outside="0" occluded="0" xtl="0" ytl="0" xbr="10" ybr="10"></box>
<box frame="4" keyframe="1" outside="0" occluded="1" xtl="8" ytl="4" xbr="18" ybr="14"></box>
<box frame="6" keyframe="1" outside="1" occluded="0" xtl="8" ytl="4" xbr="18" ybr="14"></box>
</track>"""


def test_cvat_tracks_of_keyframes_are_seen_on_all_their_frames(lay, tmp_path):
    files = {f"images/frame_{n:06d}.png": "" for n in range(8)}
    size = "<size>8</size><original_size><width>60</width><height>40</height></original_size>"
    dataset = read(lay({**files, "annotations.xml": cvat(TRACK, more=size)}))
    boxes = [[a.geometry for a in image.annotations] for image in dataset.images]
    assert boxes[:3] == [[Box(0, 0, 10, 10)], [Box(2, 1, 12, 11)], [Box(4, 2, 14, 12)]]
    assert boxes[5:] == [[Box(8, 4, 18, 14)], [], []]
    marked = [i.annotations[0].attributes for i in dataset.images[:5]]
    assert marked[0] == {"track_id": 5}
    assert marked[1] == {"track_id": 5, "interpolated": True}
    assert marked[4] == {"track_id": 5, "occluded": True}
    report = write(dataset, tmp_path / "out", "cvat")
    again = read(report.path)
    assert [list(i.annotations) for i in again.images] == [
        list(i.annotations) for i in dataset.images
    ]


def test_frames_that_are_not_there_are_said(lay, said):
    dataset = read(lay({"set/a.xml": cvat(TRACK, more="<size>8</size>")}) / "set" / "a.xml")
    assert not dataset.images
    assert "The frames of the video are not there." in said(dataset)


def test_interpolation_goes_the_shorter_way_round():
    first = OrientedBox(0, 0, 10, 4, math.radians(350))
    second = OrientedBox(10, 0, 20, 4, math.radians(10))
    middle = between(first, second, 0.5)
    assert (middle.cx, middle.w) == (5, 15)
    assert math.cos(middle.angle_rad) == pytest.approx(1.0)
    assert between(Box(0, 0, 1, 1), first, 0.5) == Box(0, 0, 1, 1)


def test_a_track_goes_on_to_the_end_of_the_video():
    shape = TrackShape(0, Annotation(Box(0, 0, 1, 1), 0))
    later = TrackShape(3, Annotation(Box(3, 0, 4, 1), 0))
    frames = [frame for frame, _ in all_frames([later, shape], 5)]
    assert frames == [0, 1, 2, 3, 4, 5]
    assert [frame for frame, _ in all_frames([shape], 5)] == [0]


def test_names_with_markup_stay_text(picture, tmp_path):
    name, value = 'a <b> & "c"', "tab\tline\nend <&>"
    annotation = Annotation(Box(1, 2, 9, 9), 0, None, {"note": value})
    image = LabelledImage(picture, 60, 40, "train", (annotation,))
    info = {
        0: ClassInfo(attributes=({"name": "note", "kind": "text", "choices": [], "default": ""},))
    }
    for format in ("voc", "cvat"):
        report = write(LabelledDataset({0: name}, [image], classes=info), tmp_path / format, format)
        back = read(report.path)
        assert back.names == {0: name}
        assert labels(back)[0].attributes == {"note": value}
