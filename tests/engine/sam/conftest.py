"""Networks with seeded weights, so that no large file has to travel."""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch

from engine.models.sam.architectures import ARCHITECTURES, Architecture, build
from engine.models.sam.embedding_cache import EmbeddingCache
from engine.nn.modules.tiny_vit import TinyViT
from engine.nn.safetensors_file import write_safetensors

# MobileSAM's network, but small
_TINY = Architecture(
    TinyViT,
    {
        "img_size": 256, "dims": (16, 24, 32, 48), "depths": (1, 1, 1, 1), "heads": (1, 2, 2, 3),
        "windows": (7, 7, 7, 7), "strides": (2, 1, 1), "out": 64,
    },
    ("image_encoder.patch_embed.seq.0.c.weight", (8, 3, 3, 3)),
    "for tests",
    {"dim": 64, "heads": 4, "hidden": 128},
)  # fmt: skip


@pytest.fixture(scope="session", autouse=True)
def tiny_architecture() -> Iterator[None]:
    """Let files of the small configuration be recognised."""
    ARCHITECTURES["tiny_sam"] = _TINY
    yield
    del ARCHITECTURES["tiny_sam"]


def seeded(state: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """Return the same numbers on every machine: each tensor is drawn from its name."""
    out = {}
    for key, value in state.items():
        draw = torch.Generator().manual_seed(zlib.crc32(key.encode()))
        noise = torch.randn(value.shape, generator=draw)
        if not value.is_floating_point():
            out[key] = value.clone()
        elif key.endswith("running_var"):
            out[key] = 1 + 0.1 * noise.abs()
        elif value.ndim == 1:
            out[key] = float(key.endswith("weight")) + 0.1 * noise
        else:
            out[key] = noise / max(value[0].numel(), 1) ** 0.5
    return out


@pytest.fixture(scope="session")
def small_weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file of the small configuration with seeded weights."""
    path = tmp_path_factory.mktemp("sam") / "seeded.safetensors"
    state = seeded(build("tiny_sam").state_dict())
    state["mask_decoder.iou_prediction_head.layers.2.bias"] += 0.5  # scores within 0..1
    return write_safetensors(path, state)


@pytest.fixture
def memory_only() -> EmbeddingCache:
    return EmbeddingCache(disk_bytes=0)


@pytest.fixture(scope="session")
def discs() -> np.ndarray:
    """A picture, 96 x 128 RGB, of two discs on a smooth ground."""
    y, x = np.mgrid[0:96, 0:128]
    picture = np.stack((40 + x // 4, 60 + y // 4, np.full_like(x, 70)), -1).astype(np.uint8)
    picture[(x - 40) ** 2 + (y - 48) ** 2 < 20**2] = (220, 60, 50)
    picture[(x - 95) ** 2 + (y - 40) ** 2 < 14**2] = (40, 200, 220)
    return picture


def disc(x: int, y: int, radius: int) -> np.ndarray:
    rows, columns = np.mgrid[0:96, 0:128]
    return (columns - x) ** 2 + (rows - y) ** 2 < radius**2
