"""Labels held against predictions: each kind of mistake, and many at once with how many are found."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.active_learning.disagreement import Rules, Trust, compare_labels
from engine.active_learning.shape_overlap import outline_overlap, overlaps
from engine.data.annotations import Annotation, Box, Keypoints, OrientedBox, Polygon, Polyline, Tag
from tests.engine.active_learning.broken_labels import SIDE, draw_scene

HERE = Box(10, 10, 50, 50)
BESIDE = Box(100, 100, 150, 150)


def kinds(labels: list[Annotation], found: list[Annotation]) -> list[str]:
    return [one.kind for one in compare_labels(labels, found).weighed(Trust())]


def test_agreement_is_no_news() -> None:
    assert kinds([Annotation(HERE, 0)], [Annotation(Box(11, 9, 50, 51), 0, 0.9)]) == []


def test_nothing_against_nothing() -> None:
    assert kinds([], []) == []


def test_a_sure_prediction_without_a_label_is_a_missing_label() -> None:
    found = [Annotation(BESIDE, 1, 0.9), Annotation(HERE, 0, 0.2)]
    (one,) = compare_labels([], found).disagreements
    assert (one.kind, one.label, one.found) == ("missing", None, 0)


def test_two_predictions_at_one_place_are_one_missing_label_of_the_surer_class() -> None:
    found = [Annotation(BESIDE, 0, 0.6), Annotation(BESIDE, 1, 0.8)]
    (one,) = compare_labels([], found).disagreements
    assert one.found == 1


def test_a_label_where_the_model_sees_nothing_is_extra() -> None:
    (one,) = compare_labels([Annotation(HERE, 0)], [Annotation(BESIDE, 0, 0.3)]).disagreements
    assert (one.kind, one.label, one.found) == ("extra", 0, None)
    assert one.doubt == 1.0


def test_a_faint_prediction_lowers_the_doubt_of_an_extra_label() -> None:
    (one,) = compare_labels([Annotation(HERE, 0)], [Annotation(HERE, 1, 0.2)]).disagreements
    assert one.kind == "extra"
    assert one.doubt == pytest.approx(0.8)


def test_another_class_at_the_same_place_is_a_wrong_class() -> None:
    found = [Annotation(HERE, 0, 0.1), Annotation(HERE, 1, 0.8)]
    (one,) = compare_labels([Annotation(HERE, 0)], found).disagreements
    assert (one.kind, one.label, one.found) == ("wrong_class", 0, 1)
    assert one.doubt == pytest.approx(0.8 * 0.9)


def test_a_fainter_rival_says_nothing_against_the_label() -> None:
    assert kinds([Annotation(HERE, 0)], [Annotation(HERE, 0, 0.6), Annotation(HERE, 1, 0.5)]) == []


def test_two_objects_on_one_another_keep_their_classes() -> None:
    labels = [Annotation(HERE, 0), Annotation(HERE, 1)]
    assert kinds(labels, [Annotation(HERE, 0, 0.5), Annotation(HERE, 1, 0.9)]) == []


def test_a_box_twice_as_large_is_loose() -> None:
    wide = Annotation(Box(10, 10, 90, 50), 0)
    (one,) = compare_labels([wide], [Annotation(HERE, 0, 0.9)]).weighed(Trust())
    assert (one.kind, one.found) == ("loose", 0)
    assert one.overlap == pytest.approx(0.5)
    assert 0 < one.doubt < 0.9


def test_the_same_object_labelled_twice_is_a_double() -> None:
    labels = [Annotation(HERE, 0), Annotation(Box(11, 11, 51, 51), 0)]
    (one,) = compare_labels(labels, [Annotation(HERE, 0, 0.9)]).weighed(Trust())
    assert (one.kind, one.label) == ("double", 1)


def test_classes_of_whole_images() -> None:
    tag = Annotation(Tag(), 2)
    assert kinds([tag], [Annotation(Tag(), 2, 0.7)]) == []
    (one,) = compare_labels([tag], [Annotation(Tag(), 1, 0.7)]).disagreements
    assert (one.kind, one.label, one.found, one.doubt) == ("wrong_class", 0, 0, 0.7)


def test_lines_and_lonely_points_are_left_alone() -> None:
    labels = [Annotation(Polyline(((0, 0), (9, 9))), 0), Annotation(Keypoints(((3, 3),), (2,)), 0)]
    assert kinds(labels, []) == []


def test_a_class_that_the_model_seldom_finds_says_little_about_extra_labels() -> None:
    known, unknown = Trust(), Trust()
    for _ in range(20):
        compare_labels([Annotation(HERE, 0)], [Annotation(HERE, 0, 0.9)], trust=known)
        compare_labels([Annotation(HERE, 0)], [], trust=unknown)
    extra = compare_labels([Annotation(HERE, 0)], [])
    assert extra.weighed(known)[0].doubt > 0.9
    assert extra.weighed(unknown)[0].doubt < 0.1


@pytest.mark.parametrize("seed", range(3))
def test_deliberate_mistakes_are_found(seed: int) -> None:
    random = np.random.default_rng(seed)
    scenes = [draw_scene(random) for _ in range(60)]
    trust = Trust()
    compared = [compare_labels(one.labels, one.found, Rules(), trust) for one in scenes]
    broken = right = told = 0
    for scene, comparison in zip(scenes, compared, strict=True):
        broken += len(scene.broken) + len(scene.missing)
        for one in comparison.weighed(trust):
            if one.doubt < 0.2:
                continue
            told += 1
            if one.label is None:
                place = scene.found[one.found].geometry
                right += int(overlaps([place], scene.missing).max(initial=0) > 0.5)
            else:  # of two labels on one object either may go
                twin = scene.broken.get(one.label - 1) or scene.broken.get(one.label + 1)
                named = scene.broken.get(one.label)
                right += one.kind == (named or (twin if one.kind == "double" else None))
    recall, precision = right / broken, right / told
    assert broken > 30
    assert recall > 0.85, (recall, precision)
    assert precision > 0.55, (recall, precision)  # one in twenty objects the model does not see


boxes = st.tuples(*[st.floats(1, SIDE / 2)] * 4).map(
    lambda v: Box(v[0], v[1], v[0] + v[2], v[1] + v[3])
)
marks = st.builds(Annotation, boxes, st.integers(0, 2), st.floats(0.05, 1))


@settings(max_examples=60, deadline=None)
@given(st.lists(marks, max_size=6), st.lists(marks, max_size=6))
def test_each_label_is_told_at_most_once_and_doubts_are_shares(
    labels: list[Annotation], found: list[Annotation]
) -> None:
    trust = Trust()
    rows = compare_labels(labels, found, trust=trust).weighed(trust)
    told = [one.label for one in rows if one.label is not None]
    assert len(told) == len(set(told))
    assert all(0 <= one.doubt <= 1 for one in rows)
    assert [one.doubt for one in rows] == sorted((one.doubt for one in rows), reverse=True)
    missing = [one.found for one in rows if one.kind == "missing"]
    assert len(missing) == len(set(missing))


@settings(max_examples=40, deadline=None)
@given(st.lists(boxes, min_size=1, max_size=5))
def test_labels_that_are_the_predictions_are_never_doubted(places: list[Box]) -> None:
    # each with a class of its own: boxes on one another are else one object labelled twice
    labels = [Annotation(place, number) for number, place in enumerate(places)]
    found = [Annotation(place, number, 0.9) for number, place in enumerate(places)]
    assert kinds(labels, found) == []


def test_outlines_are_compared_as_outlines_and_boxes_as_boxes() -> None:
    square = Polygon(((10, 10), (50, 10), (50, 50), (10, 50)))
    triangle = Polygon(((10, 10), (50, 10), (10, 50)))
    table = overlaps([square, HERE], [triangle, OrientedBox(30, 30, 40, 40, 0.0)])
    assert table == pytest.approx(np.array([[0.5, 1.0], [1.0, 1.0]]), abs=0.02)


def test_holes_are_outside() -> None:
    ring = Polygon(HERE.corners(), (((20, 20), (40, 20), (40, 40), (20, 40)),))
    assert outline_overlap(ring, Polygon(HERE.corners())) == pytest.approx(0.75, abs=0.02)
