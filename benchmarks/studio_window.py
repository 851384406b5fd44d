"""A real window on a real project, for benchmarks of the studio; offscreen where there is no display."""

from __future__ import annotations

import os
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np

WINDOW_WH = (1920, 1080)


def write_pictures(folder: Path, count: int, size_wh: tuple[int, int]) -> None:
    """Write JPEG pictures that compress as photographs do: some 0.4 MB a megapixel."""
    from engine.data.images import write_image

    folder.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(0)
    height, width = size_wh[1], size_wh[0]
    coarse = rng.integers(30, 220, (height // 16 + 1, width // 16 + 1, 3), dtype=np.uint8)
    smooth = coarse.repeat(16, axis=0).repeat(16, axis=1)[:height, :width]
    grain = rng.integers(0, 24, (height, width, 1), dtype=np.uint8)
    for number in range(count):
        picture = np.roll(smooth + grain, number * 37, axis=1)
        write_image(folder / f"{number:05}.jpg", picture, quality=90)


def blobs(count: int, size_wh: tuple[int, int], vertices: int = 30, seed: int = 0) -> list:
    """Return polygons of ``vertices`` points all over a picture."""
    from engine.data.annotations import Polygon

    rng = np.random.default_rng(seed)
    angles = np.linspace(0, 2 * np.pi, vertices, endpoint=False)
    rays = np.stack([np.cos(angles), np.sin(angles)], axis=1)
    reach = min(size_wh) / 12
    made = []
    for _ in range(count):
        center = rng.uniform((reach, reach), (size_wh[0] - reach, size_wh[1] - reach))
        radius = reach * rng.uniform(0.4, 1.0) * (1 + 0.1 * rng.standard_normal((vertices, 1)))
        made.append(Polygon.of((center + rays * radius).round(1).tolist()))
    return made


@contextmanager
def studio_window() -> Iterator[object]:
    """Open the studio's window at 1920 x 1080 with settings of its own, and close it at the end."""
    if sys.platform == "linux" and not os.environ.get("DISPLAY"):
        os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
    with tempfile.TemporaryDirectory() as settings:
        os.environ["MASKWRIGHT_CONFIG_DIR"] = settings
        from studio.app.launch import build_application
        from studio.app.studio import Studio

        studio = Studio(build_application())
        studio.keeps_layout = False
        studio.window.resize(*WINDOW_WH)
        studio.window.show()
        try:
            yield studio
        finally:
            studio.window.close()


def wait(condition: Callable[[], object], limit_s: float = 60.0) -> None:
    """Let the window and its threads work until something is true.

    Raises:
        TimeoutError: It was not in time.
    """
    from PySide6.QtWidgets import QApplication

    # QTest.qWait would keep Python's lock from the threads
    end = time.perf_counter() + limit_s
    while not condition():
        QApplication.processEvents()
        if time.perf_counter() > end:
            raise TimeoutError(f"waited {limit_s:g} s in vain")
        time.sleep(0.0005)
