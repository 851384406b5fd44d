"""What ``python -m benchmarks batch`` tells of a batch, and the weights that it makes."""

from __future__ import annotations

from argparse import Namespace
from pathlib import Path

import numpy as np
import pytest

from benchmarks import time_batch
from benchmarks.seeded_sam import disc_box, draw_discs, write_seeded_sam
from engine.models.sam.batch import Pace
from engine.models.sam.prompts import make_prompt
from engine.models.sam.registry import open_segmenter

SIZE = (320, 240)


def test_a_folder_is_labelled_and_each_kind_of_work_is_counted() -> None:
    given = Namespace(images=3, boxes=2, size=SIZE, model="classic", device="cpu")
    figures = time_batch.run(given)
    assert (figures["images"], figures["objects"], figures["files"]) == (3, 6, 3)
    assert figures["failed"] == 0
    beside = figures["beside_the_network"]
    assert {name: row["calls"] for name, row in beside.items()} == {
        "read_picture": 3, "outline": 6, "write": 3,
    }  # fmt: skip
    shares = [figures[name] for name in ("encoder_share", "mask_decoder_share", "network_share")]
    assert all(0 <= share <= 1 for share in shares)
    assert figures["images_per_s"] > 0


def test_shares_of_a_batch_are_those_of_its_spans() -> None:
    spans = {
        "encode": [(0.0, 4.0), (5.0, 9.0)],
        "decode_masks": [(4.0, 5.0)],
        "read_picture": [(-1.0, 1.0)],
        "write": [(9.0, 9.5)],
    }
    figures = time_batch.figures(Pace(images=2, objects=4, seconds=10, network_seconds=9), spans)
    assert (figures["encoder_share"], figures["mask_decoder_share"]) == (0.8, 0.1)
    assert (figures["network_share"], figures["images_per_s"]) == (0.9, 0.2)
    assert figures["network_waited_s"] == 1
    beside = figures["beside_the_network"]
    assert beside["read_picture"] == {"calls": 1, "seconds": 2, "overlapped": 0.5}
    assert beside["write"]["overlapped"] == 0
    assert beside["outline"] == {"calls": 0, "seconds": 0, "overlapped": None}


def test_a_network_that_does_two_things_at_once_runs_once() -> None:
    spans = {"encode": [(0.0, 4.0), (4.0, 8.0)], "decode_masks": [(4.0, 5.0), (8.0, 9.0)], "write": [(4.5, 6.5)]}  # fmt: skip
    figures = time_batch.figures(Pace(images=2, objects=4, seconds=10, network_seconds=8), spans)
    assert figures["network_waited_s"] == 1
    assert figures["beside_the_network"]["write"]["overlapped"] == 1
    assert time_batch.united([(3, 4), (0, 1), (1, 2), (0.5, 0.7)]) == [(0, 2), (3, 4)]


@pytest.mark.slow
def test_masks_of_seeded_weights_are_discs(tmp_path: Path) -> None:
    weights = write_seeded_sam(tmp_path / "seeded.safetensors", [0], SIZE)
    picture, away, middle = draw_discs(0, SIZE)
    segmenter = open_segmenter(weights, "cpu")
    embedding = segmenter.embed(picture)
    prompts = [make_prompt(SIZE[::-1], [middle]), make_prompt(SIZE[::-1], box=disc_box(0, SIZE))]
    large = away < 0.33
    for prompt in prompts:
        (clear,) = segmenter.segment(embedding, [prompt], False)
        assert _iou(clear.mask(0), large) > 0.8
    (candidates,) = segmenter.segment(embedding, prompts[:1], True)
    areas = [candidates.mask(number).sum() for number in range(3)]
    assert areas == sorted(areas, reverse=True)
    assert areas[2] < 0.6 * areas[0]  # they are different things, which a person would be offered


def _iou(one: np.ndarray, other: np.ndarray) -> float:
    return float((one & other).sum() / (one | other).sum())
