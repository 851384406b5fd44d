"""Stages, tags and comments of images in the database."""

# ruff: noqa: D102 - the methods of the Store protocol are documented once, in studio.model.store
from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from studio.language import tr
from studio.model.errors import EditError
from studio.model.review import STAGES, Comment, Stage
from studio.model.store import ChosenStage
from studio.storage.database import Database

_COMMENT = "id, image_id, text, kind, author, time"


class ReviewTable:
    """The part of the store that keeps what people say about images."""

    db: Database
    _recounted: set[int]
    select_images: Callable[..., Iterator[tuple[Any, ...]]]  # studio.storage.image_table

    def chosen_stages(self, image_ids: Sequence[int]) -> dict[int, ChosenStage]:
        return dict(self.select_images("id, chosen_stage", image_ids))

    def set_stages(self, stages: Mapping[int, ChosenStage]) -> None:
        values = [(stage, image_id) for image_id, stage in stages.items()]
        self.db.write_many("UPDATE images SET chosen_stage = ? WHERE id = ?", values)
        self._recounted.update(stages)

    def stage_counts(self) -> dict[Stage, int]:
        rows = self.db.rows("SELECT stage, COUNT(*) FROM images WHERE removed = 0 GROUP BY stage")
        return dict.fromkeys(STAGES, 0) | dict(rows)

    def tags_of(self, image_ids: Sequence[int]) -> dict[int, tuple[str, ...]]:
        own = "id, (SELECT json_group_array(tag) FROM image_tags WHERE image_id = images.id)"
        rows = self.select_images(own, image_ids)
        return {image_id: tuple(sorted(json.loads(tags))) for image_id, tags in rows}

    def shared_tags(self, image_ids: Sequence[int]) -> set[str]:
        sql = (
            "SELECT tag FROM image_tags WHERE image_id IN (SELECT value FROM json_each(?)) "
            "GROUP BY tag HAVING COUNT(*) = ?"
        )
        rows = self.db.rows(sql, (json.dumps(list(image_ids)), len(image_ids)))
        return {row[0] for row in rows}

    def set_tags(self, tags: Mapping[int, Sequence[str]]) -> None:
        gone = [(image_id,) for image_id in tags]
        self.db.write_many("DELETE FROM image_tags WHERE image_id = ?", gone)
        rows = [(tag, image_id) for image_id, own in tags.items() for tag in own]
        self.db.write_many("INSERT INTO image_tags VALUES (?, ?)", rows)
        self._recounted.update(tags)

    def tag_counts(self) -> dict[str, int]:
        sql = (
            "SELECT tag, COUNT(*) FROM image_tags JOIN images ON images.id = image_id "
            "WHERE removed = 0 GROUP BY tag ORDER BY tag"
        )
        return dict(self.db.rows(sql))

    def comments(self, image_id: int) -> list[Comment]:
        sql = f"SELECT {_COMMENT} FROM comments WHERE image_id = ? ORDER BY time, id"
        return [Comment(*row) for row in self.db.rows(sql, (image_id,))]

    def insert_comment(self, comment: Comment) -> None:
        values = (
            comment.id,
            comment.image_id,
            comment.text,
            comment.kind,
            comment.author,
            comment.time,
        )
        self.db.write(f"INSERT INTO comments ({_COMMENT}) VALUES (?, ?, ?, ?, ?, ?)", values)
        self._recounted.add(comment.image_id)

    def delete_comment(self, comment: Comment) -> None:
        if self.db.write("DELETE FROM comments WHERE id = ?", (comment.id,)) != 1:
            raise EditError(tr("The comment is no longer there."))
        self._recounted.add(comment.image_id)
