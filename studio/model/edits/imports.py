"""An import as one step of the history: what came in, by number; its shapes are kept aside while it is undone."""

# ruff: noqa: D102 - the methods are documented once, in the base class
from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from studio.language import ntr
from studio.model.edits.base import Changes, Edit, edit_from_dict
from studio.model.records import ClassDef, class_from_dict
from studio.model.store import Run, Store


@dataclass(frozen=True)
class TakeImport(Edit):
    """What an import brought; the journal keeps runs of numbers, so that a million shapes are a short row.

    Attributes:
        number: Under which its shapes are kept aside while it is undone.
        classes: The classes that it added, with their places in the list.
        images: Images that came into the list, as runs (first, last).
        shapes: Its shapes, as runs.
        known: Images that were there before and got shapes.
        splits: Splits of those that had none.
        background: Those that it says hold no object.
        keypoints: What it says the keypoints of an object are, where the project did not know.
        replaced: Labels that it put in the place of others.
        count: How many shapes came in.
        undone: Whether this takes the import back.
    """

    number: int
    classes: tuple[tuple[ClassDef, int], ...] = ()
    images: tuple[Run, ...] = ()
    shapes: tuple[Run, ...] = ()
    known: tuple[int, ...] = ()
    splits: Mapping[int, str] = field(default_factory=dict)
    background: tuple[int, ...] = ()
    keypoints: Mapping[str, Any] | None = None
    replaced: Edit | None = None
    count: int = 0
    undone: bool = False
    label: str = ""

    def title(self) -> str:
        said = ntr("Import {count:,} shape", "Import {count:,} shapes", self.count)
        return self.label or said.format(count=self.count)

    def bind(self, store: Store) -> TakeImport:
        return self

    def apply(self, store: Store) -> None:
        (self._take_back if self.undone else self._bring)(store)

    def _bring(self, store: Store) -> None:
        for cls, position in self.classes:
            store.insert_class(cls, position)
        store.set_removed(list(numbers_of(self.images)), False)
        store.take_from_shelf(self.number)
        store.set_splits(self.splits)
        store.set_background(dict.fromkeys(self.background, True))
        if self.keypoints is not None:
            store.put("keypoints", dict(self.keypoints))
        if self.replaced is not None:
            self.replaced.apply(store)

    def _take_back(self, store: Store) -> None:
        if self.replaced is not None:
            self.replaced.inverse().apply(store)
        if self.keypoints is not None:
            store.put("keypoints", None)
        store.set_background(dict.fromkeys(self.background, False))
        store.set_splits(dict.fromkeys(self.splits))
        store.put_on_shelf(self.number, self.shapes, [cls.id for cls, _ in self.classes])
        store.set_removed(list(numbers_of(self.images)), True)
        for cls, _ in reversed(self.classes):
            store.delete_class(cls.id)

    def inverse(self) -> TakeImport:
        return replace(self, undone=not self.undone)

    def changes(self) -> Changes:
        changed = frozenset(self.known)
        return Changes(shapes=changed, suggestions=changed, classes=True, images=True)

    def values(self) -> dict[str, Any]:
        return {
            "count": self.count,
            "number": self.number,
            "classes": [[cls.to_dict(), position] for cls, position in self.classes],
            "images": [list(run) for run in self.images],
            "shapes": [list(run) for run in self.shapes],
            "known": list(self.known),
            "splits": [list(pair) for pair in self.splits.items()],
            "background": list(self.background),
            "keypoints": self.keypoints,
            "replaced": None if self.replaced is None else self.replaced.to_dict(),
            "undone": self.undone,
        }

    @classmethod
    def from_values(cls, values: dict[str, Any]) -> TakeImport:
        replaced = values["replaced"]
        return cls(
            values["number"],
            tuple((class_from_dict(one), position) for one, position in values["classes"]),
            tuple((first, last) for first, last in values["images"]),
            tuple((first, last) for first, last in values["shapes"]),
            tuple(values["known"]),
            dict(values["splits"]),
            tuple(values["background"]),
            values["keypoints"],
            None if replaced is None else edit_from_dict(replaced),
            values["count"],
            values["undone"],
            values["label"],
        )


def runs_of(numbers: Iterable[int]) -> tuple[Run, ...]:
    """Return numbers as runs (first, last), sorted."""
    found: list[Run] = []
    for number in sorted(set(numbers)):
        if found and number == found[-1][1] + 1:
            found[-1] = found[-1][0], number
        else:
            found.append((number, number))
    return tuple(found)


def numbers_of(runs: Iterable[Run]) -> Iterable[int]:
    """Return the numbers of runs."""
    return (number for first, last in runs for number in range(first, last + 1))
