"""The augmentation of a training as a whole: which transforms, in which order, from which arguments."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from engine.data.transforms.affine import RandomPerspective
from engine.data.transforms.blend import mirrored, mixup, paste_shapes
from engine.data.transforms.cutmix import cutmix
from engine.data.transforms.hsv import RandomHSV
from engine.data.transforms.letterbox import LetterBox
from engine.data.transforms.montage import Tile, montage
from engine.data.transforms.mosaic import Mosaic
from engine.data.transforms.sample import Sample


@dataclass(frozen=True)
class Probabilities:
    """How likely the transforms that need other pictures are.

    Attributes:
        mosaic: Four pictures in one.
        mixup: Another picture laid over.
        cutmix: A rectangle of another picture in its place.
        copy_paste: For each object with an outline, of a mirrored or another picture.
    """

    mosaic: float = 0.0
    mixup: float = 0.0
    cutmix: float = 0.0
    copy_paste: float = 0.0


class Augmentation:
    """Makes training samples: mosaic or letterbox, pasted objects, one map, blends, colours."""

    def __init__(
        self,
        imgsz: int,
        warp: RandomPerspective,
        colors: RandomHSV,
        likely: Probabilities,
        copy_paste_mode: str = "flip",
    ) -> None:
        """Take the parts; :meth:`from_arguments` builds them."""
        self.warp, self.colors, self.likely = warp, colors, likely
        self.copy_paste_mode = copy_paste_mode
        self.mosaic = Mosaic(imgsz)
        self.letterbox = LetterBox(imgsz)

    @classmethod
    def from_arguments(cls, imgsz: int, args: Any) -> Augmentation:
        """Build from training arguments; those that are missing take their field's usual values."""

        def given(name: str, default: float) -> float:
            value = getattr(args, name, None)
            return default if value is None else float(value)

        names = ("degrees", "translate", "scale", "shear", "perspective", "flipud", "fliplr")
        usual = RandomPerspective(imgsz)
        warp = RandomPerspective(imgsz, **{n: given(n, getattr(usual, n)) for n in names})
        colors = RandomHSV(given("hsv_h", 0.015), given("hsv_s", 0.7), given("hsv_v", 0.4))
        likely = Probabilities(
            given("mosaic", 1.0),
            given("mixup", 0.0),
            given("cutmix", 0.0),
            given("copy_paste", 0.0),
        )
        return cls(imgsz, warp, colors, likely, getattr(args, "copy_paste_mode", None) or "flip")

    def __call__(
        self,
        index: int,
        load: Callable[[int], Sample],
        others: Sequence[int],
        rng: np.random.Generator,
        blends: bool = True,
    ) -> Sample:
        """Make one sample.

        Args:
            index: Its picture.
            load: Gives the sample of a picture, at most ``imgsz`` long; its pixels are not changed.
            others: Pictures that may take part in it.
            rng: Source of every random choice here.
            blends: Whether other pictures may take part (they may not in the last epochs).
        """
        sample = self._warped(index, load, others, rng, blends)
        for likely, blend in ((self.likely.mixup, mixup), (self.likely.cutmix, cutmix)):
            if blends and likely and rng.random() < likely:
                other = self._warped(_one_of(others, rng), load, others, rng, blends)
                sample = blend(sample, other, rng)
        return self.colors(sample, rng)

    def _warped(
        self,
        index: int,
        load: Callable[[int], Sample],
        others: Sequence[int],
        rng: np.random.Generator,
        blends: bool,
    ) -> Sample:
        """Return a picture of its own: the map is the first step that makes new pixels."""
        mosaic = blends and self.likely.mosaic and rng.random() < self.likely.mosaic
        pasting = blends and self.likely.copy_paste
        chosen = rng.integers(len(others), size=3).tolist() if mosaic else []
        samples = [load(index), *(load(others[i]) for i in chosen)]
        if pasting or not self.warp.is_upright:
            sample = self.mosaic(samples, rng) if mosaic else self.letterbox.apply(samples[0])
            if pasting:
                sample = self._pasted(sample, load, others, rng)
            return self.warp(sample, rng)
        side = self.warp.imgsz
        if mosaic:
            tiles, canvas = self.mosaic.tiles(samples, rng), (2 * side, 2 * side)
        else:
            place = self.letterbox.placement(*samples[0].size)
            tiles, canvas = [Tile.placed(samples[0], place)], place.out_hw
        return montage(tiles, self.warp.draw(canvas, rng), side)

    def _pasted(
        self,
        sample: Sample,
        load: Callable[[int], Sample],
        others: Sequence[int],
        rng: np.random.Generator,
    ) -> Sample:
        if self.copy_paste_mode == "flip":
            source = mirrored(sample)
        else:
            other = load(_one_of(others, rng))
            source = LetterBox(sample.size).apply(other)
        return paste_shapes(sample, source, self.likely.copy_paste, rng)


def _one_of(others: Sequence[int], rng: np.random.Generator) -> int:
    return others[int(rng.integers(len(others)))]
