"""Pictures that the small promptable network learns from: parts on a bench, and textured blobs of all sizes.

Everything is drawn by our own code, so the network carries nobody's pictures.
"""

from __future__ import annotations

import cv2
import numpy as np

from engine.data.annotations.convert import to_mask
from engine.data.synthetic import draw_scene

_MOST_OBJECTS = 60
_OF_PARTS = 0.3  # share of the objects whose parts look different, as a dressed person's do


def parts_picture(seed: tuple[int, ...], size: int) -> tuple[np.ndarray, np.ndarray]:
    """Draw parts on a bench.

    Args:
        seed: What the picture depends on.
        size: Its longer side in pixels.

    Returns:
        (H, W, 3) uint8 RGB, and (H, W) uint8 with the number of the object at each pixel, 0 for none.
    """
    width, height = size * 3 // 2, size * 9 // 8  # drawn larger, for the edges
    scene = draw_scene(seed, (width, height))
    numbers = np.zeros((height, width), np.uint8)
    for number, annotation in enumerate(scene.annotations, start=1):
        numbers[to_mask(annotation.geometry, height, width).to_array() > 0] = number
    shape = (size, size * 3 // 4)
    image = cv2.resize(scene.image, shape, interpolation=cv2.INTER_AREA)
    small = cv2.resize(numbers, shape, interpolation=cv2.INTER_NEAREST_EXACT)
    return np.ascontiguousarray(image[..., ::-1]), small


def blobs_picture(seed: tuple[int, ...], size: int) -> tuple[np.ndarray, np.ndarray]:
    """Draw smooth or angular shapes with colours and textures of their own; see :func:`parts_picture`."""
    rng = np.random.default_rng(seed)
    height = int(size * rng.uniform(0.7, 1.0))
    picture = _surface(rng, height, size)
    numbers = np.zeros((height, size), np.uint8)
    # few large ones, or many small ones
    largest = size * np.exp(rng.uniform(np.log(0.05), np.log(0.42)))
    count = int(np.clip(rng.uniform(0.15, 0.8) * height * size / (2.2 * largest**2), 2, _MOST_OBJECTS))  # fmt: skip
    skins = [_surface(rng, height, size) for _ in range(int(rng.integers(1, 5)))]
    spread = float(rng.choice((6.0, 50.0)))  # all alike, or of many colours
    for number in range(1, count + 1):
        radius = largest * rng.uniform(0.45, 1.0)
        centre = rng.uniform((0, 0), (size, height))
        inside = _shape(rng, centre, radius, height, size)
        tint = np.asarray(rng.normal(0, spread, 3), np.float32)
        skin = skins[int(rng.integers(len(skins)))] + tint
        if rng.random() < _OF_PARTS:
            skin = _with_part(rng, skin, skins[int(rng.integers(len(skins)))], centre, radius)
        _lay(rng, picture, inside, skin)
        numbers[inside > 0] = number
    blurred = cv2.GaussianBlur(picture, (0, 0), float(rng.uniform(0.3, 0.9)))
    noise = rng.standard_normal(blurred.shape, np.float32)
    blurred = blurred + np.float32(rng.uniform(1, 7)) * noise
    return np.clip(blurred, 0, 255).astype(np.uint8), numbers


def _with_part(
    rng: np.random.Generator, skin: np.ndarray, other: np.ndarray, centre: np.ndarray, radius: float
) -> np.ndarray:
    """Return a surface that is another one on one side of a line through an object."""
    height, width = skin.shape[:2]
    turn = rng.uniform(0, 2 * np.pi)
    x, y = centre + rng.uniform(-0.4, 0.4, 2) * radius
    columns, rows = np.arange(width) - x, np.arange(height)[:, None] - y
    beyond = columns * np.cos(turn) + rows * np.sin(turn) > 0
    tint = np.asarray(rng.normal(0, 50, 3), np.float32)
    return np.where(beyond[..., None], other + tint, skin)


def _lay(rng: np.random.Generator, picture: np.ndarray, inside: np.ndarray, skin: np.ndarray) -> None:  # fmt: skip
    """Paint a surface where ``inside`` is 1, with a shadow beside it and light that falls off."""
    soft = cv2.GaussianBlur(inside.astype(np.float32), (0, 0), 2.5)
    if rng.random() < 0.5:
        shadow = np.roll(soft, tuple(rng.integers(-4, 5, 2)), (0, 1))
        picture *= (1 - rng.uniform(0.1, 0.5) * shadow)[..., None]
    light = 1 + rng.uniform(-0.25, 0.25) * (soft - 0.8)
    edge = inside[..., None].astype(np.float32)
    picture *= 1 - edge
    picture += edge * skin * light[..., None]


def _surface(rng: np.random.Generator, height: int, width: int) -> np.ndarray:
    """Return a coloured texture (H, W, 3) float32: noise of one scale, a gradient, sometimes stripes."""
    colour = rng.uniform(20, 235, 3)
    cell = float(np.exp(rng.uniform(np.log(2), np.log(40))))
    few = (max(int(height / cell), 2), max(int(width / cell), 2), 3)
    noise = rng.normal(0, 1, few).astype(np.float32)
    if rng.random() < 0.7:
        noise[..., 1:] = noise[..., :1]
    coarse = cv2.resize(noise, (width, height), interpolation=cv2.INTER_CUBIC)
    if rng.random() < 0.5:  # finer grain in the coarse one
        grain = rng.normal(0, 1, (height // 3, width // 3, 1)).astype(np.float32)
        fine = cv2.resize(grain, (width, height), interpolation=cv2.INTER_LINEAR)
        coarse = coarse + np.float32(rng.uniform(0.1, 0.6)) * fine[..., None]
    y, x = np.mgrid[-1 : 1 : height * 1j, -1 : 1 : width * 1j].astype(np.float32)
    slope = rng.uniform(-30, 30, 2)
    plain = colour + (slope[0] * x + slope[1] * y)[..., None]
    if rng.random() < 0.2:
        turn = rng.uniform(0, np.pi)
        wave = np.sin((x * np.cos(turn) + y * np.sin(turn)) * rng.uniform(10, 60))
        plain = plain + rng.uniform(5, 40) * wave[..., None]
    return (plain + coarse * rng.uniform(2, 28)).astype(np.float32)


def _shape(
    rng: np.random.Generator, centre: np.ndarray, radius: float, height: int, width: int
) -> np.ndarray:
    """Return a random shape (H, W) uint8, 1 inside: smooth around a circle, stretched, or with corners."""
    turn = np.linspace(0, 2 * np.pi, 72, endpoint=False)
    if rng.random() < 0.35:
        corners = int(rng.integers(3, 8))
        at = np.sort(rng.uniform(0, 2 * np.pi, corners))
        reach = rng.uniform(0.5, 1.0, corners)
        points = np.stack((np.cos(at) * reach, np.sin(at) * reach), 1)
    else:
        reach = np.ones_like(turn)
        for wave in range(2, 7):
            reach += rng.normal(0, 0.28 / wave) * np.cos(wave * turn + rng.uniform(0, 6.3))
        points = np.stack((np.cos(turn) * reach, np.sin(turn) * reach), 1)
    points[:, 1] *= rng.uniform(0.35, 1.0)
    angle = rng.uniform(0, np.pi)
    rotation = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    outline = (points @ rotation.T) * radius + centre
    inside = np.zeros((height, width), np.uint8)
    cv2.fillPoly(inside, [np.round(outline).astype(np.int32)], (1,))
    if rng.random() < 0.12:  # a ring
        hole = (points @ rotation.T) * radius * rng.uniform(0.35, 0.6) + centre
        cv2.fillPoly(inside, [np.round(hole).astype(np.int32)], (0,))
    return inside
