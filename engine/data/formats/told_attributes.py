"""Attributes as formats tell them, brought to the names and types that all formats share."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from engine.data.annotations.attribute_names import DESCRIPTION, FLAGS, NUMBERS

_TRUE = frozenset(("1", "true", "yes"))
_FALSE = frozenset(("0", "false", "no", "", "none"))
_LARGEST = 1 << 53


def shared_attributes(told: Mapping[str, Any]) -> dict[str, Any]:
    """Return attributes with reserved names in their own types; flags that are off and empty texts are left out.

    Values that are neither text, number, flag nor a short list of those are left out.
    """
    out: dict[str, Any] = {}
    for name, value in told.items():
        if name in FLAGS:
            if is_on(value):
                out[name] = True
        elif name in NUMBERS:
            if (number := whole(value)) is not None:
                out[name] = number
        elif name == DESCRIPTION:
            if isinstance(value, str) and value:
                out[name] = value
        elif is_plain(value):
            out[str(name)] = value
    return out


def is_on(value: Any) -> bool:
    """Tell whether a flag is set, however it is written: true, 1, "1", "yes"."""
    if isinstance(value, str):
        return value.strip().lower() in _TRUE
    return isinstance(value, bool | int | float) and bool(value)


def whole(value: Any) -> int | None:
    """Return a whole number, also one written as text or with ``.0``; None where it is none."""
    if type(value) is int:
        return value if abs(value) <= _LARGEST else None
    if isinstance(value, str):
        text = value.strip()
        return int(text) if len(text) < 17 and text.lstrip("+-").isdecimal() else None
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    if not abs(value) <= _LARGEST or int(value) != value:  # also refuses NaN
        return None
    return int(value)


def plain_value(text: str) -> str | int | float | bool:
    """Return what an attribute's text means: a flag, a number that is written back the same, or the text."""
    if text in ("true", "false"):
        return text == "true"
    for kind in (int, float):
        try:
            value = kind(text)
        except ValueError:
            continue
        if str(value) == text and math.isfinite(value):
            return value
    return text


def format_value(value: Any) -> str:
    """Return the text of an attribute, the way back from :func:`plain_value`."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)


def is_plain(value: Any) -> bool:
    """Tell whether a value is text, a finite number, a flag, or a list of a few of those."""
    if isinstance(value, list):
        return len(value) <= 64 and all(is_plain(v) and not isinstance(v, list) for v in value)
    if isinstance(value, float):
        return math.isfinite(value)
    return isinstance(value, str | bool) or (isinstance(value, int) and abs(value) <= _LARGEST)


def score_of(value: Any) -> float | None:
    """Return a confidence 0..1, or None where there is none."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return float(value) if 0 <= value <= 1 else None
