"""Edits of what people say about images: stage, tags, comments."""

# ruff: noqa: D102 - the methods are documented once, in the base class
from __future__ import annotations

import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

from studio.language import tr
from studio.model.edits.base import Changes, Edit
from studio.model.edits.batch import Batch
from studio.model.edits.images import check_known, count_of, to_pairs
from studio.model.errors import EditError
from studio.model.review import (
    STAGE_TITLES,
    STAGES,
    Comment,
    Stage,
    comment_from_dict,
    this_person,
)
from studio.model.store import Store

AUTOMATIC: Literal[""] = ""  # in place of a stage: as the labels say


@dataclass(frozen=True)
class SetStage(Edit):
    """Say how far images are; the empty stage lets their labels say so again. Binding reads ``before``."""

    stages: Mapping[int, Stage | Literal[""]]
    before: Mapping[int, Stage | Literal[""]] | None = None
    label: str = ""

    def title(self) -> str:
        names = set(self.stages.values())
        only = names.pop() if len(names) == 1 else None
        stage = STAGE_TITLES[only].lower() if only else tr("open")
        said = tr("other stages") if only is None else stage
        return self.label or tr("Mark {images} as {said}").format(
            images=count_of(self.stages), said=said
        )

    def bind(self, store: Store) -> SetStage:
        for stage in self.stages.values():
            if stage and stage not in STAGES:
                raise EditError(
                    tr("Expected one of {stages}, received {stage!r}.").format(
                        stages=", ".join(STAGES), stage=stage
                    )
                )
        before = store.chosen_stages(list(self.stages))
        check_known(self.stages, before)
        return SetStage(dict(self.stages), before, self.label)

    def apply(self, store: Store) -> None:
        store.set_stages(self.stages)

    def inverse(self) -> SetStage:
        return SetStage(self.before or {}, self.stages, self.label)

    def changes(self) -> Changes:
        return Changes(records=frozenset(self.stages))

    def values(self) -> dict[str, Any]:
        return {"stages": to_pairs(self.stages), "before": to_pairs(self.before or {})}

    @classmethod
    def from_values(cls, values: dict[str, Any]) -> SetStage:
        return cls(dict(values["stages"]), dict(values["before"]), values["label"])


@dataclass(frozen=True)
class SetTags(Edit):
    """Give images these tags in place of those they had; binding reads ``before`` and tidies the tags."""

    tags: Mapping[int, tuple[str, ...]]
    before: Mapping[int, tuple[str, ...]] | None = None
    label: str = ""

    def title(self) -> str:
        return self.label or tr("Change the tags of {images}").format(images=count_of(self.tags))

    def bind(self, store: Store) -> SetTags:
        before = store.tags_of(list(self.tags))
        check_known(self.tags, before)
        tidied = {image_id: tidy_tags(tags) for image_id, tags in self.tags.items()}
        return SetTags(tidied, before, self.label)

    def apply(self, store: Store) -> None:
        store.set_tags(self.tags)

    def inverse(self) -> SetTags:
        return SetTags(self.before or {}, self.tags, self.label)

    def changes(self) -> Changes:
        return Changes(records=frozenset(self.tags))

    def values(self) -> dict[str, Any]:
        return {"tags": to_pairs(self.tags), "before": to_pairs(self.before or {})}

    @classmethod
    def from_values(cls, values: dict[str, Any]) -> SetTags:
        def read(pairs: list[list[Any]]) -> dict[int, tuple[str, ...]]:
            return {image_id: tuple(tags) for image_id, tags in pairs}

        return cls(read(values["tags"]), read(values["before"]), values["label"])


@dataclass(frozen=True)
class AddComment(Edit):
    """Write something about an image; binding gives the comment its number, time and author."""

    comment: Comment
    label: str = ""

    def title(self) -> str:
        reject = self.comment.kind == "reject"
        return self.label or (tr("Say why it was rejected") if reject else tr("Comment"))

    def bind(self, store: Store) -> AddComment:
        check_known([self.comment.image_id], {r.id for r in store.images([self.comment.image_id])})
        text = self.comment.text.strip()
        if not text:
            raise EditError(tr("A comment needs words."), remedy=tr("Type at least one character."))
        bound = replace(
            self.comment,
            id=store.take_ids("comment", 1)[0],
            text=text,
            time=self.comment.time or time.time(),
            author=self.comment.author or this_person(),
        )
        return AddComment(bound, self.label)

    def apply(self, store: Store) -> None:
        store.insert_comment(self.comment)

    def inverse(self) -> RemoveComment:
        return RemoveComment(self.comment, self.label)

    def changes(self) -> Changes:
        return Changes(records=frozenset({self.comment.image_id}))

    def values(self) -> dict[str, Any]:
        return {"comment": self.comment.to_dict()}

    @classmethod
    def from_values(cls, values: dict[str, Any]) -> AddComment:
        return cls(comment_from_dict(values["comment"]), values["label"])


@dataclass(frozen=True)
class RemoveComment(Edit):
    """Take a comment away."""

    comment: Comment
    label: str = ""

    def title(self) -> str:
        return self.label or tr("Remove a comment")

    def bind(self, store: Store) -> RemoveComment:
        if self.comment not in store.comments(self.comment.image_id):
            raise EditError(tr("The comment is no longer there."))
        return self

    def apply(self, store: Store) -> None:
        store.delete_comment(self.comment)

    def inverse(self) -> AddComment:
        return AddComment(self.comment, self.label)

    def changes(self) -> Changes:
        return Changes(records=frozenset({self.comment.image_id}))

    def values(self) -> dict[str, Any]:
        return {"comment": self.comment.to_dict()}

    @classmethod
    def from_values(cls, values: dict[str, Any]) -> RemoveComment:
        return cls(comment_from_dict(values["comment"]), values["label"])


def reject(image_id: int, reason: str) -> Edit:
    """Return the edit that sends an image back with a reason, one step of the history."""
    stage = SetStage({image_id: "rejected"})
    if not reason.strip():
        return stage
    said = AddComment(Comment(0, image_id, reason, "reject"))
    return Batch((stage, said), tr("Reject image"))


def change_tags(
    tags: Mapping[int, Sequence[str]], add: Iterable[str] = (), remove: Iterable[str] = ()
) -> SetTags:
    """Return the edit that adds tags to images and takes others away.

    Args:
        tags: The tags that each image has now.
        add: Tags that each is to have.
        remove: Tags that none is to have.
    """
    added, gone = tidy_tags(add), set(tidy_tags(remove))
    wanted = {
        image_id: tidy_tags([*(tag for tag in own if tag not in gone), *added])
        for image_id, own in tags.items()
    }
    words = (
        tr("Tag {images} “{added}”").format(images=count_of(tags), added=", ".join(added))
        if added and not gone
        else ""
    )
    return SetTags(wanted, None, words)


def tidy_tags(tags: Iterable[str]) -> tuple[str, ...]:
    """Return tags sorted, each once, without blanks around them; empty ones are left out."""
    return tuple(sorted({tag.strip() for tag in tags} - {""}))
