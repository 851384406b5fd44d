"""Lists of suggestions: order, filter, how many pass a threshold."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from studio.model.suggestion_rows import (
    ScoreTable,
    SuggestionFilter,
    SuggestionRow,
    are_sure,
    arranged,
)

ROWS = [
    SuggestionRow(1, 10, 0, 0.9, "a"),
    SuggestionRow(2, 10, 1, 0.2, "b"),
    SuggestionRow(3, 20, 0, None, "a"),
    SuggestionRow(4, 20, 0, 0.5, ""),
]


def ids(rows: list[SuggestionRow]) -> list[int]:
    return [row.id for row in rows]


def test_orders() -> None:
    assert ids(arranged(ROWS)) == [2, 4, 1, 3]
    assert ids(arranged(ROWS, order="sure")) == [3, 1, 4, 2]
    assert ids(arranged(ROWS, order="image", places={20: 0, 10: 1})) == [3, 4, 1, 2]


def test_filters_by_class_and_model() -> None:
    assert ids(arranged(ROWS, SuggestionFilter(class_id=0))) == [4, 1, 3]
    assert ids(arranged(ROWS, SuggestionFilter(model="a"))) == [1, 3]
    assert ids(arranged(ROWS, SuggestionFilter(0, ""))) == [4]
    assert ids(arranged(ROWS, SuggestionFilter(1, "a"))) == []


rows_of = st.lists(
    st.builds(
        SuggestionRow,
        st.integers(1, 99),
        st.integers(1, 3),
        st.integers(0, 3),
        st.none() | st.floats(0, 1),
    )
)


@given(rows_of, st.dictionaries(st.integers(0, 4), st.floats(0, 1)))
def test_the_count_before_is_the_number_accepted_after(
    rows: list[SuggestionRow], thresholds: dict[int, float]
) -> None:
    table = ScoreTable(rows)
    told = sum(table.passing(class_id, least) for class_id, least in thresholds.items())
    sure = are_sure(rows, thresholds)
    assert told == len(sure)
    assert all(row.score is None or row.score >= thresholds[row.class_id] for row in sure)
    assert {row.class_id for row in sure} <= set(thresholds)
    assert sum(map(table.total, table.classes())) == len(rows)
