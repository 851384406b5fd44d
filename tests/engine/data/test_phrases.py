"""Which phrases a sample is asked about, and how examples are drawn for visual prompts."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from engine.data.phrases import (
    PhraseDataset,
    choose_classes,
    collate_phrases,
    draw_examples,
    renumbered,
    synonyms,
)
from engine.data.transforms.sample import Shapes
from engine.data.yaml_file import read_data_yaml


def shapes_of(classes: list[int], boxes: list[list[float]] | None = None) -> Shapes:
    boxes = boxes or [[0, 0, 8, 8]] * len(classes)
    return Shapes(
        np.float32(classes), np.float32(boxes).reshape(-1, 4), counts=np.zeros(len(classes), int)
    )


@given(
    st.lists(st.integers(0, 40), max_size=30),
    st.integers(0, 40),
    st.integers(1, 20),
    st.integers(0, 2**32 - 1),
)
def test_what_is_shown_comes_first_and_the_rest_is_not_shown(
    classes: list[int], wanted: int, most: int, seed: int
) -> None:
    wanted = min(wanted, most)
    chosen = choose_classes(
        np.int64(classes), 41, wanted, most, np.random.default_rng(seed)
    ).tolist()
    shown = set(classes)
    own = [c for c in chosen if c in shown]
    assert len(set(chosen)) == len(chosen) <= max(most, wanted)
    assert chosen[: len(own)] == sorted(own)
    assert len(own) == min(len(shown), most)
    assert len(chosen) == max(len(own), min(wanted, len(own) + 41 - len(shown)))


@given(st.lists(st.integers(0, 20), max_size=20), st.permutations(range(8)))
def test_renumbering_keeps_the_meaning(classes: list[int], chosen: list[int]) -> None:
    kept = renumbered(shapes_of(classes), np.int64(chosen))
    assert [chosen[int(c)] for c in kept.classes] == [c for c in classes if c in set(chosen)]


def test_without_phrases_nothing_is_left() -> None:
    assert len(renumbered(shapes_of([1, 2]), np.zeros(0, np.int64))) == 0


@pytest.mark.parametrize(
    ("text", "expected"),
    [("person", ["person"]), ("person/human being", ["person", "human being"]), ("/", ["/"])],
)
def test_slashes_join_synonyms(text: str, expected: list[str]) -> None:
    assert synonyms(text) == expected


def test_each_class_has_an_example_of_its_own_objects() -> None:
    boxes = [[0, 0, 16, 16], [32, 32, 64, 64], [17, 17, 19, 19]]
    shapes = shapes_of([0, 0, 1], boxes)
    seen = set()
    for seed in range(20):
        masks = draw_examples(shapes, (64, 64), 2, False, np.random.default_rng(seed))
        assert masks.shape == (2, 8, 8)
        assert masks[1].sum() == 1  # smaller than a cell
        seen.add((bool(masks[0, 0, 0]), bool(masks[0, 5, 5])))
    assert seen == {(True, False), (False, True), (True, True)}


@pytest.fixture(scope="module")
def data(drawn_parts):
    """Four pictures of squares among a hundred classes."""
    data = dict(read_data_yaml(drawn_parts))
    return {**data, "names": {i: f"thing {i}/object {i}" for i in range(100)}, "nc": 100}


def test_samples_are_asked_about_80_phrases(data) -> None:
    dataset = PhraseDataset(data["train"], 64, data, task="segment", augment=True)
    sample = dataset[0, 0, False]
    assert len(set(sample["texts"])) == 80
    assert sample["texts"][0] in ("thing 0", "object 0")
    assert sample["cls"].flatten().tolist() == [0.0]
    assert "visuals" not in sample
    assert len(dataset.texts) == 200
    others = {*dataset[0, 1, False]["texts"]} ^ {*sample["texts"]}
    assert others  # another epoch asks about others
    assert dataset[0, 0, False]["texts"] == sample["texts"]


def test_visual_samples_have_only_what_they_show(data) -> None:
    dataset = PhraseDataset(data["train"], 64, data, task="segment", augment=True, prompts="visual")
    samples = dataset.__getitems__([(i, 0, True) for i in range(4)])
    for sample in samples:
        assert len(sample["texts"]) == len(sample["visuals"]) == len(sample["cls"].unique())
        assert sample["visuals"].shape[1:] == (8, 8)
        assert (sample["visuals"].amax((1, 2)) == 1).all()


def test_examples_of_fewer_classes_are_filled_up() -> None:
    def sample(count: int) -> dict[str, object]:
        return {
            "img": torch.zeros(3, 16, 16, dtype=torch.uint8),
            "cls": torch.zeros(count, 1),
            "batch_idx": torch.zeros(count),
            "texts": ["a"] * count,
            "visuals": torch.ones(count, 2, 2),
        }

    batch = collate_phrases([sample(2), sample(0), sample(1)])
    assert batch["visuals"].sum((2, 3)).tolist() == [[4, 4], [0, 0], [4, 0]]
    assert [len(texts) for texts in batch["texts"]] == [2, 0, 1]
    assert collate_phrases([sample(0)])["visuals"].shape == (1, 1, 2, 2)
