"""How unsure a model is of an image, and the choice of images that differ."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.active_learning.diversity import farthest_first
from engine.active_learning.uncertainty import of_maps, of_objects, of_probabilities, weigh

NEAR, FAR = [0, 0, 10, 10], [50, 50, 80, 80]


def objects(*rows: tuple[list[int], int, float]):
    boxes, classes, scores = zip(*rows, strict=True) if rows else ((), (), ())
    return of_objects(np.array(boxes, float).reshape(-1, 4), np.array(classes), np.array(scores))


def test_nothing_found() -> None:
    assert objects().kind == "nothing"
    assert objects().value == 0


def test_a_sure_object_leaves_no_doubt_and_half_a_belief_leaves_most() -> None:
    sure, half = objects((NEAR, 0, 0.98)), objects((NEAR, 0, 0.5))
    assert (sure.kind, half.kind) == ("sure", "unsure")
    assert sure.value == pytest.approx(0.02)
    assert half.value == pytest.approx(0.5)
    assert (half.objects, half.classes, half.scores) == (1, (0,), (0.5,))


def test_two_classes_at_one_place_are_one_object_between_them() -> None:
    told = objects((NEAR, 2, 0.8), (NEAR, 1, 0.72), (FAR, 0, 0.95))
    assert (told.kind, told.objects, told.classes) == ("torn", 1, (2, 1))
    assert told.value == pytest.approx(0.9 / 2 + 0.1 / 4)


def test_noise_of_two_classes_is_no_doubt_between_them() -> None:
    assert objects((NEAR, 0, 0.06), (NEAR, 1, 0.06)).kind == "sure"


def test_a_classifier_is_torn_between_its_first_two() -> None:
    assert of_probabilities(np.array([0.9, 0.05, 0.05])).kind == "sure"
    told = of_probabilities(np.array([0.1, 0.43, 0.47]))
    assert (told.kind, told.classes) == ("torn", (2, 1))
    assert told.value == pytest.approx(0.96)
    assert of_probabilities(np.array([1.0])).value == 0


def test_pixels_that_change_with_the_mirror() -> None:
    classes = np.zeros((4, 5), int)
    assert of_maps(classes, classes).value == 0
    assert of_maps(classes, np.eye(4, 5, dtype=int)).value == pytest.approx(0.4)


@given(st.lists(st.floats(0, 1), max_size=30))
def test_weighing_stays_in_its_range_and_grows_with_every_doubt(doubts: list[float]) -> None:
    assert 0 <= weigh(doubts) <= 1
    assert weigh([*doubts, 0.5]) >= weigh(doubts)


def unit(rows: np.ndarray) -> np.ndarray:
    return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)


def test_one_of_each_group_comes_before_a_second_of_any() -> None:
    random = np.random.default_rng(0)
    centres = np.eye(5)
    vectors = unit(np.repeat(centres, 8, 0) + random.normal(0, 0.02, (40, 5)))
    chosen = farthest_first(vectors, 5, diversity=1.0)
    assert {one.index // 8 for one in chosen} == set(range(5))


def test_what_is_labelled_counts_as_chosen() -> None:
    vectors = unit(np.array([[1, 0.01, 0], [0, 1, 0], [0.7, 0.7, 0]]))
    first, second, last = farthest_first(vectors, 9, None, unit(np.array([[1, 0, 0]])), 1.0)
    assert (first.index, first.nearest, first.novelty) == (1, -1, 1.0)
    assert (second.index, last.index) == (2, 0)
    assert last.novelty < 0.01


def test_without_diversity_the_order_is_that_of_uncertainty() -> None:
    vectors = unit(np.random.default_rng(1).normal(size=(6, 4)))
    doubts = np.array([0.1, 0.9, 0.3, 0.9, 0.0, 0.5])
    assert [one.index for one in farthest_first(vectors, 6, doubts, diversity=0.0)] == [
        1,
        3,
        5,
        2,
        0,
        4,
    ]


def test_the_first_of_all_is_the_most_uncertain_where_nothing_is_labelled() -> None:
    vectors = unit(np.random.default_rng(2).normal(size=(5, 3)))
    first = farthest_first(vectors, 1, np.array([0, 0, 1.0, 0, 0]))[0]
    assert (first.index, first.nearest, first.novelty) == (2, None, 1.0)


def test_equal_images_are_told_from_one_another_by_doubt_alone() -> None:
    vectors = unit(np.ones((4, 3)))
    doubts = np.array([0.2, 0.1, 0.9, 0.3])
    assert [one.index for one in farthest_first(vectors, 4, doubts)] == [2, 3, 0, 1]


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(0, 12), st.integers(0, 15), st.floats(0, 1))
def test_each_image_is_chosen_once(seed: int, total: int, count: int, diversity: float) -> None:
    random = np.random.default_rng(seed)
    vectors = unit(random.normal(size=(total, 3))) if total else np.zeros((0, 3), np.float32)
    covered = unit(random.normal(size=(3, 3))) if seed % 2 else None
    chosen = farthest_first(vectors, count, random.random(total), covered, diversity)
    assert len(chosen) == min(count, total)
    assert len({one.index for one in chosen}) == len(chosen)
    assert all(0 <= one.novelty <= 1 for one in chosen)


def test_greedy_centres_cover_at_most_twice_as_far_as_the_best_ones() -> None:
    """The guarantee of the method (Gonzalez 1985), on the circle where the best centres are known."""
    angles = np.linspace(0, 2 * np.pi, 24, endpoint=False)
    vectors = np.stack([np.cos(angles), np.sin(angles)], 1).astype(np.float32)
    chosen = [one.index for one in farthest_first(vectors, 4, diversity=1.0)]
    # chords obey the triangle inequality; 1 - cosine is half their square
    reach = np.sqrt(2 * np.maximum(1 - vectors @ vectors[chosen].T, 0)).min(1).max()
    best = 2 * np.sin(np.pi / 8)  # four centres a quarter turn apart
    assert reach <= 2 * best + 1e-6


def test_giving_up_ends_the_work() -> None:
    def stop() -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        farthest_first(unit(np.ones((3, 2))), 3, check=stop)
