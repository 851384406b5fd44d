"""The bridge to the lasting worker: a real process that obeys, fails, is cancelled and is killed."""

from __future__ import annotations

import logging
import os
import signal
from pathlib import Path

import psutil
import pytest

from studio.jobs.client import Job, JobsClient
from studio.jobs.messages import Failed, PredictionDone
from studio.tools.prompting import Prompts


@pytest.fixture
def client(qtbot, tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(str(Path(__file__).parent))
    client = JobsClient(tasks="obedient_tasks", log_path=tmp_path / "worker.log")
    yield client
    client.close()
    assert client.worker_pid is None


def predict(client: JobsClient, behaviour: str, images: int = 2) -> Job:
    return client.predict(Path(behaviour), [(n, Path(f"{n}.png")) for n in range(images)], {})


def end_of(qtbot, job: Job, timeout: int = 20_000) -> PredictionDone | Failed:
    ends = []
    job.finished.connect(ends.append)
    job.failed.connect(ends.append)
    qtbot.waitUntil(lambda: bool(ends), timeout=timeout)
    qtbot.wait(20)
    assert len(ends) == 1, "a request ends exactly once"
    return ends[0]


def test_a_request_reports_its_images_and_its_end_in_order(client, qtbot):
    job = predict(client, "good", images=3)
    seen = []
    job.started.connect(lambda: seen.append("started"))
    job.predicted.connect(lambda p: seen.append(p.key))
    job.progressed.connect(lambda p: seen.append((p.done, p.total)))
    end = end_of(qtbot, job)
    assert seen == ["started", 0, (1, 3), 1, (2, 3), 2, (3, 3)]
    assert end == PredictionDone(3, 3, 0, 0.1)
    assert not job.is_running


def test_the_worker_lasts_from_request_to_request(client, qtbot):
    end_of(qtbot, predict(client, "good"))
    first = client.worker_pid
    end_of(qtbot, predict(client, "good"))
    assert client.worker_pid == first is not None


@pytest.mark.parametrize(
    ("behaviour", "kind", "word"),
    [
        ("bad data", "data", "data.yaml, line 3: no labels."),
        ("bug", "error", "ZeroDivisionError"),
        ("memory", "out_of_memory", "memory"),
    ],
)
def test_a_task_that_fails_says_why_and_the_worker_goes_on(client, qtbot, behaviour, kind, word):
    failed = end_of(qtbot, predict(client, behaviour))
    assert (failed.kind, word in failed.message) == (kind, True), failed
    assert "Traceback" in failed.details
    assert isinstance(end_of(qtbot, predict(client, "good")), PredictionDone)


def test_what_libraries_print_goes_to_the_log(client, qtbot, tmp_path, capfd):
    end_of(qtbot, predict(client, "bug"))
    client.close()
    assert "words of a library" in (tmp_path / "worker.log").read_text()
    assert capfd.readouterr().out == ""


def test_cancel_between_two_steps(client, qtbot):
    job = predict(client, "slow")
    with qtbot.waitSignal(job.progressed, timeout=20_000):
        pass
    pid = client.worker_pid
    job.cancel()
    assert end_of(qtbot, job).kind == "cancelled"
    assert isinstance(end_of(qtbot, predict(client, "good")), PredictionDone)
    assert client.worker_pid == pid, "a cancelled task needs no other process"


def test_a_request_that_waits_can_be_cancelled(client, qtbot):
    first, second = predict(client, "slow"), predict(client, "good")
    second.cancel()
    with qtbot.waitSignal(first.progressed, timeout=20_000):
        pass
    first.cancel()
    assert end_of(qtbot, second).kind == "cancelled"


def test_a_worker_that_does_not_hear_cancel_is_ended_and_the_next_request_still_runs(
    client, qtbot, monkeypatch
):
    monkeypatch.setattr("studio.jobs.client._CANCEL_PATIENCE_MS", 300)
    deaf = predict(client, "deaf")
    with qtbot.waitSignal(deaf.started, timeout=20_000):
        pass
    waiting = predict(client, "good")
    deaf.cancel()
    assert end_of(qtbot, deaf).kind == "cancelled"
    assert isinstance(end_of(qtbot, waiting), PredictionDone)


def test_kill_9_fails_the_request_with_the_reason_and_the_next_starts_another_worker(client, qtbot):
    job = predict(client, "slow")
    with qtbot.waitSignal(job.progressed, timeout=20_000):
        pass
    pid = client.worker_pid
    os.kill(pid, signal.SIGKILL)
    failed = end_of(qtbot, job)
    assert failed.kind == "crashed"
    assert "killed" in failed.message
    assert "memory" in failed.message
    assert failed.remedy
    assert isinstance(end_of(qtbot, predict(client, "good")), PredictionDone)
    assert client.worker_pid not in (pid, None)


def test_no_call_of_the_client_waits_for_the_worker(client, qtbot):
    many = [(n, Path(f"/images/{n:06d}.png")) for n in range(20_000)]
    slow = client.predict(Path("slow"), many[:1], {})
    job = client.predict(Path("good"), many, {})
    assert slow.is_running  # both calls came back while the first request was still at work
    assert job.is_running
    for open_job in client.findChildren(Job):
        open_job.cancel()
    assert end_of(qtbot, job).kind == "cancelled"


def test_a_call_in_a_thread_returns_reports_and_fails(client, qtbot, caplog):
    def work(steps):
        steps.progress(1, 2, "half")
        return "made"

    job = client.call(work)
    steps = []
    job.progressed.connect(lambda p: steps.append((p.done, p.total, p.text)))
    assert end_of(qtbot, job) == "made"
    assert steps == [(1, 2, "half")]

    def fail(_steps):
        raise FileNotFoundError(2, "No such file or directory", "/nowhere")

    with caplog.at_level(logging.CRITICAL):
        failed = end_of(qtbot, client.call(fail))
    assert "/nowhere" in failed.message


def test_a_question_is_answered_in_the_middle_of_longer_work(client, qtbot):
    image = Path("a.png")
    looking = client.encode("yielding", image, ahead=True)
    with qtbot.waitSignal(looking.started, timeout=20_000):
        pass
    for _ in range(2):
        assert end_of(qtbot, client.segment("answer", image, Prompts(((1.0, 1.0),)))).seconds
    later = predict(client, "good")
    qtbot.wait(200)
    assert looking.is_running
    assert later.is_running  # it waits for its turn
    looking.cancel()
    assert end_of(qtbot, later) == PredictionDone(2, 2, 0, 0.1)
    assert not looking.is_running


def test_closing_ends_the_worker_also_in_the_middle_of_work(client, qtbot):
    job = predict(client, "slow")
    with qtbot.waitSignal(job.progressed, timeout=20_000):
        pass
    pid = client.worker_pid
    client.close()
    assert not psutil.pid_exists(pid)
