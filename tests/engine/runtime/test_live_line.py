"""The line that is written over: what it shows, when it is silent, and that the log never mixes with it."""

from __future__ import annotations

import io
import logging
from types import SimpleNamespace

import pytest

from engine.runtime import live_line, log
from engine.runtime.live_line import Counter, LiveLine, bar_text, counted, format_bar, format_clock
from engine.runtime.log import LOGGER, show_log


class Terminal(io.StringIO):
    """A stderr that says it is a terminal, and what a person would see on its last line."""

    def isatty(self) -> bool:
        return True

    @property
    def encoding(self) -> str:
        return "utf-8"

    @property
    def last_line(self) -> str:
        row = ""
        for part in self.getvalue().rpartition("\n")[2].split("\r"):
            row = part + row[len(part) :]
        return row.rstrip()


@pytest.fixture
def terminal(monkeypatch):
    """Show the engine's log in a terminal of 80 columns, and draw every report."""
    screen = Terminal()
    for module in (live_line, log):  # pytest puts a stderr of its own back before the test begins
        monkeypatch.setattr(module, "sys", SimpleNamespace(stderr=screen))
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setattr(live_line, "_DRAW_EVERY_S", 0.0)
    handlers, level = list(LOGGER.handlers), LOGGER.level
    show_log()
    yield screen
    LiveLine.clear_open()
    LOGGER.handlers[:] = handlers
    LOGGER.setLevel(level)


def test_counts_are_drawn_and_taken_away_at_the_end(terminal):
    counter = Counter("reading", 4, lambda: "loss=1.5")
    counter(1)
    assert terminal.last_line.startswith("reading ")
    assert terminal.last_line.endswith("1/4  loss=1.5")
    counter(3)
    assert "3/4" in terminal.last_line
    counter(4)
    assert terminal.last_line == ""


def test_the_log_gets_a_line_of_its_own(terminal):
    counter = Counter("reading", 4)
    counter(1)
    LOGGER.info("a sentence")
    counter(2)
    shown = terminal.getvalue().split("\n")
    assert shown[0].rpartition("\r")[2] == "a sentence"
    assert "2/4" in terminal.last_line


def test_a_shorter_text_leaves_no_rest_of_a_longer_one(terminal):
    line = LiveLine()
    line.show("a long text")
    line.show("short")
    assert terminal.last_line == "short"


def test_a_line_is_never_wider_than_the_terminal(terminal):
    LiveLine().show("x" * 300)
    assert len(terminal.last_line) == 79


def test_items_are_handed_on_and_the_line_goes_also_after_a_break(terminal):
    assert list(counted(iter("abc"), "letters", 3)) == ["a", "b", "c"]
    assert terminal.last_line == ""
    for item in (items := counted(range(9), "numbers", 9)):
        if item == 4:
            assert "4/9" in terminal.last_line
            break
    items.close()
    assert terminal.last_line == ""


def test_quiet_draws_nothing(terminal):
    show_log(logging.WARNING)
    list(counted(range(3), "numbers", 3))
    assert terminal.getvalue() == ""


def test_a_pipe_gets_nothing(terminal, monkeypatch):
    monkeypatch.setattr(Terminal, "isatty", lambda self: False)
    list(counted(range(3), "numbers", 3))
    assert terminal.getvalue() == ""


def test_a_program_with_a_log_of_its_own_gets_nothing(terminal):
    LOGGER.handlers[:] = []
    list(counted(range(3), "numbers", 3))
    assert terminal.getvalue() == ""


def test_work_of_a_moment_draws_nothing(terminal, monkeypatch):
    monkeypatch.setattr(live_line, "_DRAW_EVERY_S", 1000.0)
    list(counted(range(3), "numbers", 3))
    assert terminal.getvalue() == ""


def test_text_of_a_bar(terminal):
    assert bar_text("epoch 1/2", 5, 10, 4.0, "loss=1") == (
        f"epoch 1/2 {'█' * 10}{'░' * 10} 5/10 0:04 left  loss=1"
    )
    assert bar_text("files", 7, 0, 4.0) == "files 7"
    assert "left" not in bar_text("files", 1, 9, 0.2)


def test_a_terminal_without_the_signs_gets_plain_ones(terminal, monkeypatch):
    monkeypatch.setattr(Terminal, "encoding", "ascii")
    assert format_bar(0.25, 8) == "##------"
    assert format_bar(7, 3) == "###"


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [(0.4, "0:00"), (7, "0:07"), (59.6, "1:00"), (125, "2:05"), (7500, "2:05:00")],
)
def test_clock(seconds, shown):
    assert format_clock(seconds) == shown
