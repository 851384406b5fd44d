"""Trainings as real processes: they finish, stop, pause, are killed and resumed; the window may go."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from studio.jobs import training
from studio.jobs.supervise import Supervisor, main
from studio.jobs.training import (
    TrainingError,
    TrainingRequest,
    engine_command,
    reap,
    resume_training,
    start_training,
    stop_training,
)
from studio.model.runs import (
    RunReader,
    RunSnapshot,
    RunState,
    list_checkpoints,
    send_command,
    summarise,
)

TIMEOUT_S = 180


def arguments(data: Path, **more: object) -> dict[str, object]:
    return {
        "model": "yolo11n-seg.yaml",
        "data": str(data),
        "epochs": 2,
        "imgsz": 64,
        "batch": 2,
        "device": "cpu",
        "workers": 0,
        "plots": False,
        **more,
    }


def wait_for(folder: Path, wanted: Callable[[RunSnapshot], bool]) -> RunSnapshot:
    deadline = time.monotonic() + TIMEOUT_S
    while True:
        run = summarise(folder)
        if wanted(run):
            return run
        log = folder / "log.txt"
        assert time.monotonic() < deadline, (run, log.read_text() if log.exists() else "")
        time.sleep(0.1)


def wait_for_exit(folder: Path) -> dict:
    wait_for(folder, lambda _run: (folder / "exit.json").is_file())
    return json.loads((folder / "exit.json").read_text())


def process_of(folder: Path) -> dict:
    return json.loads((folder / "process.json").read_text())


@pytest.fixture(autouse=True)
def _threads(monkeypatch):
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    yield
    reap()
    for left in training._children:  # a test failed: its trainings must not outlive it
        os.killpg(left.pid, signal.SIGKILL)
        left.wait()


@pytest.mark.slow
def test_a_training_runs_to_its_end_in_a_directory_of_its_own(tmp_path, drawn_parts):
    request = TrainingRequest("segment", arguments(drawn_parts), version="1-abc")
    folder = start_training(tmp_path, request)
    assert folder == tmp_path / "train"
    assert summarise(folder).state is RunState.STARTING
    assert wait_for_exit(folder)["code"] == 0
    run = summarise(folder)
    assert (run.state, run.version, run.failure) == (RunState.FINISHED, "1-abc", None)
    assert (run.facts.epochs, run.facts.epochs_done, run.facts.progress) == (2, 2, 1.0)
    assert run.facts.task == "segment"
    assert {c.kind for c in list_checkpoints(folder)} == {"best", "last"}
    assert not run.can_resume
    reader = RunReader(folder)
    reader.poll()
    assert reader.history.get("metrics/mAP50-95(M)").x == [1, 2]
    assert reader.history.get("train/seg_loss").x == [1, 2]
    assert reader.history.names("batch/")
    assert (folder / "validation.json").is_file()
    second = start_training(tmp_path, request)
    assert second == tmp_path / "train-2", "an older run is never overwritten"
    stop_training(second)
    wait_for_exit(second)


@pytest.mark.slow
def test_pause_continue_and_stop_after_the_epoch(tmp_path, drawn_parts):
    folder = start_training(
        tmp_path, TrainingRequest("segment", arguments(drawn_parts, epochs=500))
    )
    wait_for(folder, lambda run: run.facts.epochs_done >= 1)
    send_command(folder, "pause")
    paused = wait_for(folder, lambda run: run.state is RunState.PAUSED)
    time.sleep(1.5)
    assert summarise(folder).facts.epochs_done <= paused.facts.epochs_done + 1
    assert summarise(folder).state is RunState.PAUSED
    send_command(folder, "run")
    wait_for(folder, lambda run: run.facts.epochs_done > paused.facts.epochs_done + 1)
    send_command(folder, "stop_after_epoch")
    record = wait_for_exit(folder)
    run = summarise(folder)
    assert (record["code"], run.state) == (0, RunState.STOPPED)
    assert run.can_resume


@pytest.mark.slow
def test_kill_9_is_explained_and_resume_goes_on_from_the_last_epoch(tmp_path, drawn_parts):
    folder = start_training(tmp_path, TrainingRequest("segment", arguments(drawn_parts, epochs=4)))
    wait_for(folder, lambda run: run.facts.epochs_done >= 1 and run.last.is_file())
    os.kill(process_of(folder)["engine_pid"], signal.SIGKILL)
    record = wait_for_exit(folder)
    run = summarise(folder)
    assert (record["code"], record["signal"]) == (137, "SIGKILL")
    assert run.state is RunState.FAILED
    assert "memory" in run.failure.reason
    assert run.can_resume
    done = run.facts.epochs_done
    resume_training(run)
    assert summarise(folder).state in {RunState.STARTING, RunState.RUNNING}
    assert wait_for_exit(folder)["code"] == 0
    reader = RunReader(folder)
    finished, _ = reader.poll()
    assert (finished.state, finished.facts.epochs_done) == (RunState.FINISHED, 4)
    assert reader.history.get("train/box_loss").x == [1, 2, 3, 4]
    starts = [
        json.loads(line)["start_epoch"]
        for line in (folder / "events.jsonl").read_text().splitlines()
        if '"on_train_start"' in line
    ]
    assert starts[0] == 1
    assert starts[1] >= done, "no finished epoch is done again"
    with pytest.raises(TrainingError):
        resume_training(RunSnapshot(tmp_path / "nothing", RunState.FAILED, run.facts))


@pytest.mark.slow
def test_the_window_may_die_and_a_new_one_finds_the_training(tmp_path, drawn_parts):
    code = (
        "import sys, json, os, signal; from pathlib import Path\n"
        "from studio.jobs.training import *\n"
        "print(start_training(Path(sys.argv[1]), TrainingRequest('segment', json.loads(sys.argv[2]))))\n"
        "sys.stdout.flush(); os.kill(os.getpid(), signal.SIGKILL)"
    )
    root = str(Path(__file__).parents[3])
    done = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path), json.dumps(arguments(drawn_parts))],
        cwd=root,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == -signal.SIGKILL, done.stderr
    folder = Path(done.stdout.strip())
    assert wait_for_exit(folder)["code"] == 0
    assert summarise(folder).state is RunState.FINISHED


@pytest.mark.slow
def test_bad_data_says_which_file_and_what_to_do(tmp_path):
    missing = tmp_path / "nowhere" / "data.yaml"
    folder = start_training(tmp_path / "runs", TrainingRequest("segment", arguments(missing)))
    assert wait_for_exit(folder)["code"] == 1
    failure = summarise(folder).failure
    assert str(missing) in failure.reason
    assert failure.remedy
    assert not summarise(folder).can_resume


@pytest.mark.slow
def test_a_run_waits_for_the_one_before_it_and_can_be_taken_from_the_queue(tmp_path, drawn_parts):
    first = start_training(tmp_path, TrainingRequest("segment", arguments(drawn_parts, epochs=500)))
    request = TrainingRequest("segment", arguments(drawn_parts, epochs=1), after=(first,))
    second, third = start_training(tmp_path, request), start_training(tmp_path, request)
    wait_for(second, lambda run: run.state is RunState.QUEUED)
    wait_for(third, lambda run: run.state is RunState.QUEUED)
    assert not (second / "events.jsonl").exists()
    stop_training(third)
    assert wait_for_exit(third) == {"code": 0, "stopped": True} | {
        "time": pytest.approx(time.time(), abs=60)
    }
    assert summarise(third).state is RunState.STOPPED
    wait_for(first, lambda run: run.state is RunState.RUNNING)
    stop_training(first)
    wait_for_exit(first)
    assert wait_for_exit(second)["code"] == 0
    assert summarise(second).state is RunState.FINISHED


DEAF = "import time, sys; print('deaf', flush=True); time.sleep(300)"


@pytest.fixture
def stand_in(monkeypatch, tmp_path) -> Callable[[str], Path]:
    """A run directory whose engine is a few lines of Python: for what a real one would take minutes to do."""

    def make(code: str) -> Path:
        folder = tmp_path / "run"
        folder.mkdir()
        (folder / "process.json").write_text(json.dumps({"task": "segment", "after": []}))
        monkeypatch.setattr(
            "studio.jobs.supervise.engine_command", lambda *_: [sys.executable, "-c", code]
        )
        monkeypatch.setattr("studio.jobs.supervise.signal.signal", lambda *_: None)
        return folder

    return make


def test_an_engine_that_does_not_hear_stop_is_ended(stand_in):
    folder = stand_in(DEAF)
    send_command(folder, "stop")
    supervisor = Supervisor(folder, stop_silence_s=0.5)
    assert supervisor.run() == 143
    record = json.loads((folder / "exit.json").read_text())
    assert (record["stopped"], record["signal"]) == (True, "SIGTERM")
    assert not psutil.pid_exists(process_of(folder)["engine_pid"])
    assert summarise(folder).state is RunState.STOPPED
    assert (folder / "log.txt").read_text() == "deaf\n"


def test_an_engine_that_still_writes_events_is_given_its_time_to_stop(stand_in, monkeypatch):
    code = (
        "import time, pathlib, sys\n"
        "p = pathlib.Path('events.jsonl')\n"
        "for n in range(12):\n"
        "    time.sleep(0.2); p.open('a').write('{\"event\": \"on_val_batch_end\"}\\n')\n"
    )
    folder = stand_in(code)
    monkeypatch.chdir(folder)
    send_command(folder, "stop")
    assert Supervisor(folder, stop_silence_s=1.0).run() == 0
    assert json.loads((folder / "exit.json").read_text())["stopped"] is False


def test_an_engine_that_crashes_leaves_its_code_and_its_last_words(stand_in):
    folder = stand_in("import sys; sys.stderr.write('boom\\n'); sys.exit(7)")
    assert Supervisor(folder).run() == 7
    failure = summarise(folder).failure
    assert "7" in failure.reason
    assert "boom" in failure.reason


def test_an_engine_that_cannot_be_started_is_explained(stand_in, monkeypatch):
    folder = stand_in("")
    monkeypatch.setattr("studio.jobs.supervise.engine_command", lambda *_: ["/no/such/python"])
    assert Supervisor(folder).run() == 1
    assert "could not be started" in summarise(folder).failure.reason


def test_the_command_line_of_a_supervisor_needs_a_run_directory(tmp_path, capsys):
    assert main([]) == 2
    assert main([str(tmp_path / "none")]) == 2
    assert "usage" in capsys.readouterr().err


def test_a_folder_that_cannot_be_written_is_refused_with_the_reason(tmp_path):
    (tmp_path / "runs").write_text("a file where a folder should be")
    with pytest.raises(TrainingError, match="could not be started") as caught:
        start_training(tmp_path / "runs", TrainingRequest("detect", {}))
    assert caught.value.remedy


def test_the_engine_is_told_everything_by_one_file(tmp_path):
    command = engine_command(tmp_path, {"task": "detect"})
    assert command[-3:] == ["detect", "train", f"cfg={tmp_path / 'args.yaml'}"]
    resumed = engine_command(tmp_path, {"task": "detect", "resume": True})
    assert resumed[-2:] == ["resume=True", f"model={tmp_path / 'weights' / 'last.pt'}"]


def test_the_end_of_a_run_that_was_resumed_meanwhile_is_not_told_twice(stand_in, monkeypatch):
    code = (
        "import json, pathlib; pathlib.Path('process.json').write_text(json.dumps({'pid': None}))"
    )
    folder = stand_in(code)
    monkeypatch.chdir(folder)
    assert Supervisor(folder).run() == 0
    assert not (folder / "exit.json").exists()
