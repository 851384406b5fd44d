from __future__ import annotations

import time

import pytest

from engine.training.clock import RunClock


def test_pauses_are_left_out_and_earlier_parts_included():
    clock = RunClock()
    clock.before = 100.0
    clock.start()
    with clock.paused():
        time.sleep(0.2)
    assert 100 <= clock.seconds() < 100.15


def test_pace_and_time_left():
    clock = RunClock()
    assert clock.images_per_second is None
    clock.before = 50.0
    clock.start_epoch()
    time.sleep(0.05)
    clock.add_images(5)
    assert 20 < clock.images_per_second < 105
    assert clock.eta_s(done=5, total=8) == pytest.approx(30, abs=1)
    assert clock.eta_s(done=8, total=8) == 0
