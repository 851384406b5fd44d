"""Images that follow one another: the images of one folder in their natural order, and when a video's frames were seen."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from engine.data.annotations.attribute_names import TRACK_ID
from engine.data.video.sequence_file import NAME, read_sequence
from engine.runtime.errors import DatasetError
from studio.model.project import Project
from studio.model.tracks import FILLED_IN
from studio.storage.image_index import store_of
from studio.storage.name_keys import sort_key

_CHUNK = 200
_TRACK = f"json_extract(attributes, '$.{TRACK_ID}')"
_HAS_TRACK = f"attributes <> '{{}}' AND {_TRACK} = ?"
_WAYS = {False: (">", ""), True: ("<", " DESC")}


def frames_beside(project: Project, image_id: int, back: bool = False) -> Iterator[int]:
    """Yield the images of the same folder after an image, or before it, the nearest first."""
    db = store_of(project).db
    source_id, rel, key = _place(project, image_id)
    folder = _folder_of(rel)
    sign, direction = _WAYS[back]
    sql = (
        f"SELECT id, rel, sort_key FROM images WHERE removed = 0 AND source_id = ? "
        f"AND (sort_key, id) {sign} (?, ?) ORDER BY sort_key{direction}, id{direction} LIMIT {_CHUNK}"
    )
    while rows := db.rows(sql, (source_id, key, image_id)):
        for image_id, rel, key in rows:
            if not key.startswith(sort_key(folder)):
                return
            if _folder_of(rel) == folder:
                yield image_id


def sequence_of(project: Project, image_id: int) -> list[int]:
    """Return all images of the folder of an image in their order, that one included."""
    before = list(frames_beside(project, image_id, back=True))
    return [*reversed(before), image_id, *frames_beside(project, image_id)]


def next_key_frame(project: Project, image_id: int, track: int, back: bool = False) -> int | None:
    """Return the nearest image after (or before) an image on which somebody drew the track; None where there is none."""
    source_id, rel, key = _place(project, image_id)
    folder = _folder_of(rel)
    prefix = sort_key(folder)
    sign, direction = _WAYS[back]
    sql = (
        f"SELECT id FROM images WHERE removed = 0 AND source_id = ? AND (sort_key, id) {sign} (?, ?) "
        "AND sort_key >= ? AND sort_key < ? AND substr(rel, 1, ?) = ? AND instr(substr(rel, ?), '/') = 0 "
        f"AND EXISTS (SELECT 1 FROM shapes WHERE image_id = images.id AND source <> ? AND {_HAS_TRACK}) "
        f"ORDER BY sort_key{direction}, id{direction} LIMIT 1"
    )
    there = (source_id, key, image_id, prefix, f"{prefix}\U0010ffff", len(folder), folder)
    found = store_of(project).db.value(sql, (*there, len(folder) + 1, FILLED_IN, track))
    return int(found) if found is not None else None


def free_track(project: Project, image_id: int) -> int:
    """Return the lowest number above all tracks of the sequence that an image belongs to."""
    db = store_of(project).db
    source_id, rel, _ = _place(project, image_id)
    prefix = sort_key(_folder_of(rel))
    highest = 0
    for table in ("shapes", "suggestions"):
        sql = (
            f"SELECT MAX({_TRACK}) FROM {table} WHERE attributes <> '{{}}' AND image_id IN "
            "(SELECT id FROM images WHERE source_id = ? AND sort_key >= ? AND sort_key < ?)"
        )
        found = db.value(sql, (source_id, prefix, f"{prefix}\U0010ffff"))
        highest = max(highest, found if isinstance(found, int) else 0)
    return highest + 1


class FrameTimes:
    """When the frames of videos were seen, read once a folder."""

    def __init__(self) -> None:
        self._known: dict[Path, tuple[int, dict[str, float]]] = {}

    def of(self, path: Path) -> float | None:
        """Return seconds since the beginning of the video; None for an image that is no frame of one."""
        try:
            stamp = (path.parent / NAME).stat().st_mtime_ns
        except OSError:
            return None
        known = self._known.get(path.parent)
        if known is None or known[0] != stamp:
            try:
                sequence = read_sequence(path.parent)
            except DatasetError:
                sequence = None
            known = stamp, {} if sequence is None else sequence.times()
            self._known[path.parent] = known
        return known[1].get(path.name)


def _place(project: Project, image_id: int) -> tuple[int, str, str]:
    row = store_of(project).db.row(
        "SELECT source_id, rel, sort_key FROM images WHERE id = ?", (image_id,)
    )
    if row is None:
        return -1, "", ""
    return int(row[0]), str(row[1]), str(row[2])


def _folder_of(rel: str) -> str:
    """Return the folder of a path, with its slash; empty at the top."""
    return rel[: rel.rfind("/") + 1]
