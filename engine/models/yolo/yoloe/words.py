"""What the trainers and validators of YOLOE ask of phrases and of the weights that they start from."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from engine.data.phrases import synonyms
from engine.nn.checkpoint import Checkpoint
from engine.nn.open_vocabulary import YOLOEModel
from engine.nn.text.encoder import TextEncoder
from engine.nn.text.registry import open_encoder
from engine.runtime.errors import ModelError

Encoder = TextEncoder | str | Path | None


def encoder_for(network: YOLOEModel, chosen: Encoder) -> TextEncoder:
    """Return a text encoder: the chosen one, else the one that the network was trained with.

    Raises:
        MissingCheckpointError: Its file is not there.
        ModelError: No encoder has such a name.
    """
    wanted = chosen or network.text_model
    return open_encoder(wanted) if isinstance(wanted, str | Path) else wanted


def class_texts(names: Mapping[int, str]) -> list[str]:
    """Return the text that stands for each class of a data set where one must: the first of its synonyms."""
    return [synonyms(name)[0] for name in names.values()]


def check_free(weights: Any) -> None:
    """Refuse weights of YOLOE that have their classes inside.

    Args:
        weights: A checkpoint, a model, a state dict or None.

    Raises:
        ModelError: They do.
    """
    model = weights.model if isinstance(weights, Checkpoint) else weights
    if isinstance(model, YOLOEModel) and not model.head.takes_embeddings:
        raise ModelError(
            "the classes of these weights are fixed inside: they were fused, adapted by linear probing, or "
            "are prompt-free.",
            path=weights.path if isinstance(weights, Checkpoint) else None,
            remedy="Start from the file whose classes are still free.",
        )


def check_probable(weights: Any) -> None:
    """Refuse weights that linear probing or visual prompts cannot start from: none, or those of other models.

    Raises:
        ModelError: They are.
    """
    if weights is None:
        raise ModelError(
            "this training adapts a trained YOLOE model, but there are no weights to start from.",
            remedy="Name a file of weights, such as model=yoloe-11s-seg.pt.",
        )
    check_free(weights)
    model = weights.model if isinstance(weights, Checkpoint) else weights
    if not isinstance(model, YOLOEModel):
        raise ModelError(
            f"this training adapts a trained YOLOE model, received weights of a {type(model).__name__}.",
            remedy="Name a file of YOLOE weights, such as model=yoloe-11s-seg.pt.",
        )


def keep_text_model(model: Any, weights: Any) -> None:
    """Let a network name the text encoder that its weights were trained with."""
    source = weights.model if isinstance(weights, Checkpoint) else weights
    name = source.yaml.get("text_model") if isinstance(source, YOLOEModel) else None
    if name is not None:
        model.yaml["text_model"] = name
