"""The pictures of the documentation: one for each scene in each scheme, small, and with the window's own colours."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image, ImageColor

from docs.scenes.paper import with_few_colors
from docs.scenes.table import SCENES, TRANSLATED
from studio.theme.tokens import SCHEMES

FOLDER = Path(__file__).parents[2] / "docs" / "screenshots"
MOST_BYTES = 7_500_000


def test_every_scene_has_its_pictures_and_every_picture_its_scene() -> None:
    names = [scene.name for scene in SCENES]
    assert len(set(names)) == len(names)
    others = [f"{name}-{tongue[:2]}" for tongue, shown in TRANSLATED.items() for name in shown]
    expected = {f"{name}-{scheme}.png" for name in names for scheme in SCHEMES}
    # Those in other languages are made only where a font can write them
    possible = expected | {f"{name}-{scheme}.png" for name in others for scheme in SCHEMES}
    assert expected <= {file.name for file in FOLDER.iterdir()} <= possible


def test_all_pictures_together_stay_small() -> None:
    assert sum(file.stat().st_size for file in FOLDER.iterdir()) < MOST_BYTES


def test_the_theme_keeps_its_colours_beside_a_photograph() -> None:
    drawn = np.random.default_rng(0).integers(0, 255, (120, 160, 3), dtype=np.uint8)
    colors = SCHEMES["dark"]
    places = {colors.window: 0, colors.panel: 20, colors.accent: 40, colors.danger: 60}
    for color, left in places.items():
        drawn[:, left : left + 10] = ImageColor.getrgb(color)
    kept = np.asarray(with_few_colors(Image.fromarray(drawn)).convert("RGB"))
    for color, left in places.items():
        assert (kept[:, left : left + 10] == ImageColor.getrgb(color)).all()
    assert len(np.unique(kept.reshape(-1, 3), axis=0)) <= 256
