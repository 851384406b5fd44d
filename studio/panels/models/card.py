"""One model file as a card: picture, what it knows, how good it is, what can be done with it."""

from __future__ import annotations

import time
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Literal

from PySide6.QtCore import QRect, QRectF, QSize, Qt, Signal
from PySide6.QtGui import (
    QColor,
    QImage,
    QKeyEvent,
    QMouseEvent,
    QPainter,
    QPainterPath,
    QPaintEvent,
)
from PySide6.QtWidgets import QFrame, QHBoxLayout, QMenu, QVBoxLayout, QWidget

from studio.language import tr
from studio.model.model_files import size_of
from studio.model.run_figures import Figure
from studio.model.runs import STATE_WORDS, Checkpoint, RunSnapshot
from studio.model.weights_state import megabytes
from studio.theme import tokens
from studio.theme.icons import pixmap
from studio.theme.theme import current_colors
from studio.widgets.icon_button import IconButton, TextButton
from studio.widgets.status_dot import StatusDot
from studio.widgets.text_label import TextLabel

CARD_WIDTH = 292
TRAINABLE = (".pt", ".safetensors")
_PICTURE_HEIGHT = 132
_NAMED_CLASSES = 4
_KINDS = {
    "best": tr("best weights"),
    "last": tr("latest weights"),
    "epoch": tr("one epoch"),
    "exported": tr("exported"),
    "file": tr("from elsewhere"),
}
_DOTS: dict[str, Literal["success", "danger", "none"]] = {
    "finished": "success",
    "failed": "danger",
    "stopped": "none",
}

# key, words in the menu; the first two are buttons
ACTIONS: tuple[tuple[str, str], ...] = (
    ("predict", tr("Predict")),
    ("export", tr("Export")),
    ("validate", tr("Validate")),
    ("validation", tr("Look at its validation")),
    ("train", tr("Train on from here")),
    ("open", tr("What it knows")),
    ("folder", tr("Open its folder")),
)


@dataclass(frozen=True)
class ModelFile:
    """A model file and what is known of it.

    Attributes:
        checkpoint: The file.
        run: The run that made it, None for a file from elsewhere.
        classes: Names of its classes.
        figures: What it is judged by, empty where unknown.
        task: What it does, where the file was read; else its run says it.
    """

    checkpoint: Checkpoint
    run: RunSnapshot | None
    classes: tuple[str, ...] = ()
    figures: tuple[Figure, ...] = ()
    task: str = ""

    @property
    def title(self) -> str:
        """Return the name of the card."""
        if self.run is None:
            return self.checkpoint.path.name
        if self.checkpoint.kind in ("best", "last"):
            return f"{self.run.name} · {self.checkpoint.kind}"
        return f"{self.run.name} · {self.checkpoint.path.name}"

    @property
    def actions(self) -> list[str]:
        """Return what can be done with it."""
        keys = ["predict", "validate", "open", "folder"]
        if self.checkpoint.kind != "exported":
            keys += ["export", "train"]
        if self.run is not None and (self.run.folder / "validation.json").is_file():
            keys.append("validation")
        return keys


class _Picture(QWidget):
    """The run's latest predictions, cropped to the card."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._image = QImage()
        self.setFixedHeight(_PICTURE_HEIGHT)

    def show_image(self, image: QImage) -> None:
        """Show a picture."""
        self._image = image
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        """Draw the picture filling the place, its upper corners round."""
        painter = QPainter(self)
        painter.setRenderHints(
            QPainter.RenderHint.Antialiasing | QPainter.RenderHint.SmoothPixmapTransform
        )
        path = QPainterPath()
        radius = tokens.RADIUS_CARD - 1
        whole = QRectF(self.rect())
        path.addRoundedRect(whole.adjusted(0, 0, 0, radius), radius, radius)
        painter.setClipPath(path)
        if self._image.isNull():
            painter.fillRect(whole, QColor(current_colors().surround))
            icon = pixmap("models", current_colors().outline, tokens.ICON_SIZE_LARGE)
            place = QRect(0, 0, tokens.ICON_SIZE_LARGE, tokens.ICON_SIZE_LARGE)
            place.moveCenter(self.rect().center())
            painter.drawPixmap(place, icon)
        else:
            size = QSize(self._image.size()).scaled(
                self.size(), Qt.AspectRatioMode.KeepAspectRatioByExpanding
            )
            left, top = (self.width() - size.width()) / 2, (self.height() - size.height()) / 2
            painter.drawImage(QRectF(left, top, size.width(), size.height()), self._image)
        painter.end()


class ModelCard(QFrame):
    """The card.

    Signals:
        asked(str, object): An action's key and the :class:`ModelFile`; ``open`` for a click on the card itself.
    """

    asked = Signal(str, object)

    def __init__(self, model: ModelFile, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.model = model
        self.setProperty("role", "card")
        self.setFixedWidth(CARD_WIDTH)
        self.setAccessibleName(model.title)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self.picture = _Picture()
        self.buttons = {
            key: TextButton(words, "normal", key)
            for key, words in ACTIONS[:2]
            if key in model.actions
        }
        for key, button in self.buttons.items():
            button.clicked.connect(lambda _=False, key=key: self.asked.emit(key, self.model))
        self.menu_button = IconButton("more", tr("More"))
        self.menu_button.clicked.connect(self._on_menu)
        self._lay_out(model)

    def show_model(self, model: ModelFile) -> None:
        """Say what is known of the file now."""
        self.model = model
        for label, line in zip(self._lines, describe(model), strict=True):
            label.setText(line)
            label.setToolTip(line)

    def set_open(self, is_open: bool) -> None:
        """Mark the card whose model is shown beside."""
        self.setProperty("open", "true" if is_open else "false")
        self.style().unpolish(self)
        self.style().polish(self)

    def menu(self) -> QMenu:
        """Return a menu of everything that can be done with the file."""
        menu = QMenu(self)
        for key, words in ACTIONS:
            if key in self.model.actions:
                menu.addAction(words, partial(self.asked.emit, key, self.model))
        return menu

    def _on_menu(self) -> None:
        menu = self.menu()
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        menu.popup(self.menu_button.mapToGlobal(self.menu_button.rect().bottomLeft()))

    def _lay_out(self, model: ModelFile) -> None:
        title = QHBoxLayout()
        title.setSpacing(tokens.SPACE_S)
        title.addWidget(TextLabel(model.title, "section"))
        if model.run is not None:
            state = model.run.state
            title.addWidget(StatusDot(_DOTS.get(state.value, "busy"), STATE_WORDS[state]))
        title.addStretch()
        numbers = QHBoxLayout()
        numbers.setSpacing(tokens.SPACE_L)
        for figure in model.figures:
            numbers.addLayout(_number(f"{figure.value:.3f}", figure.caption))
        if not model.figures:
            numbers.addLayout(_number("–", tr("not measured here")))
        numbers.addStretch()
        foot = QHBoxLayout()
        foot.setSpacing(tokens.SPACE_S)
        for button in self.buttons.values():
            foot.addWidget(button)
        foot.addStretch()
        foot.addWidget(self.menu_button)
        inner = QVBoxLayout()
        inner.setContentsMargins(tokens.SPACE_M, tokens.SPACE_S, tokens.SPACE_M, tokens.SPACE_M)
        inner.setSpacing(tokens.SPACE_XS)
        inner.addLayout(title)
        inner.addLayout(numbers)
        self._lines = [TextLabel("", "caption") for _ in describe(model)]
        for label in self._lines:
            inner.addWidget(label)
        self.show_model(model)
        inner.addSpacing(tokens.SPACE_XS)
        inner.addLayout(foot)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(1, 1, 1, 1)
        layout.setSpacing(0)
        layout.addWidget(self.picture)
        layout.addLayout(inner)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        """Open the model where the card itself is clicked."""
        if event.button() == Qt.MouseButton.LeftButton and self.rect().contains(
            event.position().toPoint()
        ):
            self.asked.emit("open", self.model)
        super().mouseReleaseEvent(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Open the model with Enter or Space."""
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter, Qt.Key.Key_Space):
            self.asked.emit("open", self.model)
        else:
            super().keyPressEvent(event)


def describe(model: ModelFile) -> list[str]:
    """Return three lines: task and classes, data and size, the file's kind and date."""
    named = ", ".join(model.classes[:_NAMED_CLASSES])
    more = len(model.classes) - _NAMED_CLASSES
    classes = tr("{named} and {more} more").format(named=named, more=more) if more > 0 else named
    task = task_of(model) or tr("model")
    version = (
        tr("data {version}").format(version=model.run.version)
        if model.run is not None and model.run.version
        else ""
    )
    size = megabytes(model.checkpoint.size_bytes)
    date = time.strftime("%Y-%m-%d %H:%M", time.localtime(model.checkpoint.modified))
    return [
        " · ".join(filter(None, (task, classes))),
        " · ".join(filter(None, (version, size))),
        f"{_KINDS.get(model.checkpoint.kind, model.checkpoint.kind)} · {date}",
    ]


def task_of(model: ModelFile) -> str:
    """Return what a model does, as far as its run or its file has said it; else empty."""
    if model.task or model.run is None:
        return model.task
    return str(model.run.facts.task or model.run.args.get("task") or "")


def file_of(path: Path) -> ModelFile:
    """Return a file from elsewhere as a model.

    Raises:
        OSError: The file is gone.
    """
    kind = "file" if path.suffix.lower() in TRAINABLE else "exported"
    return ModelFile(Checkpoint(path, kind, size_of(path), path.stat().st_mtime), None)


def _number(value: str, caption: str) -> QVBoxLayout:
    column = QVBoxLayout()
    column.setSpacing(0)
    column.addWidget(TextLabel(value, "title"))
    column.addWidget(TextLabel(caption, "caption"))
    return column
