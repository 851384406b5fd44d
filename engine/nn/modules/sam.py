"""A promptable segmenter: image encoder, prompt encoder and mask decoder in one module."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from engine.nn.modules.sam_decoder import MaskDecoder, Prepared
from engine.nn.modules.sam_prompts import PromptEncoder
from engine.nn.modules.tiny_vit import ConvBN

# What the published models were trained with, RGB 0..255
MEAN = (123.675, 116.28, 103.53)
STD = (58.395, 57.12, 57.375)


class Sam(nn.Module):
    """The three parts, under the names of the published weights.

    Attributes:
        name: What it was built as.
        img_size: Side of the encoder's square input in pixels.
    """

    def __init__(
        self,
        image_encoder: nn.Module,
        dim: int = 256,
        heads: int = 8,
        hidden: int = 2048,
        name: str = "",
    ) -> None:
        """Put the parts together.

        Args:
            image_encoder: Makes (1, dim, h, w) of (1, 3, S, S); says ``img_size`` and ``stride``.
            dim: Channels of the embedding.
            heads: Heads of the decoder.
            hidden: Width of the decoder's inner layers.
            name: What it is called.
        """
        super().__init__()
        encoder: Any = image_encoder
        self.name, self.img_size = name, int(encoder.img_size)
        self.image_encoder = image_encoder
        self.prompt_encoder = PromptEncoder(dim, self.img_size // encoder.stride, self.img_size)
        self.mask_decoder = MaskDecoder(dim, heads, hidden)
        self.register_buffer("pixel_mean", torch.tensor(MEAN).view(1, 3, 1, 1), persistent=False)
        self.register_buffer("pixel_std", torch.tensor(STD).view(1, 3, 1, 1), persistent=False)
        self.pixel_mean: Tensor
        self.pixel_std: Tensor

    def encode(self, image: Tensor) -> Tensor:
        """Return the embedding of an image (1, 3, h, w), RGB 0..255, whose longer side is ``img_size``.

        The rest of the square, at the right or the bottom, is filled with zeros after normalisation.
        """
        x = (image - self.pixel_mean) / self.pixel_std
        missing = (0, self.img_size - x.shape[-1], 0, self.img_size - x.shape[-2])
        x = nn.functional.pad(x, missing)
        return self.image_encoder(x)

    def decode(
        self, embedding: Tensor, points: Tensor, labels: Tensor, masks: Tensor | None = None
    ) -> tuple[Tensor, Tensor]:
        """Return four masks a prompt and what their IoU should be.

        Args:
            embedding: Of one image, (1, dim, h, w).
            points: (B, N, 2) in pixels of the encoder's input, a box as its two corners.
            labels: (B, N), see `PromptEncoder.sparse`.
            masks: Rough masks (B, 1, 4 * h, 4 * w), logits.

        Returns:
            Logits (B, 4, 4 * h, 4 * w) and scores (B, 4); the first is for clear prompts, the others for
            ambiguous ones.
        """
        prompts = self.prompt_encoder
        dense = prompts.no_mask() if masks is None else prompts.dense(masks)
        sparse = prompts.sparse(points, labels)
        return self.mask_decoder(embedding, prompts.positions(), sparse, dense)

    def prepare(self, embedding: Tensor) -> Prepared:
        """Return what of decoding depends on the image (1, dim, h, w) alone, for `answer`."""
        prompts = self.prompt_encoder
        return self.mask_decoder.prepare(embedding, prompts.positions(), prompts.no_mask())

    def answer(self, known: Prepared, points: Tensor, labels: Tensor) -> tuple[Tensor, Tensor]:
        """Decode as `decode` does, without rough masks and without doing again what `prepare` did."""
        return self.mask_decoder.answer(known, self.prompt_encoder.sparse(points, labels))

    def fold(self) -> None:
        """Fold the batch normalisations into their convolutions: faster, for inference only."""
        for module in self.modules():
            if isinstance(module, ConvBN):
                module.fold()
