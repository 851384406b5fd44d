"""Where a file comes from, whatever is behind it: the interface of ``web`` and ``folder``."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Protocol

from engine.runtime.fetching.digest import Digest

CHUNK = 1 << 16
DIGEST_FILE_LIMIT = 4096  # bytes that are read of a file of checksums


@dataclass(frozen=True)
class Patience:
    """How long to wait for a server and how often to ask again.

    Attributes:
        connect_s: For the connection.
        silence_s: For the next byte.
        tries: Attempts before giving up, counted anew whenever more has arrived than ever before.
        tries_offline: Attempts where not even a connection comes about.
        first_wait_s: Before the second attempt; doubled each time.
        longest_wait_s: At most between two attempts, also where the server asks for more.
    """

    connect_s: float = 10.0
    silence_s: float = 20.0
    tries: int = 5
    tries_offline: int = 2
    first_wait_s: float = 0.5
    longest_wait_s: float = 30.0


class TransferBroken(Exception):
    """An attempt that failed but may succeed when repeated.

    Attributes:
        reason: What happened, a clause.
        wait_s: How long the server asked to wait; None where it did not.
        connected: Whether the server was reached.
        start_again: Whether what is here already stands in the way.
    """

    def __init__(
        self,
        reason: str,
        wait_s: float | None = None,
        connected: bool = True,
        start_again: bool = False,
    ) -> None:
        super().__init__(reason)
        self.reason = reason
        self.wait_s = wait_s
        self.connected = connected
        self.start_again = start_again


class RangeRefused(TransferBroken):
    """The server has nothing from the offset on.

    Attributes:
        total: Bytes of the whole file, if it says.
    """

    def __init__(self, total: int | None) -> None:
        super().__init__("the server refused to go on with the part that is here", start_again=True)
        self.total = total


@dataclass
class Body:
    """An answer: a file or the rest of one.

    Attributes:
        start: Where in the file it begins.
        total: Bytes of the whole file; None where nobody says.
        validator: A name of this version of the file; empty where it cannot be gone on with later.
        digest: The whole file's checksum, if one is given.
        chunks: The bytes. Iterating may raise :class:`TransferBroken`.
    """

    start: int
    total: int | None
    validator: str
    digest: Digest | None
    chunks: Iterator[bytes]


class Source(Protocol):
    """Something that has the file."""

    shown: str
    is_online: bool

    def open(self, offset: int, validator: str) -> AbstractContextManager[Body]:
        """Ask for the file from ``offset`` on, if it is still the version that ``validator`` names.

        Raises:
            TransferBroken: Asking again may help.
            DownloadError: It will not.
        """

    def digest_beside(self) -> Digest | None:
        """Return the checksum in ``NAME.sha256`` beside the file, if there is one."""
