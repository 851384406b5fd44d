from __future__ import annotations

import math
import struct

import pytest

from engine.data.annotations import (
    Box,
    Geometry,
    Keypoints,
    Mask,
    OrientedBox,
    Polygon,
    Polyline,
    Tag,
)
from studio.model.errors import EditError
from studio.storage.geometry_codec import decode_geometry, encode_geometry, encode_ring

RING = ((0.1, 0.2), (1 / 3, 5e300), (-7.0, 1e-12))
EVERY_KIND: list[Geometry] = [
    Box(0.1, 1 / 3, 2.0, 3.0),
    OrientedBox(1.0, 2.0, 3.0, 4.0, 0.123456789),
    Polygon(RING),
    Polygon(RING, (RING[::-1], ((1.0, 1.0), (2.0, 1.0), (2.0, 2.0), (1.0, 2.0)))),
    Polygon(()),
    Mask((1, 2, 3), 2, 3),
    Keypoints(RING, (0, 1, 2)),
    Polyline(RING),
    Tag(),
]


@pytest.mark.parametrize("geometry", EVERY_KIND, ids=lambda geometry: geometry.kind)
def test_every_digit_survives(geometry: Geometry) -> None:
    assert decode_geometry(encode_geometry(geometry)) == geometry


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf])
def test_what_is_not_finite_is_refused(bad: float) -> None:
    for geometry in (Polygon(((bad, 0.0), *RING)), Polyline(((bad, 0.0),)), Box(0, 0, bad, 1)):
        with pytest.raises(EditError, match="cannot be kept"):
            encode_geometry(geometry)


def test_a_ring_of_bytes_is_the_same_column() -> None:
    points = struct.pack("=6d", *(value for point in RING for value in point))
    assert encode_ring(points) == encode_geometry(Polygon(RING))


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf])
def test_bytes_that_are_not_finite_are_refused(bad: float) -> None:
    with pytest.raises(EditError, match="not finite"):
        encode_ring(struct.pack("=6d", 0, 0, 4, 0, bad, 4))


def test_bytes_whose_sum_is_too_large_are_kept() -> None:
    points = struct.pack("=6d", 1.7e308, 1.7e308, 4, 0, 4, 4)
    assert decode_geometry(encode_ring(points)) == Polygon(((1.7e308, 1.7e308), (4, 0), (4, 4)))
