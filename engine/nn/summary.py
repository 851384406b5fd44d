"""What a model amounts to: layers, parameters, operations; for the log and for tables of models."""

from __future__ import annotations

from copy import deepcopy
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import nn

from engine.runtime.log import LOGGER


@dataclass(frozen=True)
class Summary:
    """Totals of a model.

    Attributes:
        name: The description's name without suffix.
        layers: Modules that hold no others.
        parameters: Numbers in all parameters.
        gradients: Those that training may change.
        gflops: 10^9 additions and multiplications of the convolutions and matrix products for one image.
        imgsz: Side of that image, in pixels.
        fused: Whether batch normalisation is folded into the convolutions.
    """

    name: str
    layers: int
    parameters: int
    gradients: int
    gflops: float
    imgsz: int
    fused: bool

    def __str__(self) -> str:
        fused = " (fused)" if self.fused else ""
        return (
            f"{self.name} summary{fused}: {self.layers} layers, {self.parameters:,} parameters, "
            f"{self.gradients:,} gradients, {self.gflops:.1f} GFLOPs"
        )


def summarise(model: Any, imgsz: int = 640) -> Summary:
    """Count a model of :mod:`engine.nn.tasks`; nothing is computed with its weights."""
    leaves = [m for m in model.modules() if not any(True for _ in m.children())]
    parameters = list(model.parameters())
    return Summary(
        name=Path(str(model.yaml.get("yaml_file") or type(model).__name__)).stem,
        layers=len(leaves),
        parameters=sum(p.numel() for p in parameters),
        gradients=sum(p.numel() for p in parameters if p.requires_grad),
        gflops=count_gflops(model, imgsz, model.yaml["channels"]),
        imgsz=imgsz,
        fused=model.is_fused(),
    )


def count_gflops(model: nn.Module, imgsz: int, channels: int = 3) -> float:
    """Count the operations of one forward, in 10^9, on tensors without content."""
    from torch.utils.flop_counter import FlopCounterMode  # slow to import, and seldom asked for

    bare = deepcopy(model).to("meta").float().eval()
    counter = FlopCounterMode(display=False)
    with torch.no_grad(), counter:
        bare(torch.empty(1, channels, imgsz, imgsz, device="meta"))
    return counter.get_total_flops() / 1e9


def log_layers(model: Any) -> None:
    """Log the layers as a table: number, what it reads, parameters, module."""
    LOGGER.info("%4s %14s %12s  %s", "", "from", "parameters", "module")
    for layer in model.model:
        LOGGER.info("%4d %14s %12s  %s", layer.i, layer.f, f"{layer.np:,}", layer.type)
