"""From a model description to its modules, by a table: a new kind of layer is a new row.

A row says how a module's arguments come from the description and how many channels it gives. Reading
description files is ``engine.cfg.model_yaml``; whole models with strides, losses and names are ``tasks.py``.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from torch import nn

from engine.nn.modules.attention import C2PSA
from engine.nn.modules.block import SPPF, C2f, C3k2
from engine.nn.modules.conv import Concat, Conv, DWConv
from engine.nn.modules.head import Detect, Segment
from engine.ops.numbers import make_divisible
from engine.runtime.errors import ModelError

CHANNEL_STEP = 8


@dataclass(frozen=True)
class Scaling:
    """How a description is stretched to a scale, and what its words stand for.

    Attributes:
        nc: Number of classes.
        scale: The scale's letter; empty for descriptions without scales.
        depth: Factor on repeats above one.
        width: Factor on channels.
        most: Channels are cut to this before they are scaled.
    """

    nc: int
    scale: str = ""
    depth: float = 1.0
    width: float = 1.0
    most: float = float("inf")

    def channels(self, wanted: int) -> int:
        """Return the channels of this scale, a multiple of 8."""
        return make_divisible(min(wanted, self.most) * self.width, CHANNEL_STEP)

    def repeats(self, wanted: int) -> int:
        """Return how often a layer is repeated at this scale."""
        return max(round(wanted * self.depth), 1) if wanted > 1 else wanted


@dataclass(frozen=True)
class Layer:
    """One layer, planned: the class with its arguments, how often, and the channels it gives."""

    module: type[nn.Module]
    args: tuple[Any, ...]
    repeats: int
    channels: int

    def make(self) -> nn.Module:
        """Make the module, or a sequence of them where it is repeated."""
        if self.repeats == 1:
            return self.module(*self.args)
        first, *rest = self.args
        return nn.Sequential(
            self.module(first, *rest),
            *(self.module(self.channels, *rest) for _ in range(self.repeats - 1)),
        )


# (scaling, module class, channels of the sources, repeats at this scale, arguments) -> planned layer
Plan = Callable[[Scaling, type[nn.Module], list[int], int, list[Any]], Layer]


def _channels_first(
    scaling: Scaling, module: type[nn.Module], sources: list[int], repeats: int, args: list[Any]
) -> Layer:
    """Plan modules called with (channels in, channels out, ...)."""
    out = scaling.channels(args[0])
    return Layer(module, (sources[0], out, *args[1:]), repeats, out)


def _repeats_inside(
    scaling: Scaling, module: type[nn.Module], sources: list[int], repeats: int, args: list[Any]
) -> Layer:
    """Plan modules that repeat their inner blocks themselves: (channels in, out, repeats, ...)."""
    out = scaling.channels(args[0])
    return Layer(module, (sources[0], out, repeats, *args[1:]), 1, out)


def _c3k2(
    scaling: Scaling, module: type[nn.Module], sources: list[int], repeats: int, args: list[Any]
) -> Layer:
    """Plan a C3k2; the large scales take its deeper inner block everywhere."""
    deep = scaling.scale in ("m", "l", "x") or (len(args) > 1 and bool(args[1]))
    return _repeats_inside(scaling, module, sources, repeats, [args[0], deep, *args[2:]])


def _concat(
    scaling: Scaling, module: type[nn.Module], sources: list[int], repeats: int, args: list[Any]
) -> Layer:
    """Plan the joining of several sources."""
    return Layer(module, tuple(args), repeats, sum(sources))


def _same_channels(
    scaling: Scaling, module: type[nn.Module], sources: list[int], repeats: int, args: list[Any]
) -> Layer:
    """Plan modules that do not touch the channels and are not told them."""
    return Layer(module, tuple(args), repeats, sources[0])


def _detect(
    scaling: Scaling, module: type[nn.Module], sources: list[int], repeats: int, args: list[Any]
) -> Layer:
    """Plan a detection head: (classes, channels of the sources)."""
    return Layer(module, (*args, sources), 1, 0)


def _segment(
    scaling: Scaling, module: type[nn.Module], sources: list[int], repeats: int, args: list[Any]
) -> Layer:
    """Plan a segmentation head: (classes, prototypes, scaled prototype channels, sources)."""
    classes, prototypes, hidden = args
    return Layer(module, (classes, prototypes, scaling.channels(hidden), sources), 1, 0)


LAYERS: dict[str, tuple[type[nn.Module], Plan]] = {
    "Conv": (Conv, _channels_first),
    "DWConv": (DWConv, _channels_first),
    "SPPF": (SPPF, _channels_first),
    "C2f": (C2f, _repeats_inside),
    "C3k2": (C3k2, _c3k2),
    "C2PSA": (C2PSA, _repeats_inside),
    "Concat": (Concat, _concat),
    "nn.Upsample": (nn.Upsample, _same_channels),
    "Detect": (Detect, _detect),
    "Segment": (Segment, _segment),
}

ACTIVATIONS: dict[str, Callable[[], nn.Module]] = {
    "SiLU": nn.SiLU,
    "ReLU": nn.ReLU,
    "LeakyReLU": lambda: nn.LeakyReLU(0.1),
    "Hardswish": nn.Hardswish,
    "GELU": nn.GELU,
    "Mish": nn.Mish,
}


def build_layers(description: dict[str, Any], ch: int, nc: int) -> tuple[nn.Sequential, list[int]]:
    """Make the layers of a model.

    Each module gets ``i`` (its number), ``f`` (the numbers it reads, -1 for the one before), ``type``
    and ``np`` (its parameters).

    Args:
        description: As :func:`engine.cfg.model_yaml.find_model_yaml` returns it.
        ch: Channels of the input images.
        nc: Number of classes.

    Returns:
        The layers, and the numbers of those whose output a later layer reads.

    Raises:
        ModelError: A row names an unknown module, reads a layer that is not there or has wrong arguments.
    """
    scaling = _scaling(description, nc)
    words = {"nc": nc, "None": None}
    rows = description["backbone"] + description["head"]
    layers: list[Any] = []
    given: list[int] = []  # channels of each layer so far
    for number, row in enumerate(rows):
        source, layer = _plan_row(row, number, scaling, words, given or [ch])
        module: Any = _make(layer, row, number)
        module.i, module.f, module.type = number, source, layer.module.__name__
        module.np = sum(p.numel() for p in module.parameters())
        layers.append(module)
        given.append(layer.channels)
    model = nn.Sequential(*layers)
    _replace_activation(model, description.get("activation"))
    return model, _kept(layers)


def _scaling(description: dict[str, Any], nc: int) -> Scaling:
    scale = str(description.get("scale") or "")
    if not scale:
        return Scaling(
            nc,
            depth=float(description.get("depth_multiple", 1.0)),
            width=float(description.get("width_multiple", 1.0)),
        )
    depth, width, most = description["scales"][scale]
    return Scaling(nc, scale, depth, width, most)


def _plan_row(
    row: Any, number: int, scaling: Scaling, words: dict[str, Any], given: list[int]
) -> tuple[int | list[int], Layer]:
    try:
        source, repeats, name, args = row
    except (TypeError, ValueError) as error:
        raise ModelError(
            f"layer {number}: expected [from, repeats, module, arguments], received {row!r}.",
            value=row,
        ) from error
    if name not in LAYERS:
        near = difflib.get_close_matches(str(name), LAYERS, n=1)
        raise ModelError(
            f"layer {number}: there is no module {name!r} in this version.",
            value=name,
            remedy=f"Did you mean {near[0]!r}?" if near else f"There are: {', '.join(LAYERS)}.",
        )
    module, plan = LAYERS[name]
    numbers = [source] if isinstance(source, int) else source
    args = [words.get(a, a) if isinstance(a, str) else a for a in args]
    try:
        sources = [given[n] for n in numbers]
        return source, plan(scaling, module, sources, scaling.repeats(repeats), args)
    except (IndexError, TypeError, ValueError) as error:
        raise ModelError(f"layer {number}: {row!r} does not fit {name} ({error}).") from error


def _make(layer: Layer, row: Any, number: int) -> nn.Module:
    try:
        return layer.make()
    except (TypeError, ValueError, RuntimeError) as error:
        raise ModelError(f"layer {number}: {row!r} cannot be built ({error}).") from error


def _kept(layers: list[Any]) -> list[int]:
    """Return the layer numbers that are read later than by the next layer."""
    read = set()
    for layer in layers:
        for source in [layer.f] if isinstance(layer.f, int) else layer.f:
            if source != -1:
                read.add(source % layer.i)
    return sorted(read)


def _replace_activation(model: nn.Module, name: str | None) -> None:
    if name is None:
        return
    key = str(name).removeprefix("torch.").removeprefix("nn.").split("(")[0]
    if key not in ACTIVATIONS:
        raise ModelError(
            f"expected one of the activations {', '.join(ACTIVATIONS)}, received {name!r}.",
            value=name,
        )
    for module in model.modules():
        if isinstance(module, Conv) and isinstance(module.act, nn.SiLU):
            module.act = ACTIVATIONS[key]()
