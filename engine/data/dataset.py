"""The pictures and labels of one split as training and validation samples."""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from torch.utils.data import Dataset

from engine.data.channels import count_channels
from engine.data.copies import find_duplicates
from engine.data.image_cache import ImageCache, cache_kind, resized_size
from engine.data.keypoints import flip_partners, keypoint_shape
from engine.data.labels.cache import verify_images_cached
from engine.data.labels.parse import LabelRow
from engine.data.labels.paths import find_images
from engine.data.labels.verify import VerifiedImage
from engine.data.lost_pictures import LostPictures
from engine.data.problems import Problem, first_reason
from engine.data.sample_threads import make_samples
from engine.data.transforms.compose import Augmentation
from engine.data.transforms.format import Format, collate
from engine.data.transforms.letterbox import LetterBox
from engine.data.transforms.sample import FILL, Sample, Shapes
from engine.runtime.errors import DatasetError, ImageError
from engine.runtime.log import LOGGER

# What a sampler asks for: picture, epoch, whether other pictures may take part, and of a large data set
# which ones may.
SampleKey = tuple[int, int, bool] | tuple[int, int, bool, tuple[int, ...]]

# What is made of objects without an outline, in tasks that need one
_NOTE_OF_BOXES = {
    "segment": "its rectangle is used as their mask",
    "semseg": "its rectangle is used as their mask",
    "obb": "it is taken as an oriented box that is not turned",
}


class YOLODataset(Dataset):
    """Samples of one split.

    Every random choice follows from (seed, epoch, picture), so samples do not depend on the number of
    workers, on their order, or on where a training was resumed.

    Attributes:
        im_files: The usable pictures.
        labels: One dictionary a picture: ``im_file``, ``shape`` (height, width), ``cls`` (n, 1) float32,
            ``bboxes`` (n, 4) float32 centre and size as fractions, ``segments`` [(k, 2) fractions],
            ``keypoints`` (n, K, 3) float32 x, y as fractions and visibility 0, 1 or 2 (K is 0 without).
        problems: What was found wrong; damaged pictures are left out and listed here.
        counts: Pictures by state: ``labelled``, ``background``, ``unlabelled``, ``damaged``.
        digests: What stands for the content of each picture's file, to find the same picture in two splits.
        lost: The pictures that have become unreadable since.
        rect: Whether pictures come in order of shape, each batch with its own input size.
    """

    def __init__(
        self,
        img_path: str | Path | Sequence[str | Path],
        imgsz: int | Sequence[int] = 640,
        data: Mapping[str, Any] | None = None,
        task: str = "detect",
        augment: bool = False,
        hyp: Any = None,
        rect: bool = False,
        batch_size: int = 16,
        stride: int = 32,
        cache: Any = False,
        single_cls: bool = False,
        fraction: float = 1.0,
        seed: int = 0,
        workers: int = 0,
        classes: Sequence[int] | None = None,
    ) -> None:
        """Find, check and describe the pictures; none is kept open.

        Args:
            img_path: Folder, list file or several of them.
            imgsz: Side of the network's input in pixels; to measure also its height and width.
            data: What ``read_data_yaml`` returned; needed for the number of classes
                (``label_nc`` where labels have more than the model).
            task: "detect", "segment", "pose" or "obb".
            augment: Make training samples; else pictures are only fitted in.
            hyp: Training arguments with the augmentation's values, ``mask_ratio`` and ``overlap_mask``.
            rect: Order by shape and fit each batch tightly; only without augmentation.
            batch_size: Pictures that share a shape with ``rect``.
            stride: Multiple that the sides of a rectangle must be of.
            cache: False, True or "ram", or "disk".
            single_cls: Treat all classes as class 0.
            fraction: Part of the pictures to use, evenly spread.
            seed: Of the random choices.
            workers: Processes that will load samples, to share memory between them.
            classes: Numbers of the classes whose objects count, None for all; pictures without any of them
                are background.

        Raises:
            DatasetError: No usable picture, or none with a label where there must be one.
        """
        data = data or {}
        sides = imgsz if isinstance(imgsz, Sequence) else (imgsz,)
        self.frame = int(sides[0]), int(sides[-1])
        self.imgsz, is_square = max(self.frame), self.frame[0] == self.frame[1]
        if augment and not is_square:
            raise ValueError(f"expected one side for samples to learn from, received {imgsz}")
        self.augment, self.rect = augment, rect and is_square and not augment
        self.hyp, self.seed, self.stride, self.batch_size = hyp, int(seed), int(stride), batch_size
        self._take_description(data, task)
        self._classes = None if classes is None else frozenset(classes)
        self._unwanted = 0  # objects of classes that do not count
        sources = [img_path] if isinstance(img_path, str | Path) else list(img_path)
        self._gather(sources, fraction, single_cls)
        self.batch_shapes = self._order_by_shape() if self.rect else None
        self.im_files = [label["im_file"] for label in self.labels]
        self.lost = LostPictures(len(self.labels))
        self._shapes: dict[int, Shapes] = {}
        self.images = self._cache(cache, workers)
        self._blends = True
        self._transforms = self._build_transforms()

    def __len__(self) -> int:
        return len(self.labels)

    def __getitem__(self, key: int | SampleKey) -> dict[str, Any]:
        """Return one sample as tensors; see :func:`engine.data.transforms.format.collate`."""
        index, epoch, blends, *near = key if isinstance(key, tuple) else (key, 0, self._blends)
        rng = np.random.default_rng((self.seed, epoch, index))
        if self.augment:
            augmentation: Augmentation = self._transforms
            others = near[0] if near else range(len(self))
            sample = augmentation(index, self.load, others, rng, blends)
        else:
            sample = self._letterbox(index).apply(self.load(index))
        return self.entries(sample, self.im_files[index], rng)

    def __getitems__(self, keys: Sequence[int | SampleKey]) -> list[dict[str, Any]]:
        """Return the samples of a batch; torch's loaders ask for whole batches."""
        return make_samples(self.__getitem__, keys, decodes=not self.images.has_all)

    @property
    def blends(self) -> bool:
        """Whether other pictures take part in a sample (mosaic, mixup, copy-paste)."""
        return self._blends

    def _gather(self, sources: Sequence[str | Path], fraction: float, single_cls: bool) -> None:
        """Find the usable pictures with what is known of them, and say what was found."""
        files, self.problems = self.find(sources)
        verified = self.verify(_part(files, fraction))
        self.counts = Counter({"labelled": 0, "background": 0, "unlabelled": 0, "damaged": 0})
        self.labels = self._usable(verified, single_cls)
        self._check(sources)
        self.digests = {v.file: v.digest for v in verified if v.digest}
        if copies := find_duplicates(self.digests):
            self.problems.append(Problem(copies.files[0], None, copies.message, "note"))

    def _take_description(self, data: Mapping[str, Any], task: str) -> None:
        """Keep what the data set's description says of its pictures and of its objects' points."""
        self.data, self.task = dict(data), task
        self.channels = int(data.get("channels") or 3)
        is_pose = task == "pose"
        self._keypoints = keypoint_shape(data)[0] if is_pose else 0
        self._partners = flip_partners(data) if is_pose else None

    def _cache(self, told: Any, workers: int) -> ImageCache:
        """Return what keeps the decoded pictures, in the way that the argument ``cache`` names."""
        files, processes = [Path(f) for f in self.im_files], max(workers, 1)
        return ImageCache(
            files, self.frame, cache_kind(told), processes, self.augment, self.channels
        )

    # What data sets of another kind say

    def find(self, sources: Sequence[str | Path]) -> tuple[list[Path], list[Problem]]:
        """Return the pictures' files, and what is wrong with what names them."""
        return find_images(sources)

    def verify(self, files: Sequence[Path]) -> list[VerifiedImage]:
        """Return what is known of each picture and of its objects."""
        data = self.data
        return verify_images_cached(
            files,
            data.get("label_nc") or data.get("nc"),
            data.get("kpt_shape"),
            self._progress,
            oriented=self.task == "obb",
        )

    def entries(self, sample: Sample, im_file: str, rng: np.random.Generator) -> dict[str, Any]:
        """Return the tensors of a finished sample."""
        return self._format(sample, im_file, rng)

    def load(self, index: int) -> Sample:
        """Return a picture that fits into ``imgsz``, with its objects; its pixels must not be changed.

        One that has become unreadable is a grey field without objects.

        Raises:
            ImageError: So many have that there is no sense in going on.
        """
        try:
            image = self.images.get(index)
        except ImageError as error:
            self.lost.note(index, error)
            return self._blank(index)
        height, width = image.shape[:2]
        old_height, old_width = self.labels[index]["shape"]
        shapes = self._shapes.get(index)
        if shapes is None:  # a picture has the same size at every visit
            shapes = self._shapes[index] = self._objects(index, width, height)
        ratio = (height / old_height, width / old_width)
        return Sample(image, shapes, index, (old_height, old_width), (ratio, (0.0, 0.0)))

    def _blank(self, index: int) -> Sample:
        """Return what stands for a picture that cannot be read."""
        old = self.labels[index]["shape"]
        height, width = resized_size(old[0], old[1], self.frame)
        field = np.full((height, width, self.channels), FILL, np.uint8)
        shapes = self._objects(index, width, height)
        none = shapes.select(np.zeros(len(shapes), bool))
        return Sample(field, none, index, old, ((height / old[0], width / old[1]), (0.0, 0.0)))

    def _objects(self, index: int, width: int, height: int) -> Shapes:
        """Return a picture's objects in the pixels of its training size."""
        shapes = _shapes_of(self.labels[index], self.task, self._partners)
        shapes = shapes.moved((width, height), (0, 0))
        if self.task == "obb" and self.augment:
            # corners outside would lie in the next picture of a mosaic
            shapes = shapes.clipped((0, 0, width, height))
        return shapes

    def close_mosaic(self, hyp: Any = None) -> None:
        """From the next epoch on, make samples of single pictures only."""
        if hyp is not None:
            self.hyp = hyp
            self._transforms = self._build_transforms()
        self._blends = False

    collate_fn = staticmethod(collate)

    def _letterbox(self, index: int) -> LetterBox:
        if self.batch_shapes is None:
            return LetterBox(self.frame)
        return LetterBox(self.batch_shapes[index // self.batch_size])

    def _build_transforms(self) -> Augmentation:
        given = self.hyp
        ratio = getattr(given, "mask_ratio", None)
        overlap = getattr(given, "overlap_mask", None)
        self._format = Format(
            masks=self.task == "segment",
            mask_ratio=4 if ratio is None else int(ratio),
            overlap_mask=True if overlap is None else bool(overlap),
            keep_segments=self.task == "segment" and not self.augment,
            keypoints=self.task == "pose",
            rotated=self.task == "obb",
            bgr=float(getattr(given, "bgr", None) or 0.0) if self.augment else 0.0,
        )
        return Augmentation.from_arguments(self.imgsz, given)

    def _usable(self, verified: Sequence[VerifiedImage], single_cls: bool) -> list[dict[str, Any]]:
        """Describe the usable pictures and count the others."""
        labels = []
        for image in map(self._wanted, verified):
            self.problems += image.problems
            if image.size_wh is None or self._has_other_channels(image.file):
                self.counts["damaged"] += 1
                continue
            state = (
                "unlabelled" if image.rows is None else "labelled" if image.rows else "background"
            )
            self.counts[state] += 1
            labels.append(_label_of(image, single_cls, self._keypoints))
        return labels

    def _wanted(self, image: VerifiedImage) -> VerifiedImage:
        """Leave out the objects of classes that do not count."""
        if self._classes is None or not image.rows:
            return image
        rows = tuple(row for row in image.rows if row.class_id in self._classes)
        self._unwanted += len(image.rows) - len(rows)
        return dataclasses.replace(image, rows=rows)

    def _has_other_channels(self, file: Path) -> bool:
        """Say whether a picture lacks the channels asked for, and note it; any picture can be made grey or colour."""
        if self.channels in (1, 3):
            return False
        found = count_channels(file)
        if found == self.channels:
            return False
        reason = (
            f"Expected an image of {self.channels} channels, this one has {found}. Leave it out."
        )
        self.problems.append(Problem(file, None, reason))
        return True

    def _check(self, sources: Sequence[str | Path]) -> None:
        """Say what was found, and stop where nothing can be learned or measured."""
        counts, place = self.counts, ", ".join(map(str, sources))
        if not self.labels:
            what = (
                f"all {counts['damaged']} images are damaged" if counts["damaged"] else "no images"
            )
            raise DatasetError(
                f"There is nothing to use: {what}.",
                path=place,
                remedy="Add images or correct the path.",
            )
        if not counts["labelled"] and not self._is_bare():
            raise DatasetError(
                f"None of the {len(self.labels)} images has a usable label.",
                path=place,
                remedy=self._why_unlabelled(),
            )
        LOGGER.info(
            "%s: %d images, %d of them without objects, %d without a label file (used as background), "
            "%d damaged (left out).",
            place,
            len(self.labels),
            counts["background"],
            counts["unlabelled"],
            counts["damaged"],
        )
        note = _NOTE_OF_BOXES.get(self.task)
        if note and (boxes := sum(_count_boxes(label) for label in self.labels)):
            reason = f"{boxes} objects have only a box; {note}."
            self.problems.append(Problem(Path(place), None, reason, "note"))

    def _is_bare(self) -> bool:
        """Say whether pictures to measure on are without objects on purpose: their label files are empty.

        What is found there is found wrongly, which can be measured.
        """
        is_meant = self.counts["background"] > 0 and not self._unwanted
        if self.augment or not is_meant or first_reason(self.problems):
            return False
        self.problems.append(
            Problem(
                Path(self.labels[0]["im_file"]).parent,
                None,
                "None of these images has an object: all label files are empty. "
                "Precision, recall and mAP cannot be told from them.",
                "note",
            )
        )
        return True

    def _why_unlabelled(self) -> str:
        """Say why no object is left: all are of other classes, all lines are wrong, or there are none."""
        if self._unwanted:
            wanted = sorted(self._classes or ())
            return (
                f"classes={wanted} leaves out all {self._unwanted} objects there are. "
                "Name classes that occur, or leave the argument out."
            )
        if reason := first_reason(self.problems):
            return reason
        if self.counts["background"] == len(self.labels):
            return "All label files are empty: label some objects first."
        return "Label files lie in a folder 'labels' beside 'images', one .txt an image."

    def _order_by_shape(self) -> list[tuple[int, int]]:
        """Sort the pictures by proportions; return the (height, width) of each batch."""
        ratios = np.array([label["shape"][0] / label["shape"][1] for label in self.labels])
        order = np.argsort(ratios, kind="stable")
        self.labels = [self.labels[i] for i in order]
        shapes = []
        for start in range(0, len(order), self.batch_size):
            batch = ratios[order[start : start + self.batch_size]]
            tall = min(1.0, float(batch.max())), min(1.0, float(1 / batch.min()))
            height, width = (
                int(np.ceil(side * self.imgsz / self.stride)) * self.stride for side in tall
            )
            shapes.append((height, width))
        return shapes

    def _progress(self, done: int, total: int) -> None:
        if done % 5000 == 0:
            LOGGER.info("Checked %d of %d images.", done, total)


def _part(files: list[Path], fraction: float) -> list[Path]:
    """Return an evenly spread part of the pictures, at least one."""
    if fraction >= 1 or not files:
        return files
    count = max(1, round(len(files) * fraction))
    return [files[i * len(files) // count] for i in range(count)]


def _label_of(image: VerifiedImage, single_cls: bool, keypoints: int) -> dict[str, Any]:
    rows = image.rows or ()
    width, height = image.size_wh or (0, 0)
    classes = np.array([0 if single_cls else row.class_id for row in rows], np.float32)
    return {
        "im_file": str(image.file),
        "shape": (height, width),
        "cls": classes[:, None],
        "bboxes": np.array([row.box for row in rows], np.float32).reshape(-1, 4),
        "segments": [
            np.zeros((0, 2), np.float32) if row.polygon is None else row.polygon for row in rows
        ],
        "keypoints": _keypoints_of(rows, keypoints),
    }


def _keypoints_of(rows: Sequence[LabelRow], count: int) -> np.ndarray:
    """Return (n, count, 3); a point outside the picture counts as not labelled."""
    if not count:
        return np.zeros((len(rows), 0, 3), np.float32)
    joined = np.array([row.keypoints for row in rows], np.float32).reshape(-1, count, 3)
    outside = ((joined[..., :2] < 0) | (joined[..., :2] > 1)).any(-1)
    joined[outside, 2] = 0
    return joined


def _count_boxes(label: Mapping[str, Any]) -> int:
    return sum(not len(segment) for segment in label["segments"])


def _shapes_of(
    label: Mapping[str, Any], task: str, flip_idx: Sequence[int] | None = None
) -> Shapes:
    """Return a picture's objects as fractions, ready to be scaled; masks and turned boxes need an outline."""
    centers, sizes = label["bboxes"][:, :2], label["bboxes"][:, 2:]
    boxes = np.concatenate((centers - sizes / 2, centers + sizes / 2), axis=1)
    segments = label["segments"]
    if task in _NOTE_OF_BOXES:
        corners = boxes[:, [0, 1, 2, 1, 2, 3, 0, 3]].reshape(-1, 4, 2)
        segments = [s if len(s) else c for s, c in zip(segments, corners, strict=True)]
    counts = np.array([len(s) for s in segments], np.int64)
    points = np.concatenate([*segments, np.zeros((0, 2), np.float32)]).astype(np.float32)
    swapped = None if flip_idx is None else np.asarray(flip_idx, np.int64)
    return Shapes(label["cls"][:, 0], boxes, points, counts, label["keypoints"], swapped)
