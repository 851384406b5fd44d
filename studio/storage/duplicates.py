"""Images that are in a project twice: the same file, or pictures that look the same."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from engine.runtime.errors import ImageError
from studio.language import tr
from studio.model.errors import CancelledError
from studio.model.project import Project
from studio.model.records import ImageRecord
from studio.storage.hash_cache import FileHash, HashCache
from studio.storage.perceptual_hash import groups_of, near_pairs, perceptual_hash
from studio.storage.project_files import open_project
from studio.storage.thumbnails import ThumbnailCache

Progress = Callable[[int, int], None]
SAME_LOOK = 6  # bits of 64 in which pictures that look the same may differ
_THREADS = 2
_CHUNK = 64  # images between two looks at Cancel


@dataclass(frozen=True, slots=True)
class DuplicateGroup:
    """Images that are alike.

    Attributes:
        images: The one to keep first: most shapes, then most pixels, then the first path.
        is_same_file: Whether the files are equal byte for byte.
    """

    images: tuple[ImageRecord, ...]
    is_same_file: bool


@dataclass(frozen=True, slots=True)
class Duplicates:
    """What a search found.

    Attributes:
        groups: Equal files first, then large groups first.
        compared: How many images were compared.
        unreadable: How many could not be.
    """

    groups: tuple[DuplicateGroup, ...]
    compared: int
    unreadable: int


def find_duplicates(
    folder: Path,
    distance: int = SAME_LOOK,
    progress: Progress = lambda _done, _total: None,
    is_cancelled: Callable[[], bool] = lambda: False,
) -> Duplicates:
    """Look for images that are alike; for a thread of its own.

    Args:
        folder: The project folder.
        distance: Bits of 64 in which the looks may differ; 0 finds only equal files.
        progress: Called with (done, total) images.
        is_cancelled: Asked between images.

    Raises:
        CancelledError: ``is_cancelled`` said so; what was hashed is remembered.
        StorageError: The project cannot be read.
    """
    with open_project(folder, read_only=True) as project:
        records = project.images(project.image_ids())
        hashes = hash_images(project, records, progress, is_cancelled)
    known = [record for record in records if record.id in hashes]
    groups = group_alike(known, hashes, distance)
    return Duplicates(tuple(groups), len(known), len(records) - len(known))


def hash_images(
    project: Project,
    records: Sequence[ImageRecord],
    progress: Progress,
    is_cancelled: Callable[[], bool],
) -> dict[int, FileHash]:
    """Return the hash of each image that can be read, by its id."""
    thumbnails = ThumbnailCache.for_project(project)
    cache = HashCache(thumbnails.folder.parent / "hashes.db")
    found: dict[int, FileHash] = {}
    try:
        with ThreadPoolExecutor(_THREADS, thread_name_prefix="hash") as pool:
            for start in range(0, len(records), _CHUNK):
                if is_cancelled():
                    raise CancelledError(tr("The search was given up."))
                chunk = records[start : start + _CHUNK]
                waiting = [record for record in chunk if not _recall(cache, record, found)]
                made = list(pool.map(lambda record: _hash(record, thumbnails), waiting))
                cache.keep(hash_ for hash_ in made if hash_ is not None)
                pairs = zip(waiting, made, strict=True)
                found.update({record.id: hash_ for record, hash_ in pairs if hash_ is not None})
                progress(min(start + _CHUNK, len(records)), len(records))
    finally:
        cache.close()
    return found


def group_alike(
    records: Sequence[ImageRecord], hashes: dict[int, FileHash], distance: int
) -> list[DuplicateGroup]:
    """Return the groups of images that are alike."""
    looks = _by_look(records, hashes) if distance else {}
    distinct = list(looks)
    places = {record.id: place for place, record in enumerate(records)}
    pairs = [
        (places[members[0].id], places[other.id])
        for members in (*looks.values(), *_by_content(records, hashes).values())
        for other in members[1:]
    ]
    for one, two in near_pairs(distinct, distance) if distance else ():
        pairs.append((places[looks[distinct[one]][0].id], places[looks[distinct[two]][0].id]))
    found = []
    for group in groups_of(pairs, len(records)):
        members = sorted((records[place] for place in group), key=_worth)
        contents = {hashes[record.id].content for record in members}
        found.append(DuplicateGroup(tuple(members), len(contents) == 1))
    return sorted(found, key=lambda g: (not g.is_same_file, -len(g.images), str(g.images[0].path)))


def _by_look(
    records: Sequence[ImageRecord], hashes: dict[int, FileHash]
) -> dict[int, list[ImageRecord]]:
    groups: dict[int, list[ImageRecord]] = defaultdict(list)
    for record in records:
        look = hashes[record.id].looks
        if look is not None:
            groups[look].append(record)
    return groups


def _by_content(
    records: Sequence[ImageRecord], hashes: dict[int, FileHash]
) -> dict[bytes, list[ImageRecord]]:
    groups: dict[bytes, list[ImageRecord]] = defaultdict(list)
    for record in records:
        groups[hashes[record.id].content].append(record)
    return groups


def _worth(record: ImageRecord) -> tuple[int, int, str]:
    return (-record.shape_count, -record.width * record.height, str(record.path))


def _recall(cache: HashCache, record: ImageRecord, found: dict[int, FileHash]) -> bool:
    """Take a hash that is known already; a missing file is left out like one that cannot be read."""
    try:
        known = cache.find(record.path)
    except OSError:
        return True
    if known is not None:
        found[record.id] = known
    return known is not None


def _hash(record: ImageRecord, thumbnails: ThumbnailCache) -> FileHash | None:
    """Return the hash of a file, None where it cannot be read; runs in the pool's threads."""
    import cv2

    try:
        info = record.path.stat()
        with record.path.open("rb") as file:
            content = hashlib.file_digest(file, lambda: hashlib.blake2b(digest_size=16)).digest()
        small = cv2.imread(str(thumbnails.make(record.path)), cv2.IMREAD_GRAYSCALE)
    except (OSError, ImageError):
        return None
    look = perceptual_hash(small) if small is not None else None
    return FileHash(str(record.path), info.st_size, info.st_mtime_ns, content, look)
