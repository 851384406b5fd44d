"""What each format holds comes back from it as it was."""

from __future__ import annotations

import math
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

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
    to_mask,
)
from engine.data.formats import ClassInfo, LabelledDataset, read, write
from engine.data.formats.shape_checks import is_flat
from engine.data.labels.parse import crosses_itself

WIDTH, HEIGHT = 60, 40
_NAMES = ("nose", "left_ear", "right_ear")
_SETTINGS = settings(
    max_examples=15,
    deadline=None,
    derandomize=True,
    phases=(Phase.generate, Phase.shrink),
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.filter_too_much],
)


def _coordinate(most: int, step: float = 0.25) -> st.SearchStrategy[float]:
    return st.integers(0, int(most / step)).map(lambda n: n * step)


def _points(least: int, most: int) -> st.SearchStrategy[tuple[tuple[float, float], ...]]:
    point = st.tuples(_coordinate(WIDTH), _coordinate(HEIGHT))
    return st.lists(point, min_size=least, max_size=most, unique=True).map(tuple)


def _boxes(step: float) -> st.SearchStrategy[Box]:
    corner = st.tuples(_coordinate(WIDTH - 8, step), _coordinate(HEIGHT - 8, step))
    size = st.tuples(_coordinate(7, step), _coordinate(7, step))
    return st.builds(lambda c, s: Box(*c, c[0] + s[0] + step, c[1] + s[1] + step), corner, size)


def _is_simple(polygon: Polygon) -> bool:
    return not is_flat(polygon.exterior) and not crosses_itself(np.array(polygon.exterior))


boxes = _boxes(0.25)
whole_boxes = _boxes(1.0)
polygons = _points(3, 7).map(Polygon).filter(_is_simple)
lines = _points(2, 6).map(Polyline)
dots = _points(1, 1).map(lambda p: Keypoints(p, (2,)))
tags = st.just(Tag())
masks = st.builds(
    lambda seed, x, y: _blob(seed, x, y),
    st.integers(0, 1 << 16),
    st.integers(0, WIDTH - 12),
    st.integers(0, HEIGHT - 12),
)
turned_boxes = st.builds(
    lambda cx, cy, w, h, a: OrientedBox(cx, cy, w, h, a),
    st.integers(15, 45),
    st.integers(12, 28),
    st.integers(4, 10),
    st.integers(3, 9),
    st.floats(0.05, 3.0).map(lambda a: round(a, 3)),
)
skeletons = st.builds(
    lambda points, seen: Keypoints(
        tuple(p if v else (0.0, 0.0) for p, v in zip(points, (2, *seen), strict=True)), (2, *seen)
    ),
    _points(3, 3),
    st.tuples(*[st.sampled_from((0, 1, 2))] * 2),
)


def _blob(seed: int, x: int, y: int) -> Mask:
    array = np.zeros((HEIGHT, WIDTH), dtype=np.uint8)
    array[y : y + 10, x : x + 10] = np.random.default_rng(seed).random((10, 10)) < 0.6
    array[y + 5, x + 5] = 1
    return Mask.from_array(array)


_words = st.text(
    st.characters(codec="utf-8", exclude_categories=("Cs", "Cc")), min_size=1, max_size=8
)
_own = {
    "colour": _words.map(lambda t: f"c{t}".strip()),
    "count": st.integers(-1000, 1000),
    "is_new": st.booleans(),
}
_flags = {name: st.just(True) for name in ("occluded", "truncated", "difficult", "crowd")}
_numbers = {"group_id": st.integers(1, 99), "track_id": st.integers(0, 99)}
_described = {"description": _words.map(lambda t: f"d{t}".strip())}
all_attributes = st.fixed_dictionaries({}, optional=_own | _flags | _numbers | _described)
scores = st.none() | st.integers(0, 100).map(lambda n: n / 100)

HELD: dict[str, tuple[st.SearchStrategy[Any], st.SearchStrategy[Any], st.SearchStrategy[Any]]] = {
    "coco": (
        boxes | polygons | masks | turned_boxes | skeletons | dots,
        all_attributes,
        scores,
    ),
    "voc": (whole_boxes | turned_boxes | polygons, all_attributes, scores),
    "labelme": (
        boxes | polygons | masks | turned_boxes | skeletons | dots | lines,
        all_attributes,
        scores,
    ),
    "xanylabeling": (boxes | polygons | turned_boxes | dots | lines, all_attributes, scores),
    "cvat": (
        boxes | polygons | masks | turned_boxes | skeletons | dots | lines,
        all_attributes,
        scores,
    ),
}
# Classes with a skeleton keep it to themselves: a class of single points has none.
_CLASSES = {1: ClassInfo(keypoints=_NAMES, skeleton=((0, 1), (0, 2)))}


def _annotations(format: str) -> st.SearchStrategy[list[Annotation]]:
    shapes, attributes, score = HELD[format]

    def of(geometry: Geometry, told: dict[str, Any], score: float | None) -> Annotation:
        is_skeleton = isinstance(geometry, Keypoints) and len(geometry.points) > 1
        return Annotation(geometry, int(is_skeleton), score, told)

    return st.lists(st.builds(of, shapes, attributes, score), max_size=4)


def _again(dataset: LabelledDataset, format: str, **options: Any) -> LabelledDataset:
    folder = Path(tempfile.mkdtemp(prefix="round_trip_"))
    try:
        report = write(dataset, folder, format, **options)
        assert report.images == len(dataset.images)
        back = read(report.path, format)
        assert not [p for p in back.skipped if p.kind != "note"], back.skipped
        return back
    finally:
        shutil.rmtree(folder)


@pytest.mark.parametrize("format", HELD)
def test_what_a_format_holds_comes_back(
    format: str, dataset_of: Callable[..., LabelledDataset]
) -> None:
    @_SETTINGS
    @given(_annotations(format))
    def check(annotations: list[Annotation]) -> None:
        dataset = dataset_of(*annotations, classes=_CLASSES)
        back = _again(dataset, format)
        (image,) = back.images
        assert (image.width, image.height, image.split) == (WIDTH, HEIGHT, "train")
        assert image.annotations is not None
        for before, after in zip(annotations, image.annotations, strict=True):
            assert back.names[after.class_id] == dataset.names[before.class_id]
            assert after.score == before.score
            assert _comparable(after) == dict(before.attributes)
            assert _is_same(before.geometry, after.geometry), (before.geometry, after.geometry)

    check()


def _comparable(annotation: Annotation) -> dict[str, Any]:
    """Return attributes without the box that formats write beside keypoints."""
    return {k: v for k, v in annotation.attributes.items() if k != "box"}


def _is_same(a: Geometry, b: Geometry) -> bool:
    if type(a) is not type(b):
        return False
    if isinstance(a, OrientedBox) and isinstance(b, OrientedBox):
        turn = (a.angle_rad - b.angle_rad + math.pi) % math.tau - math.pi
        sizes = np.allclose((a.cx, a.cy, a.w, a.h), (b.cx, b.cy, b.w, b.h), atol=1e-3)
        return bool(sizes) and abs(turn) < 1e-3
    if isinstance(a, Box) and isinstance(b, Box):
        return bool(np.allclose(a.bounds(), b.bounds(), atol=1e-3))
    if isinstance(a, Polygon) and isinstance(b, Polygon):
        return len(a.holes) == len(b.holes) and _close(a.exterior, b.exterior)
    if isinstance(a, Polyline) and isinstance(b, Polyline):
        return _close(a.points, b.points)
    if isinstance(a, Keypoints) and isinstance(b, Keypoints):
        return a.visibility == b.visibility and _close(a.points, b.points)
    return a == b


def _close(a: tuple[tuple[float, float], ...], b: tuple[tuple[float, float], ...]) -> bool:
    return len(a) == len(b) and bool(np.allclose(np.array(a), np.array(b), atol=1e-3))


@pytest.mark.parametrize("format", ["mask_index", "mask_color", "coco_panoptic", "voc"])
def test_masks_that_do_not_overlap_come_back_to_the_pixel(
    format: str, dataset_of: Callable[..., LabelledDataset]
) -> None:
    @_SETTINGS
    @given(masks, masks)
    def check(first: Mask, second: Mask) -> None:
        rest = second.to_array().astype(bool) & ~first.to_array().astype(bool)
        parts = [(first, 0)] + ([(Mask.from_array(rest), 1)] if rest.any() else [])
        back = _again(dataset_of(*(Annotation(m, c) for m, c in parts)), format)
        labels = back.images[0].annotations or ()
        found = {back.names[a.class_id]: a.geometry for a in labels}
        assert found == {("car", "part")[c]: m for m, c in parts}

    check()


@pytest.mark.parametrize("format", ["labelme", "xanylabeling", "cvat"])
def test_tags_come_back(format: str, dataset_of: Callable[..., LabelledDataset]) -> None:
    back = _again(dataset_of(Annotation(Tag(), 1)), format)
    (label,) = back.images[0].annotations or ()
    assert (label.geometry, back.names[label.class_id]) == (Tag(), "part")


@pytest.mark.parametrize("format", ["coco", "labelme", "xanylabeling", "cvat", "voc"])
def test_holes_keep_their_pixels(format: str, dataset_of: Callable[..., LabelledDataset]) -> None:
    outer = ((5.0, 5.0), (35.0, 5.0), (35.0, 30.0), (5.0, 30.0))
    hole = ((10.0, 10.0), (10.0, 20.0), (20.0, 20.0), (20.0, 10.0))
    polygon = Polygon(outer, (hole,))
    dataset = dataset_of(Annotation(polygon, 0))
    back = _again(dataset, format)
    (label,) = back.images[0].annotations or ()
    assert to_mask(label.geometry, HEIGHT, WIDTH) == to_mask(polygon, HEIGHT, WIDTH)


FORMATS = ["coco", "voc", "labelme", "xanylabeling", "cvat", "mask_index", "mask_color"]


@pytest.mark.parametrize("format", [*FORMATS, "coco_panoptic"])
def test_unlabelled_pictures_and_backgrounds_stay_apart(
    format: str, tmp_path: Path, picture: Path
) -> None:
    images = []
    for name, labels in (
        ("with", (Annotation(Box(5, 5, 20, 20), 0),)),
        ("none", ()),
        ("new", None),
    ):
        path = tmp_path / "source" / f"{name}.png"
        path.parent.mkdir(exist_ok=True)
        shutil.copyfile(picture, path)
        image = dataset_image(path, labels)
        images.append(image)
    dataset = LabelledDataset({0: "car"}, images)
    report = write(dataset, tmp_path / "out", format)
    back = read(report.path.parent if report.path.is_file() else report.path, format)
    found = {
        i.path.stem: None if i.annotations is None else len(i.annotations) for i in back.images
    }
    assert found == {"with": 1, "none": 0, "new": None}


def dataset_image(path: Path, labels: tuple[Annotation, ...] | None) -> Any:
    from engine.data.formats import LabelledImage

    return LabelledImage(path, WIDTH, HEIGHT, "train", labels)
