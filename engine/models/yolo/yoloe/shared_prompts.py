"""Which visual prompts of a batch each of its images is asked about. Pure functions."""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor


def shared_prompts(texts: Sequence[Sequence[str]], width: int, most: int) -> tuple[Tensor, Tensor]:
    """Choose for each image its own prompts first, then those of other images for classes it does not show.

    Args:
        texts: What each image shows, one text a prompt.
        width: Prompts that the table of embeddings has for each image (M), the last ones unused.
        most: Prompts of an image at most, its own not counted out.

    Returns:
        (B, N) int64 places in the flat table (B * M), and (B, N) bool where there is no prompt.
    """
    chosen = [_of_image(texts, image, width, most) for image in range(len(texts))]
    count = max(1, *(len(places) for places in chosen))
    places = torch.zeros(len(texts), count, dtype=torch.int64)
    missing = torch.ones(len(texts), count, dtype=torch.bool)
    for row, absent, own in zip(places, missing, chosen, strict=True):
        row[: len(own)] = torch.tensor(own, dtype=torch.int64)
        absent[: len(own)] = False
    return places, missing


def fitted(visuals: Tensor, size: Sequence[int]) -> Tensor:
    """Return masks (B, M, h, w) of another size, for inputs that were scaled after they were drawn."""
    if tuple(visuals.shape[2:]) == tuple(size):
        return visuals
    return F.adaptive_max_pool2d(visuals, tuple(size))


def _of_image(texts: Sequence[Sequence[str]], image: int, width: int, most: int) -> list[int]:
    """Return the places of one image's prompts; other images are looked at from the next one on."""
    own = texts[image]
    places = [image * width + number for number in range(len(own))]
    known = set(own)
    for step in range(1, len(texts)):
        other = (image + step) % len(texts)
        for number, text in enumerate(texts[other]):
            if len(places) >= most:
                return places
            if text not in known:
                known.add(text)
                places.append(other * width + number)
    return places
