"""Time the tracing of masks to polygons, and say what the polygons keep of the masks."""

from __future__ import annotations

import argparse

import cv2
import numpy as np

from benchmarks.machine import median_ms


def add_options(parser: argparse.ArgumentParser) -> None:
    """Declare what the benchmark takes besides the common options."""
    parser.add_argument("--side", type=int, default=2000)


def run(options: argparse.Namespace) -> dict[str, object]:
    """Return for each kind of mask the median time, the IoU of the polygons with it, and their points."""
    from engine.ops.outlines import trace_outlines
    from engine.ops.raster import polygons2masks

    figures: dict[str, object] = {"side": options.side}
    for name, mask in _masks(options.side).items():
        figures[f"{name}_ms"] = median_ms(lambda m=mask: trace_outlines(m), options.repeats)  # type: ignore[misc]
        outlines = trace_outlines(mask)
        rings = [ring for o in outlines for ring in (o.exterior, *o.holes)]
        drawn = np.bitwise_xor.reduce(polygons2masks(mask.shape, rings), axis=0) > 0
        both, either = np.count_nonzero(drawn & mask), np.count_nonzero(drawn | mask)
        figures[f"{name}_iou"] = both / either
        figures[f"{name}_points"] = sum(map(len, rings))
        figures[f"{name}_holes"] = sum(len(o.holes) for o in outlines)
    return figures


def _masks(side: int) -> dict[str, np.ndarray]:
    """Return masks (side, side) bool: a ring, a large uneven one, and a spray of small ones."""
    ring = np.zeros((side, side), np.uint8)
    middle = side // 2
    cv2.circle(ring, (middle, middle), int(side * 0.45), 1, -1)
    cv2.circle(ring, (middle, middle), int(side * 0.15), 0, -1)
    noise = np.random.default_rng(0).normal(0, 1, (side, side)).astype(np.float32)
    uneven = cv2.GaussianBlur(noise, (0, 0), side / 33)
    spray = cv2.GaussianBlur(noise, (0, 0), side / 133)
    return {
        "ring": ring > 0,
        "uneven": uneven > 0.2 * uneven.std(),
        "spray": spray > 0.2 * spray.std(),
    }
