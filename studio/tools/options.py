"""What a person sets for the tools: sizes, tolerances, switches. One row an option; strip, keys and wheel read the same table."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from math import ceil, floor
from typing import Any

from studio.language import tr


@dataclass(slots=True)
class ToolOptions:
    """The options in force; each has its row in :data:`OPTIONS`."""

    snapping: bool = True
    follow: bool = False
    smoothing: float = 1.0
    brush_size: float = 24.0
    fill_holes: bool = False
    tolerance: float = 24.0
    contiguous: bool = True
    one_class: bool = True
    advance: bool = True
    outline_tolerance: float = 1.0
    as_mask: bool = False
    hover: bool = True

    def step(self, name: str, notches: float) -> None:
        """Make a number larger or smaller, by a share of itself and at least by its step.

        Args:
            name: A number of :data:`OPTIONS`.
            notches: Clicks of the wheel; negative makes it smaller.
        """
        spec = OPTIONS[name]
        value = float(getattr(self, name))
        grown = value * spec.factor**notches
        least = value + spec.step * notches
        wanted = max(grown, least) if notches > 0 else min(grown, least)
        toward = ceil if notches > 0 else floor
        self.set(name, toward(round(wanted / spec.step, 6)) * spec.step)

    def set(self, name: str, value: float | bool) -> None:
        """Set an option; a number is kept within its limits.

        Raises:
            KeyError: There is no such option.
        """
        spec = OPTIONS[name]
        if spec.is_switch:
            setattr(self, name, bool(value))
        else:
            setattr(self, name, min(max(float(value), spec.low), spec.high))

    def values(self) -> dict[str, Any]:
        """Return all options by name, plain values for JSON."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class OptionSpec:
    """How an option is shown and changed.

    Attributes:
        title: A word or two for the strip.
        tip: One sentence of what it does.
        low: Smallest number.
        high: Largest number; ``low == high`` for a switch.
        step: Smallest change of a number.
        factor: By what a click of the wheel multiplies.
        unit: Behind the number.
        icon: Of a switch, a name for ``studio.theme.icons``.
    """

    title: str
    tip: str
    low: float = 0.0
    high: float = 0.0
    step: float = 1.0
    factor: float = 1.0
    unit: str = ""
    icon: str = ""

    @property
    def is_switch(self) -> bool:
        """Whether it is on or off."""
        return self.low == self.high


OPTIONS: dict[str, OptionSpec] = {
    "snapping": OptionSpec(
        tr("Snap"),
        tr("Points go to the vertices and edges of other shapes and to the image's border. Alt turns it off for a click"),
        icon="snap",
    ),
    "follow": OptionSpec(
        tr("Shared border"),
        tr("Between two points on one neighbour the outline follows that neighbour's border; Shift does it for a click"),
        icon="follow",
    ),
    "smoothing": OptionSpec(
        tr("Smooth"),
        tr("How far a freehand line may leave the hand's trace to need fewer vertices, in pixels of the screen"),
        0.0, 8.0, 0.5, 1.0, " px",
    ),
    "brush_size": OptionSpec(
        tr("Size"),
        tr("Diameter of the brush in pixels of the image"),
        1.0, 2000.0, 1.0, 1.15, " px",
    ),
    "fill_holes": OptionSpec(
        tr("Fill holes"), tr("What a stroke encloses becomes part of the object"), icon="fill"
    ),
    "tolerance": OptionSpec(
        tr("Tolerance"),
        tr("How much a colour may differ from the clicked pixel, of 255"),
        0.0, 255.0, 1.0, 1.1,
    ),
    "contiguous": OptionSpec(
        tr("Connected only"),
        tr("Only pixels that hang together with the clicked one; off: alike pixels of the whole picture"),
        icon="contiguous",
    ),
    "one_class": OptionSpec(
        tr("One class"), tr("An image has one class; off: several can be given to it"), icon="tag"
    ),
    "advance": OptionSpec(
        tr("Next image after"), tr("Goes to the next image after a class was given"), icon="next"
    ),
    "outline_tolerance": OptionSpec(
        tr("Outline"),
        tr("How far the outline may leave the edge of the mask to need fewer points, in pixels of the image"),
        0.0, 20.0, 0.25, 1.0, " px",
    ),
    "as_mask": OptionSpec(
        tr("Keep the mask"), tr("Keeps every pixel of what was found; off: an outline of it"), icon="brush"
    ),
    "hover": OptionSpec(
        tr("Show under the cursor"),
        tr("Outlines what lies under the cursor before a click, where the segmenter is quick enough"),
        icon="show",
    ),
}  # fmt: skip


def options_from(values: Mapping[str, Any]) -> ToolOptions:
    """Return the options that :meth:`ToolOptions.values` described; what is missing or of another type keeps its default."""
    options = ToolOptions()
    for field in fields(ToolOptions):
        value = values.get(field.name)
        if isinstance(value, bool) if OPTIONS[field.name].is_switch else _is_number(value):
            options.set(field.name, value)  # type: ignore[arg-type]
    return options


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and value == value
