"""From prompts to the arrays that a network's decoder takes, and from what it gives to candidates.

PyTorch and ONNX Runtime differ only in who computes in between.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from engine.models.sam.frame import Frame
from engine.models.sam.prompts import Prompt, as_tokens, group_alike
from engine.models.sam.segmenter import Candidates, Embedding
from engine.runtime.errors import ConfigError

# Prompts decoded at a time: each takes about 20 MB at 1024 pixels
BATCH = 32
# (embedding, points (B, N, 2), labels (B, N), masks (B, 1, h, w) or None) to logits (B, 4, h, w), scores (B, 4)
Decode = Callable[
    [Embedding, np.ndarray, np.ndarray, np.ndarray | None], tuple[np.ndarray, np.ndarray]
]


def answer(
    decode: Decode,
    side: int,
    mask_side: int,
    embedding: Embedding,
    prompts: Sequence[Prompt],
    multimask: bool,
) -> list[Candidates]:
    """Answer prompts, those of one shape together.

    Args:
        decode: Computes.
        side: Side of the network's input in pixels.
        mask_side: Side of its rough masks in cells.
        embedding: Of the picture.
        prompts: What to find.
        multimask: Return the three candidates for ambiguous prompts instead of the one for clear ones.

    Raises:
        ConfigError: A rough mask is of another size.
    """
    frame = Frame(embedding.size_hw, side)
    found: dict[int, Candidates] = {}
    for numbers in group_alike(prompts, BATCH):
        group = [prompts[n] for n in numbers]
        tokens = [as_tokens(prompt) for prompt in group]
        points = frame.to_square(np.stack([points for points, _ in tokens])).astype(np.float32)
        labels = np.stack([labels for _, labels in tokens]).astype(np.int64)
        logits, scores = decode(embedding, points, labels, _masks(group, mask_side))
        part = slice(1, None) if multimask else slice(0, 1)
        for row, number in enumerate(numbers):
            found[number] = Candidates(logits[row, part], scores[row, part], frame)
    return [found[n] for n in range(len(prompts))]


def _masks(prompts: Sequence[Prompt], side: int) -> np.ndarray | None:
    if prompts[0].mask is None:
        return None
    masks = [prompt.mask for prompt in prompts if prompt.mask is not None]
    for mask in masks:
        if mask.shape != (side, side):
            raise ConfigError(
                f"expected a rough mask of {side} x {side} logits, received {mask.shape}.",
                remedy="Give low_res of a prediction with the same model.",
            )
    return np.stack(masks)[:, None].astype(np.float32)
