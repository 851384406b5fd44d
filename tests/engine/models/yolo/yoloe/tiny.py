"""Tiny open-vocabulary networks, data and a text encoder, so that a training takes a second."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
import yaml
from torch import Tensor


class WordSums:
    """A text encoder whose phrases are sums of fixed random vectors of their words; it remembers what it was asked."""

    name, dimension = "word sums", 512

    def __init__(self) -> None:
        self.asked: list[str] = []

    def encode(self, phrases: Sequence[str]) -> Tensor:
        self.asked += phrases
        rows = [sum((_vector(word) for word in p.split()), torch.zeros(512)) for p in phrases]
        return torch.nn.functional.normalize(torch.stack(rows), dim=-1)


def _vector(word: str) -> Tensor:
    seed = int(hashlib.md5(word.encode()).hexdigest()[:8], 16)
    return torch.randn(512, generator=torch.Generator().manual_seed(seed))


def write_description(folder: Path, head: str) -> Path:
    """Write the description of a network of five small convolutions under a head."""
    small = [[-1, 1, "Conv", [width, 3, 2]] for width in (8, 16, 16, 16, 16)]
    own = ["nc", 8, 16, 512, True] if "Segment" in head else ["nc", 512, True]
    values: dict[str, Any] = {"nc": 80, "backbone": small, "head": [[[2, 3, 4], 1, head, own]]}
    if head.endswith("26"):
        values |= {"end2end": True, "reg_max": 1}
    path = folder / f"{head}.yaml"
    path.write_text(yaml.safe_dump(values))
    return path
