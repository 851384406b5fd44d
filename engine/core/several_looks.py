"""Looking at an image several times, mirrored and scaled, and joining what is found: ``augment=True``.

The views' candidates stand side by side and duplicates are removed over all of them. Masks: each view has
prototypes of its own, so those of all views are stacked, and a candidate's coefficients are 0 for the others'.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import torch
import torch.nn.functional as F

from engine.core.outputs import decoded
from engine.nn.autobackend import AutoBackend
from engine.runtime.errors import ConfigError


class Look(NamedTuple):
    """One way to look at an image.

    Attributes:
        scale: Of its sides.
        mirrored: Left and right change places.
    """

    scale: float
    mirrored: bool


# The field's: each scale costs its square, together about twice one look.
LOOKS = (Look(1.0, False), Look(0.83, True), Look(0.67, False))


def chosen_branch(args: Any) -> bool | None:
    """Say which branch of the head answers: with ``nms=False`` the one without duplicates, None as it is set.

    Several looks find everything several times, so the branch of candidates answers them.
    """
    if args.augment and args.nms is None:
        return False
    return None if args.nms is None else not args.nms


def check_looks(backend: AutoBackend) -> None:
    """See whether a model can look at images several times.

    Raises:
        ConfigError: It takes images of one size only, or removes duplicates itself.
    """
    if backend.dynamic and not backend.end2end:
        return
    why = "finds each object once" if backend.end2end else "takes images of one size only"
    raise ConfigError(
        f"augment=True needs candidates from images of several sizes, but this model {why}.",
        remedy="Leave augment out, or use the .pt file.",
    )


def look(
    network: Callable[[torch.Tensor], Any], images: torch.Tensor, nc: int, stride: int
) -> tuple[torch.Tensor, ...]:
    """Run a network on several views of a batch.

    Args:
        network: Gives detections (B, 4 + nc + nm, A), and prototypes (B, nm, h, w) where there are masks.
        images: (B, 3, H, W), sides multiples of ``stride``.
        nc: Number of classes.
        stride: Of the network.

    Returns:
        Detections (B, 4 + nc + views * nm, all A), in pixels of ``images``, and with masks prototypes
        (B, views * nm, h, w).
    """
    found = [_look_once(network, images, view, stride) for view in LOOKS]
    detections = [boxes for boxes, _ in found]
    protos = [planes for _, planes in found if planes is not None]
    if not protos:
        return (torch.cat(detections, 2),)
    extra = protos[0].shape[1]
    spread = []
    for place, one in enumerate(detections):
        heads, coefficients = one.split((4 + nc, extra), 1)
        before, after = (
            coefficients.new_zeros(len(one), extra * count, one.shape[2])
            for count in (place, len(LOOKS) - 1 - place)
        )
        spread.append(torch.cat((heads, before, coefficients, after), 1))
    size = protos[0].shape[2:]
    planes = [p if p.shape[2:] == size else _resize(p, size) for p in protos]
    return torch.cat(spread, 2), torch.cat(planes, 1)


def _look_once(
    network: Callable[[torch.Tensor], Any], images: torch.Tensor, view: Look, stride: int
) -> tuple[torch.Tensor, torch.Tensor | None]:
    """Return detections in pixels of ``images``, and prototypes the right way round."""
    height, width = images.shape[2:]
    size = [max(round(side * view.scale / stride), 1) * stride for side in (height, width)]
    seen = images if size == [height, width] else _resize(images, size)
    found, *planes = decoded(network(seen.flip(3) if view.mirrored else seen))
    found = found.clone()
    if view.mirrored:
        found[:, 0] = size[1] - found[:, 0]
    found[:, 0:4:2] *= width / size[1]
    found[:, 1:4:2] *= height / size[0]
    if not planes:
        return found, None
    return found, planes[0].flip(3) if view.mirrored else planes[0]


def _resize(images: torch.Tensor, size: Any) -> torch.Tensor:
    resized: torch.Tensor = F.interpolate(
        images.float(), tuple(size), mode="bilinear", align_corners=False, antialias=True
    )
    return resized.to(images.dtype)
