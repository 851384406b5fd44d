"""Pictures from which a tool learns the ranges of numbers before it rounds them to eight bits."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from engine.data.class_folders import find_class_images, read_classify_data
from engine.data.images import read_image
from engine.data.labels.paths import find_images
from engine.data.transforms.letterbox import LetterBox
from engine.data.yaml_file import read_data_yaml, require_split
from engine.nn.backends.metadata import Metadata
from engine.runtime.errors import ExportError, ImageError
from engine.runtime.log import LOGGER

# Fewer than this say little about the ranges of a network in use; the tools' makers advise some hundred
FEW = 100


class Calibration:
    """Pictures of a data set, each as the network will see it.

    Iterating gives (1, C, H, W) float32 in 0..1, RGB where there are three channels; one at a time is read.

    Attributes:
        images: The files.
    """

    def __init__(self, args: Any, metadata: Metadata) -> None:
        """Find the pictures: those to validate with, else those to train with.

        Args:
            args: ``data`` names the data set, ``fraction`` says which part of it to use.
            metadata: Size and channels of an input.

        Raises:
            ExportError: No data set is named, or nothing in it can be used.
            DatasetError: It cannot be read.
        """
        if not args.data:
            raise ExportError(
                "eight bits need pictures to calibrate with.",
                remedy="Write data=DATA.yaml: the data set that the model was trained on is best.",
            )
        self._metadata = metadata
        found = _pictures(args.data, metadata.task)
        self.images = found[: max(round(len(found) * float(args.fraction or 1.0)), 1)]
        if not self.images:
            raise ExportError("there is no picture to calibrate with.", path=args.data)
        if len(self.images) < FEW:
            LOGGER.warning(
                "Calibrating with %d pictures; %d or more make better eight-bit models.",
                len(self.images),
                FEW,
            )

    def __len__(self) -> int:
        return len(self.images)

    def __iter__(self) -> Iterator[np.ndarray]:
        box = LetterBox(self._metadata.imgsz)
        for image in self.images:
            try:
                picture = read_image(image, channels=self._metadata.channels)
            except ImageError as error:
                LOGGER.warning("Left out of the calibration: %s", error)
                continue
            yield as_input(box(picture))

    def batches(self, size: int) -> Iterator[np.ndarray]:
        """Give (size, C, H, W), the last one filled up with its first pictures."""
        waiting: list[np.ndarray] = []
        for picture in self:
            waiting.append(picture)
            if len(waiting) == size:
                yield np.concatenate(waiting)
                waiting = []
        if waiting:
            yield np.resize(np.concatenate(waiting), (size, *waiting[0].shape[1:]))


def as_input(picture: np.ndarray) -> np.ndarray:
    """Turn (H, W, C) uint8, BGR where C is 3, into (1, C, H, W) float32 in 0..1."""
    turned = picture[..., ::-1] if picture.shape[2] == 3 else picture
    return np.ascontiguousarray(turned.transpose(2, 0, 1)[None], dtype=np.float32) / 255


def _pictures(data: str | Path, task: str) -> list[Path]:
    if task == "classify":
        described = read_classify_data(data)
        split = described["val"] or described["train"]
        return find_class_images(split, described["folders"])[0]
    described = read_data_yaml(data)
    return find_images(require_split(described, "val" if described["val"] else "train"))[0]
