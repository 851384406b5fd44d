"""Whose examples an image of a batch is asked about."""

from __future__ import annotations

import torch
from hypothesis import given
from hypothesis import strategies as st

from engine.models.yolo.yoloe.shared_prompts import fitted, shared_prompts

WORDS = st.lists(st.sampled_from("abcdefgh"), max_size=5, unique=True)


@given(st.lists(WORDS, min_size=1, max_size=4), st.integers(5, 12))
def test_own_examples_first_then_those_of_others_for_other_classes(
    texts: list[list[str]], most: int
) -> None:
    width = max(1, *(len(own) for own in texts))
    table = {b * width + i: word for b, own in enumerate(texts) for i, word in enumerate(own)}
    places, missing = shared_prompts(texts, width, most)
    assert places.shape == missing.shape
    for image, own in enumerate(texts):
        there = places[image][~missing[image]].tolist()
        words = [table[place] for place in there]
        assert there[: len(own)] == [image * width + i for i in range(len(own))]
        assert len(set(words)) == len(words) == min(most, len(set().union(*texts)))


def test_a_batch_that_shows_nothing_asks_nothing() -> None:
    places, missing = shared_prompts([[], []], 1, 80)
    assert places.tolist() == [[0], [0]]
    assert missing.all()


def test_examples_follow_the_input_to_another_size() -> None:
    masks = torch.zeros(1, 1, 8, 8)
    masks[0, 0, 2, 5] = 1
    assert fitted(masks, (8, 8)) is masks
    smaller = fitted(masks, (4, 4))
    assert smaller.nonzero().tolist() == [[0, 0, 1, 2]]
    assert fitted(masks, (16, 16)).sum() == 4
