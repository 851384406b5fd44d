"""Masks read once and checked: what is in them, and which cannot be used. Kept on disk; loads no torch."""

from __future__ import annotations

import contextlib
import hashlib
import io
import json
import os
import zipfile
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from engine.data.problems import Problem
from engine.data.semantic_masks import IGNORED, MaskFiles
from engine.runtime.errors import ImageError
from engine.runtime.log import LOGGER
from engine.runtime.paths import cache_dir, write_atomic

Progress = Callable[[int, int], None]
# Raised whenever checking changes what it returns.
_VERSION = 1
_NAMED = 3  # unknown values that a message names
_KEEP = 64


@dataclass(frozen=True)
class CheckedMask:
    """What is known about the mask of one picture.

    Attributes:
        file: The mask; None when it cannot be used.
        pixels: (256,) int64 pixels of each class, the last of those without one.
        problems: What was found wrong.
    """

    file: Path | None
    pixels: np.ndarray
    problems: tuple[Problem, ...] = ()


def check_masks(
    masks: MaskFiles,
    images: Sequence[Path],
    sizes_wh: Sequence[tuple[int, int]],
    progress: Progress | None = None,
) -> list[CheckedMask]:
    """Check the masks of pictures, in threads; from the cache where nothing has changed.

    Args:
        masks: Where they are and what they mean.
        images: Picture files.
        sizes_wh: Upright (width, height) of each.
        progress: Called with (done, total) in this thread.
    """
    files = [masks.find(image) for image in images]
    store = _store_of(masks, images, files)
    with contextlib.suppress(OSError, ValueError, KeyError, TypeError, zipfile.BadZipFile):
        return _unpack(store, files)
    checked = []
    threads = min(8, os.cpu_count() or 1)
    with ThreadPoolExecutor(threads, thread_name_prefix="masks") as pool:
        for result in pool.map(
            lambda row: check_mask(masks, *row), zip(images, files, sizes_wh, strict=True)
        ):
            checked.append(result)
            if progress:
                progress(len(checked), len(files))
    try:
        write_atomic(store, _pack(checked))
        _remove_old(store.parent)
    except OSError as error:
        LOGGER.warning("The mask cache %s cannot be written: %s.", store, error.strerror)
    return checked


def check_mask(
    masks: MaskFiles, image: Path, file: Path | None, size_wh: tuple[int, int]
) -> CheckedMask:
    """Check the mask of one picture; nothing is raised for bad content."""
    nothing = np.zeros(IGNORED + 1, np.int64)
    if file is None:
        reason = (
            f"It has no mask, expected {next(masks.candidates(image))}. Left out; add the mask."
        )
        return CheckedMask(None, nothing, (Problem(image, None, reason),))
    try:
        found = masks.read(file)
    except ImageError as error:
        remedy = f" {error.remedy}" if error.remedy else ""
        return CheckedMask(None, nothing, (Problem(file, None, error.message + remedy),))
    height, width = found.classes.shape
    if (width, height) != tuple(size_wh):
        reason = (
            f"The mask has {width} x {height} pixels, its image {size_wh[0]} x {size_wh[1]}. "
            "Left out; make them equal."
        )
        return CheckedMask(None, nothing, (Problem(file, None, reason),))
    problems = []
    if found.unknown:
        problems.append(Problem(file, None, _strangers(found.unknown), "changed"))
    return CheckedMask(
        file, np.bincount(found.classes.reshape(-1), minlength=IGNORED + 1), tuple(problems)
    )


def _strangers(counts: Mapping[str, int]) -> str:
    """Say which values are no classes."""
    often = sorted(counts, key=lambda value: -counts[value])
    named = ", ".join(f"{value} ({counts[value]} pixels)" for value in often[:_NAMED])
    more = f" and {len(often) - _NAMED} more" if len(often) > _NAMED else ""
    return (
        f"No class belongs to {named}{more}; these pixels are ignored. "
        "Add them to 'label_mapping' or 'colors' in the data.yaml, or correct the mask."
    )


def _store_of(masks: MaskFiles, images: Sequence[Path], files: Sequence[Path | None]) -> Path:
    """Return the cache file of masks in their present state."""
    digest = hashlib.sha256(repr((_VERSION, sorted((masks.colors or {}).items()))).encode())
    digest.update(masks.table.tobytes() + masks.known.tobytes())
    for image, file in zip(images, files, strict=True):
        text = f"{image}\0{file}\0{_state(image)}\0{_state(file)}\n"
        digest.update(text.encode("utf-8", "surrogateescape"))
    return cache_dir() / "masks" / f"{digest.hexdigest()[:32]}.npz"


def _state(file: Path | None) -> str:
    try:
        stat = file.stat() if file else None
    except OSError:
        return "none"
    return f"{stat.st_size} {stat.st_mtime_ns}" if stat else "none"


def _pack(checked: Sequence[CheckedMask]) -> bytes:
    buffer = io.BytesIO()
    problems = [[i, p.to_dict()] for i, mask in enumerate(checked) for p in mask.problems]
    np.savez_compressed(
        buffer,
        pixels=np.array([mask.pixels for mask in checked]).reshape(-1, IGNORED + 1),
        usable=np.array([mask.file is not None for mask in checked], bool),
        problems=np.array(json.dumps(problems)),
    )
    return buffer.getvalue()


def _unpack(store: Path, files: Sequence[Path | None]) -> list[CheckedMask]:
    with np.load(io.BytesIO(store.read_bytes()), allow_pickle=False) as stored:
        pixels, usable, text = stored["pixels"], stored["usable"], str(stored["problems"])
    problems: dict[int, list[Problem]] = {}
    for i, values in json.loads(text):
        problems.setdefault(i, []).append(Problem.from_dict(values))
    return [
        CheckedMask(file if good else None, counts, tuple(problems.get(i, ())))
        for i, (file, good, counts) in enumerate(zip(files, usable.tolist(), pixels, strict=True))
    ]


def _remove_old(folder: Path) -> None:
    """Keep the caches used last."""
    found = sorted(folder.glob("*.npz"), key=lambda f: f.stat().st_mtime, reverse=True)
    for file in found[_KEEP:]:
        with contextlib.suppress(OSError):
            file.unlink()
