"""The silhouettes of the parts, in units of half the part's length, centred, unrotated.

A part of size s covers about -s..s; every function draws its proportions from the generator it is given.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

NAMES = ("nut", "bolt", "washer", "gear")


@dataclass(frozen=True)
class Outline:
    """A silhouette and the proportions its surface is made from.

    Attributes:
        kind: One of :data:`NAMES`.
        exterior: (n, 2) float64, clockwise on screen.
        holes: Rings (k, 2) float64.
        thickness: Height over the bench, in the same unit.
        params: Proportions by name, for :mod:`engine.data.synthetic.relief`.
    """

    kind: str
    exterior: np.ndarray
    holes: tuple[np.ndarray, ...]
    thickness: float
    params: dict[str, float] = field(default_factory=dict)


def draw_outline(kind: str, rng: np.random.Generator) -> Outline:
    """Return a random part of a kind in :data:`NAMES`."""
    return _BUILDERS[kind](rng)


def _nut(rng: np.random.Generator) -> Outline:
    """A hexagon whose corners are turned off by a circle, with a round hole."""
    hole, turned = rng.uniform(0.42, 0.5), rng.uniform(0.95, 0.985)
    angles = np.linspace(0, 2 * np.pi, 72, endpoint=False)
    off_side = (angles + np.pi / 6) % (np.pi / 3) - np.pi / 6  # from the middle of the nearest side
    radius = np.minimum(np.cos(np.pi / 6) / np.cos(off_side), turned)
    return Outline(
        "nut",
        _polar(radius, angles),
        (_circle(hole, 28),),
        rng.uniform(0.45, 0.6),
        {"hole": hole, "flat": 0.87},
    )


def _bolt(rng: np.random.Generator) -> Outline:
    """A hexagon-head bolt lying on its side: head to the left, threaded shank to the right."""
    head_half, shank_half = rng.uniform(0.43, 0.5), rng.uniform(0.235, 0.285)
    neck, tip = rng.uniform(-0.64, -0.57), 0.09
    cut = 0.06
    upper = [
        (-1.0 + cut, -head_half),
        (neck, -head_half),
        (neck, -shank_half),
        (1.0 - tip, -shank_half),
        (1.0, -shank_half + tip),
    ]
    lower = [(x, -y) for x, y in reversed(upper)]
    ends = [(-1.0, head_half - cut), (-1.0, -head_half + cut)]
    params = {
        "head": head_half,
        "shank": shank_half,
        "neck": neck,
        "thread": rng.uniform(-0.4, 0.05),
        "pitch": rng.uniform(0.08, 0.1),
    }
    return Outline("bolt", np.array(upper + lower + ends), (), rng.uniform(0.34, 0.42), params)


def _washer(rng: np.random.Generator) -> Outline:
    """A flat ring."""
    hole = rng.uniform(0.5, 0.62)
    return Outline(
        "washer", _circle(1.0, 56), (_circle(hole, 36),), rng.uniform(0.09, 0.14), {"hole": hole}
    )


def _gear(rng: np.random.Generator) -> Outline:
    """A spur gear with trapezoid teeth and a bore with a keyway."""
    teeth, root = int(rng.integers(11, 19)), rng.uniform(0.78, 0.83)
    bore = rng.uniform(0.2, 0.28)
    step = 2 * np.pi / teeth
    # Share of a tooth's step at which its flanks start and end, at the root and at the tip.
    shares, radii = np.array([0.02, 0.17, 0.45, 0.60]), np.array([root, 1.0, 1.0, root])
    angles = (np.arange(teeth)[:, None] + shares).ravel() * step
    params = {
        "bore": bore,
        "hub": bore + rng.uniform(0.12, 0.18),
        "rim": root - rng.uniform(0.12, 0.18),
    }
    return Outline(
        "gear",
        _polar(np.tile(radii, teeth), angles),
        (_keyed(bore),),
        rng.uniform(0.22, 0.34),
        params,
    )


def _keyed(bore: float) -> np.ndarray:
    """Return a circle with a rectangular notch, upwards."""
    half, depth = 0.28 * bore, 1.4 * bore
    start = np.arcsin(half / bore)
    angles = np.linspace(-np.pi / 2 + start, 1.5 * np.pi - start, 26)
    return np.concatenate((_polar(np.full(26, bore), angles), [(-half, -depth), (half, -depth)]))


def _circle(radius: float, points: int) -> np.ndarray:
    return _polar(np.full(points, radius), np.linspace(0, 2 * np.pi, points, endpoint=False))


def _polar(radius: np.ndarray, angles: np.ndarray) -> np.ndarray:
    return np.stack((radius * np.cos(angles), radius * np.sin(angles)), axis=1)


_BUILDERS: dict[str, Callable[[np.random.Generator], Outline]] = {
    "nut": _nut,
    "bolt": _bolt,
    "washer": _washer,
    "gear": _gear,
}
