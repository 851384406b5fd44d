"""A small text encoder with the interface of the published ones: tokens (N, 77) to vectors (N, 512).

Its vocabulary is hashed, so that a file of it stays under a megabyte. The one that is shipped knows the words
of the generated sample (`benchmarks/make_text_encoder.py` trains it); it is no encoder for photographs.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

# CLIP's marks around a phrase
START, END = 49406, 49407
# Two hashes that rarely agree (Svenstrup et al. 2017, Hash Embeddings for Efficient Word Representations)
BUCKETS = (1021, 1019)


class SmallTextEncoder(nn.Module):
    """Looks tokens up in two hashed tables, lets them see one another once, and averages them.

    Attributes:
        tables: One embedding a hash.
        attention: What one token takes from the others.
    """

    def __init__(self, width: int = 48, dimension: int = 512) -> None:
        """Make the encoder.

        Args:
            width: Length of a token's vector.
            dimension: Length of a phrase's vector.
        """
        super().__init__()
        self.first = nn.Embedding(BUCKETS[0], width)
        self.second = nn.Embedding(BUCKETS[1], width)
        self.place = nn.Parameter(torch.zeros(77, width))
        self.qkv = nn.Linear(width, 3 * width)
        self.norm = nn.LayerNorm(width)
        self.out = nn.Sequential(
            nn.LayerNorm(width),
            nn.Linear(width, 3 * width),
            nn.GELU(),
            nn.Linear(3 * width, dimension),
        )

    def forward(self, tokens: Tensor) -> Tensor:
        """Encode phrases.

        Args:
            tokens: (N, L) int64 as CLIP splits text, with start and end marks, then zeros.

        Returns:
            (N, dimension), of any length.
        """
        end = (tokens == 49407).int().argmax(1)
        inside = torch.arange(tokens.shape[1], device=tokens.device)[None] < end[:, None]
        inside = inside & (tokens != 49406)
        x = self.first(tokens % 1021) + self.second(tokens * 7919 % 1019)
        x = x + self.place[: tokens.shape[1]]
        q, k, v = self.qkv(self.norm(x)).chunk(3, -1)
        logits = q @ k.transpose(1, 2) / float(q.shape[-1]) ** 0.5
        seen = logits.masked_fill(~inside[:, None], -1e4).softmax(-1)
        x = (x + seen @ v) * inside[..., None]
        mean = x.sum(1) / inside.sum(1, keepdim=True).clamp(min=1)
        return self.out(mean)
