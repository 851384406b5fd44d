"""Prediction of what examples in a picture look like: YOLOE's visual prompts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from copy import deepcopy
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from engine.core.given import Given
from engine.core.input_size import input_size
from engine.data.loaders import load_source
from engine.data.transforms.letterbox import LetterBox
from engine.models.yolo.detect.predict import DetectionPredictor
from engine.models.yolo.segment.predict import SegmentationPredictor
from engine.models.yolo.yoloe.prompts import REMEDY, Examples, VisualPrompts, parse_prompts
from engine.nn.backends.backend import final_tensors
from engine.nn.checkpoint import SUFFIXES, load_checkpoint
from engine.nn.open_vocabulary import YOLOEModel
from engine.runtime.errors import ConfigError, ModelError


class YOLOEVPDetectPredictor(DetectionPredictor):
    """Finds boxes of things that look like the examples shown in the same pictures.

    Wang et al., YOLOE: Real-Time Seeing Anything, 2025 (SAVPE).

    Attributes:
        prompts: The examples.

    Examples:
        >>> predictor = YOLOEVPDetectPredictor(overrides={"model": "yoloe-11s.pt"})
        >>> predictor.set_prompts({"bboxes": [[20, 30, 90, 200]], "cls": [0]})
        >>> results = predictor(source="shelf.jpg")
    """

    def __init__(
        self,
        cfg: Given = None,
        overrides: Mapping[str, Any] | None = None,
        _callbacks: Mapping[str, Any] | None = None,
        prompts: Any = None,
    ) -> None:
        super().__init__(cfg, overrides, _callbacks)
        self.prompts: VisualPrompts | None = None
        if prompts is not None:
            self.set_prompts(prompts)

    def set_prompts(self, prompts: Any) -> None:
        """Take the examples of the next prediction.

        Args:
            prompts: ``dict(bboxes=, cls=)``: corners (N, 4) in the pictures' pixels and N class numbers for
                every picture, or lists of both with an entry a picture; ``masks=`` (N, H, W) instead of
                ``bboxes=``.

        Raises:
            ConfigError: They are something else.
        """
        self.prompts = parse_prompts(prompts)
        if self.model is not None:
            self._name_classes()

    def setup_model(self, model: Any = None) -> None:
        """Open the network; classes that it was given before do not count here.

        Raises:
            ConfigError: None was named.
            ModelError: It takes no visual prompts: an exported file, another family, or its classes are in
                its weights.
        """
        source = model if model is not None else self.args.model
        super().setup_model(source if source is None else promptable(source))
        if self.prompts is not None:
            self._name_classes()

    def inference(self, images: Tensor) -> Any:
        """Run the network with the examples of these pictures."""
        _, originals, _, infos = self.batch
        examples = [self._given_prompts().of_picture(info.number - 1) for info in infos]
        masks = self._masks(images, examples, originals)
        images = images.contiguous(memory_format=torch.channels_last)
        final = final_tensors(self.model.backend.model(images, vpe=masks))
        for output, example in zip(final[0], examples, strict=True):
            self._silence(output, set(range(masks.shape[1])) - set(example.classes.tolist()))
        return final

    @torch.no_grad()
    def get_vpe(self, source: Any) -> Tensor:
        """Return the embeddings of what the examples show in reference pictures.

        Args:
            source: A picture, or several: a class is then the mean of what it looks like in each.

        Returns:
            (1, N, embed), each of length one, in the order of :attr:`VisualPrompts.names`.

        Raises:
            ConfigError: There are prompts for more or fewer pictures.
        """
        prompts = self._given_prompts()
        pictures = [image for batch in load_source(source) for image in batch.images]
        if not prompts.shared and len(pictures) != len(prompts.examples):
            raise ConfigError(
                f"there are visual prompts for {len(prompts.examples)} reference pictures, "
                f"received {len(pictures)}.",
                remedy=REMEDY,
            )
        each = [self.embed(image, prompts.of_picture(i)) for i, image in enumerate(pictures)]
        return F.normalize(torch.stack(each).sum(0), dim=-1)[None]

    @torch.no_grad()
    def embed(self, image: np.ndarray, examples: Examples) -> Tensor:
        """Return what each class looks like in a picture.

        Args:
            image: (H, W, 3) uint8 BGR.
            examples: What is shown on it, of the classes of :attr:`prompts`.

        Returns:
            (N, embed), each of length one; zeros for classes that it does not show.
        """
        size = input_size(self.model, self.args.imgsz)
        tensor = self.to_tensor([LetterBox(size, stride=self.model.stride)(image)])
        masks = self._masks(tensor, [examples], [image])
        embedded = self.model.backend.model.get_visual_pe(tensor, masks)[0].float()
        shown = torch.zeros(len(embedded), 1, device=embedded.device)
        shown[examples.classes.tolist()] = 1
        return embedded * shown

    def _masks(
        self, images: Tensor, examples: Sequence[Examples], originals: Sequence[np.ndarray]
    ) -> Tensor:
        """Draw the examples on the network's cells, (B, N, h / 8, w / 8)."""
        count, size = len(self._given_prompts().classes), images.shape[2:]
        drawn = [
            e.cells(count, o.shape[:2], size) for e, o in zip(examples, originals, strict=True)
        ]
        return torch.stack(drawn).to(images)

    def _silence(self, output: Tensor, missing: set[int]) -> None:
        """Take the scores of classes that a picture shows no example of out of its final output."""
        for label in missing:
            if self.model.end2end:
                output[output[:, 5] == label, 4] = 0
            else:
                output[4 + label] = 0

    def _given_prompts(self) -> VisualPrompts:
        if self.prompts is None:
            raise ConfigError("there are no visual prompts.", remedy=REMEDY)
        return self.prompts

    def _name_classes(self) -> None:
        backend = self.model.backend
        names = dict(enumerate(self._given_prompts().names))
        backend.metadata = replace(backend.metadata, names=names)


class YOLOEVPSegPredictor(YOLOEVPDetectPredictor, SegmentationPredictor):
    """Finds boxes and masks of things that look like the examples shown in the same pictures.

    Examples:
        >>> predictor = YOLOEVPSegPredictor(overrides={"model": "yoloe-11s-seg.pt"})
        >>> predictor.set_prompts({"bboxes": [[20, 30, 90, 200]], "cls": [0]})
        >>> results = predictor(source="shelf.jpg")
    """


def promptable(model: str | Path | nn.Module) -> nn.Module:
    """Return a model that takes prompts: the given one or its checkpoint's, without classes of its own.

    Raises:
        ModelError: It takes none.
    """
    if isinstance(model, str | Path) and Path(model).suffix.lower() in SUFFIXES:
        model = load_checkpoint(model).model
    if not isinstance(model, YOLOEModel) or not model.head.takes_embeddings:
        raise ModelError(
            "visual prompts need a YOLOE model whose classes are still free.",
            remedy="Load its .pt file: an exported, fused or prompt-free model has its classes inside.",
        )
    if model.head.savpe is None:
        raise ModelError(
            "this model has no encoder of visual prompts: its weights were saved without one.",
            remedy="Load the published file, or train one with YOLOEVPTrainer or YOLOESegVPTrainer.",
        )
    if model.pe is None:
        return model
    model = deepcopy(model)
    model.pe = None
    return model
