"""Watching runs from a thread: what changed is told once, a followed run with its curves."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path

import pytest

from studio.jobs.client import RunsWatcher
from studio.model.runs import RunState, send_command

START = {"event": "on_pretrain_routine_start", "epochs": 3, "pid": os.getpid()}
BEGAN = {"event": "on_train_start", "epochs": 3, "start_epoch": 1}


def epoch(number: int) -> dict:
    return {
        "event": "on_fit_epoch_end",
        "epoch": number,
        "fitness": number / 10,
        "best_epoch": number,
    }


def append(run: Path, *events: dict) -> None:
    run.mkdir(parents=True, exist_ok=True)
    with (run / "events.jsonl").open("a") as file:
        file.writelines(json.dumps({"time": time.time(), **event}) + "\n" for event in events)


@pytest.fixture
def watcher(qtbot):
    watcher = RunsWatcher(interval_s=0.05)
    yield watcher
    watcher.close()


def test_runs_appear_change_and_end(watcher, qtbot, tmp_path):
    told = []
    watcher.runs_changed.connect(lambda runs: told.append([(r.name, r.state.value) for r in runs]))
    watcher.set_folder(tmp_path / "runs")
    qtbot.waitUntil(lambda: told == [[]], timeout=5000)
    run = tmp_path / "runs" / "train"
    append(run, START)
    qtbot.waitUntil(lambda: told[-1] == [("train", "starting")], timeout=5000)
    append(run, BEGAN)
    qtbot.waitUntil(lambda: told[-1] == [("train", "running")], timeout=5000)
    send_command(run, "stop")
    qtbot.waitUntil(lambda: told[-1] == [("train", "stopping")], timeout=5000)
    append(run, {"event": "on_train_end", "reason": "stopped"})
    qtbot.waitUntil(lambda: told[-1] == [("train", "stopped")], timeout=5000)
    assert [r.state for r in watcher.runs] == [RunState.STOPPED]
    count = len(told)
    qtbot.wait(300)
    assert len(told) == count, "what stays as it is is told once"


def test_a_followed_run_brings_its_curves(watcher, qtbot, tmp_path):
    run = tmp_path / "runs" / "train"
    append(run, START, BEGAN, epoch(1))
    seen = []
    watcher.followed_changed.connect(lambda snapshot, history: seen.append((snapshot, history)))
    watcher.set_folder(tmp_path / "runs")
    watcher.follow(run)
    qtbot.waitUntil(lambda: bool(seen), timeout=5000)
    assert seen[-1][1].get("fitness").y == [0.1]
    first = seen[-1][1]
    append(run, epoch(2))
    qtbot.waitUntil(lambda: seen[-1][1].get("fitness").y == [0.1, 0.2], timeout=5000)
    assert first.get("fitness").y == [0.1], "what was told stays as it was"
    watcher.follow(None)
    count = len(seen)
    append(run, epoch(3))
    qtbot.wait(300)
    assert len(seen) == count


def test_a_long_history_is_read_to_its_end_at_once(watcher, qtbot, tmp_path):
    run = tmp_path / "runs" / "train"
    rows = [{"event": "on_train_batch_end", "epoch": n // 100 + 1, "batch": n % 100 + 1, "batches": 100,
             "losses": {"box_loss": 1.0}} for n in range(30_000)]  # fmt: skip
    append(run, START, BEGAN, *rows)
    seen = []
    watcher.followed_changed.connect(lambda snapshot, _history: seen.append(snapshot))
    watcher.follow(run)
    qtbot.waitUntil(lambda: bool(seen), timeout=20_000)
    assert seen[0].facts.epoch == 300


def test_another_folder_is_not_answered_with_the_first_ones_runs(watcher, qtbot, tmp_path):
    append(tmp_path / "a" / "train", START)
    append(tmp_path / "b" / "other", START)
    told = []
    watcher.runs_changed.connect(lambda runs: told.append([r.name for r in runs]))
    watcher.set_folder(tmp_path / "a")
    watcher.set_folder(tmp_path / "b")
    qtbot.waitUntil(lambda: bool(told), timeout=5000)
    qtbot.wait(200)
    assert set(map(tuple, told)) == {("other",)}
    assert [run.name for run in watcher.runs] == ["other"]


def test_closing_ends_the_thread(qtbot, tmp_path):
    watcher = RunsWatcher(interval_s=0.05)
    watcher.set_folder(tmp_path)
    watcher.close()
    assert not watcher._watch._thread.is_alive()
