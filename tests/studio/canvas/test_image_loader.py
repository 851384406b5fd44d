"""Pictures are read upright, off the window's thread, ahead of time, and a damaged one says why it cannot be."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PySide6.QtCore import QRectF
from PySide6.QtGui import QColor, QImage, QPainter
from pytestqt.qtbot import QtBot

from engine.data.images import read_image, write_image
from engine.runtime.errors import ImageError
from studio.canvas.image_loader import ImageLoader, read_qimage
from studio.canvas.pyramid import ImagePyramid, build_pyramid


def gradient(width: int, height: int) -> np.ndarray:
    """Return BGR pixels that all differ, smooth enough for JPEG."""
    y, x = np.mgrid[:height, :width]
    return np.stack([x * 255 // width, y * 255 // height, (x + y) % 128], axis=2).astype(np.uint8)


def as_bgr(image: QImage) -> np.ndarray:
    """Return the pixels of a QImage."""
    image = image.convertToFormat(QImage.Format.Format_RGB32)
    flat = np.frombuffer(image.constBits(), np.uint8)
    return flat.reshape(image.height(), image.width(), 4)[..., :3].copy()  # outlives the image


@pytest.mark.parametrize("suffix", [".png", ".bmp", ".jpg", ".webp", ".tif"])
def test_pixels_are_those_that_training_sees(tmp_path: Path, suffix: str) -> None:
    path = write_image(tmp_path / f"h späce 图像{suffix}", gradient(60, 40))
    difference = np.abs(as_bgr(read_qimage(path)).astype(int) - read_image(path))
    assert difference.max() <= (6 if suffix in (".jpg", ".webp") else 0)


def test_sixteen_bits_and_alpha_look_as_training_sees_them(tmp_path: Path) -> None:
    import cv2

    deep = np.linspace(0, 4095, 60 * 40).astype(np.uint16).reshape(40, 60)
    cv2.imwrite(str(tmp_path / "deep.png"), deep)
    assert np.array_equal(
        as_bgr(read_qimage(tmp_path / "deep.png")), read_image(tmp_path / "deep.png")
    )
    clear = np.dstack([gradient(60, 40), np.full((40, 60), 30, np.uint8)])
    cv2.imwrite(str(tmp_path / "clear.png"), clear)
    pyramid = build_pyramid(read_qimage(tmp_path / "clear.png"))
    assert np.array_equal(as_bgr(pyramid.levels[0]), read_image(tmp_path / "clear.png"))


def test_exif_is_obeyed_as_in_training(shared_dir: Path) -> None:
    folder = shared_dir / "datasets" / "formats" / "bad" / "14-exif-rotated"
    pictures = sorted(p for p in folder.rglob("*") if p.suffix.lower() in (".jpg", ".jpeg", ".png"))
    assert pictures
    for path in pictures:
        mine, theirs = as_bgr(read_qimage(path)), read_image(path)
        assert mine.shape == theirs.shape
        assert np.abs(mine.astype(int) - theirs).mean() < 3


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_of_many_bands_the_first_three_are_colours(
    tmp_path: Path, qtbot: QtBot, dtype: type
) -> None:
    pyvips = pytest.importorskip("pyvips")
    noise = np.random.default_rng(0)
    bands = noise.integers(0, np.iinfo(dtype).max, (40, 60, 6), dtype=dtype)
    path = tmp_path / "bands.tif"
    pyvips.Image.new_from_array(bands).tiffsave(str(path))
    loader = ImageLoader()
    with qtbot.waitSignal(loader.loaded, timeout=5000) as got:
        loader.load(path)
    shown = got.args[1]
    assert shown.size_wh == (60, 40)
    assert shown.facts.is_deep == (dtype == np.uint16)
    assert (shown.facts.pages, shown.facts.page) == (1, 0)
    assert np.array_equal(shown.crop(0, 0, 60, 40), bands[..., :3])
    assert np.array_equal(as_bgr(read_qimage(path)), read_image(path))


def test_many_bands_cut_short_are_reported(tmp_path: Path, qtbot: QtBot) -> None:
    pyvips = pytest.importorskip("pyvips")
    path = tmp_path / "bands.tif"
    bands = np.random.default_rng(0).integers(0, 255, (40, 60, 6), dtype=np.uint8)
    whole = pyvips.Image.new_from_array(bands).tiffsave_buffer(compression="deflate")
    path.write_bytes(whole[:4000] + bytes(9) + whole[4009:])
    loader = ImageLoader()
    with qtbot.waitSignal(loader.failed, timeout=5000) as got:
        loader.load(path)
    assert got.args[1].message == "The image is damaged."


def test_loading_does_not_block_and_is_at_hand_the_second_time(
    tmp_path: Path, qtbot: QtBot
) -> None:
    path = write_image(tmp_path / "a.png", gradient(300, 200))
    loader = ImageLoader()
    with qtbot.waitSignal(loader.loaded, timeout=5000) as got:
        assert loader.load(path) is None
    assert got.args[0] == path
    assert got.args[1].size_wh == (300, 200)
    assert loader.load(path) is got.args[1]


def test_neighbours_are_read_ahead(tmp_path: Path, qtbot: QtBot) -> None:
    paths = [write_image(tmp_path / f"{n}.png", gradient(50 + n, 40)) for n in range(3)]
    loader = ImageLoader()
    loader.load(paths[1])
    loader.prefetch([paths[2], paths[0]])
    qtbot.waitUntil(lambda: all(loader.is_cached(path) for path in paths), timeout=5000)
    assert loader.load(paths[2]).size_wh == (52, 40)


def test_a_changed_file_is_read_again(tmp_path: Path, qtbot: QtBot) -> None:
    path = write_image(tmp_path / "a.png", gradient(50, 40))
    loader = ImageLoader()
    with qtbot.waitSignal(loader.loaded, timeout=5000):
        loader.load(path)
    write_image(path, gradient(70, 40))
    with qtbot.waitSignal(loader.loaded, timeout=5000) as got:
        assert loader.load(path) is None
    assert got.args[1].size_wh == (70, 40)


def test_only_the_last_one_asked_for_is_announced(tmp_path: Path, qtbot: QtBot) -> None:
    paths = [write_image(tmp_path / f"{n}.png", gradient(400, 300)) for n in range(12)]
    loader = ImageLoader()
    heard: list[Any] = []
    loader.loaded.connect(lambda path, _: heard.append(path))
    for path in paths:
        loader.load(path)
    qtbot.waitUntil(lambda: paths[-1] in heard, timeout=5000)
    loader.wait()
    qtbot.wait(20)
    assert heard == [paths[-1]]


def test_the_cache_keeps_within_its_bytes_but_never_drops_what_is_shown(
    tmp_path: Path, qtbot: QtBot
) -> None:
    paths = [write_image(tmp_path / f"{n}.png", gradient(100, 100)) for n in range(4)]
    loader = ImageLoader(cache_bytes=100 * 100 * 4 * 2)
    for path in paths:
        with qtbot.waitSignal(loader.loaded, timeout=5000):
            loader.load(path)
    assert [loader.is_cached(path) for path in paths] == [False, False, True, True]
    small = ImageLoader(cache_bytes=1)
    with qtbot.waitSignal(small.loaded, timeout=5000):
        small.load(paths[0])
    assert small.is_cached(paths[0])


@pytest.mark.parametrize("kind", ["missing", "empty", "noise", "truncated"])
def test_damage_is_reported_with_a_reason(tmp_path: Path, qtbot: QtBot, kind: str) -> None:
    path = tmp_path / "bad.jpg"
    if kind == "truncated":
        whole = write_image(tmp_path / "whole.jpg", gradient(300, 200)).read_bytes()
        path.write_bytes(whole[: len(whole) // 2])
    elif kind != "missing":
        path.write_bytes(b"" if kind == "empty" else b"\x00\x01\x02" * 100)
    loader = ImageLoader()
    with qtbot.waitSignal(loader.failed, timeout=5000) as got:
        loader.load(path)
    assert got.args[0] == path
    assert isinstance(got.args[1], ImageError)
    assert got.args[1].message


def test_a_very_large_jpeg_shows_coarsely_first(tmp_path: Path, qtbot: QtBot) -> None:
    path = write_image(tmp_path / "large.jpg", gradient(5000, 3600), quality=40)
    loader = ImageLoader()
    order: list[str] = []
    loader.preview_ready.connect(lambda _, pyramid: order.append(f"preview {pyramid.is_preview}"))
    loader.loaded.connect(lambda _, pyramid: order.append(f"loaded {pyramid.is_preview}"))
    with qtbot.waitSignal(loader.loaded, timeout=20_000) as got:
        loader.load(path)
    assert order == ["preview True", "loaded False"]
    assert got.args[1].size_wh == (5000, 3600)


def test_levels_halve_and_keep_the_picture() -> None:
    image = QImage(3000, 1001, QImage.Format.Format_RGB32)
    image.fill(QColor("#336699"))
    pyramid = build_pyramid(image)
    assert [level.width() for level in pyramid.levels] == [3000, 1500, 750]
    assert pyramid.level_for(0.5).width() == 1500
    assert pyramid.level_for(0.51).width() == 3000
    assert pyramid.level_for(0.01).width() == 750
    assert pyramid.level_for(5).width() == 3000
    assert pyramid.levels[-1].pixelColor(375, 125).name() == "#336699"
    assert pyramid.byte_count > 3000 * 1001 * 4
    assert not pyramid.is_preview


@pytest.mark.parametrize("scale", [0.2, 1.0, 4.0])
def test_any_zoom_draws_the_right_part(scale: float) -> None:
    image = QImage(2000, 1200, QImage.Format.Format_RGB32)
    image.fill(QColor("#000000"))
    for y in range(600, 700):
        for x in range(1000, 1100):
            image.setPixelColor(x, y, QColor("#FFFFFF"))
    pyramid: ImagePyramid = build_pyramid(image)
    canvas = QImage(400, 400, QImage.Format.Format_RGB32)
    canvas.fill(0)
    painter = QPainter(canvas)
    side = 400 / scale
    source = QRectF(1050 - side / 2, 650 - side / 2, side, side)
    pyramid.draw(painter, QRectF(0, 0, 400, 400), source, scale)
    painter.end()
    half = min(50 * scale, 199)
    assert canvas.pixelColor(200, 200).lightness() > 250
    assert canvas.pixelColor(int(200 + half * 0.8), 200).lightness() > 250
    if half < 199:
        assert canvas.pixelColor(int(200 + half * 1.3) + 1, 200).lightness() < 10
