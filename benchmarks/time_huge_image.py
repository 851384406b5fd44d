"""Time a picture of 20,000 x 20,000 on the canvas: the first time, when its tiles are written, and the next; and its memory."""

from __future__ import annotations

import argparse
import os
import statistics
import tempfile
import time
from pathlib import Path

import numpy as np

CANVAS_WH = (1920, 1080)


def add_options(parser: argparse.ArgumentParser) -> None:
    """Declare the picture."""
    parser.add_argument("--side", type=int, default=20_000)
    parser.add_argument("--suffix", default=".jpg")


def run(options: argparse.Namespace) -> dict[str, object]:
    """Return the figures."""
    os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
    import psutil

    from studio.app.launch import build_application
    from studio.theme.theme import Theme, find_theme

    application = build_application()
    theme = find_theme() or Theme(application, "dark")
    with tempfile.TemporaryDirectory() as temporary:
        picture = Path(temporary) / f"huge{options.suffix}"
        _write(picture, options.side)
        before = psutil.Process().memory_info().rss
        figures: dict[str, object] = {
            "side_px": options.side,
            "file_mib": _mib(picture.stat().st_size),
        }
        for name in ("first", "again"):
            figures[f"{name}_open_s"] = round(_open(picture, Path(temporary)), 2)
        figures |= _look_around(picture, Path(temporary), options.repeats)
        figures["growth_rss_mib"] = _mib(psutil.Process().memory_info().rss - before)
    theme.set_mode("dark")
    return figures


def _canvas(folder: Path):
    from studio.canvas.view import CanvasView

    canvas = CanvasView()
    canvas.resize(*CANVAS_WH)
    canvas.picture.keep_tiles_in(folder / "tiles")
    canvas.show()
    return canvas


def _open(picture: Path, folder: Path) -> float:
    from benchmarks.studio_window import wait

    canvas = _canvas(folder)
    start = time.perf_counter()
    canvas.set_image(picture, 1)
    wait(canvas.is_settled, 600)
    took = time.perf_counter() - start
    canvas.close()
    return took


def _look_around(picture: Path, folder: Path, repeats: int) -> dict[str, object]:
    """Time frames while panning at full size, and until a place gone to is sharp."""
    from PySide6.QtWidgets import QApplication

    from benchmarks.studio_window import wait

    canvas = _canvas(folder)
    canvas.set_image(picture, 1)
    wait(canvas.is_settled, 600)
    canvas.set_zoom(1.0)
    canvas.repaint()
    wait(canvas.is_settled)
    frames, sharp = [], []
    for number in range(20 * repeats):
        canvas.viewport.pan(-60, -40)
        start = time.thread_time()
        canvas.repaint()
        frames.append((time.thread_time() - start) * 1000)
        QApplication.processEvents()
        if number % 20 == 0:
            start = time.perf_counter()
            canvas.center_on(
                canvas.viewport.image_wh[0] * (0.1 + 0.8 * number / 20 / repeats), 5000
            )
            canvas.repaint()
            wait(canvas.is_settled)
            sharp.append((time.perf_counter() - start) * 1000)
    canvas.close()
    return {
        "pan_frame_cpu_ms": round(statistics.median(frames), 2),
        "pan_frame_p95_cpu_ms": round(sorted(frames)[int(len(frames) * 0.95)], 2),
        "sharp_elsewhere_ms": round(statistics.median(sharp), 1),
    }


def _write(path: Path, side: int) -> None:
    """Write a picture of soft spots, row by row."""
    import pyvips

    rng = np.random.default_rng(0)
    spots = rng.integers(0, 255, (side // 32 + 1, side // 32 + 1, 3), dtype=np.uint8)
    large = pyvips.Image.new_from_array(spots).resize(32).crop(0, 0, side, side)
    large.write_to_file(str(path))


def _mib(size: int) -> float:
    return round(size / 2**20, 1)
