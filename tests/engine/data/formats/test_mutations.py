"""Readers meet damaged files of their own format: they read, say, or refuse, and never anything else."""

from __future__ import annotations

import contextlib
import random
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from engine.data.annotations import (
    Annotation,
    Box,
    Keypoints,
    Mask,
    OrientedBox,
    Polygon,
    Polyline,
    Tag,
)
from engine.data.formats import LabelledDataset, read, write
from engine.runtime.errors import DatasetError

FORMATS = ["coco", "coco_panoptic", "voc", "labelme", "xanylabeling", "cvat", "mask_index"]
_TEXTS = (b"null", b"-1", b"1e999", b"NaN", b'"x"', b"[]", b"{}", b"[[[[", b"9" * 400, b"\x00", b"\xff\xfe",
          b"<", b"</a>", b"&x;", b'"', b",", b";", b"true", b"-5,81925", b"1000000000")  # fmt: skip
_ROUNDS = 40


def damaged(data: bytes, chance: random.Random) -> bytes:
    """Return data with a few bytes changed, cut out, doubled, or replaced by what often breaks readers."""
    out = bytearray(data)
    for _ in range(chance.randint(1, 4)):
        at = chance.randrange(len(out) + 1)
        end = min(len(out), at + chance.choice((0, 1, 3, 20)))
        kind = chance.randrange(4)
        if kind == 0:
            out[at:end] = chance.choice(_TEXTS)
        elif kind == 1:
            del out[at:end]
        elif kind == 2:
            out[at:at] = out[at:end]
        elif at < len(out):
            out[at] = chance.randrange(256)
    return bytes(out[: chance.randrange(len(out) + 1)] if chance.random() < 0.1 else out)


@pytest.fixture
def everything(dataset_of: Callable[..., LabelledDataset]) -> LabelledDataset:
    array = np.zeros((40, 60), dtype=np.uint8)
    array[4:9, 5:12] = 1
    ring = ((1.0, 1.0), (30.0, 2.0), (20.0, 30.0))
    kinds = (
        Box(2, 2, 20, 20),
        OrientedBox(20, 20, 10, 5, 0.3),
        Polygon(ring),
        Polyline(ring),
        Keypoints(ring, (2, 1, 0)),
        Mask.from_array(array),
        Tag(),
    )
    told = {"occluded": True, "group_id": 3, "hue": "red"}
    return dataset_of(*(Annotation(kind, 0, 0.5, told) for kind in kinds))


@pytest.mark.parametrize("format", FORMATS)
def test_damaged_descriptions(format: str, everything: LabelledDataset, tmp_path: Path) -> None:
    write(everything, tmp_path / "whole", format)
    chance = random.Random(format)
    folder = tmp_path / "damaged"
    shutil.copytree(tmp_path / "whole", folder)
    suffixes = (".json", ".xml", ".csv", ".txt")
    files = sorted(p for p in folder.rglob("*") if p.suffix in suffixes)
    files += sorted((folder / "masks").rglob("*.png"))
    originals = {path: path.read_bytes() for path in files}
    for _ in range(_ROUNDS):
        path = chance.choice(files)
        path.write_bytes(damaged(originals[path], chance))
        with contextlib.suppress(DatasetError):
            _assert_usable(read(folder, format))
        path.write_bytes(originals[path])


def _assert_usable(dataset: LabelledDataset) -> None:
    for image in dataset.images:
        for annotation in image.annotations or ():
            assert annotation.class_id in dataset.names
            assert np.isfinite(annotation.geometry.bounds()).all()
