"""What turns pictures, and where it knows words phrases, into vectors of one space.

A model file of this program: the mean answers of its last layer before the head. ``open_clip:ARCHITECTURE/WEIGHTS``:
both halves of a CLIP model, whose vectors of pictures and of phrases can be compared (Radford et al., Learning
Transferable Visual Models From Natural Language Supervision, 2021).
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import torch

from engine.cfg.weights import full_name
from engine.core.model import Model
from engine.data.loaders import load_source
from engine.explorer.nearness import unit
from engine.models.yolo.model import YOLO
from engine.nn.text.open_clip import OPEN_CLIP_ERRORS, OpenClipEncoder, open_clip_refusal
from engine.nn.text.registry import open_encoder
from engine.nn.text.tokens import import_open_clip
from engine.nn.text.torchscript import file_checksum
from engine.runtime.device import select_device
from engine.runtime.errors import ModelError

CLIP = "open_clip:"
BATCH = 16


class Embedder(Protocol):
    """Turns pictures into vectors."""

    @property
    def identity(self) -> str:
        """Text that differs whenever the vectors may differ; fit for a file name."""

    def images(self, source: Any) -> np.ndarray:
        """Return a vector of length 1 for each picture of a source, (N, D) float32."""

    def phrases(self, phrases: Sequence[str]) -> np.ndarray:
        """Return a vector of length 1 for each phrase, (N, D) float32.

        Raises:
            ModelError: This model knows no words.
        """


def open_embedder(
    model: str | Path | Model, imgsz: int | None = None, device: Any = None
) -> Embedder:
    """Return what makes vectors with a model.

    Args:
        model: A model file, a loaded model, or ``open_clip:ARCHITECTURE/WEIGHTS``.
        imgsz: Side that pictures are fitted into; None takes what the model was made for.
        device: Where it runs.
    """
    if isinstance(model, str) and model.startswith(CLIP):
        return ClipEmbedder(model, device)
    return ModelEmbedder(model, imgsz, device)


class ModelEmbedder:
    """Vectors by a model of this program."""

    def __init__(
        self, model: str | Path | Model, imgsz: int | None = None, device: Any = None
    ) -> None:
        self._given = model
        self._arguments: dict[str, Any] = {"rect": False, "verbose": False, "batch": BATCH}
        if imgsz is not None:
            self._arguments["imgsz"] = imgsz
        if device is not None:
            self._arguments["device"] = device

    @cached_property
    def model(self) -> Model:
        """The model, loaded when it is first needed."""
        return self._given if isinstance(self._given, Model) else YOLO(self._given)

    @cached_property
    def identity(self) -> str:
        """Checksum of the file, or of the weights of a loaded model, with the size of the pictures."""
        size = self._arguments.get("imgsz", "own")
        if not isinstance(self._given, Model) and (path := Path(full_name(self._given))).is_file():
            return f"{path.stem}-{file_checksum(path)}-{size}"
        if self.model.ckpt_path is not None and not isinstance(self._given, Model):
            path = Path(self.model.ckpt_path)
            return f"{path.stem}-{file_checksum(path)}-{size}"
        return f"{self.model.task}-{_weights_checksum(self.model.model)}-{size}"

    def images(self, source: Any) -> np.ndarray:
        """Return a vector of length 1 for each picture of a source, (N, D) float32."""
        found = self.model.embed(source, stream=True, **self._arguments)
        vectors = [np.asarray(v.detach().float().cpu()).reshape(-1) for v in found]
        return unit(np.stack(vectors)) if vectors else np.zeros((0, 0), dtype=np.float32)

    def phrases(self, phrases: Sequence[str]) -> np.ndarray:
        """Refuse: a detector's vectors mean nothing beside those of words.

        Raises:
            ModelError: Always.
        """
        raise ModelError(
            f"{Path(str(self._given)).name} knows no words, so pictures cannot be asked for by text.",
            value=list(phrases),
            remedy="Make the Explorer with a model for both, such as "
            "model='open_clip:ViT-B-32/laion2b_s34b_b79k'.",
        )


class ClipEmbedder:
    """Vectors by a model of the open_clip package."""

    def __init__(self, name: str, device: Any = None) -> None:
        self.name = name
        self.architecture, _, self.weights = name.removeprefix(CLIP).partition("/")
        self.device = select_device(device)
        if not self.weights:
            raise ModelError(
                f"expected open_clip:ARCHITECTURE/WEIGHTS, received {name!r}.",
                value=name,
                remedy="Such as open_clip:ViT-B-32/laion2b_s34b_b79k.",
            )

    @cached_property
    def identity(self) -> str:
        """The model with the name of its published weights, or with the checksum of its file."""
        return OpenClipEncoder(self.architecture, self.weights).identity

    @torch.no_grad()
    def images(self, source: Any) -> np.ndarray:
        """Return a vector of length 1 for each picture of a source, (N, D) float32."""
        from PIL import Image

        model, prepare = self._visual
        found = []
        for _, pictures, _ in load_source(source, BATCH):
            rgb = [Image.fromarray(np.ascontiguousarray(p[..., ::-1])) for p in pictures]
            batch = torch.stack([prepare(picture) for picture in rgb]).to(self.device)
            found.append(model.encode_image(batch).float().cpu().numpy())
        return unit(np.concatenate(found)) if found else np.zeros((0, 0), dtype=np.float32)

    def phrases(self, phrases: Sequence[str]) -> np.ndarray:
        """Return a vector of length 1 for each phrase, (N, D) float32."""
        encoder = open_encoder(self.name, str(self.device))
        return np.asarray(encoder.encode(phrases), dtype=np.float32)

    @cached_property
    def _visual(self) -> tuple[Any, Any]:
        """Return the half that sees, and what makes its input of a picture."""
        try:
            model, _, prepare = import_open_clip().create_model_and_transforms(
                self.architecture, pretrained=self.weights, device=self.device
            )
        except OPEN_CLIP_ERRORS as error:
            raise open_clip_refusal(self.architecture, self.weights, error) from error
        return model.eval(), prepare


def _weights_checksum(network: torch.nn.Module) -> str:
    """Return what differs whenever the weights of a network do."""
    digest = hashlib.sha256()
    for name, value in network.state_dict().items():
        digest.update(name.encode())
        digest.update(value.detach().cpu().flatten().contiguous().view(torch.uint8).numpy())
    return digest.hexdigest()[:32]
