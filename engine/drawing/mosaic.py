"""A picture of a batch: its images side by side with labels or predictions drawn in."""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import cv2
import numpy as np

from engine.drawing.annotator import Annotator
from engine.drawing.class_maps import draw_class_map
from engine.drawing.palette import colors
from engine.ops.boxes import xywh2xyxy
from engine.runtime.atomic import atomic_path

_GROUND = 255  # of places without an image
_LEGIBLE = 480  # smaller images are enlarged to this, so that their labels can be read


def plot_images(
    batch: Mapping[str, Any],
    fname: str | Path | None = None,
    names: Mapping[int, str] | None = None,
    max_images: int = 16,
    max_side: int = 1920,
    conf_thres: float = 0.25,
) -> np.ndarray:
    """Draw a batch and, where ``fname`` is given, save the picture.

    Args:
        batch: ``img`` (B, 3, H, W) RGB, uint8 or floats 0..1. And, each optional: ``batch_idx`` (N,),
            ``cls`` (N,), ``bboxes`` (N, 4) centre and size as fractions, of turned boxes (N, 5) with the angle
            in radians, ``conf`` (N,), ``masks`` (one
            image of numbers an image, or one mask an object, any size), ``keypoints`` (N, K, 2 or 3) x and
            y as fractions and how well the point is seen, ``class_maps`` (B, h, w) the class
            of each pixel, 255 for none, ``captions`` a text an image, ``im_file`` names.
        fname: Where to save; the ending chooses the format. The file appears complete or not at all.
        names: Class names by id.
        max_images: Most images to show.
        max_side: Longest side of the picture in pixels.
        conf_thres: Objects with a ``conf`` below are left out.

    Returns:
        The picture, (h, w, 3) uint8 BGR.
    """
    images = _as_uint8(_array(batch["img"][:max_images]))
    count, height, width = images.shape[:3]
    columns = math.ceil(math.sqrt(count))
    rows = math.ceil(count / columns)
    scale = min(
        max(1.0, _LEGIBLE / max(height, width)), max_side / max(rows * height, columns * width)
    )
    height, width = max(round(height * scale), 1), max(round(width * scale), 1)
    method = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
    picture = np.full((rows * height, columns * width, 3), _GROUND, dtype=np.uint8)
    objects = _objects(batch, conf_thres)
    paths = batch.get("im_file") or [""] * count
    captions = batch.get("captions") or [""] * count
    for i, image in enumerate(images):
        cell = cv2.resize(image, (width, height), interpolation=method)
        cell = np.ascontiguousarray(cell[..., ::-1])
        mine = objects.pick(np.flatnonzero(objects.image == i))
        title = Path(paths[i]).name if paths[i] else ""
        if batch.get("class_maps") is not None:
            draw_class_map(cell, _array(batch["class_maps"][i]), names)
        _draw(cell, mine, mine.masks_in(i, (height, width)), names or {}, title)
        _draw_caption(cell, captions[i])
        y, x = i // columns * height, i % columns * width
        picture[y : y + height, x : x + width] = cell
        cv2.rectangle(picture, (x, y), (x + width, y + height), (_GROUND,) * 3, 2)
    if fname is not None:
        write_picture(fname, picture)
    return picture


def write_picture(path: str | Path, picture: np.ndarray) -> None:
    """Save a BGR picture at once, for readers that look at it meanwhile.

    Raises:
        OSError: The folder cannot be written.
        ValueError: No picture format has this ending.
    """
    path = Path(path)
    try:
        _, data = cv2.imencode(path.suffix, picture)
    except cv2.error as error:
        raise ValueError(
            f"expected a file name that ends like a picture, received {path}"
        ) from error
    with atomic_path(path) as temporary:
        temporary.write_bytes(data.tobytes())


class _Objects(NamedTuple):
    """The objects of a batch.

    Attributes:
        image: Image of each (N,).
        classes: Class of each (N,).
        boxes: Centre and size as fractions (N, 4), of turned boxes also the angle (N, 5).
        number: 1-based place in its image (N,).
        scores: (N,), None for labels.
        masks: One mask an object (N, h, w), if so.
        numbers: One image of numbers an image (B, h, w), if so.
        keypoints: (N, K, 2 or 3), x and y as fractions; None for a task without.
    """

    image: np.ndarray
    classes: np.ndarray
    boxes: np.ndarray
    number: np.ndarray
    scores: np.ndarray | None
    masks: np.ndarray | None
    numbers: np.ndarray | None
    keypoints: np.ndarray | None

    def pick(self, which: np.ndarray) -> _Objects:
        """Return some of the objects."""
        return self._replace(
            image=self.image[which],
            classes=self.classes[which],
            boxes=self.boxes[which],
            number=self.number[which],
            scores=None if self.scores is None else self.scores[which],
            masks=None if self.masks is None else self.masks[which],
            keypoints=None if self.keypoints is None else self.keypoints[which],
        )

    def masks_in(self, i: int, size: tuple[int, int]) -> np.ndarray | None:
        """Return the objects' masks in another size (N, h, w), if there are any; all are of image ``i``."""
        if self.numbers is not None:
            return _nearest(self.numbers[i], size)[None] == self.number[:, None, None]
        if self.masks is None:
            return None
        return np.array([_nearest(mask, size) for mask in self.masks]).reshape(-1, *size)


def _objects(batch: Mapping[str, Any], conf_thres: float) -> _Objects:
    """Return the objects of a batch as arrays, without the unsure."""
    image = _array(batch.get("batch_idx", ())).reshape(-1).astype(np.int64)
    masks = None if batch.get("masks") is None else _array(batch["masks"])
    scores = None if batch.get("conf") is None else _array(batch["conf"]).reshape(-1)
    single = masks is not None and _is_one_an_object(masks, image, len(batch["img"]))
    boxes = _array(batch.get("bboxes", ()))
    objects = _Objects(
        image,
        _array(batch.get("cls", ())).reshape(-1).astype(np.int64),
        boxes.reshape(-1, boxes.shape[1] if boxes.ndim == 2 else 4).astype(np.float64),
        np.array([(image[:k] == image[k]).sum() + 1 for k in range(len(image))], np.int64),
        scores,
        masks if single else None,
        None if single else masks,
        None if batch.get("keypoints") is None else _array(batch["keypoints"]).astype(np.float64),
    )
    return objects if scores is None else objects.pick(np.flatnonzero(scores >= conf_thres))


def _is_one_an_object(masks: np.ndarray, image: np.ndarray, images: int) -> bool:
    """Tell one mask an object from one image of numbers an image, also when there are as many of each."""
    if len(masks) != len(image):
        return False
    several = len(image) > len(np.unique(image))
    return len(masks) != images or (several and masks.max(initial=0) <= 1)


def _draw(
    cell: np.ndarray, objects: _Objects, masks: Any, names: Mapping[int, str], title: str
) -> None:
    """Draw the objects of one image and its name into its cell."""
    height, width = cell.shape[:2]
    annotator = Annotator(cell, line_width=2, font_size=max(11, height // 32), example=names)
    classes = objects.classes.tolist()
    inks = [colors(c, bgr=True) for c in classes]
    if masks is not None:
        annotator.masks(masks, inks)
    boxes, rotated = _in_pixels(objects.boxes, width, height)
    for points in () if objects.keypoints is None else objects.keypoints:
        annotator.kpts(points * np.array([width, height, 1])[: points.shape[1]])
    labels = [names.get(number, str(number)) for number in classes]
    if objects.scores is not None:
        labels = [f"{name} {score:.2f}" for name, score in zip(labels, objects.scores, strict=True)]
    annotator.box_labels(boxes, labels, inks, rotated=rotated)
    if title:
        annotator.text((5, 5), title[:40], (220, 220, 220))


def _draw_caption(cell: np.ndarray, text: str) -> None:
    """Write a text at the lower edge of an image's cell."""
    if not text:
        return
    height, width = cell.shape[:2]
    annotator = Annotator(cell, line_width=2, font_size=max(11, height // 16), example=text)
    half = annotator.text_size(text)[1] / 2 + 6
    annotator.text_label((0, height - 2 * half, width, height), text, (40, 40, 40))


def _in_pixels(boxes: np.ndarray, width: int, height: int) -> tuple[np.ndarray, bool]:
    """Return corners x1, y1, x2, y2 (N, 4), of turned boxes the four points (N, 4, 2), and whether they are turned."""
    if boxes.shape[1] == 4:
        return xywh2xyxy(boxes) * np.array([width, height] * 2), False
    from engine.ops.rotated import xywhr2xyxyxyxy  # loads torch, which drawing does without

    return xywhr2xyxyxyxy(boxes * np.array([width, height, width, height, 1])), True


def _nearest(mask: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """Return a mask in another size (h, w)."""
    # cv2 resizes no 32-bit integers; these count objects, far below what floats hold exactly
    return cv2.resize(mask.astype(np.float32), size[::-1], interpolation=cv2.INTER_NEAREST)


def _as_uint8(images: np.ndarray) -> np.ndarray:
    """Return (B, C, H, W) images, bytes or floats 0..1, as (B, H, W, 3) bytes: grey, or the first three channels."""
    if images.shape[1] < 3:
        images = images[:, :1].repeat(3, axis=1)
    if images.dtype != np.uint8:
        images = (images.astype(np.float32) * 255).clip(0, 255).astype(np.uint8)
    return images[:, :3].transpose(0, 2, 3, 1)


def _array(x: Any) -> np.ndarray:
    return np.asarray(x.detach().cpu().numpy() if hasattr(x, "detach") else x)
