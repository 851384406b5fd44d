"""Edits of images: background mark, split, removal from the project (never from the disk)."""

# ruff: noqa: D102 - the methods are documented once, in the base class
from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from studio.model.edits.base import Changes, Edit
from studio.model.errors import EditError
from studio.model.records import SPLITS
from studio.model.store import Store


@dataclass(frozen=True)
class SetBackground(Edit):
    """Mark images as looked at and empty, or take the mark back; binding reads ``before``."""

    flags: Mapping[int, bool]
    before: Mapping[int, bool] | None = None
    label: str = ""

    def title(self) -> str:
        if self.label:
            return self.label
        verb = "Mark" if all(self.flags.values()) else "Unmark"
        return f"{verb} {_count(self.flags)} as background"

    def bind(self, store: Store) -> SetBackground:
        before = store.background_flags(list(self.flags))
        _check_known(self.flags, before)
        for record in store.images([i for i, flag in self.flags.items() if flag]):
            if record.shape_count:
                raise EditError(
                    f"The image has {record.shape_count} shape(s), so it is no background.",
                    path=record.path,
                    remedy="Delete the shapes first.",
                )
        return SetBackground(dict(self.flags), before, self.label)

    def apply(self, store: Store) -> None:
        store.set_background(self.flags)

    def inverse(self) -> SetBackground:
        return SetBackground(self.before or {}, self.flags, self.label)

    def changes(self) -> Changes:
        return Changes(records=frozenset(self.flags))

    def values(self) -> dict[str, Any]:
        return {"flags": _pairs(self.flags), "before": _pairs(self.before or {})}

    @classmethod
    def from_values(cls, values: dict[str, Any]) -> SetBackground:
        return cls(dict(values["flags"]), dict(values["before"]), values["label"])


@dataclass(frozen=True)
class SetSplit(Edit):
    """Put images into ``train``, ``val`` or ``test``, or leave the choice to the version (None)."""

    splits: Mapping[int, str | None]
    before: Mapping[int, str | None] | None = None
    label: str = ""

    def title(self) -> str:
        names = {name or "automatic" for name in self.splits.values()}
        target = names.pop() if len(names) == 1 else "other splits"
        return self.label or f"Move {_count(self.splits)} to {target}"

    def bind(self, store: Store) -> SetSplit:
        for name in self.splits.values():
            if name is not None and name not in SPLITS:
                raise EditError(f"Expected one of {', '.join(SPLITS)}, received {name!r}.")
        before = {record.id: record.split for record in store.images(list(self.splits))}
        _check_known(self.splits, before)
        return SetSplit(dict(self.splits), before, self.label)

    def apply(self, store: Store) -> None:
        store.set_splits(self.splits)

    def inverse(self) -> SetSplit:
        return SetSplit(self.before or {}, self.splits, self.label)

    def changes(self) -> Changes:
        return Changes(records=frozenset(self.splits))

    def values(self) -> dict[str, Any]:
        return {"splits": _pairs(self.splits), "before": _pairs(self.before or {})}

    @classmethod
    def from_values(cls, values: dict[str, Any]) -> SetSplit:
        return cls(dict(values["splits"]), dict(values["before"]), values["label"])


@dataclass(frozen=True)
class RemoveImages(Edit):
    """Take images out of the project, or put them back; their shapes stay with them, the files are never touched."""

    image_ids: tuple[int, ...]
    removed: bool = True
    label: str = ""

    def title(self) -> str:
        verb = "Remove" if self.removed else "Restore"
        return self.label or f"{verb} {_count(self.image_ids)}"

    def bind(self, store: Store) -> RemoveImages:
        found = {record.id for record in store.images(self.image_ids)}
        _check_known(self.image_ids, found)
        return self

    def apply(self, store: Store) -> None:
        store.set_removed(self.image_ids, self.removed)

    def inverse(self) -> RemoveImages:
        return RemoveImages(self.image_ids, not self.removed, self.label)

    def changes(self) -> Changes:
        return Changes(images=True)

    def values(self) -> dict[str, Any]:
        return {"image_ids": list(self.image_ids), "removed": self.removed}

    @classmethod
    def from_values(cls, values: dict[str, Any]) -> RemoveImages:
        return cls(tuple(values["image_ids"]), values["removed"], values["label"])


def _check_known(
    wanted: Mapping[int, Any] | Sequence[int], found: Mapping[int, Any] | set[int]
) -> None:
    for image_id in wanted:
        if image_id not in found:
            raise EditError(f"The project has no image {image_id}.")


def _pairs(values: Mapping[int, Any]) -> list[list[Any]]:
    """Return pairs: JSON would turn the numbers of a mapping's keys into text."""
    return [[image_id, value] for image_id, value in values.items()]


def _count(images: Mapping[int, Any] | Sequence[int]) -> str:
    return "image" if len(images) == 1 else f"{len(images)} images"
