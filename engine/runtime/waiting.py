"""How torch's threads wait for one another. Loads no torch: it must be said before torch is loaded."""

from __future__ import annotations

import os
import sys

VARIABLE = "OMP_WAIT_POLICY"


def give_cores_away_while_waiting() -> None:
    """Let threads of torch that wait give their core away, instead of turning in a circle on it.

    Between two operations torch's OpenMP threads wait for the slowest of them. Where anything else runs on the
    same cores, a window or another program, circling threads keep it, and so themselves, from going on. A
    forward of yolo11n-seg at 640 pixels on two cores took 170 ms so beside a busy process, against 190 to
    330 ms; on the idle machine it took 112 to 130 ms against 86 to 107 ms, and 160 ms with one thread.
    Children inherit the variable. One that is set already is left as it is, and so is a process that has
    loaded torch before.
    """
    if "torch" not in sys.modules:
        os.environ.setdefault(VARIABLE, "PASSIVE")
