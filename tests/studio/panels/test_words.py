"""Words for open-vocabulary models: what is refused, what is kept, and what becomes of each."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest

from studio.jobs.messages import ModelFacts
from studio.model.auto_annotation import ClassRule
from studio.panels.predict import PredictPanel
from studio.panels.predict.choices import lowered
from studio.panels.predict.words import split_words, words_problem

FINISHED = {"event": "on_train_end", "reason": "finished"}


@pytest.fixture
def panel(qtbot, project, jobs, watcher, make_run) -> PredictPanel:
    """The page with an open-vocabulary model chosen, which has been looked into."""
    make_run("train", FINISHED, exit_record={"code": 0})
    panel = PredictPanel(project, jobs, watcher, project.image_ids, project.image_ids)
    qtbot.addWidget(panel)
    panel.resize(420, 760)
    panel.show()
    qtbot.waitUntil(lambda: panel.choices.picker.path() is not None, timeout=10_000)
    look(panel)
    return panel


def look(panel: PredictPanel, problem: str = "") -> None:
    """Let the worker have told that the chosen model is an open one."""
    path = panel.choices.picker.path()
    facts = ModelFacts(str(path), "pt", "segment", ("bolt",), is_open=True, words_problem=problem)
    panel.choices._on_facts(path, facts)


def type_words(panel: PredictPanel, text: str) -> None:
    line = panel.choices.words.line
    line.setFocus()
    line.selectAll()
    QTest.keyClicks(line, text)
    QTest.keyClick(line, Qt.Key.Key_Return)


@given(st.lists(st.text("ab ", min_size=1, max_size=4), max_size=5))
def test_words_are_split_at_commas_and_come_back_the_same(parts: list[str]) -> None:
    words = split_words(",".join(parts))
    assert words == [" ".join(p.split()) for p in parts if p.strip()]
    assert split_words(", ".join(words)) == words


@pytest.mark.parametrize(
    ("text", "said"),
    [("", "Say what to look for"), (" , ,", "Say what to look for"), ("nut", ""),
     ("dent, scratch, Dent", "“Dent” is there twice"), ("red  nut, red nut", "there twice")],
)  # fmt: skip
def test_no_words_and_the_same_word_twice_are_told(text: str, said: str) -> None:
    problem = words_problem(split_words(text))
    assert said in problem
    assert bool(problem) is bool(said)


def test_bad_words_are_told_at_once_and_nothing_can_be_started(panel):
    row = panel.choices._words_row
    assert row.isVisible()
    assert panel.run_button.isEnabled()
    type_words(panel, "nut, dent, nut")
    assert "“nut” is there twice" in row.help_text()
    assert not panel.run_button.isEnabled()
    type_words(panel, "nut, dent")
    assert "there twice" not in row.help_text()
    assert panel.run_button.isEnabled()
    look(panel, "the text encoder mobileclip_blt.ts is missing.")
    assert "mobileclip_blt.ts" in row.help_text()
    assert not panel.run_button.isEnabled()


def test_words_and_what_became_of_them_are_kept_with_the_project(panel, project):
    choices = panel.choices
    assert not choices.words.before.isEnabled(), "nothing was used before"
    type_words(panel, "scratch, dent")
    square = project.classes()[0]
    target, least = choices.rules.fields["scratch"]
    target.setCurrentIndex(target.findData(square.id))
    least.setValue(40)
    choices.keep_words()
    type_words(panel, "nut")
    choices.keep_words()
    assert choices.words.used() == ["nut", "scratch, dent"]
    assert choices.words.before.isEnabled()
    actions = choices.words.menu().actions()
    assert [action.text() for action in actions] == ["nut", "scratch, dent"]
    actions[1].trigger()
    assert choices.phrases() == ("scratch", "dent")
    assert choices.rules.rules() == {"scratch": ClassRule(square.id, False, 0.4)}
    assert choices.batch().rule("scratch").class_id == square.id
    choices.keep_words()
    assert choices.words.used() == ["scratch, dent", "nut"], "once each, the latest first"


def test_a_rule_put_back_stays_back_when_a_word_is_added(panel, project):
    type_words(panel, "scratch")
    panel.choices.rules.fields["scratch"][1].setValue(60)
    panel.choices.keep_words()
    panel.choices.rules.fields["scratch"][1].setValue(0)
    type_words(panel, "scratch, dent")
    assert panel.choices.rules.rules() == {}


def test_a_word_may_be_heard_of_that_is_less_sure_than_the_others() -> None:
    rules = {"dent": ClassRule(confidence=0.1), "nut": ClassRule(3, confidence=0.5)}
    arguments, held = lowered({"conf": 0.25, "iou": 0.6}, rules, ("dent", "nut", "bolt"))
    assert arguments == {"conf": 0.1, "iou": 0.6}
    assert {name: rule.confidence for name, rule in held.items()} == {
        "dent": 0.1, "nut": 0.5, "bolt": 0.25,
    }  # fmt: skip
    assert held["nut"].class_id == 3
    same = lowered({"conf": 0.25}, {"nut": rules["nut"]}, ("nut", "bolt"))
    assert same == ({"conf": 0.25}, {"nut": rules["nut"]})
