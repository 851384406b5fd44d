"""The state of a run directory from its files and the process table."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from studio.model.runs import (
    RunReader,
    RunState,
    is_process_alive,
    list_checkpoints,
    list_runs,
    read_command,
    send_command,
    summarise,
)

NOW = time.time()
OWN = {"pid": os.getpid(), "time": psutil.Process().create_time()}
DEAD_PID = 2**22 + 7


def make_run(
    folder: Path,
    *events: dict,
    process: dict | None = None,
    exit_record: dict | None = None,
    log: str = "",
) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    rows = [{"time": NOW + n * 0.01, **event} for n, event in enumerate(events)]
    (folder / "events.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    if process is not None:
        (folder / "process.json").write_text(json.dumps(process))
    if exit_record is not None:
        (folder / "exit.json").write_text(json.dumps(exit_record))
    if log:
        (folder / "log.txt").write_text(log)
    return folder


START = {"event": "on_pretrain_routine_start", "epochs": 3, "task": "segment", "pid": os.getpid()}
BEGAN = {"event": "on_train_start", "epochs": 3, "start_epoch": 1}
EPOCH = {"event": "on_fit_epoch_end", "epoch": 1, "metrics": {}}
END = {"event": "on_train_end", "reason": "finished"}
OOM = {"event": "error", "kind": "out_of_memory", "message": "Too big.", "remedy": "Shrink it."}


@pytest.mark.parametrize(
    ("events", "process", "exit_record", "state"),
    [
        ((), {"pid": None, "time": NOW}, None, "starting"),
        ((), {"pid": None, "time": NOW - 3600}, None, "failed"),
        ((), OWN, None, "starting"),
        ((), {**OWN, "waiting": True}, None, "queued"),
        ((START,), OWN, None, "starting"),
        ((START, BEGAN), OWN, None, "running"),
        ((START, BEGAN, {"event": "log", "state": "paused"}), OWN, None, "paused"),
        ((START, BEGAN), {"pid": DEAD_PID, "time": NOW - 9}, None, "failed"),
        # the supervisor is gone, the engine lives
        (
            (START, BEGAN),
            {"pid": DEAD_PID, "time": NOW - 9, "engine_pid": OWN["pid"], "engine_time": NOW},
            None,
            "running",
        ),
        ((START, BEGAN, EPOCH, END), OWN, None, "finished"),
        ((START, BEGAN, END), {**OWN, "pid": DEAD_PID}, {"code": 0}, "finished"),
        ((START, BEGAN, {**END, "reason": "stopped"}), OWN, {"code": 0}, "stopped"),
        ((START, BEGAN), OWN, {"code": 137, "signal": "SIGKILL"}, "failed"),
        ((START, BEGAN), OWN, {"code": 143, "signal": "SIGTERM", "stopped": True}, "stopped"),
        ((START, BEGAN), OWN, {"code": 0}, "failed"),
        ((START, BEGAN, OOM), OWN, {"code": 1}, "failed"),
        # started elsewhere: no supervisor wrote a record
        ((START, BEGAN), None, None, "running"),
        (({**START, "pid": DEAD_PID}, BEGAN), None, None, "failed"),
        (({**START, "pid": DEAD_PID}, BEGAN, END), None, None, "finished"),
    ],
)
def test_states(tmp_path, monkeypatch, events, process, exit_record, state):
    # The table was made when the file was imported; a record without a process is judged by its age.
    moved = time.time() - NOW
    monkeypatch.setattr(sys.modules[__name__], "NOW", NOW + moved)
    process = process and {
        key: value + moved if key.endswith("time") else value for key, value in process.items()
    }
    run = make_run(tmp_path / "train", *events, process=process, exit_record=exit_record)
    snapshot = summarise(run)
    assert snapshot.state is RunState(state)
    assert (snapshot.failure is not None) == (state == "failed")
    followed, _ = RunReader(run).poll()
    assert followed.state is snapshot.state


def test_a_stop_that_was_asked_for_shows_until_it_is_obeyed(tmp_path):
    run = make_run(tmp_path / "train", START, BEGAN, process=OWN)
    assert read_command(run) == "run"
    send_command(run, "stop_after_epoch")
    assert json.loads((run / "control.json").read_text()) == {"command": "stop_after_epoch"}
    assert summarise(run).state is RunState.STOPPING


def test_events_of_the_attempt_before_do_not_speak_for_a_resumed_one(tmp_path):
    later = {**OWN, "time": NOW + 100}
    run = make_run(tmp_path / "train", START, BEGAN, OOM, process=later)
    assert summarise(run).state is RunState.STARTING


@pytest.mark.parametrize(
    ("exit_record", "log", "words"),
    [
        ({"code": 137, "signal": "SIGKILL"}, "", "killed, most often because memory ran out"),
        (
            {"code": 137, "signal": "SIGKILL", "out_of_memory": True, "peak_mib": 11469},
            "",
            "memory ran out. It held up to 11.2 GB",
        ),
        ({"code": 139, "signal": "SIGSEGV"}, "", "crashed inside a library"),
        ({"code": 1}, "x\nOSError: [Errno 28] No space left on device", "disk is full"),
        ({"code": 1}, "loading\nboom", "code 1: boom"),
        ({"code": 1}, "yolo: data.yaml: no such file.", "data.yaml: no such file."),
        ({"code": 1}, "ModuleNotFoundError: No module named 'torch'", "PyTorch is not installed"),
        ({"code": 1, "error": "No such folder.", "remedy": "Make it."}, "", "No such folder."),
        (None, "", "without a word"),
    ],
)
def test_a_failure_says_what_happened_and_what_to_do(tmp_path, exit_record, log, words):
    dead = {"pid": DEAD_PID, "time": NOW - 9}
    run = make_run(tmp_path / "t", START, BEGAN, process=dead, exit_record=exit_record, log=log)
    failure = summarise(run).failure
    assert words in failure.reason
    assert failure.remedy.endswith(".")
    assert failure.details == log


def test_the_engines_own_words_come_first(tmp_path):
    run = make_run(tmp_path / "t", START, OOM, process=OWN, exit_record={"code": 1}, log="trace")
    failure = summarise(run).failure
    assert (failure.reason, failure.remedy) == ("Too big.", "Shrink it.")


def test_only_a_run_that_ended_early_and_left_weights_can_be_resumed(tmp_path):
    dead = {"pid": DEAD_PID, "time": NOW - 9}
    run = make_run(tmp_path / "t", START, BEGAN, EPOCH, process=dead)
    assert not summarise(run).can_resume
    (run / "weights").mkdir()
    (run / "weights" / "last.pt").write_bytes(b"x")
    assert summarise(run).can_resume
    done = make_run(tmp_path / "d", START, BEGAN, EPOCH, END, process=dead)
    (done / "weights").mkdir()
    (done / "weights" / "last.pt").write_bytes(b"x")
    assert not summarise(done).can_resume


def test_runs_are_listed_newest_first_and_other_folders_left_out(tmp_path):
    make_run(tmp_path / "train", START, process={**OWN, "created": 10})
    make_run(tmp_path / "train-2", START, process={**OWN, "created": 30})
    make_run(tmp_path / "old", START, process={**OWN, "created": 20})
    (tmp_path / "notes").mkdir()
    (tmp_path / "notes.txt").write_text("")
    assert [run.name for run in list_runs(tmp_path)] == ["train-2", "old", "train"]
    assert list_runs(tmp_path / "nowhere") == []


def test_model_files_are_listed_by_worth(tmp_path):
    weights = tmp_path / "weights"
    weights.mkdir()
    for name in ("last.pt", "epoch4.pt", "best.onnx", "best.pt", "notes.txt", "best.torchscript"):
        (weights / name).write_bytes(b"12345")
    for name in ("best_openvino_model", "best_rknn_model"):  # the second runs elsewhere
        (weights / name).mkdir()
        (weights / name / "model.bin").write_bytes(b"1234567")
    found = list_checkpoints(tmp_path)
    assert [(c.path.name, c.kind, c.size_bytes) for c in found] == [
        ("best.pt", "best", 5),
        ("last.pt", "last", 5),
        ("epoch4.pt", "epoch", 5),
        ("best.onnx", "exported", 5),
        ("best.torchscript", "exported", 5),
        ("best_openvino_model", "exported", 7),
    ]


def test_a_number_used_again_is_not_the_process_that_was_meant():
    assert is_process_alive(os.getpid(), NOW + 60)
    assert is_process_alive(os.getpid(), None)
    assert not is_process_alive(os.getpid(), psutil.Process().create_time() - 60)
    assert not is_process_alive(None, None)


@pytest.mark.skipif(os.name == "nt", reason="Windows has no zombies")
def test_a_zombie_is_dead():
    child = subprocess.Popen([sys.executable, "-c", ""])
    psutil.Process(child.pid).create_time()
    deadline = time.time() + 20
    while psutil.Process(child.pid).status() != psutil.STATUS_ZOMBIE:
        assert time.time() < deadline
        time.sleep(0.02)
    assert not is_process_alive(child.pid, None)
    child.wait()
