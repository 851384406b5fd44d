"""Pictures with a class for each pixel as training and validation samples.

The classes come from masks where the data.yaml names ``masks_dir``, ``label_mapping`` or ``colors``
(`semantic_masks`), otherwise from the polygons of YOLO labels.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch

from engine.data.dataset import SampleKey, YOLODataset
from engine.data.fetch import open_data_yaml
from engine.data.labels.verify import VerifiedImage
from engine.data.problems import first_reason
from engine.data.semantic_check import CheckedMask, check_masks
from engine.data.semantic_maps import MapSource, MaskMaps, PolygonMaps, class_pixels
from engine.data.semantic_masks import IGNORED, MAX_CLASSES, MaskFiles, mask_files
from engine.data.transforms.sample import Shapes
from engine.data.transforms.semantic import MapSample, SemanticAugmentation, place_map
from engine.runtime.errors import DatasetError, ImageError
from engine.runtime.log import LOGGER

BACKGROUND = "background"
_WHERE_MASKS_LIE = (
    "Masks lie in 'masks_dir' as images lie in 'images', with the same names: "
    "images/train/a.jpg has masks/train/a.png."
)


def read_semantic_yaml(path: str | Path, single_cls: bool = False) -> dict[str, Any]:
    """Read and check a data set description for semantic segmentation.

    Without masks the classes are those of the polygons and one more for what no polygon covers: the class
    called ``background`` where ``names`` has it, else a new last one of that name.

    Args:
        path: The YAML file, or a folder that holds exactly one.
        single_cls: Make one class, ``item``, of all but the background.

    Returns:
        What ``read_data_yaml`` returns, with ``names`` and ``nc`` of the model, ``label_nc`` the number of
        classes in the labels, ``masks`` where the masks are (None for polygons) and ``class_table`` (256,)
        uint8 the model's class for each class of the labels.

    Raises:
        DatasetError: It cannot be used.
    """
    data = dict(open_data_yaml(path))
    names: dict[int, str] = dict(data["names"])
    masks = mask_files(data)
    data.update(masks=masks, label_nc=len(names))
    if masks is None and BACKGROUND not in names.values():
        names[len(names)] = BACKGROUND
    if len(names) > MAX_CLASSES:
        raise DatasetError(
            f"Semantic segmentation tells at most {MAX_CLASSES} classes apart, received {len(names)}.",
            path=data["yaml_file"],
        )
    table = np.arange(IGNORED + 1, dtype=np.uint8)
    if single_cls:
        names = _single(names, table, data["yaml_file"])
    data.update(names=names, nc=len(names), class_table=table)
    return data


def _single(names: Mapping[int, str], table: np.ndarray, file: Path) -> dict[int, str]:
    """Make item and background of the classes, in names and in the table."""
    ground = [number for number, name in names.items() if name == BACKGROUND]
    if not ground:
        raise DatasetError(
            "single_cls=True would leave one class for every pixel: these masks have no background.",
            path=file,
            remedy=f"Call the class of the background {BACKGROUND!r}, or leave single_cls out.",
        )
    table[: len(names)] = 0
    table[ground[0]] = 1
    return {0: "item", 1: BACKGROUND}


class SemanticDataset(YOLODataset):
    """Samples of one split for semantic segmentation.

    Attributes:
        labels: As of `YOLODataset`; of a data set with masks ``cls``, ``bboxes`` and ``segments`` are empty and
            ``mask_file`` names the mask and ``pixels`` (256,) int64 counts what is in it.
        counts: Pictures by state; one without a mask counts as ``unlabelled`` and is left out.
    """

    _masks: MaskFiles | None
    _maps: MapSource

    def __init__(
        self,
        img_path: str | Path | Sequence[str | Path],
        imgsz: int | Sequence[int] = 640,
        data: Mapping[str, Any] | None = None,
        classes: Sequence[int] | None = None,
        **options: Any,
    ) -> None:
        """Find, check and describe the pictures and their classes.

        Args:
            img_path: Folder, list file or several of them.
            imgsz: Side of the network's input in pixels; to measure also its height and width.
            data: What :func:`read_semantic_yaml` returned.
            classes: Numbers of the classes that count, None for all; pixels of others become background, or
                are ignored where no class is called so.
            options: See `YOLODataset`; the task is always semseg.

        Raises:
            DatasetError: No usable picture, or none with a class.
        """
        data = dict(data or {})
        self._masks = data["masks"]
        self._names = data["names"]
        self._table = _chosen(data, classes)
        options = {**options, "task": "semseg", "single_cls": False, "classes": classes}
        super().__init__(img_path, imgsz, {**data, "nc": data["label_nc"]}, **options)
        self.data = data
        self._maps = self._build_maps()

    def __getitem__(self, key: int | SampleKey) -> dict[str, Any]:
        """Return one sample as tensors; see :meth:`collate_fn`."""
        index, epoch, blends, *near = key if isinstance(key, tuple) else (key, 0, self._blends)
        rng = np.random.default_rng((self.seed, epoch, index))
        if self.augment:
            augmentation: SemanticAugmentation = self._augmentation
            others = near[0] if near else range(len(self))
            sample = augmentation(index, self.load, others, rng, blends)
        else:
            sample = self._fitted(index)
        swap = not (self._bgr and rng.random() < self._bgr)
        image = _turned_round(sample.image) if swap else sample.image.copy()
        out = {
            "img": torch.from_numpy(image).permute(2, 0, 1),
            "masks": torch.from_numpy(sample.class_map),
            "im_file": self.im_files[index],
            "ori_shape": sample.ori_shape,
            "resized_shape": sample.size,
            "ratio_pad": sample.ratio_pad,
        }
        if not self.augment:
            out["ori_masks"] = self._maps.at(index, sample.ori_shape)
        return out

    def load(self, index: int) -> MapSample:
        """Return a picture that fits into ``imgsz``, with its classes; neither must be changed."""
        try:
            image = self.images.get(index)
        except ImageError as error:
            self.lost.note(index, error)
            blank = self._blank(index)
            unknown = np.full(blank.image.shape[:2], IGNORED, np.uint8)
            return MapSample(**vars(blank), class_map=unknown)
        height, width = image.shape[:2]
        old = self.labels[index]["shape"]
        ratio = (height / old[0], width / old[1])
        classes = self._maps.at(index, (height, width))
        return MapSample(image, Shapes(), index, old, (ratio, (0.0, 0.0)), class_map=classes)

    def pixels(self) -> np.ndarray:
        """Return the pixels of each class in each picture, (pictures, nc) int64."""
        if self._masks is None:
            maps = (self._maps.at(i, label["shape"]) for i, label in enumerate(self.labels))
            counts = [class_pixels(classes) for classes in maps]
        else:
            counts = [label["pixels"] for label in self.labels]
        return np.array(counts)[:, : len(self._names)]

    @staticmethod
    def collate_fn(samples: Sequence[dict[str, Any]]) -> dict[str, Any]:
        """Put samples together.

        Returns:
            ``img`` (B, C, H, W) uint8 RGB, channels last in memory, ``masks`` (B, H, W) uint8 class numbers,
            255 where there is none, and lists over pictures: ``im_file``, ``ori_shape``, ``resized_shape``,
            ``ratio_pad`` and, of a split that is not augmented, ``ori_masks``, the classes (h, w) in the
            original's size.
        """
        out: dict[str, Any] = {key: [sample[key] for sample in samples] for key in samples[0]}
        out["img"] = torch.stack([i.permute(1, 2, 0) for i in out["img"]]).permute(0, 3, 1, 2)
        out["masks"] = torch.stack(out["masks"])
        return out

    def _fitted(self, index: int) -> MapSample:
        """Return a picture in its letterbox."""
        sample, letterbox = self.load(index), self._letterbox(index)
        placed = letterbox.placement(*sample.size)
        fitted = letterbox.apply(sample)
        assert isinstance(fitted, MapSample)  # noqa: S101 (apply keeps the kind; for the type checker)
        fitted.class_map = place_map(sample.class_map, placed)
        return fitted

    def _build_transforms(self) -> Any:
        given = getattr(self.hyp, "bgr", None)
        self._bgr = float(given or 0.0) if self.augment else 0.0
        self._augmentation = SemanticAugmentation.from_arguments(self.imgsz, self.hyp)
        return self._augmentation

    def _build_maps(self) -> MapSource:
        if self._masks is not None:
            files = [Path(label["mask_file"]) for label in self.labels]
            # A map has a byte a pixel, a picture three.
            return MaskMaps(self._masks, files, self._table, self.images.budget_bytes // 3)
        background = next(i for i, name in self._names.items() if name == BACKGROUND)
        return PolygonMaps(self._objects, self._table, background)

    def _usable(self, verified: Sequence[VerifiedImage], single_cls: bool) -> list[dict[str, Any]]:
        """Describe the usable pictures and count the others."""
        if self._masks is None:
            return super()._usable(verified, single_cls)
        for image in verified:
            # What is wrong with label files does not matter here: the classes are in the masks.
            self.problems += [p for p in image.problems if p.file == image.file]
        whole = [image for image in verified if image.size_wh is not None]
        self.counts["damaged"] += len(verified) - len(whole)
        sizes = [image.size_wh or (0, 0) for image in whole]
        checked = check_masks(self._masks, [i.file for i in whole], sizes, self._progress)
        labels = []
        for image, mask in zip(whole, checked, strict=True):
            self.problems += mask.problems
            self.counts[_state(mask)] += 1
            if mask.file is not None:
                labels.append(_label_of(image, mask.file, self._merged(mask.pixels)))
        return labels

    def _merged(self, pixels: np.ndarray) -> np.ndarray:
        """Return the pixels of the model's classes for those of the masks', (256,)."""
        return np.bincount(self._table, weights=pixels, minlength=IGNORED + 1).astype(np.int64)

    def _check(self, sources: Sequence[str | Path]) -> None:
        """Say what was found, and stop where nothing can be learned or measured."""
        if self._masks is None:
            super()._check(sources)
            return
        counts, place = self.counts, ", ".join(map(str, sources))
        if not counts["labelled"]:
            raise DatasetError(
                f"There is nothing to use: {_why_nothing(counts)}.",
                path=place,
                remedy=f"{first_reason(self.problems)} {_WHERE_MASKS_LIE}".strip(),
            )
        LOGGER.info(
            "%s: %d images with masks, %d without a class (ignored everywhere), %d without a usable mask and "
            "%d damaged (left out).",
            place,
            counts["labelled"],
            counts["background"],
            counts["unlabelled"],
            counts["damaged"],
        )


def build_semantic_dataset(
    args: Any,
    img_path: str | Path | Sequence[str | Path],
    batch: int | None,
    data: Mapping[str, Any],
    mode: str = "train",
    rect: bool = False,
    stride: int = 32,
) -> SemanticDataset:
    """Build the data set of one split; see :func:`engine.data.build.build_yolo_dataset`."""
    training = mode == "train"
    rect = rect or (training and bool(args.rect))
    return SemanticDataset(
        img_path,
        imgsz=args.imgsz,
        data=data,
        augment=training and not rect,
        hyp=args,
        rect=rect,
        batch_size=batch or 16,
        stride=int(stride),
        cache=args.cache,
        # A validation looks at all pixels and measures the classes asked for.
        classes=args.classes if training else None,
        fraction=float(args.fraction or 1.0) if training else 1.0,
        seed=int(args.seed or 0),
        workers=int(args.workers or 0),
    )


def _chosen(data: Mapping[str, Any], classes: Sequence[int] | None) -> np.ndarray:
    """Return the model's class for each class of the labels, where only some count."""
    table: np.ndarray = data["class_table"]
    if classes is None:
        return table
    other = next((i for i, name in data["names"].items() if name == BACKGROUND), IGNORED)
    labels = np.arange(data["label_nc"])
    table = table.copy()
    table[labels[~np.isin(labels, classes)]] = other
    return table


def _turned_round(image: np.ndarray) -> np.ndarray:
    """Return a BGR picture as RGB, one of other channels as it is; always a new array."""
    import cv2

    return cv2.cvtColor(image, cv2.COLOR_BGR2RGB) if image.shape[2] == 3 else image.copy()


def _state(mask: CheckedMask) -> str:
    """Say what kind of picture a mask makes."""
    if mask.file is None:
        return "unlabelled"
    return "labelled" if mask.pixels[:IGNORED].any() else "background"


def _why_nothing(counts: Counter[str]) -> str:
    """Say what is wrong with all pictures."""
    whys = (
        ("unlabelled", "without a usable mask"),
        ("background", "without a pixel of any class"),
        ("damaged", "damaged"),
    )
    found = [f"{counts[key]} images are {text}" for key, text in whys if counts[key]]
    return ", ".join(found) or "no images"


def _label_of(image: VerifiedImage, mask: Path, pixels: np.ndarray) -> dict[str, Any]:
    width, height = image.size_wh or (0, 0)
    return {
        "im_file": str(image.file),
        "shape": (height, width),
        "cls": np.zeros((0, 1), np.float32),
        "bboxes": np.zeros((0, 4), np.float32),
        "segments": [],
        "keypoints": np.zeros((0, 0, 3), np.float32),
        "mask_file": str(mask),
        "pixels": pixels,
    }
