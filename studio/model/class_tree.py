"""Which classes are below others: what is done to a class, or looked for in it, means those too."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from studio.model.records import ClassDef


def parents_of(classes: Iterable[ClassDef]) -> dict[int, int | None]:
    """Return the class that each is directly below, by class id."""
    return {cls.id: cls.parent for cls in classes}


def with_below(class_ids: Iterable[int], parents: Mapping[int, int | None]) -> set[int]:
    """Return these classes and all that are below them; a ring of parents ends it too.

    >>> sorted(with_below([1], {1: None, 2: 1, 3: 2, 4: None}))
    [1, 2, 3]
    """
    found, fresh = set[int](), set(class_ids)
    while fresh:
        found |= fresh
        fresh = {cls for cls, above in parents.items() if above in fresh} - found
    return found
