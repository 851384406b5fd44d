"""CVAT 1.1 XML: ``<image>`` with shapes for images, ``<track>`` with shapes by frame for videos.

Boxes (also rotated), polygons, polylines, points, ellipses, masks, skeletons and tags, with attributes whose
kinds stand in the head. Polygons that stand for an ellipse are written as one; holes are joined by bridges.
Format: the CVAT documentation, "CVAT for images 1.1", "CVAT for video 1.1".
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace as changed
from pathlib import Path
from typing import Any

from engine.data.annotations import Annotation
from engine.data.annotations.attribute_names import TRACK_ID
from engine.data.formats.cvat_frames import VideoFrames
from engine.data.formats.cvat_labels import CvatLabels
from engine.data.formats.cvat_shapes import facts_of, geometry_of
from engine.data.formats.cvat_tracks import TrackShape, all_frames
from engine.data.formats.cvat_write import write as write
from engine.data.formats.findings import Findings, listed
from engine.data.formats.frames import Frame, frame_of
from engine.data.formats.pictures import PictureFinder, measured
from engine.data.formats.records import LabelledDataset, LabelledImage
from engine.data.formats.shape_checks import UnusableShapeError, checked
from engine.data.formats.told_attributes import is_on, whole
from engine.data.formats.xml_file import Node, iter_xml, root_tag
from engine.data.problems import Problem
from engine.runtime.errors import DatasetError

Progress = Callable[[int, int], None]
_SPLITS = {"train": "train", "val": "val", "valid": "val", "validation": "val", "test": "test"}
_NOT_SHAPES = ("attribute", "mask_attribute")
# A track cannot be longer: frames in between are made up.
_MOST_FRAMES = 1_000_000


def is_this(path: Path) -> bool:
    """Say whether a path is a CVAT file or a folder with one."""
    return bool(_files(path))


def read(path: Path, progress: Progress | None = None) -> LabelledDataset:
    """Read a file, or the one of a folder.

    Raises:
        DatasetError: There is no CVAT file, or it is not valid XML from its first line on.
    """
    files = _files(path)
    if not files:
        raise DatasetError("There is no CVAT file in this folder.", path=path)
    chosen = next((f for f in files if f.name == "annotations.xml"), files[0])
    reader = _Reader(chosen)
    for other in files:
        if other != chosen:
            reader.findings.add(other, "Another CVAT file; open it by itself.", "note")
    reader.read(progress)
    return reader.finish(with_unlabelled=path.is_dir())


class _Reader:
    """Reads one file, element by element."""

    def __init__(self, file: Path) -> None:
        self.dataset = LabelledDataset({})
        self.findings = Findings(self.dataset.skipped)
        self._file = file
        self._labels = CvatLabels(self.dataset)
        self._finder = PictureFinder([file.parent])
        self._frames: VideoFrames | None = None
        self._images: dict[int, LabelledImage] = {}
        self._shapes: dict[int, list[tuple[int, Annotation]]] = {}
        self._count = 0
        self._told_wh = (0, 0)
        self._source = ""
        self._missing: list[str] = []

    def read(self, progress: Progress | None) -> None:
        """Read everything; a mistake in the middle keeps what came before."""
        done = 0
        try:
            for node in iter_xml(self._file):
                if node.tag == "meta":
                    self._take_meta(node)
                elif node.tag == "image":
                    self._take_image(node)
                elif node.tag == "track":
                    self._take_track(node)
                done += node.tag in ("image", "track")
                if progress and self._count:
                    progress(min(done, self._count), self._count)
        except DatasetError as error:
            if not done:
                raise
            reason = " ".join(filter(None, (error.message, error.remedy)))
            self.findings.add(self._file, f"{reason} What came before was read.", line=error.line)

    def finish(self, with_unlabelled: bool) -> LabelledDataset:
        """Sort shapes by their layer, add pictures without labels, and return the set."""
        for number, image in self._images.items():
            shapes = sorted(self._shapes.get(number, []), key=lambda pair: pair[0])
            labels = tuple(annotation for _, annotation in shapes)
            self.dataset.images.append(changed(image, annotations=labels))
        if self._missing:
            noun = "picture is" if len(self._missing) == 1 else "pictures are"
            reason = f"{len(self._missing)} {noun} not there: {listed(self._missing)}. Add them and read it again."
            self.findings.add(self._file, reason)
        known = {image.path for image in self.dataset.images}
        for picture in self._finder.all() if with_unlabelled else ():
            size = measured(picture)
            if isinstance(size, Problem):
                self.findings.add(picture, size.reason)
            elif picture not in known:
                self.dataset.images.append(LabelledImage(picture, *size))
        self.findings.close()
        return self.dataset

    def _take_meta(self, meta: Node) -> None:
        self._labels.take(meta)
        for node in meta.walk():
            if node.tag in ("job", "task"):
                self._count = whole(node.say("size")) or self._count
                self._source = node.say("source") or self._source
            elif node.tag == "original_size":
                self._told_wh = whole(node.say("width")) or 0, whole(node.say("height")) or 0
        self._source = meta.say("source") or self._source

    def _take_image(self, node: Node) -> None:
        name = node.attributes.get("name", "")
        picture = self._finder.find(name)
        if picture is None:
            self._missing.append(name or f"line {node.line}")
            return
        size = measured(picture)
        if isinstance(size, Problem):
            self.findings.add(picture, size.reason)
            return
        told = whole(node.attributes.get("width")) or 0, whole(node.attributes.get("height")) or 0
        frame = self._frame(told, size, picture, node.line)
        number = whole(node.attributes.get("id"))
        facts: dict[str, Any] = {"name": name} if number is None else {"id": number, "name": name}
        split = _SPLITS.get(node.attributes.get("subset", "").lower())
        key = len(self._images)
        self._images[key] = LabelledImage(picture, *size, split, (), facts)
        for child in node.children:
            annotation = self._annotation(child, child.attributes.get("label", ""), frame)
            if annotation is not None:
                self._keep(key, child, annotation)

    def _take_track(self, node: Node) -> None:
        """Read a track onto its frames."""
        label, number = node.attributes.get("label", ""), whole(node.attributes.get("id"))
        shapes = []
        for child in node.children:
            frame_number = whole(child.attributes.get("frame"))
            if frame_number is None or not 0 <= frame_number < _MOST_FRAMES:
                reason = "It has no number of a frame."
                self.findings.add(self._file, reason, line=child.line, who=f"Shape of {label}")
                continue
            annotation = None
            if not is_on(child.attributes.get("outside", "0")):
                annotation = self._annotation(child, label, self._video_frame(frame_number))
                if annotation is None:
                    continue
                attributes = {**annotation.attributes, TRACK_ID: number or 0}
                annotation = changed(annotation, attributes=attributes)
            is_key = is_on(child.attributes.get("keyframe", "1"))
            shapes.append(TrackShape(frame_number, annotation, is_key, child.line))
        for place, annotation in all_frames(shapes, max(0, self._stop())):
            key = self._frame_image(place)
            if key is not None:
                self._keep(key, None, annotation)

    def _annotation(self, node: Node, label: str, frame: Frame) -> Annotation | None:
        who = f"{node.tag[:20].capitalize()} ({label[:40]})"
        try:
            if not label:
                raise UnusableShapeError("It has no label.")
            geometry = geometry_of(node, frame.drawn_wh, self._labels)
            geometry, remarks = checked(geometry, *frame.drawn_wh)
        except UnusableShapeError as error:
            self.findings.add(self._file, str(error), line=node.line, who=who)
            return None
        for remark in remarks:
            self.findings.add(self._file, remark.reason, remark.kind, node.line, who)
        facts = facts_of(node, label, self._labels)
        return Annotation(frame.placed(geometry), self._labels.index(label), *facts)

    def _keep(self, key: int, node: Node | None, annotation: Annotation) -> None:
        layer = whole(node.attributes.get("z_order", "0")) if node is not None else 0
        self._shapes.setdefault(key, []).append((layer or 0, annotation))

    def _frame(
        self, told: tuple[int, int], size: tuple[int, int], picture: Path, line: int
    ) -> Frame:
        frame = frame_of(told, size, picture)
        if frame.remark:
            self.findings.add(self._file, f"{picture.name}: {frame.remark}", frame.kind, line)
        return frame

    def _video(self) -> VideoFrames:
        if self._frames is None:
            self._frames = VideoFrames(self._file, self._count, self._told_wh)
            if self._frames.folder is None:
                reason = "The frames of the video are not there. Put them beside the file, as frame_000000.png ..."
                self.findings.add(self._file, reason)
            elif self._frames.folder.parent != self._file.parent:
                reason = f"The frames were found in {self._frames.folder}."
                self.findings.add(self._file, reason, "note")
        return self._frames

    def _stop(self) -> int:
        return min(_MOST_FRAMES, self._count or len(self._video())) - 1

    def _video_frame(self, number: int) -> Frame:
        key = self._frame_image(number)
        if key is None:
            return Frame(self._told_wh, self._told_wh)
        image = self._images[key]
        return frame_of(self._told_wh, (image.width, image.height), image.path)

    def _frame_image(self, number: int) -> int | None:
        """Return the key of a frame's image, made when first asked for; None where its picture is missing."""
        if number in self._images:
            return number
        picture = self._video().find(number)
        size = measured(picture) if picture is not None else None
        if picture is None or size is None or isinstance(size, Problem):
            return None
        self._add_frames_until(number)
        return number if number in self._images else None

    def _add_frames_until(self, number: int) -> None:
        """Add all frames of the video at once: those without shapes were looked at too."""
        video = self._video()
        for frame in range(max(number + 1, len(video))):
            picture = video.find(frame)
            if frame in self._images or picture is None:
                continue
            size = measured(picture)
            if isinstance(size, Problem):
                self.findings.add(picture, size.reason)
            else:
                facts = {"frame": frame, "video": self._source}
                self._images[frame] = LabelledImage(picture, *size, None, (), facts)


def _files(path: Path) -> list[Path]:
    files = [path] if path.is_file() else sorted(path.glob("*.xml"))
    return [file for file in files if file.suffix.lower() == ".xml" and _is_cvat(file)]


def _is_cvat(file: Path) -> bool:
    if root_tag(file) != "annotations":
        return False
    try:
        with file.open("rb") as opened:
            head = opened.read(1 << 16)
    except OSError:
        return False
    return any(tag in head for tag in (b"<image ", b"<track ", b"<meta>"))
