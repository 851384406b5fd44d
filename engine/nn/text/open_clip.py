"""Text encoders of the open_clip package, with published weights or a file of weights."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from engine.nn.text.encoder import check_phrases, unit_rows
from engine.nn.text.tokens import import_open_clip
from engine.nn.text.torchscript import BATCH, file_checksum
from engine.runtime.errors import ModelError


class OpenClipEncoder:
    """Runs the text part of an open_clip model, which is built when the first phrase comes.

    Attributes:
        architecture: open_clip's name of the model, such as ``MobileCLIP-B``.
        weights: open_clip's name of published weights, such as ``datacompdr_lt``, or the path of a file.
        name: Both, as given to the registry.
        device: Where it runs.
    """

    def __init__(self, architecture: str, weights: str, device: str | torch.device = "cpu") -> None:
        self.architecture = architecture
        self.weights = weights
        self.name = f"open_clip:{architecture}/{weights}"
        self.device = torch.device(device)

    @cached_property
    def identity(self) -> str:
        """The model with the name of its published weights, or with the checksum of its file."""
        path = Path(self.weights)
        weights = file_checksum(path) if path.is_file() else self.weights
        return f"open_clip-{self.architecture}-{weights}"

    @cached_property
    def dimension(self) -> int:
        """Length of its vectors."""
        return self.encode(["object"]).shape[1]

    @torch.no_grad()
    def encode(self, phrases: Sequence[str]) -> Tensor:
        """Return one unit vector a phrase, (N, D) float32 on the CPU.

        Raises:
            ModelError: open_clip is missing, knows no such model or weights, or cannot get them.
        """
        phrases = check_phrases(phrases)
        if not phrases:
            return torch.zeros(0, self.dimension)
        tokens = self._tokenizer(phrases)
        parts = [self._model.encode_text(part.to(self.device)) for part in tokens.split(BATCH)]
        return unit_rows(torch.cat(parts), len(phrases), self.name)

    @cached_property
    def _tokenizer(self) -> Any:
        self._check_names()
        return import_open_clip().get_tokenizer(self.architecture)

    @cached_property
    def _model(self) -> Any:
        try:
            model = import_open_clip().create_model(
                self.architecture, pretrained=self.weights, device=self.device
            )
        except OPEN_CLIP_ERRORS as error:
            raise open_clip_refusal(self.architecture, self.weights, error) from error
        model.visual = None  # the larger half, which no phrase needs
        return model.eval()

    def _check_names(self) -> None:
        package = import_open_clip()
        models = package.list_models()
        if self.architecture not in models:
            raise ModelError(
                f"open_clip has no model {self.architecture!r}.",
                value=self.architecture,
                remedy=f"It has {', '.join(m for m in models if 'Mobile' in m)} and others.",
            )
        published = package.list_pretrained_tags_by_model(self.architecture)
        if self.weights not in published and not Path(self.weights).is_file():
            raise ModelError(
                f"open_clip has no weights {self.weights!r} for {self.architecture}, "
                "and there is no such file.",
                value=self.weights,
                remedy=f"It has {', '.join(published) or 'none: name a file'}.",
            )


# What open_clip raises where weights are missing, damaged or of something else
OPEN_CLIP_ERRORS = (OSError, RuntimeError, ValueError)


def open_clip_refusal(architecture: str, weights: str, error: Exception) -> ModelError:
    """Return what people are told of weights that open_clip cannot load."""
    reason = str(error).strip().partition("\n")[0]
    return ModelError(
        f"open_clip cannot load {weights!r} for {architecture} ({reason}).",
        value=f"open_clip:{architecture}/{weights}",
        remedy="Fetch the weights on a machine with a connection and name the file: "
        f"open_clip:{architecture}/PATH.",
    )
