"""Linear probing: a YOLOE model becomes a plain one whose last class layers alone learn."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import torch
from torch import nn

from engine.models.yolo.yoloe.words import (
    Encoder,
    check_probable,
    class_texts,
    encoder_for,
    keep_text_model,
)
from engine.nn.checkpoint import load_checkpoint

if TYPE_CHECKING:
    from engine.models.yolo.detect.train import DetectionTrainer as Base
else:
    Base = object


class LinearProbe(Base):
    """What the linear probing of boxes and that of masks share.

    Attributes:
        text_encoder: What turns the class names into embeddings; None for the one that the model names.
    """

    is_probe: ClassVar[bool] = True
    text_encoder: Encoder = None

    def __init__(self, *given: Any, **named: Any) -> None:
        """Take the arguments of a training; the run remembers that it is a probe, also where only the class says it."""
        super().__init__(*given, **named)
        self.args.linear_probe = True

    def get_model(self, cfg: Any = None, weights: Any = None, verbose: bool = True) -> nn.Module:
        """Build the network with trained weights, the class names as words folded into it.

        On several devices the first process does so, and hands its weights to the others.

        Args:
            cfg: Name, path or content of a model description; None takes the default model's.
            weights: Model or checkpoint of a YOLOE model; a path is read.
            verbose: Log the layers.

        Raises:
            MissingCheckpointError: The text encoder's file is not there.
            ModelError: There are no weights, or they cannot be adapted.
        """
        weights = load_checkpoint(weights) if isinstance(weights, str | Path) else weights
        if self.resumed is None and self.team.is_main:
            check_probable(weights)
        model: Any = super().get_model(cfg, weights, verbose)
        if self.resumed is not None:
            model.take_form(self.resumed.model.state_dict())
            return model
        names = self.data["names"]
        keep_text_model(model, weights)
        model.head.fold(self._embeddings(model))
        model.head.savpe = None
        model.names = dict(names)
        return model.train()

    def trained_parts(self) -> tuple[str, ...]:
        """Only the last convolutions of the class branches learn, those of the one-to-one side too."""
        return last_layers(self.model.head)

    def _embeddings(self, model: Any) -> torch.Tensor:
        """Return those of the class names (1, nc, embed); blank ones where other weights will come."""
        texts = class_texts(self.data["names"])
        if not self.team.is_main:
            return torch.zeros(1, len(texts), model.head.embed)
        found: torch.Tensor = model.get_text_pe(texts, encoder_for(model, self.text_encoder))
        return found


def last_layers(head: Any) -> tuple[str, ...]:
    """Return how the names of a head's parameters begin that a linear probe trains."""
    return tuple(
        f"model.{head.i}.{name}.{level}.{len(branch) - 1}."
        for name in ("cv3", "one2one_cv3")
        for level, branch in enumerate(getattr(head, name, None) or ())
    )
