"""Heads whose classes are embeddings of words or of things in images: YOLOE, Wang et al. 2025.

Their class branch gives an embedding to each cell, which is compared with those of the classes. Two forms
come from that, for inference:

- folded (:meth:`YOLOEDetect.fold`): a fixed list of classes has gone into the last convolutions; the head
  is then like a plain one and takes no embeddings;
- prompt-free (:meth:`YOLOEDetect.set_vocab`): a long vocabulary, asked only where something is. The raw
  tensors are those of the side that answers alone, and besides them ``index`` (A,) says which of all cells
  ``scores`` and ``mask_coefficient`` are about; ``boxes`` has them all.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar, TypeGuard

import torch
from torch import Tensor, nn

from engine.nn.modules.head import (
    ONE2ONE,
    PRIOR_IMGSZ,
    PRIOR_OBJECTS,
    Detect,
    Final,
    Raw,
    joined,
    over_levels,
)
from engine.nn.modules.prompts import (
    LRPC,
    SAVPE,
    BNContrastiveHead,
    ContrastiveHead,
    Residual,
    SwiGLU,
)
from engine.runtime.errors import ModelError

# Score for holding something that a cell needs before it is named, without prompts
OBJECT_CONF = 0.001
EMBEDDINGS = "embeddings"
# The published vocabulary has 4585 names; more than this is no vocabulary but a damaged file
MOST_CLASSES = 1_000_000


class YOLOEDetect(Detect):
    """Detection head with an open vocabulary.

    Attributes:
        embed: Length of the embeddings.
        is_folded: Whether the classes are in the convolutions.
        conf: Without prompts, cells that hold something with at most this score are not named; 0 names
            all, with ``index`` left out.
        lrpc: The last layers of the levels, without prompts; else None.
    """

    more_copied: ClassVar[tuple[str, ...]] = ("cv4", "lrpc")
    # attribute -> raw tensor that it has a part in, beside those of branch_names
    part_names: ClassVar[dict[str, str]] = {"cv4": "scores"}

    def __init__(
        self,
        nc: int = 80,
        embed: int = 512,
        with_bn: bool = True,
        reg_max: int = 16,
        end2end: bool | None = False,
        ch: Sequence[int] = (),
        legacy: bool = False,
    ) -> None:
        """Make the head.

        Args:
            nc: Number of classes until others are given.
            embed: Length of the embeddings.
            with_bn: Normalise the cells' embeddings by batch statistics, which can be folded, instead of
                to length one.
            reg_max: Bins of each box distance; 1 regresses the distance itself.
            end2end: Add one-to-one branches, which need no removal of duplicates.
            ch: Channels of the maps it is given, one a level.
            legacy: Take plain convolutions in the class branch, as families before YOLO11 do.
        """
        super().__init__(nc, reg_max, False, ch, legacy)
        self.embed = embed
        self.is_folded = False
        self.conf = OBJECT_CONF
        self.lrpc: nn.ModuleList | None = None
        self.one2one_lrpc: nn.ModuleList | None = None
        hidden = _in_channels(self.cv3[0])
        branch: Any
        for branch in self.cv3:
            branch[-1] = nn.Conv2d(hidden, embed, 1)
        if end2end:
            self.add_one2one("cv2", "cv3")
        self.cv4: Any = nn.ModuleList(
            BNContrastiveHead(embed) if with_bn else ContrastiveHead() for _ in ch
        )
        if end2end:
            self.add_one2one("cv4")
        self.reprta: nn.Module = Residual(SwiGLU(embed, embed))
        self.savpe: SAVPE | None = SAVPE(ch, hidden, embed)

    # Embeddings

    @property
    def takes_embeddings(self) -> bool:
        """Whether classes are given by embeddings, and not already in the weights."""
        return not self.is_folded and self.lrpc is None and self.one2one_lrpc is None

    def get_tpe(self, tpe: Tensor) -> Tensor:
        """Adapt embeddings of a text encoder (B, N, embed) to this head; each gets length one."""
        return nn.functional.normalize(self.reprta(tpe), dim=-1)

    def get_vpe(self, feats: Sequence[Tensor], visual: Tensor) -> Tensor:
        """Return embeddings (B, N, embed) of what masks point at.

        Args:
            feats: The maps of the image, as the head is given them.
            visual: (B, N, H, W) of the finest map's size, 1 on the thing and 0 elsewhere.

        Raises:
            ModelError: The masks have another size, or the head has lost its encoder.
        """
        if self.savpe is None:
            raise ModelError("this model has no encoder of visual prompts.")
        if visual.ndim != 4 or visual.shape[2:] != feats[0].shape[2:]:
            height, width = feats[0].shape[2:]
            raise ModelError(
                f"expected visual prompts (B, N, {height}, {width}), one cell to "
                f"{self.stride[0]:g} pixels, received {tuple(visual.shape)}.",
                value=tuple(visual.shape),
            )
        return self.savpe(feats, visual.to(feats[0]))

    def vocabulary(self, embeddings: Tensor, one2one: bool = False) -> nn.ModuleList:
        """Return the last class layers, one a level, with these classes in them; the head stays as is.

        Args:
            embeddings: (N, embed) or (1, N, embed).
            one2one: Of the one-to-one side.

        Raises:
            ModelError: The head has no such layers to fold.
        """
        heads = getattr(self, (ONE2ONE if one2one else "") + "cv4", None)
        if heads is None or not isinstance(heads[0], BNContrastiveHead):
            raise ModelError(
                "this head cannot take classes into its convolutions: they are in it already, or its "
                "embeddings are not normalised by batch statistics."
            )
        rows = embeddings.reshape(-1, self.embed)
        levels = zip(self.branches(one2one)["scores"], heads, strict=True)
        return nn.ModuleList(head.folded(branch[-1], rows) for branch, head in levels)

    # Forms

    @property
    def can_fold(self) -> bool:
        """Whether classes can go into the convolutions."""
        heads = self.cv4 if self.cv4 is not None else getattr(self, ONE2ONE + "cv4", None)
        return heads is not None and isinstance(heads[0], BNContrastiveHead)

    def set_nc(self, nc: int) -> None:
        """Take the number of classes that the embeddings or the vocabulary have."""
        self.nc = nc
        self.no = nc + 4 * self.reg_max

    def fuse(self, embeddings: Tensor | None = None) -> None:
        """Take away the side that does not answer; with embeddings :meth:`fold` them."""
        super().fuse()
        if embeddings is not None:
            self.fold(embeddings)

    def fold(self, embeddings: Tensor) -> None:
        """Put classes into the last convolutions; from then on they are fixed.

        The encoder of visual prompts stays, published files of this form have it.

        Args:
            embeddings: (N, embed) or (1, N, embed), already adapted.

        Raises:
            ModelError: It was done before, or the head is of the kind that cannot.
        """
        for one2one in self._sides_there():
            layers = self.vocabulary(embeddings, one2one)
            for branch, layer in zip(self.branches(one2one)["scores"], layers, strict=True):
                branch[-1] = layer
        for prefix in ("", ONE2ONE):
            if getattr(self, prefix + "cv4", None) is not None:
                setattr(self, prefix + "cv4", None)
        self.reprta = nn.Identity()
        self.is_folded = True
        self.set_nc(embeddings.reshape(-1, self.embed).shape[0])

    def set_vocab(self, vocab: nn.ModuleList, one2one_vocab: nn.ModuleList | None = None) -> None:
        """Become prompt-free: the one class folded in says where something is, a vocabulary what it is.

        Args:
            vocab: What :meth:`vocabulary` returned, of a model with the same features.
            one2one_vocab: The same for the one-to-one side; where that is the only side left, ``vocab``
                may stand for it.

        Raises:
            ModelError: The head does not have exactly one class folded in, a side has no vocabulary, or
                a vocabulary is made for other features.
        """
        if one2one_vocab is None and not self.has_one2many:
            one2one_vocab = vocab
        sides = {False: vocab, True: one2one_vocab}
        for one2one in self._sides_there():
            self._check_vocab(sides[one2one], one2one)
        for one2one in self._sides_there():
            layers = self._lazy_layers(sides[one2one], self.branches(one2one))
            setattr(self, (ONE2ONE if one2one else "") + "lrpc", layers)
        self.set_nc(classes_of(vocab))

    def take_form(self, tensors: Mapping[str, Tensor]) -> None:
        """Change into the form that a state dict (names without the head's own prefix) was stored from."""
        has = {name.split(".")[0] for name in tensors}
        words = _first(tensors, "lrpc.0.vocab.weight")
        last = _first(tensors, "lrpc.0.pf.weight" if words is not None else "cv3.0.2.weight")
        if not has & {"cv4", ONE2ONE + "cv4"} and _is_layer(last):
            like = next(self.parameters())
            self.fold(like.new_zeros(len(last), self.embed))
            if _is_layer(words) and len(last) == 1:
                blank = [nn.Conv2d(last.shape[1], len(words), 1).to(like) for _ in range(2)]
                self.set_vocab(*(nn.ModuleList([layer] * self.nl) for layer in blank))
        if "savpe" not in has:
            self.savpe = None

    # Forward

    def forward(
        self, feats: Sequence[Tensor], embeddings: Tensor | None = None
    ) -> Raw | tuple[Final, Raw]:
        """Return the raw tensors in training, ``(final, raw)`` otherwise.

        Args:
            feats: The maps.
            embeddings: (B or 1, N, embed) of the classes, adapted; none where they are in the weights.
        """
        raw = self.raw(feats, embeddings)
        return raw if self.training else (self.final(raw), raw)

    def raw(self, feats: Sequence[Tensor], embeddings: Tensor | None = None) -> Raw:
        """Apply the branches that are there; see the top of this file for the keys."""
        shared = self.shared(feats)
        if self.lrpc is not None or self.one2one_lrpc is not None:
            return self._without_prompts(feats, shared)
        return self.both_sides(
            feats, shared if self.is_folded else {**shared, EMBEDDINGS: embeddings}
        )

    def side(self, feats: Sequence[Tensor], shared: Raw, one2one: bool = False) -> Raw:
        """Apply one side's branches."""
        branches = self.branches(one2one)
        if EMBEDDINGS in shared:
            given = shared[EMBEDDINGS]
            shared = {name: value for name, value in shared.items() if name != EMBEDDINGS}
            heads = getattr(self, (ONE2ONE if one2one else "") + "cv4")
            pairs = zip(branches["scores"], heads, strict=True)
            branches = {**branches, "scores": [_compare(b, h, given) for b, h in pairs]}
        return joined(branches, feats, shared)

    def final(self, raw: Raw) -> Final:
        """Turn what :meth:`raw` gave into the final output of the side that answers."""
        return super().final({"one2one": raw} if self.end2end and "one2one" not in raw else raw)

    def boxes(self, raw: Raw, xywh: bool) -> Tensor:
        """Return boxes (B, 4, K) in input pixels, of the named cells only where some are not."""
        boxes = super().boxes(raw, xywh)
        return boxes[..., raw["index"]] if "index" in raw else boxes

    def classes(self, raw: Raw) -> int:
        """Return the number of classes that one side's raw tensors are about."""
        return int(raw["scores"].shape[1]) if self.takes_embeddings else self.nc

    def init_bias(self) -> None:
        """Start from the prior that objects are rare: ``PRIOR_OBJECTS`` an image, any class alike."""
        super().init_bias()
        for one2one in self._sides_there():
            heads = getattr(self, (ONE2ONE if one2one else "") + "cv4")
            branches = self.branches(one2one)["scores"]
            for branch, head, stride in zip(branches, heads, self.stride.tolist(), strict=True):
                branch[-1].bias.data.zero_()
                cells = (PRIOR_IMGSZ / stride) ** 2
                head.bias.data.fill_(math.log(PRIOR_OBJECTS / self.nc / cells))

    def _sides_there(self) -> list[bool]:
        """Return which sides there are: False the one-to-many, True the one-to-one."""
        return [s for s, there in ((False, self.has_one2many), (True, self.has_one2one)) if there]

    def _without_prompts(self, feats: Sequence[Tensor], shared: Raw) -> Raw:
        branches = self.branches(self.end2end)
        pairs = zip(branches.pop("scores"), branches.pop("boxes"), feats, strict=True)
        levels: Any = self.one2one_lrpc if self.end2end else self.lrpc
        found = [
            level(cls(x), box(x), self.conf)
            for level, (cls, box, x) in zip(levels, pairs, strict=True)
        ]
        kept = torch.cat([f.kept for f in found])
        others = {name: over_levels(b, feats) for name, b in branches.items()}
        raw = {
            "boxes": torch.cat([f.boxes for f in found], 2),
            "scores": torch.cat([f.scores for f in found], 2),
            "feats": list(feats),
        }
        if self.conf <= 0:
            return {**raw, **others, **shared}
        chosen = {name: values[..., kept] for name, values in others.items()}
        return {**raw, "index": kept, **chosen, **shared}

    def _check_vocab(self, vocab: nn.ModuleList | None, one2one: bool) -> None:
        side = "one-to-one" if one2one else "one-to-many"
        lasts = [branch[-1] for branch in self.branches(one2one)["scores"]]
        if any(getattr(last, "out_channels", 0) != 1 for last in lasts):
            raise ModelError(
                "a prompt-free model is made of one that has a single class in its convolutions.",
                remedy="Call set_classes with one name that stands for any object, then fuse().",
            )
        if vocab is None:
            raise ModelError(
                f"there is no vocabulary for the {side} side of this head.",
                remedy="Give both vocab and one2one_vocab, or fuse() first, which leaves one side.",
            )
        fits = len(vocab) == len(lasts) and all(
            _features_of(v) == last.in_channels for v, last in zip(vocab, lasts, strict=False)
        )
        if not fits:
            raise ModelError(f"the vocabulary for the {side} side was made by another model.")

    def _lazy_layers(self, vocab: Any, branches: Mapping[str, Any]) -> nn.ModuleList:
        """Move the last layer of each box and class branch into its :class:`LRPC`."""
        layers = nn.ModuleList()
        pairs = zip(vocab, branches["scores"], branches["boxes"], strict=True)
        for level, (words, cls, box) in enumerate(pairs):
            layers.append(LRPC(words, cls[-1], box[-1], enabled=level < self.nl - 1))
            del cls[-1], box[-1]
        return layers


def classes_of(vocab: Any) -> int:
    """Return how many names a vocabulary has."""
    return len(vocab[0].weight)


def _compare(branch: nn.Module, head: nn.Module, embeddings: Tensor) -> Callable[[Tensor], Tensor]:
    return lambda x: head(branch(x), embeddings)


def _in_channels(branch: Any) -> int:
    return branch[-1].in_channels


def _features_of(layer: Any) -> int:
    return int(layer.weight.shape[1])


def _first(tensors: Mapping[str, Tensor], *names: str) -> Tensor | None:
    """Return the first of these tensors that is there, of either side."""
    given = (tensors.get(prefix + name) for name in names for prefix in ("", ONE2ONE))
    return next((tensor for tensor in given if tensor is not None), None)


def _is_layer(weight: Tensor | None) -> TypeGuard[Tensor]:
    """Tell whether this is the weight of a layer that can give a plausible number of classes."""
    return weight is not None and weight.ndim in (2, 4) and 0 < len(weight) <= MOST_CLASSES
