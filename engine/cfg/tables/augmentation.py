"""Arguments that vary the training images."""

from __future__ import annotations

from engine.cfg.argument import Argument

_TRAIN = ("train",)
_SHAPES = ("detect", "segment", "pose", "obb")
_PLACES = (*_SHAPES, "semseg")
_ALSO_CLASSES = (*_PLACES, "classify")
_OUTLINED = ("detect", "segment", "obb")


def _augmentation(
    name: str,
    default: float,
    help: str,
    low: float = 0.0,
    high: float | None = 1.0,
    tasks: tuple[str, ...] = _PLACES,
) -> Argument:
    return Argument(
        name, "float", default, help, "Augmentation", _TRAIN, tasks=tasks, low=low, high=high
    )


AUGMENTATION: tuple[Argument, ...] = (
    _augmentation(
        "hsv_h",
        0.015,
        "Shift the hue at random by up to this part of the colour wheel. Classifiers take the colour "
        "changes only without auto_augment, which has its own.",
        tasks=_ALSO_CLASSES,
    ),
    _augmentation(
        "hsv_s",
        0.7,
        "Change the saturation at random by up to this part.",
        tasks=_ALSO_CLASSES,
    ),
    _augmentation(
        "hsv_v",
        0.4,
        "Change the brightness at random by up to this part.",
        tasks=_ALSO_CLASSES,
    ),
    _augmentation(
        "degrees", 0.0, "Turn images at random by up to this many degrees.", -180.0, 180.0
    ),
    _augmentation(
        "translate", 0.1, "Move images at random by up to this part of their width and height."
    ),
    _augmentation(
        "scale",
        0.5,
        "Enlarge or shrink images at random by up to this part: 0.5 gives half to one and a half. "
        "Classifiers see a random cut-out of 1 - scale to all of an image's area.",
        high=None,
        tasks=_ALSO_CLASSES,
    ),
    _augmentation(
        "shear", 0.0, "Slant images at random by up to this many degrees.", -180.0, 180.0
    ),
    _augmentation(
        "perspective",
        0.0,
        "Tilt images at random as if seen from the side; 0.001 is already strong.",
        high=0.001,
    ),
    _augmentation(
        "flipud", 0.0, "Probability of turning an image upside down.", tasks=_ALSO_CLASSES
    ),
    _augmentation(
        "fliplr",
        0.5,
        "Probability of mirroring an image left to right. Set 0 where left and right differ, as in text.",
        tasks=_ALSO_CLASSES,
    ),
    _augmentation(
        "bgr", 0.0, "Probability of swapping the red and blue channels.", tasks=_ALSO_CLASSES
    ),
    _augmentation(
        "mosaic", 1.0, "Probability of putting four images together into one training image."
    ),
    Argument(
        "close_mosaic",
        "int",
        10,
        "The last epochs, this many, go without mosaic and see whole images as in use; 0 keeps it.",
        "Augmentation",
        _TRAIN,
        tasks=_PLACES,
        low=0,
    ),
    _augmentation(
        "mixup",
        0.0,
        "Probability of blending an image, with its labels, into another.",
        tasks=_SHAPES,
    ),
    _augmentation(
        "cutmix", 0.0, "Probability of replacing a rectangle of an image by that of another."
    ),
    _augmentation(
        "copy_paste",
        0.0,
        "Probability of pasting outlined objects into another place. Needs labels with outlines, not boxes.",
        tasks=_OUTLINED,
    ),
    Argument(
        "copy_paste_mode",
        "str",
        "flip",
        "Where pasted objects come from: the mirrored image itself (flip) or another image (mixup).",
        "Augmentation",
        _TRAIN,
        tasks=_OUTLINED,
        choices=("flip", "mixup"),
    ),
    Argument(
        "auto_augment",
        "str",
        "randaugment",
        "A ready-made policy of colour and shape changes for classification images.",
        "Augmentation",
        _TRAIN,
        tasks=("classify",),
        choices=("randaugment", "autoaugment", "augmix"),
        optional=True,
    ),
    _augmentation(
        "erasing",
        0.4,
        "Probability of blanking a random part of a classification image.",
        high=0.9,
        tasks=("classify",),
    ),
    Argument(
        "crop_fraction",
        "float",
        1.0,
        "Part of a classification image's width and height, around its centre, that is looked at. "
        "A model remembers what it was trained with.",
        "Augmentation",
        ("train", "val", "predict"),
        tasks=("classify",),
        low=0.1,
        high=1.0,
    ),
)
