"""Huge, deep and many-paged pictures on the canvas."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PySide6.QtGui import QImage
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from engine.data.images import read_image, write_image
from studio.canvas import image_loader
from studio.canvas.tiled import TiledPicture, read_source
from studio.canvas.view import CanvasView
from studio.model.display import Display
from studio.storage.big_images import PyramidCache
from studio.theme.theme import Theme

pytest.importorskip("pyvips")


def spots(width: int, height: int) -> np.ndarray:
    """Return BGR pixels that tell every place from every other, and shrink without surprises."""
    y, x = np.mgrid[:height, :width]
    return np.stack([x * 255 // width, y * 255 // height, (x + y) // 16 % 200], 2).astype(np.uint8)


def as_rgb(image: QImage) -> np.ndarray:
    image = image.convertToFormat(QImage.Format.Format_RGB32)
    flat = np.frombuffer(image.constBits(), np.uint8)
    return flat.reshape(image.height(), image.width(), 4)[..., 2::-1].copy()


@pytest.fixture
def canvas(theme: Theme, qtbot: QtBot, tmp_path: Path) -> CanvasView:
    view = CanvasView()
    qtbot.addWidget(view)
    view.resize(800, 600)
    view.picture.keep_tiles_in(tmp_path / "tiles")
    view.show()
    return view


@pytest.fixture
def show(canvas: CanvasView, qtbot: QtBot) -> Callable[[Path], None]:
    def act(path: Path) -> None:
        canvas.set_image(path, 1)
        canvas.repaint()
        qtbot.waitUntil(canvas.picture.is_settled, timeout=20_000)
        canvas.repaint()
        qtbot.waitUntil(canvas.picture.is_settled, timeout=20_000)

    return act


@pytest.fixture
def low_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    """Take pictures above 1 megapixel for huge ones."""
    monkeypatch.setattr(image_loader, "_WHOLE_BYTES", 4_000_000)


def test_tiles_make_the_same_picture_as_the_whole(tmp_path: Path, qtbot: QtBot) -> None:
    path = write_image(tmp_path / "a.png", spots(2600, 1900))
    pyramid = PyramidCache(tmp_path / "tiles").make(path, 0, lambda _: True)
    picture = TiledPicture(read_source(pyramid))
    whole = read_image(path)[..., ::-1]
    box = 900, 700, 1700, 1300
    coarse = picture.crop(*box)
    assert np.abs(coarse.astype(int) - whole[700:1300, 900:1700]).mean() < 12  # a stand-in at once
    qtbot.waitUntil(lambda: picture.is_settled, timeout=10_000)
    assert np.array_equal(picture.crop(*box), whole[700:1300, 900:1700])


def test_only_so_many_tiles_are_kept(tmp_path: Path, qtbot: QtBot) -> None:
    path = write_image(tmp_path / "a.png", spots(4200, 4100))
    pyramid = PyramidCache(tmp_path / "tiles").make(path, 0, lambda _: True)
    picture = TiledPicture(read_source(pyramid), kept_bytes=6 * 512 * 512 * 3)
    for x in range(0, 4000, 512):
        picture.crop(x, 0, x + 512, 2048)
        qtbot.waitUntil(lambda: picture.is_settled, timeout=10_000)
    assert picture.byte_count <= 6 * 512 * 512 * 3 + 1025 * 1051 * 3


@pytest.mark.usefixtures("low_limit")
def test_a_huge_picture_arrives_with_progress_and_is_sharp_everywhere(
    canvas: CanvasView, show: Callable[[Path], None], tmp_path: Path, qtbot: QtBot
) -> None:
    path = write_image(tmp_path / "huge.png", spots(3000, 2000))
    told: list[float] = []
    canvas.picture.preparing.connect(told.append)
    show(path)
    assert isinstance(canvas.picture.picture, TiledPicture)
    assert told[-1] == 1.0
    assert 0.0 in told
    assert canvas.aids.progress.isHidden()
    canvas.set_zoom(1.0)
    canvas.center_on(2200, 1500)
    canvas.repaint()
    qtbot.waitUntil(canvas.picture.is_settled, timeout=10_000)
    canvas.repaint()
    left, top = canvas.viewport.origin
    shown = as_rgb(canvas.grab().toImage())[100:500, 100:700]
    whole = read_image(path)[..., ::-1]
    y, x = 100 - top, 100 - left
    assert np.array_equal(shown, whole[y : y + 400, x : x + 600])


@pytest.mark.usefixtures("low_limit")
def test_preparing_can_be_stopped_and_begun_again(
    canvas: CanvasView,
    show: Callable[[Path], None],
    tmp_path: Path,
    qtbot: QtBot,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    path = write_image(tmp_path / "huge.png", spots(3000, 2000))
    made = PyramidCache.make

    def slow(self: PyramidCache, image: Path, page: int, told: Callable[[float], bool]) -> object:
        while told(0.1):
            QApplication.instance().thread().msleep(5)
        return made(self, image, page, told)

    monkeypatch.setattr(PyramidCache, "make", slow)
    canvas.set_image(path, 1)
    qtbot.waitUntil(canvas.aids.progress.isVisible, timeout=10_000)
    canvas.aids.progress.row.cancel_button.click()
    qtbot.waitUntil(lambda: bool(canvas.problem()), timeout=10_000)
    assert "stopped" in canvas.problem()
    assert canvas.aids.progress.isHidden()
    assert list((tmp_path / "tiles").glob("*")) == []
    monkeypatch.setattr(PyramidCache, "make", made)
    show(path)
    assert not canvas.problem()


@pytest.mark.usefixtures("low_limit")
def test_another_image_stops_preparing(canvas: CanvasView, tmp_path: Path, qtbot: QtBot) -> None:
    huge = write_image(tmp_path / "huge.png", spots(3000, 2500))
    small = write_image(tmp_path / "small.png", spots(300, 200))
    canvas.set_image(huge, 1)
    canvas.set_image(small, 2)
    qtbot.waitUntil(canvas.picture.is_settled, timeout=10_000)
    canvas.picture.loader.wait()
    QApplication.processEvents()
    assert canvas.picture.picture is not None
    assert canvas.picture.picture.size_wh == (300, 200)
    assert canvas.aids.progress.isHidden()


def test_deep_samples_are_kept_and_shown_through_a_window(
    canvas: CanvasView, show: Callable[[Path], None], tmp_path: Path
) -> None:
    import cv2

    deep = np.full((200, 300), 3000, np.uint16)
    deep[:, 150:] = 3400
    cv2.imwrite(str(tmp_path / "deep.png"), deep)
    show(tmp_path / "deep.png")
    facts = canvas.picture.facts()
    assert facts is not None
    assert facts.is_deep
    shown = as_rgb(canvas.grab().toImage())
    x, y = (round(v) for v in canvas.viewport.to_device(50, 100))
    bright_x = round(canvas.viewport.to_device(250, 100)[0])
    assert shown[y, x].max() < 30
    assert shown[y, bright_x].min() > 225
    canvas.set_display(Display(window=(3300.0, 3500.0)))
    shown = as_rgb(canvas.grab().toImage())
    assert shown[y, x].max() == 0
    assert 120 <= shown[y, bright_x].min() <= 135
    pixels = canvas.picture.pixels(149, 0, 151, 1)
    assert pixels.shape == (1, 2, 3)
    assert pixels[0, 0].tolist() == [0, 0, 0]


def test_one_channel_and_brightness_change_only_the_look(
    canvas: CanvasView, show: Callable[[Path], None], tmp_path: Path
) -> None:
    path = write_image(tmp_path / "a.png", np.full((200, 300, 3), (200, 100, 50), np.uint8))
    show(path)
    before = path.read_bytes()
    x, y = (round(v) for v in canvas.viewport.to_device(150, 100))
    for display, expected in (
        (Display(channel=0), (50, 50, 50)),
        (Display(channel=2), (200, 200, 200)),
        (Display(), (50, 100, 200)),
    ):
        canvas.set_display(display)
        for _ in range(2):  # at once, then from tiles
            assert tuple(as_rgb(canvas.grab().toImage())[y, x]) == expected
    canvas.set_display(Display(brightness=0.2))
    assert (as_rgb(canvas.grab().toImage())[y, x] > (50, 100, 200)).all()
    assert canvas.picture.pixels(0, 0, 1, 1)[0, 0].tolist() == [50, 100, 200]
    assert path.read_bytes() == before


def test_pixels_are_cut_to_the_picture(canvas: CanvasView) -> None:
    assert canvas.picture.pixels(0, 0, 5, 5).size == 0
    image = QImage(30, 20, QImage.Format.Format_RGB32)
    image.fill(0x102030)
    canvas.set_image(image, 1)
    assert canvas.picture.pixels(-5, 15, 10, 99).shape == (5, 10, 3)
    assert canvas.picture.pixels(2, 2, 3, 3).tolist() == [[[0x10, 0x20, 0x30]]]
    assert canvas.picture.pixels(40, 2, 50, 3).size == 0


def test_pages_are_turned(
    canvas: CanvasView, show: Callable[[Path], None], tmp_path: Path, qtbot: QtBot
) -> None:
    from PIL import Image

    pages = [Image.fromarray(np.full((70, 90), 30 + 60 * n, np.uint8)) for n in range(3)]
    path = tmp_path / "stack.tif"
    pages[0].save(path, save_all=True, append_images=pages[1:])
    show(path)
    facts = canvas.picture.facts()
    assert facts is not None
    assert (facts.pages, facts.page) == (3, 0)
    canvas.picture.set_page(2)
    qtbot.waitUntil(canvas.picture.is_settled, timeout=5000)
    facts = canvas.picture.facts()
    assert facts is not None
    assert facts.page == 2
    assert canvas.picture.pixels(0, 0, 1, 1)[0, 0].tolist() == [150, 150, 150]


def test_values_of_deep_pixels_are_written_at_high_zoom(
    canvas: CanvasView, show: Callable[[Path], None], tmp_path: Path
) -> None:
    import cv2

    cv2.imwrite(str(tmp_path / "deep.png"), np.full((20, 30), 51234, np.uint16))
    show(tmp_path / "deep.png")
    canvas.set_zoom(40.0)
    canvas.center_on(15, 10)
    shown = as_rgb(canvas.grab().toImage())
    x, y = (round(v) for v in canvas.viewport.to_device(15, 10))
    cell = shown[y + 2 : y + 38, x + 2 : x + 38]
    assert len(np.unique(cell.reshape(-1, 3), axis=0)) > 3  # digits with smooth edges
