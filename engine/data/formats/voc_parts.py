"""Parts of a Pascal VOC object (head, hand, foot): objects of their own that share its group, and parts again.

VOC's person layout task (Everingham et al. 2010) marks them; our annotations have no parts, but groups.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from typing import Any

from engine.data.annotations import Annotation, Box
from engine.data.annotations.attribute_names import GROUP_ID
from engine.data.formats.shape_checks import UnusableShapeError
from engine.data.formats.voc_objects import (
    VocObject,
    format_name_and_box,
    object_of,
)
from engine.data.formats.xml_file import Node

PART = "part"  # the attribute of an object that is one


def with_group(item: VocObject, group: int) -> VocObject:
    """Return an object in a group; one that its file tells stays."""
    attributes = {GROUP_ID: group} | dict(item.annotation.attributes)
    return replace(item, annotation=replace(item.annotation, attributes=attributes))


def parts_of(
    node: Node,
    whole: VocObject,
    offset: float,
    size_wh: tuple[int, int],
    refuse: Callable[[Node, str], object],
) -> list[VocObject]:
    """Return the parts that an ``<object>`` lists, in its group.

    Args:
        node: The element of the object.
        whole: What was made of it, in a group.
        offset: As for :func:`engine.data.formats.voc_objects.object_of`.
        size_wh: The same.
        refuse: Called with each part that cannot be used, and why.
    """
    shared = {GROUP_ID: whole.annotation.attributes[GROUP_ID], PART: True}
    found = []
    for place in node.each("part"):
        try:
            part = object_of(place, offset, size_wh)
        except UnusableShapeError as error:
            refuse(place, str(error))
            continue
        attributes = {**part.annotation.attributes, **shared}
        found.append(replace(part, annotation=replace(part.annotation, attributes=attributes)))
    return found


def apart(kept: Sequence[Annotation]) -> list[tuple[Annotation, list[Annotation]]]:
    """Return objects with their parts; a part whose object is not there, or is one of several, is an object."""
    wholes: dict[Any, list[int]] = defaultdict(list)
    for place, annotation in enumerate(kept):
        if not _is_part(annotation):
            wholes[annotation.attributes.get(GROUP_ID)].append(place)
    parts: dict[int, list[Annotation]] = defaultdict(list)
    owned: set[int] = set()
    for place, annotation in enumerate(kept):
        owners = wholes[annotation.attributes[GROUP_ID]] if _is_part(annotation) else []
        if len(owners) == 1:
            parts[owners[0]].append(annotation)
            owned.add(place)
    return [(a, parts.get(n, [])) for n, a in enumerate(kept) if n not in owned]


def format_parts(parts: Iterable[tuple[Annotation, str]]) -> list[str]:
    """Return the lines of ``<part>`` elements; each comes with the name of its class."""
    lines: list[str] = []
    for annotation, name in parts:
        inside = format_name_and_box(annotation, name)
        lines += ["\t\t<part>", *(f"\t{line}" for line in inside), "\t\t</part>"]
    return lines


def _is_part(annotation: Annotation) -> bool:
    """Tell whether VOC has a place for a shape inside another: a bare box that says so."""
    told = annotation.attributes
    is_bare = told.keys() == {PART, GROUP_ID} and annotation.score is None
    return is_bare and told[PART] is True and isinstance(annotation.geometry, Box)
