"""Finishes, and how light falls on a relief of metal."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Finish:
    """How a surface answers to light; colours are BGR 0..1.

    Attributes:
        color: Of the metal.
        diffuse: Share of light scattered.
        mirror: Share of the surroundings mirrored.
        shine: Strength of the highlight.
        gloss: Exponent of the highlight: higher is smaller and sharper.
        weights: How likely each part has this finish: nut, bolt, washer, gear.
    """

    color: tuple[float, float, float]
    diffuse: float
    mirror: float
    shine: float
    gloss: float
    weights: tuple[float, float, float, float]


FINISHES: dict[str, Finish] = {
    "steel": Finish((0.70, 0.69, 0.67), 0.42, 0.58, 0.85, 26, (3, 3, 2, 3)),
    "zinc": Finish((0.80, 0.76, 0.70), 0.48, 0.54, 0.75, 20, (3, 3, 4, 1)),
    "yellow zinc": Finish((0.42, 0.66, 0.74), 0.50, 0.50, 0.75, 22, (1, 2, 2, 0.5)),
    "brass": Finish((0.30, 0.60, 0.78), 0.48, 0.52, 0.85, 28, (2, 0.5, 2, 2.5)),
    "copper": Finish((0.34, 0.46, 0.74), 0.50, 0.48, 0.75, 24, (0, 0, 2, 0)),
    "black oxide": Finish((0.19, 0.18, 0.17), 0.55, 0.34, 0.6, 30, (1.5, 3, 0.5, 1.5)),
}


@dataclass(frozen=True)
class Light:
    """One soft lamp over the bench.

    Attributes:
        direction: Unit vector to the lamp: x right, y down, z to the camera.
        ambient: Light from everywhere else, 0..1.
        tint: BGR factors of the lamp.
    """

    direction: tuple[float, float, float]
    ambient: float
    tint: tuple[float, float, float]

    @property
    def halfway(self) -> np.ndarray:
        """Return the unit vector between the lamp and the camera overhead."""
        half = np.array(self.direction) + np.array((0.0, 0.0, 1.0))
        return half / np.linalg.norm(half)


def draw_light(rng: np.random.Generator) -> Light:
    """Return a random lamp, 35 to 60 degrees over the bench."""
    azimuth, elevation = rng.uniform(0, 2 * np.pi), np.radians(rng.uniform(35, 60))
    flat = np.cos(elevation)
    direction = (flat * np.cos(azimuth), flat * np.sin(azimuth), np.sin(elevation))
    warm = rng.uniform(-0.05, 0.06)
    return Light(direction, rng.uniform(0.32, 0.5), (1 - warm, 1.0, 1 + warm))


def draw_finish(part: int, rng: np.random.Generator) -> Finish:
    """Return a finish for the part of that index, its colour varied a little."""
    finishes = list(FINISHES.values())
    weights = np.array([f.weights[part] for f in finishes])
    base = finishes[rng.choice(len(finishes), p=weights / weights.sum())]
    color = np.array(base.color) * rng.uniform(0.88, 1.1) * rng.uniform(0.97, 1.03, 3)
    b, g, r = color.tolist()
    return Finish((b, g, r), base.diffuse, base.mirror, base.shine, base.gloss, base.weights)


def shade(
    height: np.ndarray,
    turning: np.ndarray,
    radial: tuple[np.ndarray, np.ndarray],
    grain: np.ndarray,
    finish: Finish,
    light: Light,
) -> tuple[np.ndarray, np.ndarray]:
    """Light a relief.

    Args:
        height: (H, W) float32 in pixels.
        turning: (H, W) 0..1 how much a face mirrors like turned metal: a bright double wedge.
        radial: Unit vectors (x, y) from the axis of turning, in image directions.
        grain: (H, W) around 1, fine marks on the surface.
        finish: Of the metal.
        light: The lamp.

    Returns:
        Brightness of the metal's colour and of its highlights, (H, W) float32 each; see :func:`tint`.
    """
    nx, ny, nz = _normals(height)
    lx, ly, lz = light.direction
    hx, hy, hz = light.halfway.tolist()
    tilt = nx * lx + ny * ly
    lit = np.maximum(tilt + nz * lz, 0)
    toward = nx * hx + ny * hy + nz * hz
    # Marks around an axis mirror the lamp wherever the marks run across the light (Kajiya and Kay 1989).
    along = radial[0] * hy - radial[1] * hx
    wedge = _power_16(1 - along * along / (hx * hx + hy * hy)) * turning
    glint = np.exp((finish.gloss * 1.4) * (toward - 1)) * (1 - 0.6 * turning) + 0.45 * wedge
    # What the metal mirrors: a bright ceiling, brighter to the lamp's side, a dark horizon around it.
    mirrored = np.clip(0.66 + 0.85 * tilt + 0.42 * wedge, 0.05, 1.5) * np.clip(
        nz * 1.7 - 0.5, 0.1, 1
    )
    body = ((light.ambient + 0.9 * lit) * finish.diffuse + finish.mirror * mirrored) * grain
    return body, glint * grain * finish.shine


def tint(body: np.ndarray, glint: np.ndarray, finish: Finish, light: Light) -> np.ndarray:
    """Give brightness its colours: (H, W, 3) float32 BGR, 1 is white; highlights go beyond."""
    lamp = np.array(light.tint, dtype=np.float32)
    color = np.array(finish.color, dtype=np.float32) * lamp
    # Highlights on coloured metal keep part of its colour.
    shine = 0.55 * lamp + 0.45 * color / color.max()
    return body[..., None] * color + glint[..., None] * shine


def _power_16(x: np.ndarray) -> np.ndarray:
    """Return x ** 16 by squaring, ten times faster than the general power."""
    for _ in range(4):
        x = x * x
    return x


def _normals(height: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    import cv2

    dx = cv2.Sobel(height, cv2.CV_32F, 1, 0, scale=0.125, borderType=cv2.BORDER_REPLICATE)
    dy = cv2.Sobel(height, cv2.CV_32F, 0, 1, scale=0.125, borderType=cv2.BORDER_REPLICATE)
    nz = 1 / np.sqrt(1 + dx * dx + dy * dy)
    return -dx * nz, -dy * nz, nz
