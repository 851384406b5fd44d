"""One labelled object: a geometry, its class, and what else is known about it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from engine.data.annotations.geometry import Geometry, geometry_from_dict


@dataclass(frozen=True, slots=True)
class Annotation:
    """One labelled object.

    Attributes:
        geometry: Where it is, in pixels of the upright image.
        class_id: Index into the data set's class names.
        score: Confidence 0..1 of a prediction; None for what a person drew.
        attributes: Further facts by name, plain JSON values ("crowd": True, "occluded": ...).
    """

    geometry: Geometry
    class_id: int
    score: float | None = None
    attributes: Mapping[str, Any] = field(default_factory=dict, hash=False)

    def to_dict(self) -> dict[str, Any]:
        """Return plain values for JSON; empty fields are left out."""
        out: dict[str, Any] = {"class_id": self.class_id, "geometry": self.geometry.to_dict()}
        if self.score is not None:
            out["score"] = self.score
        if self.attributes:
            out["attributes"] = dict(self.attributes)
        return out

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Annotation:
        """Build what ``to_dict`` wrote.

        Raises:
            DatasetError: The geometry cannot be read.
        """
        return cls(
            geometry_from_dict(values["geometry"]),
            int(values["class_id"]),
            values.get("score"),
            dict(values.get("attributes", {})),
        )
