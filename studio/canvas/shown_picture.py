"""The picture on the canvas: which one, which page of it, how it is shown, or why it cannot be."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import numpy as np
from PySide6.QtCore import QObject, Signal
from PySide6.QtGui import QImage

from engine.runtime.errors import ImageError
from studio.canvas.backdrop import Backdrop
from studio.canvas.image_loader import ImageLoader
from studio.canvas.pyramid import build_pyramid
from studio.canvas.samples import Picture
from studio.canvas.tiled import TiledPicture
from studio.canvas.tone import render
from studio.language import tr_engine
from studio.model.display import Display, PictureFacts
from studio.storage.big_images import PyramidCache


class ShownPicture(QObject):
    """Reads a picture and hands it to the backdrop.

    Signals:
        arrived(tuple): A picture, or a preview of it, can be drawn; its width and height.
        sharpened(QRectF): A part of a huge picture (image pixels) can be drawn sharply now.
        shown(bool): The picture is there (True) or cannot be shown (False).
        preparing(float): Share (0..1) of a huge picture that has been prepared; 1 when that is over.
        facts_changed(): There are other channels, pages or samples to see.
    """

    arrived = Signal(object)
    sharpened = Signal(object)
    shown = Signal(bool)
    preparing = Signal(float)
    facts_changed = Signal()

    def __init__(self, backdrop: Backdrop, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._backdrop = backdrop
        self._path: Path | None = None
        self._page = 0
        self._problem = ""
        self._is_waiting = False
        self.loader = ImageLoader(self)
        self.loader.preview_ready.connect(self._on_image)
        self.loader.loaded.connect(self._on_image)
        self.loader.failed.connect(self._on_failed)
        self.loader.progress.connect(self._on_progress)

    @property
    def picture(self) -> Picture | None:
        """What is drawn, None until it arrives."""
        return self._backdrop.picture

    @property
    def display(self) -> Display:
        """How it is shown."""
        return self._backdrop.display

    @property
    def page(self) -> int:
        """Which page of the file is shown, from 0."""
        return self._page

    def facts(self) -> PictureFacts | None:
        """Return what there is to see of the picture, None until it is there."""
        picture = self.picture
        return None if picture is None or picture.is_preview else picture.facts

    def problem(self) -> str:
        """Return why the picture cannot be shown, empty where there is none or it is fine."""
        return self._problem

    def is_settled(self) -> bool:
        """Tell whether it is there, as sharp as it gets."""
        picture = self.picture
        if picture is None or picture.is_preview or self._is_waiting:
            return False
        return not isinstance(picture, TiledPicture) or picture.is_settled

    def set_image(self, image: QImage | Path | str | None) -> None:
        """Show another picture; see ``CanvasView.set_image``."""
        self._path = Path(image) if isinstance(image, str | Path) else None
        self._page = 0
        self._begin()
        if isinstance(image, QImage):
            self._show(build_pyramid(image))
        elif self._path is not None:
            self._ask()
        else:
            self.loader.release()

    def set_page(self, page: int) -> None:
        """Show another page of the same file."""
        if self._path is not None and page != self._page:
            self._page = page
            self._ask()

    def set_display(self, display: Display) -> None:
        """Show the picture in another way."""
        self._backdrop.display = display

    def prefetch(self, paths: Iterable[Path]) -> None:
        """Read these pictures ahead, the most probable first."""
        self.loader.prefetch(paths)

    def keep_tiles_in(self, folder: Path) -> None:
        """Keep what is prepared of huge pictures in a folder."""
        self.loader.set_pyramids(PyramidCache(folder))

    def stop_preparing(self) -> None:
        """Give up preparing a huge picture."""
        self.loader.stop()

    def rescaled(self) -> None:
        """The zoom is another one: tiles of the last one are not wanted any more."""
        if isinstance(self.picture, TiledPicture):
            self.picture.forget_wishes()

    def pixels(self, x1: int, y1: int, x2: int, y2: int) -> np.ndarray:
        """Return a part of the picture as tools see it: (H, W, 3) uint8, red first, without brightness and contrast.

        The part is cut to the picture; it is empty where there is none. Deep pictures come as their window shows them.
        """
        picture = self.picture
        if picture is None:
            return np.zeros((0, 0, 3), np.uint8)
        width, height = picture.size_wh
        x1, x2 = (min(max(x, 0), width) for x in (x1, x2))
        y1, y2 = (min(max(y, 0), height) for y in (y1, y2))
        if x2 <= x1 or y2 <= y1:
            return np.zeros((0, 0, 3), np.uint8)
        window = self.display.window if picture.facts.is_deep else None
        plain = Display(window=window)
        part = render(picture.crop(x1, y1, x2, y2), plain, picture.facts)
        if part.ndim == 2:
            part = np.repeat(part[..., None], 3, axis=2)
        return np.ascontiguousarray(part)

    def _begin(self) -> None:
        self._let_go()
        self._backdrop.picture, self._backdrop.problem = None, ""
        self._problem = ""
        self._is_waiting = False
        self.preparing.emit(1.0)

    def _ask(self) -> None:
        if self._path is not None:
            known = self.loader.load(self._path, self._page)
            self._is_waiting = known is None
            if known is not None:
                self._show(known)

    def _show(self, picture: Picture) -> None:
        self._let_go()
        self._backdrop.picture, self._backdrop.problem = picture, ""
        self._problem = ""
        if isinstance(picture, TiledPicture):
            picture.arrived.connect(self.sharpened)
        if not picture.is_preview:
            self._is_waiting = False
            self.preparing.emit(1.0)
        self.arrived.emit(picture.size_wh)
        if not picture.is_preview:
            self.shown.emit(True)
            self.facts_changed.emit()

    def _let_go(self) -> None:
        if isinstance(self.picture, TiledPicture):
            self.picture.arrived.disconnect(self.sharpened)

    def _on_image(self, path: Path, picture: Picture) -> None:
        if path == self._path:
            self._show(picture)

    def _on_failed(self, path: Path, error: ImageError) -> None:
        if path != self._path:
            return
        self._is_waiting = False
        self.preparing.emit(1.0)
        self._problem = error.message
        self._backdrop.problem = f"{path.name}: {tr_engine(error.message)}"
        self._backdrop.remedy = tr_engine(error.remedy or "")
        self.shown.emit(False)

    def _on_progress(self, path: Path, share: float) -> None:
        if path == self._path:
            self.preparing.emit(share)
