"""Conversions between the ways of writing an upright box, and moving boxes between image frames.

Every function takes a numpy array or a torch tensor of shape (..., 4) and returns the same kind without
touching its input; integers become floats. Names say the order: ``xyxy`` two corners, ``xywh`` centre and
size, ``ltwh`` top-left corner and size; a trailing ``n`` means fractions of the image (0..1). Coordinates
are pixels, x right, y down, origin at the top-left corner of the top-left pixel. Loads no torch.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

if TYPE_CHECKING:
    import torch

Array = TypeVar("Array", np.ndarray, "torch.Tensor")

# ((gain_height, gain_width) or one gain, (pad_left, pad_top)) as a letterbox records it
RatioPad = tuple[Any, tuple[float, float]]


def _float_copy(x: Any) -> Any:
    """Return a floating-point copy of an array or tensor whose last dimension holds a box."""
    if x.shape[-1] != 4:
        raise ValueError(f"expected boxes of shape (..., 4), received {tuple(x.shape)}")
    if isinstance(x, np.ndarray):
        return x.astype(x.dtype if np.issubdtype(x.dtype, np.floating) else np.float64)
    return x.clone() if x.is_floating_point() else x.float()


def xyxy2xywh(x: Array) -> Array:
    """Turn corners (x1, y1, x2, y2) into centre and size (cx, cy, w, h)."""
    y = _float_copy(x)
    y[..., :2] = (x[..., :2] + x[..., 2:]) / 2
    y[..., 2:] = x[..., 2:] - x[..., :2]
    return y


def xywh2xyxy(x: Array) -> Array:
    """Turn centre and size (cx, cy, w, h) into corners (x1, y1, x2, y2)."""
    y = _float_copy(x)
    half = x[..., 2:] / 2
    y[..., :2] = x[..., :2] - half
    y[..., 2:] = x[..., :2] + half
    return y


def xyxy2ltwh(x: Array) -> Array:
    """Turn corners into top-left corner and size (x1, y1, w, h)."""
    y = _float_copy(x)
    y[..., 2:] = x[..., 2:] - x[..., :2]
    return y


def ltwh2xyxy(x: Array) -> Array:
    """Turn top-left corner and size into corners."""
    y = _float_copy(x)
    y[..., 2:] = x[..., :2] + x[..., 2:]
    return y


def xywh2ltwh(x: Array) -> Array:
    """Turn centre and size into top-left corner and size."""
    y = _float_copy(x)
    y[..., :2] = x[..., :2] - x[..., 2:] / 2
    return y


def ltwh2xywh(x: Array) -> Array:
    """Turn top-left corner and size into centre and size."""
    y = _float_copy(x)
    y[..., :2] = x[..., :2] + x[..., 2:] / 2
    return y


def xywhn2xyxy(x: Array, w: float = 640, h: float = 640, padw: float = 0, padh: float = 0) -> Array:
    """Turn fractions (cx, cy, w, h) of a ``w`` x ``h`` image into pixel corners, moved by the padding."""
    y = xywh2xyxy(x)
    y[..., 0::2] = y[..., 0::2] * w + padw
    y[..., 1::2] = y[..., 1::2] * h + padh
    return y


def xyxy2xywhn(
    x: Array, w: float = 640, h: float = 640, clip: bool = False, eps: float = 0.0
) -> Array:
    """Turn pixel corners into fractions (cx, cy, w, h) of a ``w`` x ``h`` image.

    Args:
        x: Corners, (..., 4).
        w: Image width in pixels.
        h: Image height in pixels.
        clip: Cut the boxes at the image border first.
        eps: With ``clip``, how far inside the right and bottom border to stay, in pixels.
    """
    y = xyxy2xywh(clip_boxes(x, (h - eps, w - eps)) if clip else x)
    y[..., 0::2] = y[..., 0::2] / w
    y[..., 1::2] = y[..., 1::2] / h
    return y


def clip_boxes(boxes: Array, shape: Sequence[float]) -> Array:
    """Cut corners at the border of an image of ``shape`` (height, width[, channels])."""
    y = _float_copy(boxes)
    y[..., 0::2] = y[..., 0::2].clip(0, shape[1])
    y[..., 1::2] = y[..., 1::2].clip(0, shape[0])
    return y


def letterbox_frame(
    img1_shape: Sequence[float],
    img0_shape: Sequence[float],
    ratio_pad: RatioPad | None = None,
    padding: bool = True,
) -> tuple[float, float, float, float]:
    """Return (gain_x, gain_y, pad_x, pad_y) that lead from image 0 to the letterboxed image 1.

    Args:
        img1_shape: (height, width) of the letterboxed image.
        img0_shape: (height, width) of the original image.
        ratio_pad: What the letterbox recorded; without it a centred letterbox is assumed, whose left and
            top borders are rounded the way letterboxes of the field do (an odd pixel goes right / below).
        padding: False when image 1 was stretched without any border.
    """
    if ratio_pad is not None:
        gain, (pad_x, pad_y) = ratio_pad
        gain_y, gain_x = gain if isinstance(gain, Sequence) else (gain, gain)
    else:
        gain = min(img1_shape[0] / img0_shape[0], img1_shape[1] / img0_shape[1])
        # The image was resized to whole pixels, so its axes' gains differ a little.
        width = max(round(img0_shape[1] * gain), 1)
        height = max(round(img0_shape[0] * gain), 1)
        gain_x, gain_y = width / img0_shape[1], height / img0_shape[0]
        pad_x = round((img1_shape[1] - width) / 2 - 0.1)
        pad_y = round((img1_shape[0] - height) / 2 - 0.1)
    return (gain_x, gain_y, pad_x, pad_y) if padding else (gain_x, gain_y, 0.0, 0.0)


def scale_boxes(
    img1_shape: Sequence[float],
    boxes: Array,
    img0_shape: Sequence[float],
    ratio_pad: RatioPad | None = None,
    padding: bool = True,
    xywh: bool = False,
) -> Array:
    """Move boxes from the frame of image 1 (letterboxed) into that of image 0 (original).

    Args:
        img1_shape: (height, width) of the image the boxes are in.
        boxes: Corners, or centre and size with ``xywh``; (..., 4) pixels.
        img0_shape: (height, width) of the image to move to.
        ratio_pad: ``((gain_height, gain_width), (pad_left, pad_top))`` when known.
        padding: False when image 1 has no letterbox border.
        xywh: The boxes are centre and size; these are not cut at the border.

    Returns:
        Boxes in pixels of image 0, corners cut at its border.
    """
    gain_x, gain_y, pad_x, pad_y = letterbox_frame(img1_shape, img0_shape, ratio_pad, padding)
    y = _float_copy(boxes)
    points = 1 if xywh else 2  # a size has no offset
    for corner in range(points):
        y[..., 2 * corner] -= pad_x
        y[..., 2 * corner + 1] -= pad_y
    y[..., 0::2] /= gain_x
    y[..., 1::2] /= gain_y
    return y if xywh else clip_boxes(y, img0_shape)


def scale_coords(
    img1_shape: Sequence[float],
    coords: Array,
    img0_shape: Sequence[float],
    ratio_pad: RatioPad | None = None,
    normalize: bool = False,
    padding: bool = True,
) -> Array:
    """Move points (..., 2 or more; x and y first) from the frame of image 1 into that of image 0.

    Points are cut at the border of image 0; with ``normalize`` they come back as fractions of it.
    """
    gain_x, gain_y, pad_x, pad_y = letterbox_frame(img1_shape, img0_shape, ratio_pad, padding)
    if isinstance(coords, np.ndarray):
        y = coords.astype(coords.dtype if np.issubdtype(coords.dtype, np.floating) else np.float64)
    else:
        y = coords.clone() if coords.is_floating_point() else coords.float()
    y[..., 0] = ((y[..., 0] - pad_x) / gain_x).clip(0, img0_shape[1])
    y[..., 1] = ((y[..., 1] - pad_y) / gain_y).clip(0, img0_shape[0])
    if normalize:
        y[..., 0] = y[..., 0] / img0_shape[1]
        y[..., 1] = y[..., 1] / img0_shape[0]
    return y
