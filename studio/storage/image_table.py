"""Images, and the folders they were added from, in the database."""

# ruff: noqa: D102 - the methods of the Store protocol are documented once, in studio.model.store
from __future__ import annotations

import json
import os
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from studio.language import tr
from studio.model.errors import EditError
from studio.model.records import STATUSES, ImageFilter, ImageOrder, ImageRecord
from studio.model.store import NATURAL
from studio.storage.database import Database
from studio.storage.image_query import ClassesNamed, count_query, ids_query
from studio.storage.name_keys import search_key, sort_key

_COLUMNS = (
    "id, source_id, rel, width, height, split, status, note, shape_count, suggestion_count, stage, "
    "(SELECT json_group_array(tag) FROM image_tags WHERE image_id = images.id), "
    "score, comment_count, added, modified"
)
_CHUNK = 500  # ids in one query
_FEW = 20_000


class ImageTable:
    """The part of the store that keeps images."""

    db: Database
    folder: Path
    _touched: set[int]
    _sources: dict[int, Path] | None = None
    _counted: dict[str, int]
    _counted_at: tuple[int, int] | None = None  # the database's state that they belong to
    refresh_images: Callable[[Iterable[int]], None]  # studio.storage.image_facts
    forget_class_counts: Callable[[], None]
    _classes_named: Callable[[str], ClassesNamed]  # studio.storage.class_table
    _with_below: Callable[[int], list[int]]  # the same

    # Store protocol

    def image_ids(self, wanted: ImageFilter, order: ImageOrder = NATURAL) -> list[int]:
        query, values = ids_query(wanted, order, self._classes_named, self._with_below)
        # one list instead of 100,000 rows, in half the time; it keeps the order of what it is made from
        found = self.db.value(f"SELECT json_group_array(id) FROM ({query})", values)
        ids: list[int] = json.loads(found)
        return ids

    def count_images(self, wanted: ImageFilter) -> int:
        return int(self.db.value(*count_query(wanted, self._classes_named, self._with_below)))

    def image(self, image_id: int) -> ImageRecord | None:
        found = self.images([image_id])
        return found[0] if found else None

    def images(self, image_ids: Sequence[int]) -> list[ImageRecord]:
        rows = self.select_images(_COLUMNS, image_ids)
        found = {row[0]: self._record(row) for row in rows}
        return [found[image_id] for image_id in image_ids if image_id in found]

    def known_images(self, image_ids: Sequence[int]) -> set[int]:
        return {row[0] for row in self.select_images("id", image_ids)}

    def select_images(
        self, columns: str, image_ids: Sequence[int], condition: str = "1"
    ) -> Iterator[tuple[Any, ...]]:
        """Yield columns of the images that are listed, have one of these ids and meet a condition."""
        for start in range(0, len(image_ids), _CHUNK):
            ids = image_ids[start : start + _CHUNK]
            # the plus keeps SQLite from walking through all images by an index instead of the ids
            sql = (
                f"SELECT {columns} FROM images WHERE +removed = 0 "
                f"AND id IN ({', '.join('?' * len(ids))}) AND {condition}"
            )
            yield from self.db.rows(sql, list(ids))

    def find_image(self, path: Path) -> int | None:
        for source_id, rel in self._places(path):
            sql = "SELECT id FROM images WHERE source_id = ? AND rel = ? AND removed = 0"
            image_id = self.db.value(sql, (source_id, rel))
            if image_id is not None:
                return int(image_id)
        return None

    def status_counts(self) -> dict[str, int]:
        state = self.db.state()
        if state != self._counted_at:
            sql = "SELECT status, COUNT(*) FROM images WHERE removed = 0 GROUP BY status"
            counts = {str(status): int(count) for status, count in self.db.rows(sql)}
            self._counted, self._counted_at = dict.fromkeys(STATUSES, 0) | counts, state
        return dict(self._counted)

    def set_size(self, image_id: int, width: int, height: int) -> None:
        self.set_sizes([(image_id, width, height)])

    def set_damage(self, image_id: int, note: str) -> None:
        self.db.write("UPDATE images SET note = ? WHERE id = ?", (note, image_id))
        self.refresh_images([image_id])

    def background_flags(self, image_ids: Sequence[int]) -> dict[int, bool]:
        rows = self.select_images("id, background", image_ids)
        return {image_id: bool(flag) for image_id, flag in rows}

    def set_background(self, flags: Mapping[int, bool]) -> None:
        values = [(flag, image_id) for image_id, flag in flags.items()]
        self.db.write_many("UPDATE images SET background = ? WHERE id = ?", values)
        self._touched.update(flags)

    def set_splits(self, splits: Mapping[int, str | None]) -> None:
        values = [(split, image_id) for image_id, split in splits.items()]
        self.db.write_many("UPDATE images SET split = ? WHERE id = ?", values)

    def locked_splits(self, image_ids: Sequence[int]) -> dict[int, int]:
        rows = self.select_images("id, locked_by", image_ids, "locked_by > 0")
        return {image_id: int(version) for image_id, version in rows}

    def set_file_sizes(self, sizes: Iterable[tuple[int, int]]) -> None:
        """Keep ``(image_id, bytes)`` of several image files: by them moved files are found again."""
        values = [(size, image_id) for image_id, size in sizes]
        self.db.write_many("UPDATE images SET file_size = ? WHERE id = ?", values)

    def split_of(self) -> dict[int, str | None]:
        """Return the split of every image."""
        return dict(self.db.rows("SELECT id, split FROM images WHERE removed = 0"))

    def is_any_split_locked(self) -> bool:
        return self.db.value("SELECT 1 FROM images WHERE locked_by > 0 LIMIT 1") is not None

    def lock_splits(self, versions: Mapping[int, int]) -> None:
        """Lock the splits of images for the version that uses them; version 0 unlocks them."""
        values = [(version, image_id) for image_id, version in versions.items()]
        self.db.write_many("UPDATE images SET locked_by = ? WHERE id = ?", values)

    def set_removed(self, image_ids: Sequence[int], removed: bool) -> None:
        values = [(removed, image_id) for image_id in image_ids]
        self.db.write_many("UPDATE images SET removed = ? WHERE id = ?", values)
        self.forget_class_counts()

    def removed_with_shapes(self) -> set[int]:
        """Return the images that are not listed any more but whose shapes are kept."""
        sql = "SELECT id FROM images WHERE removed = 1 AND shape_count > 0"
        return {row[0] for row in self.db.rows(sql)}

    def files_of(self, image_ids: Sequence[int]) -> dict[int, Path]:
        rows = self.select_images("id, source_id, rel", image_ids)
        return {image_id: self._path(source_id, rel) for image_id, source_id, rel in rows}

    def place_images(self, files: Mapping[int, Path]) -> None:
        for image_id, path in files.items():
            source_id, rel = self._place_for(path)
            taken = "SELECT id FROM images WHERE source_id = ? AND rel = ? AND id <> ?"
            if self.db.value(taken, (source_id, rel, image_id)) is not None:
                raise EditError(
                    tr("The project has an image of this file already."),
                    path=path,
                    remedy=tr("Choose another file, or remove the image that is missing."),
                )
            self.db.write(
                "UPDATE images SET source_id = ?, rel = ?, sort_key = ?, search = ? WHERE id = ?",
                (source_id, rel, sort_key(rel), search_key(rel), image_id),
            )

    # Adding images: studio.storage.image_index and dataset_import

    def sources(self) -> dict[int, Path]:
        """Return the folders that images were added from, as absolute paths."""
        if self._sources is None:
            rows = self.db.rows("SELECT id, path FROM sources")
            self._sources = {row[0]: self.folder / row[1] for row in rows}
        return self._sources

    def take_source(self, folder: Path) -> int:
        """Return the number of the source ``folder``, which is added if it is new."""
        for source_id, known in self.sources().items():
            if known == folder:
                return source_id
        inside = folder.is_relative_to(self.folder)
        kept = folder.relative_to(self.folder) if inside else folder
        self.db.write("INSERT INTO sources (path) VALUES (?)", (kept.as_posix(),))
        self._sources = None
        return next(i for i, known in self.sources().items() if known == folder)

    def move_source(self, source_id: int, folder: Path) -> None:
        """Note that the images of a source now lie in ``folder``."""
        inside = folder.is_relative_to(self.folder)
        kept = folder.relative_to(self.folder) if inside else folder
        self.db.write("UPDATE sources SET path = ? WHERE id = ?", (kept.as_posix(), source_id))
        self._sources = None

    def nested_sources(self, folder: Path) -> set[Path]:
        """Return the sources that lie below ``folder``."""
        known = self.sources().values()
        return {path for path in known if path != folder and path.is_relative_to(folder)}

    def enclosing_source(self, folder: Path) -> int | None:
        """Return the deepest source that is ``folder`` or holds it, or None."""
        holding = [
            (len(known.parts), source_id)
            for source_id, known in self.sources().items()
            if folder == known or folder.is_relative_to(known)
        ]
        return max(holding)[1] if holding else None

    def add_images(self, source_id: int, rels: Sequence[str]) -> int:
        """Add files of a source by their path below it and return how many were not there before.

        Files that the project knows already stay as they are; ones that were removed from it come
        back.
        """
        now = time.time()
        self.forget_class_counts()  # one that comes back brings its shapes
        return self.db.write_many(
            "INSERT INTO images (source_id, rel, sort_key, search, added) VALUES (?, ?, ?, ?, ?) "
            "ON CONFLICT (source_id, rel) DO UPDATE SET removed = 0 WHERE removed = 1",
            [(source_id, rel, sort_key(rel), search_key(rel), now) for rel in rels],
        )

    def image_numbers(self, source_id: int, rels: Sequence[str]) -> dict[str, int]:
        """Return the numbers of files of a source that were added; perhaps of others of it too."""
        found: dict[str, int] = {}
        if len(rels) > _FEW:  # one walk through all of them costs less than as many questions
            sql = "SELECT rel, id FROM images WHERE source_id = ?"
            return dict(self.db.rows(sql, (source_id,)))
        for start in range(0, len(rels), _CHUNK):
            chunk = rels[start : start + _CHUNK]
            marks = ", ".join("?" * len(chunk))
            sql = f"SELECT rel, id FROM images WHERE source_id = ? AND rel IN ({marks})"
            found |= dict(self.db.rows(sql, (source_id, *chunk)))
        return found

    def unmeasured(self, limit: int, after: int = 0) -> list[int]:
        """Return up to ``limit`` images, above the id ``after``, whose header was not read yet."""
        sql = (
            "SELECT id FROM images WHERE width = 0 AND note = '' AND removed = 0 AND id > ? "
            "ORDER BY id LIMIT ?"
        )
        return [row[0] for row in self.db.rows(sql, (after, limit))]

    def set_sizes(self, sizes: Iterable[tuple[int, int, int]]) -> None:
        """Keep ``(image_id, width, height)`` of several images, which are thereby readable."""
        values = [(width, height, image_id) for image_id, width, height in sizes]
        self.db.write_many("UPDATE images SET width = ?, height = ? WHERE id = ?", values)

    def rels(self) -> dict[int, str]:
        """Return the path of every image below the folder it was added from."""
        return dict(self.db.rows("SELECT id, rel FROM images WHERE removed = 0"))

    def revisions(self, image_ids: Sequence[int]) -> dict[int, int]:
        """Return how often the labels of images were changed so far."""
        sql = "SELECT revision FROM images WHERE id = ?"
        return {image_id: int(self.db.value(sql, (image_id,)) or 0) for image_id in image_ids}

    def _places(self, path: Path) -> list[tuple[int, str]]:
        """Return each way to name ``path`` as a source and a path below it."""
        return [
            (source_id, path.relative_to(known).as_posix())
            for source_id, known in self.sources().items()
            if path.is_relative_to(known)
        ]

    def _place_for(self, path: Path) -> tuple[int, str]:
        """Return the source and the path below it for a file, adding its folder as a source if need be."""
        source_id = self.enclosing_source(path.parent)
        if source_id is None:
            source_id = self.take_source(path.parent)
        return source_id, path.relative_to(self.sources()[source_id]).as_posix()

    def _path(self, source_id: int, rel: str) -> Path:
        return Path(os.path.normpath(f"{self.sources()[source_id]}/{rel}"))

    def _record(self, row: tuple[Any, ...]) -> ImageRecord:
        tags = tuple(sorted(json.loads(row[11]))) if row[11] != "[]" else ()
        values = (row[0], self._path(row[1], row[2]), *row[3:11], tags, *row[12:])
        return ImageRecord(*values)
