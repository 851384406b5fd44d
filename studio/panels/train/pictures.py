"""The run's own pictures of validation images: labels left, the latest predictions right."""

from __future__ import annotations

from functools import partial
from pathlib import Path

from PySide6.QtCore import QPoint, QRect, QSize, Qt
from PySide6.QtGui import QImage, QImageReader, QPainter, QPaintEvent
from PySide6.QtWidgets import QHBoxLayout, QSizePolicy, QVBoxLayout, QWidget

from studio.language import tr
from studio.model.runs import RunSnapshot
from studio.theme import tokens
from studio.widgets.background import Background
from studio.widgets.text_label import TextLabel

_LABELS, _PREDICTIONS = "val_batch0_labels.jpg", "val_batch0_pred.jpg"
_MIN_HEIGHT = 140
_READ_SIZE = 1280  # pixels of the longer side: sharp on a large screen, quick to decode


class Picture(QWidget):
    """One file, scaled to fit, read again when it has changed."""

    def __init__(self, title: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._wanted: tuple[Path, int] | None = None
        # Decoding a large picture takes a tenth of a second: too long for the window's thread.
        self._background = Background()
        self._background.done.connect(self._on_read)
        self._image = QImage()
        self.setMinimumHeight(_MIN_HEIGHT)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setAccessibleName(title)

    def show_file(self, path: Path) -> bool:
        """Show the file as it is now, as soon as it is read; False if there is none."""
        try:
            state = (path, path.stat().st_mtime_ns)
        except OSError:
            self._wanted, self._image = None, QImage()
            self.update()
            return False
        if state != self._wanted:
            if self._wanted is not None and self._wanted[0] != path:
                self._image = QImage()  # of another run
            self._wanted = state
            self._background.clear()
            self._background.start(state, partial(read_scaled, path, _READ_SIZE))
        return True

    def image(self) -> QImage:
        """Return what shows; null while nothing has been read."""
        return self._image

    def _on_read(self, state: tuple[Path, int], image: QImage) -> None:
        # A null image was caught while it was being written: its next change brings it whole.
        if state == self._wanted and not image.isNull():
            self._image = image
            self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        """Draw the picture at the top left, as large as fits."""
        if self._image.isNull():
            return
        size = self._image.size().scaled(self.size(), Qt.AspectRatioMode.KeepAspectRatio)
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
        painter.drawImage(QRect(QPoint(0, 0), size), self._image)
        painter.end()


class Pictures(QWidget):
    """Both pictures with their captions."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.labels, self.predictions = Picture(tr("Labels")), Picture(tr("Predictions"))
        self._caption = TextLabel(tr("Predictions"), "section")
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(tokens.SPACE_M)
        for caption, picture in (
            (TextLabel(tr("Labels"), "section"), self.labels),
            (self._caption, self.predictions),
        ):
            column = QVBoxLayout()
            column.setSpacing(tokens.SPACE_XS)
            column.addWidget(caption)
            column.addWidget(picture, 1)
            layout.addLayout(column, 1)

    def show_run(self, run: RunSnapshot) -> bool:
        """Show a run's pictures as they are now, and tell whether there is any."""
        has_labels = self.labels.show_file(run.folder / _LABELS)
        has_predictions = self.predictions.show_file(run.folder / _PREDICTIONS)
        epoch = run.facts.epochs_done
        self._caption.setText(
            tr("Predictions after epoch {epoch}").format(epoch=epoch)
            if epoch
            else tr("Predictions")
        )
        return has_labels or has_predictions


def read_scaled(path: Path, longest: int) -> QImage:
    """Read a picture no larger than needed: JPEGs are scaled while they are decoded."""
    reader = QImageReader(str(path))
    reader.setAutoTransform(True)
    size = reader.size()
    if size.isValid() and max(size.width(), size.height()) > longest:
        box = QSize(longest, longest)
        reader.setScaledSize(size.scaled(box, Qt.AspectRatioMode.KeepAspectRatio))
    return reader.read()
