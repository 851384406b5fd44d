"""From what a person gave to the value of an argument: by a table of kinds, checked against range and choices.

Text stands for any type, because that is what a command line and an edited form have.
"""

from __future__ import annotations

import ast
import math
import os
from collections.abc import Callable
from typing import Any

from engine.cfg.argument import Argument
from engine.cfg.not_yet import NOT_YET_CHOICES
from engine.cfg.schema import did_you_mean
from engine.cfg.tables.export import FORMAT_ALIASES
from engine.runtime.device import parse_device
from engine.runtime.errors import ConfigError, DeviceError

_TRUE, _FALSE = ("true", "yes", "on"), ("false", "no", "off")
# argument -> what other programs call a choice -> ours
_CHOICE_ALIASES = {"format": FORMAT_ALIASES}
_NONE = ("none", "null", "~", "")


class _Unfit(Exception):
    """The value is of another kind; carries what was expected instead, and a hint."""

    def __init__(self, expected: str = "", hint: str = "") -> None:
        super().__init__(expected)
        self.expected = expected
        self.hint = hint


def coerce(argument: Argument, value: Any) -> Any:
    """Return ``value`` as ``argument`` wants it.

    Raises:
        ConfigError: It is of another type, out of range, none of the choices, or not in this version.
    """
    if isinstance(value, str) and argument.type not in ("source",):
        value = value.strip()
    if value is None or (
        argument.is_optional and isinstance(value, str) and value.lower() in _NONE
    ):
        if argument.is_optional:
            return None
        raise _error(argument, value, _EXPECTED[argument.type])
    try:
        result = _KINDS[argument.type](argument, value)
    except _Unfit as unfit:
        expected = unfit.expected or _EXPECTED[argument.type]
        raise _error(argument, value, expected, unfit.hint) from None
    except ConfigError:
        raise
    except (ValueError, TypeError, SyntaxError):
        raise _error(argument, value, _EXPECTED[argument.type]) from None
    _refuse_unavailable(argument, result)
    return result


def _refuse_unavailable(argument: Argument, value: Any) -> None:
    reason = NOT_YET_CHOICES.get(argument.name, {}).get(str(value), "")
    remedy = None
    if not reason and argument.not_yet and value not in _harmless(argument):
        reason = argument.not_yet
        remedy = f"Leave {argument.name} out."
    if reason:
        raise ConfigError(
            f"{argument.name}={value} cannot be used: {reason}.", value=value, remedy=remedy
        )


def _harmless(argument: Argument) -> tuple[Any, ...]:
    """Values of an argument without effect that ask for nothing: its defaults, off, and zero."""
    off = (False, 0.0) if argument.type in ("bool", "float") and argument.low in (None, 0.0) else ()
    return (argument.default, None, *argument.mode_defaults.values(), *off)


def _error(argument: Argument, value: Any, expected: str, hint: str = "") -> ConfigError:
    shown = value if isinstance(value, str) and value else repr(value)
    return ConfigError(f"{argument.name} expects {expected}, received {shown}.{hint}", value=value)


def _in_range(argument: Argument, number: float) -> None:
    low, high = argument.low, argument.high
    if not math.isfinite(number) or (low is not None and number < low) or _above(number, high):
        kind = (
            "a whole number" if argument.type in ("int", "ints", "layers", "size") else "a number"
        )
        if high is None:
            raise _Unfit(f"{kind} of at least {_shown(low)}" if low is not None else kind)
        raise _Unfit(f"{kind} from {_shown(low or 0)} to {_shown(high)}")


def _shown(number: float) -> str:
    return str(int(number)) if float(number).is_integer() else str(number)


def _above(number: float, high: float | None) -> bool:
    return high is not None and number > high


def _bool(_argument: Argument, value: Any) -> bool:
    if isinstance(value, bool):
        return value
    if isinstance(value, int) and value in (0, 1):
        return bool(value)
    if isinstance(value, str):
        word = value.lower()
        if word in (*_TRUE, "1"):
            return True
        if word in (*_FALSE, "0"):
            return False
    raise _Unfit


def _whole(value: Any) -> int:
    if isinstance(value, bool):
        raise _Unfit
    number = float(value)
    if not number.is_integer():
        raise _Unfit
    return int(value) if isinstance(value, str | int) and "e" not in str(value) else int(number)


def _int(argument: Argument, value: Any) -> int:
    number = _whole(_number_of(value))
    _in_range(argument, number)
    return number


def _float(argument: Argument, value: Any) -> float:
    if isinstance(value, bool):
        raise _Unfit
    number = float(_number_of(value))
    _in_range(argument, number)
    return number


def _number_of(value: Any) -> Any:
    """A number of numpy or torch counts as the number it holds; a list or an object does not."""
    if isinstance(value, list | tuple | dict):
        raise _Unfit
    return value


def _str(argument: Argument, value: Any) -> str:
    if not isinstance(value, str | int | float) or isinstance(value, bool):
        raise _Unfit
    text = str(value)
    if not argument.choices:
        return text
    wanted = _CHOICE_ALIASES.get(argument.name, {}).get(text.lower(), text.lower())
    for choice in argument.choices:
        if choice.lower() == wanted:
            return choice
    reason = NOT_YET_CHOICES.get(argument.name, {}).get(text.lower())
    if reason:
        raise _Unfit(f"one of {', '.join(argument.choices)} ({reason})")
    hint = did_you_mean(text, argument.choices)
    raise _Unfit(f"one of {', '.join(argument.choices)}", hint)


def _path(_argument: Argument, value: Any) -> str:
    if not isinstance(value, str | os.PathLike) or not os.fspath(value):
        raise _Unfit
    return str(value)


def _list(value: Any) -> list[Any]:
    """Return ``[1, 2]``, ``(1, 2)``, ``1,2`` and ``1`` as a list."""
    if isinstance(value, str):
        value = ast.literal_eval(value)
    if hasattr(value, "tolist"):  # numpy and torch
        value = value.tolist()
    return list(value) if isinstance(value, list | tuple | set | range) else [value]


def _ints(argument: Argument, value: Any) -> list[int]:
    numbers = [_whole(item) for item in _list(value)]
    for number in numbers:
        _in_range(argument, number)
    return numbers


def _layers(argument: Argument, value: Any) -> int | list[int]:
    numbers = _ints(argument, value)
    single = not isinstance(value, list | tuple) and len(numbers) == 1 and "[" not in str(value)
    return numbers[0] if single else numbers


def _size(argument: Argument, value: Any) -> int | list[int]:
    numbers = _ints(argument, value)
    if len(numbers) not in (1, 2):
        raise _Unfit
    return numbers[0] if len(set(numbers)) == 1 else numbers


def _batch(argument: Argument, value: Any) -> int | float:
    if isinstance(value, bool):
        raise _Unfit
    number = float(_number_of(value))
    if 0.0 < number < 1.0:
        return number
    if not number.is_integer() or number == 0:
        raise _Unfit
    _in_range(argument, number)
    return int(number)


def _bool_or_str(argument: Argument, value: Any) -> bool | str:
    try:
        return _bool(argument, value)
    except _Unfit:
        if isinstance(value, str):
            return _str(argument, value)
        raise


def _bool_or_path(argument: Argument, value: Any) -> bool | str:
    try:
        return _bool(argument, value)
    except _Unfit:
        return _path(argument, value)


def _device(_argument: Argument, value: Any) -> str | None:
    try:
        return ",".join(parse_device(value)) or None
    except DeviceError as error:
        raise ConfigError(error.message, value=value) from error


def _source(_argument: Argument, value: Any) -> Any:
    return value


_KINDS: dict[str, Callable[[Argument, Any], Any]] = {
    "bool": _bool,
    "int": _int,
    "float": _float,
    "str": _str,
    "path": _path,
    "size": _size,
    "batch": _batch,
    "ints": _ints,
    "layers": _layers,
    "bool_or_str": _bool_or_str,
    "bool_or_path": _bool_or_path,
    "device": _device,
    "source": _source,
}

_EXPECTED: dict[str, str] = {
    "bool": "True or False",
    "int": "a whole number",
    "float": "a number",
    "str": "text",
    "path": "the path of a file or folder",
    "size": "a number of pixels, or height,width",
    "batch": "a whole number of images, -1, or a fraction of memory such as 0.7",
    "ints": "whole numbers such as 0,2,5",
    "layers": "a number of layers, or a list of layer numbers such as [0,1,2]",
    "bool_or_str": "True, False or a word",
    "bool_or_path": "True, False or the path of a file",
    "device": "cpu, mps or GPU numbers",
    "source": "something with images",
}
