"""The second table of docs/formats.md: files that other programs wrote, read, written again and read once more."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from pathlib import Path

from engine.data.annotations import Annotation, Tag
from engine.data.formats import LabelledDataset, read, write

FILES = Path(__file__).resolve().parents[2] / "shared" / "datasets" / "formats"
HEADING = "\n## Files of other programs\n"
_INTRO = """
Data sets as the programs themselves wrote them, read, written in the same format and read again. An object is the same
if its class, kind, place (to half a pixel), area (to a thousandth) and every fact are. Notes count what reading had to say.

Some things have no shape of their own here and come back as what they were, unless somebody changed them: circles and
ellipses are polygons, CVAT's cuboids the outline around their corners, the parts of a Pascal VOC object (head, hand,
foot) objects of the same group.

"""
_SETS = (
    ("COCO instances", "coco", "coco/annotations/instances.json"),
    ("COCO instances, compressed run lengths", "coco", "coco/annotations/instances_rle_compressed.json"),
    ("COCO person keypoints", "coco", "coco/annotations/person_keypoints.json"),
    ("COCO, 16-bit TIFF", "coco", "tiff16"),
    ("YOLO detect", "yolo", "yolo-det/data.yaml"),
    ("YOLO segment", "yolo", "yolo-seg/data.yaml"),
    ("YOLO pose", "yolo", "yolo-pose/data.yaml"),
    ("YOLO obb", "yolo", "yolo-obb/data.yaml"),
    ("Pascal VOC with masks", "voc", "voc"),
    ("labelme", "labelme", "labelme"),
    ("labelme's own example", "labelme", "labelme-real/instance_segmentation"),
    ("X-AnyLabeling", "xanylabeling", "xanylabeling"),
    ("X-AnyLabeling's own example", "xanylabeling", "xanylabeling-real/demo.json"),
    ("CVAT for images", "cvat", "cvat/annotations.xml"),
    ("CVAT, rotated boxes", "cvat", "cvat/annotations_rotated_boxes.xml"),
    ("CVAT for video", "cvat", "cvat/annotations_video_tracks.xml"),
    ("DOTA", "dota", "dota"),
    ("MOT", "mot", "mot"),
    ("Masks by class number", "mask_index", "masks"),
    ("Masks by class colour", "mask_color", "masks/color"),
)  # fmt: skip


def section() -> str:
    """Return the section with its table."""
    heads = ["files", "`--format`", "images", "objects", "notes", "the same again", "lossless"]
    rows = [heads, ["---"] * len(heads)]
    rows += [_row(title, name, FILES / path) for title, name, path in _SETS]
    return HEADING + _INTRO + "".join(f"| {' | '.join(row)} |\n" for row in rows)


def _row(title: str, name: str, path: Path) -> list[str]:
    first = read(path, name)
    with tempfile.TemporaryDirectory() as folder:
        report = write(first, Path(folder) / "out", name, images="link")
        again = read(report.path, name)
        same, count = same_objects(first, again), first.annotation_count
        is_lossless = same == count == again.annotation_count
    sign = "yes" if is_lossless else "no"
    numbers = len(first.images), count, len(first.skipped), f"{same} of {count}"
    return [title, f"`{name}`", *map(str, numbers), sign]


def same_objects(first: LabelledDataset, again: LabelledDataset) -> int:
    """Return how many objects of one data set are in another, each once."""
    found = 0
    images = {image.path.name: image for image in again.images}
    in_order = len(first.images) == len(again.images)  # a video's frames get names of their own
    for place, image in enumerate(first.images):
        other = images.get(image.path.name) or (again.images[place] if in_order else None)
        left = list(other.annotations or ()) if other is not None else []
        for annotation in image.annotations or ():
            twin = _place(annotation, first.names, left, again.names)
            if twin is not None:
                left.pop(twin)
                found += 1
    return found


def _place(
    annotation: Annotation,
    names: dict[int, str],
    others: Sequence[Annotation],
    other_names: dict[int, str],
) -> int | None:
    for place, other in enumerate(others):
        if names[annotation.class_id] == other_names[other.class_id] and _is_same(
            annotation, other
        ):
            return place
    return None


def _is_same(a: Annotation, b: Annotation) -> bool:
    if type(a.geometry) is not type(b.geometry):
        return False
    if not a.attributes.items() <= b.attributes.items():
        return False
    if isinstance(a.geometry, Tag):
        return True
    edges = zip(a.geometry.bounds(), b.geometry.bounds(), strict=True)
    near = all(abs(one - other) <= 0.5 for one, other in edges)
    area = a.geometry.area()
    return near and abs(b.geometry.area() - area) <= max(1e-3 * area, 0.1)
