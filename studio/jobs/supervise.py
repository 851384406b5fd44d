"""``python -m studio.jobs.supervise RUN_DIR``: runs one training and records how it ended.

It lives in a session of its own, so the window may close. It waits its turn, starts the engine with its
output in ``log.txt``, sees to it that "stop" is obeyed, and writes ``exit.json`` whatever happened.
"""

from __future__ import annotations

import contextlib
import json
import signal
import subprocess
import sys
import time
from pathlib import Path
from types import FrameType
from typing import Any

import psutil

from engine.runtime.paths import write_atomic
from studio.jobs.training import child_environment, engine_command
from studio.language import tr
from studio.model.runs import (
    EVENTS_FILE,
    EXIT_FILE,
    LOG_FILE,
    PROCESS_FILE,
    read_command,
    read_json,
    summarise,
)

_POLL_S = 0.2
_TURN_S = 1.0
# A stop is obeyed between two batches; a validation or a save in between still writes events or files.
_STOP_SILENCE_S = 60.0
_TERMINATE_S = 10.0
_CGROUP_EVENTS = (Path("/sys/fs/cgroup/memory.events"), Path("/sys/fs/cgroup/memory/memory.events"))


class Supervisor:
    """Looks after one training from its queue to its end.

    Args:
        folder: The run directory with ``process.json`` and ``args.yaml``.
        stop_silence_s: How long the engine may say nothing after "stop" before it is ended.
    """

    def __init__(self, folder: Path, stop_silence_s: float = _STOP_SILENCE_S) -> None:
        self.folder = folder
        self.stop_silence_s = stop_silence_s
        self.child: subprocess.Popen[bytes] | None = None
        self.launch = read_json(folder / PROCESS_FILE) or {}
        self._peak_mib = 0.0
        self._stopped = False
        self._quiet_since: float | None = None

    def run(self) -> int:
        """Run the training to its end and return its exit code."""
        signal.signal(signal.SIGTERM, self._on_terminate)
        self._record(waiting=bool(self.launch.get("after")))
        oom_before = _out_of_memory_kills()
        try:
            if not self._wait_for_turn():
                self._write_exit({"code": 0, "stopped": True})
                return 0
            code = self._run_engine()
        except OSError as error:
            self._write_exit(
                {
                    "code": 1,
                    "error": tr("The training could not be started: {strerror}.").format(
                        strerror=error.strerror or error
                    ),
                    "remedy": tr(
                        "Look whether the disk is full and the run's folder can be written."
                    ),
                }
            )
            return 1
        ended: dict[str, Any] = {"code": code if code >= 0 else 128 - code, "signal": None}
        if code < 0:
            ended["signal"] = _signal_name(-code)
            ended["peak_mib"] = round(self._peak_mib)
            ended["out_of_memory"] = _out_of_memory_kills() > oom_before
        self._write_exit({**ended, "stopped": self._stopped})
        return ended["code"]

    def _wait_for_turn(self) -> bool:
        """Wait until the runs before this one have ended; False if asked to stop meanwhile."""
        while any(summarise(Path(path)).state.is_alive for path in self.launch.get("after", ())):
            if read_command(self.folder) in {"stop", "stop_after_epoch"} or self._stopped:
                return False
            time.sleep(_TURN_S)
        return not self._stopped

    def _run_engine(self) -> int:
        with (self.folder / LOG_FILE).open("ab") as log:
            child = subprocess.Popen(
                engine_command(self.folder, self.launch),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                env=child_environment(),
            )
        self.child = child  # for a request to end that arrives as a signal
        self._record(waiting=False, engine_pid=child.pid, engine_time=time.time())
        process = psutil.Process(child.pid)
        while True:
            try:
                return child.wait(_POLL_S)
            except subprocess.TimeoutExpired:
                self._watch(child, process)

    def _watch(self, child: subprocess.Popen[bytes], process: psutil.Process) -> None:
        """Remember the largest memory held, and end an engine that does not obey "stop"."""
        with contextlib.suppress(psutil.Error):
            family = [process, *process.children(recursive=True)]
            held = sum(member.memory_info().rss for member in family) / (1 << 20)
            self._peak_mib = max(self._peak_mib, held)
        if read_command(self.folder) != "stop":
            self._quiet_since = None
            return
        now = time.time()
        if self._quiet_since is None:
            self._quiet_since = now
        quiet_s = now - max(self._quiet_since, _changed(self.folder / EVENTS_FILE))
        if quiet_s > self.stop_silence_s:
            self._end_engine(child, process)

    def _end_engine(self, child: subprocess.Popen[bytes], process: psutil.Process) -> None:
        """End the engine and its data workers: first politely, then for good."""
        self._stopped = True
        helpers: list[psutil.Process] = []
        with contextlib.suppress(psutil.Error):
            helpers = process.children(recursive=True)
        child.terminate()
        # Waited for by Popen alone: psutil would take the exit code away from it.
        with contextlib.suppress(subprocess.TimeoutExpired):
            child.wait(_TERMINATE_S)
        for left in (child, *helpers):
            with contextlib.suppress(psutil.Error, ProcessLookupError):
                left.kill()

    def _on_terminate(self, _signal: int, _frame: FrameType | None) -> None:
        """Hand a request to end on to the engine; its exit is recorded as usual."""
        self._stopped = True
        if self.child is not None:
            with contextlib.suppress(ProcessLookupError):
                self.child.terminate()

    def _record(self, **values: Any) -> None:
        """Say in ``process.json`` who is at work."""
        own = psutil.Process()
        self.launch |= {"pid": own.pid, "time": own.create_time(), **values}
        with contextlib.suppress(
            OSError
        ):  # a full disk shows when the engine writes, with its reason
            write_atomic(self.folder / PROCESS_FILE, json.dumps(self.launch, indent=1))

    def _write_exit(self, ended: dict[str, Any]) -> None:
        """Say how it ended, unless the run was resumed meanwhile: the end is then another supervisor's to tell."""
        now = read_json(self.folder / PROCESS_FILE)
        if now is not None and now.get("pid") != self.launch["pid"]:
            return
        record = json.dumps({**ended, "time": time.time()}, indent=1)
        with contextlib.suppress(OSError):
            write_atomic(self.folder / EXIT_FILE, record)


def main(arguments: list[str]) -> int:
    """Supervise the training of the run directory that the arguments name."""
    if len(arguments) != 1 or not Path(arguments[0]).is_dir():
        sys.stderr.write("usage: python -m studio.jobs.supervise RUN_DIR\n")
        return 2
    return Supervisor(Path(arguments[0])).run()


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return tr("signal {number}").format(number=number)


def _changed(path: Path) -> float:
    try:
        return path.stat().st_mtime
    except OSError:
        return 0.0


def _out_of_memory_kills() -> int:
    """How often the kernel has killed for memory in this container; 0 where that is not told."""
    for path in _CGROUP_EVENTS:
        with contextlib.suppress(OSError, ValueError):
            fields = dict(line.split() for line in path.read_text(encoding="utf-8").splitlines())
            return int(fields.get("oom_kill", 0))
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
