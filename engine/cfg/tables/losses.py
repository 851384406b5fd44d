"""Arguments that weigh the parts of the loss, and those of single tasks' heads."""

from __future__ import annotations

from engine.cfg.argument import Argument

_TRAIN = ("train",)
_BOXES = ("detect", "segment", "pose", "obb")

LOSSES: tuple[Argument, ...] = (
    Argument(
        "box",
        "float",
        7.5,
        "Weight of the box loss: how much well-placed boxes matter.",
        "Losses",
        _TRAIN,
        tasks=_BOXES,
        low=0.0,
    ),
    Argument(
        "cls",
        "float",
        0.5,
        "Weight of the classification loss: how much the right class matters.",
        "Losses",
        _TRAIN,
        tasks=_BOXES,
        low=0.0,
    ),
    Argument(
        "dfl",
        "float",
        1.5,
        "Weight of the distribution focal loss, which sharpens the position of box edges.",
        "Losses",
        _TRAIN,
        tasks=_BOXES,
        low=0.0,
    ),
    Argument(
        "pose",
        "float",
        12.0,
        "Weight of the keypoint position loss.",
        "Losses",
        _TRAIN,
        tasks=("pose",),
        low=0.0,
    ),
    Argument(
        "kobj",
        "float",
        2.0,
        "Weight of the keypoint visibility loss.",
        "Losses",
        _TRAIN,
        tasks=("pose",),
        low=0.0,
    ),
    Argument(
        "angle",
        "float",
        1.0,
        "Weight of the angle loss of oriented boxes.",
        "Losses",
        _TRAIN,
        tasks=("obb",),
        low=0.0,
    ),
    Argument(
        "label_smoothing",
        "float",
        0.0,
        "Soften the target classes by this much, so that a wrong label does less harm.",
        "Losses",
        _TRAIN,
        low=0.0,
        high=1.0,
    ),
    Argument(
        "overlap_mask",
        "bool",
        True,
        "Keep an image's masks in one index picture, where a smaller object covers a larger one. "
        "Off keeps overlaps and takes more memory.",
        "Losses",
        ("train", "val"),
        tasks=("segment",),
    ),
    Argument(
        "mask_ratio",
        "int",
        4,
        "Training masks are this many times smaller than the image.",
        "Losses",
        ("train", "val"),
        tasks=("segment",),
        low=1,
        high=32,
    ),
    Argument(
        "dropout",
        "float",
        0.0,
        "Part of the classification head's units left out at random in each step.",
        "Losses",
        _TRAIN,
        tasks=("classify",),
        low=0.0,
        high=1.0,
    ),
)
