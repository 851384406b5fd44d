from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest

from engine.ops.run_lengths import format_run_lengths, run_lengths


@pytest.mark.parametrize("seed", range(20))
def test_text_is_that_of_pycocotools(seed):
    from pycocotools import mask as coco_mask

    generator = np.random.default_rng(seed)
    shape = generator.integers(1, 60, 2)
    pixels = np.asfortranarray((generator.random(shape) < generator.random()).astype(np.uint8))
    text = coco_mask.encode(pixels)["counts"]
    runs = run_lengths(text)
    assert runs.sum() == pixels.size
    assert format_run_lengths(runs) == text.decode()


def test_large_numbers_and_nothing():
    runs = np.array([0, 3_000_000_000, 5, 1 << 40, 7])
    assert run_lengths(format_run_lengths(runs).encode()).tolist() == runs.tolist()
    assert run_lengths(b"").tolist() == []
    assert format_run_lengths(np.zeros(0, dtype=np.int64)) == ""


def test_nonsense_and_cut_text_give_numbers_to_be_refused():
    assert run_lengths(b"####not rle").size
    assert run_lengths(b"ooo").tolist() == []


def test_formats_load_no_torch():
    code = (
        "import sys; from importlib import import_module; from engine.data.formats import FORMATS\n"
        "[import_module(f.module) for f in FORMATS]; sys.exit('torch' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
