"""Whole models: layers from a description, with strides, class names, loss and partial loading.

A task is a row of :data:`TASKS`; which one a description is for, its last layer says.
"""

from __future__ import annotations

from collections.abc import Mapping
from copy import deepcopy
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar, Self

import torch
from torch import Tensor, nn

from engine.cfg.model_yaml import find_model_yaml
from engine.nn import summary
from engine.nn.build import build_layers
from engine.nn.fuse import fuse, is_fused
from engine.runtime.errors import ModelError
from engine.runtime.log import LOGGER

# Side of the image with which strides are found: a multiple of every stride in use
STRIDE_PROBE = 128


@dataclass(frozen=True)
class LoadReport:
    """What a partial load did.

    Attributes:
        loaded: Names of the tensors that fitted and were taken.
        misfits: Names whose shapes differ; they keep their initial values.
        missing: Names that the weights do not have; they keep their initial values.
        unused: Names that only the weights have.
    """

    loaded: tuple[str, ...]
    misfits: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()
    unused: tuple[str, ...] = field(default=())

    @property
    def initial(self) -> tuple[str, ...]:
        """Names of the tensors that stayed at their initial values."""
        return self.misfits + self.missing

    def __str__(self) -> str:
        total = len(self.loaded) + len(self.initial)
        text = f"{len(self.loaded)} of {total} tensors fitted"
        if not self.initial:
            return text
        modules = dict.fromkeys(name.rpartition(".")[0] for name in self.initial)
        some = ", ".join(list(modules)[:3]) + (", ..." if len(modules) > 3 else "")
        return f"{text}; {len(self.initial)} stay at their initial values ({some})"


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
        task: The word for what the model does.
    """

    task: ClassVar[str]

    def __init__(
        self,
        cfg: str | Path | Mapping[str, Any],
        ch: int | None = None,
        nc: int | None = None,
        verbose: bool = True,
    ) -> None:
        """Make the model with random weights.

        Args:
            cfg: Name or path of a description, or a description read before.
            ch: Channels of the input images; the description's, or 3.
            nc: Number of classes, instead of the description's.
            verbose: Log the layers and the totals.

        Raises:
            ModelError: The description cannot be built.
        """
        super().__init__()
        self.yaml = deepcopy(dict(cfg)) if isinstance(cfg, Mapping) else dict(find_model_yaml(cfg))
        self.yaml["channels"] = ch or self.yaml.get("channels") or 3
        self.yaml["nc"] = nc or self.yaml.get("nc") or 80
        self.model, self.save = build_layers(self.yaml, self.yaml["channels"], self.yaml["nc"])
        self.names = {i: str(i) for i in range(self.yaml["nc"])}
        self.args: Any = None
        self.stride = torch.tensor([32.0])
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
        kept: dict[int, Any] = {}
        layer: Any
        for layer in self.model:
            x = layer(_inputs(layer.f, x, kept))
            if layer.i in self.save:
                kept[layer.i] = x
        return x

    def loss(self, batch: Mapping[str, Any], preds: Any = None) -> tuple[Tensor, Tensor]:
        """Return the total loss to take gradients of, and its parts without gradients.

        Args:
            batch: A batch of the data set, images under ``img``.
            preds: What the model returned for it, if it ran already.
        """
        if self._criterion is None:
            self._criterion = self.init_criterion()
        preds = self(batch["img"]) if preds is None else preds
        raw = preds[1] if isinstance(preds, tuple) else preds
        return self._criterion(raw, batch)

    def init_criterion(self) -> Any:
        """Make the loss of this model, called as ``loss(raw, batch)``."""
        raise NotImplementedError(f"{type(self).__name__} has no loss")

    def fuse(self) -> Self:
        """Fold batch normalisation into the convolutions, in place, for inference."""
        return fuse(self)

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
        found = load_fitting(self, _state_dict(weights))
        LOGGER.info("Weights: %s.", found)
        return found

    def _set_up_head(self) -> None:
        """Find the strides by a forward and let the head start from its prior."""

    def __getstate__(self) -> dict[str, Any]:
        """Leave the loss out of copies: it may hold tensors of the batches that it saw."""
        return {**self.__dict__, "_criterion": None}


class DetectionModel(BaseModel):
    """Boxes and classes."""

    task = "detect"

    def __init__(
        self,
        cfg: str | Path | Mapping[str, Any] = "yolo11n.yaml",
        ch: int | None = None,
        nc: int | None = None,
        verbose: bool = True,
    ) -> None:
        super().__init__(cfg, ch, nc, verbose)

    def init_criterion(self) -> Any:
        """Make the detection loss with the gains of :attr:`args`."""
        from engine.losses.detection import DetectionLoss

        return DetectionLoss(self.nc, self.head.reg_max, self.stride, self._gains())

    def _gains(self) -> Any:
        if self.args is None:
            raise ModelError(
                "the loss needs the training's arguments.",
                remedy="Set model.args (with box, cls and dfl) before asking for the loss.",
            )
        return self.args

    def _set_up_head(self) -> None:
        training = self.training
        self.eval()  # so that the probe does not move the statistics of the normalisations
        probe = torch.zeros(1, self.yaml["channels"], STRIDE_PROBE, STRIDE_PROBE)
        with torch.no_grad():
            _, raw = self(probe)
        self.stride = torch.tensor([STRIDE_PROBE / f.shape[-2] for f in raw["feats"]])
        self.head.set_stride(self.stride)
        self.head.init_bias()
        self.train(training)


class SegmentationModel(DetectionModel):
    """Boxes, classes and instance masks."""

    task = "segment"

    def __init__(
        self,
        cfg: str | Path | Mapping[str, Any] = "yolo11n-seg.yaml",
        ch: int | None = None,
        nc: int | None = None,
        verbose: bool = True,
    ) -> None:
        super().__init__(cfg, ch, nc, verbose)

    def init_criterion(self) -> Any:
        """Make the segmentation loss with the gains of :attr:`args`."""
        from engine.losses.segmentation import SegmentationLoss

        gains = self._gains()
        return SegmentationLoss(
            self.nc,
            self.head.reg_max,
            self.stride,
            gains,
            overlap_mask=getattr(gains, "overlap_mask", True),
        )


TASKS: dict[str, type[BaseModel]] = {
    model.task: model for model in (DetectionModel, SegmentationModel)
}
# the last layer of a description -> the task it is for
HEAD_TASKS = {"Detect": "detect", "Segment": "segment"}


def guess_task(description: Mapping[str, Any]) -> str:
    """Return the task that a model description is for.

    Raises:
        ModelError: Its last layer is no head of this version.
    """
    name = str(description["head"][-1][2])
    if name not in HEAD_TASKS:
        raise ModelError(
            f"the last layer is {name!r}, expected one of the heads {', '.join(HEAD_TASKS)}.",
            path=description.get("yaml_file"),
            value=name,
        )
    return HEAD_TASKS[name]


def build_model(
    cfg: str | Path | Mapping[str, Any],
    ch: int | None = None,
    nc: int | None = None,
    verbose: bool = True,
) -> BaseModel:
    """Make the model of a description with random weights, of whatever task it is for.

    Raises:
        ModelError: It cannot be found, read or built.
    """
    description = cfg if isinstance(cfg, Mapping) else find_model_yaml(cfg)
    return TASKS[guess_task(description)](description, ch, nc, verbose)


def load_fitting(model: nn.Module, state: Mapping[str, Tensor]) -> LoadReport:
    """Copy the tensors of ``state`` whose names and shapes fit into the model, in place."""
    own = model.state_dict()
    fitting = {k: v for k, v in state.items() if k in own and v.shape == own[k].shape}
    model.load_state_dict(fitting, strict=False)
    return LoadReport(
        loaded=tuple(fitting),
        misfits=tuple(k for k in own if k in state and k not in fitting),
        missing=tuple(k for k in own if k not in state),
        unused=tuple(k for k in state if k not in own),
    )


def _inputs(source: int | list[int], last: Any, kept: Mapping[int, Any]) -> Any:
    if isinstance(source, int):
        return last if source == -1 else kept[source]
    return [last if number == -1 else kept[number] for number in source]


def _state_dict(weights: Any) -> Mapping[str, Tensor]:
    if isinstance(weights, Mapping):
        return weights
    model = weights if isinstance(weights, nn.Module) else weights.model
    return model.state_dict()
