"""From a model description to its modules, by a table: a new kind of layer is a new row.

A row says how a module's arguments come from the description and how many channels it gives. Reading
description files is ``engine.cfg.model_yaml``; whole models with strides, losses and names are ``tasks.py``.
"""

from __future__ import annotations

import difflib
import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from torch import nn

from engine.cfg.model_check import check_description
from engine.nn.model_size import check_size
from engine.nn.modules.area_attention import A2C2f
from engine.nn.modules.attention import C2PSA
from engine.nn.modules.block import C3, SPPF, C2f, C3k2
from engine.nn.modules.classify import Classify
from engine.nn.modules.conv import Concat, Conv, DWConv
from engine.nn.modules.head import Detect
from engine.nn.modules.obb import OBB, OBB26
from engine.nn.modules.pose import Pose, Pose26
from engine.nn.modules.segment import Segment, Segment26
from engine.nn.modules.semantic import SemanticFPN, SemanticSegment
from engine.nn.modules.yoloe import YOLOEDetect
from engine.nn.modules.yoloe_segment import YOLOESegment, YOLOESegment26
from engine.ops.numbers import make_divisible
from engine.runtime.errors import ModelError

CHANNEL_STEP = 8
# Side of a pool, number of pools, input added
SPPF_DEFAULTS = (5, 3, False)
# Channels inside the attention blocks of the largest scales, as a part of theirs
LARGE_MLP_RATIO = 1.2
# Layers that came with YOLO11: a description with none of them is of an older family
NEWER_LAYERS = ("C3k2", "A2C2f")


@dataclass(frozen=True)
class Scaling:
    """How a description is stretched to a scale, and what its words stand for.

    Attributes:
        nc: Number of classes.
        scale: The scale's letter; empty for descriptions without scales.
        depth: Factor on repeats above one.
        width: Factor on channels.
        most: Channels are cut to this before they are scaled.
        reg_max: Bins of a box distance.
        end2end: Whether the head has one-to-one branches too.
        legacy: Whether the family is older than YOLO11, with plain convolutions in the class branch.
    """

    nc: int
    scale: str = ""
    depth: float = 1.0
    width: float = 1.0
    most: float = float("inf")
    reg_max: int = 16
    end2end: bool = False
    legacy: bool = False

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


def _a2c2f(
    scaling: Scaling, module: type[nn.Module], sources: list[int], repeats: int, args: list[Any]
) -> Layer:
    """Plan an A2C2f; the largest scales add its input, with a narrower inner block."""
    large = [True, LARGE_MLP_RATIO] if scaling.scale in ("l", "x") and len(args) == 3 else []
    return _repeats_inside(scaling, module, sources, repeats, [*args, *large])


def _sppf(
    scaling: Scaling, module: type[nn.Module], sources: list[int], repeats: int, args: list[Any]
) -> Layer:
    """Plan an SPPF; where a description counts the pools, no activation follows the first convolution."""
    out = scaling.channels(args[0])
    k, n, shortcut = (args + list(SPPF_DEFAULTS)[len(args) - 1 :])[1:]
    return Layer(module, (sources[0], out, k, n, shortcut, len(args) < 3), repeats, out)


def _head(
    scaling: Scaling, module: type[nn.Module], sources: list[int], repeats: int, args: list[Any]
) -> Layer:
    """Plan a head of the detection kind: (its own arguments, bins, one-to-one, sources, legacy)."""
    shared = (scaling.reg_max, scaling.end2end, sources, scaling.legacy)
    return Layer(module, (*args, *shared), 1, 0)


def _mask_head(
    scaling: Scaling, module: type[nn.Module], sources: list[int], repeats: int, args: list[Any]
) -> Layer:
    """Plan a head with mask prototypes, whose third argument is a channel count of the largest scale."""
    classes, prototypes, hidden, *more = args
    own = [classes, prototypes, scaling.channels(hidden), *more]
    return _head(scaling, module, sources, repeats, own)


def _classify(
    scaling: Scaling, module: type[nn.Module], sources: list[int], repeats: int, args: list[Any]
) -> Layer:
    """Plan a classification head: (channels in, classes)."""
    return Layer(module, (sum(sources), *args), 1, 0)


def _semantic(
    scaling: Scaling, module: type[nn.Module], sources: list[int], repeats: int, args: list[Any]
) -> Layer:
    """Plan a semantic head: (classes, scaled hidden channels where it has some, sources)."""
    classes, *hidden = args
    return Layer(module, (classes, *(scaling.channels(c) for c in hidden), sources), 1, 0)


LAYERS: dict[str, tuple[type[nn.Module], Plan]] = {
    "Conv": (Conv, _channels_first),
    "DWConv": (DWConv, _channels_first),
    "SPPF": (SPPF, _sppf),
    "C3": (C3, _repeats_inside),
    "C2f": (C2f, _repeats_inside),
    "C3k2": (C3k2, _c3k2),
    "C2PSA": (C2PSA, _repeats_inside),
    "A2C2f": (A2C2f, _a2c2f),
    "Concat": (Concat, _concat),
    "nn.Upsample": (nn.Upsample, _same_channels),
    "Detect": (Detect, _head),
    "Segment": (Segment, _mask_head),
    "Segment26": (Segment26, _mask_head),
    "Pose": (Pose, _head),
    "Pose26": (Pose26, _head),
    "OBB": (OBB, _head),
    "OBB26": (OBB26, _head),
    "YOLOEDetect": (YOLOEDetect, _head),
    "YOLOESegment": (YOLOESegment, _mask_head),
    "YOLOESegment26": (YOLOESegment26, _mask_head),
    "Classify": (Classify, _classify),
    "SemanticSegment": (SemanticSegment, _semantic),
    "SemanticFPN": (SemanticFPN, _semantic),
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
        ModelError: A row names an unknown module, reads a layer that is not there or has wrong arguments,
            or the model would be too large; names the file.
    """
    check_description(description, ch, nc)
    try:
        return _build_layers(description, ch, nc)
    except ModelError as error:
        raise error.at(description.get("yaml_file")) from error


def _build_layers(description: dict[str, Any], ch: int, nc: int) -> tuple[nn.Sequential, list[int]]:
    scaling = _scaling(description, nc)
    words = {"nc": nc, "None": None, "kpt_shape": description.get("kpt_shape")}
    rows = description["backbone"] + description["head"]
    plans: list[tuple[int | list[int], Layer]] = []
    given: list[int] = []  # channels of each layer so far
    for number, row in enumerate(rows):
        plans.append(_plan_row(row, number, scaling, words, given or [ch]))
        given.append(plans[-1][1].channels)
    check_size([layer for _, layer in plans])
    layers: list[Any] = []
    for number, (source, layer) in enumerate(plans):
        module: Any = _make(layer, rows[number], number)
        module.i, module.f, module.type = number, source, layer.module.__name__
        module.np = sum(p.numel() for p in module.parameters())
        layers.append(module)
    model = nn.Sequential(*layers)
    _replace_activation(model, description.get("activation"))
    return model, _kept(layers)


def level_strides(layers: nn.Sequential) -> list[float]:
    """Return how many input pixels make a cell, for each map that the last of the layers reads.

    Only convolutions and enlargements that are layers of their own change the size of a map.

    Raises:
        ModelError: A layer joins maps of different sizes, or enlarges to a fixed size.
    """
    strides: list[float] = []
    layer: Any
    for layer in layers:
        sources = [layer.f] if isinstance(layer.f, int) else layer.f
        before = [strides[n] if strides else 1.0 for n in sources]
        if isinstance(layer, Concat) and len(set(before)) > 1:
            sizes = ", ".join(f"1/{s:g}" for s in before)
            raise ModelError(f"layer {layer.i}: joins maps of different sizes ({sizes}).")
        strides.append(before[0] * _size_step(layer))
    return before


def _size_step(layer: Any) -> float:
    if isinstance(layer, nn.Sequential):
        return math.prod(_size_step(part) for part in layer)
    if isinstance(layer, Conv):
        return float(layer.conv.stride[0])
    if isinstance(layer, nn.Upsample):
        if not isinstance(layer.scale_factor, float | int):
            raise ModelError(f"layer {layer.i}: nn.Upsample needs one factor, not a size.")
        return 1.0 / layer.scale_factor
    return 1.0


def _scaling(description: dict[str, Any], nc: int) -> Scaling:
    rows = description["backbone"] + description["head"]
    head: dict[str, Any] = {
        "reg_max": int(description.get("reg_max") or Scaling.reg_max),
        "end2end": bool(description.get("end2end")),
        "legacy": not any(isinstance(r, list) and n in r for r in rows for n in NEWER_LAYERS),
    }
    scale = str(description.get("scale") or "")
    if not scale:
        depth = float(description.get("depth_multiple", 1.0))
        return Scaling(nc, "", depth, float(description.get("width_multiple", 1.0)), **head)
    depth, width, most = description["scales"][scale]
    return Scaling(nc, scale, depth, width, most, **head)


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
    numbers = [source] if isinstance(source, int) else list(source)
    numbers = [n if n >= -1 else number + n for n in numbers]
    source = numbers[0] if isinstance(source, int) else numbers
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
