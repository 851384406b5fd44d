"""The pictures of one split of a classification data set as training and validation samples."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch.utils.data import Dataset

from engine.data.channels import count_channels
from engine.data.checked_images import check_images
from engine.data.class_folders import ClassFolders, find_class_images
from engine.data.copies import find_duplicates
from engine.data.dataset import SampleKey
from engine.data.image_cache import ImageCache, Kind, cache_kind
from engine.data.images import read_image
from engine.data.lost_pictures import LostPictures
from engine.data.problems import Problem
from engine.data.sample_threads import make_samples
from engine.data.transforms.center_crop import CenterCrop
from engine.data.transforms.classify import ClassifyAugmentation, least_area
from engine.runtime.errors import DatasetError, ImageError
from engine.runtime.log import LOGGER

# Kept pictures have this many times the pixels that a cut-out needs, but never over so many times the input.
_RESERVE, _MOST_RESERVE = 1.25, 4.0
_WORTH_SHRINKING = 1.25
_TO_DIVIDE = "No class has two images, one to learn from and one to check on. Add images, or a folder val of class folders."


class ClassifyDataset(Dataset):
    """Samples of one split.

    Every random choice follows from (seed, epoch, picture), as in :class:`engine.data.dataset.YOLODataset`.

    Attributes:
        im_files: The usable pictures.
        labels: One dictionary a picture: ``im_file``, ``shape`` (height, width), ``cls`` (1, 1) float32,
            ``bboxes`` (0, 4).
        names: Class name by id.
        problems: What was found wrong; damaged pictures are left out and listed here.
        counts: Pictures by state: ``labelled``, ``damaged``.
        lost: The pictures that have become unreadable since.
        digests: What stands for the content of each picture's file, to find the same picture in two splits.
    """

    blends = False

    def __init__(
        self,
        img_path: ClassFolders | str | Path | Sequence[str | Path],
        imgsz: int = 224,
        data: Mapping[str, Any] | None = None,
        augment: bool = False,
        hyp: Any = None,
        cache: Any = False,
        fraction: float = 1.0,
        seed: int = 0,
        workers: int = 0,
        crop_fraction: float = 1.0,
    ) -> None:
        """Find and check the pictures; none is kept open.

        Args:
            img_path: A split of :func:`engine.data.class_folders.read_classify_data`, or folders of class
                folders.
            imgsz: Side of the network's input in pixels.
            data: The description, for the classes.
            augment: Make training samples; else the middle of each picture is taken.
            hyp: Training arguments with the augmentation's values.
            cache: False, True or "ram", or "disk".
            fraction: Part of the pictures to use, the same of each class.
            seed: Of the random choices.
            workers: Processes that will load samples, to share memory between them.
            crop_fraction: Part of the pictures' width and height, around the middle, that is looked at.

        Raises:
            DatasetError: No usable picture.
        """
        data = data or {}
        self.names: dict[int, str] = dict(data.get("names") or {})
        self.imgsz, self.augment, self.seed = int(imgsz), augment, int(seed)
        split = img_path if isinstance(img_path, ClassFolders) else ClassFolders(_paths(img_path))
        folders = data.get("folders") or {name: i for i, name in self.names.items()}
        files, classes, self.problems = find_class_images(split, folders, data.get("seed", 0))
        files, classes = _part(files, classes, fraction)
        self.channels = int(data.get("channels") or 3)
        sizes, digests, damaged = check_images(files, self._progress)
        self.problems += damaged
        whole = np.array([i for i in np.flatnonzero(sizes[:, 0]) if self._fits(files[i])], np.int64)
        self.counts = Counter({"labelled": len(whole), "damaged": len(files) - len(whole)})
        self.im_files = [str(files[i]) for i in whole]
        self.classes = np.array([classes[i] for i in whole], np.int64)
        self.labels = [_label(str(files[i]), classes[i], sizes[i]) for i in whole]
        self.digests = {files[i]: digests[i].tobytes() for i in whole}
        if copies := find_duplicates(self.digests):
            self.problems.append(Problem(copies.files[0], None, copies.message, "note"))
        self._check(split)
        crop = CenterCrop((self.imgsz, self.imgsz), float(crop_fraction))
        self._augmentation = ClassifyAugmentation.from_arguments(self.imgsz, hyp)
        reserve = _reserve(getattr(hyp, "scale", None)) if augment else 0.0
        self.lost = LostPictures(len(self.im_files))
        paths = [Path(f) for f in self.im_files]
        self.images = _Pictures(
            paths, crop, cache_kind(cache), max(workers, 1), reserve, self.channels
        )

    def __len__(self) -> int:
        return len(self.im_files)

    def __getitem__(self, key: int | SampleKey) -> dict[str, Any]:
        """Return one sample: ``img`` (C, S, S) uint8, RGB where C is 3, ``cls``, ``im_file``, ``ori_shape``."""
        index, epoch = key[:2] if isinstance(key, tuple) else (key, 0)
        index, image = self._picture(index)
        if self.augment:
            image = self._augmentation(image, np.random.default_rng((self.seed, epoch, index)))
        else:
            image = np.array(image[..., ::-1] if self.channels == 3 else image, order="C")
        return {
            "img": torch.from_numpy(image).permute(2, 0, 1),
            "cls": int(self.classes[index]),
            "im_file": self.im_files[index],
            "ori_shape": self.labels[index]["shape"],
        }

    def _picture(self, index: int) -> tuple[int, np.ndarray]:
        """Return a picture with its number; in the place of one that has become unreadable comes the next.

        Raises:
            ImageError: So many have that there is no sense in going on.
        """
        while True:
            try:
                return index, self.images.get(index)
            except ImageError as error:
                self.lost.note(index, error)
                if len(self.lost) >= len(self):
                    raise
                index = (index + 1) % len(self)

    def __getitems__(self, keys: Sequence[int | SampleKey]) -> list[dict[str, Any]]:
        """Return the samples of a batch; torch's loaders ask for whole batches."""
        return make_samples(self.__getitem__, keys, decodes=not self.images.has_all)

    @staticmethod
    def collate_fn(samples: Sequence[dict[str, Any]]) -> dict[str, Any]:
        """Put samples together: ``img`` (B, C, S, S) uint8, channels last, ``cls`` (B,) int64, and lists."""
        out: dict[str, Any] = {key: [s[key] for s in samples] for key in samples[0]}
        out["img"] = torch.stack([i.permute(1, 2, 0) for i in out["img"]]).permute(0, 3, 1, 2)
        out["cls"] = torch.tensor(out["cls"], dtype=torch.int64)
        return out

    def _fits(self, file: Path) -> bool:
        """Say whether a picture has the channels asked for, or note it; any picture can be made grey or colour."""
        found = self.channels if self.channels in (1, 3) else count_channels(file)
        if found != self.channels:
            reason = f"Expected an image of {self.channels} channels, this one has {found}. Leave it out."
            self.problems.append(Problem(file, None, reason))
        return found == self.channels

    def _check(self, split: ClassFolders) -> None:
        """Say what was found, and stop where nothing can be learned or measured."""
        damaged = self.counts["damaged"]
        if not self.im_files:
            what = f"all {damaged} images are damaged" if damaged else "no images in class folders"
            raise DatasetError(
                f"There is nothing to use: {what}.",
                path=str(split),
                remedy=_TO_DIVIDE
                if split.part == "val"
                else "Put images into a folder for each class, or correct the path.",
            )
        LOGGER.info(
            "%s: %d images of %d classes, %d damaged (left out).",
            split,
            len(self),
            len(np.unique(self.classes)),
            damaged,
        )
        if self.augment and len(self.names) == 1:
            reason = f"There is one class only, {self.names[0]}: whatever is shown will be that. Add a folder of others."
            self.problems.append(Problem(Path(split), None, reason, "note"))
        missing = sorted(set(self.names) - set(self.classes.tolist()))
        if missing:
            named = ", ".join(self.names[i] for i in missing[:10])
            more = f" and {len(missing) - 10} more" if len(missing) > 10 else ""
            reason = f"{len(missing)} of the classes have no images here: {named}{more}."
            self.problems.append(Problem(Path(split), None, reason, "note"))

    def _progress(self, done: int, total: int) -> None:
        if done % 5000 == 0:
            LOGGER.info("Checked %d of %d images.", done, total)


class _Pictures(ImageCache):
    """Pictures in the form that samples are made of: their middle, or enough of them to cut from."""

    def __init__(
        self,
        files: Sequence[Path],
        crop: CenterCrop,
        kind: Kind,
        sharers: int,
        reserve: float,
        channels: int,
    ) -> None:
        """Take the pictures.

        Args:
            files: Picture files, by index.
            crop: To the network's input.
            kind: See :class:`ImageCache`.
            sharers: How many processes have a cache of their own.
            reserve: Shorter side of kept pictures in input sides; 0 keeps the input itself.
            channels: Of a picture.
        """
        self.crop = crop
        self.least = round(crop.size_hw[0] * reserve)
        super().__init__(files, self.least or crop.size_hw[0], kind, sharers, channels=channels)

    @property
    def form(self) -> str:
        """What decides how a picture is kept."""
        return f"{self.crop}\0{self.least}\0{self.channels}"

    def read(self, file: Path) -> np.ndarray:
        """Read the middle of a picture, in training in more pixels than the input has."""
        import cv2

        if not self.least:
            return self.crop(read_image(file, channels=self.channels))
        # Twice the pixels on the longer side: enough on the shorter one of usual pictures.
        enough = round(2 * self.least / self.crop.fraction)
        image = self.crop.middle(read_image(file, enough, self.channels))
        height, width = image.shape[:2]
        if min(height, width) <= _WORTH_SHRINKING * self.least:
            return image
        size = CenterCrop((self.least, self.least)).resized(height, width)
        smaller = cv2.resize(image, size[::-1], interpolation=cv2.INTER_AREA)
        return smaller.reshape(*size, self.channels)  # OpenCV drops the axis of a single channel


def _paths(given: str | Path | Sequence[str | Path]) -> tuple[Path, ...]:
    several = [given] if isinstance(given, str | Path) else given
    return tuple(Path(path) for path in several)


def _part(files: list[Path], classes: list[int], fraction: float) -> tuple[list[Path], list[int]]:
    """Return a part of the pictures, evenly spread over each class, at least one of each."""
    if fraction >= 1:
        return files, classes
    kept: list[int] = []
    numbers = np.array(classes)
    for number in np.unique(numbers):
        places = np.flatnonzero(numbers == number)
        count = max(1, round(len(places) * fraction))
        kept += [int(places[i * len(places) // count]) for i in range(count)]
    kept.sort()
    return [files[i] for i in kept], [classes[i] for i in kept]


def _label(file: str, number: int, size_wh: np.ndarray) -> dict[str, Any]:
    width, height = (int(v) for v in size_wh)
    return {
        "im_file": file,
        "shape": (height, width),
        "cls": np.full((1, 1), number, np.float32),
        "bboxes": np.zeros((0, 4), np.float32),  # a class for all of it, no place
    }


def _reserve(scale: float | None) -> float:
    """Return how many input sides the shorter side of a kept picture needs for its smallest cut-outs."""
    side = math.sqrt(least_area(0.5 if scale is None else float(scale)))
    return min(_RESERVE / side, _MOST_RESERVE)
