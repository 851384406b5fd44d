"""Ready-made policies of colour and shape changes for classification pictures. Loads no torch.

RandAugment (Cubuk et al., 2020, arXiv:1909.13719), AutoAugment's policy for ImageNet (Cubuk et al., 2019,
arXiv:1805.09501, table 9) and AugMix (Hendrycks et al., 2020, arXiv:1912.02781), over one table of changes.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from PIL import Image, ImageEnhance, ImageOps

from engine.data.transforms.sample import FILL

Picture = Image.Image
Policy = Callable[[Picture, np.random.Generator], Picture]

# What shows where a picture was moved away: the ground of letterboxes.
_GROUND = (FILL,) * 3
_SHEAR, _TURN, _ENHANCE = 0.3, 30.0, 0.9
_STILL = ((1.0, 0.0), (0.0, 1.0))
_MOVE = 150 / 331  # the paper's 150 pixels of its pictures of 331


def _moved(
    picture: Picture,
    rows: tuple[tuple[float, float], tuple[float, float]],
    move: tuple[float, float] = (0, 0),
) -> Picture:
    """Move a picture about its middle; ``rows`` and ``move`` say where each pixel comes from."""
    import cv2

    turn = np.array(rows, dtype=np.float64)
    middle = np.array([picture.width - 1, picture.height - 1]) / 2
    matrix = np.column_stack((turn, middle - turn @ middle + move))
    # Ten times as fast as PIL's, which is most of what a policy costs
    moved = cv2.warpAffine(
        np.asarray(picture),
        matrix,
        picture.size,
        flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP,
        borderValue=_GROUND,
    )
    return Image.fromarray(moved)


def _turned(picture: Picture, degrees: float) -> Picture:
    c, s = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
    return _moved(picture, ((c, -s), (s, c)))


def _enhanced(
    kind: Callable[[Picture], ImageEnhance._Enhance],
) -> Callable[[Picture, float], Picture]:
    return lambda picture, s: kind(picture).enhance(1 + _ENHANCE * s)


# Change -> function of a picture and a strength of -1..1; those of _ONE_WAY know no sign.
CHANGES: dict[str, Callable[[Picture, float], Picture]] = {
    "shear_x": lambda p, s: _moved(p, ((1, _SHEAR * s), (0, 1))),
    "shear_y": lambda p, s: _moved(p, ((1, 0), (_SHEAR * s, 1))),
    "translate_x": lambda p, s: _moved(p, _STILL, (_MOVE * s * p.width, 0)),
    "translate_y": lambda p, s: _moved(p, _STILL, (0, _MOVE * s * p.height)),
    "rotate": lambda p, s: _turned(p, _TURN * s),
    "brightness": _enhanced(ImageEnhance.Brightness),
    "color": _enhanced(ImageEnhance.Color),
    "contrast": _enhanced(ImageEnhance.Contrast),
    "sharpness": _enhanced(ImageEnhance.Sharpness),
    "posterize": lambda p, s: ImageOps.posterize(p, 8 - round(4 * s)),
    "solarize": lambda p, s: ImageOps.solarize(p, round(256 * (1 - s))),
    "autocontrast": lambda p, s: ImageOps.autocontrast(p),
    "equalize": lambda p, s: ImageOps.equalize(p),
    "invert": lambda p, s: ImageOps.invert(p),
    "identity": lambda p, s: p,
}
_ONE_WAY = {"posterize", "solarize", "autocontrast", "equalize", "invert", "identity"}
_RAND = tuple(name for name in CHANGES if name != "invert")
_MIX = tuple(name for name in _RAND if name != "identity")

# The paper's pairs for ImageNet: change, probability, level of 0..9.
_Step = tuple[str, float, int]
_IMAGENET: tuple[tuple[_Step, _Step], ...] = (
    (("posterize", 0.4, 8), ("rotate", 0.6, 9)),
    (("solarize", 0.6, 5), ("autocontrast", 0.6, 5)),
    (("equalize", 0.8, 8), ("equalize", 0.6, 3)),
    (("posterize", 0.6, 7), ("posterize", 0.6, 6)),
    (("equalize", 0.4, 7), ("solarize", 0.2, 4)),
    (("equalize", 0.4, 4), ("rotate", 0.8, 8)),
    (("solarize", 0.6, 3), ("equalize", 0.6, 7)),
    (("posterize", 0.8, 5), ("equalize", 1.0, 2)),
    (("rotate", 0.2, 3), ("solarize", 0.6, 8)),
    (("equalize", 0.6, 8), ("posterize", 0.4, 6)),
    (("rotate", 0.8, 8), ("color", 0.4, 0)),
    (("rotate", 0.4, 9), ("equalize", 0.6, 2)),
    (("equalize", 0.0, 7), ("equalize", 0.8, 8)),
    (("invert", 0.6, 4), ("equalize", 1.0, 8)),
    (("color", 0.6, 4), ("contrast", 1.0, 8)),
    (("rotate", 0.8, 8), ("color", 1.0, 2)),
    (("color", 0.8, 8), ("solarize", 0.8, 7)),
    (("sharpness", 0.4, 7), ("invert", 0.6, 8)),
    (("shear_x", 0.6, 5), ("equalize", 1.0, 9)),
    (("color", 0.4, 0), ("equalize", 0.6, 3)),
    (("equalize", 0.4, 7), ("solarize", 0.2, 4)),
    (("solarize", 0.6, 5), ("autocontrast", 0.6, 5)),
    (("invert", 0.6, 4), ("equalize", 1.0, 8)),
    (("color", 0.6, 4), ("contrast", 1.0, 8)),
    (("equalize", 0.8, 8), ("equalize", 0.6, 3)),
)
_LEVELS = 9


def rand_augment(picture: Picture, rng: np.random.Generator) -> Picture:
    """Make two changes drawn at random, each at 9 of 30 of its strength."""
    for _ in range(2):
        picture = change(picture, _RAND[rng.integers(len(_RAND))], 9 / 30, rng)
    return picture


def auto_augment(picture: Picture, rng: np.random.Generator) -> Picture:
    """Make the changes of one of the 25 pairs that were found best for ImageNet."""
    for name, probability, level in _IMAGENET[rng.integers(len(_IMAGENET))]:
        if rng.random() < probability:
            picture = change(picture, name, level / _LEVELS, rng)
    return picture


def aug_mix(
    picture: Picture,
    rng: np.random.Generator,
    width: int = 3,
    severity: float = 0.3,
    alpha: float = 1.0,
) -> Picture:
    """Mix a picture with copies that went through chains of changes.

    Args:
        picture: RGB.
        rng: Source of the random choices.
        width: Number of chains; each has one to three changes.
        severity: Most strength of a change, 0..1.
        alpha: Of the distributions that the shares are drawn from.
    """
    original = np.asarray(picture, dtype=np.float32)
    kept = rng.beta(alpha, alpha)
    mixed = kept * original
    for share in rng.dirichlet([alpha] * width):
        copy = picture
        for _ in range(rng.integers(1, 4)):
            name = _MIX[rng.integers(len(_MIX))]
            copy = change(copy, name, rng.uniform(0, severity), rng)
        mixed += (1 - kept) * share * np.asarray(copy, dtype=np.float32)
    return Image.fromarray(np.rint(mixed).clip(0, 255).astype(np.uint8))


def change(picture: Picture, name: str, strength: float, rng: np.random.Generator) -> Picture:
    """Make one change of :data:`CHANGES`, either way where it has two.

    Args:
        picture: RGB.
        name: The change.
        strength: 0..1.
        rng: Draws the way.
    """
    if name not in _ONE_WAY and rng.random() < 0.5:
        strength = -strength
    return CHANGES[name](picture, strength)


POLICIES: dict[str, Policy] = {
    "randaugment": rand_augment,
    "autoaugment": auto_augment,
    "augmix": aug_mix,
}
