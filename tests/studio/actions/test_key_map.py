"""A person's own keys: each belongs to one action, and what is kept can be read again."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PySide6.QtGui import QKeySequence

from studio.actions.key_map import TOOL_KEYS, KeyMap, refusal
from studio.actions.table import ACTIONS

KEYS = ("D", "A", "Ctrl+D", "Ctrl+K", "F5", "Shift+F2", "Ctrl+,", "Ctrl++", "1", "Tab")


def test_without_changes_every_action_has_the_keys_of_the_table() -> None:
    key_map = KeyMap(ACTIONS)
    for spec in ACTIONS:
        assert key_map.keys(spec.id) == tuple(QKeySequence(k).toString() for k in spec.keys)
        assert key_map.is_usual(spec.id)
    assert key_map.to_list() == []


def test_who_is_given_a_key_takes_it_from_whoever_had_it() -> None:
    usual = KeyMap(ACTIONS)
    owner = usual.owner("D")
    assert owner is not None
    assert owner.id == "go.next"
    changed = usual.with_keys("go.previous", ("D",))
    assert changed.keys("go.previous") == ("D",)
    assert changed.keys("go.next") == tuple(k for k in usual.keys("go.next") if k != "D")
    back = changed.with_usual("go.next").with_usual("go.previous")
    assert back.to_list() == []
    assert usual.keys("go.next")[0] == "D"  # a map never changes


@given(st.lists(st.tuples(st.sampled_from(ACTIONS), st.lists(st.sampled_from(KEYS), max_size=2))))
def test_after_any_changes_no_key_has_two_owners_and_the_map_survives_keeping(
    changes: list,
) -> None:
    key_map = KeyMap(ACTIONS)
    for spec, keys in changes:
        key_map = key_map.with_keys(spec.id, tuple(keys))
        assert set(key_map.keys(spec.id)) == {QKeySequence(k).toString() for k in keys}
    counted = Counter(key for spec in ACTIONS for key in key_map.keys(spec.id))
    assert [key for key, count in counted.items() if count > 1] == []
    again = KeyMap.from_list(ACTIONS, key_map.to_list())
    assert {s.id: again.keys(s.id) for s in ACTIONS} == {s.id: key_map.keys(s.id) for s in ACTIONS}


@pytest.mark.parametrize(
    "rows", [None, "x", [[]], [["go.next", 5]], [["gone.away", "F5"]], [7], {"go.next": "F5"}]
)
def test_what_is_none_of_ours_changes_nothing(rows: object) -> None:
    assert KeyMap.from_list(ACTIONS, rows).to_list() == []


def test_two_rows_with_one_key_leave_it_to_the_later() -> None:
    key_map = KeyMap.from_list(ACTIONS, [["go.next", "F5"], ["go.previous", "F5"]])
    assert key_map.keys("go.previous") == ("F5",)
    assert key_map.keys("go.next") == ()


@pytest.mark.parametrize("key", TOOL_KEYS)
def test_keys_of_the_shape_in_hand_are_not_given_away(key: str) -> None:
    assert "shape in hand" in refusal(key)
    assert not refusal("Ctrl+" + key)


def test_no_action_of_the_table_has_a_key_that_would_be_refused() -> None:
    assert [spec.id for spec in ACTIONS for key in spec.keys if refusal(key)] == []
