"""Watching a folder of runs from a thread: tells of each run whose state changed, and follows one closely.

Knows no Qt; the bridge is in :mod:`studio.jobs.client`.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from pathlib import Path

from studio.jobs.training import reap
from studio.model.run_facts import History
from studio.model.runs import (
    CONTROL_FILE,
    EVENTS_FILE,
    EXIT_FILE,
    PROCESS_FILE,
    RunReader,
    RunSnapshot,
    list_runs,
    summarise,
)

LOGGER = logging.getLogger(__name__)
_INTERVAL_S = 0.4
_Signature = tuple[tuple[int, int] | None, ...]
_SIGNED = (EVENTS_FILE, EXIT_FILE, PROCESS_FILE, CONTROL_FILE)


class RunsWatch:
    """Polls run directories in a thread of its own until :meth:`close`.

    Args:
        on_runs: Called with the folder and all snapshots, newest first, when any of them changed.
        on_followed: Called with the followed run's snapshot and a copy of its curves when they changed.
        interval_s: Pause between two looks.
    """

    def __init__(
        self,
        on_runs: Callable[[Path, list[RunSnapshot]], None],
        on_followed: Callable[[RunSnapshot, History], None],
        interval_s: float = _INTERVAL_S,
    ) -> None:
        self._on_runs = on_runs
        self._on_followed = on_followed
        self._interval_s = interval_s
        self._folder: Path | None = None
        self._followed: RunReader | None = None
        self._known: dict[Path, tuple[_Signature, RunSnapshot]] = {}
        self._shown: list[tuple[Path, object]] | None = None
        self._followed_shown: object = None
        self._lock = threading.Lock()
        self._wake = threading.Event()
        self._closing = False
        self._thread = threading.Thread(target=self._loop, name="runs-watch", daemon=True)
        self._thread.start()

    def set_folder(self, runs_dir: Path | None) -> None:
        """Watch the runs of another folder, or none."""
        with self._lock:
            self._folder, self._known, self._shown = runs_dir, {}, None
            self._followed, self._followed_shown = None, None
        self._wake.set()

    def follow(self, run: Path | None) -> None:
        """Follow one run's events closely, or none."""
        with self._lock:
            self._followed = RunReader(run) if run is not None else None
            self._followed_shown = None
        self._wake.set()

    def refresh(self) -> None:
        """Look now."""
        self._wake.set()

    def close(self) -> None:
        """End the thread."""
        self._closing = True
        self._wake.set()
        self._thread.join()

    def _loop(self) -> None:
        while not self._closing:
            try:
                self._look()
            except OSError as error:  # the folder vanished in between; look again later
                LOGGER.warning("the runs cannot be read: %s", error)
            if self._wake.wait(self._interval_s):
                self._wake.clear()

    def _look(self) -> None:
        reap()
        with self._lock:
            folder, followed = self._folder, self._followed
        if folder is not None:
            snapshots = [self._snapshot(run) for run in list_runs(folder)]
            shown = [(s.folder, _visible(s)) for s in snapshots]
            with self._lock:
                changed = folder == self._folder and shown != self._shown
                if changed:
                    self._shown = shown
            if changed and not self._closing:
                self._on_runs(folder, snapshots)
        if followed is not None:
            self._look_at(followed)

    def _snapshot(self, run: Path) -> RunSnapshot:
        """Read a run anew if its files changed or a process stands behind it."""
        signature = tuple(_signature(run / name) for name in _SIGNED)
        known = self._known.get(run)
        if known is not None and known[0] == signature and not known[1].state.is_alive:
            return known[1]
        found = summarise(run)
        self._known[run] = (signature, found)
        return found

    def _look_at(self, reader: RunReader) -> None:
        snapshot, changed = reader.poll()
        while reader.has_more and changed and not self._closing:
            snapshot, changed = reader.poll()
        shown = (_visible(snapshot), len(snapshot.facts.warnings))
        with self._lock:
            changed = reader is self._followed and shown != self._followed_shown
            if changed:
                self._followed_shown = shown
        if changed and not self._closing:
            self._on_followed(snapshot, reader.history.copy())


def _visible(snapshot: RunSnapshot) -> object:
    """What a viewer would see change."""
    facts = snapshot.facts
    return snapshot.state, snapshot.failure, facts.last_time, facts.epoch, facts.batch, facts.end


def _signature(path: Path) -> tuple[int, int] | None:
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_mtime_ns, status.st_size
