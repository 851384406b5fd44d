"""What an import changes, noted while it is written: one step of the history in the end."""

from __future__ import annotations

from dataclasses import dataclass, field

from studio.language import ntr
from studio.model.edits import Batch, Edit, TakeImport, runs_of
from studio.model.records import ImageFilter
from studio.storage.sqlite_store import SqliteStore


@dataclass
class ImportStep:
    """Collects; made before anything is written.

    Attributes:
        store: The project, inside the import's transaction.
        known: Images that the project listed before.
        kept: Images that it does not list but whose shapes it kept: they may come back with them.
        shapes: Numbers of shapes, as (first, last).
        changed: Images that got shapes or lost some.
        splits: Images that had no split, and what they got.
        background: Images that are said to hold no object.
        replaced: Edits that put labels in the place of others.
        count: How many shapes were added.
    """

    store: SqliteStore
    known: set[int] = field(init=False)
    kept: set[int] = field(init=False)
    shapes: list[tuple[int, int]] = field(default_factory=list)
    changed: set[int] = field(default_factory=set)
    splits: dict[int, str] = field(default_factory=dict)
    background: list[int] = field(default_factory=list)
    replaced: list[Edit] = field(default_factory=list)
    count: int = 0

    def __post_init__(self) -> None:
        self.known = set(self.store.image_ids(ImageFilter()))
        self.kept = self.store.removed_with_shapes()
        self._classes = {cls.id for cls in self.store.classes()}
        self._keypoints = self.store.get("keypoints")

    def add_shapes(self, ids: range) -> None:
        """Note the numbers of shapes that were added."""
        if ids:
            self.shapes.append((ids[0], ids[-1]))
            self.count += len(ids)

    def push(self, title: str) -> None:
        """Write the step into the history; the first import of an empty project is its beginning, no step."""
        if self.known or self.store.steps()[0]:
            edit = self._edit(title)
            self.store.push_edit(edit.title(), edit.to_dict(), sorted(self._touched()))

    def _touched(self) -> set[int]:
        new = set(self.store.image_ids(ImageFilter())) - self.known
        return new | (self.changed & self.known) | self.splits.keys() | set(self.background)

    def _edit(self, title: str) -> TakeImport:
        added = [
            (cls, place)
            for place, cls in enumerate(self.store.classes())
            if cls.id not in self._classes
        ]
        keypoints = self.store.get("keypoints")
        label = ntr(
            "Replace labels of {count:,} image",
            "Replace labels of {count:,} images",
            len(self.replaced),
        ).format(count=len(self.replaced))
        return TakeImport(
            self.store.take_ids("import", 1)[0],
            tuple(added),
            runs_of(set(self.store.image_ids(ImageFilter())) - self.known),
            tuple(self.shapes),
            tuple(sorted(self.changed & self.known)),
            self.splits,
            tuple(self.background),
            keypoints if keypoints != self._keypoints else None,
            Batch(tuple(self.replaced), label) if self.replaced else None,
            self.count,
            label=title,
        )
