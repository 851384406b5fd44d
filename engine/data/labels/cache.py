"""Checked labels kept on disk, so that a data set is parsed once and not at every start.

The file lies in the program's cache folder, not in the data set: data sets stay as their owner left them
and may be read-only. It is arrays and JSON in an .npz, nothing that could run code, and its name is a digest
of every path, size and time of change, so a changed file simply gives another name.
"""

from __future__ import annotations

import contextlib
import hashlib
import io
import json
import os
import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from engine.data.labels.parse import LabelRow
from engine.data.labels.paths import label_name
from engine.data.labels.verify import Progress, VerifiedImage, verify_images
from engine.data.problems import Problem
from engine.runtime.log import LOGGER
from engine.runtime.paths import cache_dir, write_atomic

# Raised whenever parsing or checking changes what it returns.
_VERSION = 3
_KEEP = 64
_NO_DIGEST = bytes(16)


def verify_images_cached(
    images: Sequence[Path],
    nc: int | None = None,
    kpt_shape: tuple[int, int] | None = None,
    progress: Progress | None = None,
    oriented: bool = False,
) -> list[VerifiedImage]:
    """Return what :func:`verify_images` returns, from the cache where nothing has changed."""
    file = cache_file(images, nc, kpt_shape, oriented)
    with contextlib.suppress(OSError, ValueError, KeyError, TypeError, zipfile.BadZipFile):
        return _unpack(file, images)
    results = verify_images(images, nc, kpt_shape, progress, oriented)
    try:
        write_atomic(file, _pack(results))
        _remove_old(file.parent)
    except OSError as error:
        LOGGER.warning("The label cache %s cannot be written: %s.", file, error.strerror)
    return results


def cache_file(
    images: Sequence[Path],
    nc: int | None = None,
    kpt_shape: tuple[int, int] | None = None,
    oriented: bool = False,
) -> Path:
    """Return the cache file of pictures in their present state; it may not exist."""
    read_as = (_VERSION, nc, kpt_shape and tuple(kpt_shape), oriented)
    digest = hashlib.sha256(repr(read_as).encode())
    for image in map(os.fspath, images):
        for path in (image, label_name(image)):
            digest.update(f"{path}\0{_state(path)}\n".encode("utf-8", "surrogateescape"))
    return cache_dir() / "labels" / f"{digest.hexdigest()[:32]}.npz"


def _state(path: str) -> str:
    try:
        stat = os.stat(path)  # noqa: PTH116 (twice for each of 100,000 images: text is five times faster)
    except OSError:
        return "none"
    return f"{stat.st_size} {stat.st_mtime_ns}"


def _pack(results: Sequence[VerifiedImage]) -> bytes:
    """Flatten everything into a few arrays."""
    rows = [row for result in results for row in result.rows or ()]
    polygons = [row.polygon for row in rows if row.polygon is not None]
    keypoints = [row.keypoints for row in rows if row.keypoints is not None]
    problems = [[i, p.to_dict()] for i, r in enumerate(results) for p in r.problems]
    buffer = io.BytesIO()
    np.savez(
        buffer,
        sizes=np.array([r.size_wh or (0, 0) for r in results], np.int64).reshape(-1, 2),
        digests=np.frombuffer(b"".join(r.digest or _NO_DIGEST for r in results), np.uint8),
        rows=np.array([-1 if r.rows is None else len(r.rows) for r in results], np.int64),
        lines=np.array([row.line for row in rows], np.int64),
        classes=np.array([row.class_id for row in rows], np.int64),
        scores=np.array([np.nan if r.score is None else r.score for r in rows], np.float64),
        boxes=np.array([row.box for row in rows], np.float32).reshape(-1, 4),
        vertices=np.array([0 if r.polygon is None else len(r.polygon) for r in rows], np.int64),
        points=np.concatenate([*polygons, np.zeros((0, 2), np.float32)]).astype(np.float32),
        joints=np.array([0 if r.keypoints is None else len(r.keypoints) for r in rows], np.int64),
        keypoints=np.concatenate([*keypoints, np.zeros((0, 3), np.float32)]).astype(np.float32),
        problems=np.array(json.dumps(problems)),
    )
    return buffer.getvalue()


def _unpack(file: Path, images: Sequence[Path]) -> list[VerifiedImage]:
    with np.load(io.BytesIO(file.read_bytes()), allow_pickle=False) as stored:
        arrays: dict[str, Any] = {name: stored[name] for name in stored.files}
    if len(arrays["sizes"]) != len(images):
        raise ValueError("the cache is of other images")
    rows = iter(_unpack_rows(arrays))
    digests = arrays["digests"].tobytes()
    problems: dict[int, list[Problem]] = {}
    for i, values in json.loads(str(arrays["problems"])):
        problems.setdefault(i, []).append(Problem.from_dict(values))
    return [
        VerifiedImage(
            image,
            (w, h) if w else None,
            None if count < 0 else tuple(next(rows) for _ in range(count)),
            tuple(problems.get(i, ())),
            digests[16 * i : 16 * i + 16] if w else b"",
        )
        for i, (image, (w, h), count) in enumerate(
            zip(images, arrays["sizes"].tolist(), arrays["rows"].tolist(), strict=True)
        )
    ]


def _unpack_rows(arrays: dict[str, Any]) -> list[LabelRow]:
    polygons = _split(arrays["points"], arrays["vertices"])
    keypoints = _split(arrays["keypoints"], arrays["joints"])
    columns = zip(
        arrays["lines"].tolist(),
        arrays["classes"].tolist(),
        arrays["boxes"],
        polygons,
        keypoints,
        arrays["scores"].tolist(),
        strict=True,
    )
    return [
        LabelRow(line, class_id, box, polygon, joints, None if np.isnan(score) else score)
        for line, class_id, box, polygon, joints, score in columns
    ]


def _split(values: np.ndarray, counts: np.ndarray) -> list[np.ndarray | None]:
    """Cut joined arrays apart; None where the count is 0."""
    ends = np.cumsum(counts)
    return [
        values[end - count : end] if count else None
        for end, count in zip(ends.tolist(), counts.tolist(), strict=True)
    ]


def _remove_old(folder: Path) -> None:
    """Keep the caches used last; data sets that were deleted leave theirs behind otherwise."""
    files = sorted(folder.glob("*.npz"), key=lambda f: f.stat().st_mtime, reverse=True)
    for file in files[_KEEP:]:
        with contextlib.suppress(OSError):
            file.unlink()
