from __future__ import annotations

import numpy as np
import pytest
import shapely

from engine.data.clip import clip_polygon, clip_polygons, following
from engine.ops.polygons import polygon_area


@pytest.mark.parametrize(
    ("points", "expected_area"),
    [
        ([[1, 1], [5, 1], [5, 5], [1, 5]], 16),
        ([[-5, 1], [5, 1], [5, 5], [-5, 5]], 20),
        ([[-5, -5], [50, -5], [50, 50], [-5, 50]], 100),
        ([[20, 20], [30, 20], [30, 30]], 0),
        ([[-10, 5], [5, -10], [20, 5], [5, 20]], 100),
        ([[9, 9], [12, 9], [9, 12]], 1),
    ],
)
def test_clipped_areas(points, expected_area):
    clipped = clip_polygon(np.array(points, dtype=np.float64), 10, 10)
    assert abs(polygon_area(clipped)) == pytest.approx(expected_area)


@pytest.mark.parametrize("seed", range(10))
def test_many_at_once_equal_shapely(seed):
    rng = np.random.default_rng(seed)
    rings = []
    for _ in range(8):
        n = int(rng.integers(3, 12))
        angle = np.sort(rng.random(n)) * 2 * np.pi
        spread = rng.uniform(2, 9, n)[:, None] * np.stack((np.cos(angle), np.sin(angle)), 1)
        rings.append(rng.uniform(-4, 14, 2) + spread)
    counts = np.array([len(r) for r in rings])
    points, new = clip_polygons(np.concatenate(rings), counts, (0, 0, 10, 10))
    assert new.sum() == len(points)
    frame, start = shapely.box(0, 0, 10, 10), 0
    for ring, count in zip(rings, new, strict=True):
        polygon = shapely.Polygon(ring)
        if polygon.is_valid:
            ours = abs(polygon_area(points[start : start + count]))
            assert ours == pytest.approx(polygon.intersection(frame).area, abs=1e-9)
        start += count


def test_empty_input_and_order_of_points():
    points, counts = clip_polygons(np.zeros((0, 2)), np.zeros(0, dtype=int), (0, 0, 4, 4))
    assert len(points) == len(counts) == 0
    assert following(np.array([3, 0, 2]), 5).tolist() == [1, 2, 0, 4, 3]
