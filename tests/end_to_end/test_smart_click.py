"""A few clicks of ``python -m benchmarks smart_click``, with the segmenter that needs no network."""

from __future__ import annotations

from argparse import Namespace

import pytest
from PySide6.QtWidgets import QWidget
from pytestqt.qtbot import QtBot

from benchmarks import time_smart_click
from benchmarks.frames import FrameWatch
from benchmarks.time_smart_click import Click


@pytest.mark.slow
def test_each_kind_of_click_is_drawn(qtbot: QtBot) -> None:
    given = Namespace(model="classic", size=(160, 120), clicks=1, switches=1)
    figures = time_smart_click.run(given)
    for kind in ("click", "after_switch", "at_once", "going_on"):
        found = figures[kind]
        assert found["clicks"] == 1
        assert found["corners"] > 3
        assert found["drawn_ms"] > found["window_ms"] > 0
        assert found["worker_ms"] > 0
        assert found["drawn_best_ms"] <= found["drawn_ms"] <= found["drawn_p95_ms"]


def test_a_frame_is_waited_for_until_it_shows_what_is_wanted(qtbot: QtBot) -> None:
    widget = QWidget()
    qtbot.addWidget(widget)
    widget.show()
    qtbot.waitExposed(widget)
    wanted: list[bool] = []
    with FrameWatch(widget, lambda: bool(wanted)) as frames:
        widget.update()
        with pytest.raises(TimeoutError, match="nothing was painted"):
            frames.wait(0.2)
        wanted.append(True)
        widget.update()
        assert frames.wait(20) > 0


def test_figures_of_clicks() -> None:
    clicks = [Click(10.0 * n, 5.0, 1.0, 2.0, 1.5, 8) for n in range(1, 6)]
    figures = time_smart_click.figures(clicks)
    assert (figures["clicks"], figures["drawn_ms"], figures["drawn_best_ms"]) == (5, 30, 10)
    assert figures["drawn_p95_ms"] == pytest.approx(48)
    assert time_smart_click.figures([]) == {"clicks": 0}
