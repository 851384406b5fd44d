"""The Models page: cards of what the runs left, and what can be asked of them."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest

from engine.runtime.settings import settings
from studio.jobs.messages import Validated
from studio.panels.models.card import describe
from studio.panels.models.details import changed_arguments
from studio.panels.models.panel import ModelsPanel
from studio.panels.models.trained_menu import build_trained_menu
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
    assert [(f.caption, f.value) for f in card.model.figures] == [
        ("mask mAP50-95", 0.2),
        ("mask mAP50", 0.2),
    ]
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


def test_a_model_is_validated_on_labels_of_its_task(panel, make_run, project, qtbot, monkeypatch):
    create_version(project, task="obb")
    make_run("train", FINISHED, exit_record={"code": 0})
    qtbot.waitUntil(lambda: bool(panel.cards), timeout=10_000)
    asked: list[Path] = []

    def validate(_model, data, folder, _arguments):
        asked.append(data)
        return panel._jobs.call(lambda _steps: Validated(str(folder), {}, 0.0))

    monkeypatch.setattr(panel._jobs, "validate", validate)
    choose(panel.cards[0], "Validate")
    assert "nothing to validate on for boxes with outlines" in panel.banner.text()
    outlines = create_version(project, task="segment")
    with qtbot.waitSignal(panel.validation_asked):
        choose(panel.cards[0], "Validate")
    assert asked == [outlines.yaml]


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


def test_a_folder_is_opened_where_it_is_an_exported_model(panel, tmp_path, qtbot, monkeypatch):
    for name in ("holiday", "best_openvino_model"):
        (tmp_path / name).mkdir()
        monkeypatch.setattr(
            "studio.panels.models.panel.QFileDialog.getExistingDirectory",
            lambda *_, name=name: str(tmp_path / name),
        )
        QTest.mouseClick(panel.add_folder_button, LEFT)
        assert panel.banner.isVisible() == (name == "holiday")
        panel.banner.hide()
    titles = ["best_openvino_model"]
    qtbot.waitUntil(lambda: [c.model.title for c in panel.cards] == titles, timeout=10_000)


def open_file(panel: ModelsPanel, path, monkeypatch) -> None:
    """Choose a file in the dialog that the button opens."""
    monkeypatch.setattr(
        "studio.panels.models.panel.QFileDialog.getOpenFileName", lambda *_: (str(path), "")
    )
    QTest.mouseClick(panel.add_button, LEFT)


@pytest.mark.slow
def test_an_opened_file_says_what_it_is_and_what_a_training_keeps(
    panel, project, random_weights, qtbot, monkeypatch
):
    assert not panel.details.isVisible()
    open_file(panel, random_weights, monkeypatch)
    assert panel.details.isVisible()
    qtbot.waitUntil(lambda: panel.details.facts is not None, timeout=60_000)
    texts = panel.details.texts()
    for text in ("boxes with outlines (segment)", "YOLO11 nano (yolo11n-seg)", "2.8 million"):
        assert text in texts
    assert any("knows this project's classes" in text for text in texts)
    (card,) = panel.cards
    assert describe(card.model)[0] == "segment · square", "its card has learnt from it"
    assert card.property("open") == "true"
    with qtbot.waitSignal(panel.asked) as asked:
        QTest.mouseClick(panel.details.train_button, LEFT)
    assert asked.args == ["train", random_weights]
    QTest.mouseClick(panel.details.close_button, LEFT)
    assert not panel.details.isVisible()
    assert card.property("open") == "false"
    QTest.mouseClick(card, LEFT)
    assert panel.details.isVisible()
    qtbot.waitUntil(lambda: panel.details.facts is not None, timeout=60_000)


@pytest.mark.slow
def test_a_file_of_another_task_offers_no_training(panel, qtbot, monkeypatch, tmp_path):
    from engine.models.yolo.model import YOLO

    path = tmp_path / "boxes.pt"
    YOLO("yolo11n.yaml").save(path)
    open_file(panel, path, monkeypatch)
    qtbot.waitUntil(lambda: panel.details.facts is not None, timeout=60_000)
    assert not panel.details.train_button.isVisible()
    assert panel.details.predict_button.isVisible()
    assert any("this project trains boxes with outlines" in t for t in panel.details.texts())
    assert any(t.endswith("and 20 more") for t in panel.details.texts()), "80 classes are shortened"


@pytest.mark.slow
def test_a_file_that_is_no_model_says_why_beside_the_cards(panel, qtbot, monkeypatch, tmp_path):
    path = tmp_path / "page.pt"
    path.write_text("<html>not found</html>")
    open_file(panel, path, monkeypatch)
    qtbot.waitUntil(lambda: panel.details.banner.isVisible(), timeout=60_000)
    assert "page.pt" in panel.details.banner.text()
    assert not panel.details.train_button.isVisible()


def test_only_what_a_training_changed_is_listed():
    given = {"epochs": 7, "lr0": 0.01, "nms": True, "device": "0", "data": "parts.yaml", "odd": 1}
    assert changed_arguments(given) == {"data": "parts.yaml", "epochs": 7}


def test_a_file_that_is_gone_is_told(panel, tmp_path):
    panel.open_file(tmp_path / "gone.pt")
    assert "gone.pt" in panel.banner.text()
    assert not panel.details.isVisible()


@pytest.fixture
def mirror(tmp_path, random_weights) -> Path:
    """A folder that serves trained weights by name, instead of the network."""
    folder = tmp_path / "mirror"
    folder.mkdir()
    shutil.copy(random_weights, folder / "yolo11n-seg.pt")
    settings["weights_url"] = str(folder)
    settings["weights_dir"] = str(tmp_path / "weights")
    return folder


def trained_action(panel: ModelsPanel, task: str, family: str, file: str):
    menu = build_trained_menu(panel.get_trained, panel)
    inside = next(a.menu() for a in menu.actions() if f"({task})" in a.text())
    models = next(a.menu() for a in inside.actions() if a.text() == family)
    return next(a for a in models.actions() if a.text().startswith(file))


@pytest.mark.slow
def test_a_trained_model_is_fetched_by_name_and_opened(panel, mirror, qtbot, tmp_path):
    action = trained_action(panel, "segment", "YOLO11", "yolo11n-seg.pt")
    assert action.text().endswith("about 5.8 MB")
    action.trigger()
    assert panel.progress.isVisible()
    qtbot.waitUntil(lambda: panel.details.facts is not None, timeout=60_000)
    path = tmp_path / "weights" / "yolo11n-seg.pt"
    assert panel.details.model.checkpoint.path == path
    assert not panel.progress.isVisible()
    again = trained_action(panel, "segment", "YOLO11", "yolo11n-seg.pt")
    assert "on this computer" in again.text()


def test_weights_that_cannot_be_had_say_what_to_do(panel, mirror, qtbot):
    (mirror / "yolo11n-seg.pt").unlink()
    trained_action(panel, "segment", "YOLO11", "yolo11n-seg.pt").trigger()
    qtbot.waitUntil(lambda: panel.banner.isVisible(), timeout=30_000)
    assert "yolo11n-seg.pt" in panel.banner.text()
    assert not panel.progress.isVisible()
    assert not panel.details.isVisible()


def test_the_menu_of_trained_models_has_every_task_and_only_what_is_published(panel, mirror):
    menu = build_trained_menu(panel.get_trained, panel)
    titles = [action.text() for action in menu.actions()]
    assert len(titles) == 6
    semantic = next(a.menu() for a in menu.actions() if "(semseg)" in a.text())
    assert [a.text() for a in semantic.actions()] == ["YOLO26"]


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
