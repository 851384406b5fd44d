"""What a person asks of a batch of suggestions, and how far it has come: plain values that survive a crash."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any

BACKGROUND = "background"  # what a model for pixels calls what nobody outlined


@dataclass(frozen=True, slots=True)
class ClassRule:
    """What becomes of one of the model's classes.

    Attributes:
        class_id: The project's class for it; None for the one of the same name, made where there is none.
        is_left_out: Nothing is suggested of it.
        confidence: What is less sure is not suggested, 0 to 1.
    """

    class_id: int | None = None
    is_left_out: bool = False
    confidence: float = 0.0


def usual_rules(names: Iterable[str]) -> dict[str, ClassRule]:
    """Return what becomes of classes of a map of pixels where nobody has said so.

    What such a model calls background was not drawn by anybody: as a suggestion it would cover every image.

    Args:
        names: The project's classes; one that is called so was drawn, and is suggested as any other.
    """
    return {} if BACKGROUND in names else {BACKGROUND: ClassRule(is_left_out=True)}


@dataclass(frozen=True, slots=True)
class Examples:
    """Objects that a person points at: an open-vocabulary model finds the rest.

    Attributes:
        image: Path of the image that they are on.
        boxes: Around each, x1, y1, x2, y2 in pixels of the image.
        names: The class of each in the project.
    """

    image: str
    boxes: tuple[tuple[float, float, float, float], ...]
    names: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class AutoAnnotation:
    """A batch of suggestions.

    Attributes:
        model: Path of the model's file; empty where the boxes that are drawn are to be outlined.
        image_ids: Images still to be looked at, in their order.
        arguments: Engine arguments of prediction.
        rules: By the model's class names; a class without a rule goes to the one of its name.
        segmenter: Outlines what was found: the name or path of its weights; empty for what the model gives.
        total: Images of the whole batch.
        phrases: What an open-vocabulary model is to look for, in words; empty for the classes that it has.
        examples: What it is to look for, by examples; None for words.
    """

    model: str
    image_ids: tuple[int, ...]
    arguments: Mapping[str, Any] = field(default_factory=dict)
    rules: Mapping[str, ClassRule] = field(default_factory=dict)
    segmenter: str = ""
    total: int = 0
    phrases: tuple[str, ...] = ()
    examples: Examples | None = None

    @property
    def done(self) -> int:
        """How many images were looked at."""
        return max(self.total - len(self.image_ids), 0)

    def without(self, image_ids: set[int]) -> AutoAnnotation:
        """Return what is left when these images are done."""
        left = tuple(i for i in self.image_ids if i not in image_ids)
        return replace(self, image_ids=left)

    def rule(self, name: str) -> ClassRule:
        """Return what becomes of a class of the model."""
        return self.rules.get(name, ClassRule())

    def to_dict(self) -> dict[str, Any]:
        """Return plain values for JSON."""
        return asdict(self)

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> AutoAnnotation:
        """Return what :meth:`to_dict` described.

        Raises:
            KeyError: Something is missing.
            TypeError: Something is of another type.
            ValueError: A number is none.
        """
        rules = {str(name): ClassRule(**rule) for name, rule in values["rules"].items()}
        return cls(
            str(values["model"]),
            tuple(int(i) for i in values["image_ids"]),
            dict(values["arguments"]),
            rules,
            str(values["segmenter"]),
            int(values["total"]),
            tuple(map(str, values.get("phrases", ()))),
            _examples(values.get("examples")),
        )


def _examples(values: Mapping[str, Any] | None) -> Examples | None:
    if values is None:
        return None
    boxes = tuple((float(a), float(b), float(c), float(d)) for a, b, c, d in values["boxes"])
    return Examples(str(values["image"]), boxes, tuple(map(str, values["names"])))
