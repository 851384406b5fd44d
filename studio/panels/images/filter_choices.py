"""What the filter bar offers, as pairs of words and the values they stand for."""

from __future__ import annotations

from dataclasses import replace

from studio.language import ntr, tr
from studio.model.count_words import shape_count
from studio.model.provenance import ASSISTED, DRAWN, IMPORTED, MODEL, SOURCE_WORDS
from studio.model.records import ImageFilter, ImageOrder
from studio.model.review import STAGE_TITLES, STAGES

# What the first box offers: words, and the filter they stand for.
STATES: tuple[tuple[str, ImageFilter], ...] = (
    (tr("All images"), ImageFilter()),
    (tr("Unlabelled"), ImageFilter(statuses=frozenset({"unlabelled"}))),
    (tr("Labelled"), ImageFilter(statuses=frozenset({"labelled"}))),
    (tr("Background"), ImageFilter(statuses=frozenset({"background"}))),
    (tr("With suggestions"), ImageFilter(suggested=True)),
    (tr("Damaged"), ImageFilter(statuses=frozenset({"damaged"}))),
    *(
        (
            tr("Stage: {stage_titles}").format(stage_titles=STAGE_TITLES[stage].lower()),
            ImageFilter(stages=frozenset({stage})),
        )
        for stage in STAGES
    ),
    (tr("With comments"), ImageFilter(commented=True)),
)
SPLITS: tuple[tuple[str, str | None], ...] = (
    (tr("Any split"), None),
    (tr("Training"), "train"),
    (tr("Validation"), "val"),
    (tr("Test"), "test"),
    (tr("Automatic"), ""),
)
ORDERS: tuple[tuple[str, ImageOrder], ...] = (
    (tr("Name"), ImageOrder()),
    (tr("Most shapes"), ImageOrder("shapes", True)),
    (tr("Fewest shapes"), ImageOrder("shapes")),
    (tr("Lowest score"), ImageOrder("score")),
    (tr("Highest score"), ImageOrder("score", True)),
    (tr("Stage"), ImageOrder("stage")),
    (tr("Status"), ImageOrder("status")),
    (tr("Split"), ImageOrder("split")),
    (tr("Changed last"), ImageOrder("modified", True)),
    (tr("Added last"), ImageOrder("added", True)),
    (tr("Largest"), ImageOrder("size", True)),
)
MADE: tuple[tuple[str, frozenset[str]], ...] = (
    (tr("By anybody"), frozenset()),
    (tr("By hand"), frozenset({DRAWN})),
    (tr("By a model"), frozenset({MODEL})),
    (tr("Pointed at"), frozenset({ASSISTED})),
    (tr("Imported"), frozenset({IMPORTED})),
)
DAY_S = 24 * 3600
SINCE: tuple[tuple[str, int | None], ...] = (
    (tr("Any time"), None),
    (tr("Last hour"), 3600),
    (tr("Last day"), DAY_S),
    (tr("Last week"), 7 * DAY_S),
    (tr("Last month"), 30 * DAY_S),
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
        words.append(
            wanted.only_words
            or ntr("{count:,} chosen image", "{count:,} chosen images", len(wanted.only)).format(
                count=len(wanted.only)
            )
        )
    if wanted.split is not None:
        words.append(next(text for text, value in SPLITS if value == wanted.split).lower())
    if wanted.tags:
        words.append(tr(" or ").join(f"“{tag}”" for tag in sorted(wanted.tags)))
    if wanted.sources:
        names = [SOURCE_WORDS.get(source, source) for source in sorted(wanted.sources)]
        words.append(tr(" or ").join(names))
    if wanted.shapes is not None:
        words.append(_range_words(*wanted.shapes))
    if wanted.score is not None:
        words.append(
            tr("score {low:.2f} to {high:.2f}").format(low=wanted.score[0], high=wanted.score[1])
        )
    if wanted.modified_since is not None:
        words.append(tr("changed lately"))
    if wanted.added_since is not None:
        words.append(tr("added lately"))
    return ", ".join(words)


def _range_words(low: int, high: int | None) -> str:
    if high is None:
        return ntr("{low} shape or more", "{low} shapes or more", low).format(low=low)
    if low == high:
        return shape_count(low)
    return ntr("{low} to {high} shape", "{low} to {high} shapes", high).format(low=low, high=high)
