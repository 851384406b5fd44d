"""The project: what is annotated, the history of edits, and the signals that tell what changed.

It holds no copy of the data: each question goes to the store, so there is nothing to save and
nothing to get out of step.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import replace
from pathlib import Path
from typing import Any

from engine.runtime.errors import ImageError
from studio.language import tr
from studio.model.colors import next_color
from studio.model.edits import AddClass, Changes, Edit, RemoveSuggestions, accept, edit_from_dict
from studio.model.edits.classes import NEW, new_classes
from studio.model.errors import EditError, ReadOnlyError, StorageError
from studio.model.keypoint_scheme import KeypointScheme, scheme_from_dict
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
from studio.model.signal import Signal
from studio.model.store import NATURAL, JournalRow, Store
from studio.model.suggestion_rows import SuggestionRow
from studio.model.tasks import TASK_TITLES, LabelFacts, natural_task

SizeReader = Callable[[Path], tuple[int, int]]
EVERYTHING = ImageFilter()
_MANY = 200


class Project:
    """One open project.

    Every method that changes something returns when the change is on disk. Where it raises, nothing
    was changed.

    Signals:
        shapes_changed(image_id): The shapes of an image differ, hence also its status.
        shapes_edited(image_id, shape_ids): The same, for those who need not ask for all of them again: which differ,
            are new or gone; among them may be some of other images. None: any.
        suggestions_changed(image_id): The suggestions of an image differ.
        image_changed(image_id): The size, split, status, note, stage, tags or comments of an image differ.
        images_changed(): Images were added, removed or found elsewhere, or many records differ: ask for
            the list again.
        classes_changed(): The class list differs.
        history_changed(): There is something else to undo or redo.

    Args:
        store: Where everything is kept; the project closes it.
        folder: The project folder.
        read_size: Reads ``(width, height)`` of an image from its header; raises ``ImageError``.
        notice: What the person should know about how the project was opened (why it is read-only),
            or None.
    """

    def __init__(
        self,
        store: Store,
        folder: Path,
        read_size: SizeReader | None = None,
        notice: str | None = None,
    ) -> None:
        self.store = store
        self.folder = folder
        self.notice = notice
        self._read_size = read_size
        self.shapes_changed = Signal()
        self.shapes_edited = Signal()
        self.suggestions_changed = Signal()
        self.image_changed = Signal()
        self.images_changed = Signal()
        self.classes_changed = Signal()
        self.history_changed = Signal()

    def __enter__(self) -> Project:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the store; everything is on disk already."""
        self.store.close()

    # What it is

    @property
    def name(self) -> str:
        """The project's name, at first that of its folder."""
        return str(self.store.get("name") or self.folder.name)

    @property
    def read_only(self) -> bool:
        """Whether edits are refused; ``notice`` says why."""
        return self.store.read_only

    @property
    def task(self) -> str:
        """What will be trained: what was chosen, else what the shapes are made for (outlines before boxes)."""
        chosen = self.store.get("task")
        return str(chosen) if chosen else natural_task(self.store.has_kind)

    @property
    def keypoints(self) -> KeypointScheme | None:
        """What the keypoints of an object are, None where nobody has said so."""
        values = self.store.get("keypoints")
        return scheme_from_dict(values) if values else None

    @property
    def runs_dir(self) -> Path:
        """Where training runs of this project lie."""
        return self.folder / "runs"

    @property
    def versions_dir(self) -> Path:
        """Where the immutable dataset versions lie."""
        return self.folder / "versions"

    @property
    def exports_dir(self) -> Path:
        """Where exports go unless the person says otherwise."""
        return self.folder / "exports"

    def recall(self, key: str, default: Any = None) -> Any:
        """Return what :meth:`remember` kept under ``key``."""
        return self.store.get(f"view.{key}", default)

    def remember(self, key: str, value: Any) -> None:
        """Keep a plain value with the project (the last image, the current class); not part of the history.

        A project that is open for reading only forgets it: nothing of worth is lost.
        """
        if not self.read_only and self.recall(key) != value:
            with self.store.transaction():
                self.store.put(f"view.{key}", value)

    def choose_task(self, task: str | None) -> None:
        """Fix the task, or (None) let the shapes decide."""
        if task is not None and task not in TASK_TITLES:
            raise EditError(
                tr("Expected the task {task_titles}, received {task!r}.").format(
                    task_titles=", ".join(TASK_TITLES), task=task
                )
            )
        with self._writing():
            self.store.put("task", task)

    def keypoint_schemes(self) -> dict[int, KeypointScheme | None]:
        """Return for each class id what its keypoints are: what is said of the class, else of the project."""
        usual = self.keypoints
        return {cls.id: cls.keypoints or usual for cls in self.classes()}

    def describe_keypoints(self, scheme: KeypointScheme | None) -> None:
        """Say what the keypoints of an object are; the shapes stay as they are."""
        with self._writing():
            self.store.put("keypoints", scheme.to_dict() if scheme is not None else None)

    def label_facts(self) -> LabelFacts:
        """Count what the labels are; from indexes, however many there are."""
        status = self.status_counts()
        return LabelFacts(
            self.store.kind_counts(),
            len(self.store.classes_of_kind("tag")),
            status.get("labelled", 0) + status.get("background", 0),
        )

    # Classes

    def classes(self) -> list[ClassDef]:
        """Return the classes in their order: the keys 1-9, the numbers in YOLO files."""
        return self.store.classes()

    def class_counts(self) -> dict[int, int]:
        """Return the number of shapes of each class id that has any."""
        return self.store.class_counts()

    def add_class(self, name: str, color: str = "") -> ClassDef:
        """Add a class as the last one, as an undoable edit; without ``color`` the next default one."""
        color = color or next_color(cls.color for cls in self.classes())
        edit = self.apply(AddClass(ClassDef(NEW, name, color)))
        return edit.cls if isinstance(edit, AddClass) else self.classes()[-1]

    def add_classes(self, names: Sequence[str]) -> list[ClassDef]:
        """Add classes as the last ones, as one undoable edit, and return them."""
        known = {cls.id for cls in self.classes()}
        self.apply(new_classes(names, self.classes()))
        return [cls for cls in self.classes() if cls.id not in known]

    # Images

    def image_ids(self, wanted: ImageFilter = EVERYTHING, order: ImageOrder = NATURAL) -> list[int]:
        """Return the ids of the images that pass ``wanted``, sorted; first by the natural order of their paths."""
        return self.store.image_ids(wanted, order)

    def count_images(self, wanted: ImageFilter = EVERYTHING) -> int:
        """Return how many images pass ``wanted``."""
        return self.store.count_images(wanted)

    def images(self, image_ids: Sequence[int]) -> list[ImageRecord]:
        """Return the records of ``image_ids`` in that order; ids that are gone are left out."""
        return self.store.images(image_ids)

    def image(self, image_id: int) -> ImageRecord:
        """Return one record with its size, which is read from the file's header the first time.

        Raises:
            EditError: The project has no such image.
        """
        record = self.store.image(image_id)
        if record is None:
            raise EditError(tr("The project has no image {image_id}.").format(image_id=image_id))
        if record.width or record.status == "damaged" or self._read_size is None:
            return record
        return self._measure(record)

    def find_image(self, path: Path) -> int | None:
        """Return the id of the image at ``path``, or None."""
        return self.store.find_image(path)

    def status_counts(self) -> dict[str, int]:
        """Return the number of images of each status, those without images as 0."""
        return self.store.status_counts()

    def stage_counts(self) -> dict[Stage, int]:
        """Return the number of images at each stage, those without images as 0."""
        return self.store.stage_counts()

    def tag_counts(self) -> dict[str, int]:
        """Return the number of images with each tag, sorted by the tag."""
        return self.store.tag_counts()

    def comments(self, image_id: int) -> list[Comment]:
        """Return what was said about an image, the oldest first."""
        return self.store.comments(image_id)

    def remeasure(self, image_id: int) -> ImageRecord:
        """Read the size of an image again, because its file is another one than when it was read first.

        Raises:
            EditError: The project has no such image.
        """
        record = self.store.image(image_id)
        if record is None:
            raise EditError(tr("The project has no image {image_id}.").format(image_id=image_id))
        if record.note and not self.read_only:
            self.report_damage(image_id, "")
        measured = self._measure(replace(record, status="unlabelled"))
        self.image_changed.emit(image_id)
        return measured

    def report_damage(self, image_id: int, reason: str) -> None:
        """Note that an image cannot be read (or, with an empty ``reason``, that it can again)."""
        if self.read_only:
            return
        with self.store.transaction():
            self.store.set_damage(image_id, reason)
        self.image_changed.emit(image_id)

    # Shapes and edits

    def shapes(self, image_id: int) -> list[Shape]:
        """Return the shapes of an image, the rearmost first."""
        return self.store.shapes(image_id)

    def shape_rows(self, image_id: int) -> list[ShapeRow]:
        """Return the shapes of an image without their outlines, the rearmost first."""
        return self.store.shape_rows(image_id)

    def shapes_by_id(self, shape_ids: Sequence[int]) -> list[Shape]:
        """Return those of these shapes that are there, the rearmost of an image first."""
        there = self.store.shape_fields(shape_ids)
        shapes = self.store.shapes_by_id([i for i in shape_ids if i in there])
        return sorted(shapes, key=lambda shape: (shape.image_id, shape.z, shape.id))

    def shape_rows_by_id(self, shape_ids: Sequence[int]) -> list[ShapeRow]:
        """Return those of these shapes that are there, without their outlines, in no particular order."""
        return self.store.shape_rows_by_id(shape_ids)

    def tags_on(self, image_id: int) -> list[Shape]:
        """Return the shapes of an image that are tags of the whole image, the rearmost first."""
        return self.store.tags_on(image_id)

    def tell_of_shapes(self, image_id: int, shape_ids: frozenset[int] | None = None) -> None:
        """Tell every listener that shapes of an image differ: these, or with None any."""
        self.shapes_edited.emit(image_id, shape_ids)
        self.shapes_changed.emit(image_id)

    def apply(self, edit: Edit) -> Edit:
        """Apply ``edit`` and write it, with its row in the journal, in one transaction.

        Returns:
            The edit as it was kept, with the numbers that new shapes or classes got.

        Raises:
            EditError: It does not fit the project.
            StorageError: It could not be written (disk full, read-only, ...).
        """
        with self._writing():
            bound = edit.bind(self.store)
            bound.apply(self.store)
            self.store.push_edit(bound.title(), bound.to_dict(), _images_of(bound.changes()))
        self._announce(bound.changes())
        return bound

    def undo(self) -> Edit | None:
        """Take back the last edit that stands, also one of an earlier session; None when there is none."""
        return self._step(self.store.undo_row, self.store.step_back, back=True)

    def redo(self) -> Edit | None:
        """Do again the edit that was undone last; None when there is none."""
        return self._step(self.store.redo_row, self.store.step_forward, back=False)

    @property
    def can_undo(self) -> bool:
        """Whether :meth:`undo` has something to take back."""
        return not self.read_only and self.store.steps()[0] > 0

    @property
    def can_redo(self) -> bool:
        """Whether :meth:`redo` has something to do again."""
        return not self.read_only and self.store.steps()[1] > 0

    def step_size(self, back: bool) -> int:
        """Return how many images :meth:`undo` (``back``) or :meth:`redo` would touch, about; 0 for nothing to do."""
        return self.store.step_size(back)

    def history(self, limit: int = 100) -> list[HistoryEntry]:
        """Return the latest entries of the undo history, newest first, undone ones included."""
        return self.store.history(limit)

    # Suggestions

    def suggestions(self, image_id: int) -> list[Shape]:
        """Return the suggestions that wait on an image, the rearmost first."""
        return self.store.suggestions(image_id)

    def suggestion_rows(self, image_ids: Sequence[int] | None = None) -> list[SuggestionRow]:
        """Return what waits on all images, or on these, without outlines, in no particular order."""
        return self.store.suggestion_rows(image_ids)

    def suggestions_by_id(self, shape_ids: Sequence[int]) -> list[Shape]:
        """Return those of these suggestions that are there, in the order asked for."""
        return self.store.suggestions_by_id(shape_ids)

    def set_suggestions(self, image_id: int, shapes: Sequence[Shape]) -> list[Shape]:
        """Replace the suggestions of an image; not part of the history. Returns them with their numbers."""
        self.set_many_suggestions({image_id: shapes})
        return self.suggestions(image_id)

    def set_many_suggestions(self, shapes: dict[int, Sequence[Shape]]) -> None:
        """Replace the suggestions of several images in one transaction."""
        with self._writing():
            for image_id, proposed in shapes.items():
                ids = self.store.take_ids("shape", len(proposed))
                self.store.clear_suggestions(image_id)
                self.store.insert_suggestions(_numbered(image_id, proposed, ids))
        for image_id in shapes:
            self.suggestions_changed.emit(image_id)

    def accept_suggestions(self, image_id: int, ids: Sequence[int] | None = None) -> Edit | None:
        """Turn all suggestions of an image (or those of ``ids``) into shapes; None when there are none."""
        chosen = self._chosen(image_id, ids)
        return self.apply(accept(chosen)) if chosen else None

    def reject_suggestions(self, image_id: int, ids: Sequence[int] | None = None) -> Edit | None:
        """Drop all suggestions of an image (or those of ``ids``), undoable; None when there are none."""
        chosen = self._chosen(image_id, ids)
        return self.apply(RemoveSuggestions(tuple(chosen))) if chosen else None

    # Other writers

    def refresh(self) -> bool:
        """Tell every listener to ask again if another process has written to the project meanwhile."""
        if not self.store.outside_change():
            return False
        self.images_changed.emit()
        self.classes_changed.emit()
        self.history_changed.emit()
        return True

    def _writing(self) -> AbstractContextManager[None]:
        if self.read_only:
            raise ReadOnlyError(
                self.notice or tr("The project is open for reading only."), path=self.folder
            )
        return self.store.transaction()

    def _chosen(self, image_id: int, ids: Sequence[int] | None) -> list[Shape]:
        waiting = self.suggestions(image_id)
        if ids is None:
            return waiting
        wanted = set(ids)
        return [shape for shape in waiting if shape.id in wanted]

    def _step(
        self, row_of: Callable[[], JournalRow | None], move: Callable[[], None], back: bool
    ) -> Edit | None:
        with self._writing():
            row = row_of()
            if row is None:
                return None
            edit = edit_from_dict(row.data)
            (edit.inverse() if back else edit).apply(self.store)
            move()
        self._announce(edit.changes())
        return edit

    def _measure(self, record: ImageRecord) -> ImageRecord:
        if self._read_size is None:
            return record
        if not record.path.is_file():  # a drive that is not there today is no damage to remember
            return replace(record, status="damaged", note=missing_file_note(record.path))
        try:
            width, height = self._read_size(record.path)
        except ImageError as error:
            if self.read_only:
                return replace(record, status="damaged", note=str(error))
            self.report_damage(record.id, str(error))
        else:
            found = replace(record, width=width, height=height)
            if self.read_only:
                return found
            try:
                with self.store.transaction():
                    self.store.set_size(record.id, width, height)
            except (
                StorageError
            ):  # a full disk must not keep anybody from looking; read again next time
                return found
        return self.store.image(record.id) or record

    def _announce(self, changes: Changes) -> None:
        if changes.classes:
            self.classes_changed.emit()
        many = len(changes.records) > _MANY  # to tell of each alone would take seconds
        if changes.images or many:
            self.images_changed.emit()
        for image_id in () if many else sorted(changes.records):
            self.image_changed.emit(image_id)
        for image_id in sorted(changes.shapes):
            self.tell_of_shapes(image_id, changes.ids)
        for image_id in sorted(changes.suggestions):
            self.suggestions_changed.emit(image_id)
        self.history_changed.emit()


def missing_file_note(path: Path) -> str:
    """Return the sentence for an image whose file is gone."""
    return tr(
        "{path}: the file is missing. Bring it back or connect its drive; the shapes are kept."
    ).format(path=path)


def _images_of(changes: Changes) -> list[int]:
    return sorted(changes.shapes | changes.suggestions | changes.records)


def _numbered(image_id: int, shapes: Sequence[Shape], ids: range) -> list[Shape]:
    return [
        replace(shape, id=shape_id, image_id=image_id, z=z)
        for z, (shape_id, shape) in enumerate(zip(ids, shapes, strict=True), start=1)
    ]
