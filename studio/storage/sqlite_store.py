"""The store of a project: its tables behind one transaction."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

from studio.storage.class_table import ClassTable
from studio.storage.database import Database
from studio.storage.image_facts import ImageFacts
from studio.storage.image_table import ImageTable
from studio.storage.import_shelf import ImportShelf
from studio.storage.journal import Journal
from studio.storage.review_table import ReviewTable
from studio.storage.shape_table import ShapeTable
from studio.storage.suggestion_table import SuggestionTable


class SqliteStore(
    ClassTable,
    ImageFacts,
    ImageTable,
    ReviewTable,
    ShapeTable,
    SuggestionTable,
    ImportShelf,
    Journal,
):
    """Implements ``studio.model.store.Store`` over one SQLite file.

    It belongs to the thread that made it. Another thread opens the project again, for reading only.

    Args:
        path: The database file; its folder is the project folder.
        read_only: Refuse every change.
        on_close: Called once after the connection is closed (releases the project's lock).
    """

    def __init__(
        self, path: Path, read_only: bool = False, on_close: Callable[[], None] | None = None
    ) -> None:
        self.folder = path.parent
        self.read_only = read_only
        self._touched: set[int] = set()
        self._recounted: set[int] = set()
        self.on_close = on_close
        self.db = Database(path, read_only)
        self.db.before_commit = self._settle_counts
        self.db.after_rollback = self._forget_counts

    def transaction(self) -> AbstractContextManager[None]:
        """Return a context: what is written inside reaches the disk when it ends, or not at all."""
        return self.db.transaction()

    def outside_change(self) -> bool:
        """Tell whether another connection has written since this was asked last."""
        changed = self.db.outside_change()
        if changed:
            self._sources = None
            self.forget_class_counts()
        return changed

    def close(self) -> None:
        """Close the database and let others write; closing twice is allowed."""
        self.db.close()
        if self.on_close is not None:
            self.on_close()
            self.on_close = None

    def _settle_counts(self) -> None:
        """Bring the records of changed images up to date, once at the end of a transaction."""
        self.refresh_images(sorted(self._recounted - self._touched))
        self.refresh_images(sorted(self._touched), grown=True)
        self._touched.clear()
        self._recounted.clear()

    def _forget_counts(self) -> None:
        self._touched.clear()
        self._recounted.clear()
        self._sources = self._counted_at = None
        self.forget_class_counts()
