"""The columns of the table of images: a title, what a cell says, and the order that its header asks for."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

from studio.language import tr
from studio.model.records import ImageRecord, OrderKey
from studio.model.review import STAGE_TITLES
from studio.widgets.path_text import path_text

STATUS_WORDS = {
    "unlabelled": tr("To do"),
    "labelled": tr("Labelled"),
    "background": tr("Background"),
    "damaged": tr("Damaged"),
}
SPLIT_WORDS = {"train": tr("Training"), "val": tr("Validation"), "test": tr("Test")}


@dataclass(frozen=True, slots=True)
class Column:
    """One column.

    Attributes:
        title: Above the column.
        text: Returns what a cell says of an image.
        order: What a click on the title sorts by, None where nothing does.
        width: Pixels at first.
        is_number: Whether the digits stand below one another.
    """

    title: str
    text: Callable[[ImageRecord], str]
    order: OrderKey | None
    width: int
    is_number: bool = False


def day(seconds: float) -> str:
    """Return a time as people write it, empty for a time that nobody knows."""
    return time.strftime("%Y-%m-%d %H:%M", time.localtime(seconds)) if seconds else ""


COLUMNS: tuple[Column, ...] = (
    Column(tr("Name"), lambda r: r.path.name, "name", 240),
    Column(tr("Status"), lambda r: STATUS_WORDS[r.status], "status", 96),
    Column(tr("Stage"), lambda r: STAGE_TITLES[r.stage], "stage", 96),
    Column(tr("Split"), lambda r: SPLIT_WORDS.get(r.split or "", tr("Automatic")), "split", 96),
    Column(tr("Shapes"), lambda r: f"{r.shape_count:,}", "shapes", 72, True),
    Column(tr("Score"), lambda r: "" if r.score is None else f"{r.score:.2f}", "score", 64, True),
    Column(tr("Size"), lambda r: f"{r.width} × {r.height}" if r.width else "", "size", 104, True),
    Column(tr("Tags"), lambda r: ", ".join(r.tags), None, 140),
    Column(
        tr("Comments"), lambda r: f"{r.comment_count}" if r.comment_count else "", None, 104, True
    ),
    Column(tr("Changed"), lambda r: day(r.modified), "modified", 148, True),
    Column(tr("Added"), lambda r: day(r.added), "added", 148, True),
    Column(tr("Folder"), lambda r: path_text(r.path.parent), None, 280),
)
