"""What each task learns from a shape: its label line, or the class folder of an image."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from engine.data.annotations import (
    Box,
    Keypoints,
    Mask,
    OrientedBox,
    Polygon,
    Tag,
    to_oriented_box,
)
from engine.data.formats.yolo import format_row, geometry_values
from studio.language import tr
from studio.model.keypoint_scheme import KeypointScheme, mirror_of_all
from studio.model.records import ImageRecord, Shape
from studio.storage.label_losses import (
    BOX_TO_OUTLINE,
    OTHER_POINTS,
    OUTLINE_TO_BOX,
    OUTLINE_TO_TURNED,
    POINTS_TO_BOX,
    TURNED_TO_BOX,
    WHOLE_IMAGE,
    WITHOUT_AREA,
    WITHOUT_POINTS,
    Loss,
)

UNSAFE = re.compile(r'[\x00-\x1f\x7f<>:"/\\|?*]')  # what some file system refuses in a name
_HIDDEN = 0
_Values = Callable[[Shape, ImageRecord, int], "np.ndarray | None"]


@dataclass
class LabelCounts:
    """What was counted while labels were written.

    Attributes:
        images: Images of each split.
        by_class: Labels of each class name.
        backgrounds: Images without labels.
        lost: What the labels could not hold, with how often.
    """

    images: dict[str, int] = field(default_factory=dict)
    by_class: Counter[str] = field(default_factory=Counter)
    backgrounds: int = 0
    lost: Counter[Loss] = field(default_factory=Counter)

    def lost_sentences(self) -> list[str]:
        """Return a phrase for each kind of loss."""
        told = [loss.sentence(count) for loss, count in self.lost.items()]
        return sorted(told, key=lambda text: text.partition(" ")[2])


def label_rows(
    shapes: Sequence[Shape],
    record: ImageRecord,
    names: dict[int, str],
    task: str,
    counts: LabelCounts,
    points: int = 0,
) -> tuple[str, ...]:
    """Return the label lines of an image, the rearmost shape first, counting them and what they lose.

    Args:
        shapes: The shapes of the image.
        record: The image, with its size.
        names: Name of each class id, in the order that numbers the classes.
        task: What will be trained.
        counts: Where to count.
        points: Keypoints of an object.
    """
    rows = []
    numbers = {class_id: number for number, class_id in enumerate(names)}
    for shape in shapes:
        values = _VALUES[task](shape, record, points)
        if values is None:
            counts.lost[_left_out(shape)] += 1
            continue
        if loss := _LOSSES[task](shape, points):
            counts.lost[loss] += 1
        counts.by_class[names[shape.class_id]] += 1
        rows.append(format_row(numbers[shape.class_id], values))
    return tuple(rows)


def image_class(shapes: Iterable[Shape], names: dict[int, str]) -> tuple[str, str]:
    """Return the one class that an image is tagged with, or else an empty name and the reason."""
    tagged = {shape.class_id for shape in shapes if isinstance(shape.geometry, Tag)}
    if len(tagged) == 1:
        return names[tagged.pop()], ""
    return "", tr("with several classes") if tagged else tr("without a class of the whole image")


def class_folders(names: Iterable[str]) -> dict[str, str]:
    """Return a folder name for each class name: one that every file system takes, none twice."""
    folders: dict[str, str] = {}
    taken: set[str] = set()
    for name in names:
        plain = UNSAFE.sub("_", name).strip(" .") or "class"
        folder, number = plain, 1
        while folder.casefold() in taken:
            number += 1
            folder = f"{plain}-{number}"
        taken.add(folder.casefold())
        folders[name] = folder
    return folders


def keypoint_scheme(
    shapes: Iterable[Shape], known: Mapping[int, KeypointScheme | None]
) -> KeypointScheme | None:
    """Return what a training is told of keypoints, the same for all classes; None without any.

    An object has as many points as most objects have of those that fit what is said of their class,
    else as most objects have.

    Args:
        shapes: The objects with keypoints.
        known: What is said of each class, by its id.
    """
    counts: Counter[int] = Counter()
    fitting: Counter[int] = Counter()
    classes: dict[int, set[int]] = {}  # those with objects of so many points
    for shape in shapes:
        if isinstance(shape.geometry, Keypoints) and (count := len(shape.geometry.points)):
            scheme = known.get(shape.class_id)
            counts[count] += 1
            fitting[count] += scheme is not None and scheme.count == count
            classes.setdefault(count, set()).add(shape.class_id)
    if not counts:
        return None
    most = max(counts, key=lambda count: (fitting[count], counts[count], count))
    told = [known.get(class_id) for class_id in sorted(classes[most])]
    said = [scheme for scheme in told if scheme is not None and scheme.count == most]
    names = {scheme.names for scheme in said if scheme.names}
    mirror = mirror_of_all(said) if len(said) == len(told) else ()
    return KeypointScheme(most, mirror, names.pop() if len(names) == 1 else ())


def _box(shape: Shape, record: ImageRecord, _points: int) -> np.ndarray | None:
    geometry = shape.geometry
    if isinstance(geometry, Keypoints):
        geometry = _box_of_keypoints(shape)
    return geometry_values(geometry, record.width, record.height, "detect")


def _outline(shape: Shape, record: ImageRecord, _points: int) -> np.ndarray | None:
    return geometry_values(shape.geometry, record.width, record.height, "segment")


def _rotated(shape: Shape, record: ImageRecord, _points: int) -> np.ndarray | None:
    """Four corners; those outside the image stay there, or the box would be another one."""
    if isinstance(shape.geometry, (Keypoints, Tag)):
        return None
    box = to_oriented_box(shape.geometry)
    if box is None or not box.area():
        return None
    return np.array(box.corners()) / (record.width, record.height)


def _pose(shape: Shape, record: ImageRecord, points: int) -> np.ndarray | None:
    """Box, then x, y and visibility of each point; an object without that many has none of them labelled."""
    box = _box(shape, record, points)
    if box is None:
        return None
    rows = np.zeros((points, 3))
    if isinstance(shape.geometry, Keypoints) and len(shape.geometry.points) == points:
        rows[:, :2] = np.array(shape.geometry.points) / (record.width, record.height)
        rows[:, 2] = shape.geometry.visibility
        outside = ((rows[:, :2] < 0) | (rows[:, :2] > 1)).any(1)
        rows[outside | (rows[:, 2] == _HIDDEN)] = 0
    return np.concatenate((box, rows.ravel()))


def _box_of_keypoints(shape: Shape) -> Box:
    """Return the box that came with the points, else the one around those that are labelled."""
    given = shape.attributes.get("box")
    if (
        isinstance(given, list)
        and len(given) == 4
        and all(isinstance(v, float | int) for v in given)
    ):
        return Box(*map(float, given))
    return Box(*shape.geometry.bounds())


def _left_out(shape: Shape) -> Loss:
    return (
        WHOLE_IMAGE
        if isinstance(shape.geometry, Tag)
        else WITHOUT_AREA._replace(what=shape.geometry.kind)
    )


def _lost_in_boxes(shape: Shape, _points: int) -> Loss | None:
    if isinstance(shape.geometry, (Polygon, Mask)):
        return OUTLINE_TO_BOX
    if isinstance(shape.geometry, OrientedBox):
        return TURNED_TO_BOX
    return POINTS_TO_BOX if isinstance(shape.geometry, Keypoints) else None


def _lost_in_outlines(shape: Shape, _points: int) -> Loss | None:
    return BOX_TO_OUTLINE if isinstance(shape.geometry, (Box, OrientedBox)) else None


def _lost_in_rotated(shape: Shape, _points: int) -> Loss | None:
    return OUTLINE_TO_TURNED if isinstance(shape.geometry, (Polygon, Mask)) else None


def _lost_in_pose(shape: Shape, points: int) -> Loss | None:
    if not isinstance(shape.geometry, Keypoints):
        return WITHOUT_POINTS
    if len(shape.geometry.points) != points:
        return OTHER_POINTS._replace(what=str(points))
    return None


_VALUES: dict[str, _Values] = {
    "detect": _box,
    "segment": _outline,
    "semseg": _outline,
    "obb": _rotated,
    "pose": _pose,
}
_LOSSES: dict[str, Callable[[Shape, int], Loss | None]] = {
    "detect": _lost_in_boxes,
    "segment": _lost_in_outlines,
    "semseg": _lost_in_outlines,
    "obb": _lost_in_rotated,
    "pose": _lost_in_pose,
}
