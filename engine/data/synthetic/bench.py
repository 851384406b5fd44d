"""The workbench: wood, brushed sheet, rubber mat, paper or concrete, used and stained."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from engine.data.synthetic.metal import Light

Size = tuple[int, int]


def draw_bench(height: int, width: int, light: Light, rng: np.random.Generator) -> np.ndarray:
    """Return a random bench top without parts, (H, W, 3) float32 BGR, 1 is white."""
    surface = _SURFACES[int(rng.integers(len(_SURFACES)))]
    image = surface((height, width), rng)
    _stain(image, rng)
    _scratch(image, light, rng)
    _sprinkle(image, rng)
    return image * _falloff((height, width), light, rng)[..., None]


def noise(size: Size, cell: float | tuple[float, float], rng: np.random.Generator) -> np.ndarray:
    """Return smooth random values (H, W) float32 around 0, features about ``cell`` (x, y) pixels wide."""
    import cv2

    cell_x, cell_y = cell if isinstance(cell, tuple) else (cell, cell)
    small = (max(2, int(size[0] / cell_y) + 2), max(2, int(size[1] / cell_x) + 2))
    values = rng.standard_normal(small, dtype=np.float32)
    return cv2.resize(values, size[::-1], interpolation=cv2.INTER_CUBIC)


def _wood(size: Size, rng: np.random.Generator) -> np.ndarray:
    """Boards: long fibres, growth rings that wave, seams."""
    import cv2

    height, width = size
    length = max(size)
    square = (length, length)
    y = np.arange(length, dtype=np.float32)[:, None]
    wave = noise(square, (length * 0.7, length * 0.16), rng) * rng.uniform(8, 18)
    rings = np.sin((y + wave) / rng.uniform(3.5, 7)) * 0.5 + np.sin((y + 1.7 * wave) / 19) * 0.6
    fibre = noise(square, (90, 1.4), rng)
    tone = 1 + 0.055 * rings + 0.055 * fibre + 0.05 * noise(square, length / 3, rng)
    board = rng.uniform(0.3, 0.55) * length
    for seam in np.arange(rng.uniform(0, board), length, board):
        tone[int(seam) : int(seam) + 2] *= 0.55
    palette = ((0.32, 0.47, 0.62), (0.43, 0.57, 0.70), (0.24, 0.35, 0.48), (0.50, 0.61, 0.70))
    color = np.array(palette[rng.integers(4)], dtype=np.float32) * rng.uniform(0.85, 1.1)
    turned = cv2.rotate(tone, cv2.ROTATE_90_CLOCKWISE) if rng.random() < 0.4 else tone
    return np.ascontiguousarray(turned[:height, :width])[..., None] * color


def _sheet(size: Size, rng: np.random.Generator) -> np.ndarray:
    """Brushed metal sheet, dull."""
    cell = (70.0, 1.3) if rng.random() < 0.5 else (1.3, 70.0)
    tone = 1 + 0.06 * noise(size, cell, rng) + 0.05 * noise(size, max(size) / 2.5, rng)
    color = np.array((0.50, 0.49, 0.47), dtype=np.float32) * rng.uniform(0.8, 1.15)
    return tone[..., None] * color


def _mat(size: Size, rng: np.random.Generator) -> np.ndarray:
    """Rubber or cutting mat with a printed grid, fine grain."""
    tone = 1 + 0.06 * noise(size, 1.2, rng) + 0.06 * noise(size, max(size) / 3, rng)
    palette = ((0.36, 0.38, 0.16), (0.42, 0.26, 0.15), (0.24, 0.23, 0.22), (0.30, 0.42, 0.22))
    image = tone[..., None] * np.array(palette[rng.integers(4)], dtype=np.float32)
    if rng.random() < 0.7:
        step, first = int(rng.integers(36, 64)), int(rng.integers(36))
        lines = np.ones(size, dtype=np.float32)
        lines[first::step] = lines[:, first::step] = 1.35
        image *= lines[..., None]
    return image


def _paper(size: Size, rng: np.random.Generator) -> np.ndarray:
    """Packing paper or cardboard."""
    tone = 1 + 0.022 * noise(size, 1.3, rng) + 0.02 * noise(size, (14, 4), rng)
    tone += 0.04 * noise(size, max(size) / 3, rng)
    palette = ((0.80, 0.84, 0.86), (0.48, 0.60, 0.70), (0.72, 0.74, 0.74))
    return tone[..., None] * np.array(palette[rng.integers(3)], dtype=np.float32)


def _concrete(size: Size, rng: np.random.Generator) -> np.ndarray:
    """Concrete or painted steel, blotched."""
    tone = (
        1 + 0.06 * noise(size, 1.4, rng) + 0.03 * noise(size, 9, rng) + 0.06 * noise(size, 80, rng)
    )
    color = np.array((0.52, 0.53, 0.53), dtype=np.float32) * rng.uniform(0.75, 1.2)
    return tone[..., None] * color * rng.uniform(0.97, 1.03, 3).astype(np.float32)


_SURFACES: tuple[Callable[[Size, np.random.Generator], np.ndarray], ...] = (
    _wood,
    _wood,
    _sheet,
    _mat,
    _paper,
    _concrete,
)


def _stain(image: np.ndarray, rng: np.random.Generator) -> None:
    """Darken soft spots: oil, rust, wear. Drawn small and enlarged, which makes the borders soft."""
    import cv2

    height, width = image.shape[:2]
    small = np.ones((height // 8 + 1, width // 8 + 1, 3), dtype=np.float32)
    for _ in range(int(rng.integers(1, 6))):
        center = (int(rng.integers(small.shape[1])), int(rng.integers(small.shape[0])))
        axes = (int(rng.integers(1, 7)), int(rng.integers(1, 5)))
        shades = 1 - rng.uniform(0.06, 0.28) * np.sort(rng.uniform(0.8, 1.15, 3))[::-1]
        cv2.ellipse(small, center, axes, rng.uniform(0, 180), 0, 360, shades.tolist(), -1)
    image *= cv2.resize(cv2.GaussianBlur(small, (5, 5), 0), (width, height))


def _scratch(image: np.ndarray, light: Light, rng: np.random.Generator) -> None:
    """Scratches: a dark groove with a bright edge on the side away from the lamp."""
    import cv2

    height, width = image.shape[:2]
    grooves = np.zeros((height, width), dtype=np.uint8)
    for _ in range(int(rng.integers(3, 14))):
        start = rng.uniform((0, 0), (width, height))
        step = rng.normal(0, max(size_px := 0.12 * width, 1), 2)
        bend = rng.normal(0, size_px / 8, 2)
        points = np.stack((start, start + step / 2 + bend, start + step)) * 16
        level = int(rng.integers(50, 200))
        cv2.polylines(grooves, [points.astype(np.int32)], False, level, 1, cv2.LINE_AA, 4)
    shift = np.float32([[1, 0, -np.sign(light.direction[0])], [0, 1, -np.sign(light.direction[1])]])
    edge = cv2.warpAffine(grooves, shift, (width, height))
    image *= (1 + (edge.astype(np.float32) * 0.0011 - grooves.astype(np.float32) * 0.0014))[
        ..., None
    ]


def _sprinkle(image: np.ndarray, rng: np.random.Generator) -> None:
    """Dust, filings and crumbs: specks of one to three pixels, bright or dark."""
    import cv2

    height, width = image.shape[:2]
    specks = np.full((height, width), 128, dtype=np.uint8)
    for _ in range(int(rng.integers(10, 60))):
        x, y = int(rng.integers(width)), int(rng.integers(height))
        level = int(rng.choice((60, 90, 175, 215)))
        long = rng.normal(0, 1.6, 2).astype(int)
        cv2.line(specks, (x, y), (x + int(long[0]), y + int(long[1])), level, 1, cv2.LINE_AA)
    image *= (specks.astype(np.float32) * (1 / 128))[..., None]


def _falloff(size: Size, light: Light, rng: np.random.Generator) -> np.ndarray:
    """The lamp's light fades across the bench."""
    height, width = size
    y, x = np.ogrid[-1 : 1 : height * 1j, -1 : 1 : width * 1j]
    toward = x * light.direction[0] + y * light.direction[1]
    level = (light.ambient + 0.85 * light.direction[2]) * (1 + rng.uniform(0.08, 0.3) * toward)
    return level.astype(np.float32)
