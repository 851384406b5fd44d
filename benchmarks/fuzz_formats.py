"""Fuzz every reader: damaged copies of written samples must be read or refused, never crash, hang or write.

Run as ``python -m benchmarks fuzz --seconds 600``; the seed of each failure is printed, and ``--seed`` with
``--cases 1`` repeats it.
"""

from __future__ import annotations

import argparse
import random
import shutil
import tempfile
import time
import traceback
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import numpy as np

from engine.data.annotations import Annotation, Box, Keypoints, Mask, OrientedBox, Polygon, Tag
from engine.data.formats import FORMATS, LabelledDataset, LabelledImage, read, write
from engine.data.formats.discover import discover
from engine.data.images import write_image
from engine.runtime.errors import DatasetError, ImageError

_SIZE_WH = 60, 40
_SLOW_S = 10.0
_LABELS = (".txt", ".json", ".xml", ".csv", ".yaml", ".ini", ".png")
_TOKENS = (
    b"NaN", b"1e999", b"-1", b"null", b"[]", b"{}", b'""', b"true", b"99999999999999999999", b"\xff",
    b"\x00", b"<!DOCTYPE x [<!ENTITY a 'b'>]>", b"&a;", b"../../x", b",,,,", b"\n\n", b"[[[[", b"0.5",
)  # fmt: skip
Mutation = Callable[[random.Random, bytes], bytes]


def add_options(parser: argparse.ArgumentParser) -> None:
    """Declare how long, and from which seed on."""
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--cases", type=int, help="stop after so many cases")
    parser.add_argument("--seed", type=int, default=0)


def run(options: argparse.Namespace) -> dict[str, object]:
    """Return the counts and the failures."""
    return fuzz(options.seconds, options.seed, options.cases)


def fuzz(
    seconds: float, seed: int = 0, cases: int | None = None, formats: tuple[str, ...] = ()
) -> dict[str, object]:
    """Damage samples and read them.

    Args:
        seconds: How long at most.
        seed: Of the first case; the next has the next number.
        cases: How many at most; None: as many as the time allows.
        formats: Names of the formats; empty: all.

    Returns:
        ``cases``, ``read`` and ``refused`` by format, ``slowest_s``, and ``failures``: texts.
    """
    names = [entry.name for entry in FORMATS if not formats or entry.name in formats]
    counts: Counter[str] = Counter()
    failures: list[str] = []
    slowest = 0.0
    end = time.monotonic() + seconds
    with tempfile.TemporaryDirectory(prefix="fuzz_") as temporary:
        root = Path(temporary)
        samples = {name: write_sample(root / "samples" / name, name) for name in names}
        done = 0
        while time.monotonic() < end and (cases is None or done < cases):
            number = seed + done
            name = names[number % len(names)]
            start = time.monotonic()
            outcome = _one(samples[name], root / "case", name, number)
            took = time.monotonic() - start
            slowest = max(slowest, took)
            if took > _SLOW_S:
                outcome = f"{name}, seed {number}: took {took:.1f} s"
            done += 1
            if outcome in ("read", "refused"):
                counts[f"{outcome} {name}"] += 1
            else:
                failures.append(outcome)
        strays = sorted(p.name for p in root.iterdir() if p.name not in ("samples", "case"))
    failures += [f"written outside: {name}" for name in strays]
    return {"cases": done, **dict(counts), "slowest_s": slowest, "failures": failures}


def write_sample(folder: Path, name: str) -> Path:
    """Write three pictures with labels of all kinds in a format."""
    source = folder.parent / "pictures"
    array = np.zeros((_SIZE_WH[1], _SIZE_WH[0]), np.uint8)
    array[5:20, 10:30] = 1
    shapes = [
        Box(5, 5, 20, 20),
        OrientedBox(30, 20, 20, 10, 0.5),
        Polygon(((5, 5), (50, 8), (30, 30)), (((20, 10), (25, 10), (25, 14)),)),
        Keypoints(((5, 5), (9, 9), (20, 30)), (2, 1, 2)),
        Mask.from_array(array),
        Tag(),
    ]
    if name == "yolo_classify":
        shapes = [Tag()]
    labels = tuple(
        Annotation(shape, n % 2, None if n % 2 else 0.5, {"group_id": 1, "colour": "red"})
        for n, shape in enumerate(shapes)
    )
    images = []
    for number, split in enumerate(("train", "train", "val")):
        path = source / f"p{number}.png"
        if not path.exists():
            pixels = np.random.default_rng(number).integers(0, 255, (*_SIZE_WH[::-1], 3), np.uint8)
            path.parent.mkdir(parents=True, exist_ok=True)
            write_image(path, pixels)
        images.append(LabelledImage(path, *_SIZE_WH, split, labels if number else ()))
    write(LabelledDataset({0: "nut", 1: "big bolt"}, images), folder, name)
    return folder


def _one(sample: Path, case: Path, name: str, seed: int) -> str:
    """Damage a copy of a sample and read it; return ``read``, ``refused`` or what went wrong."""
    generator = random.Random(seed)
    shutil.rmtree(case, ignore_errors=True)
    shutil.copytree(sample, case)
    files = sorted(p for p in case.rglob("*") if p.is_file() and p.suffix in _LABELS)
    for file in generator.sample(files, min(len(files), generator.randint(1, 2))):
        data = file.read_bytes()
        for _ in range(generator.randint(1, 4)):
            data = generator.choice(_MUTATIONS)(generator, data)
        file.write_bytes(data)
    try:
        discover(case)
        dataset = read(case, name)
        for image in dataset.images:
            for annotation in image.annotations or ():
                if not all(abs(value) < 1e9 for value in annotation.geometry.bounds()):
                    return f"{name}, seed {seed}: {annotation.geometry} is not finite"
                dataset.names[annotation.class_id]
    except (DatasetError, ImageError):
        return "refused"
    except Exception:  # noqa: BLE001 - what the fuzzer is for
        return f"{name}, seed {seed}:\n{traceback.format_exc(limit=-4)}"
    return "read"


def _flip(generator: random.Random, data: bytes) -> bytes:
    changed = bytearray(data)
    for _ in range(min(len(changed), generator.randint(1, 8))):
        changed[generator.randrange(len(changed))] = generator.randrange(256)
    return bytes(changed)


def _cut(generator: random.Random, data: bytes) -> bytes:
    start = generator.randint(0, len(data))
    return data[:start] + data[start + generator.randint(0, max(len(data) // 4, 1)) :]


def _insert(generator: random.Random, data: bytes) -> bytes:
    start = generator.randint(0, len(data))
    return data[:start] + generator.choice(_TOKENS) * generator.choice((1, 1, 1, 50)) + data[start:]


def _repeat(generator: random.Random, data: bytes) -> bytes:
    start = generator.randint(0, len(data))
    part = data[start : start + generator.randint(1, 200)]
    return data[:start] + part * generator.randint(2, 5) + data[start:]


def _swap_number(generator: random.Random, data: bytes) -> bytes:
    """Put a token in the place of a number."""
    digits = [at for at in range(len(data)) if 48 <= data[at] <= 57]
    if not digits:
        return data
    start = end = generator.choice(digits)
    while end < len(data) and (48 <= data[end] <= 57 or data[end] in b".-"):
        end += 1
    return data[:start] + generator.choice(_TOKENS) + data[end:]


def _cut_end(generator: random.Random, data: bytes) -> bytes:
    return data[: generator.randint(0, len(data))]


_MUTATIONS: tuple[Mutation, ...] = (_flip, _cut, _insert, _repeat, _swap_number, _cut_end)
