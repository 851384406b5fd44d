"""Which arguments a search may change, within which bounds, and how new values come out of good ones.

Pure functions; who trains with the values is :mod:`engine.core.tuner`.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from engine.cfg.schema import by_name, did_you_mean
from engine.runtime.errors import ConfigError

# Of the trainings so far, so many are parents of the next.
PARENTS = 5
# Each value changes with this probability, by a normal step of this share of its range. On quadratic hills in 25
# dimensions, with and without noise, this is best or nearly so after 30, 100 and 300 trials; 0.2 lags far behind.
CHANGES = 0.8
STEP = 0.1
# So often a child has two parents: each value then comes from one or the other.
MIXES = 0.5
_DIGITS = 5
_NUMBERS = ("float", "int")


@dataclass(frozen=True)
class Span:
    """The values that a search may give an argument.

    Attributes:
        low: Smallest.
        high: Largest.
        is_log: Steps are even in the logarithm: for rates, whose sizes differ by powers of ten.
        is_whole: Only whole numbers.
    """

    low: float
    high: float
    is_log: bool = False
    is_whole: bool = False

    def fit(self, value: float) -> float:
        """Return the allowed value next to ``value``, to five significant digits."""
        value = min(max(float(value), self.low), self.high)
        if self.is_whole:
            return int(min(max(round(value), math.ceil(self.low)), math.floor(self.high)))
        return float(f"{value:.{_DIGITS}g}")

    def draw(self, generator: np.random.Generator) -> float:
        """Return a value from anywhere."""
        return self.fit(
            self._back(generator.uniform(self._forth(self.low), self._forth(self.high)))
        )

    def step(self, value: float, normal: float) -> float:
        """Return the value ``normal`` standard steps away, thrown back at the bounds."""
        low, high = self._forth(self.low), self._forth(self.high)
        at = self._forth(self.fit(value)) + normal * STEP * (high - low)
        return self.fit(self._back(_reflected(at, low, high)))

    def _forth(self, value: float) -> float:
        return math.log(max(value, self.low)) if self.is_log else value

    def _back(self, value: float) -> float:
        return math.exp(value) if self.is_log else value


# What a search changes where nobody says: narrower than the schema where its ends make no sense.
DEFAULT_SPACE: Mapping[str, Span] = {
    "lr0": Span(1e-5, 1e-1, is_log=True),
    "lrf": Span(1e-3, 1.0, is_log=True),
    "momentum": Span(0.7, 0.98),
    "weight_decay": Span(1e-6, 1e-2, is_log=True),
    "warmup_epochs": Span(0.0, 5.0),
    "warmup_momentum": Span(0.0, 0.95),
    "box": Span(1.0, 20.0),
    "cls": Span(0.1, 4.0, is_log=True),
    "dfl": Span(0.4, 6.0, is_log=True),
    "pose": Span(2.0, 40.0, is_log=True),
    "kobj": Span(0.2, 8.0, is_log=True),
    "hsv_h": Span(0.0, 0.1),
    "hsv_s": Span(0.0, 0.9),
    "hsv_v": Span(0.0, 0.9),
    "degrees": Span(0.0, 45.0),
    "translate": Span(0.0, 0.9),
    "scale": Span(0.0, 0.95),
    "shear": Span(0.0, 10.0),
    "perspective": Span(0.0, 0.001),
    "flipud": Span(0.0, 1.0),
    "fliplr": Span(0.0, 1.0),
    "bgr": Span(0.0, 1.0),
    "mosaic": Span(0.0, 1.0),
    "mixup": Span(0.0, 1.0),
    "cutmix": Span(0.0, 1.0),
    "copy_paste": Span(0.0, 1.0),
    "close_mosaic": Span(0, 10, is_whole=True),
    "dropout": Span(0.0, 0.5),
    "erasing": Span(0.0, 0.9),
}


def search_space(task: str, given: Mapping[str, Any] | None = None) -> dict[str, Span]:
    """Return the arguments to search and their spans.

    Args:
        task: Arguments that have no effect in it are left out, or refused where they are asked for.
        given: Name to ``(low, high)``; None searches :data:`DEFAULT_SPACE`.

    Raises:
        ConfigError: An argument is unknown, no number, of no effect, or its bounds are none.
    """
    if given is None:
        return {
            name: span
            for name, span in DEFAULT_SPACE.items()
            if by_name[name].applies_to("train", task)
        }
    if not isinstance(given, Mapping) or not given:
        raise ConfigError(
            f"space expects argument names with (low, high), received {given!r}.",
            value=given,
            remedy="Write space={'lr0': (1e-5, 1e-1)}.",
        )
    return {str(name): _span(str(name), bounds, task) for name, bounds in given.items()}


def first_values(
    space: Mapping[str, Span], given: Mapping[str, Any], task: str
) -> dict[str, float]:
    """Return what the search starts from: what a person gave, else the defaults, within the spans."""
    found = {}
    for name, span in space.items():
        told = given.get(name)
        found[name] = span.fit(by_name[name].default_for("train", task) if told is None else told)
    return found


def next_values(
    space: Mapping[str, Span],
    done: Sequence[tuple[Mapping[str, float], float]],
    generator: np.random.Generator,
) -> dict[str, float]:
    """Return values for the next training: a changed child of the best ones so far.

    An evolution strategy with several parents and discrete recombination (Beyer and Schwefel, Evolution
    strategies, 2002). Steps are shares of an argument's range, so that an argument at 0 can leave it.

    Args:
        space: What may change.
        done: Values and fitness of trainings that came to their end, at least one.
        generator: Of the draws.
    """
    ranked = sorted(done, key=lambda pair: -pair[1])[:PARENTS]
    weights = 1.0 / np.arange(1, len(ranked) + 1)  # the best is drawn most often
    weights /= weights.sum()
    seen = [dict(values) for values, _ in done]
    for _ in range(100):
        first, second = (ranked[i][0] for i in generator.choice(len(ranked), 2, p=weights))
        mixes = generator.random() < MIXES
        child = {}
        for name, span in space.items():
            parent = second if mixes and generator.random() < 0.5 else first
            changes = generator.random() < CHANGES
            normal = float(generator.standard_normal())
            child[name] = span.step(parent[name], normal) if changes else span.fit(parent[name])
        if child not in seen:
            return child
    return {name: span.draw(generator) for name, span in space.items()}


def _span(name: str, bounds: Any, task: str) -> Span:
    """Return the span that a person asks for."""
    argument = by_name.get(name)
    if argument is None:
        raise ConfigError(f"there is no argument {name!r}.{did_you_mean(name)}", value=name)
    if argument.type not in _NUMBERS:
        raise ConfigError(
            f"{name} is no number (its type is {argument.type}), so it cannot be searched.",
            value=name,
        )
    if not argument.applies_to("train", task):
        raise ConfigError(f"{name} has no effect in a training for {task}.", value=name)
    low, high = _bounds(name, bounds)
    if argument.low is not None and low < argument.low:
        raise ConfigError(f"{name} cannot be below {argument.low:g}, received {low:g}.", value=low)
    if argument.high is not None and high > argument.high:
        raise ConfigError(
            f"{name} cannot be above {argument.high:g}, received {high:g}.", value=high
        )
    known = DEFAULT_SPACE.get(name)
    is_log = known is not None and known.is_log and low > 0
    return Span(low, high, is_log, argument.type == "int")


def _bounds(name: str, told: Any) -> tuple[float, float]:
    """Return low and high; a third number, which some programs write here, is taken and not needed."""
    is_row = isinstance(told, Sequence) and not isinstance(told, str) and len(told) in (2, 3)
    if not is_row or not all(isinstance(v, int | float) and math.isfinite(v) for v in told):
        raise ConfigError(
            f"space expects (low, high) for {name}, received {told!r}.",
            value=told,
            remedy=f"Write space={{{name!r}: (0.0, 1.0)}}.",
        )
    low, high = float(told[0]), float(told[1])
    if low >= high:
        raise ConfigError(
            f"space for {name} expects the smaller number first, received {told!r}.", value=told
        )
    return low, high


def _reflected(value: float, low: float, high: float) -> float:
    """Throw a value that left the range back inside: bounds would otherwise gather most of the draws."""
    width = high - low
    if width <= 0:
        return low
    offset = (value - low) % (2 * width)
    return low + min(offset, 2 * width - offset)
