"""How torch's threads wait for one another. Loads no torch: it must be said before torch is loaded."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from pathlib import Path

VARIABLE = "OMP_WAIT_POLICY"
CHOSEN = "MASKWRIGHT_WAIT_POLICY"  # what a parent process chose, which is no word of the person's
SLEEP = {VARIABLE: "PASSIVE"}
SPIN = {VARIABLE: "ACTIVE", "GOMP_SPINCOUNT": "200000"}  # some 1 ms, then they sleep all the same

_LOAD = Path("/proc/loadavg")


def choose_how_threads_wait() -> None:
    """Let torch's waiting threads look again for a moment on an idle machine, and sleep at once on a busy one.

    Between two operations torch's OpenMP threads wait for the slowest of them. A thread that keeps looking is
    back at work sooner, but where anything else runs on the same cores, a window or another program, it keeps
    that, and so itself, from going on. Measured on two cores: a training step of yolo11n-seg (320 pixels, 8
    pictures) takes 0.85 s when they look and 1.0 s when they sleep; beside one busy process 1.65 s and 1.5 s.
    A forward at 640 pixels beside one takes 190 to 330 ms and 170 ms.

    Variables that the person has set are left as they are, and so is a process that has loaded torch before.
    Children inherit the choice, and choose again for themselves.
    """
    said = {name: os.environ[name] for name in SPIN if name in os.environ}
    inherited = next((c for c in (SPIN, SLEEP) if c[VARIABLE] == os.environ.get(CHOSEN)), {})
    if "torch" in sys.modules or said != inherited:
        return
    for name in said:
        del os.environ[name]
    choice = waiting_for(busy_elsewhere())
    os.environ.update({**choice, CHOSEN: choice[VARIABLE]})


def waiting_for(busy: int | None) -> Mapping[str, str]:
    """Return the variables for a machine on which ``busy`` other threads want to run; None: unknown."""
    return SPIN if busy == 0 else SLEEP


def busy_elsewhere(load: Path = _LOAD) -> int | None:
    """Return how many other threads of the machine run or want to at this moment; None where nobody says.

    Linux counts them in the fourth field of /proc/loadavg, the reader itself among them.
    """
    try:
        running = load.read_text().split()[3].partition("/")[0]
        return max(int(running) - 1, 0)
    except (OSError, IndexError, ValueError):
        return None
