"""Checks of a model description before anything is built from it. Loads no torch.

A description comes from a file that anybody may have written: it may contain itself, expand to billions of
values, read layers that come later, or ask for more memory than there is.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from engine.runtime.errors import ModelError

# The largest description of the engine has some 300 values and 30 layers
MOST_VALUES = 100_000
DEEPEST = 50
MOST_LAYERS = 500
MOST_REPEATS = 300  # of all layers together
MOST_BINS = 256  # of a box distance
MOST_KEYPOINTS = 1000
MOST_CLASSES = 100_000
MOST_CHANNELS = 1024  # of the images
LARGEST_NUMBER = 1_000_000
LARGEST_FACTOR = 16.0
LARGEST_UPSAMPLING = 16
_ROW = "[from, repeats, module, arguments]"


def check_plain(content: Any, path: str | Path) -> None:
    """Refuse content that contains itself, is much larger than it looks, or holds more than plain values.

    Raises:
        ModelError: It is; says so.
    """
    size = _expanded(content, {}, set())
    if size == math.inf:
        raise ModelError(
            "contains itself, a cycle, or is nested without end.",
            path=path,
            remedy="Look for an alias (*name) inside of what it stands for.",
        )
    if size > MOST_VALUES:
        raise ModelError(
            f"expands to more than {MOST_VALUES:,} values, too many for a model.",
            path=path,
            remedy="Its aliases (*name) repeat one another; write out what is meant.",
        )
    strange = _strange(content)
    if strange is not None:
        raise ModelError(
            f"holds {_short(strange)}, expected numbers, words, lists and tables.", path=path
        )


def check_description(description: Mapping[str, Any], channels: int, classes: int) -> None:
    """Refuse a description that cannot be built.

    Args:
        description: As :func:`engine.cfg.model_yaml.find_model_yaml` returns it.
        channels: Channels of the images.
        classes: Number of classes.

    Raises:
        ModelError: Says which layer and why, with the file.
    """
    path = description.get("yaml_file")
    path = path if isinstance(path, str) else None
    check_plain(dict(description), path or "model")
    _check_whole("channels", channels, MOST_CHANNELS, path)
    _check_whole("nc", classes, MOST_CLASSES, path)
    _check_whole("reg_max", description.get("reg_max") or 16, MOST_BINS, path)
    points = description.get("kpt_shape", [17, 3])
    if not isinstance(points, list | tuple) or len(points) != 2:
        raise ModelError(
            f"expected kpt_shape as [keypoints, values], received {_short(points)}.", path=path
        )
    _check_whole("the first of kpt_shape", points[0], MOST_KEYPOINTS, path)
    _check_whole("the second of kpt_shape", points[1], 3, path)
    depth = _checked_factors(description, path)
    rows: list[Any] = []
    for part in ("backbone", "head"):
        if not isinstance(description.get(part), list):
            raise ModelError(f"expected a list of layers under {part!r}.", path=path)
        rows += description[part]
    if not 1 < len(rows) <= MOST_LAYERS:
        raise ModelError(f"expected 2 to {MOST_LAYERS} layers, received {len(rows)}.", path=path)
    repeats = 0.0
    for number, row in enumerate(rows):
        _check_row(row, number, path)
        repeats += max(row[1] * depth, 1)
    if repeats > MOST_REPEATS:
        raise ModelError(
            f"its layers are repeated {repeats:,.0f} times together, expected at most {MOST_REPEATS}.",
            path=path,
        )


def _expanded(value: Any, known: dict[int, float], above: set[int]) -> float:
    """Return how many values this is with all aliases written out; a value that contains itself is endless."""
    if not isinstance(value, Mapping | list | tuple):
        return 1
    if id(value) in known:
        return known[id(value)]
    if id(value) in above or len(above) > DEEPEST:
        return math.inf
    above.add(id(value))
    children = [*value.keys(), *value.values()] if isinstance(value, Mapping) else value
    total = 1.0
    for child in children:
        total += _expanded(child, known, above)
        if total > MOST_VALUES:
            break
    above.discard(id(value))
    known[id(value)] = total
    return total


def _strange(value: Any) -> Any:
    """Return a value that is none of a description's, None where there is none; content must be finite."""
    if isinstance(value, Mapping):
        value = [*value.keys(), *value.values()]
    if isinstance(value, list | tuple):
        return next((s for s in map(_strange, value) if s is not None), None)
    return None if value is None or isinstance(value, bool | int | float | str) else value


def _check_row(row: Any, number: int, path: str | None) -> None:
    if not isinstance(row, list | tuple) or len(row) != 4:
        raise ModelError(
            f"layer {number}: expected {_ROW}, received {_short(row)}.", path=path, value=row
        )
    source, repeats, name, arguments = row
    if not isinstance(name, str) or not isinstance(arguments, list | tuple):
        raise ModelError(
            f"layer {number}: expected {_ROW}, received {_short(row)}.", path=path, value=row
        )
    if not _is_whole(repeats) or not 0 <= repeats <= MOST_REPEATS:
        raise ModelError(
            f"layer {number}: expected 0 to {MOST_REPEATS} repeats, received {_short(repeats)}.",
            path=path,
            value=repeats,
        )
    _check_sources(source, number, path)
    _check_arguments(arguments, name, number, path)


def _check_sources(source: Any, number: int, path: str | None) -> None:
    sources = source if isinstance(source, list | tuple) else [source]
    if not sources or not all(_is_whole(s) for s in sources):
        raise ModelError(
            f"layer {number}: expected the number of a layer to read, or a list of these, received "
            f"{_short(source)}.",
            path=path,
            value=source,
        )
    for wanted in sources:
        if wanted == number:
            said = "reads itself, a cycle"
        elif wanted > number:
            said = f"reads layer {wanted}, which comes after it, a cycle"
        elif wanted < -max(number, 1):
            said = f"reads layer {wanted}, which is before the first"
        else:
            continue
        raise ModelError(
            f"layer {number}: {said}.",
            path=path,
            value=wanted,
            remedy="A layer can read those before it: -1 for the last one, or their numbers from 0.",
        )


def _check_arguments(arguments: Any, name: str, number: int, path: str | None) -> None:
    flat = [a for x in arguments for a in (x if isinstance(x, list | tuple) else [x])]
    for value in flat:
        is_number = isinstance(value, int | float)
        fine = value is None or (isinstance(value, str) and len(value) < 100)
        if fine or (is_number and math.isfinite(value) and abs(value) <= LARGEST_NUMBER):
            continue
        raise ModelError(
            f"layer {number}: {_short(value)} is no argument of {_short(name)}.",
            path=path,
            value=value,
        )
    factors = [v for v in flat if isinstance(v, int | float)]
    if name.endswith("Upsample") and any(f > LARGEST_UPSAMPLING for f in factors):
        raise ModelError(
            f"layer {number}: expected {name} to enlarge at most {LARGEST_UPSAMPLING} times, received "
            f"{max(factors):g}.",
            path=path,
            value=max(factors),
        )


def _checked_factors(description: Mapping[str, Any], path: str | None) -> float:
    """Check the factors of the scale in use and return the one of the repeats."""
    scale, scales = description.get("scale"), description.get("scales")
    factors: Any = (
        (description.get("depth_multiple", 1.0), description.get("width_multiple", 1.0))
        if not scale
        else scales.get(scale)
        if isinstance(scales, Mapping) and isinstance(scale, str)
        else None
    )
    size = 3 if scale else 2
    if not isinstance(factors, list | tuple) or len(factors) != size:
        raise ModelError(
            f"expected scale {_short(scale)} as [depth, width, most channels], received "
            f"{_short(factors)}.",
            path=path,
            value=factors,
        )
    for factor in factors[:2]:
        is_number = isinstance(factor, int | float) and not isinstance(factor, bool)
        if not is_number or not 0 < factor <= LARGEST_FACTOR:
            raise ModelError(
                f"expected a factor of depth or width in 0..{LARGEST_FACTOR:g}, received "
                f"{_short(factor)}.",
                path=path,
                value=factor,
            )
    if scale and not (isinstance(factors[2], int | float) and factors[2] > 0):
        raise ModelError(
            f"expected a number of most channels, received {_short(factors[2])}.",
            path=path,
            value=factors[2],
        )
    return float(factors[0])


def _check_whole(what: str, value: Any, most: int, path: str | None) -> None:
    if not _is_whole(value) or not 1 <= value <= most:
        raise ModelError(
            f"expected {what} in 1..{most:,}, received {_short(value)}.", path=path, value=value
        )


def _is_whole(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _short(value: Any) -> str:
    """Return a short text, whatever the value holds."""
    if isinstance(value, Mapping):
        return f"a table of {len(value)}"
    if isinstance(value, list | tuple):
        return f"[{', '.join(_word(v) for v in value[:6])}{', ...' if len(value) > 6 else ''}]"
    return _word(value)


def _word(value: Any) -> str:
    if isinstance(value, str):
        return repr(value[:40])
    is_short = value is None or isinstance(value, bool | float) or _is_whole(value)
    if is_short and not (_is_whole(value) and abs(value) > 10**15):
        return repr(value)
    return f"a {type(value).__name__}" if not isinstance(value, list | tuple) else "[...]"
