"""How large a pixel is in the world: lengths and areas in pixels, or in units once a known length was drawn."""

from __future__ import annotations

from dataclasses import dataclass
from math import isfinite
from typing import TYPE_CHECKING

from studio.language import tr
from studio.model.errors import EditError

if TYPE_CHECKING:
    from studio.model.project import Project

UNITS = ("nm", "µm", "mm", "cm", "m", "km", "in", "ft")
KEY = "calibration"  # under which the project keeps it


@dataclass(frozen=True, slots=True)
class Calibration:
    """A scale.

    Attributes:
        pixels_per_unit: Image pixels that one unit takes, above 0.
        unit: Its name, as ``mm``.

    Raises:
        EditError: The scale is no positive number, or the unit has no name.
    """

    pixels_per_unit: float = 1.0
    unit: str = "px"

    def __post_init__(self) -> None:
        if not (isfinite(self.pixels_per_unit) and self.pixels_per_unit > 0):
            raise EditError(
                tr("Expected a scale above 0 pixels, received {pixels_per_unit!r}.").format(
                    pixels_per_unit=self.pixels_per_unit
                ),
                remedy=tr(
                    "Draw a line along something whose length you know, and type that length."
                ),
            )
        if not self.unit.strip():
            raise EditError(tr("Expected the name of a unit, received none."))

    @property
    def is_pixels(self) -> bool:
        """Whether nothing has been calibrated."""
        return self == PIXELS

    def length(self, pixels: float) -> str:
        """Return a length as people read it, ``12.5 mm``."""
        return f"{_digits(pixels / self.pixels_per_unit)} {self.unit}"

    def size(self, width: float, height: float) -> str:
        """Return width and height as people read them, ``12.5 × 8 mm``."""
        return f"{_digits(width / self.pixels_per_unit)} × {self.length(height)}"

    def area(self, square_pixels: float) -> str:
        """Return an area as people read it, ``3.1 mm²``."""
        return f"{_digits(square_pixels / self.pixels_per_unit**2)} {self.unit}²"

    def scale(self) -> str:
        """Return the scale itself as people read it, ``20 px = 1 mm``."""
        return tr("{digits} px = 1 {unit}").format(
            digits=_digits(self.pixels_per_unit), unit=self.unit
        )


PIXELS = Calibration()


def calibrated(pixels: float, length: float, unit: str) -> Calibration:
    """Return the scale at which a line of ``pixels`` is ``length`` units long.

    Raises:
        EditError: One of them is no positive number.
    """
    if not (length > 0 and isfinite(length)):
        raise EditError(
            tr("Expected a length above 0, received {length!r}.").format(length=length),
            remedy=tr("Type how long the line is."),
        )
    return Calibration(pixels / length, unit.strip())


def calibration_of(project: Project) -> Calibration:
    """Return the scale of a project; pixels where none was set."""
    values = project.store.get(KEY)
    return calibration_from_dict(values) if values else PIXELS


def calibration_from_dict(values: dict[str, object]) -> Calibration:
    """Return the scale that :func:`calibration_to_dict` described."""
    return Calibration(float(str(values["pixels_per_unit"])), str(values["unit"]))


def calibration_to_dict(calibration: Calibration) -> dict[str, object]:
    """Return a scale as plain values."""
    return {"pixels_per_unit": calibration.pixels_per_unit, "unit": calibration.unit}


def _digits(value: float) -> str:
    """Return a number with as many digits as a hand can measure."""
    if value == 0:
        return "0"
    if abs(value) >= 1000:
        return f"{value:,.0f}"
    return f"{value:.4g}"
