"""What the filter bar offers, as pairs of words and the values they stand for."""

from __future__ import annotations

from dataclasses import replace

from studio.model.records import ImageFilter, ImageOrder
from studio.model.review import STAGE_TITLES, STAGES

# What the first box offers: words, and the filter they stand for.
STATES: tuple[tuple[str, ImageFilter], ...] = (
    ("All images", ImageFilter()),
    ("Unlabelled", ImageFilter(statuses=frozenset({"unlabelled"}))),
    ("Labelled", ImageFilter(statuses=frozenset({"labelled"}))),
    ("Background", ImageFilter(statuses=frozenset({"background"}))),
    ("With suggestions", ImageFilter(suggested=True)),
    ("Damaged", ImageFilter(statuses=frozenset({"damaged"}))),
    *(
        (f"Stage: {STAGE_TITLES[stage].lower()}", ImageFilter(stages=frozenset({stage})))
        for stage in STAGES
    ),
    ("With comments", ImageFilter(commented=True)),
)
SPLITS: tuple[tuple[str, str | None], ...] = (
    ("Any split", None),
    ("Training", "train"),
    ("Validation", "val"),
    ("Test", "test"),
    ("Automatic", ""),
)
ORDERS: tuple[tuple[str, ImageOrder], ...] = (
    ("Name", ImageOrder()),
    ("Most shapes", ImageOrder("shapes", True)),
    ("Fewest shapes", ImageOrder("shapes")),
    ("Lowest score", ImageOrder("score")),
    ("Highest score", ImageOrder("score", True)),
    ("Stage", ImageOrder("stage")),
    ("Status", ImageOrder("status")),
    ("Split", ImageOrder("split")),
    ("Changed last", ImageOrder("modified", True)),
    ("Added last", ImageOrder("added", True)),
    ("Largest", ImageOrder("size", True)),
)
DAY_S = 24 * 3600
SINCE: tuple[tuple[str, int | None], ...] = (
    ("Any time", None),
    ("Last hour", 3600),
    ("Last day", DAY_S),
    ("Last week", 7 * DAY_S),
    ("Last month", 30 * DAY_S),
)


def with_state(wanted: ImageFilter, state: ImageFilter) -> ImageFilter:
    """Return a filter with the part that the first box stands for taken from ``state``."""
    return replace(
        wanted,
        statuses=state.statuses,
        suggested=state.suggested,
        stages=state.stages,
        commented=state.commented,
    )


def place_of_state(wanted: ImageFilter) -> int:
    """Return the entry of the first box that a filter shows, -1 where none of them says it."""
    own = with_state(ImageFilter(), wanted)
    return next((place for place, (_, state) in enumerate(STATES) if state == own), -1)


def without_details(wanted: ImageFilter) -> ImageFilter:
    """Return a filter that keeps only what the bar itself shows: state, class, text."""
    kept = ImageFilter(class_id=wanted.class_id, text=wanted.text)
    return with_state(kept, wanted)


def details_of(wanted: ImageFilter) -> str:
    """Return what narrows the list beside state, class and text, in words; empty for nothing."""
    words = []
    if wanted.only is not None:
        words.append(wanted.only_words or f"{len(wanted.only):,} chosen images")
    if wanted.split is not None:
        words.append(next(text for text, value in SPLITS if value == wanted.split).lower())
    if wanted.tags:
        words.append(" or ".join(f"“{tag}”" for tag in sorted(wanted.tags)))
    if wanted.shapes is not None:
        words.append(_range_words(*wanted.shapes))
    if wanted.score is not None:
        words.append(f"score {wanted.score[0]:.2f} to {wanted.score[1]:.2f}")
    if wanted.modified_since is not None:
        words.append("changed lately")
    if wanted.added_since is not None:
        words.append("added lately")
    return ", ".join(words)


def _range_words(low: int, high: int | None) -> str:
    if high is None:
        return f"{low} shapes or more"
    return f"{low} shapes" if low == high else f"{low} to {high} shapes"
