"""What every back end does: look at a picture once, slowly; answer prompts, fast."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from engine.models.sam.frame import Frame
from engine.models.sam.prompts import Prompt
from engine.ops.mask_windows import MaskWindow

# Logits of a mask count as inside from here on
THRESHOLD = 0.0


@dataclass(frozen=True)
class Embedding:
    """What a back end keeps of a picture.

    Attributes:
        arrays: By name, as the back end needs them.
        size_hw: (height, width) of the picture.
    """

    arrays: dict[str, np.ndarray]
    size_hw: tuple[int, int]

    @property
    def nbytes(self) -> int:
        """Bytes in memory."""
        return sum(array.nbytes for array in self.arrays.values())


@dataclass(frozen=True)
class Candidates:
    """The masks that answer one prompt.

    Attributes:
        low_res: (C, h, w) float32 logits, as a rough mask for the next prediction.
        scores: (C,) float32, how good each is thought to be: its IoU with the truth.
        frame: How they lie in the picture.
    """

    low_res: np.ndarray
    scores: np.ndarray
    frame: Frame

    def __len__(self) -> int:
        return len(self.scores)

    @property
    def best(self) -> int:
        """Number of the one with the highest score."""
        return int(self.scores.argmax())

    def logits(self, number: int) -> np.ndarray:
        """Return one in the picture's size, (H, W) float32."""
        return self.frame.enlarge(self.low_res[number])

    def mask(self, number: int) -> np.ndarray:
        """Return one in the picture's size, (H, W) bool."""
        return self.window(number).whole(self.frame.size_hw)

    def window(self, number: int) -> MaskWindow:
        """Return the part of one where anything is; quick for small objects of large pictures."""
        return self.frame.cut(self.low_res[number], THRESHOLD)


class Segmenter(Protocol):
    """A back end.

    Attributes:
        identity: Tells its embeddings from those of other back ends, weights and versions.
        about: What it is, one sentence for people.
        shares: Whether embeddings are worth keeping on disk. They stand for themselves then: one thread may ask about
            a picture while another looks at the next.
        judges: Whether it knows how good its masks are; else scores only give an order.
    """

    identity: str
    about: str
    shares: bool
    judges: bool

    def embed(self, image: np.ndarray) -> Embedding:
        """Look at a picture, (H, W, 3) uint8 RGB."""
        ...

    def segment(
        self, embedding: Embedding, prompts: Sequence[Prompt], multimask: bool
    ) -> list[Candidates]:
        """Answer prompts about a picture, each on its own.

        Args:
            embedding: From `embed`.
            prompts: What to find.
            multimask: Give several candidates for a prompt that may mean several things.
        """
        ...
