"""Tells where a run of tests hangs when Python itself cannot: a thread that keeps its lock lets no other one speak.

A second process looks whether tests still begin. When none has for longer than any may take, it writes the stacks of all
threads that work or wait for a lock, Python's functions and the libraries', and ends the run.

``python tests/hang_watch.py PID FILE SECONDS`` is that process; FILE is touched whenever a test begins.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

_EVERY_S = 1.0
_AT_REST = "_worker (concurrent/futures/thread.py"  # a pool's thread with nothing to do
_MOST_FRAMES = 40


class HangWatch:
    """The watching process of this one.

    Args:
        limit_s: Seconds that may pass between two beats.
    """

    def __init__(self, limit_s: float) -> None:
        handle, name = tempfile.mkstemp(prefix="maskwright-tests-")
        os.close(handle)
        self._file = Path(name)
        self._process = subprocess.Popen(
            [sys.executable, __file__, str(os.getpid()), name, str(limit_s)]
        )

    def beat(self) -> None:
        """Tell that the tests go on."""
        self._file.touch()

    def close(self) -> None:
        """End the watch."""
        self._process.terminate()
        self._process.wait()
        self._file.unlink(missing_ok=True)


def watch(pid: int, file: Path, limit_s: float) -> None:
    """Wait for the end of a process, our parent, or for its standing still: then report and end it."""
    beat, since = 0, time.monotonic()  # not the clock of the day: a computer may sleep
    while os.getppid() == pid:
        time.sleep(_EVERY_S)
        last = file.stat().st_mtime_ns if file.exists() else 0
        if last != beat:
            beat, since = last, time.monotonic()
        elif time.monotonic() - since > limit_s:
            sys.stderr.write(
                f"\nNo test has begun for {limit_s:g} s: the run hangs.\n{busy(stacks(pid))}\n"
            )
            sys.stderr.flush()
            os.kill(pid, getattr(signal, "SIGKILL", signal.SIGTERM))
            return


def stacks(pid: int) -> str:
    """Return the stacks of all threads of a process, or why they cannot be had."""
    tool = Path(sys.executable).with_name("py-spy")
    command = [str(tool), "dump", "--native", "--pid", str(pid)]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        return f"py-spy could not look at it: {error}"
    return done.stdout or done.stderr


def busy(dump: str) -> str:
    """Return a dump of stacks without the threads at rest, and of deep stacks the innermost frames."""
    threads = ("\n" + dump).split("\nThread ")
    kept = [thread.splitlines()[:_MOST_FRAMES] for thread in threads if _AT_REST not in thread]
    return "\nThread ".join("\n".join(lines) for lines in kept).strip()


if __name__ == "__main__":
    watch(int(sys.argv[1]), Path(sys.argv[2]), float(sys.argv[3]))
