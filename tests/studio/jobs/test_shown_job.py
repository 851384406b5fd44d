"""A job that is followed: its progress, its failure, its end."""

from __future__ import annotations

import logging
import threading
import time

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QVBoxLayout, QWidget

from engine.runtime.errors import DatasetError
from studio.jobs.client import JobsClient, Steps
from studio.jobs.shown_job import ShownJob

_LEFT = Qt.MouseButton.LeftButton


@pytest.fixture
def client(qtbot):
    client = JobsClient()
    yield client
    qtbot.waitUntil(lambda: not client.is_busy(), timeout=20_000)
    client.close()


@pytest.fixture
def shown(qtbot):
    window = QWidget()
    qtbot.addWidget(window)
    column = QVBoxLayout(window)
    shown = ShownJob("Counting", window)
    column.addWidget(shown.progress)
    column.addWidget(shown.banner)
    window.show()
    shown.window = window  # which lives as long as what it shows
    return shown


def test_the_row_shows_while_the_job_runs_and_says_its_steps(qtbot, client, shown):
    go_on, taken = threading.Event(), []

    def work(steps: Steps) -> int:
        steps.progress(1, 4, "Reading")
        go_on.wait(20)
        return 7

    shown.follow(client.call(work), "Counting shapes", taken.append)
    assert shown.is_running
    assert shown.progress.isVisible()
    qtbot.waitUntil(lambda: shown.progress.share() == 0.25, timeout=20_000)
    assert shown.progress.title_text() == "Reading"
    with qtbot.waitSignal(shown.ended, timeout=20_000):
        go_on.set()
    assert taken == [7]
    assert not shown.is_running
    assert not shown.progress.isVisible()
    assert not shown.banner.isVisible()


def test_a_title_that_says_more_stays(qtbot, client, shown):
    job = client.call(lambda steps: steps.progress(1, 2, "Reading"))
    with qtbot.waitSignal(shown.ended, timeout=20_000):
        shown.follow(job, "Validating day 3", lambda _: None, keeps_title=True)
    assert shown.progress.title_text() == "Validating day 3"


def test_a_failure_is_said_with_its_remedy(qtbot, client, shown, caplog):
    def work(_steps: Steps) -> None:
        raise DatasetError("There is nothing to count.", remedy="Add images.")

    with caplog.at_level(logging.CRITICAL), qtbot.waitSignal(shown.ended, timeout=20_000):
        shown.follow(client.call(work), "Counting", lambda _: pytest.fail("took a failure"))
    assert shown.banner.isVisible()
    assert "There is nothing to count." in shown.banner.text()
    assert not shown.is_running


def test_cancel_gives_the_job_up_without_a_word(qtbot, client, shown):
    def work(steps: Steps) -> None:
        while not steps.is_cancelled():
            time.sleep(0.01)
        raise InterruptedError("given up")

    shown.follow(client.call(work), "Counting", lambda _: None)
    with qtbot.waitSignal(shown.ended, timeout=20_000):
        QTest.mouseClick(shown.progress.cancel_button, _LEFT)
    assert not shown.banner.isVisible()
    assert not shown.is_running
