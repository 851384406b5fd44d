"""The dashboard and the runs table over run directories as trainings leave them."""

from __future__ import annotations

import json
import os
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
from PySide6.QtCore import QPointF, Qt
from PySide6.QtTest import QTest

from studio.model.run_facts import History, RunFacts
from studio.model.runs import RunReader, RunState, summarise
from studio.panels.train import run_words as words
from studio.panels.train.chart import Chart
from studio.panels.train.chart_specs import chart_specs, format_number, smoothed, value_at
from studio.panels.train.dashboard import Dashboard
from studio.panels.train.runs_table import RunsTable

LEFT = Qt.MouseButton.LeftButton
FINISHED = {"event": "on_train_end", "reason": "finished"}


@pytest.fixture
def dashboard(qtbot) -> Dashboard:
    dashboard = Dashboard()
    qtbot.addWidget(dashboard)
    dashboard.resize(1000, 700)
    dashboard.show()
    return dashboard


def show(dashboard: Dashboard, folder) -> RunReader:
    reader = RunReader(folder)
    run, _changed = reader.poll()
    dashboard.show_run(run, reader.history)
    while not dashboard.charts.is_complete():
        QTest.qWait(5)
    return reader


def shown_buttons(dashboard: Dashboard) -> set[str]:
    keys = (
        "pause",
        "continue",
        "stop_after_epoch",
        "stop",
        "resume",
        "validation",
        "predict",
        "export",
    )
    return {key for key in keys if dashboard.buttons.button(key).isVisible()}


def test_a_running_training_shows_its_numbers_and_can_be_steered(dashboard, make_run, qtbot):
    folder = make_run("train", epochs=10, alive=True)
    show(dashboard, folder)
    assert dashboard.run.state is RunState.RUNNING
    assert shown_buttons(dashboard) == {"pause", "stop_after_epoch", "stop"}
    assert dashboard.stats["best"].value() == "0.200"
    assert dashboard.stats["epoch"].value() == "2 / 10"
    assert dashboard.stats["left"].value() == "1 min"
    assert dashboard.stats["memory"].value() == "0.9 GB"
    for key, command in (
        ("pause", "pause"),
        ("stop_after_epoch", "stop_after_epoch"),
        ("stop", "stop"),
    ):
        with qtbot.waitSignal(dashboard.steered):
            QTest.mouseClick(dashboard.buttons.button(key), LEFT)
        assert json.loads((folder / "control.json").read_text()) == {"command": command}


def test_a_paused_training_can_go_on(dashboard, make_run):
    folder = make_run("train", {"event": "log", "state": "paused"}, epochs=10, alive=True)
    show(dashboard, folder)
    assert shown_buttons(dashboard) == {"continue", "stop_after_epoch", "stop"}
    QTest.mouseClick(dashboard.buttons.button("continue"), LEFT)
    assert json.loads((folder / "control.json").read_text()) == {"command": "run"}


def test_a_finished_training_offers_what_comes_next(dashboard, make_run, qtbot):
    folder = make_run("train", FINISHED, exit_record={"code": 0})
    (folder / "validation.json").write_text("{}")
    show(dashboard, folder)
    assert shown_buttons(dashboard) == {"validation", "predict", "export"}
    with qtbot.waitSignal(dashboard.asked) as asked:
        QTest.mouseClick(dashboard.buttons.button("export"), LEFT)
    assert asked.args == ["export", folder / "weights" / "best.pt"]
    assert not dashboard.banner.isVisible()


def test_a_killed_training_says_why_and_resumes_from_the_message(dashboard, make_run, monkeypatch):
    record = {"code": 137, "signal": "SIGKILL", "peak_mib": 2048}
    folder = make_run("train", epochs=10, exit_record=record)
    (folder / "log.txt").write_text("epoch 3/10\nKilled")
    show(dashboard, folder)
    assert "memory" in dashboard.banner.text()
    assert "2.0 GB" in dashboard.banner.text()
    assert "Killed" in dashboard.banner.details()
    resumed = []
    monkeypatch.setattr("studio.panels.train.dashboard.resume_training", resumed.append)
    assert not dashboard.buttons.button("resume").isVisible(), "one place to resume, not two"
    QTest.mouseClick(dashboard.banner.action_button, LEFT)
    assert [run.folder for run in resumed] == [folder]
    assert not dashboard.banner.isVisible()


def test_a_dismissed_message_stays_away_until_there_is_news(dashboard, make_run):
    folder = make_run("train", epochs=10, exit_record={"code": 137, "signal": "SIGKILL"})
    reader = show(dashboard, folder)
    QTest.mouseClick(dashboard.banner.close_button, LEFT)
    dashboard.show_run(reader.poll()[0], reader.history)
    assert not dashboard.banner.isVisible()
    assert dashboard.buttons.button("resume").isVisible()


def test_warnings_name_their_files(dashboard, make_run):
    warnings = [
        {"event": "warning", "message": "expected 5 numbers", "path": "/d/a.txt", "line": 3},
        {"event": "warning", "message": "cannot be read", "path": "/d/b.jpg", "line": None},
    ]
    show(dashboard, make_run("train", *warnings, epochs=10, alive=True))
    assert "2 warnings" in dashboard.banner.text()
    assert "a.txt, line 3: expected 5 numbers" in dashboard.banner.details()


def rows_of(tree) -> list[tuple[str, str]]:
    items = [tree.topLevelItem(row) for row in range(tree.topLevelItemCount())]
    return [(item.text(0), item.text(1)) for item in items]


def click_row(tree, item) -> None:
    place = tree.visualItemRect(item).center()
    QTest.mouseClick(tree.viewport(), LEFT, pos=place)


def test_a_click_on_a_warning_asks_for_its_image(dashboard, make_run, qtbot):
    twins = ["/d/a.jpg", "/d/b.jpg"]
    events = [
        {"event": "warning", "message": "cannot be read", "path": "/d/c.jpg", "line": None},
        {"event": "warning", "message": "in train and in val", "files": twins},
        {"event": "warning", "message": "a slow disk", "path": None, "line": None},
    ]
    again = [{"event": "on_pretrain_routine_start", "task": "segment"}, events[0]]
    show(dashboard, make_run("train", *events, *again, epochs=10, alive=True))
    tabs, tree = dashboard.tabs, dashboard.tabs.warnings
    assert tabs.tabText(tabs.indexOf(tree)) == "Warnings (3)", "a resumed run repeats itself"
    QTest.mouseClick(dashboard.banner.action_button, LEFT)
    assert tree.isVisible()
    assert rows_of(tree) == [
        ("c.jpg", "cannot be read"),
        ("2 images", "in train and in val"),
        ("", "a slow disk"),
    ]
    with qtbot.waitSignal(dashboard.asked) as asked:
        click_row(tree, tree.topLevelItem(0))
    assert asked.args == ["image", Path("/d/c.jpg")]
    click_row(tree, tree.topLevelItem(1))
    with qtbot.waitSignal(dashboard.asked) as asked:
        click_row(tree, tree.topLevelItem(1).child(1))
    assert asked.args == ["image", Path("/d/b.jpg")]


def test_predictions_come_to_the_front_unless_somebody_looks_elsewhere(dashboard, make_run):
    folder = make_run("train", epochs=10, alive=True)
    reader = show(dashboard, folder)
    tabs, picture = dashboard.tabs, np.full((20, 40, 3), 90, np.uint8)
    cv2.imwrite(str(folder / "labels.jpg"), picture)
    dashboard.show_run(reader.poll()[0], reader.history)
    assert tabs.currentWidget() is tabs.plots
    cv2.imwrite(str(folder / "val_batch0_pred.jpg"), picture)
    dashboard.show_run(reader.poll()[0], reader.history)
    assert tabs.currentWidget() is tabs.pictures
    place = tabs.tabBar().tabRect(tabs.indexOf(tabs.plots)).center()
    QTest.mouseClick(tabs.tabBar(), LEFT, pos=place)
    dashboard.show_run(reader.poll()[0], reader.history)
    assert tabs.currentWidget() is tabs.plots


def test_the_plots_of_a_run_are_listed_in_words_and_shown(dashboard, make_run, qtbot):
    folder = make_run("train", FINISHED, exit_record={"code": 0})
    reader = show(dashboard, folder)
    tabs, plots = dashboard.tabs, dashboard.tabs.plots
    assert not tabs.isVisible(), "nothing is drawn yet"
    for number, name in enumerate(
        ("train_batch1.jpg", "PosePR_curve.png", "results.png", "mine.png", "iou_bar_chart.png")
    ):
        cv2.imwrite(str(folder / name), np.full((20 + number, 40, 3), 90, np.uint8))
    dashboard.show_run(reader.poll()[0], reader.history)
    titles = [plots.list.item(row).text() for row in range(plots.list.count())]
    assert titles == [
        "Curves",
        "Overlap of each class",
        "Precision over recall, keypoints",
        "What it learnt from, 1",
        "mine.png",
    ]
    qtbot.waitUntil(lambda: plots.picture.image().height() == 22)
    QTest.mouseClick(
        plots.list.viewport(), LEFT, pos=plots.list.visualItemRect(plots.list.item(2)).center()
    )
    qtbot.waitUntil(lambda: plots.picture.image().height() == 21)
    cv2.imwrite(str(folder / "another.png"), np.full((5, 5, 3), 90, np.uint8))
    dashboard.show_run(reader.poll()[0], reader.history)
    assert plots.current() == folder / "PosePR_curve.png", "the chosen one stays"


def test_one_crosshair_runs_over_all_charts_and_the_heads_show_its_values(
    dashboard, make_run, qtbot
):
    show(dashboard, make_run("train", FINISHED, exit_record={"code": 0}))
    charts = dashboard.charts
    qtbot.wait(50)  # the event loop lays new charts out
    charts.set_cursor(None)  # the mouse of the test before may rest anywhere
    assert [chart.spec.key for chart in charts.charts] == [
        "box_loss", "seg_loss", "map", "precision", "lr", "speed", "memory",
    ]  # fmt: skip
    assert charts.chart("map").values_text() == "50 0.2  50-95 0.2"
    view = charts.chart("map").plot.getPlotItem().vb
    middle = view.mapViewToScene(QPointF(1, sum(view.viewRange()[1]) / 2))
    charts.chart("map")._on_mouse_moved(middle)
    assert charts.chart("map").values_text() == "50 0.1  50-95 0.1"
    assert all(chart._crosshair.isVisible() for chart in charts.charts)
    assert charts.chart("speed")._crosshair.value() == pytest.approx(1, abs=0.05)
    charts.set_cursor(None)
    assert not any(chart._crosshair.isVisible() for chart in charts.charts)


def test_the_best_epoch_is_marked_and_smoothing_leaves_the_raw_line(dashboard, make_run):
    show(dashboard, make_run("train", FINISHED, exit_record={"code": 0}))
    chart = dashboard.charts.chart("map")
    assert chart._best.isVisible()
    assert chart._best.value() == 2
    dashboard.charts.slider.setValue(0)
    name = "metrics/mAP50-95(M)"
    assert chart._curves[name].getData()[1].tolist() == [0.1, 0.2]
    assert chart._raw[name].getData()[1] is None
    dashboard.charts.slider.setValue(100)
    assert chart._raw[name].getData()[1].tolist() == [0.1, 0.2]
    assert chart._curves[name].getData()[1][1] < 0.2


def test_narrow_windows_take_fewer_columns(dashboard, make_run, qtbot):
    show(dashboard, make_run("train", FINISHED, exit_record={"code": 0}))
    wide = dashboard.charts._columns
    dashboard.resize(560, 700)
    qtbot.waitUntil(lambda: dashboard.charts._columns < wide)


def test_the_table_lists_runs_newest_first_and_a_click_chooses_one(qtbot, make_run):
    table = RunsTable()
    qtbot.addWidget(table)
    table.resize(900, 200)
    table.show()
    first = make_run("train", FINISHED, exit_record={"code": 0})
    second = make_run("train-2", epochs=10, exit_record={"code": 137, "signal": "SIGKILL"})
    runs = [summarise(second), summarise(first)]
    table.show_runs(runs)
    rows = [
        [str(table.runs_model.index(r, c).data()) for c in (0, 1, 2, 4, 5, 8)] for r in range(2)
    ]
    assert rows == [
        ["train-2", "Failed", "segment", "2 / 10", "0.200", "1-abcdef00"],
        ["train", "Finished", "segment", "2 / 2", "0.200", "1-abcdef00"],
    ]
    place = table.visualRect(table.runs_model.index(1, 0)).center()
    with qtbot.waitSignal(table.run_chosen) as chosen:
        QTest.mouseClick(table.viewport(), LEFT, pos=place)
    assert chosen.args == [first]
    table.show_runs(runs)
    assert table.currentIndex().row() == 1, "the choice stays when the runs are told again"


def test_the_latest_predictions_show_and_change_with_their_file(dashboard, make_run, qtbot):
    folder = make_run("train", epochs=10, alive=True)
    reader = show(dashboard, folder)
    assert not dashboard.tabs.isVisible()
    for level in (60, 200):
        cv2.imwrite(str(folder / "val_batch0_pred.jpg"), np.full((40, 80, 3), level, np.uint8))
        os.utime(folder / "val_batch0_pred.jpg", ns=(level, level))
        dashboard.show_run(reader.poll()[0], reader.history)
        shown = dashboard.tabs.pictures.predictions
        qtbot.waitUntil(
            lambda shown=shown, level=level: (
                not shown.image().isNull() and abs(shown.image().pixelColor(5, 5).red() - level) < 5
            )
        )
    assert dashboard.tabs.pictures.isVisible()


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0, "0 s"), (59, "59 s"), (90, "2 min"), (4020, "1 h 7 min"), (90_000, "1 d 1 h")],
)
def test_durations_are_said_in_two_steps_at_most(seconds, text):
    assert words.duration_text(seconds) == text


def test_time_left_is_estimated_before_the_first_epoch_ends():
    facts = RunFacts(epochs=10, epoch=1, batch=5, batches=10, started_time=100.0, last_time=110.0)
    assert words.seconds_left(facts) == pytest.approx(190)
    assert words.seconds_left(RunFacts(epochs=10, started_time=1.0, last_time=2.0)) is None
    assert words.seconds_left(RunFacts(end="finished", last_time=1.0)) is None


def test_smoothing_is_corrected_for_its_start_and_keeps_a_constant():
    assert smoothed([2.0, 2.0, 2.0], 0.9).tolist() == pytest.approx([2, 2, 2])
    assert smoothed([1.0, 3.0], 0.0).tolist() == [1, 3]
    assert smoothed([], 0.5).tolist() == []
    assert smoothed([0.0, 1.0], 0.5).tolist() == pytest.approx([0, 2 / 3])


def test_numbers_fit_their_space():
    assert [format_number(v) for v in (None, 0.12345, 12345.6, 0)] == ["–", "0.123", "12,346", "0"]


def test_a_run_of_boxes_has_no_mask_charts():
    history = History()
    history.add({"event": "on_fit_epoch_end", "epoch": 1, "losses": {"box_loss": 1.0, "sem_loss": 0.0},
                 "metrics": {"metrics/mAP50-95(B)": 0.4}})  # fmt: skip
    specs = chart_specs(history)
    assert [spec.key for spec in specs][:2] == ["box_loss", "map"]
    assert specs[1].title == "Box mAP"
    assert value_at(history.get("metrics/mAP50-95(B)"), 7.0) == 0.4


OF_OBJECTS = ("precision", "recall", "mAP50", "mAP50-95")


def of_objects(*letters: str) -> list[str]:
    return [f"{name}({letter})" for letter in letters for name in OF_OBJECTS]


@pytest.mark.parametrize(
    ("losses", "metrics", "charts"),
    [
        ("box cls dfl", of_objects("B"), ["Box mAP", "Precision, recall"]),
        ("box seg cls dfl sem", of_objects("B", "M"), ["Mask mAP", "Precision, recall"]),
        ("box pose kobj cls dfl", of_objects("B", "P"), ["Keypoint mAP", "Precision, recall"]),
        ("box cls dfl angle", of_objects("B"), ["Box mAP", "Precision, recall"]),
        (
            "ce dice aux",
            ["mIoU", "pixel_acc", "precision", "recall", "DiceScore", "MCR"],
            ["Overlap", "Precision, recall", "Dice, wrong"],
        ),
        ("", ["accuracy_top1", "accuracy_top5"], ["Accuracy"]),
        ("box", ["my_own"], ["my own"]),
    ],
)
def test_charts_come_from_the_runs_own_columns(losses, metrics, charts):
    names = [f"{name}_loss" for name in losses.split()] or ["loss"]
    history = History()
    for epoch in (1, 2):
        history.add({"event": "on_fit_epoch_end", "epoch": epoch,
                     "losses": {f"train/{name}": 1.0 / epoch for name in names},
                     "val_losses": {f"val/{name}": 1.2 / epoch for name in names},
                     "metrics": {f"metrics/{name}": 0.4 for name in metrics}})  # fmt: skip
    specs = chart_specs(history)
    assert [spec.key for spec in specs][: len(names)] == names
    assert [spec.title for spec in specs][len(names) : -3] == charts
    assert [spec.key for spec in specs][-3:] == ["lr", "speed", "memory"]
    drawn = {line.name for spec in specs for line in spec.lines}
    assert all(f"train/{name}" in drawn and f"val/{name}" in drawn for name in names)


@pytest.mark.parametrize(
    ("metrics", "caption", "value", "note"),
    [
        ({"mAP50-95(B)": 0.3, "mAP50(B)": 0.5, "mAP50-95(P)": 0.2, "mAP50(P)": 0.4},
         ("best mAP50-95", "best mAP50"), ("0.200", "0.400"), "pose, epoch 2"),
        ({"accuracy_top1": 0.7, "accuracy_top5": 1.0},
         ("best top-1 accuracy", "best top-5 accuracy"), ("0.700", "1.000"), "epoch 2"),
        ({"mIoU": 0.41, "pixel_acc": 0.9},
         ("best mIoU", "best pixel accuracy"), ("0.410", "0.900"), "epoch 2"),
    ],
)  # fmt: skip
def test_the_large_numbers_are_those_of_the_task(
    dashboard, make_run, metrics, caption, value, note
):
    best = {f"metrics/{name}": figure for name, figure in metrics.items()}
    end = {"event": "on_train_end", "reason": "finished", "metrics": best}
    show(dashboard, make_run("train", end, exit_record={"code": 0}))
    stats = [dashboard.stats[key] for key in ("best", "second")]
    assert tuple(stat.caption() for stat in stats) == caption
    assert tuple(stat.value() for stat in stats) == value
    assert stats[0]._note.text() == note


def test_a_loss_that_only_training_has_shows_no_curve_of_zeros_for_validation():
    history = History()
    for epoch in (1, 2):
        history.add({"event": "on_fit_epoch_end", "epoch": epoch,
                     "losses": {"sem_loss": 2.0, "l1_loss": 1.0},
                     "val_losses": {"sem_loss": 0.0, "l1_loss": 1.0}, "metrics": {}})  # fmt: skip
    sem, edge = chart_specs(history)[:2]
    assert (sem.title, [line.label for line in sem.lines]) == ("Class map loss", ["train"])
    assert (edge.title, [line.label for line in edge.lines]) == ("Edge loss", ["train", "val"])


def test_the_values_of_a_chart_are_whole_however_long_its_title(qtbot):
    history = History()
    history.add({"event": "on_fit_epoch_end", "epoch": 1,
                 "metrics": {"metrics/mIoU": 0.278, "metrics/pixel_acc": 0.835}})  # fmt: skip
    spec = next(spec for spec in chart_specs(history) if spec.key == "miou")
    chart = Chart(replace(spec, title="Overlap of all the classes there are"))
    qtbot.addWidget(chart)
    chart.resize(220, 120)
    chart.show()
    chart.show_history(history, 0.0)
    QTest.qWait(30)
    assert chart._values.width() >= chart._values.sizeHint().width()
    assert chart._title.shown_text().endswith("…")
    assert chart._title.toolTip() == "Overlap of all the classes there are"
