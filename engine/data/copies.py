"""The same picture more than once: within a split it counts twice, in two splits it makes measures too good.

Pictures are the same when their files have the same bytes, whatever they are called. Loads no torch.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

_DIGEST_BYTES = 16
# Files named in a sentence.
_NAMED = 3


@dataclass(frozen=True)
class Copies:
    """Pictures found more than once.

    Attributes:
        message: What was found and what to do.
        files: The pictures that are copies of others, sorted.
    """

    message: str
    files: tuple[Path, ...]


def content_digest(data: bytes) -> bytes:
    """Return 16 bytes that stand for the content of a file."""
    return hashlib.blake2b(data, digest_size=_DIGEST_BYTES).digest()


def file_digests(files: Sequence[str | Path]) -> dict[Path, bytes]:
    """Return the digests of the files that share their size with another; only those can be copies.

    A file that cannot be read is left out: whoever needs it will say so.
    """
    by_size: dict[int, list[Path]] = defaultdict(list)
    for file in map(Path, files):
        try:
            by_size[file.stat().st_size].append(file)
        except OSError:
            continue
    found: dict[Path, bytes] = {}
    for alike in by_size.values():
        for file in alike if len(alike) > 1 else ():
            try:
                found[file] = content_digest(file.read_bytes())
            except OSError:
                continue
    return found


def find_duplicates(digests: Mapping[Path, bytes]) -> Copies | None:
    """Return the pictures of one split that are copies of an earlier one, or None."""
    first: dict[bytes, Path] = {}
    copies = [file for file in sorted(digests) if first.setdefault(digests[file], file) != file]
    if not copies:
        return None
    pairs = [f"{file.name} = {first[digests[file]].name}" for file in copies]
    message = (
        f"{_count(copies, 'image is a copy', 'images are copies')} of others in this split and count "
        f"twice: {_listed(pairs)}. Remove the copies."
    )
    return Copies(message, tuple(copies))


def leaks_between(train: Any, val: Any) -> Copies | None:
    """Return the pictures of a data set for validation that are also in the one for training, or None.

    Args:
        train: A data set with ``im_files``, and ``digests`` ({file: digest}) where it knows them.
        val: Another.
    """
    sides: list[Any] = [getattr(data, "digests", None) for data in (train, val)]
    lists = [[Path(file) for file in getattr(data, "im_files", ())] for data in (train, val)]
    if sides[0] is None or sides[1] is None:
        together = file_digests([*lists[0], *lists[1]])
        sides = [{file: together[file] for file in own if file in together} for own in lists]
    return find_leaks(sides[0], sides[1], len(lists[1]))


def find_leaks(
    train: Mapping[Path, bytes], val: Mapping[Path, bytes], of: int | None = None
) -> Copies | None:
    """Return the pictures for validation that are also trained on, or None; ``of`` is how many there are."""
    trained = {digest: file for file, digest in sorted(train.items(), reverse=True)}
    leaked = [file for file in sorted(val) if val[file] in trained]
    if not leaked:
        return None
    pairs = [f"{file.name} = {trained[val[file]].name}" for file in leaked]
    message = (
        f"{_count(leaked, 'validation image is', 'validation images are')} also trained on, out of "
        f"{len(val) if of is None else of}, which makes measures better than the model is: "
        f"{_listed(pairs)}. Take them out of one split."
    )
    return Copies(message, tuple(leaked))


def _count(files: Sequence[Path], one: str, many: str) -> str:
    return f"{len(files)} {one if len(files) == 1 else many}"


def _listed(pairs: Sequence[str]) -> str:
    more = len(pairs) - _NAMED
    return ", ".join(pairs[:_NAMED]) + (f" and {more} more" if more > 0 else "")
