"""How far a person has come with an image: its stage, and what was said about it."""

from __future__ import annotations

import getpass
from dataclasses import dataclass
from typing import Any, Literal, get_args

from studio.language import tr

Stage = Literal["new", "in_progress", "done", "reviewed", "skipped", "rejected"]
STAGES: tuple[Stage, ...] = get_args(Stage)
STAGE_TITLES: dict[Stage, str] = {
    "new": tr("New"),
    "in_progress": tr("In progress"),
    "done": tr("Done"),
    "reviewed": tr("Reviewed"),
    "skipped": tr("Skipped"),
    "rejected": tr("Rejected"),
}
CommentKind = Literal["comment", "reject"]


@dataclass(frozen=True, slots=True)
class Comment:
    """What somebody wrote about an image.

    Attributes:
        id: Number within the project, never used again; 0 until the project has given one.
        image_id: The image it is about.
        text: Not empty.
        kind: ``reject`` for the reason of a rejection, else ``comment``.
        author: Who wrote it, as the computer calls them.
        time: Seconds since the epoch, UTC; 0 until the comment is added.
    """

    id: int
    image_id: int
    text: str
    kind: CommentKind = "comment"
    author: str = ""
    time: float = 0.0

    def to_dict(self) -> dict[str, Any]:
        """Return plain values for JSON."""
        return {
            "id": self.id,
            "image_id": self.image_id,
            "text": self.text,
            "kind": self.kind,
            "author": self.author,
            "time": self.time,
        }


def comment_from_dict(data: dict[str, Any]) -> Comment:
    """Return the comment that :meth:`Comment.to_dict` described."""
    return Comment(
        int(data["id"]),
        int(data["image_id"]),
        data["text"],
        data["kind"],
        data["author"],
        float(data["time"]),
    )


def this_person() -> str:
    """Return the name that the computer knows the person by, empty where it knows none."""
    try:
        return getpass.getuser()
    except (OSError, KeyError, ImportError):  # a user id without an account, as containers have
        return ""
