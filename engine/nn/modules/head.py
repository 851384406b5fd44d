"""The detection head and what the heads built on it share: from a pyramid of feature maps to objects.

In training a head returns the raw tensors that the losses take, a dictionary:

- ``boxes`` (B, 4 * reg_max, A): logits of the distances left, top, right, bottom, in cells (with
  ``reg_max=1`` the distances themselves);
- ``scores`` (B, nc, A): class logits;
- ``feats``: the maps it was given;
- what a task adds: ``mask_coefficient``, ``proto``, ``kpts``, ``angle``, see the task's file.

A head with one-to-one branches besides its one-to-many ones (consistent dual assignments: YOLOv10, Wang
et al. 2024) returns one such dictionary for each, under ``one2many`` and ``one2one``.

In eval mode it returns ``(final, raw)``: final is (B, 4 + nc + extras, A), boxes xywh in input pixels and
scores 0..1; or, where the one-to-one branch answers, (B, max_det, 6 + extras), one row an object. A counts
the cells of all levels.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from copy import deepcopy
from typing import Any, ClassVar

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from engine.nn.modules.block import DFL
from engine.nn.modules.conv import Conv, DWConv
from engine.ops.anchors import dist2bbox, make_anchors
from engine.runtime.errors import ModelError

# the tensors above under their names, and the list of feature maps
Raw = dict[str, Any]
# the decoded tensor, alone or with what belongs to the whole image
Final = Any

# How many objects an untrained head expects in an image of 640 x 640 pixels (focal loss prior)
PRIOR_OBJECTS = 5
PRIOR_IMGSZ = 640
# Shapes whose anchors are kept: validation with rectangles walks through a few dozen
CACHED_SHAPES = 64
ONE2ONE = "one2one_"


class Detect(nn.Module):
    """Anchor-free detection head with one branch for boxes and one for classes.

    Attributes:
        nc: Number of classes.
        nl: Number of levels.
        reg_max: Bins of each box distance.
        no: Channels of the raw output to a cell.
        stride: (nl,) input pixels to a cell; zeros until the model has found them.
        max_det: Rows that the one-to-one branch gives to an image.
        dynamic: Compute the anchors inside the graph, for exports with free height and width.
    """

    # name of a raw tensor -> attribute of the branches that make it
    branch_names: ClassVar[dict[str, str]] = {"boxes": "cv2", "scores": "cv3"}
    # attributes of further parts that the one-to-one side has copies of, and that only training needs
    more_copied: ClassVar[tuple[str, ...]] = ()
    training_only: ClassVar[tuple[str, ...]] = ()

    def __init__(
        self,
        nc: int = 80,
        reg_max: int = 16,
        end2end: bool | None = False,
        ch: Sequence[int] = (),
        legacy: bool = False,
    ) -> None:
        """Make the head.

        Args:
            nc: Number of classes.
            reg_max: Bins of each box distance; 1 regresses the distance itself.
            end2end: Add one-to-one branches, which need no removal of duplicates.
            ch: Channels of the maps it is given, one a level.
            legacy: Take plain convolutions in the class branch, as families before YOLO11 do.
        """
        super().__init__()
        self.nc = nc
        self.nl = len(ch)
        self.reg_max = reg_max
        self.no = nc + 4 * reg_max
        self.stride = torch.zeros(self.nl, device="cpu")  # also where the rest has no memory
        self.max_det = 300
        self.dynamic = False
        self._end2end = False
        self._anchors: dict[tuple[object, ...], tuple[Tensor, Tensor]] = {}
        self._held: tuple[Tensor, Tensor] | None = None
        box, cls = max(16, ch[0] // 4, 4 * reg_max), max(ch[0], min(nc, 100))
        class_branch = plain_branch if legacy else _depthwise_branch
        self.cv2 = nn.ModuleList(plain_branch(c, box, 4 * reg_max) for c in ch)
        self.cv3 = nn.ModuleList(class_branch(c, cls, nc) for c in ch)
        self.dfl = DFL(reg_max) if reg_max > 1 else nn.Identity()
        if end2end:
            self.add_one2one("cv2", "cv3")

    # Which branches there are

    @property
    def has_one2one(self) -> bool:
        """Whether the one-to-one branches are there."""
        return getattr(self, ONE2ONE + "cv2", None) is not None

    @property
    def has_one2many(self) -> bool:
        """Whether the one-to-many branches are there; fusing an end-to-end head takes them away."""
        return self.cv2 is not None

    @property
    def end2end(self) -> bool:
        """Whether the one-to-one branch answers in eval mode, so that nothing needs to be suppressed."""
        return self._end2end

    @end2end.setter
    def end2end(self, value: bool) -> None:
        if value and not self.has_one2one:
            raise ModelError("this head has no one-to-one branch, it needs removal of duplicates.")
        if not value and not self.has_one2many:
            raise ModelError("the one-to-many branch of this head was removed when it was fused.")
        self._end2end = bool(value)

    def add_one2one(self, *names: str) -> None:
        """Give the one-to-one side copies of the parts under these attributes."""
        for name in names:
            setattr(self, ONE2ONE + name, deepcopy(getattr(self, name)))

    def branches(self, one2one: bool = False) -> dict[str, Any]:
        """Return raw name to branches (one a level), of the one-to-many or the one-to-one side."""
        prefix = ONE2ONE if one2one else ""
        return {raw: getattr(self, prefix + name) for raw, name in self.branch_names.items()}

    def fuse(self) -> None:
        """Take away the side that does not answer, and what only training needs."""
        if self.has_one2one:
            unused = "" if self.end2end else ONE2ONE
            for name in (*self.branch_names.values(), *self.more_copied):
                setattr(self, unused + name, None)
        for name in self.training_only:
            if getattr(self, name, None) is not None:
                setattr(self, name, None)

    # Forward

    def forward(self, feats: Sequence[Tensor]) -> Raw | tuple[Final, Raw]:
        """Return the raw tensors in training, ``(final, raw)`` otherwise."""
        raw = self.raw(feats)
        return raw if self.training else (self.final(raw), raw)

    def raw(self, feats: Sequence[Tensor]) -> Raw:
        """Apply the branches that are there; see the top of this file for the keys."""
        return self.both_sides(feats, self.shared(feats))

    def both_sides(self, feats: Sequence[Tensor], shared: Raw) -> Raw:
        """Apply the branches that are there, with ``shared`` added to either side."""
        if not self.has_one2one:
            return self.side(feats, shared)
        # the one-to-one side learns on what the one-to-many side has taught the layers below
        apart = [f.detach() for f in feats] if self.training else feats
        one2one = self.side(apart, detached(shared) if self.training else shared, one2one=True)
        if not self.has_one2many:
            return {"one2one": one2one}
        return {"one2many": self.side(feats, shared), "one2one": one2one}

    def side(self, feats: Sequence[Tensor], shared: Raw, one2one: bool = False) -> Raw:
        """Apply one side's branches."""
        return joined(self.branches(one2one), feats, shared)

    def shared(self, feats: Sequence[Tensor]) -> Raw:
        """Return the raw tensors that belong to the whole image, the same for both sides."""
        return {}

    # Decoding

    def final(self, raw: Raw) -> Final:
        """Turn what :meth:`raw` gave into the final output of the side that answers."""
        return self.top_rows(raw["one2one"]) if self.end2end else self.decode(answering(raw))

    def decode(self, raw: Raw) -> Tensor:
        """Turn one side's raw tensors into (B, 4 + nc + extras, A): xywh in pixels, scores 0..1."""
        return torch.cat(self.decoded(raw), 1)

    def decoded(self, raw: Raw) -> tuple[Tensor, ...]:
        """Return the parts of :meth:`decode` one by one: boxes, scores, what the task adds."""
        return (self.boxes(raw, xywh=True), raw["scores"].sigmoid(), *self.extras(raw))

    def boxes(self, raw: Raw, xywh: bool) -> Tensor:
        """Return boxes (B, 4, A) in input pixels, as centre and size or as corners."""
        points, strides = self.anchors(raw["feats"])  # (2, A), (1, A)
        return dist2bbox(self.dfl(raw["boxes"]), points[None], xywh=xywh, dim=1) * strides

    def extras(self, raw: Raw) -> tuple[Tensor, ...]:
        """Return what a task adds to each cell after the scores, each (B, C, A)."""
        return ()

    def classes(self, raw: Raw) -> int:
        """Return the number of classes that one side's raw tensors are about."""
        return self.nc

    def top_rows(self, raw: Raw) -> Tensor:
        """Return the surest objects of an image, (B, min(max_det, A), 6 + extras).

        In a :attr:`dynamic` head there are always max_det rows, of score 0 where there are fewer cells. A row is x1, y1, x2, y2 in input pixels, score, class, extras. Cells are first ranked by their best
        class, then all classes of the kept cells compete (YOLOv10).
        """
        nc = self.classes(raw)
        scores = raw["scores"].sigmoid().transpose(1, 2)  # (B, A, nc)
        values = torch.cat((self.boxes(raw, xywh=False), *self.extras(raw)), 1).transpose(1, 2)
        if (
            self.dynamic
        ):  # a recorded graph takes a fixed number of rows, however few cells an image has
            scores, values = (F.pad(x, (0, 0, 0, self.max_det)) for x in (scores, values))
        k = self.max_det if self.dynamic else min(self.max_det, scores.shape[1])
        cells = scores.amax(2).topk(k, 1).indices[..., None]  # (B, k, 1)
        scores = scores.gather(1, cells.expand(-1, -1, nc))
        best, index = scores.flatten(1).topk(k, 1)
        cells = cells.gather(1, (index // nc)[..., None])
        chosen = values.gather(1, cells.expand(-1, -1, values.shape[2]))
        labels = (index % nc)[..., None].to(best.dtype)
        return torch.cat((chosen[..., :4], best[..., None], labels, chosen[..., 4:]), 2)

    def anchors(self, feats: Sequence[Tensor]) -> tuple[Tensor, Tensor]:
        """Return points (2, A) in cells and strides (1, A), kept for each set of map shapes."""
        if self._held is not None:
            return self._held
        if self.dynamic:
            return self._make_anchors(feats)
        like = feats[0]
        key = (like.dtype, like.device, *((int(f.shape[2]), int(f.shape[3])) for f in feats))
        if key not in self._anchors:
            if len(self._anchors) >= CACHED_SHAPES:
                self._anchors.clear()
            # tensors made under inference_mode could not be used by a later forward with gradients
            with torch.inference_mode(False), torch.no_grad():
                self._anchors[key] = self._make_anchors(feats)
        return self._anchors[key]

    def hold_anchors(self) -> None:
        """Take the anchors of the images seen last for all to come, for recorders that know no sizes.

        Raises:
            ModelError: There are none: the head was not run yet, or leaves sizes free.
        """
        if not self._anchors:
            raise ModelError(
                "this head has no anchors to hold: run it on images of one size first."
            )
        self._held = list(self._anchors.values())[-1]

    def set_stride(self, stride: Tensor) -> None:
        """Take the strides (nl,) and forget what was computed with others."""
        self.stride = stride
        self._anchors.clear()
        self._held = None

    def init_bias(self) -> None:
        """Start from the prior that objects are rare: ``PRIOR_OBJECTS`` an image, any class alike."""
        for branches in self._sides():
            pairs = zip(branches["boxes"], branches["scores"], self.stride.tolist(), strict=True)
            for box, cls, stride in pairs:
                _last_bias(box).fill_(1.0)
                cells = (PRIOR_IMGSZ / stride) ** 2
                _last_bias(cls).fill_(math.log(PRIOR_OBJECTS / self.nc / cells))

    def _sides(self) -> Iterator[dict[str, Any]]:
        if self.has_one2many:
            yield self.branches()
        if self.has_one2one:
            yield self.branches(one2one=True)

    def _make_anchors(self, feats: Sequence[Tensor]) -> tuple[Tensor, Tensor]:
        points, strides = make_anchors(feats, self.stride.tolist())
        return points.T, strides.T

    def __getstate__(self) -> dict[str, object]:
        """Leave the kept anchors out of copies: they are quickly made again."""
        return {**self.__dict__, "_anchors": {}, "_held": None}


def joined(branches: Mapping[str, Any], feats: Sequence[Tensor], shared: Raw) -> Raw:
    """Apply branches (raw name -> one a level) and add ``shared``, in the order of the raw tensors."""
    made = {name: over_levels(b, feats) for name, b in branches.items()}
    first = {name: made.pop(name) for name in ("boxes", "scores")}
    return {**first, "feats": list(feats), **made, **shared}


def answering(raw: Raw) -> Raw:
    """Return the one-to-many side of raw tensors, or the tensors where there is one side only."""
    return raw.get("one2many", raw)


def detached(values: Raw) -> Raw:
    """Return tensors, and pairs of them, without their gradients."""
    return {
        name: tuple(v.detach() for v in value) if isinstance(value, tuple) else value.detach()
        for name, value in values.items()
    }


def plain_branch(c1: int, hidden: int, c2: int) -> nn.Sequential:
    """Return two 3 x 3 convolutions and a linear one."""
    return nn.Sequential(Conv(c1, hidden, 3), Conv(hidden, hidden, 3), nn.Conv2d(hidden, c2, 1))


def over_levels(branches: Any, feats: Sequence[Tensor]) -> Tensor:
    """Apply a branch to each level and join the cells: (B, C, A)."""
    cells = [_predicted(branch, x).flatten(2) for branch, x in zip(branches, feats, strict=True)]
    return torch.cat(cells, 2)


def _predicted(branch: Any, x: Tensor) -> Tensor:
    """Apply a branch; in a training in mixed precision its last convolution is computed in float32.

    A network without training says about -10 for each class, where steps of bfloat16 are a sixteenth wide: what it
    begins to learn would be lost between them.
    """
    learns = isinstance(branch, nn.Sequential) and branch.training
    if not learns or not _is_mixed(x.device.type):
        return branch(x)  # type: ignore[no-any-return]
    *first, last = branch
    for module in first:
        x = module(x)
    with torch.autocast(x.device.type, enabled=False):
        return last(x.float())  # type: ignore[no-any-return]


def _is_mixed(device: str) -> bool:
    """Say whether a kind of device computes in mixed precision now; some, such as "meta", know none."""
    return torch.amp.is_autocast_available(device) and torch.is_autocast_enabled(device)


def _depthwise_branch(c1: int, hidden: int, c2: int) -> nn.Sequential:
    return nn.Sequential(
        nn.Sequential(DWConv(c1, c1, 3), Conv(c1, hidden)),
        nn.Sequential(DWConv(hidden, hidden, 3), Conv(hidden, hidden)),
        nn.Conv2d(hidden, c2, 1),
    )


def _last_bias(branch: Any) -> Tensor:
    return branch[-1].bias.data
