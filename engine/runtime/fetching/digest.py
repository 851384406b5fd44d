"""Checksums that a server gives with a file: in its answer's headers, or as ``NAME.sha256`` beside it."""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

# Names that servers use (lower case, without dashes), the strongest first
_ALGORITHMS = {"sha512": "sha512", "sha256": "sha256", "sha": "sha1", "sha1": "sha1", "md5": "md5"}
_ITEM = re.compile(r"^\s*([A-Za-z0-9_-]+)\s*=\s*:?([A-Za-z0-9+/_=-]+?):?\s*$")
# Headers about the file as a whole, whichever part of it the answer carries
_WHOLE = ("Repr-Digest", "Digest", "x-goog-hash")
_WHOLE_MD5 = ("x-ms-blob-content-md5",)
# Headers about what this answer carries
_ANSWER = ("Content-Digest",)
_ANSWER_MD5 = ("Content-MD5",)
_SHA256_LINE = re.compile(r"^([0-9a-fA-F]{64})(?:\s+\*?(.+))?$")


@dataclass(frozen=True)
class Digest:
    """A checksum of a whole file.

    Attributes:
        algorithm: As :func:`hashlib.new` calls it.
        value: The checksum's bytes.
    """

    algorithm: str
    value: bytes

    def __str__(self) -> str:
        return f"{self.algorithm} {self.value.hex()}"


def digest_of_headers(headers: Mapping[str, str], whole: bool) -> Digest | None:
    """Return the strongest checksum of the whole file that the headers give; None without a usable one.

    Read are ``Repr-Digest`` and ``Content-Digest`` (RFC 9530), ``Digest`` (RFC 3230), ``Content-MD5``
    (RFC 1864) and those of two large object stores.

    Args:
        headers: Of the answer; lookups ignore case.
        whole: Whether the answer carries the whole file, not a part.
    """
    lists = _WHOLE + (_ANSWER if whole else ())
    single = _WHOLE_MD5 + (_ANSWER_MD5 if whole else ())
    texts = [item for name in lists for item in headers.get(name, "").split(",")]
    texts += [f"md5={headers[name]}" for name in single if name in headers]
    return _strongest(filter(None, map(_parsed, texts)))


def digest_of_text(text: str, name: str) -> Digest | None:
    """Return the checksum in a ``NAME.sha256`` file: a bare one, or the line that names the file."""
    for line in text.splitlines():
        match = _SHA256_LINE.match(line.strip())
        if match and match[2] in (None, name):
            return Digest("sha256", bytes.fromhex(match[1]))
    return None


def parse_digest(text: object) -> Digest | None:
    """Read what ``str(digest)`` wrote; None for anything else."""
    algorithm, _, value = str(text).partition(" ")
    known = algorithm in _ALGORITHMS.values() and re.fullmatch("(?:[0-9a-f]{2})+", value)
    return Digest(algorithm, bytes.fromhex(value)) if known else None


def digest_of_file(path: Path, algorithm: str) -> Digest:
    """Compute a file's checksum.

    Raises:
        OSError: It cannot be read.
    """
    with path.open("rb") as file:
        return Digest(algorithm, hashlib.file_digest(file, algorithm).digest())


def _parsed(text: str) -> Digest | None:
    match = _ITEM.match(text)
    algorithm = _ALGORITHMS.get(match[1].lower().replace("-", "")) if match else None
    if match is None or algorithm is None:
        return None
    try:
        value = base64.b64decode(match[2], validate=True)
    except binascii.Error:
        return None
    return Digest(algorithm, value) if len(value) == hashlib.new(algorithm).digest_size else None


def _strongest(found: Iterable[Digest]) -> Digest | None:
    order = list(_ALGORITHMS.values())
    return min(found, key=lambda digest: order.index(digest.algorithm), default=None)
