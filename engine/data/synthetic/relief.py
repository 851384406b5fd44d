"""The surface of a part: its height over the silhouette, and where it was turned on a lathe."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from engine.data.synthetic.outlines import Outline


def height_field(outline: Outline, u: np.ndarray, v: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the height and the strength of turning marks at points of the part's own frame.

    Args:
        outline: The part.
        u: (H, W) float32 coordinates along its x axis, in the unit of the outline.
        v: (H, W) float32 along its y axis.

    Returns:
        Height (H, W) in the same unit and turning (H, W) 0..1. Points outside the silhouette mean nothing.
    """
    return _SURFACES[outline.kind](outline.params, u, v)


def _nut(p: dict[str, float], u: np.ndarray, v: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    r = np.hypot(u, v)
    height = -0.55 * _ramp(r, p["flat"], 0.14)  # the chamfer that lathes give the corners
    height -= 0.8 * _ramp(p["hole"] + 0.11 - r, 0.0, 0.11)  # countersink
    return height, _inside(r, p["hole"] + 0.11, p["flat"])


def _washer(p: dict[str, float], u: np.ndarray, v: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    r = np.hypot(u, v)
    edge = np.minimum(1.0 - r, r - p["hole"])
    height = -0.5 * _ramp(0.07 - edge, 0.0, 0.07)
    return height, np.ones_like(r)


def _gear(p: dict[str, float], u: np.ndarray, v: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    r = np.hypot(u, v)
    recess = _inside(r, p["hub"], p["rim"], 0.035)
    height = -0.12 * recess
    height -= 0.5 * _ramp(r, 0.96, 0.05)
    height -= 0.5 * _ramp(p["bore"] + 0.035 - r, 0.0, 0.035)
    return height, 0.85 - 0.5 * recess


def _bolt(p: dict[str, float], u: np.ndarray, v: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    a = np.abs(v)
    head = 0.45 * p["head"] - 0.75 * np.maximum(
        a - 0.5 * p["head"], 0
    )  # three sides of the hexagon
    head -= 0.6 * _ramp(-u, 0.9, 0.1)
    radius = p["shank"]
    shank = np.sqrt(np.maximum(radius * radius - v * v, 1e-4 * radius))
    phase = (u + 0.10 * v) / p["pitch"]
    groove = np.abs(phase - np.floor(phase) - 0.5) * 2  # 0..1..0 over one turn
    shank -= np.where(u > p["thread"], 0.55 * p["pitch"] * groove, 0)
    return np.where(u < p["neck"], head, shank), np.zeros_like(u)


def _ramp(x: np.ndarray, start: float, width: float) -> np.ndarray:
    """Return ``width`` times a ramp from 0 at ``start`` to 1 at ``start + width``: a chamfer of slope 1."""
    return np.clip(x - start, 0, width)


def _inside(r: np.ndarray, inner: float, outer: float, soft: float = 0.02) -> np.ndarray:
    """Return 1 between two radii and 0 outside, with soft borders."""
    return np.clip((r - inner) / soft, 0, 1) * np.clip((outer - r) / soft, 0, 1)


_SURFACES: dict[
    str, Callable[[dict[str, float], np.ndarray, np.ndarray], tuple[np.ndarray, np.ndarray]]
] = {"nut": _nut, "washer": _washer, "gear": _gear, "bolt": _bolt}
