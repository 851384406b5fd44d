"""A look at a picture ends where somebody wants something else, and leaves to prompts what is theirs alone."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from engine.models.sam.embedding_cache import EmbeddingCache
from engine.models.sam.interrupting import interruptible
from engine.models.sam.model import SAM
from engine.models.sam.prompts import make_prompt


@pytest.fixture
def sam(small_weights: Path, memory_only: EmbeddingCache) -> SAM:
    return SAM(small_weights, device="cpu", cache=memory_only)


def test_it_ends_between_two_layers(sam: SAM, discs: np.ndarray) -> None:
    asked: list[int] = []

    def check() -> None:
        asked.append(len(asked))
        if len(asked) == 5:
            raise InterruptedError

    with pytest.raises(InterruptedError), interruptible(sam.segmenter, check):
        sam.embed(discs)
    assert len(asked) == 5
    sam.set_image(discs)  # nobody asks any more
    assert len(asked) == 5
    with interruptible(sam.segmenter, lambda: asked.append(0)):
        again = sam.segmenter.embed(discs)
    assert len(asked) > 10
    ours = sam.segmenter.segment(again, [make_prompt((96, 128), [[40, 48]])], True)[0]
    assert np.abs(ours.low_res - sam.predict(points=[[40, 48]])[2]).max() < 1e-5


def test_questions_in_the_middle_of_a_look_change_neither(sam: SAM, discs: np.ndarray) -> None:
    other = np.ascontiguousarray(discs[::-1])
    wanted = sam.segmenter.embed(other).arrays["image"]
    sam.set_image(discs)
    before = sam.predict(points=[[40, 48]])[2]
    answers: list[np.ndarray] = []

    def ask() -> None:
        if len(answers) < 3:
            answers.append(sam.predict(points=[[40, 48]])[2])

    with interruptible(sam.segmenter, ask):
        found = sam.segmenter.embed(other)
    assert np.array_equal(found.arrays["image"], wanted)
    assert len(answers) == 3
    assert all(np.array_equal(answer, before) for answer in answers)


def test_back_ends_without_a_network_go_on(discs: np.ndarray, memory_only: EmbeddingCache) -> None:
    classic = SAM("classic", cache=memory_only)
    with interruptible(classic.segmenter, lambda: pytest.fail("asked")):
        classic.set_image(discs)


def test_what_prompts_share_is_there_before_the_first(
    sam: SAM, discs: np.ndarray, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[int] = []
    network = sam.segmenter.network
    prepare = network.prepare
    monkeypatch.setattr(network, "prepare", lambda image: made.append(1) or prepare(image))
    sam.set_image(np.ascontiguousarray(discs[::-1]))
    assert made == [1]
    sam.predict(points=[[40, 48]])
    sam.predict(points=[[80, 40]])
    assert made == [1]
