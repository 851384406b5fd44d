"""The categories of a COCO file and our classes, both ways."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeAlias

from engine.data.formats.findings import Findings
from engine.data.formats.kept_numbers import kept_numbers
from engine.data.formats.records import ClassInfo, LabelledDataset
from engine.data.formats.told_attributes import is_on, whole

# Category id in the file -> index of the class; None, for what is no number, is never in it.
Categories: TypeAlias = dict[int | None, int]


def categories_of(
    told: Any, dataset: LabelledDataset, path: Path, findings: Findings
) -> Categories:
    """Add the categories of a file to the classes of a data set, by name, and return their indices.

    Where an id or a name is used twice the first counts, and it is said.
    """
    if isinstance(told, Mapping):
        reason = "'categories' is an object, expected a list of objects with 'id' and 'name'."
        findings.add(path, reason, "changed")
        told = [{"id": number, "name": name} for number, name in told.items()]
    if not isinstance(told, list):
        findings.add(path, f"Expected 'categories' as a list, received {type(told).__name__}.")
        return {}
    indices = {name: index for index, name in dataset.names.items()}
    categories: Categories = {}
    names_here: dict[str, int] = {}
    for row in told:
        number, name = _number_and_name(row)
        if number is None or not name:
            findings.add(path, f"A category has no usable id and name: {str(row)[:60]}.")
            continue
        if number in categories:
            reason = (
                f"Category id {number} is used for {dataset.names[categories[number]]!r} and again for "
                f"{name!r}; its objects were read as the first."
            )
            findings.add(path, reason, "changed")
            continue
        if name in names_here:
            reason = f"Categories {names_here[name]} and {number} are both named {name!r} and were read as one class."
            findings.add(path, reason, "changed")
        names_here.setdefault(name, number)
        index = indices.setdefault(name, len(dataset.names))
        dataset.names.setdefault(index, name)
        dataset.classes.setdefault(index, _info(number, row))
        categories[number] = index
    _describe_keypoints(dataset)
    return categories


def category_rows(
    dataset: LabelledDataset, point_counts: Mapping[int, int]
) -> list[dict[str, Any]]:
    """Return the classes of a data set as categories.

    Args:
        dataset: With names and what is known of classes.
        point_counts: Keypoints of an object by class, for those whose points have no names.
    """
    ids = category_ids(dataset)
    rows = []
    for index, name in dataset.names.items():
        info = dataset.classes.get(index, ClassInfo())
        row: dict[str, Any] = {"id": ids[index], "name": name, "supercategory": info.supercategory}
        points = info.keypoints or _names_of(dataset, index, point_counts.get(index, 0))
        if points and (info.keypoints or index in point_counts):
            row["keypoints"] = list(points)
            row["skeleton"] = [[a + 1, b + 1] for a, b in info.skeleton]
        rows.append(row)
    return rows


def category_ids(dataset: LabelledDataset) -> dict[int, int]:
    """Return the category id of each class: that of the file it came from as far as no other one has it."""
    told = [dataset.classes.get(index, ClassInfo()).number for index in dataset.names]
    numbers = kept_numbers([n if n is not None and n >= 0 else None for n in told])
    return dict(zip(dataset.names, numbers, strict=True))


def mirrored(names: tuple[str, ...]) -> tuple[int, ...]:
    """Return for each keypoint the one of the other side by its name (left, right); empty where there are no sides."""
    places = {name.lower(): place for place, name in enumerate(names)}
    flip = []
    for place, name in enumerate(names):
        low = name.lower()
        other = low.replace("left", "right") if "left" in low else low.replace("right", "left")
        flip.append(places.get(other, place))
    is_mirror = all(flip[flip[place]] == place for place in range(len(flip)))
    return tuple(flip) if is_mirror and flip != [*range(len(flip))] else ()


def _number_and_name(row: Any) -> tuple[int | None, str]:
    if not isinstance(row, Mapping):
        return None, ""
    name = row.get("name")
    return whole(row.get("id")), name.strip() if isinstance(name, str) else ""


def _info(number: int, row: Mapping[str, Any]) -> ClassInfo:
    told = row.get("keypoints")
    is_named = isinstance(told, list) and all(isinstance(name, str) for name in told)
    names = tuple(told) if is_named and told else ()
    above = row.get("supercategory")
    return ClassInfo(
        number=number,
        supercategory=above if isinstance(above, str) else "",
        color=_color(row.get("color")),
        keypoints=names,
        skeleton=_skeleton(row.get("skeleton"), len(names)),
        flip=mirrored(names),
        is_thing=is_on(row.get("isthing", 1)),
    )


def _skeleton(told: Any, count: int) -> tuple[tuple[int, int], ...]:
    """Return the bones that join two of the points; COCO counts points from 1."""
    bones = []
    for bone in told if isinstance(told, list) else ():
        ends = [whole(end) for end in bone] if isinstance(bone, list) and len(bone) == 2 else []
        if len(ends) == 2 and all(end is not None and 1 <= end <= count for end in ends):
            bones.append((int(ends[0] or 0) - 1, int(ends[1] or 0) - 1))
    return tuple(bone for bone in bones if bone[0] != bone[1])


def _color(told: Any) -> str:
    is_rgb = isinstance(told, list) and len(told) == 3
    if is_rgb and all(type(v) is int and 0 <= v <= 255 for v in told):
        return "#" + "".join(f"{v:02x}" for v in told)
    return ""


def _describe_keypoints(dataset: LabelledDataset) -> None:
    """Say of the set what its first class with keypoints says."""
    for index, info in dataset.classes.items():
        if info.keypoints and not dataset.keypoints:
            dataset.keypoints = {"kpt_shape": [len(info.keypoints), 3]}
            dataset.keypoints["kpt_names"] = {index: list(info.keypoints)}
            if info.flip:
                dataset.keypoints["flip_idx"] = list(info.flip)


def _names_of(dataset: LabelledDataset, index: int, count: int) -> list[str]:
    """Return names for points that have none of their own: those of the set, else numbers."""
    told = dataset.keypoints.get("kpt_names")
    named = told.get(index) if isinstance(told, Mapping) else None
    if isinstance(named, list) and len(named) == count:
        return [str(name) for name in named]
    return [f"point_{place}" for place in range(1, count + 1)]
