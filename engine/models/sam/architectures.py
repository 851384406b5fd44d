"""The networks by name, and which of them a state dict belongs to."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from torch import Tensor, nn

from engine.nn.modules.sam import Sam
from engine.nn.modules.sam_vit import ImageEncoderViT
from engine.nn.modules.tiny_vit import TinyViT
from engine.runtime.errors import ModelError


@dataclass(frozen=True)
class Architecture:
    """One network.

    Attributes:
        encoder: What makes its image encoder.
        options: What of.
        decoder: Options of `Sam` that are not the usual ones.
        tells: A tensor of its state dict and the shape that no other network has.
        about: For people who choose.
    """

    encoder: Callable[..., nn.Module]
    options: Mapping[str, Any]
    tells: tuple[str, tuple[int, ...]]
    about: str
    decoder: Mapping[str, Any] = field(default_factory=dict)


def _vit(dim: int, depth: int, heads: int, global_blocks: tuple[int, ...]) -> dict[str, Any]:
    return {"dim": dim, "depth": depth, "heads": heads, "global_blocks": global_blocks}


_POSITIONS = "image_encoder.pos_embed"
ARCHITECTURES: dict[str, Architecture] = {
    "mobile_sam": Architecture(
        TinyViT,
        {},
        ("image_encoder.patch_embed.seq.0.c.weight", (32, 3, 3, 3)),
        "MobileSAM: 10 million parameters, made for computers without a GPU",
    ),
    "sam_b": Architecture(
        ImageEncoderViT,
        _vit(768, 12, 12, (2, 5, 8, 11)),
        (_POSITIONS, (1, 64, 64, 768)),
        "SAM with ViT-B: 94 million parameters",
    ),
    "sam_l": Architecture(
        ImageEncoderViT,
        _vit(1024, 24, 16, (5, 11, 17, 23)),
        (_POSITIONS, (1, 64, 64, 1024)),
        "SAM with ViT-L: 312 million parameters",
    ),
    "sam_h": Architecture(
        ImageEncoderViT,
        _vit(1280, 32, 16, (7, 15, 23, 31)),
        (_POSITIONS, (1, 64, 64, 1280)),
        "SAM with ViT-H: 641 million parameters",
    ),
}


def build(name: str) -> Sam:
    """Return the network of a name with random weights; its state-dict names are those of the published files.

    Args:
        name: One of :data:`ARCHITECTURES`.

    Raises:
        ModelError: There is none of this name.
    """
    row = ARCHITECTURES.get(name)
    if row is None:
        raise ModelError(
            f"there is no promptable network {name!r}.",
            value=name,
            remedy=f"There are {', '.join(ARCHITECTURES)}.",
        )
    return Sam(row.encoder(**row.options), name=name, **row.decoder)


def recognise(state: Mapping[str, Tensor]) -> str | None:
    """Return the name of the network that a state dict belongs to; None where it is none of these."""
    for name, row in ARCHITECTURES.items():
        key, shape = row.tells
        if key in state and tuple(state[key].shape) == shape:
            return name
    return None
