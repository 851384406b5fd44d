"""The pictures of the documentation: one for each scene in each scheme, small, and with the window's own colours."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
from PIL import Image, ImageColor

from docs.scenes.paper import SUFFIX, packed
from docs.scenes.table import SCENES, TRANSLATED
from studio.theme.tokens import SCHEMES

FOLDER = Path(__file__).parents[2] / "docs" / "screenshots"
MOST_BYTES = 5_000_000


def test_every_scene_has_its_pictures_and_every_picture_its_scene() -> None:
    names = [scene.name for scene in SCENES]
    assert len(set(names)) == len(names)
    others = [f"{name}-{tongue[:2]}" for tongue, shown in TRANSLATED.items() for name in shown]
    expected = {f"{name}-{scheme}{SUFFIX}" for name in names for scheme in SCHEMES}
    # Those in other languages are made only where a font can write them
    possible = expected | {f"{name}-{scheme}{SUFFIX}" for name in others for scheme in SCHEMES}
    assert expected <= {file.name for file in FOLDER.iterdir()} <= possible


def test_all_pictures_together_stay_small() -> None:
    assert sum(file.stat().st_size for file in FOLDER.iterdir()) < MOST_BYTES


def test_a_page_is_kept_exactly_and_a_photograph_nearly() -> None:
    colors = SCHEMES["dark"]
    page = Image.new("RGB", (320, 240), colors.window)
    for color, left in ((colors.panel, 40), (colors.accent, 80), (colors.danger, 120)):
        page.paste(color, (left, 20, left + 30, 200))
    assert (_opened(packed(page)) == np.asarray(page)).all()
    ramp = np.add.outer(np.arange(240), np.arange(320)) % 256
    noise = np.random.default_rng(0).normal(0, 6, (240, 320, 3))
    photograph = np.clip(ramp[..., None] + noise, 0, 255).astype(np.uint8)
    photograph[:, :80] = ImageColor.getrgb(colors.panel)
    data = packed(Image.fromarray(photograph))
    kept = _opened(data).astype(int)
    assert np.abs(kept[:, :64] - ImageColor.getrgb(colors.panel)).max() <= 4
    assert np.abs(kept - photograph).mean() < 8
    assert len(data) < photograph.nbytes / 8


def _opened(data: bytes) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(data)).convert("RGB"))
