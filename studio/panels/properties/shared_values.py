"""What several shapes have in common: one value, or that they differ."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from enum import Enum
from typing import Any, Final

from engine.data.annotations.attribute_names import FLAGS, own_attributes
from studio.language import tr
from studio.model.attribute_def import AttributeDef, AttributeKind
from studio.model.calibration import PIXELS, Calibration
from studio.model.geometry_ops import facts
from studio.model.kind_words import KIND_WORDS, shapes_text
from studio.model.provenance import SOURCE_WORDS, accepted_words, model_of
from studio.model.records import ClassDef, Shape, ShapeRow

# The lines of the panel, by what they are called
KIND, PLACE, SIZE, ANGLE = tr("Kind"), tr("Place"), tr("Size"), tr("Angle")
AREA, PERIMETER, LENGTH, POINTS = tr("Area"), tr("Perimeter"), tr("Length"), tr("Points")
SOURCE, SCORE = tr("Source"), tr("Score")
MADE_BY, ACCEPTED = tr("Model"), tr("Accepted")
LINES = (
    KIND,
    PLACE,
    SIZE,
    ANGLE,
    AREA,
    PERIMETER,
    LENGTH,
    POINTS,
    SOURCE,
    SCORE,
    MADE_BY,
    ACCEPTED,
)
_SCALED = (SIZE, AREA, PERIMETER, LENGTH)  # what a scale turns into its unit
LONG_LINES = (SOURCE, MADE_BY, ACCEPTED)  # sentences: they go on in the next line
_MEASURES = {"area": AREA, "perimeter": PERIMETER, "points": POINTS}
MEASURED_LIMIT = 200  # shapes: the outlines of more are not measured for a line of text
About = Sequence[Shape] | Sequence[ShapeRow]  # rows have no outlines to measure


class Mixed(Enum):
    """The shapes differ."""

    MIXED = "mixed"


MIXED: Final = Mixed.MIXED


def shared(values: Iterable[Any]) -> Any:
    """Return the one value that all are, :data:`MIXED` where they differ, None where there are none."""
    found = list(values)
    if not found:
        return None
    return found[0] if all(_same(found[0], value) for value in found) else MIXED


def shared_attribute(shapes: About, name: str) -> Any:
    """Return what the shapes have in common under a name; None: none of them has it. A flag that is absent is False."""
    absent = False if name in FLAGS else None
    return shared(shape.attributes.get(name, absent) for shape in shapes)


def asked_attributes(shapes: About, classes: Mapping[int, ClassDef]) -> list[AttributeDef]:
    """Return what to ask for: what every class of the shapes asks for, then what any of them carries besides.

    An attribute that no class describes is of the kind that its values have.
    """
    of_classes = [classes[i].attributes for i in {s.class_id for s in shapes} if i in classes]
    common = [a for a in (of_classes[0] if of_classes else ()) if all(a in of for of in of_classes)]
    known = {attribute.name for attribute in common}
    carried: dict[str, list[Any]] = {}
    for shape in shapes:
        for name, value in own_attributes(shape.attributes).items():
            if name not in known:
                carried.setdefault(name, []).append(value)
    return common + [AttributeDef(name, _kind(values)) for name, values in sorted(carried.items())]


def described(shapes: About, scale: Calibration = PIXELS) -> dict[str, str]:
    """Return the lines of the panel that only tell: kind, place, size, area, perimeter, points, angle, source, score.

    Args:
        shapes: The selected shapes.
        scale: Lengths and areas are told in its unit.
    """
    kinds = shared(shape.kind for shape in shapes)
    lines = {KIND: shapes_text(shapes) if len(shapes) > 1 else ""}
    if kinds is not MIXED:
        word = KIND_WORDS[kinds]
        lines[KIND] = word if len(shapes) == 1 else f"{len(shapes):,} × {word}"
    if measured := _facts(shapes):
        lines |= _measured(measured, scale)
    source = shared(shape.source for shape in shapes)
    lines[SOURCE] = tr("mixed") if source is MIXED else SOURCE_WORDS.get(source, source)
    scores = [shape.score for shape in shapes if shape.score is not None]
    if scores:
        low, high = min(scores), max(scores)
        lines[SCORE] = (
            f"{low:.2f}"
            if low == high
            else tr("{low:.2f} to {high:.2f}").format(low=low, high=high)
        )
    return lines | _provenance(shapes)


def in_pixels(shapes: About) -> dict[str, str]:
    """Return what :func:`described` tells in a scale's unit, in pixels."""
    lines = _measured(_facts(shapes), PIXELS)
    return {line: lines[line] for line in _SCALED if line in lines}


def _facts(shapes: About) -> list[dict[str, float]]:
    """Return what the outlines measure, nothing where there are too many of them or only rows."""
    if len(shapes) > MEASURED_LIMIT:
        return []
    return [facts(shape.geometry) for shape in shapes if isinstance(shape, Shape)]


def _provenance(shapes: About) -> dict[str, str]:
    """Return which model made the shapes, and who accepted them when."""
    found = {
        MADE_BY: shared(model_of(shape.attributes) for shape in shapes),
        ACCEPTED: shared(accepted_words(shape.attributes) for shape in shapes),
    }
    return {
        line: tr("mixed") if words is MIXED else words for line, words in found.items() if words
    }


def _measured(known: Sequence[dict[str, float]], scale: Calibration) -> dict[str, str]:
    """Return sizes: of one shape as they are, of several the sums that mean something."""
    lines = {}
    if len(known) == 1 and "x" in known[0]:
        one = known[0]
        lines[PLACE] = f"x {one['x']:.1f}, y {one['y']:.1f}"
        lines[SIZE] = _size(one["width"], one["height"], scale)
        if "angle" in one:
            lines[ANGLE] = f"{one['angle']:.1f}°"
    for name, words in _WORDS.items():
        values = [values[name] for values in known if name in values]
        if values:
            is_open = name == "perimeter" and "area" not in known[0]
            lines[LENGTH if is_open else _MEASURES[name]] = words(sum(values), scale)
    return lines


def _size(width: float, height: float, scale: Calibration) -> str:
    if not scale.is_pixels:
        return scale.size(width, height)
    return tr("{width:.1f} × {height:.1f} px").format(width=width, height=height)


def _area(value: float, scale: Calibration) -> str:
    return f"{value:,.0f} px²" if scale.is_pixels else scale.area(value)


def _length(value: float, scale: Calibration) -> str:
    return f"{value:,.1f} px" if scale.is_pixels else scale.length(value)


_WORDS: dict[str, Callable[[float, Calibration], str]] = {
    "area": _area,
    "perimeter": _length,
    "points": lambda value, _scale: f"{value:,.0f}",
}


def _kind(values: Sequence[Any]) -> AttributeKind:
    if all(isinstance(value, bool) for value in values):
        return "flag"
    numbers = all(isinstance(v, (int, float)) and not isinstance(v, bool) for v in values)
    return "number" if numbers else "text"


def _same(first: Any, second: Any) -> bool:
    return type(first) is type(second) and first == second
