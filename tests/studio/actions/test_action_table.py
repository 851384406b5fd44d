"""The table of actions: every entry can be reached and no key means two things."""

from __future__ import annotations

from collections import Counter

import pytest
from PySide6.QtGui import QKeySequence
from PySide6.QtWidgets import QApplication, QWidget

from studio.actions.registry import Actions
from studio.actions.table import ACTIONS, MENUS, ActionSpec, Needs
from studio.theme.icons import icon
from studio.theme.tokens import SCHEMES


class Handler:
    """Notes how it was called."""

    def __init__(self) -> None:
        self.calls: list[tuple[object, ...]] = []

    def part_do(self, *values: object) -> None:
        self.calls.append(values)


def test_names_are_unique() -> None:
    assert [name for name, count in Counter(spec.id for spec in ACTIONS).items() if count > 1] == []


def test_no_key_has_two_meanings() -> None:
    keys = Counter(QKeySequence(key).toString() for spec in ACTIONS for key in spec.keys)
    assert [key for key, count in keys.items() if count > 1] == []


@pytest.mark.parametrize("spec", ACTIONS, ids=lambda spec: spec.id)
def test_each_key_icon_and_menu_exists(spec: ActionSpec, qapp: QApplication) -> None:
    assert all(QKeySequence(key).toString() for key in spec.keys)
    assert not spec.icon or not icon(spec.icon, SCHEMES["dark"]).isNull()
    assert not spec.menu or spec.menu.lstrip("-") in MENUS
    assert spec.text


def test_keys_without_a_modifier_belong_to_the_canvas_or_to_the_gallery_that_shows() -> None:
    seen = Needs.CANVAS | Needs.SUGGESTIONS
    loose = [
        spec.id
        for spec in ACTIONS
        for key in spec.keys
        if "+" not in key and not key.startswith("F1") and not spec.needs & seen
    ]
    assert loose == []


@pytest.mark.parametrize(
    ("spec", "called"),
    [
        (ActionSpec("part.do", "Do"), ()),
        (ActionSpec("part.do", "Do", checkable=True), (True,)),
        (ActionSpec("part.do:3", "Do", argument=3), (3,)),
    ],
)
def test_the_handler_gets_what_the_table_says(
    spec: ActionSpec, called: tuple[object, ...], qapp: QApplication
) -> None:
    window, handler = QWidget(), Handler()
    Actions(window, [handler], [spec])[spec.id].trigger()
    assert handler.calls == [called]


def test_a_missing_handler_is_found_at_once(qapp: QApplication) -> None:
    window = QWidget()
    with pytest.raises(AttributeError, match="part_do"):
        Actions(window, [object()], [ActionSpec("part.do", "Do")])


def test_an_action_is_offered_only_with_all_it_needs(qapp: QApplication) -> None:
    window = QWidget()
    spec = ActionSpec("part.do", "Do", needs=Needs.PROJECT | Needs.UNDO)
    actions = Actions(window, [Handler()], [spec])
    for present, offered in (
        (Needs.NOTHING, False),
        (Needs.PROJECT, False),
        (Needs.PROJECT | Needs.UNDO | Needs.IMAGE, True),
    ):
        actions.offer(present)
        assert actions["part.do"].isEnabled() == offered
