"""Classes of a dataset in a project: matched by name or by what the person chose, new ones with all that is known of them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from engine.data.annotations.attribute_names import RESERVED
from engine.data.formats import ClassInfo, LabelledDataset
from studio.language import tr
from studio.model.attribute_def import ATTRIBUTE_KINDS, AttributeDef, attribute_from_dict
from studio.model.colors import is_color, next_color
from studio.model.errors import EditError
from studio.model.keypoint_scheme import KeypointScheme
from studio.model.one_line import is_one_line, one_line
from studio.model.records import ClassDef
from studio.storage.sqlite_store import SqliteStore

# What a class of the dataset becomes: the name of a class of the project, or None: it is left out.
ClassChoices = Mapping[str, str | None]


def take_classes(
    store: SqliteStore, dataset: LabelledDataset, choices: ClassChoices
) -> dict[int, int | None]:
    """Return the project's class for each index of the dataset, None for one that is left out.

    Classes that the project does not have are added, with their colour, attributes, keypoints and
    the class above them where the format says so.

    Args:
        store: The project, inside a transaction.
        dataset: What is imported.
        choices: Other names than the dataset's own.
    """
    classes = store.classes()
    by_name = {cls.name: cls.id for cls in classes}
    colors = {cls.color for cls in classes}
    taken: dict[int, int | None] = {}
    for index, own in dataset.names.items():
        chosen = choices.get(own, own)
        if chosen is None:
            taken[index] = None
            continue
        name = _name(chosen, index)
        if name not in by_name:
            info = dataset.classes.get(index, ClassInfo())
            color = info.color.lower()
            if not is_color(color) or color in colors:
                color = next_color(colors)
            cls = ClassDef(
                store.take_ids("class", 1)[0],
                name,
                color,
                parent=by_name.get(one_line(info.supercategory)),
                attributes=_attributes(info),
                keypoints=_keypoints(info),
            )
            store.insert_class(cls, len(by_name))
            by_name[name] = cls.id
            colors.add(color)
        taken[index] = by_name[name]
    return taken


def told_names(dataset: LabelledDataset, choices: ClassChoices) -> list[str]:
    """Return a sentence for each class whose own name is not one line of text and was taken as one."""
    return [
        tr(
            "The name of class {index} holds line breaks or other control characters: it was read as '{name}'."
        ).format(index=index, name=_name(own, index))
        for index, own in dataset.names.items()
        if not is_one_line(own) and choices.get(own, own) == own
    ]


def matched_name(name: str, known: list[str]) -> str | None:
    """Return the class that a dataset's class most likely is: the same name, else one that differs in case or hyphens."""
    name = one_line(name)
    if name in known:
        return name
    alike = [one for one in known if _plain(one) == _plain(name)]
    return alike[0] if len(alike) == 1 else None


def _name(said: str, index: int) -> str:
    return one_line(said) or f"class {index}"


def _plain(name: str) -> str:
    return "".join(c for c in name.casefold() if c not in " -_.")


def _attributes(info: ClassInfo) -> tuple[AttributeDef, ...]:
    """Return the attributes that can be kept, none twice."""
    found: dict[str, AttributeDef] = {}
    for said in info.attributes:
        if (attribute := _attribute(said)) is not None:
            found.setdefault(attribute.name, attribute)
    return tuple(found.values())


def _attribute(said: Mapping[str, Any]) -> AttributeDef | None:
    name, kind = said.get("name"), said.get("kind")
    if not isinstance(name, str) or name in RESERVED or kind not in ATTRIBUTE_KINDS:
        return None
    try:
        return attribute_from_dict(said)
    except EditError:  # a default that is no choice: the choices are worth more
        try:
            return attribute_from_dict({**said, "default": None})
        except EditError:
            return None


def _keypoints(info: ClassInfo) -> KeypointScheme | None:
    if not info.keypoints:
        return None
    count = len(info.keypoints)
    bones = tuple(b for b in info.skeleton if b[0] != b[1] and all(0 <= p < count for p in b))
    try:
        return KeypointScheme(count, info.flip, info.keypoints, bones)
    except EditError:  # mirror pairs that do not fit
        return KeypointScheme(count, (), info.keypoints, bones)
