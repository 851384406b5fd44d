"""SAM 2 and SAM 3 through their authors' packages, which people install themselves; pictures only.

Ravi et al., SAM 2: Segment Anything in Images and Videos, 2024.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import numpy as np
import torch

from engine.cfg.weights import find_weights
from engine.models.sam.frame import Frame
from engine.models.sam.prompts import Prompt
from engine.models.sam.segmenter import Candidates, Embedding
from engine.models.sam.weights import file_digest
from engine.runtime.device import select_device
from engine.runtime.errors import ModelError

# a letter or word in the file's name -> the package's name of the size
_SIZES = {"t": "t", "tiny": "t", "s": "s", "small": "s", "b": "b+", "base": "b+", "base_plus": "b+"}
_SIZES |= {"l": "l", "large": "l"}
_SAM2_NAME = re.compile(r"sam2(?P<version>\.1)?_(?:hiera_)?(?P<size>[a-z_]+)$")


class _PackageSegmenter:
    """What both have in common: a predictor that answers one prompt at a time in the picture's size."""

    shares = False  # what they keep of a picture is theirs, and not small
    judges = True
    identity: str
    about: str
    device: torch.device

    def embed(self, image: np.ndarray) -> Embedding:
        """Keep the picture, (H, W, 3) uint8 RGB, and look at it."""
        kept = Embedding({"picture": image}, (image.shape[0], image.shape[1]))
        self._look(kept)
        return kept

    def segment(
        self, embedding: Embedding, prompts: Sequence[Prompt], multimask: bool
    ) -> list[Candidates]:
        """Answer prompts, see `Segmenter.segment`; another picture than the last one is looked at again."""
        self._look(embedding)
        frame = Frame(embedding.size_hw, 0)
        found = []
        for prompt in prompts:
            given = {
                "point_coords": prompt.points if len(prompt.points) else None,
                "point_labels": prompt.labels if len(prompt.points) else None,
                "box": prompt.box,
                "mask_input": None if prompt.mask is None else self._rough(prompt.mask),
                "multimask_output": multimask,
                "return_logits": True,
            }
            with torch.inference_mode(), self._precision():
                logits, scores, _ = self._predict(given)
            found.append(
                Candidates(np.asarray(logits, np.float32), np.asarray(scores, np.float32), frame)
            )
        return found

    _seen: Embedding | None = None

    def _look(self, embedding: Embedding) -> None:
        if self._seen is not embedding:
            with torch.inference_mode(), self._precision():
                self._set_image(embedding.arrays["picture"])
            self._seen = embedding

    def _precision(self) -> Any:
        return torch.autocast("cuda", torch.bfloat16) if self.device.type == "cuda" else nullcontext()  # fmt: skip

    @staticmethod
    def _rough(mask: np.ndarray) -> np.ndarray:
        """Return logits of any size in the size that the packages take, (1, 256, 256)."""
        import cv2

        return cv2.resize(mask, (256, 256), interpolation=cv2.INTER_LINEAR)[None]

    def _set_image(self, picture: np.ndarray) -> None:
        raise NotImplementedError

    def _predict(self, given: dict[str, Any]) -> tuple[Any, Any, Any]:
        raise NotImplementedError


class Sam2Segmenter(_PackageSegmenter):
    """SAM 2 or 2.1: ``sam2.1_t.pt``, ``sam2.1_hiera_large.pt``, ..."""

    def __init__(self, weights: str | Path, device: object = None) -> None:
        """Build the package's predictor.

        Raises:
            MissingCheckpointError: The file is not here.
            ModelError: Its name does not say which size it is, or the package cannot load it.
        """
        from sam2.build_sam import build_sam2
        from sam2.sam2_image_predictor import SAM2ImagePredictor

        config = sam2_config(weights)
        path = find_weights(weights)
        self.device = select_device(device)
        try:
            model = build_sam2(config, str(path), device=str(self.device))
        except (RuntimeError, KeyError, OSError) as error:
            raise _refused("sam2", path, error) from error
        self._predictor = SAM2ImagePredictor(model)
        self.identity = f"sam2-{file_digest(path)}"
        self.about = f"SAM 2, {path.name}, on {self.device}"

    def _set_image(self, picture: np.ndarray) -> None:
        self._predictor.set_image(picture)

    def _predict(self, given: dict[str, Any]) -> tuple[Any, Any, Any]:
        return self._predictor.predict(**given)


class Sam3Segmenter(_PackageSegmenter):
    """SAM 3 by clicks and boxes."""

    def __init__(self, weights: str | Path, device: object = None) -> None:
        """Build the package's model.

        Raises:
            MissingCheckpointError: The file is not here.
            ModelError: The package cannot load it.
        """
        from sam3.model.sam3_image_processor import Sam3Processor
        from sam3.model_builder import build_sam3_image_model

        path = find_weights(weights)
        self.device = select_device(device)
        try:
            self._model = build_sam3_image_model(
                checkpoint_path=str(path),
                device=str(self.device),
                load_from_HF=False,
                enable_inst_interactivity=True,
            )
        except (RuntimeError, KeyError, OSError) as error:
            raise _refused("sam3", path, error) from error
        self._processor = Sam3Processor(self._model)
        self._state: Any = None
        self.identity = f"sam3-{file_digest(path)}"
        self.about = f"SAM 3, {path.name}, on {self.device}"

    def _set_image(self, picture: np.ndarray) -> None:
        from PIL import Image

        self._state = self._processor.set_image(Image.fromarray(picture))

    def _predict(self, given: dict[str, Any]) -> tuple[Any, Any, Any]:
        return self._model.predict_inst(self._state, **given)


def sam2_config(weights: str | Path) -> str:
    """Return the package's configuration for a file of weights, by its name.

    Raises:
        ModelError: The name does not say which size it is.
    """
    stem = Path(weights).stem.lower()
    found = _SAM2_NAME.match(stem)
    size = _SIZES.get(found["size"]) if found else None
    if found is None or size is None:
        raise ModelError(
            f"{Path(weights).name} does not say which SAM 2 it is.",
            value=str(weights),
            remedy="Name it as it was published: sam2.1_t.pt, sam2.1_hiera_base_plus.pt, ...",
        )
    version = found["version"] or ""
    return f"configs/sam2{version}/sam2{version}_hiera_{size}.yaml"


def _refused(package: str, path: Path, error: Exception) -> ModelError:
    reason = str(error).strip().partition("\n")[0][:200]
    return ModelError(
        f"the package {package} cannot load it ({reason}).",
        path=path,
        remedy="Download it again, or update the package.",
    )
