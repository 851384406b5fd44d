"""Edits of images: background mark, split, place of the file, removal from the project (never from the disk)."""

# ruff: noqa: D102 - the methods are documented once, in the base class
from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from studio.language import ntr, tr
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
        return (
            tr("Mark {images} as background")
            if all(self.flags.values())
            else tr("Unmark {images} as background")
        ).format(images=count_of(self.flags))

    def bind(self, store: Store) -> SetBackground:
        before = store.background_flags(list(self.flags))
        check_known(self.flags, before)
        for record in store.images([i for i, flag in self.flags.items() if flag]):
            if record.shape_count:
                raise EditError(
                    ntr(
                        "The image has {count:,} shape, so it is no background.",
                        "The image has {count:,} shapes, so it is no background.",
                        record.shape_count,
                    ).format(count=record.shape_count),
                    path=record.path,
                    remedy=tr("Delete the shapes first."),
                )
        return SetBackground(dict(self.flags), before, self.label)

    def apply(self, store: Store) -> None:
        store.set_background(self.flags)

    def inverse(self) -> SetBackground:
        return SetBackground(self.before or {}, self.flags, self.label)

    def changes(self) -> Changes:
        return Changes(records=frozenset(self.flags))

    def values(self) -> dict[str, Any]:
        return {"flags": to_pairs(self.flags), "before": to_pairs(self.before or {})}

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
        target = names.pop() if len(names) == 1 else tr("other splits")
        return self.label or tr("Move {images} to {target}").format(
            images=count_of(self.splits), target=target
        )

    def bind(self, store: Store) -> SetSplit:
        for name in self.splits.values():
            if name is not None and name not in SPLITS:
                raise EditError(
                    tr("Expected one of {splits}, received {name!r}.").format(
                        splits=", ".join(SPLITS), name=name
                    )
                )
        before = {record.id: record.split for record in store.images(list(self.splits))}
        check_known(self.splits, before)
        moved = [image_id for image_id, name in self.splits.items() if before[image_id] != name]
        if locked := store.locked_splits(moved):
            version = min(locked.values())
            raise EditError(
                tr(
                    "The split of {images} is locked: version {version} uses it, and an image that "
                    "moves from validation to training makes later figures look better than they are."
                ).format(images=count_of(locked), version=version),
                remedy=tr("Unlock the splits on the Dataset page if that is what you want."),
            )
        return SetSplit(dict(self.splits), before, self.label)

    def apply(self, store: Store) -> None:
        store.set_splits(self.splits)

    def inverse(self) -> SetSplit:
        return SetSplit(self.before or {}, self.splits, self.label)

    def changes(self) -> Changes:
        return Changes(records=frozenset(self.splits))

    def values(self) -> dict[str, Any]:
        return {"splits": to_pairs(self.splits), "before": to_pairs(self.before or {})}

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
        said = tr("Remove {images}") if self.removed else tr("Restore {images}")
        return self.label or said.format(images=count_of(self.image_ids))

    def bind(self, store: Store) -> RemoveImages:
        check_known(self.image_ids, store.known_images(self.image_ids))
        return self

    def apply(self, store: Store) -> None:
        store.set_removed(self.image_ids, self.removed)

    def inverse(self) -> RemoveImages:
        return RemoveImages(self.image_ids, not self.removed, self.label)

    def changes(self) -> Changes:
        return Changes(images=True)

    def image_count(self) -> int:
        return len(self.image_ids)

    def values(self) -> dict[str, Any]:
        return {"image_ids": list(self.image_ids), "removed": self.removed}

    @classmethod
    def from_values(cls, values: dict[str, Any]) -> RemoveImages:
        return cls(tuple(values["image_ids"]), values["removed"], values["label"])


@dataclass(frozen=True)
class UnlockSplits(Edit):
    """Let the splits of images be changed although versions use them; binding reads ``before``."""

    image_ids: tuple[int, ...]
    before: Mapping[int, int] | None = None
    locked: bool = False
    label: str = ""

    def title(self) -> str:
        said = (
            tr("Lock the split of {images}") if self.locked else tr("Unlock the split of {images}")
        )
        return self.label or said.format(images=count_of(self.image_ids))

    def bind(self, store: Store) -> UnlockSplits:
        before = store.locked_splits(self.image_ids)
        if not before:
            raise EditError(tr("No split of these images is locked."))
        return UnlockSplits(tuple(before), before, False, self.label)

    def apply(self, store: Store) -> None:
        before = self.before or {}
        store.lock_splits(before if self.locked else dict.fromkeys(before, 0))

    def inverse(self) -> UnlockSplits:
        return UnlockSplits(self.image_ids, self.before, not self.locked, self.label)

    def changes(self) -> Changes:
        return Changes(records=frozenset(self.image_ids))

    def values(self) -> dict[str, Any]:
        before = to_pairs(self.before or {})
        return {"image_ids": list(self.image_ids), "before": before, "locked": self.locked}

    @classmethod
    def from_values(cls, values: dict[str, Any]) -> UnlockSplits:
        ids, before = tuple(values["image_ids"]), dict(values["before"])
        return cls(ids, before, values["locked"], values["label"])


@dataclass(frozen=True)
class PlaceImages(Edit):
    """Look for the files of images elsewhere: they were moved or renamed. Binding reads ``before``."""

    files: Mapping[int, Path]
    before: Mapping[int, Path] | None = None
    label: str = ""

    def title(self) -> str:
        return self.label or tr("Find {images} again").format(images=count_of(self.files))

    def bind(self, store: Store) -> PlaceImages:
        before = store.files_of(list(self.files))
        check_known(self.files, before)
        return PlaceImages(dict(self.files), before, self.label)

    def apply(self, store: Store) -> None:
        store.place_images(self.files)

    def inverse(self) -> PlaceImages:
        return PlaceImages(self.before or {}, self.files, self.label)

    def changes(self) -> Changes:
        return Changes(records=frozenset(self.files), images=True)

    def values(self) -> dict[str, Any]:
        return {"files": _path_pairs(self.files), "before": _path_pairs(self.before or {})}

    @classmethod
    def from_values(cls, values: dict[str, Any]) -> PlaceImages:
        def read(pairs: list[list[Any]]) -> dict[int, Path]:
            return {image_id: Path(path) for image_id, path in pairs}

        return cls(read(values["files"]), read(values["before"]), values["label"])


def check_known(
    wanted: Mapping[int, Any] | Sequence[int], found: Mapping[int, Any] | set[int]
) -> None:
    """Raise where an image that an edit names is not among those that were found."""
    for image_id in wanted:
        if image_id not in found:
            raise EditError(tr("The project has no image {image_id}.").format(image_id=image_id))


def to_pairs(values: Mapping[int, Any]) -> list[list[Any]]:
    """Return pairs: JSON would turn the numbers of a mapping's keys into text."""
    return [[image_id, value] for image_id, value in values.items()]


def _path_pairs(files: Mapping[int, Path]) -> list[list[Any]]:
    return [[image_id, str(path)] for image_id, path in files.items()]


def count_of(images: Mapping[int, Any] | Sequence[int]) -> str:
    """Return how titles call these images."""
    return ntr("image", "{count:,} images", len(images)).format(count=len(images))
