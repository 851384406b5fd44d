"""Fetching a file: in pieces over as many attempts as it takes, checked, and only then under its name."""

from __future__ import annotations

import contextlib
import errno
import shutil
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO
from urllib.parse import urlsplit

from engine.runtime.errors import DownloadError
from engine.runtime.fetching.address import shown_url
from engine.runtime.fetching.digest import digest_of_file
from engine.runtime.fetching.folder import FolderSource
from engine.runtime.fetching.part import Part
from engine.runtime.fetching.progress import Meter, Report, format_bytes, log_start
from engine.runtime.fetching.source import (
    Body,
    Patience,
    RangeRefused,
    Source,
    TransferBroken,
)
from engine.runtime.fetching.stream import TICK_S, opened
from engine.runtime.fetching.web import WebSource
from engine.runtime.file_lock import locked
from engine.runtime.log import LOGGER

# Says what is wrong with a file that has arrived, a clause; None where nothing is
Complaint = Callable[[Path], str | None]

_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
_DAMAGED_TRIES = 2


def fetch(
    address: str,
    target: str | Path,
    *,
    report: Report | None = None,
    complaint: Complaint | None = None,
    patience: Patience | None = None,
    online: bool = True,
) -> Path:
    """Bring a file here unless it is here already.

    What arrives is kept in ``NAME.part`` beside the target, where a later call goes on: after an
    interruption, a lost connection, a kill. The file gets its name when its length, the checksum (where
    the server gives one) and ``complaint`` agree. A second process that wants the same file waits for it.

    Args:
        address: ``http(s)://``, ``file://`` or a path.
        target: The file to make; its folder is made too.
        report: Called with the :class:`Progress` about ten times a second; what it raises stops the work.
            None for the surrounding ``reporting`` block, or the terminal.
        complaint: Looks at the arrived file and says what is wrong with it.
        patience: How long to wait for the server, how often to ask.
        online: False refuses to use the network.

    Raises:
        DownloadError: It cannot be had; ``NotOnServerError`` where the server is there but not the file.
    """
    target, patience = Path(target), patience or Patience()
    source = source_of(address, patience)
    if target.is_file():
        return target
    with _about(target, source):
        if source.is_online and not online:
            raise DownloadError("the network is switched off (setting or variable offline).")
        if target.is_dir():
            raise DownloadError("expected a file's path, received a folder.")
        with _writing():
            target.parent.mkdir(parents=True, exist_ok=True)
        meter = Meter(target.name, source.shown, report)
        lock = target.with_name(f".{target.name}.lock")
        with (
            contextlib.closing(meter),
            locked(lock, lambda: meter.waits("another process is fetching it")),
        ):
            if target.is_file():
                return target
            return _Transfer(source, Part(target, address), meter, patience).run(complaint)


def source_of(address: str, patience: Patience) -> Source:
    """Return the source behind an address: ``http(s)://``, ``file://`` or a path.

    Raises:
        DownloadError: It is another kind of address.
    """
    scheme, mark, _ = address.partition("://")
    if not mark:
        return FolderSource(Path(address).expanduser())
    if scheme.lower() == "file":
        from urllib.request import url2pathname  # here, for it loads a web client

        return FolderSource(Path(url2pathname(urlsplit(address).path)))
    if scheme.lower() in ("http", "https"):
        return WebSource(address, patience)
    raise DownloadError(
        f"{shown_url(address)}: expected an address that begins with https://, http:// or file://, "
        "or a folder.",
        value=address,
    )


class _Unwritable(Exception):
    """A file of ours that could not be written."""

    def __init__(self, error: OSError) -> None:
        super().__init__(error.strerror or str(error))
        self.is_full = error.errno in _FULL


class _Transfer:
    """One file's way here."""

    def __init__(self, source: Source, part: Part, meter: Meter, patience: Patience) -> None:
        self._source = source
        self._part = part
        self._meter = meter
        self._patience = patience
        self._is_announced = False

    def run(self, complaint: Complaint | None) -> Path:
        """Bring the file here, twice if it arrives damaged."""
        began = time.monotonic()
        for left in reversed(range(_DAMAGED_TRIES)):
            self._fill()
            wrong = self._wrong(complaint)
            if wrong is None:
                break
            self._part.discard()
            if not left:
                raise DownloadError(f"what {self._source.shown} gives is damaged: {wrong}.")
            self._meter.close()
            LOGGER.warning("%s arrived damaged (%s); once more.", self._part.target.name, wrong)
        size = self._part.size
        with _writing():
            self._part.finish()
        self._meter.finish(size)
        seconds = time.monotonic() - began
        LOGGER.info("Saved %s (%s in %.1f s)", self._part.target, format_bytes(size), seconds)
        return self._part.target

    def _fill(self) -> None:
        """Ask until everything is here, or until asking brings nothing new."""
        most, failures = -1, 0
        while True:
            try:
                self._attempt()
            except TransferBroken as broken:
                if isinstance(broken, RangeRefused) and broken.total == self._part.size > 0:
                    return  # it was all here already
                if broken.start_again:
                    self._part.discard()
                if self._part.size > most and broken.connected:
                    most, failures = self._part.size, 0
                failures += 1
                limit = self._patience.tries if broken.connected else self._patience.tries_offline
                if failures >= limit:
                    raise self._gave_up(broken) from broken
                self._wait(broken, failures)
            else:
                return

    def _attempt(self) -> None:
        part = self._part
        offset = part.size if part.validator else 0
        with opened(self._source, offset, part.validator, self._meter.idle) as body:
            with _writing():
                if body.start == 0:
                    part.begin(body.validator, body.digest)
                _check_space(part.target.parent, body)
                file = part.path.open("ab", buffering=0)  # what has arrived, a kill must not lose
            here = body.start
            with file, self._giving_space_back():
                self._tell(body)
                for chunk in body.chunks:
                    with _writing():
                        _write_all(file, chunk)
                    here += len(chunk)
                    self._meter.arrived(here)
            if body.total is not None and here != body.total:
                raise TransferBroken(
                    f"the server announced {body.total} bytes and sent {here}",
                    start_again=here > body.total,
                )

    @contextlib.contextmanager
    def _giving_space_back(self) -> Iterator[None]:
        """Leave no part on a disk that it has filled: other programs need the room."""
        try:
            yield
        except _Unwritable as error:
            if error.is_full:
                with contextlib.suppress(OSError):
                    self._part.discard()
            raise

    def _tell(self, body: Body) -> None:
        if not self._is_announced:
            self._is_announced = True
            self._meter.close()
            log_start(self._part.target.name, self._source.shown, body.total, body.start)
        self._meter.total = body.total
        self._meter.arrived(body.start)

    def _wrong(self, complaint: Complaint | None) -> str | None:
        """Say what is wrong with what has arrived."""
        path = self._part.path
        digest = self._part.digest or self._source.digest_beside()
        if digest is not None:
            with _writing():
                found = digest_of_file(path, digest.algorithm)
            if found != digest:
                return f"its checksum is {found.value.hex()}, the server promised {digest}"
        return complaint(path) if complaint else None

    def _wait(self, broken: TransferBroken, failures: int) -> None:
        wait_s = broken.wait_s
        if wait_s is None:
            wait_s = self._patience.first_wait_s * 2 ** (failures - 1)
        end = time.monotonic() + min(wait_s, self._patience.longest_wait_s)
        while (left := end - time.monotonic()) > 0:
            self._meter.waits(f"{broken.reason}; trying again in {max(round(left), 1)} s")
            time.sleep(min(left, TICK_S))

    def _gave_up(self, broken: TransferBroken) -> DownloadError:
        here = self._part.size
        goes_on = here and self._part.validator
        kept = f" ({format_bytes(here)} are kept, a later try goes on)" if goes_on else ""
        return DownloadError(f"{broken.reason}{kept}.")


def _check_space(folder: Path, body: Body) -> None:
    """Raise the error of a full disk before the disk is full."""
    if body.total is None:
        return
    needed, free = body.total - body.start, shutil.disk_usage(folder).free
    if needed > free:
        raise OSError(
            errno.ENOSPC, f"{format_bytes(needed)} are needed, {format_bytes(free)} are free"
        )


def _write_all(file: IO[bytes], chunk: bytes) -> None:
    """Write all of it: a raw file may take less, and says so only by what it returns."""
    rest = memoryview(chunk)
    while rest:
        rest = rest[file.write(rest) :]


@contextlib.contextmanager
def _writing() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise _Unwritable(error) from error


@contextlib.contextmanager
def _about(target: Path, source: Source) -> Iterator[None]:
    """Make every failure say where the file comes from, where it belongs and what to do."""
    by_hand = f"Get {source.shown} another way and put it at {target.absolute()}."
    try:
        yield
    except DownloadError as error:
        remedy = f"{error.remedy} {by_hand}" if error.remedy else by_hand
        raise type(error)(error.message, path=target, value=source.shown, remedy=remedy) from error
    except _Unwritable as error:
        remedy = "Check the folder and its permissions."
        if error.is_full:
            remedy = f"Free some space in {target.parent}, or use another folder."
        raise DownloadError(
            f"cannot be written ({error}).", path=target, value=source.shown, remedy=remedy
        ) from error
    except KeyboardInterrupt:
        part = Part(target, "")
        if part.size:
            LOGGER.info(
                "Stopped. %s are kept in %s; the next call goes on from there.",
                format_bytes(part.size),
                part.path,
            )
        raise
