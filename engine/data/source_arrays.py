"""Pictures in memory, brought to what a network takes: (H, W, channels) uint8, blue first where there are three."""

from __future__ import annotations

from typing import Any

import numpy as np

from engine.data.images import to_uint8
from engine.runtime.errors import DatasetError
from engine.runtime.log import LOGGER

# channels -> mode of PIL with as many, in the order that files of four channels are read in.
_PIL_MODES = {1: "L", 3: "RGB", 4: "RGBA"}
# Resizing makes values a little above 1; from here on they can only be meant as 0..255.
_NO_FRACTION = 2
# How the modes of PIL begin whose samples are wider than 8 bits; PIL itself would cut them off at 255.
_WIDE_MODES = ("I", "F")


def from_array(array: np.ndarray, channels: int = 3) -> np.ndarray:
    """Return (H, W[, C]) of any depth as a picture.

    Colours become grey for one channel; for three, grey is repeated and alpha left out. Any other number must
    be there already.

    Raises:
        DatasetError: Its shape is no picture's, or has other channels.
    """
    array = array[..., None] if array.ndim == 2 else array
    possible = {1, 3, 4, channels} if channels in (1, 3) else {channels}
    if array.ndim != 3 or array.shape[2] not in possible or 0 in array.shape:
        counts = " or ".join(map(str, sorted(possible)))
        raise DatasetError(
            f"Expected an array of (height, width, {counts} channels), received {array.shape}.",
            remedy=f"The model takes {channels} channels.",
        )
    array = to_uint8(array)
    if channels == 1 and array.shape[2] > 1:
        return _grey(array)
    if channels == 3:
        array = np.repeat(array, 3, axis=2) if array.shape[2] == 1 else array[..., :3]
    return np.ascontiguousarray(array)


def from_tensor(tensor: Any, channels: int = 3) -> list[np.ndarray]:
    """Return a (C, H, W) or (B, C, H, W) tensor, 0..1 or uint8, RGB where C is 3, as pictures.

    A tensor with values far above 1 is taken for one of 0..255, and a warning says so: cut off at 1 it would be white.

    Raises:
        DatasetError: Its shape is another, or has other channels.
    """
    # NumPy has no bfloat16
    values = (tensor.float() if tensor.is_floating_point() else tensor).detach().cpu().numpy()
    values = values[None] if values.ndim == 3 else values
    if values.ndim != 4 or values.shape[1] != channels:
        raise DatasetError(
            f"Expected a tensor of (B, {channels}, H, W), received {tuple(tensor.shape)}."
        )
    if values.dtype != np.uint8:
        values = np.clip(values * _full_scale(values) + 0.5, 0, 255).astype(np.uint8)
    values = values[:, ::-1] if channels == 3 else values
    return [np.ascontiguousarray(image.transpose(1, 2, 0)) for image in values]


def _full_scale(values: np.ndarray) -> float:
    """Return what brings a tensor's values to 0..255."""
    if not values.size or values.max() < _NO_FRACTION:
        return 255
    LOGGER.warning(
        "A tensor's values go up to %g, expected 0 to 1: they are taken for 0 to 255.", values.max()
    )
    return 1


def from_pil(picture: Any, channels: int = 3) -> np.ndarray:
    """Return a PIL picture, turned upright; of more than 8 bits it is scaled as an array is.

    Raises:
        DatasetError: PIL holds no picture of so many channels.
    """
    from PIL import Image, ImageOps

    if channels not in _PIL_MODES:
        raise DatasetError(
            f"A PIL picture has at most 4 channels, the model takes {channels}.",
            remedy="Give an array (height, width, channels).",
        )
    upright = ImageOps.exif_transpose(picture) or picture
    if upright.mode.startswith(_WIDE_MODES):
        upright = Image.fromarray(_narrowed(np.asarray(upright)))
    array = np.asarray(upright.convert(_PIL_MODES[channels]))
    array = array[..., None] if channels == 1 else array
    return np.ascontiguousarray(array[..., ::-1] if channels == 3 else array)


def _narrowed(samples: np.ndarray) -> np.ndarray:
    """Return (H, W) as uint8; PIL knows no unsigned 32 bits, so signed ones without a minus count as such."""
    if samples.dtype.kind == "i" and samples.min(initial=0) >= 0:
        samples = samples.astype(np.uint32)
    return to_uint8(samples)


def visible(image: np.ndarray) -> np.ndarray:
    """Return a picture of any channels as (H, W, 3) uint8 BGR to look at: grey, or its first three as RGB."""
    channels = image.shape[2]
    if channels == 3:
        return image
    shown = np.repeat(image[..., :1], 3, axis=2) if channels < 3 else image[..., 2::-1]
    return np.ascontiguousarray(shown)


def _grey(array: np.ndarray) -> np.ndarray:
    """Return BGR(A) as (H, W, 1), weighted as in ITU-R BT.601."""
    import cv2

    return cv2.cvtColor(np.ascontiguousarray(array[..., :3]), cv2.COLOR_BGR2GRAY)[..., None]
