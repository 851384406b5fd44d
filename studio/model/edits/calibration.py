"""The edit that says how large a pixel is."""

# ruff: noqa: D102 - the methods are documented once, in the base class
from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from studio.language import tr
from studio.model.calibration import (
    KEY,
    PIXELS,
    Calibration,
    calibration_from_dict,
    calibration_to_dict,
)
from studio.model.edits.base import Changes, Edit
from studio.model.store import Store


@dataclass(frozen=True)
class SetCalibration(Edit):
    """Give the project another scale; ``PIXELS`` takes it away. Binding reads what it was ``before``."""

    after: Calibration
    before: Calibration = PIXELS
    label: str = ""

    def title(self) -> str:
        if self.label:
            return self.label
        return (
            tr("Measure in pixels")
            if self.after.is_pixels
            else tr("Set scale: {scale}").format(scale=self.after.scale())
        )

    def bind(self, store: Store) -> SetCalibration:
        kept = store.get(KEY)
        return replace(self, before=calibration_from_dict(kept) if kept else PIXELS)

    def apply(self, store: Store) -> None:
        store.put(KEY, None if self.after.is_pixels else calibration_to_dict(self.after))

    def inverse(self) -> SetCalibration:
        return SetCalibration(self.before, self.after, self.label)

    def changes(self) -> Changes:
        return Changes()

    def values(self) -> dict[str, Any]:
        return {
            "after": calibration_to_dict(self.after),
            "before": calibration_to_dict(self.before),
        }

    @classmethod
    def from_values(cls, values: dict[str, Any]) -> SetCalibration:
        after, before = (calibration_from_dict(values[name]) for name in ("after", "before"))
        return cls(after, before, values.get("label", ""))
