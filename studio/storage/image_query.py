"""From a filter and an order to SQL that an index answers."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

from studio.model.provenance import IMPORTED
from studio.model.records import ImageFilter, ImageOrder
from studio.storage.name_keys import search_key

Condition = tuple[str, list[Any]]
ClassesNamed = tuple[list[int], bool]
_PATH = "source_id, sort_key, id"
_TERMS = re.compile(r'"([^"]*)"?|(\S+)')
_STAGE_PLACE = (
    "CASE stage WHEN 'new' THEN 0 WHEN 'in_progress' THEN 1 WHEN 'rejected' THEN 2 "
    "WHEN 'done' THEN 3 WHEN 'reviewed' THEN 4 ELSE 5 END"
)
_SPLIT_PLACE = "CASE split WHEN 'train' THEN 0 WHEN 'val' THEN 1 WHEN 'test' THEN 2 ELSE 3 END"
_ORDERS = {
    "shapes": "shape_count",
    "status": "status",
    "stage": _STAGE_PLACE,
    "split": _SPLIT_PLACE,
    "score": "score",
    "size": "width * height",
    "added": "added",
    "modified": "modified",
}
# A part of the name of a class with shapes on an image or of one above it, of its path, or of its words; the class first, because
# the index that lists the images answers it without reading them.
_TERM = (
    "({classes}instr(search, ?) > 0"
    " OR id IN (SELECT image_id FROM image_words WHERE instr(words, ?) > 0))"
)
# A word like "e" may stand for every class: a look at each image is then quicker than a list of most of them.
_ON_MANY = (
    "EXISTS (SELECT 1 FROM image_classes INDEXED BY classes_of_image"
    " WHERE image_id = images.id AND class_id IN ({marks})) OR "
)
_ON_FEW = "id IN (SELECT image_id FROM image_classes WHERE class_id IN ({marks})) OR "


def ids_query(
    wanted: ImageFilter,
    order: ImageOrder,
    classes: Callable[[str], ClassesNamed],
    below: Callable[[int], list[int]],
) -> Condition:
    """Return the query of the ids that pass ``wanted``, sorted, and its values.

    Args:
        wanted: The filter.
        order: The order.
        classes: Returns the classes whose name holds a term and those below them, and whether few images show them.
        below: Returns a class and those below it.
    """
    condition, values = _condition(wanted, classes, below)
    return f"SELECT id FROM images WHERE {condition} ORDER BY {_order(order)}", values


def count_query(
    wanted: ImageFilter, classes: Callable[[str], ClassesNamed], below: Callable[[int], list[int]]
) -> Condition:
    """Return the query of how many images pass ``wanted``, and its values."""
    condition, values = _condition(wanted, classes, below)
    return f"SELECT COUNT(*) FROM images WHERE {condition}", values


def terms(text: str) -> list[str]:
    """Return the words of a search as they are compared; double quotes hold several together.

    >>> terms('Street "left lane')
    ['street', 'left lane']
    """
    found = [search_key(quoted or plain) for quoted, plain in _TERMS.findall(text)]
    return [term for term in found if term.strip()]


def _order(order: ImageOrder) -> str:
    direction = " DESC" if order.descending else ""
    if order.key == "name":
        return ", ".join(f"{column}{direction}" for column in _PATH.split(", "))
    last = "score IS NULL, " if order.key == "score" else ""
    return f"{last}{_ORDERS[order.key]}{direction}, {_PATH}"


def _condition(
    wanted: ImageFilter, classes: Callable[[str], ClassesNamed], below: Callable[[int], list[int]]
) -> Condition:
    parts, values = ["removed = 0"], list[Any]()
    for part, more in (
        _one_of("status", sorted(wanted.statuses)),
        _one_of("stage", sorted(wanted.stages)),
        _split(wanted.split),
        ("suggestion_count > 0" if wanted.suggested else "", []),
        ("comment_count > 0" if wanted.commented else "", []),
        _between("shape_count", wanted.shapes),
        _between("score", wanted.score),
        _between("added", (wanted.added_since, None)),
        _between("modified", (wanted.modified_since, None)),
        _classes(below(wanted.class_id) if wanted.class_id is not None else []),
        _tags(sorted(wanted.tags)),
        _sources(sorted(wanted.sources)),
        _only(wanted.only),
        *(_term(term, classes(term)) for term in terms(wanted.text)),
    ):
        if part:
            parts.append(part)
            values.extend(more)
    return " AND ".join(parts), values


def _one_of(column: str, wanted: list[Any]) -> Condition:
    return f"{column} IN ({_marks(wanted)})" if wanted else "", wanted


def _split(wanted: str | None) -> Condition:
    if wanted == "":
        return "split IS NULL", []
    return ("split = ?", [wanted]) if wanted is not None else ("", [])


def _between(column: str, bounds: tuple[float | None, float | None] | None) -> Condition:
    low, high = bounds or (None, None)
    found = [(f"{column} >= ?", low), (f"{column} <= ?", high)]
    kept = [(sql, value) for sql, value in found if value is not None]
    return " AND ".join(sql for sql, _ in kept), [value for _, value in kept]


def _classes(wanted: list[int]) -> Condition:
    sql = f"id IN (SELECT image_id FROM image_classes WHERE class_id IN ({_marks(wanted)}))"
    return sql if wanted else "", wanted


def _tags(wanted: list[str]) -> Condition:
    sql = f"id IN (SELECT image_id FROM image_tags WHERE tag IN ({_marks(wanted)}))"
    return sql if wanted else "", wanted


def _sources(wanted: list[str]) -> Condition:
    """Return the images with shapes of a source; the index holds no imported ones, which would be most."""
    known = "" if IMPORTED in wanted else f" AND source <> '{IMPORTED}'"
    sql = f"id IN (SELECT image_id FROM shapes WHERE source IN ({_marks(wanted)}){known})"
    return sql if wanted else "", wanted


def _only(wanted: tuple[int, ...] | None) -> Condition:
    if wanted is None:
        return "", []
    return "id IN (SELECT value FROM json_each(?))", [json.dumps(wanted)]


def _term(term: str, named: ClassesNamed) -> Condition:
    class_ids, on_few = named
    sql = _ON_FEW if on_few else _ON_MANY
    classes = sql.format(marks=_marks(class_ids)) if class_ids else ""
    return _TERM.format(classes=classes), [*class_ids, term, term]


def _marks(values: list[Any]) -> str:
    return ", ".join("?" * len(values))
