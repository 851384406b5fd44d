"""The labels in the head of a CVAT file and our classes, both ways."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from engine.data.formats.records import ClassInfo, LabelledDataset
from engine.data.formats.repeated_names import as_given
from engine.data.formats.told_attributes import format_value, plain_value
from engine.data.formats.xml_file import Node, format_text

_KINDS = {
    "select": "choice",
    "radio": "choice",
    "checkbox": "flag",
    "number": "number",
    "text": "text",
}
_INPUTS = {"choice": "select", "flag": "checkbox", "number": "number", "text": "text"}


class CvatLabels:
    """Classes by name, and what their attributes mean.

    Args:
        dataset: Gets the classes.
    """

    def __init__(self, dataset: LabelledDataset) -> None:
        self._dataset = dataset
        self._indices: dict[str, int] = {}
        self._kinds: dict[tuple[str, str], str] = {}
        self._points: dict[str, list[str]] = {}

    def take(self, meta: Node) -> None:
        """Read the labels of a head; those that are points of a skeleton become its keypoints."""
        for node in meta.walk():
            if node.tag == "label" and node.say("name"):
                self._take_label(node)

    def index(self, name: str) -> int:
        """Return the index of a class, a new one where the head does not know it."""
        index = self._indices.setdefault(name, len(self._indices))
        self._dataset.names.setdefault(index, name)
        return index

    def point_names(self, name: str) -> list[str]:
        """Return the names of the points of a skeleton in order, as the file has them, empty where the head has none."""
        return self._points.get(name, [])

    def value(self, label: str, attribute: str, text: str) -> Any:
        """Return the value of an attribute in the type that the head says, else in the one it looks like."""
        kind = self._kinds.get((label, attribute))
        if kind == "flag":
            return text.strip().lower() == "true"
        return text if kind in ("text", "choice") else plain_value(text)

    def _take_label(self, node: Node) -> None:
        name, above = node.say("name"), node.say("parent")
        if above:
            self._points.setdefault(above, []).append(name)
            index = self.index(above)
            info = self._dataset.classes.get(index, ClassInfo())
            self._dataset.classes[index] = _with_points(info, self._points[above])
            return
        index = self.index(name)
        listed = node.child("attributes")
        attributes = [_attribute(entry) for entry in listed.each("attribute")] if listed else []
        for attribute in attributes:
            self._kinds[name, attribute["name"]] = attribute["kind"]
        points = self._dataset.classes.get(index, ClassInfo()).keypoints
        color = node.say("color")
        self._dataset.classes[index] = ClassInfo(
            color=color if len(color) == 7 and color[0] == "#" else "",
            attributes=tuple(a for a in attributes if a["name"]),
            keypoints=points,
        )


def format_labels(dataset: LabelledDataset, skeletons: Mapping[int, list[str]]) -> list[str]:
    """Return the lines of ``<labels>``; points of skeletons are labels with a parent.

    Args:
        dataset: The classes.
        skeletons: Names of the points of classes whose objects are written as skeletons, each once in a class.
    """
    lines = ["<labels>"]
    for index, name in dataset.names.items():
        info = dataset.classes.get(index, ClassInfo())
        kind = "skeleton" if index in skeletons else "any"
        lines += _format_label(name, info.color, kind, info.attributes)
        for point in skeletons.get(index, ()):
            lines += _format_label(point, "", "points", (), parent=name)
    return [*lines, "</labels>"]


def _with_points(info: ClassInfo, points: list[str]) -> ClassInfo:
    return ClassInfo(
        number=info.number,
        supercategory=info.supercategory,
        color=info.color,
        keypoints=tuple(as_given(points)),
        attributes=info.attributes,
    )


def _attribute(node: Node) -> dict[str, Any]:
    kind = _KINDS.get(node.say("input_type"), "text")
    values = [value.strip() for value in node.say("values").splitlines() if value.strip()]
    default: Any = node.say("default_value")
    if kind == "flag":
        default = default.lower() == "true"
    elif kind == "number":
        default = plain_value(default) if default else None
    choices = values if kind == "choice" else []
    return {"name": node.say("name"), "kind": kind, "choices": choices, "default": default}


def _format_label(
    name: str,
    color: str,
    kind: str,
    attributes: tuple[Mapping[str, Any], ...],
    parent: str = "",
) -> list[str]:
    lines = ["<label>", f"<name>{format_text(name)}</name>", f"<color>{color or '#33ddff'}</color>"]
    lines += [f"<type>{kind}</type>", "<attributes>"]
    for told in attributes:
        default = told.get("default")
        values = "\n".join(format_text(v) for v in told.get("choices", ()))
        lines += [
            "<attribute>",
            f"<name>{format_text(told.get('name', ''))}</name>",
            "<mutable>True</mutable>",
            f"<input_type>{_INPUTS.get(str(told.get('kind')), 'text')}</input_type>",
            f"<default_value>{'' if default is None else format_text(format_value(default))}</default_value>",
            f"<values>{values}</values>",
            "</attribute>",
        ]
    lines.append("</attributes>")
    if parent:
        lines.append(f"<parent>{format_text(parent)}</parent>")
    return [*lines, "</label>"]
