"""Label, train, look, suggest, export: real processes, steered from the real window."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QLineEdit

from engine.data.annotations import Polygon
from studio.app.studio import Studio
from studio.model.edits import SetBackground, SetSplit
from studio.model.records import new_shape
from studio.model.runs import RunReader, RunState, send_command

CTRL, SHIFT = Qt.KeyboardModifier.ControlModifier, Qt.KeyboardModifier.ShiftModifier
TRAIN_MS = 240_000


@pytest.fixture
def loaded(hands: Any, parts: Path) -> Any:
    """The window with the generated data set open: 16 labelled images and 2 others."""
    hands.studio.files.open_paths([parts.parent])
    hands.wait(lambda: hands.studio.session is not None)
    hands.settle()
    hands.clicks = hands.keys = 0
    yield hands
    session = hands.studio.session
    if session is not None:
        for run in hands.studio.runs.runs:
            if run.state.is_alive:
                send_command(run.folder, "stop")
                hands.wait(lambda r=run: not state(r.folder).is_alive, TRAIN_MS)


def state(folder: Path) -> RunState:
    run, _ = RunReader(folder).poll()
    return run.state


def ask_for(hands: Any, **values: int) -> None:
    """Type values into the form's fields."""
    form = hands.session.pages.train.form
    for name, value in values.items():
        field = form.row(name).control
        assert isinstance(field, QLineEdit)
        field.setFocus()
        field.selectAll()
        QTest.keyClicks(field, str(value))
        assert form.values.value(name) == value


def start(hands: Any, **values: int) -> Path:
    hands.rail("Train")
    hands.wait(lambda: hands.session.pages.train.train_button.isEnabled())
    ask_for(hands, **values)
    hands.push(hands.session.pages.train.train_button)
    hands.wait(lambda: hands.studio.runs.runs)
    return hands.studio.runs.runs[0].folder


def shown_state(hands: Any) -> RunState:
    return hands.studio.runs.runs[0].state


def push_when_it_shows(hands: Any, key: str) -> None:
    button = hands.session.pages.train.dashboard.buttons.button(key)
    hands.wait(button.isVisible, TRAIN_MS)
    hands.push(button)


@pytest.mark.slow
def test_from_a_labelled_folder_to_a_running_training_in_two_clicks(loaded: Any) -> None:
    loaded.rail("Train")
    loaded.push(loaded.session.pages.train.train_button)
    loaded.wait(lambda: loaded.studio.runs.runs and shown_state(loaded).is_alive)
    assert (loaded.clicks, loaded.keys) == (2, 0)
    loaded.wait(lambda: shown_state(loaded) is RunState.RUNNING, TRAIN_MS)
    push_when_it_shows(loaded, "stop")
    loaded.wait(lambda: not shown_state(loaded).is_alive, TRAIN_MS)
    assert shown_state(loaded) is RunState.STOPPED


@pytest.mark.slow
def test_two_epochs_then_look_suggest_and_export(loaded: Any) -> None:
    folder = start(loaded, epochs=2, imgsz=64, batch=4)
    loaded.wait(lambda: "epoch" in loaded.studio.window.status.run_words.text(), TRAIN_MS)
    loaded.wait(lambda: shown_state(loaded) is RunState.FINISHED, TRAIN_MS)
    reader = RunReader(folder)
    run, _ = reader.poll()
    assert run.facts.epochs_done == 2
    assert "metrics/mAP50(M)" in run.facts.metrics
    push_when_it_shows(loaded, "validation")
    validation = loaded.session.pages.validation
    assert loaded.studio.window.current_page() == "explore"
    loaded.wait(validation.table.shown_names)
    assert sorted(validation.table.shown_names()) == ["bolt", "gear", "nut", "washer"]
    loaded.rail("Annotate")
    loaded.press(Qt.Key.Key_B, CTRL)
    loaded.wait(lambda: loaded.studio.suggest.is_running)
    loaded.wait(lambda: not loaded.studio.suggest.is_running, TRAIN_MS)
    assert loaded.banner() == ""
    export(loaded, folder)


def choose_task(hands: Any, task: str) -> None:
    """Open the list of tasks, go to one with the keys, press Enter."""
    box = hands.session.pages.train.tasks
    box.showPopup()
    box.view().setCurrentIndex(box.model().index(box.findData(task), 0))
    QTest.keyClick(box.view(), Qt.Key.Key_Return)
    assert hands.session.pages.train.form.task == task


@pytest.mark.slow
@pytest.mark.parametrize(
    ("task", "model", "chart", "caption"),
    [
        ("obb", "yolo11n-obb", "angle_loss", "mAP50-95"),
        ("semseg", "yolo11n-semseg", "miou", "mIoU"),
    ],
)
def test_another_task_from_the_same_labels(
    loaded: Any, task: str, model: str, chart: str, caption: str
) -> None:
    loaded.rail("Train")
    choose_task(loaded, task)
    folder = start(loaded, epochs=2, imgsz=64, batch=4)
    loaded.wait(lambda: not shown_state(loaded).is_alive, TRAIN_MS)
    assert shown_state(loaded) is RunState.FINISHED, (folder / "log.txt").read_text()[-2000:]
    train, validation = loaded.session.pages.train, loaded.session.pages.validation
    run = train.dashboard.run
    assert (run.facts.task, Path(str(run.args["model"])).stem) == (task, model)
    loaded.wait(train.dashboard.charts.is_complete)
    assert train.dashboard.charts.chart(chart).values_text()
    assert train.dashboard.stats["best"].caption() == f"best {caption}"
    assert train.dashboard.tabs.plots.list.count() > 5
    push_when_it_shows(loaded, "validation")
    loaded.wait(lambda: validation.report is not None and validation.report.task == task)
    assert caption in validation.figures()
    model_of_tiles = validation.gallery.tiles_model
    loaded.wait(lambda: model_of_tiles.tiles)
    row = validation.gallery.visualRect(model_of_tiles.index(0))
    QTest.mouseClick(validation.gallery.viewport(), Qt.MouseButton.LeftButton, pos=row.center())
    assert loaded.studio.window.current_page() == "annotate"
    name = model_of_tiles.tiles[0].image.file.name
    shown = loaded.session.workspace.image_id
    assert loaded.session.project.image(shown).path.name == name


@pytest.mark.slow
def test_copies_of_an_image_are_told_and_open_on_a_click(loaded: Any, tmp_path: Path) -> None:
    """An image that is learnt from and checked on makes every measure too good."""
    project = loaded.session.project
    first, last = (project.image(i) for i in (project.image_ids()[0], project.image_ids()[-3]))
    last.path.write_bytes(first.path.read_bytes())
    project.apply(SetSplit({first.id: "train", last.id: "val"}))
    if not project.shapes(last.id):
        project.apply(SetBackground({last.id: True}))
    start(loaded, epochs=1, imgsz=64, batch=4)
    tabs = loaded.session.pages.train.dashboard.tabs
    loaded.wait(lambda: tabs.warnings.topLevelItemCount() > 0, TRAIN_MS)
    loaded.wait(lambda: not shown_state(loaded).is_alive, TRAIN_MS)
    tabs.show_warnings()
    rows = [tabs.warnings.topLevelItem(n) for n in range(tabs.warnings.topLevelItemCount())]
    (row,) = [row for row in rows if "also trained on" in row.text(1)]
    place = tabs.warnings.visualItemRect(row).center()
    QTest.mouseClick(tabs.warnings.viewport(), Qt.MouseButton.LeftButton, pos=place)
    child = row if not row.childCount() else row.child(0)
    if row.childCount():
        place = tabs.warnings.visualItemRect(child).center()
        QTest.mouseClick(tabs.warnings.viewport(), Qt.MouseButton.LeftButton, pos=place)
    assert loaded.studio.window.current_page() == "annotate"
    assert loaded.session.workspace.image_id == last.id


def export(hands: Any, folder: Path) -> None:
    """Export to ONNX with the form's own values and look at the result row."""
    panel = hands.session.pages.export
    hands.rail("Models")
    hands.session.pages.show_export(folder / "weights" / "best.pt")
    assert panel.isVisible()
    results: list[Any] = []
    panel.exported.connect(results.append)
    hands.push(panel.export_button)
    hands.wait(lambda: results or not panel.banner.isHidden(), TRAIN_MS)
    assert panel.banner.isHidden(), panel.banner.text()
    (result,) = results
    assert Path(result.path).suffix == ".onnx"
    assert Path(result.path).stat().st_size == result.size_bytes > 1e6
    assert result.max_abs_diff < 1e-3
    hands.button("Reveal in folder", panel)


@pytest.mark.slow
def test_pause_close_reattach_stop_and_resume(
    loaded: Any, new_studio: Callable[[], Studio], qtbot: Any
) -> None:
    folder = start(loaded, epochs=40, imgsz=64, batch=4)
    loaded.wait(lambda: loaded.studio.runs.runs[0].facts.epochs_done >= 1, TRAIN_MS)
    push_when_it_shows(loaded, "pause")
    loaded.wait(lambda: shown_state(loaded) is RunState.PAUSED, TRAIN_MS)
    project = loaded.session.project.folder
    loaded.studio.window.close()
    assert state(folder) is RunState.PAUSED
    again = type(loaded)(new_studio(), qtbot)
    again.studio.files.open_project(project)
    again.wait(lambda: again.studio.runs.runs)
    assert shown_state(again) is RunState.PAUSED
    again.rail("Train")
    push_when_it_shows(again, "continue")
    done = again.studio.runs.runs[0].facts.epochs_done
    again.wait(lambda: again.studio.runs.runs[0].facts.epochs_done > done, TRAIN_MS)
    push_when_it_shows(again, "stop_after_epoch")
    again.wait(lambda: shown_state(again) is RunState.STOPPED, TRAIN_MS)
    done = again.studio.runs.runs[0].facts.epochs_done
    assert done < 40
    push_when_it_shows(again, "resume")
    again.wait(lambda: shown_state(again) is RunState.RUNNING, TRAIN_MS)
    again.wait(lambda: again.studio.runs.runs[0].facts.epochs_done > done, TRAIN_MS)
    push_when_it_shows(again, "stop")
    again.wait(lambda: shown_state(again) is RunState.STOPPED, TRAIN_MS)


def test_a_project_without_labels_says_what_training_needs(opened: Any) -> None:
    opened.rail("Train")
    panel = opened.session.pages.train
    assert not panel.train_button.isEnabled()
    opened.push(opened.button("Draw some shapes"))
    assert opened.studio.window.current_page() == "annotate"


def test_suggesting_without_a_model_offers_the_way(labelled: Any) -> None:
    labelled.press(Qt.Key.Key_G, CTRL)
    assert "no trained model" in labelled.banner()
    labelled.push(labelled.studio.window.banner.action_button)
    assert labelled.studio.window.current_page() == "train"


def suggest(hands: Any) -> None:
    """Put two suggestions on the current image, as a model would."""
    project, image = hands.session.project, hands.session.workspace.image_id
    cls = project.classes()[0].id
    squares = [((x, 20), (x + 60, 20), (x + 60, 80), (x, 80)) for x in (130.0, 230.0)]
    shapes = [new_shape(image, cls, Polygon(s), "model", 0.8) for s in squares]
    project.set_suggestions(image, shapes)
    hands.settle()


def test_one_suggestion_is_accepted_and_one_rejected_with_keys(labelled: Any) -> None:
    suggest(labelled)
    assert labelled.studio.actions["suggest.accept"].isEnabled()
    labelled.move(160, 50)
    labelled.press(Qt.Key.Key_Y)
    assert len(labelled.shapes()) == 3
    assert labelled.shapes()[-1].source == "model"
    labelled.move(260, 50)
    labelled.press(Qt.Key.Key_N)
    image = labelled.session.workspace.image_id
    assert labelled.session.project.suggestions(image) == []
    assert len(labelled.shapes()) == 3
    assert not labelled.studio.actions["suggest.accept"].isEnabled()


def test_all_suggestions_at_once_and_back(labelled: Any) -> None:
    suggest(labelled)
    image = labelled.session.workspace.image_id
    labelled.press(Qt.Key.Key_Y, SHIFT)
    assert len(labelled.shapes()) == 4
    labelled.press(Qt.Key.Key_Z, CTRL)
    assert len(labelled.shapes()) == 2
    assert len(labelled.session.project.suggestions(image)) == 2
    labelled.press(Qt.Key.Key_N, SHIFT)
    assert labelled.session.project.suggestions(image) == []


def test_a_key_without_a_suggestion_under_the_cursor_says_so(labelled: Any) -> None:
    suggest(labelled)
    labelled.move(10, 230)
    labelled.press(Qt.Key.Key_Y)
    assert "dashed" in labelled.studio.window.status.currentMessage()
    assert len(labelled.shapes()) == 2
