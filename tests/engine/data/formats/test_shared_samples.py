"""The field's own files: read as EXPECTED.json counts them, and the same after a round trip."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from engine.data.annotations import Annotation, Box, Keypoints, Mask, Polygon, Tag, to_mask
from engine.data.formats import LabelledDataset, read, write
from engine.runtime.errors import DatasetError

# Format, path below datasets/formats, pictures, objects, entry of EXPECTED.json
READ = [
    ("coco", "coco/annotations/instances.json", "coco/instances.json"),
    (
        "coco",
        "coco/annotations/instances_rle_compressed.json",
        "coco/instances_rle_compressed.json",
    ),
    ("coco", "coco/annotations/person_keypoints.json", "coco/person_keypoints.json"),
    ("coco", "tiff16", "tiff16"),
    ("voc", "voc", "voc"),
    ("labelme", "labelme", "labelme"),
    ("xanylabeling", "xanylabeling", "xanylabeling"),
    ("xanylabeling", "xanylabeling-real/demo.json", "xanylabeling-real"),
    ("cvat", "cvat/annotations.xml", "cvat-images"),
    ("cvat", "cvat/annotations_rotated_boxes.xml", "cvat-images-rotated"),
    ("cvat", "cvat/annotations_video_tracks.xml", "cvat-video"),
]


@pytest.fixture(scope="session")
def formats_dir(shared_dir: Path) -> Path:
    return shared_dir / "datasets" / "formats"


@pytest.fixture(scope="session")
def expected(formats_dir: Path) -> Any:
    return json.loads((formats_dir / "EXPECTED.json").read_text())


def labels(dataset: LabelledDataset) -> Iterator[Annotation]:
    for image in dataset.images:
        yield from image.annotations or ()


def per_class(dataset: LabelledDataset) -> Counter[str]:
    return Counter(dataset.names[a.class_id] for a in labels(dataset))


@pytest.mark.parametrize(("format", "path", "entry"), READ, ids=[entry for *_, entry in READ])
def test_counts(format: str, path: str, entry: str, formats_dir: Path, expected: Any) -> None:
    dataset = read(formats_dir / path, format)
    assert len(dataset.images) == expected[entry]["images"]
    told = expected[entry]["per_class"]
    # A video's objects are its tracks, its shapes are counted by class.
    objects = sum(told.values()) if entry == "cvat-video" else expected[entry]["objects"]
    assert dataset.annotation_count == objects
    assert not [p for p in dataset.skipped if p.kind == "skipped"]
    if format in ("coco", "voc") and entry != "tiff16":
        assert per_class(dataset) == told
    if format in ("labelme", "xanylabeling") and ":" in next(iter(told)):
        by_name: Counter[str] = Counter()
        for key, count in told.items():
            by_name[key.partition(":")[2]] += count
        assert per_class(dataset) == by_name


def test_formats_are_recognised(formats_dir: Path) -> None:
    for format, path, _ in READ:
        assert read(formats_dir / path).format == format, path
    assert read(formats_dir / "masks").format == "mask_index"
    assert read(formats_dir / "masks" / "color").format == "mask_color"


@pytest.mark.parametrize(
    ("format", "path"), [(f, p) for f, p, e in READ if e not in ("tiff16", "cvat-video")]
)
def test_round_trip(format: str, path: str, formats_dir: Path, tmp_path: Path) -> None:
    first = read(formats_dir / path, format)
    report = write(first, tmp_path, format, images="link")
    assert (report.images, report.annotations) == (len(first.images), first.annotation_count)
    second = read(report.path, format)
    assert not [p for p in second.skipped if p.kind != "note"]
    assert per_class(second) == per_class(first)
    one = {image.path.name: image for image in first.images}
    for image in second.images:
        pairs = zip(one[image.path.name].annotations or (), image.annotations or (), strict=True)
        for before, after in pairs:
            assert type(before.geometry) is type(after.geometry)
            assert np.allclose(before.geometry.bounds(), after.geometry.bounds(), atol=0.01)
            assert after.geometry.area() == pytest.approx(before.geometry.area(), rel=1e-3, abs=0.1)
            kept = {k: v for k, v in before.attributes.items() if k not in ("box", "outline")}
            assert kept.items() <= after.attributes.items()


def test_outlines_cover_the_pixels_of_the_run_lengths(formats_dir: Path) -> None:
    folder = formats_dir / "coco" / "annotations"
    outlines = read(folder / "instances.json", "coco")
    masks = read(folder / "instances_rle_compressed.json", "coco")
    shares = []
    for image, other in zip(outlines.images, masks.images, strict=True):
        for a, b in zip(image.annotations or (), other.annotations or (), strict=True):
            pixels = to_mask(a.geometry, image.height, image.width).to_array().astype(bool)
            truth = to_mask(b.geometry, image.height, image.width).to_array().astype(bool)
            shares.append((pixels & truth).sum() / (pixels | truth).sum())
    assert np.mean(shares) > 0.95
    assert min(shares) > 0.7


def test_keypoints_keep_box_and_outline(formats_dir: Path, tmp_path: Path) -> None:
    source = formats_dir / "coco" / "annotations" / "person_keypoints.json"
    dataset = read(source, "coco")
    people = [a for a in labels(dataset) if isinstance(a.geometry, Keypoints)]
    assert len(people) == 9
    assert dataset.keypoints["kpt_shape"] == [17, 3]
    assert dataset.keypoints["flip_idx"][1:3] == [2, 1]
    report = write(dataset, tmp_path, "coco", images="none")
    told = {row["id"]: row for row in json.loads(source.read_text())["annotations"]}
    (file,) = (report.path / "annotations").glob("*.json")
    for row in json.loads(file.read_text())["annotations"]:
        before = told[row["id"]]
        assert row.get("num_keypoints", 0) == before.get("num_keypoints", 0)
        if row.get("num_keypoints"):
            assert row["keypoints"] == before["keypoints"]
            assert row["bbox"] == before["bbox"]
            assert [sorted(ring) for ring in row["segmentation"]] == [
                sorted(ring) for ring in before["segmentation"]
            ]


def test_parts_of_an_object_come_back_as_parts(formats_dir: Path, tmp_path: Path) -> None:
    source = formats_dir / "coco" / "annotations" / "instances.json"
    write(read(source, "coco"), tmp_path, "coco", images="none")
    (file,) = (tmp_path / "annotations").glob("*.json")
    value = json.loads(file.read_text())
    assert value["licenses"] == json.loads(source.read_text())["licenses"]
    told = {row["id"]: row["segmentation"] for row in json.loads(source.read_text())["annotations"]}
    assert any(len(parts) > 1 for parts in told.values() if isinstance(parts, list))
    for row in value["annotations"]:
        before = told[row["id"]]
        if isinstance(before, dict):
            assert row["segmentation"] == before
        else:
            assert sorted(map(sorted, row["segmentation"])) == sorted(map(sorted, before))


def test_labelme_wrote_all_its_kinds(formats_dir: Path) -> None:
    dataset = read(formats_dir / "labelme-real", "labelme")
    drawn = [a for a in labels(dataset) if not isinstance(a.geometry, Tag)]
    assert len(drawn) == 53
    kinds = Counter(a.geometry.kind for a in drawn)
    assert kinds == {"polygon": 39, "box": 11, "polyline": 2, "keypoints": 1}
    tagged = {i.path.stem: a for i in dataset.images for a in i.annotations or () if a not in drawn}
    assert {dataset.names[a.class_id] for a in tagged.values()} == {"cat", "dog"}
    inside = [i.path for i in dataset.images if "embedded_images" in i.path.parts]
    assert [path.name.partition("-")[0] for path in inside] == ["apc2016_obj3"]


def test_masks_hold_what_truth_says(formats_dir: Path, expected: Any) -> None:
    by_number = read(formats_dir / "masks" / "index")
    by_color = read(formats_dir / "masks" / "color")
    for one, other in zip(by_number.images, by_color.images, strict=True):
        found = {by_number.names[a.class_id]: a.geometry for a in one.annotations or ()}
        assert found == {by_color.names[a.class_id]: a.geometry for a in other.annotations or ()}
    objects = read(formats_dir / "masks" / "instance16")
    assert per_class(objects) == expected["masks"]["per_class"]


def test_voc_masks_lie_in_their_boxes(formats_dir: Path) -> None:
    dataset = read(formats_dir / "voc")
    assert Counter(i.split for i in dataset.images) == {"train": 3, "val": 2}
    masks = [a for a in labels(dataset) if isinstance(a.geometry, Mask)]
    assert len(masks) == 34
    crowd = next(a for a in labels(dataset) if isinstance(a.geometry, Box))
    assert crowd.attributes == {"difficult": True}
    assert crowd.geometry == Box(104, 310, 564, 345)


def test_bccd_as_published(shared_dir: Path) -> None:
    dataset = read(shared_dir / "datasets" / "bccd", "voc")
    assert Counter(i.split for i in dataset.images) == {"train": 205, "val": 87, "test": 72}
    assert dataset.annotation_count == 4888


def test_tracks_of_the_video(formats_dir: Path) -> None:
    dataset = read(formats_dir / "cvat" / "annotations_video_tracks.xml")
    assert [image.attributes["frame"] for image in dataset.images] == [0, 1, 2, 3, 4]
    assert per_class(dataset) == {"track": 10, "car": 5}
    assert all(isinstance(a.geometry, Polygon) for a in labels(dataset))


BAD = [
    ("01-json-truncated/coco.json", "coco", "line 1: It is not valid JSON, column"),
    ("02-json-wrong-types/list.json", "coco", "received list"),
    ("02-json-wrong-types/null.json", "coco", "received NoneType"),
    ("13-zero-byte/coco.json", "coco", "The file is empty."),
    ("36-deep-json/deep.json", "coco", "nested too deeply"),
]


@pytest.mark.parametrize(("path", "format", "message"), BAD)
def test_what_is_refused_as_a_whole(
    path: str, format: str, message: str, formats_dir: Path
) -> None:
    with pytest.raises(DatasetError) as caught:
        read(formats_dir / "bad" / path, format)
    assert message in str(caught.value)


PARTLY = [
    ("03-nan-inf/coco", "coco", 0, ["Annotation 1: Expected a finite number", "received -inf"]),
    ("05-polygon-under-3-points/coco", "coco", 5, ["Annotation 1: Its polygon has 2 points"]),
    ("06-self-intersecting/coco", "coco", 1, ["Annotation 1: Its outline crosses itself"]),
    ("07-zero-area/coco", "coco", 1, ["Annotation 1: The box has no area."]),
    ("08-negative-size/coco", "coco", 2, ["Annotation 1: Its corners were in the wrong order"]),
    ("08-negative-size/voc", "voc", 1, ["img.xml, line 1: Object 1 (moto): Its corners"]),
    ("10-label-without-image/coco.json", "coco", 1, ["images/train/ghost.jpg"]),
    ("24-xml-entities", "voc", 0, ["broken.xml, line 1", "img.xml, line 2: It declares entities"]),
    ("28-size-mismatch/coco.json", "coco", 1, ["1024 x 1280", "256 x 320", "scaled by 0.25"]),
    ("28-size-mismatch/img.json", "labelme", 1, ["scaled by 0.25"]),
    (
        "30-dangling-and-duplicate-ids",
        "coco",
        3,
        [
            "Category id 1 is used for 'moto' and again for 'person'",
            "Categories 1 and 2 are both named 'moto'",
            "Image id 1 is used for img.jpg and again for img2.jpg",
            "Annotation 1: Its id is used more than once",
            "Annotation 2: Its category 9 is not in the list",
            "Annotation 3 of image 77: Its image is not there.",
        ],
    ),
    (
        "31-bad-rle",
        "coco",
        1,
        ["Annotation 1: The run lengths", "Annotation 2: Its mask is of size", "Annotation 5: Its"],
    ),
    (
        "35-bad-masks",
        "mask_index",
        3,
        ["37 (400 pixels)", "128 x 160", ".jpg file changes", "255 was read as class 1", "#800307"],
    ),
]


@pytest.mark.parametrize(("path", "format", "kept", "messages"), PARTLY)
def test_what_is_read_in_part(
    path: str, format: str, kept: int, messages: list[str], formats_dir: Path
) -> None:
    dataset = read(formats_dir / "bad" / path, format)
    assert dataset.annotation_count == kept
    text = "\n".join(map(str, dataset.skipped))
    for message in messages:
        assert message in text
    assert "root:" not in text  # of /etc/passwd


def test_the_boxes_that_people_drew_around_masks_come_back(
    formats_dir: Path, tmp_path: Path
) -> None:
    first = read(formats_dir / "voc", "voc")
    boxes = [a.attributes["box"] for a in labels(first) if "box" in a.attributes]
    assert len(boxes) > 10
    again = read(write(first, tmp_path, "voc", images="link").path, "voc")
    assert [a.attributes["box"] for a in labels(again) if "box" in a.attributes] == boxes


def test_a_box_that_no_longer_fits_its_mask_is_not_written(
    formats_dir: Path, tmp_path: Path
) -> None:
    first = read(formats_dir / "voc", "voc")
    for image in first.images:
        for annotation in image.annotations or ():
            if "box" in annotation.attributes:
                x1, y1, x2, y2 = annotation.attributes["box"]
                annotation.attributes["box"][:] = [x1 + 2000, y1, x2 + 2000, y2]
    again = read(write(first, tmp_path, "voc", images="link").path, "voc")
    assert not [a for a in labels(again) if "box" in a.attributes]
