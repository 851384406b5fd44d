"""Where the person is in an open project: the image, the class and the filter that count now."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence

from studio.model.project import Project
from studio.model.records import ClassDef, ImageFilter, ImageOrder, ImageRecord, Shape, ShapeRow
from studio.model.signal import Signal

_STEADY = ("name", "size", "added")  # orders that no edit of labels changes
_FEW = 64  # shapes: of more all of the image are read, which may well be the selected ones
IMAGE_KEY, CLASS_KEY = "image", "class"  # under which the project remembers the place


class Workspace:
    """The current image, class, filter and selection of one open project.

    Signals:
        image_changed(image_id | None): Another image is the current one.
        list_changed(): The filtered list of images is another one.
        class_changed(class_id | None): Another class is the current one.
        selection_changed(shape_ids): Other shapes are selected.

    Args:
        project: The open project.
    """

    def __init__(self, project: Project) -> None:
        self.project = project
        self.image_changed = Signal()
        self.list_changed = Signal()
        self.class_changed = Signal()
        self.selection_changed = Signal()
        self._filter = ImageFilter()
        self._order = ImageOrder()
        self._image_ids: list[int] = []
        self._positions: dict[int, int] | None = None
        self._image_id: int | None = None
        self._left_id: int | None = None
        self._class_id: int | None = None
        self._selection: tuple[int, ...] = ()
        self._is_stale = False
        project.images_changed.connect(self.refresh)
        for signal in (project.shapes_changed, project.image_changed, project.suggestions_changed):
            signal.connect(self._on_labels_changed)
        project.classes_changed.connect(self._check_class)
        self._class_id = project.recall(CLASS_KEY)
        self._check_class()
        self.refresh()
        last = project.recall(IMAGE_KEY)
        if last is not None and self.position_of(last) is not None:
            self.go_to(last)

    @property
    def image_ids(self) -> Sequence[int]:
        """The images that the filter lets through, sorted."""
        return self._image_ids

    @property
    def image_id(self) -> int | None:
        """The current image, None in an empty project."""
        return self._image_id

    @property
    def class_id(self) -> int | None:
        """The class that the next shape gets, None while the project has no class."""
        return self._class_id

    @property
    def selection(self) -> tuple[int, ...]:
        """Ids of the selected shapes of the current image."""
        return self._selection

    @property
    def filter(self) -> ImageFilter:
        """What narrows the list of images."""
        return self._filter

    @property
    def order(self) -> ImageOrder:
        """How the list of images is sorted."""
        return self._order

    @property
    def position(self) -> int | None:
        """0-based place of the current image in the filtered list, None if the filter hides it."""
        if self._image_id is None:
            return None
        if self._positions is not None:
            return self._positions.get(self._image_id)
        with contextlib.suppress(ValueError):  # to look for one is less work than to number all
            return self._image_ids.index(self._image_id)
        return None

    def position_of(self, image_id: int) -> int | None:
        """Return the 0-based place of an image in the filtered list, None if the filter hides it."""
        if self._positions is None:
            self._positions = {known: at for at, known in enumerate(self._image_ids)}
        return self._positions.get(image_id)

    def remember(self) -> None:
        """Keep the place with the project, for the next time it is opened."""
        self.project.remember(IMAGE_KEY, self._image_id)
        self.project.remember(CLASS_KEY, self._class_id)

    def image(self) -> ImageRecord | None:
        """Return the record of the current image."""
        return None if self._image_id is None else self.project.image(self._image_id)

    def image_before(self) -> int | None:
        """Return the image that was shown before this one, else the one before it in the list; None where there is none."""
        if self._left_id is not None and self.project.images([self._left_id]):
            return self._left_id
        here = self.position
        return self._image_ids[here - 1] if here else None

    def current_class(self) -> ClassDef | None:
        """Return the class that the next shape gets."""
        return next((c for c in self.project.classes() if c.id == self._class_id), None)

    def selected_shapes(self) -> list[Shape]:
        """Return the selected shapes of the current image."""
        if self._image_id is None:
            return []
        if len(self._selection) <= _FEW:
            found = self.project.shapes_by_id(self._selection)
            return [shape for shape in found if shape.image_id == self._image_id]
        chosen = set(self._selection)
        return [shape for shape in self.project.shapes(self._image_id) if shape.id in chosen]

    def selected_rows(self) -> list[ShapeRow]:
        """Return the selected shapes of the current image without their outlines, which of thousands take long to read."""
        found = self.project.shape_rows_by_id(self._selection)
        here = [row for row in found if row.image_id == self._image_id]
        return sorted(here, key=lambda row: (row.z, row.id))

    def set_filter(self, wanted: ImageFilter) -> None:
        """Narrow the list of images; the current image stays as it is."""
        if wanted != self._filter:
            self._filter = wanted
            self.refresh()

    def set_order(self, order: ImageOrder) -> None:
        """Sort the list of images; the current image stays as it is."""
        if order != self._order:
            self._order = order
            self.refresh()

    def go_to(self, image_id: int | None) -> None:
        """Make an image the current one; its selection starts empty."""
        if image_id == self._image_id:
            return
        self._left_id, self._image_id = self._image_id, image_id
        self.select(())
        if self._is_stale:  # only now: the image at hand stays in the list until it is left
            self._read_list()
        self.image_changed.emit(image_id)

    def step(self, count: int) -> bool:
        """Go ``count`` images on (negative: back) in the filtered list; returns whether there was one."""
        if not self._image_ids:
            return False
        here = self.position
        if here is None:
            target = 0
        else:
            target = here + count
            if not 0 <= target < len(self._image_ids):
                return False
        self.go_to(self._image_ids[target])
        return True

    def go_to_next_unlabelled(self) -> bool:
        """Go to the next image without labels after this one, round the end; False where there is none."""
        return self.go_to_next(ImageFilter(statuses=frozenset({"unlabelled"})))

    def go_to_next(self, wanted: ImageFilter) -> bool:
        """Go to the next image of the project that passes ``wanted``, round the end; False where there is none."""
        waiting = set(self.project.image_ids(wanted))
        waiting.discard(self._image_id if self._image_id is not None else -1)
        if not waiting:
            return False
        ids = self.project.image_ids(order=self._order)
        here = ids.index(self._image_id) + 1 if self._image_id in ids else 0
        self.go_to(next(i for i in [*ids[here:], *ids[:here]] if i in waiting))
        return True

    def choose_class(self, class_id: int | None) -> None:
        """Make a class the one that the next shape gets."""
        if class_id != self._class_id:
            self._class_id = class_id
            self.class_changed.emit(class_id)

    def class_at(self, position: int) -> ClassDef | None:
        """Return the class at a 0-based place of the list (the keys 1 to 9 are the places 0 to 8)."""
        classes = self.project.classes()
        return classes[position] if 0 <= position < len(classes) else None

    def select(self, shape_ids: Sequence[int]) -> None:
        """Select shapes of the current image."""
        chosen = tuple(shape_ids)
        if chosen != self._selection:
            self._selection = chosen
            self.selection_changed.emit(chosen)

    def refresh(self) -> None:
        """Read the list of images again."""
        self._read_list()
        if self._image_id is not None and not self.project.images([self._image_id]):
            self.go_to(self._image_ids[0] if self._image_ids else None)
        elif self._image_id is None and self._image_ids:
            self.go_to(self._image_ids[0])

    def _read_list(self) -> None:
        self._is_stale = False
        self._image_ids = self.project.image_ids(self._filter, self._order)
        self._positions = None
        self.list_changed.emit()

    def _on_labels_changed(self, _image_id: int) -> None:
        self._is_stale = self._filter != ImageFilter() or self._order.key not in _STEADY

    def _check_class(self) -> None:
        ids = [cls.id for cls in self.project.classes()]
        if self._class_id not in ids:
            self.choose_class(ids[0] if ids else None)
