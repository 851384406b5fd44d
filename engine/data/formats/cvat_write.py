"""Writing CVAT 1.1 XML, for images and for videos; see :mod:`engine.data.formats.cvat`."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from engine.data.annotations import Annotation, Geometry, Keypoints, Mask, Polygon, Tag
from engine.data.annotations.attribute_names import TRACK_ID
from engine.data.formats.cuboids import CUBOID, cuboid_of
from engine.data.formats.cvat_labels import format_labels
from engine.data.formats.cvat_shapes import INTERPOLATED, format_shape, is_skeleton
from engine.data.formats.ellipses import ellipse_of
from engine.data.formats.losses import loss_sentences
from engine.data.formats.pictures import How, PicturePlacer, place_picture
from engine.data.formats.records import ClassInfo, LabelledDataset, LabelledImage, WriteReport
from engine.data.formats.repeated_names import told_apart
from engine.data.formats.told_attributes import is_plain
from engine.data.formats.xml_file import format_text
from engine.runtime.paths import write_atomic

Progress = Callable[[int, int], None]


def write(
    dataset: LabelledDataset,
    path: Path,
    progress: Progress | None = None,
    images: How = "copy",
    video: bool | None = None,
) -> WriteReport:
    """Write ``annotations.xml`` and ``images`` below the folder ``path``.

    Args:
        dataset: What to write; pictures that nobody has labelled are not named in the file.
        path: Folder, made where missing; files of the same names are replaced.
        progress: Called with (done, total).
        images: Copy the pictures, link to them, or write the labels only.
        video: Write tracks over frames; None does where shapes have track numbers and pictures frames.

    Raises:
        OSError: The folder cannot be written.
    """
    return _Writer(dataset, path, images).write(
        _is_video(dataset) if video is None else video, progress
    )


class _Writer:
    """Writes one data set."""

    def __init__(self, dataset: LabelledDataset, path: Path, images: How) -> None:
        self._dataset, self._path, self._how = dataset, path, images
        self._skeletons = _skeletons(dataset)
        self._lost: Counter[str] = Counter()
        self._report = WriteReport(path / "annotations.xml")

    def write(self, is_video: bool, progress: Progress | None) -> WriteReport:
        """Write everything; see :func:`write`."""
        body = self._tracks(progress) if is_video else self._images(progress)
        lines = [
            '<?xml version="1.0" encoding="utf-8"?>',
            "<annotations>",
            "<version>1.1</version>",
        ]
        lines += [*self._meta(is_video), *body, "</annotations>", ""]
        self._path.mkdir(parents=True, exist_ok=True)
        write_atomic(self._report.path, "\n".join(lines))
        self._report.lost = loss_sentences(self._lost)
        return self._report

    def _images(self, progress: Progress | None) -> list[str]:
        placer = PicturePlacer(self._path / "images", self._how, by_stem=False)
        lines: list[str] = []
        for done, image in enumerate(self._dataset.images, start=1):
            name = placer.place(image.path, image.split or "")
            if image.annotations is not None:
                subset = f' subset="{image.split}"' if image.split else ""
                size = f'width="{image.width}" height="{image.height}"'
                number = self._report.images
                lines.append(f'<image id="{number}" name="{format_text(name)}"{subset} {size}>')
                for annotation in image.annotations:
                    lines += self._shape(annotation, "", self._dataset.names[annotation.class_id])
                lines.append("</image>")
            self._report.images += 1
            if progress:
                progress(done, len(self._dataset.images))
        return lines

    def _tracks(self, progress: Progress | None) -> list[str]:
        """Return the tracks; shapes without a number get one of their own."""
        tracks: dict[tuple[int, int], list[tuple[int, Annotation]]] = {}
        alone = max((t for t in _track_numbers(self._dataset)), default=-1)
        for done, (frame, image) in enumerate(_frames(self._dataset), start=1):
            target = self._path / "images" / f"frame_{frame:06d}{image.path.suffix}"
            place_picture(image.path, target, self._how)
            for annotation in image.annotations or ():
                if isinstance(annotation.geometry, Tag):
                    self._lost["[tag|tags], which a video cannot hold"] += 1
                    continue
                number = annotation.attributes.get(TRACK_ID)
                if number is None:
                    self._lost[
                        "[shape|shapes] without a track, written as [a track|tracks] of one frame"
                    ] += 1
                    number = alone = alone + 1
                key = int(number), annotation.class_id
                tracks.setdefault(key, []).append((frame, annotation))
            self._report.images += 1
            if progress:
                progress(done, len(self._dataset.images))
        stop = max((frame for frame, _ in _frames(self._dataset)), default=0)
        return [line for key, shapes in tracks.items() for line in self._track(key, shapes, stop)]

    def _track(
        self, key: tuple[int, int], shapes: list[tuple[int, Annotation]], stop: int
    ) -> list[str]:
        """Return one track; where it is not seen on the next frame it says so."""
        number, class_id = key
        name = format_text(self._dataset.names[class_id])
        lines = [f'<track id="{number}" label="{name}" source="manual">']
        seen = {frame for frame, _ in shapes}
        for place, (frame, annotation) in enumerate(shapes):
            is_key = not annotation.attributes.get(INTERPOLATED, False)
            lines += self._shape(annotation, _at(frame, is_key, is_outside=False))
            is_last_here = place + 1 == len(shapes) or shapes[place + 1][0] != frame
            if is_last_here and frame + 1 not in seen and frame < stop:
                lines += self._shape(
                    annotation, _at(frame + 1, True, is_outside=True), is_counted=False
                )
        return [*lines, "</track>"]

    def _shape(
        self, annotation: Annotation, extra: str, name: str = "", is_counted: bool = True
    ) -> list[str]:
        geometry = annotation.geometry
        if isinstance(geometry, Mask) and not geometry.area():
            return []
        names = self._skeletons.get(annotation.class_id, [])
        if is_counted:
            self._report.annotations += 1
            _count_losses(annotation, self._lost)
            _count_points(
                geometry, _point_names(self._dataset, annotation.class_id), names, self._lost
            )
        attributes = {k: v for k, v in annotation.attributes.items() if k != INTERPOLATED or name}
        plain = Annotation(geometry, annotation.class_id, annotation.score, attributes)
        return format_shape(plain, names, extra, name)

    def _meta(self, is_video: bool) -> list[str]:
        count = len(self._dataset.images)
        mode = "interpolation" if is_video else "annotation"
        lines = ["<meta>", "<task>", f"<size>{count}</size>", f"<mode>{mode}</mode>"]
        lines += ["<start_frame>0</start_frame>", f"<stop_frame>{max(0, count - 1)}</stop_frame>"]
        lines += format_labels(self._dataset, self._skeletons)
        if is_video and self._dataset.images:
            first = self._dataset.images[0]
            size = f"<width>{first.width}</width><height>{first.height}</height>"
            lines.append(f"<original_size>{size}</original_size>")
        source = next((i.attributes.get("video") for i in self._dataset.images), None)
        lines += [f"<source>{format_text(source)}</source>"] if isinstance(source, str) else []
        return [*lines, "</task>", "</meta>"]


def _at(frame: int, is_key: bool, is_outside: bool) -> str:
    return f' frame="{frame}" keyframe="{int(is_key)}" outside="{int(is_outside)}"'


def _count_losses(annotation: Annotation, lost: Counter[str]) -> None:
    geometry = annotation.geometry
    if isinstance(geometry, Polygon) and geometry.holes:
        lost["[polygon|polygons] with holes, written as one ring joined by bridges"] += 1
    if isinstance(geometry, Polygon) and ellipse_of(geometry):
        lost["[polygon that is an ellipse|polygons that are ellipses], written as such"] += 1
    is_cuboid = cuboid_of(geometry, annotation.attributes) is not None
    if CUBOID in annotation.attributes and not is_cuboid:
        lost["[cuboid|cuboids] whose outline was changed, written as [a polygon|polygons]"] += 1
    for name, value in annotation.attributes.items():
        if name != CUBOID and (isinstance(value, list) or not is_plain(value)):
            lost["[attribute that is a list|attributes that are lists], left out"] += 1


def _count_points(
    geometry: Geometry, told: Sequence[str], written: Sequence[str], lost: Counter[str]
) -> None:
    """Count skeletons whose points are not those of the list in the head."""
    if not isinstance(geometry, Keypoints) or not is_skeleton(geometry, written):
        return
    count = len(geometry.points)
    if told and count > len(told):
        lost[
            "[skeleton|skeletons] with more points than [its|their] class names, the others called by their numbers"
        ] += 1
    if count < len(written):
        lost[
            "[skeleton|skeletons] with fewer points than others of [its|their] class, the rest written as not there"
        ] += 1


def _skeletons(dataset: LabelledDataset) -> dict[int, list[str]]:
    """Return the names of the points of classes whose objects have to be skeletons, as many as the longest has."""
    longest: Counter[int] = Counter()
    needed: set[int] = set()
    for image in dataset.images:
        for annotation in image.annotations or ():
            geometry, class_id = annotation.geometry, annotation.class_id
            if isinstance(geometry, Keypoints):
                count = len(geometry.points)
                longest[class_id] = max(longest[class_id], count)
                if count > 1 and is_skeleton(geometry, _point_names(dataset, class_id)):
                    needed.add(class_id)
    return {
        class_id: told_apart(_filled_up(_point_names(dataset, class_id), longest[class_id]))
        for class_id in needed
    }


def _point_names(dataset: LabelledDataset, class_id: int) -> tuple[str, ...]:
    return dataset.classes.get(class_id, ClassInfo()).keypoints


def _filled_up(names: Sequence[str], count: int) -> list[str]:
    """Return the names of ``count`` points or more: those without one are called by their number, or the next free one."""
    told = [name.strip() for name in names]  # readers of the file strip them too
    told += [""] * (count - len(told))
    taken, filled = set(told), []
    for place, name in enumerate(told, start=1):
        if not name:
            name = next(str(n) for n in itertools.count(place) if str(n) not in taken)
            taken.add(name)
        filled.append(name)
    return filled


def _is_video(dataset: LabelledDataset) -> bool:
    has_frames = bool(dataset.images) and all(
        _frame(i.attributes) is not None for i in dataset.images
    )
    return has_frames and next(_track_numbers(dataset), None) is not None


def _track_numbers(dataset: LabelledDataset) -> Iterator[int]:
    for image in dataset.images:
        for annotation in image.annotations or ():
            number = annotation.attributes.get(TRACK_ID)
            if isinstance(number, int):
                yield number


def _frames(dataset: LabelledDataset) -> Iterator[tuple[int, LabelledImage]]:
    """Give the pictures by their frame; those without one by their place."""
    told = [_frame(image.attributes) for image in dataset.images]
    are_told = None not in told and len(set(told)) == len(told)
    rows = (
        (told[place] if are_told else place, image) for place, image in enumerate(dataset.images)
    )
    yield from sorted(((int(frame or 0), image) for frame, image in rows), key=lambda row: row[0])


def _frame(attributes: Any) -> int | None:
    value = attributes.get("frame")
    return value if isinstance(value, int) and 0 <= value < 1_000_000 else None
