"""What the smart tool and a promptable segmenter say to one another: clicks and boxes out, masks back, never a wait."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, auto
from typing import Protocol

from engine.data.annotations import Geometry, Mask, Point

Bounds = tuple[float, float, float, float]


@dataclass(frozen=True, slots=True)
class Prompts:
    """What a person has pointed at on one image, in image pixels.

    Attributes:
        added: Places inside the object.
        excluded: Places outside it.
        box: Around the object: x1, y1, x2, y2.
        base: An outline that is refined.
    """

    added: tuple[Point, ...] = ()
    excluded: tuple[Point, ...] = ()
    box: Bounds | None = None
    base: Geometry | None = None

    def __bool__(self) -> bool:
        return bool(self.added or self.excluded or self.box)

    def shares_with(self, other: Prompts) -> bool:
        """Tell whether these mean the same object as others: a click or the box is the same, and the outline."""
        same = {*self.added, *self.excluded} & {*other.added, *other.excluded}
        return self.base == other.base and (
            bool(same) or (self.box is not None and self.box == other.box)
        )


@dataclass(frozen=True, slots=True)
class Candidate:
    """One mask that may be meant, and how sure the model is of it, 0 to 1; None where it cannot tell."""

    mask: Mask
    score: float | None


@dataclass(frozen=True, slots=True)
class Answer:
    """The masks for some prompts, the best first; empty where nothing was found."""

    prompts: Prompts
    candidates: tuple[Candidate, ...] = ()


class Readiness(Enum):
    """Whether the segmenter can answer."""

    OFF = auto()  # nobody gave the scene one
    STARTING = auto()  # the model loads, or looks at the picture for the first time
    READY = auto()
    FAILED = auto()


class Prompter(Protocol):
    """Answers prompts about the picture on the canvas. Nothing here waits; whoever shows the scene hears of answers."""

    readiness: Readiness
    reason: str
    is_quick: bool

    @property
    def model(self) -> str:
        """What shapes keep of who outlined them."""
        ...

    def ask(self, prompts: Prompts) -> None:
        """Want an answer; a newer question takes the place of one that is still waiting."""
        ...

    def retry(self) -> None:
        """Begin again after a failure."""
        ...

    def answer(self) -> Answer | None:
        """Return the newest answer for this picture."""
        ...


class NoPrompter:
    """Stands where no segmenter is there."""

    readiness = Readiness.OFF
    reason = ""
    is_quick = False
    model = ""

    def ask(self, prompts: Prompts) -> None:
        """Forget the question."""

    def retry(self) -> None:
        """Do nothing."""

    def answer(self) -> Answer | None:
        """Return nothing."""
        return None
