"""Masks to outlines: what they enclose, how far they may be off, and what becomes of holes."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.ops.outlines import trace_outlines
from engine.ops.raster import polygons2masks


def rasterised(shape: tuple[int, int], outlines: list) -> np.ndarray:
    rings = [ring for o in outlines for ring in (o.exterior, *o.holes)]
    if not rings:
        return np.zeros(shape, bool)
    return np.bitwise_xor.reduce(polygons2masks(shape, rings), axis=0) > 0


def overlap(a: np.ndarray, b: np.ndarray) -> float:
    return np.count_nonzero(a & b) / max(np.count_nonzero(a | b), 1)


def blob(size: int, smooth: float, seed: int) -> np.ndarray:
    noise = np.random.default_rng(seed).normal(0, 1, (size, size)).astype(np.float32)
    field = cv2.GaussianBlur(noise, (0, 0), smooth)
    return field > 0.3 * field.std()


@given(seed=st.integers(0, 10_000), size=st.integers(48, 160))
def test_the_default_tolerance_keeps_the_iou(seed: int, size: int) -> None:
    mask = blob(size, size / 8, seed)
    assert overlap(rasterised(mask.shape, trace_outlines(mask)), mask) >= 0.99 or mask.sum() < 100


@pytest.mark.parametrize("radius", [1, 2, 3, 5, 8, 12, 30, 90])
def test_discs_of_all_sizes(radius: int) -> None:
    mask = np.zeros((200, 210), np.uint8)
    cv2.circle(mask, (100, 101), radius, 1, -1)
    assert overlap(rasterised(mask.shape, trace_outlines(mask)), mask > 0) >= 0.99


def test_a_rectangle_is_its_four_corners() -> None:
    mask = np.zeros((40, 50), bool)
    mask[10:30, 12:35] = True
    (outline,) = trace_outlines(mask)
    assert sorted(map(tuple, outline.exterior)) == [(12, 10), (12, 30), (35, 10), (35, 30)]
    assert outline.area == 20 * 23


def test_holes_stay_with_their_part() -> None:
    mask = np.zeros((120, 240), np.uint8)
    cv2.circle(mask, (60, 60), 50, 1, -1)
    cv2.circle(mask, (60, 60), 20, 0, -1)
    cv2.circle(mask, (180, 60), 30, 1, -1)
    ring, disc = trace_outlines(mask)
    assert len(ring.holes) == 1
    assert disc.holes == ()
    assert ring.area == pytest.approx(mask[:, :120].sum(), rel=0.01)
    assert np.allclose(ring.holes[0].mean(0), 60.5, atol=1)


def test_an_island_in_a_hole_is_a_part_of_its_own() -> None:
    mask = np.zeros((120, 120), np.uint8)
    cv2.circle(mask, (60, 60), 50, 1, -1)
    cv2.circle(mask, (60, 60), 35, 0, -1)
    cv2.circle(mask, (60, 60), 12, 1, -1)
    found = trace_outlines(mask)
    assert [len(o.holes) for o in found] == [1, 0]
    assert overlap(rasterised(mask.shape, found), mask > 0) >= 0.98


def test_specks_can_be_left_out() -> None:
    mask = np.zeros((100, 100), bool)
    mask[10:60, 10:60] = True
    mask[90:92, 90:92] = True
    mask[30:32, 30:32] = False
    assert len(trace_outlines(mask)) == 2
    (outline,) = trace_outlines(mask, least_part=0.01)
    assert outline.holes == ()


@pytest.mark.parametrize(("rows", "columns"), [(1, 1), (1, 2), (2, 1), (1, 20)])
def test_lines_and_dots_have_an_area(rows: int, columns: int) -> None:
    mask = np.zeros((30, 30), np.uint8)
    mask[5 : 5 + rows, 4 : 4 + columns] = 1
    (outline,) = trace_outlines(mask)
    assert np.array_equal(rasterised(mask.shape, [outline]), mask > 0)


def test_larger_tolerance_means_fewer_points() -> None:
    mask = blob(200, 12, 3)
    counts = [
        sum(len(o.exterior) for o in trace_outlines(mask, tolerance))
        for tolerance in (0, 0.5, 1, 3)
    ]
    assert counts == sorted(counts, reverse=True)
    assert counts[-1] < counts[0] / 4


def test_nothing_has_no_outline() -> None:
    assert trace_outlines(np.zeros((5, 7), bool)) == []


def test_a_tolerance_below_zero_is_refused() -> None:
    with pytest.raises(ValueError, match="0 or more"):
        trace_outlines(np.ones((3, 3)), -1)
