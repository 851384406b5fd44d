"""What all models share: layers from a description, forward, fusing, partial loading."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from copy import deepcopy
from pathlib import Path
from typing import Any, ClassVar, Self

import torch
from torch import Tensor, nn

from engine.cfg.model_yaml import find_model_yaml
from engine.nn import summary
from engine.nn.build import build_layers
from engine.nn.fuse import fuse, is_fused
from engine.nn.partial_load import LoadReport, load_fitting, state_dict_of
from engine.runtime.errors import ModelError
from engine.runtime.log import LOGGER


class BaseModel(nn.Module):
    """A model made from a description.

    Attributes:
        model: The layers in order; a layer's place is its number in the state-dict keys.
        save: Numbers of the layers whose output a later layer reads.
        yaml: The description, with ``nc``, ``channels``, ``scale`` and ``yaml_file`` as used.
        names: Class id to class name.
        nc: Number of classes.
        stride: (levels,) input pixels to a cell of each level of the head.
        args: Arguments of the training; the loss takes its gains from them.
        progress: Share of the training that is over, 0..1; losses that shift their weights follow it.
        task: The word for what the model does.
    """

    task: ClassVar[str]
    default_cfg: ClassVar[str]
    default_nc: ClassVar[int] = 80
    # tensors that published files keep as plain attributes of the model
    attributes: ClassVar[tuple[str, ...]] = ()
    progress: float = 0.0

    def __init__(
        self,
        cfg: str | Path | Mapping[str, Any] | None = None,
        ch: int | None = None,
        nc: int | None = None,
        verbose: bool = True,
    ) -> None:
        """Make the model with random weights.

        Args:
            cfg: Name or path of a description, or a description read before; None for the smallest of the
                newest plain family.
            ch: Channels of the input images; the description's, or 3.
            nc: Number of classes, instead of the description's.
            verbose: Log the layers and the totals.

        Raises:
            ModelError: The description cannot be built.
        """
        super().__init__()
        cfg = self.default_cfg if cfg is None else cfg
        self.yaml = deepcopy(dict(cfg)) if isinstance(cfg, Mapping) else dict(find_model_yaml(cfg))
        self.yaml["channels"] = ch or self.yaml.get("channels") or 3
        self.yaml["nc"] = nc or self.yaml.get("nc") or self.default_nc
        self.model, self.save = build_layers(self.yaml, self.yaml["channels"], self.yaml["nc"])
        self.names = {i: str(i) for i in range(self.yaml["nc"])}
        self.args: Any = None
        self.stride = torch.tensor([32.0], device="cpu")
        self._criterion: Any = None
        self._set_up_head()
        if verbose:
            summary.log_layers(self)
            self.info()

    @property
    def nc(self) -> int:
        """Number of classes."""
        return self.yaml["nc"]

    @property
    def head(self) -> Any:
        """The last layer."""
        return self.model[-1]

    @property
    def end2end(self) -> bool:
        """Whether the head's one-to-one branch answers, so that no duplicates need to be removed.

        False in a new or loaded model; it can be set where the head has such a branch.
        """
        return getattr(self.head, "end2end", False)

    @end2end.setter
    def end2end(self, value: bool) -> None:
        if value or hasattr(self.head, "end2end"):
            self.head.end2end = value

    def forward(self, x: Tensor | Mapping[str, Any]) -> Any:
        """Run the model, or with a batch dictionary the model and its loss.

        Args:
            x: Images (B, C, H, W) with values 0..1, H and W multiples of the largest stride; or a batch
                of training with such images under ``img``.

        Returns:
            For images what the head returns: raw tensors in training, ``(final, raw)`` otherwise. For a
            batch ``(total, items)`` of the loss; this is the call that wrappers for several devices make.
        """
        if isinstance(x, Mapping):
            return self.loss(x)
        return self.head(self.features(x))

    def features(self, x: Any) -> Any:
        """Run all layers but the head on images, and return what the head reads."""
        kept: dict[int, Any] = {}
        layer: Any
        for layer in list(self.model)[:-1]:
            x = layer(_inputs(layer.f, x, kept))
            if layer.i in self.save:
                kept[layer.i] = x
        return _inputs(self.head.f, x, kept)

    def loss(self, batch: Mapping[str, Any], preds: Any = None) -> tuple[Tensor, Tensor]:
        """Return the total loss to take gradients of, and its parts without gradients.

        Args:
            batch: A batch of the data set, images under ``img``.
            preds: What the model returned for it, if it ran already.
        """
        if self._criterion is None:
            self._criterion = self.init_criterion()
        if hasattr(self._criterion, "progress"):
            self._criterion.progress = self.progress
        preds = self(batch["img"]) if preds is None else preds
        raw = preds[1] if isinstance(preds, tuple) else preds
        return self._criterion(raw, batch)

    def init_criterion(self) -> Any:
        """Make the loss of this model, called as ``loss(raw, batch)``."""
        raise ModelError(
            f"this version runs models for {self.task}, but does not train them yet.",
            value=self.task,
        )

    def fuse(self) -> Self:
        """Fold batch normalisation into the convolutions, in place, for inference."""
        return fuse(self)

    def take_form(self, tensors: Mapping[str, Tensor]) -> None:
        """Change into the form that weights of these names and shapes were stored from.

        For models whose tensors are not all told by their description; to be called before fusing.
        """

    def fuse_like(self, names: Iterable[str]) -> Self:
        """Fuse, keeping of an end-to-end head the branch that fused weights of these names have."""
        head = f"model.{self.head.i}."
        names = set(names)
        one2many = any(name.startswith(head + "cv2.") for name in names)
        if not one2many and any(name.startswith(head + "one2one_cv2.") for name in names):
            self.end2end = True
        return self.fuse()

    def is_fused(self) -> bool:
        """Tell whether :meth:`fuse` was applied."""
        return is_fused(self)

    def info(self, imgsz: int = 640) -> summary.Summary:
        """Log and return layers, parameters, gradients and GFLOPs for one square image."""
        found = summary.summarise(self, imgsz)
        LOGGER.info("%s", found)
        return found

    def load(self, weights: nn.Module | Mapping[str, Tensor] | Any) -> LoadReport:
        """Take the tensors whose name and shape fit; the others keep their values.

        Args:
            weights: A model, a state dict, or something with a ``model`` (a checkpoint).

        Returns:
            Which tensors fitted and which did not.
        """
        found = load_fitting(self, state_dict_of(weights))
        LOGGER.info("Weights: %s.", found)
        return found

    def _set_up_head(self) -> None:
        """Find the strides by a forward and let the head start from its prior."""

    def __getstate__(self) -> dict[str, Any]:
        """Leave the loss out of copies: it may hold tensors of the batches that it saw."""
        return {**self.__dict__, "_criterion": None}


def _inputs(source: int | list[int], last: Any, kept: Mapping[int, Any]) -> Any:
    if isinstance(source, int):
        return last if source == -1 else kept[source]
    return [last if number == -1 else kept[number] for number in source]
