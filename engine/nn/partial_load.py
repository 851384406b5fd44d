"""Taking over weights: all of them, exactly, or those that fit, with a report of what stays as it was."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from engine.nn.inert import printable
from engine.runtime.errors import CheckpointError

# Prefixes that wrappers for several devices and compilers put before every name
_WRAPPERS = ("module.", "_orig_mod.")
_ONE2ONE = "one2one_"
# Layers that are named one by one; of more only how many
_MOST_LAYERS = 3
# raw tensor of a head, or attribute of one -> what it is for
_PARTS = {
    "boxes": "boxes",
    "scores": "class scores",
    "mask_coefficient": "mask coefficients",
    "kpts": "keypoints",
    "angle": "angles",
    "proto": "mask prototypes",
    "proto.semseg": "class maps that only training uses",
    "cv4_kpts": "keypoints",
    "cv4_sigma": "spread of the keypoints",
    "flow_model": "spread of the keypoints",
    "linear": "class scores",
    "classifier": "class scores",
    "aux_head": "class scores that only training uses",
    "reprta": "text prompts",
    "savpe": "visual prompts",
    "lrpc": "prompt-free vocabulary",
}


@dataclass(frozen=True)
class LoadReport:
    """What a partial load did.

    Attributes:
        loaded: Names of the tensors that fitted and were taken.
        misfits: Names whose shapes differ; they keep their initial values.
        missing: Names that the weights do not have; they keep their initial values.
        unused: Names that only the weights have.
        parts: Which parts of the model keep initial values, in words, heads by what they are for.
    """

    loaded: tuple[str, ...]
    misfits: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()
    unused: tuple[str, ...] = field(default=())
    parts: tuple[str, ...] = field(default=())

    @property
    def initial(self) -> tuple[str, ...]:
        """Names of the tensors that stayed at their initial values."""
        return self.misfits + self.missing

    def __str__(self) -> str:
        total = len(self.loaded) + len(self.initial)
        text = f"{len(self.loaded)} of {total} tensors fitted"
        if self.initial:
            what = ", ".join(self.parts or _modules(self.initial))
            text += f"; {len(self.initial)} stay at their initial values ({what})"
        if self.unused:
            text += f"; {len(self.unused)} of the weights have no place in this model"
        return text


def load_fitting(model: nn.Module, state: Mapping[str, Tensor]) -> LoadReport:
    """Copy the tensors of ``state`` whose names and shapes fit into the model, in place."""
    own = model.state_dict()
    state = unwrapped(state)
    report = compare(model, own, state)
    model.load_state_dict({name: state[name] for name in report.loaded}, strict=False)
    return report


def compare(model: nn.Module, own: Mapping[str, Tensor], state: Mapping[str, Tensor]) -> LoadReport:
    """Tell what of ``state`` fits into a model, whose tensors ``own`` are; nothing is copied."""
    fitting = {name for name, tensor in state.items() if name in own and _fits(tensor, own[name])}
    misfits = tuple(name for name in own if name in state and name not in fitting)
    missing = tuple(name for name in own if name not in state)
    return LoadReport(
        loaded=tuple(name for name in own if name in fitting),
        misfits=misfits,
        missing=missing,
        unused=tuple(name for name in state if name not in own),
        parts=parts_of(model, misfits + missing),
    )


def load_exactly(model: nn.Module, tensors: Mapping[str, Tensor], path: Path) -> None:
    """Load a state dict that must fit completely.

    Raises:
        CheckpointError: Names or shapes differ, or a weight is no number.
    """
    own = check_fit(model, tensors, path)
    # much faster than load_state_dict, which walks through all modules again
    torch._foreach_copy_(list(own.values()), [tensors[name] for name in own])


def check_fit(model: nn.Module, tensors: Mapping[str, Tensor], path: Path) -> Mapping[str, Tensor]:
    """Refuse a state dict with other names or shapes than the model's, or with NaN or infinity.

    Returns:
        The model's own tensors.

    Raises:
        CheckpointError: The first difference, with both shapes.
    """
    own: Mapping[str, Tensor] = model.state_dict()
    wrong = [name for name in own if name not in tensors or not _fits(tensors[name], own[name])]
    wrong += [name for name in tensors if name not in own]
    if wrong:
        raise CheckpointError(
            f"its tensors do not fit its description: {len(wrong)} differ, first "
            f"{printable(wrong[0])} (expected {_shape(own.get(wrong[0]))}, received "
            f"{_shape(tensors.get(wrong[0]))}).",
            path=path,
            value=wrong,
            remedy="The file was changed, or made by an unknown version of the program that wrote it.",
        )
    check_finite(tensors, path)
    return own


def check_finite(tensors: Mapping[str, Tensor], path: Path) -> None:
    """Refuse weights that are not numbers: the model would answer nothing but NaN.

    Raises:
        CheckpointError: Says how many and where.
    """
    bad = [name for name, t in tensors.items() if t.is_floating_point() and not _is_finite(t)]
    if bad:
        raise CheckpointError(
            f"its weights hold NaN or infinity in {len(bad)} of {len(tensors)} tensors, first {printable(bad[0])}.",
            path=path,
            value=bad,
            remedy="The training that made it diverged, or the file was changed: take an earlier "
            "checkpoint of the run, or train again with a lower lr0 or with amp=False.",
        )


def unwrapped(state: Mapping[str, Tensor]) -> Mapping[str, Tensor]:
    """Return a state dict without the prefix that a wrapper has put before every name."""
    for prefix in _WRAPPERS:
        if state and all(name.startswith(prefix) for name in state):
            return unwrapped({name.removeprefix(prefix): t for name, t in state.items()})
    return state


def parts_of(model: nn.Module, names: Iterable[str]) -> tuple[str, ...]:
    """Return in words which parts of a model the tensors of these names are.

    Of a head each part is told by what it is for, other layers by number and kind.
    """
    layers = getattr(model, "model", None)
    if not isinstance(layers, nn.Sequential) or not len(layers):
        return _modules(names)
    head = f"model.{len(layers) - 1}."
    of_head = [name for name in names if name.startswith(head)]
    others = dict.fromkeys(name.split(".")[1] for name in names if not name.startswith(head))
    return (*_head_parts(layers[-1], head, of_head), *_layer_parts(layers, list(others)))


def state_dict_of(weights: Any) -> Mapping[str, Tensor]:
    """Return the state dict of a model, of something with a ``model``, or the mapping that it is."""
    if isinstance(weights, Mapping):
        return weights
    model = weights if isinstance(weights, nn.Module) else weights.model
    return model.state_dict()


def _head_parts(head: nn.Module, prefix: str, names: list[str]) -> list[str]:
    if names and len(names) == len(head.state_dict()):
        return [f"the whole head, {type(head).__name__}"]
    purposes = {name: raw for raw, name in getattr(head, "branch_names", {}).items()}
    purposes |= getattr(head, "part_names", {})
    found: dict[str, set[bool]] = {}
    for name in names:
        attribute, inner = (*name.removeprefix(prefix).split("."), "")[:2]
        plain = attribute.removeprefix(_ONE2ONE)
        part = _PARTS.get(f"{plain}.{inner}") or _PARTS.get(purposes.get(plain, plain), plain)
        found.setdefault(part, set()).add(attribute != plain)
    return [
        f"the head's {part}{' without NMS' if sides == {True} else ''}"
        for part, sides in found.items()
    ]


def _layer_parts(layers: nn.Sequential, numbers: list[str]) -> list[str]:
    named = [
        f"layer {n} ({type(layers[int(n)]).__name__})" if n.isdigit() else n
        for n in numbers[:_MOST_LAYERS]
    ]
    more = len(numbers) - len(named)
    return [*named, f"{more} more layers"] if more > 0 else named


def _modules(names: Iterable[str]) -> tuple[str, ...]:
    modules = list(dict.fromkeys(name.rpartition(".")[0] for name in names))
    return (*modules[:_MOST_LAYERS], *(["..."] if len(modules) > _MOST_LAYERS else []))


def _fits(tensor: Tensor, own: Tensor) -> bool:
    same_kind = tensor.is_floating_point() == own.is_floating_point() and not tensor.is_complex()
    return same_kind and tensor.shape == own.shape


def _is_finite(tensor: Tensor) -> bool:
    # a sum is NaN or infinite where one value is; it may overflow where none is, so then look closer
    wide = tensor.float() if tensor.element_size() == 1 else tensor  # no sums of 8-bit floats
    return bool(wide.sum().isfinite()) or bool(torch.isfinite(wide).all())


def _shape(tensor: Tensor | None) -> str:
    return "nothing" if tensor is None else f"{tuple(tensor.shape)} {str(tensor.dtype)[6:]}"
