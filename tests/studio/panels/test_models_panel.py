"""The Models page: cards of what the runs left, and what can be asked of them."""

from __future__ import annotations

import shutil

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest

from studio.panels.models.card import describe
from studio.panels.models.panel import ModelsPanel
from studio.storage.versions import create_version

LEFT = Qt.MouseButton.LeftButton
FINISHED = {"event": "on_train_end", "reason": "finished"}


@pytest.fixture
def panel(qtbot, project, jobs, watcher) -> ModelsPanel:
    panel = ModelsPanel(project, jobs, watcher)
    qtbot.addWidget(panel)
    panel.resize(1200, 800)
    panel.show()
    return panel


def card_of(panel: ModelsPanel, title: str):
    return next(card for card in panel.cards if card.model.title == title)


def choose(card, words: str) -> None:
    next(a for a in card.menu().actions() if a.text() == words).trigger()


def test_an_empty_page_offers_to_train(panel, qtbot):
    with qtbot.waitSignal(panel.training_asked):
        QTest.mouseClick(panel._empty.buttons()[0], LEFT)


def test_each_run_has_its_best_model_and_all_files_on_demand(panel, make_run, qtbot):
    folder = make_run("train", FINISHED, exit_record={"code": 0})
    (folder / "weights" / "best.onnx").write_bytes(b"x" * 10)
    qtbot.waitUntil(lambda: len(panel.cards) == 1, timeout=10_000)
    (card,) = panel.cards
    assert card.model.title == "train · best"
    assert card.model.metrics == (0.2, 0.2)
    assert card.model.kind_of_metrics == "mask"
    lines = describe(card.model)
    assert lines[0] == "segment"
    assert lines[1] == "data 1-abcdef00 · 0.0 MB"
    QTest.mouseClick(panel.all_files, LEFT)
    qtbot.waitUntil(lambda: len(panel.cards) == 3, timeout=10_000)
    assert {c.model.checkpoint.path.name for c in panel.cards} == {
        "best.pt",
        "last.pt",
        "best.onnx",
    }
    assert "export" not in card_of(panel, "train · best.onnx").model.actions


def test_cards_ask_with_the_path_of_their_file(panel, make_run, qtbot):
    folder = make_run("train", FINISHED, exit_record={"code": 0})
    qtbot.waitUntil(lambda: bool(panel.cards), timeout=10_000)
    (card,) = panel.cards
    best = folder / "weights" / "best.pt"
    for key in ("predict", "export"):
        with qtbot.waitSignal(panel.asked) as asked:
            QTest.mouseClick(card.buttons[key], LEFT)
        assert asked.args == [key, best]
    with qtbot.waitSignal(panel.asked) as asked:
        choose(card, "Train on from here")
    assert asked.args == ["train", best]


def test_a_runs_own_validation_can_be_looked_at(panel, make_run, qtbot):
    folder = make_run("train", FINISHED, exit_record={"code": 0})
    (folder / "validation.json").write_text("{}")
    qtbot.waitUntil(lambda: bool(panel.cards), timeout=10_000)
    with qtbot.waitSignal(panel.validation_asked) as asked:
        choose(panel.cards[0], "Look at its validation")
    assert asked.args == [folder, "train · best"]


def test_validating_without_a_version_says_what_to_do(panel, make_run, qtbot):
    make_run("train", FINISHED, exit_record={"code": 0})
    qtbot.waitUntil(lambda: bool(panel.cards), timeout=10_000)
    choose(panel.cards[0], "Validate")
    assert "nothing to validate on" in panel.banner.text()


def test_a_file_that_is_no_model_fails_with_the_reason(panel, make_run, project, qtbot):
    create_version(project)
    make_run("train", FINISHED, exit_record={"code": 0})
    qtbot.waitUntil(lambda: bool(panel.cards), timeout=10_000)
    choose(panel.cards[0], "Validate")
    assert panel.progress.isVisible()
    qtbot.waitUntil(lambda: panel.banner.isVisible(), timeout=60_000)
    assert "best.pt" in panel.banner.text()
    assert not panel.progress.isVisible()


def test_files_from_elsewhere_are_remembered_and_pass_away_with_the_file(
    panel, project, tmp_path, qtbot, monkeypatch, jobs, watcher
):
    path = tmp_path / "found.pt"
    path.write_bytes(b"x" * 2_000_000)
    monkeypatch.setattr(
        "studio.panels.models.panel.QFileDialog.getOpenFileName", lambda *_: (str(path), "")
    )
    QTest.mouseClick(panel.add_button, LEFT)
    qtbot.waitUntil(lambda: [c.model.title for c in panel.cards] == ["found.pt"], timeout=10_000)
    again = ModelsPanel(project, jobs, watcher)
    qtbot.addWidget(again)
    qtbot.waitUntil(lambda: len(again.cards) == 1, timeout=10_000)
    path.unlink()
    again.refresh()
    qtbot.waitUntil(lambda: not again.cards, timeout=10_000)


@pytest.mark.slow
def test_a_real_model_is_validated_and_its_report_shown(
    panel, make_run, project, qtbot, random_weights
):
    create_version(project)
    folder = make_run("train", FINISHED, exit_record={"code": 0})
    shutil.copy(random_weights, folder / "weights" / "best.pt")
    panel.refresh()
    qtbot.waitUntil(lambda: bool(panel.cards), timeout=10_000)
    with qtbot.waitSignal(panel.validation_asked, timeout=120_000) as asked:
        choose(panel.cards[0], "Validate")
    where, title = asked.args
    assert (where / "validation.json").is_file()
    assert where.is_relative_to(project.folder)
    assert title == "train · best"
