"""What every text encoder offers, and the checks that each applies to what goes in and comes out."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol, runtime_checkable

import torch
from torch import Tensor

from engine.runtime.errors import ModelError


@runtime_checkable
class TextEncoder(Protocol):
    """Turns phrases into vectors that open-vocabulary models compare with what they see.

    Attributes:
        name: What a person calls it, for messages.
    """

    name: str

    @property
    def dimension(self) -> int:
        """Length of its vectors."""

    def encode(self, phrases: Sequence[str]) -> Tensor:
        """Return one vector a phrase: (N, D) float32 on the CPU, each of length 1."""


@runtime_checkable
class IdentifiedEncoder(TextEncoder, Protocol):
    """A text encoder whose vectors may be kept on disk: it can tell which weights made them."""

    @property
    def identity(self) -> str:
        """Text that differs whenever the vectors may differ; fit for a file name."""


def check_phrases(phrases: Sequence[str]) -> list[str]:
    """Return the phrases as a list.

    Raises:
        ModelError: They are one text instead of several, or one of them is empty or no text.
    """
    if isinstance(phrases, str):
        raise ModelError(
            f"expected a list of phrases, received the text {phrases!r}.",
            value=phrases,
            remedy=f"Write [{phrases!r}].",
        )
    for number, phrase in enumerate(phrases):
        if not isinstance(phrase, str) or not phrase.strip():
            raise ModelError(
                f"expected phrases of at least one letter, received {phrase!r} as number {number}.",
                value=phrase,
            )
    return list(phrases)


def unit_rows(values: object, count: int, name: str) -> Tensor:
    """Return what a network made of ``count`` phrases as (N, D) float32 on the CPU, rows of length 1.

    Raises:
        ModelError: It is no such tensor, or a row has no direction (zeros, NaN or infinite).
    """
    if not isinstance(values, Tensor) or values.ndim != 2 or len(values) != count:
        shape = tuple(values.shape) if isinstance(values, Tensor) else f"a {type(values).__name__}"
        raise ModelError(
            f"the text encoder {name} returned {shape} for {count} phrases, "
            f"expected a tensor ({count}, D).",
            value=shape,
            remedy="Use a text encoder that maps tokens (N, 77) to vectors (N, D).",
        )
    rows = values.detach().to("cpu", torch.float32)
    lengths = rows.norm(dim=1, keepdim=True)
    if not bool(torch.isfinite(lengths).all()) or not bool((lengths > 0).all()):
        raise ModelError(
            f"the text encoder {name} returned vectors without a direction (zeros, NaN or infinite).",
            remedy="Its file may be damaged: fetch it again.",
        )
    return rows / lengths
