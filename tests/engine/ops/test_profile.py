from __future__ import annotations

import time

from engine.ops.profile import Profile


def test_uses_add_up_and_the_last_is_kept():
    watch = Profile(device="cpu")
    for pause in (0.02, 0.01):
        with watch:
            time.sleep(pause)
    assert 0.01 <= watch.dt < 0.02 + 0.5
    assert watch.t >= 0.03
    assert str(watch) == f"Elapsed time is {watch.t} s"


def test_a_function_can_be_measured():
    watch = Profile()

    @watch
    def work():
        time.sleep(0.01)
        return 7

    assert work() == 7
    assert watch.t >= 0.01
