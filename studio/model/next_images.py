"""Images that are worth labelling next, and why, in words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, TypeVar

from studio.language import ntr, tr

MOST_IMAGES = 20_000  # to choose from: more would take a processor a night; evenly spread ones stand for the others
MOST_COVERED = 2_000  # labelled ones to compare with, likewise
_VERY, _RATHER = 0.66, 0.33  # of the novelty

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class NextImage:
    """One image worth labelling.

    Attributes:
        image_id: The image.
        uncertainty: How unsure the model is of it, 0..1.
        kind: Why: ``nothing``, ``sure``, ``unsure``, ``torn`` or ``wavering``, as the engine's ``Uncertainty`` says.
        objects: How many objects the model is unsure of.
        names: Of which class the most doubtful one is, or between which two it is torn.
        scores: Their confidences, 0..1; for ``wavering`` the share of pixels that change.
        novelty: How unlike everything labelled or chosen before it is, 0..1.
        nearest: The image that is most alike, None where there is none.
    """

    image_id: int
    uncertainty: float
    kind: str
    objects: int = 0
    names: tuple[str, ...] = ()
    scores: tuple[float, ...] = ()
    novelty: float = 0.0
    nearest: int | None = None

    def reason(self) -> str:
        """Return in a sentence or two why it is worth labelling."""
        doubt = _DOUBTS[self.kind](self)
        if self.nearest is None:
            return doubt
        if self.novelty >= _VERY:
            return f"{doubt} {tr('Unlike everything labelled or listed above.')}"
        if self.novelty >= _RATHER:
            return f"{doubt} {tr('Rather unlike what is labelled or listed above.')}"
        return f"{doubt} {tr('Much like an image that is labelled or listed above.')}"

    def to_dict(self) -> dict[str, Any]:
        """Return plain values for JSON."""
        return asdict(self)


def next_image_from_dict(values: Mapping[str, Any]) -> NextImage:
    """Return what :meth:`NextImage.to_dict` described.

    Raises:
        KeyError: Something is missing.
        ValueError: The kind is unknown, or a number is none.
        TypeError: Something is of another type.
    """
    kind = str(values["kind"])
    if kind not in _DOUBTS:
        raise ValueError(f"unknown kind {kind!r}")
    nearest = values["nearest"]
    return NextImage(
        int(values["image_id"]),
        float(values["uncertainty"]),
        kind,
        int(values["objects"]),
        tuple(map(str, values["names"])),
        tuple(map(float, values["scores"])),
        float(values["novelty"]),
        None if nearest is None else int(nearest),
    )


def spread(items: Sequence[T], most: int) -> list[T]:
    """Return at most ``most`` items, evenly spread over all of them."""
    if len(items) <= most:
        return list(items)
    return [items[number * len(items) // most] for number in range(most)]


def _unsure(image: NextImage) -> str:
    name, score = image.names[0], image.scores[0]
    return ntr(
        "Unsure of {count:,} object: {name} with {score:.0f} %.",
        "Unsure of {count:,} objects, most of all of {name} with {score:.0f} %.",
        image.objects,
    ).format(count=image.objects, name=name, score=100 * score)


def _torn(image: NextImage) -> str:
    (first, second), (one, other) = image.names, image.scores
    return tr("Torn between {first} with {one:.0f} % and {second} with {other:.0f} %.").format(
        first=first, one=100 * one, second=second, other=100 * other
    )


def _wavering(image: NextImage) -> str:
    return tr("{share:.0f} % of the pixels get another class when it is mirrored.").format(
        share=100 * image.scores[0]
    )


_DOUBTS = {
    "nothing": lambda _image: tr("The model finds nothing here."),
    "sure": lambda _image: tr("The model is sure of what it finds."),
    "unsure": _unsure,
    "torn": _torn,
    "wavering": _wavering,
}
