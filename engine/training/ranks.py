"""The further processes of a training on several devices: started, watched, and ended with it.

Each is a new interpreter that is told its job as one line of JSON; nothing is pickled. They are in sessions of
their own, so that Ctrl-C reaches the first process alone, which ends the others. One that dies ends all.
"""

from __future__ import annotations

import contextlib
import dataclasses
import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Mapping, Sequence
from datetime import timedelta
from pathlib import Path
from typing import IO, Any, NamedTuple

import torch.distributed as dist

import engine
from engine.runtime.errors import EngineError
from engine.training.failures import Failure, Kind, describe

ENTRY = "engine.distributed.rank"
HOST = "127.0.0.1"
_LOOK_S = 0.1
_TAIL = 4000
# A process that was asked to end has this long; one that has lost the others, to say why.
_GRACE_S = 5.0


class RankError(EngineError, RuntimeError):
    """One of the processes that train together ended before its time.

    Attributes:
        kind: What kind of failure it was, see `engine.training.failures`.
    """

    kind: Kind = "crash"


class Death(NamedTuple):
    """A process that ended too early.

    Attributes:
        rank: Its number.
        code: Its exit code; of a signal the negative number.
        told: The last lines that it wrote.
    """

    rank: int
    code: int
    told: str


def new_store(size: int) -> dist.TCPStore:
    """Open the place where the processes of this computer meet, at a free port."""
    return dist.TCPStore(HOST, 0, size, is_master=True, wait_for_workers=False)


def join_store(port: int, size: int) -> dist.TCPStore:
    """Find the place that `new_store` has opened."""
    return dist.TCPStore(HOST, port, size, is_master=False, timeout=timedelta(seconds=60))


class Ranks:
    """The processes 1, 2, ... beside this one."""

    def __init__(self, jobs: Sequence[Mapping[str, Any]], store: dist.Store) -> None:
        """Start them.

        Args:
            jobs: What to tell each, see `engine.distributed.rank`.
            store: Where they meet.
        """
        self.store = store
        self.death: Death | None = None
        self._expected = False
        self._known = threading.Event()
        self._texts: list[IO[bytes]] = []
        self._processes: list[subprocess.Popen[bytes]] = []
        try:
            for rank, job in enumerate(jobs, 1):
                self._start(rank, len(jobs) + 1, job)
        except BaseException:
            self.end()
            raise
        threading.Thread(target=self._watch, name="ranks", daemon=True).start()

    def meet(self) -> None:
        """Wait until all have arrived.

        Raises:
            RankError: One ended before.
        """
        keys = [_here(rank) for rank in range(1, len(self._processes) + 1)]
        while not self.store.check(keys):
            if self._known.wait(_LOOK_S):
                raise self.error()

    def error(self) -> RankError:
        """Say which process ended and why, as far as it is known."""
        death = self.death or Death(0, 0, "")
        return _error_of(death, read_failure(self.store, death.rank))

    def lost(self) -> bool:
        """Say whether one ended too early; one that is just ending is waited for."""
        return self._known.wait(_GRACE_S)

    def expect_end(self) -> None:
        """Take it for right from now on that they end."""
        self._expected = True

    def end(self) -> None:
        """End all that still are there."""
        self._expected = True
        until = time.monotonic() + _GRACE_S
        for process in self._processes:
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(max(until - time.monotonic(), 0))
        self._kill()
        for text in self._texts:
            text.close()

    def stop(self) -> None:
        """End all at once, without waiting for them."""
        self._expected = True
        self._kill()

    def _start(self, rank: int, size: int, job: Mapping[str, Any]) -> None:
        text = tempfile.TemporaryFile()  # noqa: SIM115 (open as long as the process)
        self._texts.append(text)
        home = str(Path(engine.__file__).parents[1])
        environment = {
            **os.environ,
            "PYTHONPATH": os.pathsep.join(filter(None, (home, os.environ.get("PYTHONPATH")))),
            "RANK": str(rank),
            "LOCAL_RANK": str(rank),
            "WORLD_SIZE": str(size),
        }
        windows = {"creationflags": getattr(subprocess, "CREATE_NEW_PROCESS_GROUP", 0)}
        options: dict[str, Any] = windows if os.name == "nt" else {"start_new_session": True}
        process = subprocess.Popen(
            [sys.executable, "-m", ENTRY],
            stdin=subprocess.PIPE,
            stdout=text,
            stderr=subprocess.STDOUT,
            env=environment,
            **options,
        )
        self._processes.append(process)
        assert process.stdin is not None  # noqa: S101 (asked for above)
        with contextlib.suppress(BrokenPipeError), process.stdin as channel:  # it has died: watched
            channel.write(json.dumps(job).encode() + b"\n")

    def _watch(self) -> None:
        """Wait for one that ends too early, and end the others then: nobody shall wait for it."""
        while not self._expected:
            for rank, process in enumerate(self._processes, 1):
                code = process.poll()
                if code is not None and not self._expected:
                    self.death = Death(rank, code, self._tail(rank))
                    self._kill()
                    self._known.set()
                    return
            time.sleep(_LOOK_S)

    def _kill(self) -> None:
        for process in self._processes:
            if process.poll() is None:
                process.kill()
                process.wait()

    def _tail(self, rank: int) -> str:
        text = self._texts[rank - 1]
        text.seek(0)
        return text.read().decode(errors="replace")[-_TAIL:].strip()


def arrive(store: dist.Store, rank: int) -> None:
    """Say that a process is here."""
    store.set(_here(rank), "here")


def tell_failure(store: dist.Store, rank: int, error: BaseException) -> None:
    """Say why a process ends."""
    store.set(_why(rank), json.dumps(dataclasses.asdict(describe(error))))


def read_failure(store: dist.Store, rank: int) -> Failure | None:
    """Give what a process said of its end, None where it said nothing."""
    if not store.check([_why(rank)]):
        return None
    return Failure(**json.loads(store.get(_why(rank))))


def _error_of(death: Death, failure: Failure | None) -> RankError:
    who = f"process {death.rank + 1} of this training"
    if failure is None:
        how = _signal_name(-death.code) if death.code < 0 else f"exit code {death.code}"
        return RankError(
            f"{who} ended ({how}), so all were ended.",
            value=death.told or None,
            remedy="Resume from last.pt; where the computer was short of memory, with a smaller "
            "batch or fewer devices.",
        )
    error = RankError(f"{who} failed: {failure.message}", remedy=failure.remedy)
    error.kind = failure.kind
    return error


def _signal_name(number: int) -> str:
    try:
        return f"signal {number}, {signal.Signals(number).name}"
    except ValueError:
        return f"signal {number}"


def _here(rank: int) -> str:
    return f"maskwright/here/{rank}"


def _why(rank: int) -> str:
    return f"maskwright/failure/{rank}"
