"""What the project needs from whatever keeps it: the seam between the model and ``studio.storage``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, Protocol

from studio.model.records import (
    ClassDef,
    HistoryEntry,
    ImageFilter,
    ImageOrder,
    ImageRecord,
    Shape,
    ShapeRow,
)
from studio.model.review import Comment, Stage
from studio.model.suggestion_rows import SuggestionRow

ChosenStage = Stage | Literal[""]  # empty: the stage follows the labels


@dataclass(frozen=True, slots=True)
class JournalRow:
    """An edit as the journal keeps it: ``data`` is what ``Edit.to_dict`` returned."""

    id: int
    label: str
    data: dict[str, Any]


NATURAL = ImageOrder()
Run = tuple[int, int]  # the first and the last of successive numbers


class Store(Protocol):
    """Classes, images, shapes and the journal of one project.

    Methods that write must be called inside :meth:`transaction`; one transaction is on disk as a
    whole or not at all. Those that take shapes or ids raise ``EditError`` where a row they need is
    missing.
    """

    read_only: bool

    def transaction(self) -> AbstractContextManager[None]:
        """Return a context: what is written inside reaches the disk when it ends, or not at all."""

    def close(self) -> None:
        """Close the connection; closing twice is allowed."""

    def get(self, key: str, default: Any = None) -> Any:
        """Return the plain value kept under ``key``."""

    def put(self, key: str, value: Any) -> None:
        """Keep a plain value under ``key``."""

    def take_ids(self, kind: str, count: int) -> range:
        """Return ``count`` numbers for ``kind`` (``shape``, ``class``, ``comment``) that were never used before."""

    def outside_change(self) -> bool:
        """Tell whether another connection has written since this was asked last."""

    def classes(self) -> list[ClassDef]:
        """Return the classes in their order."""

    def insert_class(self, cls: ClassDef, position: int) -> None:
        """Add a class; those from ``position`` on move back by one."""

    def update_class(self, cls: ClassDef) -> None:
        """Give the class of that id other values."""

    def delete_class(self, class_id: int) -> None:
        """Remove a class that no shape uses; those behind it move forward."""

    def order_classes(self, class_ids: Sequence[int]) -> None:
        """Put the classes in this order."""

    def class_counts(self) -> dict[int, int]:
        """Return the number of shapes of each class id that has any."""

    def image_ids(self, wanted: ImageFilter, order: ImageOrder = NATURAL) -> list[int]:
        """Return the ids that pass, sorted."""

    def count_images(self, wanted: ImageFilter) -> int:
        """Return how many pass."""

    def image(self, image_id: int) -> ImageRecord | None:
        """Return a record, or None."""

    def known_images(self, image_ids: Sequence[int]) -> set[int]:
        """Return which of these images the project lists."""

    def images(self, image_ids: Sequence[int]) -> list[ImageRecord]:
        """Return the records that exist, in the order asked for."""

    def find_image(self, path: Path) -> int | None:
        """Return the id of the image at this absolute path, or None."""

    def status_counts(self) -> dict[str, int]:
        """Return the number of images of every status."""

    def set_size(self, image_id: int, width: int, height: int) -> None:
        """Keep the upright size in pixels."""

    def set_damage(self, image_id: int, note: str) -> None:
        """Keep why an image cannot be read; empty: it can."""

    def background_flags(self, image_ids: Sequence[int]) -> dict[int, bool]:
        """Return the background mark of the images that exist."""

    def set_background(self, flags: Mapping[int, bool]) -> None:
        """Set the background mark of images."""

    def set_splits(self, splits: Mapping[int, str | None]) -> None:
        """Set the split of images."""

    def locked_splits(self, image_ids: Sequence[int]) -> dict[int, int]:
        """Return those of the images whose split is locked, and the number of the version that uses it."""

    def is_any_split_locked(self) -> bool:
        """Tell whether the split of any image is locked."""

    def lock_splits(self, versions: Mapping[int, int]) -> None:
        """Lock the splits of images for the version that uses them; version 0 unlocks them."""

    def set_removed(self, image_ids: Sequence[int], removed: bool) -> None:
        """Take images out of every list, or put them back."""

    def files_of(self, image_ids: Sequence[int]) -> dict[int, Path]:
        """Return where the files of the images that exist are looked for."""

    def place_images(self, files: Mapping[int, Path]) -> None:
        """Note that the files of images lie elsewhere; labels and history stay."""

    def chosen_stages(self, image_ids: Sequence[int]) -> dict[int, ChosenStage]:
        """Return the stage that somebody chose for the images that exist, empty where nobody did."""

    def set_stages(self, stages: Mapping[int, ChosenStage]) -> None:
        """Keep the stage that somebody chose for images."""

    def stage_counts(self) -> dict[Stage, int]:
        """Return the number of images of every stage."""

    def tags_of(self, image_ids: Sequence[int]) -> dict[int, tuple[str, ...]]:
        """Return the tags of the images that exist, sorted."""

    def shared_tags(self, image_ids: Sequence[int]) -> set[str]:
        """Return the tags that all of these images have."""

    def set_tags(self, tags: Mapping[int, Sequence[str]]) -> None:
        """Give images these tags in place of those they had."""

    def tag_counts(self) -> dict[str, int]:
        """Return the number of images of every tag, sorted by the tag."""

    def comments(self, image_id: int) -> list[Comment]:
        """Return the comments of an image, the oldest first."""

    def insert_comment(self, comment: Comment) -> None:
        """Add a numbered comment."""

    def delete_comment(self, comment: Comment) -> None:
        """Remove a comment."""

    def shapes(self, image_id: int) -> list[Shape]:
        """Return the shapes of an image, rearmost first."""

    def shape_rows(self, image_id: int) -> list[ShapeRow]:
        """Return the shapes of an image without their outlines, rearmost first."""

    def shape_rows_by_id(self, shape_ids: Sequence[int]) -> list[ShapeRow]:
        """Return those of these shapes that are there without their outlines, in no particular order."""

    def tags_on(self, image_id: int) -> list[Shape]:
        """Return the tags of an image, rearmost first."""

    def shapes_by_id(self, shape_ids: Sequence[int]) -> list[Shape]:
        """Return these shapes, in the order asked for."""

    def shapes_of_class(self, class_id: int) -> list[Shape]:
        """Return all shapes of a class."""

    def shape_rows_of_class(self, class_id: int) -> list[ShapeRow]:
        """Return the shapes of a class without their outlines."""

    def shapes_of_kind(self, kind: str) -> list[Shape]:
        """Return all shapes of a kind of geometry."""

    def places_of_class(self, class_id: int) -> tuple[list[tuple[int, int]], list[tuple[int, int]]]:
        """Return ``(shape id, image id)`` of all shapes of a class, and of all its suggestions."""

    def move_to_class(
        self,
        shapes: Sequence[tuple[int, int]],
        suggestions: Sequence[tuple[int, int]],
        class_id: int,
    ) -> None:
        """Give shapes and suggestions, as ``(id, image id)``, another class; suggestions that are gone are left out."""

    def shapes_without(self, class_id: int, attribute: str) -> list[int]:
        """Return the numbers of the shapes of a class that have no value for an attribute."""

    def set_attribute(self, shape_ids: Sequence[int], name: str, value: Any) -> None:
        """Give shapes a value for an attribute, None takes it away."""

    def shape_fields(self, shape_ids: Sequence[int]) -> dict[int, dict[str, Any]]:
        """Return everything but the geometry of those of these shapes that are there, with their ``image_id``."""

    def set_shape_fields(self, values: Mapping[int, Mapping[str, Any]]) -> None:
        """Give shapes other values in some fields, by shape id and field name."""

    def kind_counts(self) -> dict[str, int]:
        """Return the number of shapes of each kind of geometry that there is."""

    def classes_of_kind(self, kind: str) -> list[int]:
        """Return the ids of the classes that have shapes of a kind of geometry."""

    def has_kind(self, kinds: Sequence[str]) -> bool:
        """Tell whether any shape has one of these kinds of geometry."""

    def top_z(self, image_id: int) -> int:
        """Return the highest ``z`` on an image, 0 without shapes."""

    def insert_shapes(self, shapes: Sequence[Shape]) -> None:
        """Add numbered shapes."""

    def update_shapes(self, shapes: Sequence[Shape]) -> None:
        """Give shapes other values under their numbers."""

    def delete_shapes(self, shape_ids: Sequence[int]) -> None:
        """Remove shapes."""

    def put_on_shelf(self, number: int, shapes: Sequence[Run], class_ids: Sequence[int]) -> None:
        """Keep the shapes of an import, and all suggestions of its classes, aside; no other shapes of the classes may be left."""

    def take_from_shelf(self, number: int) -> None:
        """Put what was kept aside of an import back to where it was."""

    def suggestions(self, image_id: int) -> list[Shape]:
        """Return the suggestions of an image, rearmost first."""

    def suggestions_of_class(self, class_id: int) -> list[Shape]:
        """Return all suggestions of a class."""

    def suggestions_by_id(self, shape_ids: Sequence[int]) -> list[Shape]:
        """Return those of these suggestions that are there, in the order asked for."""

    def suggestion_rows(self, image_ids: Sequence[int] | None = None) -> list[SuggestionRow]:
        """Return what waits on the images of the list, or on these, without outlines, in no particular order."""

    def suggestion_places(
        self, shape_ids: Sequence[int]
    ) -> dict[int, tuple[int, int, int, frozenset[str]]]:
        """Return ``(image id, z, class id, names of its attributes)`` of those of these suggestions that are there."""

    def accept_suggestions(
        self, places: Sequence[tuple[int, int, Mapping[str, Any]]], stamp: Mapping[str, str]
    ) -> None:
        """Turn suggestions, as ``(id, z of the shape, attributes)``, into shapes with these and those of ``stamp`` besides."""

    def take_acceptance_back(
        self, places: Sequence[tuple[int, int, Mapping[str, None]]], stamped: Sequence[str]
    ) -> None:
        """Turn shapes, as ``(id, z of the suggestion, names)``, back into suggestions without these and the ``stamped``.

        The names have the value None.
        """

    def insert_suggestions(self, shapes: Sequence[Shape]) -> None:
        """Add numbered suggestions; one that is there already is replaced."""

    def delete_suggestions(self, shape_ids: Sequence[int]) -> None:
        """Remove those of these suggestions that are still there."""

    def clear_suggestions(self, image_id: int) -> None:
        """Remove all suggestions of an image."""

    def push_edit(self, label: str, data: dict[str, Any], image_ids: Sequence[int]) -> None:
        """Append an edit to the journal and to the undo history; what was undone before it cannot be redone any more."""

    def steps(self) -> tuple[int, int]:
        """Return how many edits can be undone and how many done again."""

    def step_size(self, back: bool) -> int:
        """Return how many images the edit to undo (or redo) next touches; 0 where there is none."""

    def undo_row(self) -> JournalRow | None:
        """Return the edit to undo next, or None."""

    def redo_row(self) -> JournalRow | None:
        """Return the edit to redo next, or None."""

    def step_back(self) -> None:
        """Note in the journal that the edit of :meth:`undo_row` was undone."""

    def step_forward(self) -> None:
        """Note in the journal that the edit of :meth:`redo_row` was done again."""

    def history(self, limit: int) -> list[HistoryEntry]:
        """Return the latest entries of the undo history, newest first."""
