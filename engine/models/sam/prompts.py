"""Prompts: what a person points at, checked against the picture."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from engine.runtime.errors import ConfigError

OUTSIDE, INSIDE = 0, 1


@dataclass(frozen=True)
class Prompt:
    """What says where one object is; at least one of points, box and mask.

    Attributes:
        points: (N, 2) x, y in pixels of the picture.
        labels: (N,) 1 where the object is, 0 where it is not.
        box: (4,) corners around the object, None for none.
        mask: (h, w) logits of a rough mask, as a prediction before returned them; None for none.
    """

    points: np.ndarray
    labels: np.ndarray
    box: np.ndarray | None = None
    mask: np.ndarray | None = None


def make_prompt(
    size_hw: tuple[int, int],
    points: Any = None,
    labels: Any = None,
    box: Any = None,
    mask: Any = None,
) -> Prompt:
    """Check and gather what points at one object.

    Args:
        size_hw: (height, width) of the picture.
        points: x, y pairs in pixels of the picture; one may come without its brackets.
        labels: 1 or 0 a point; None takes all as inside.
        box: x1, y1, x2, y2; what lies outside of the picture is cut off.
        mask: (h, w) or (1, h, w) logits of a rough mask.

    Raises:
        ConfigError: They do not fit one another, or lie outside of the picture.
    """
    flat = _numbers("points", [] if points is None else points).reshape(-1)
    if flat.size % 2:
        raise ConfigError(f"expected points as x, y pairs, received {flat.size} numbers.", value=points)  # fmt: skip
    places = flat.reshape(-1, 2)
    kinds = np.ones(len(places)) if labels is None else _numbers("labels", labels).reshape(-1)
    if len(kinds) != len(places):
        raise ConfigError(
            f"expected a label a point, received {len(places)} points and {len(kinds)} labels.",
            value=labels,
        )
    if not np.isin(kinds, (OUTSIDE, INSIDE)).all():
        raise ConfigError("expected labels of 1 (the object) or 0 (not the object).", value=labels)
    _check_within(places, size_hw)
    rough = None if mask is None else _rough(mask)
    corners = None if box is None else _corners(box, size_hw)
    if not len(places) and corners is None and rough is None:
        raise ConfigError("expected points, a box or a mask, received none of them.")
    return Prompt(places.astype(np.float32), kinds.astype(np.int64), corners, rough)


def make_prompts(
    size_hw: tuple[int, int],
    points: Any = None,
    labels: Any = None,
    bboxes: Any = None,
    masks: Any = None,
) -> list[Prompt]:
    """Check and gather what points at several objects of a picture.

    Args:
        size_hw: (height, width) of the picture.
        points: (2,) for one object, (N, 2) a point for each of N, or N lists of points.
        labels: As nested as the points; None takes all as inside.
        bboxes: (4,) or (N, 4).
        masks: (N, h, w) logits of rough masks.

    Raises:
        ConfigError: They do not fit one another, or lie outside of the picture.
    """
    boxes = None if bboxes is None else _rows("bboxes", bboxes, 4)
    clicks = None if points is None else _clicks(points)
    kinds = None if labels is None else _kinds(labels, clicks)
    rough = None if masks is None else np.asarray(masks, dtype=np.float32)
    rough = rough[None] if rough is not None and rough.ndim == 2 else rough
    counts = {len(given) for given in (boxes, clicks, rough) if given is not None}
    if len(counts) > 1:
        raise ConfigError(
            f"points, bboxes and masks are for as many objects each; received {sorted(counts)}."
        )
    return [
        make_prompt(
            size_hw,
            None if clicks is None else clicks[i],
            None if kinds is None else kinds[i],
            None if boxes is None else boxes[i],
            None if rough is None else rough[i],
        )
        for i in range(counts.pop() if counts else 0)
    ]


def _clicks(points: Any) -> list[Any]:
    """Return the points of each object."""
    depth = _depth(points)
    if depth == 1:
        return [[points]]
    return [[point] for point in points] if depth == 2 else list(points)


def _kinds(labels: Any, clicks: list[Any] | None) -> list[Any]:
    if clicks is None:
        raise ConfigError("labels= says what points= are, but there are no points.", value=labels)
    depth = _depth(labels)
    listed = [labels] if depth == 0 else list(labels)
    if depth < 2 and len(clicks) == 1 and len(clicks[0]) == len(listed):
        return [listed]
    if len(listed) != len(clicks):
        raise ConfigError(
            f"expected labels for {len(clicks)} objects, received {len(listed)}.", value=labels
        )
    return [[label] if depth < 2 else label for label in listed]


def _depth(values: Any) -> int:
    """Return how deeply lists, arrays or tensors are nested."""
    if hasattr(values, "ndim"):
        return int(values.ndim)
    if isinstance(values, list | tuple):
        return 1 + (_depth(values[0]) if len(values) else 0)
    return 0


def _numbers(name: str, values: Any) -> np.ndarray:
    values = values.detach().cpu().numpy() if hasattr(values, "detach") else values
    try:
        array = np.asarray(values, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise ConfigError(f"expected {name} as numbers, received {values!r}.", value=values) from error  # fmt: skip
    if not np.isfinite(array).all():
        raise ConfigError(f"expected {name} as finite numbers, received {values!r}.", value=values)
    return array


def _rows(name: str, values: Any, width: int) -> np.ndarray:
    array = _numbers(name, values)
    if array.size % width or array.ndim > 2 or (array.ndim == 2 and array.shape[1] != width):
        raise ConfigError(
            f"expected {name} as rows of {width} numbers, received shape {array.shape}.",
            value=values,
        )
    return array.reshape(-1, width)


def _rough(mask: Any) -> np.ndarray:
    array = _numbers("mask", mask).astype(np.float32)
    array = array[0] if array.ndim == 3 and len(array) == 1 else array
    if array.ndim != 2:
        raise ConfigError(f"expected a mask of two dimensions, received shape {array.shape}.")
    return array


def _check_within(points: np.ndarray, size_hw: tuple[int, int]) -> None:
    height, width = size_hw
    outside = ((points < 0) | (points > (width, height))).any(1)
    if outside.any():
        x, y = points[outside][0]
        raise ConfigError(
            f"the point ({x:g}, {y:g}) lies outside of the picture, which is {width} x {height}.",
            value=points[outside].tolist(),
            remedy="Give points in pixels of the picture.",
        )


def _corners(box: Any, size_hw: tuple[int, int]) -> np.ndarray:
    corners = _numbers("box", box).reshape(-1)
    if len(corners) != 4:
        raise ConfigError(f"expected a box as x1, y1, x2, y2, received {box!r}.", value=box)
    height, width = size_hw
    x1, y1, x2, y2 = corners
    x1, x2, y1, y2 = min(x1, x2), max(x1, x2), min(y1, y2), max(y1, y2)
    inside = np.clip((x1, y1, x2, y2), 0, (width, height, width, height))
    if inside[2] <= inside[0] or inside[3] <= inside[1]:
        raise ConfigError(
            f"the box {[float(round(n, 1)) for n in corners]} has no part in the picture, which is "
            f"{width} x {height}.",
            value=box,
            remedy="Give its corners in pixels of the picture.",
        )
    return inside.astype(np.float32)


def as_tokens(prompt: Prompt, pad: bool = True) -> tuple[np.ndarray, np.ndarray]:
    """Return a prompt as points (N, 2) in pixels of the picture and what each is, as the networks take them.

    A box becomes its two corners (2 and 3); without one a point that says nothing (-1) is added.
    """
    points, labels = prompt.points, prompt.labels
    if prompt.box is not None:
        return (
            np.concatenate((points, prompt.box.reshape(2, 2))),
            np.concatenate((labels, (2, 3))),
        )
    if not pad:
        return points, labels
    return (
        np.concatenate((points, np.zeros((1, 2), np.float32))),
        np.concatenate((labels, (-1,))),
    )


def group_alike(prompts: Sequence[Prompt], most: int) -> list[list[int]]:
    """Return the numbers of prompts that can be decoded together: as many tokens, with or without a mask."""
    groups: dict[tuple[int, bool], list[int]] = {}
    for number, prompt in enumerate(prompts):
        key = len(as_tokens(prompt)[0]), prompt.mask is not None
        groups.setdefault(key, []).append(number)
    return [rows[i : i + most] for rows in groups.values() for i in range(0, len(rows), most)]
