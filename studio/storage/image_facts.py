"""What the records of images say about their labels, brought up to date when labels change.

Counts, status, stage and score are columns of the image; which classes are on it and which words were
written about it are tables of their own. All of it can be made again from the labels: so filters and
lists never read shapes.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby
from typing import Any

from studio.storage.database import Database
from studio.storage.name_keys import search_key

_CHUNK = 500  # ids in one query
_RECORD = """
    UPDATE images SET
        shape_count = (SELECT COUNT(*) FROM shapes WHERE image_id = images.id),
        suggestion_count = (SELECT COUNT(*) FROM suggestions WHERE image_id = images.id),
        revision = revision + ?1,
        modified = CASE WHEN ?1 THEN ?2 ELSE modified END,
        score = (SELECT MIN(score) FROM (
            SELECT score FROM shapes WHERE image_id = images.id
            UNION ALL SELECT score FROM suggestions WHERE image_id = images.id)),
        comment_count = (SELECT COUNT(*) FROM comments WHERE image_id = images.id),
        stage = CASE
            WHEN chosen_stage <> '' THEN chosen_stage
            WHEN EXISTS (SELECT 1 FROM shapes WHERE image_id = images.id) THEN 'in_progress'
            WHEN background THEN 'done'
            ELSE 'new' END,
        status = CASE
            WHEN note <> '' THEN 'damaged'
            WHEN EXISTS (SELECT 1 FROM shapes WHERE image_id = images.id) THEN 'labelled'
            WHEN background THEN 'background'
            ELSE 'unlabelled' END
    WHERE id = ?3
"""
_CLASSES = (
    "INSERT INTO image_classes SELECT class_id, image_id, COUNT(*) FROM shapes "
    "WHERE image_id = ? GROUP BY class_id"
)
_ALL_CLASSES = "SELECT class_id, SUM(count) FROM image_classes GROUP BY class_id"
_LISTED_CLASSES = (
    "SELECT class_id, SUM(count) FROM image_classes JOIN images ON images.id = image_id "
    "WHERE removed = 0 GROUP BY class_id"
)
_WRITTEN = """
    SELECT image_id, attributes FROM shapes WHERE image_id IN ({marks}) AND attributes <> '{{}}'
    UNION ALL SELECT image_id, json_array(tag) FROM image_tags WHERE image_id IN ({marks})
    UNION ALL SELECT image_id, json_array(text) FROM comments WHERE image_id IN ({marks})
    ORDER BY image_id
"""


class ImageFacts:
    """The part of the store that keeps the records of images true."""

    db: Database
    _class_counts: dict[int, int] | None = (
        None  # kept: to add them up takes 50 ms for a million shapes
    )

    def class_counts(self) -> dict[int, int]:
        """Return the number of shapes of each class id that has any; images that were removed do not count."""
        if self._class_counts is None:
            is_any_removed = self.db.value("SELECT 1 FROM images WHERE removed = 1 LIMIT 1")
            rows = self.db.rows(_ALL_CLASSES if is_any_removed is None else _LISTED_CLASSES)
            self._class_counts = {int(class_id): int(count) for class_id, count in rows}
        return {class_id: count for class_id, count in self._class_counts.items() if count}

    def forget_class_counts(self) -> None:
        """Add the shapes of each class up again when somebody asks next."""
        self._class_counts = None

    def refresh_images(self, image_ids: Iterable[int], grown: bool = False) -> None:
        """Count anew what the records of images say about their labels.

        Args:
            image_ids: The images.
            grown: The shapes or the background mark changed, not only what is said about them.
        """
        ids = list(image_ids)
        now = time.time()
        self.db.write_many(_RECORD, [(int(grown), now, image_id) for image_id in ids])
        if grown:
            self._refresh_classes(ids)
        for start in range(0, len(ids), _CHUNK):
            self._refresh_words(ids[start : start + _CHUNK])

    def _refresh_classes(self, ids: Sequence[int]) -> None:
        counts = self._class_counts if len(ids) <= _CHUNK else None
        before = self._classes_on(ids) if counts is not None else {}
        one = [(image_id,) for image_id in ids]
        self.db.write_many("DELETE FROM image_classes WHERE image_id = ?", one)
        self.db.write_many(_CLASSES, one)
        if counts is not None:
            after = self._classes_on(ids)
            for class_id in before.keys() | after.keys():
                more = after.get(class_id, 0) - before.get(class_id, 0)
                counts[class_id] = counts.get(class_id, 0) + more
        self._class_counts = counts

    def _classes_on(self, ids: Sequence[int]) -> dict[int, int]:
        """Return the number of shapes of each class on those of the images that are listed."""
        sql = (
            "SELECT class_id, SUM(count) FROM image_classes JOIN images ON images.id = image_id "
            f"WHERE image_id IN ({', '.join('?' * len(ids))}) AND +removed = 0 GROUP BY class_id"
        )
        return dict(self.db.rows(sql, ids))

    def _refresh_words(self, ids: Sequence[int]) -> None:
        marks = ", ".join("?" * len(ids))
        self.db.write(f"DELETE FROM image_words WHERE image_id IN ({marks})", ids)
        rows = self.db.rows(_WRITTEN.format(marks=marks), [*ids, *ids, *ids])
        self.db.write_many("INSERT INTO image_words VALUES (?, ?)", _words(rows))


def _words(rows: Iterable[tuple[int, str]]) -> Iterator[tuple[int, str]]:
    """Yield what was written about each image, as searches compare it; rows are sorted by the image."""
    for image_id, group in groupby(rows, key=lambda row: row[0]):
        texts = sorted({text for _, values in group for text in _texts(json.loads(values))})
        if texts:
            yield image_id, search_key("\n".join(texts))


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for inner in value.values():
            yield from _texts(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _texts(inner)
