"""Which frames of a video become images, and where they go."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtGui import QImage, QPixmap
from PySide6.QtWidgets import (
    QButtonGroup,
    QCheckBox,
    QComboBox,
    QDialog,
    QFileDialog,
    QGridLayout,
    QHBoxLayout,
    QLabel,
    QRadioButton,
    QSlider,
    QVBoxLayout,
    QWidget,
)

from engine.data.video.facts import VideoFacts
from engine.data.video.plan import FramePlan
from studio.language import ntr, tr
from studio.model.clock import clock_text
from studio.theme import tokens
from studio.widgets.button_row import button_row
from studio.widgets.icon_button import TextButton
from studio.widgets.path_text import path_text
from studio.widgets.spin_box import DoubleSpinBox, SpinBox
from studio.widgets.text_label import TextLabel

_WIDTH, _PREVIEW = 560, QSize(208, 132)
_A_SECOND = 2  # images a second that are offered first: neighbours of a video teach a model little
_SUFFIXES = ((tr("JPEG (small)"), "jpg"), (tr("PNG (exact)"), "png"))


class ImportVideoDialog(QDialog):
    """A few choices over :class:`FramePlan`, with how many images they make.

    Signals:
        chosen(object, object): Go on with this :class:`FramePlan`, into this folder (None: beside the video).

    Args:
        facts: The video.
        parent: The window.
    """

    chosen = Signal(object, object)

    def __init__(self, facts: VideoFacts, parent: QWidget) -> None:
        super().__init__(parent)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setWindowTitle(tr("Import {name} as images").format(name=facts.path.name))
        self.setMinimumWidth(_WIDTH)
        self._facts = facts
        self.folder: Path | None = None
        self.all_button = QRadioButton(tr("One of every"))
        self.scene_button = QRadioButton(tr("Where the picture changes by"))
        self._ways = QButtonGroup(self)
        for button in (self.all_button, self.scene_button):
            self._ways.addButton(button)
        self.all_button.setChecked(True)
        self.every = SpinBox()
        self.every.setRange(1, max(facts.frames, 1_000_000))
        self.every.setValue(max(round(facts.fps / _A_SECOND), 1))
        self.every.setAccessibleName(tr("Distance between the frames to take"))
        self.change = QSlider(Qt.Orientation.Horizontal)
        self.change.setRange(5, 80)
        self.change.setValue(30)
        self.change.setAccessibleName(tr("Change of colours that makes a new scene, in percent"))
        self.change.setToolTip(tr("Less takes more frames: colours are compared, not places"))
        self.change_text = TextLabel("", "secondary")
        self.part = QCheckBox(tr("Only a part of the video"))
        self.start, self.end = _seconds(tr("From, seconds")), _seconds(tr("To, seconds"))
        for field in (self.start, self.end):
            field.setMaximum(max(facts.seconds, 1.0) if facts.seconds else 1e6)
        self.end.setValue(self.end.maximum() if facts.seconds else 60.0)
        self.suffix = QComboBox()
        self.suffix.setAccessibleName(tr("Kind of the images"))
        for text, suffix in _SUFFIXES:
            self.suffix.addItem(text, suffix)
        self.folder_text = TextLabel(tr("Beside the video"), "secondary")
        self.folder_button = TextButton(tr("Change"), "quiet", "folder")
        self.folder_button.setToolTip(tr("Choose the folder that the images are written into"))
        self.count_text = TextLabel("", "secondary")
        self.import_button = TextButton(tr("Import"), "primary", "import")
        self.import_button.setToolTip(tr("Write the images and add them to the project"))
        self.cancel_button = TextButton(tr("Cancel"))
        self._lay_out()
        self._wire()
        self._show()

    def plan(self) -> FramePlan:
        """Return what is chosen."""
        part = self.part.isChecked()
        scene = self.change.value() / 100 if self.scene_button.isChecked() else None
        return FramePlan(
            every=1 if scene is not None else self.every.value(),
            scene=scene,
            start_s=self.start.value() if part else 0.0,
            end_s=self.end.value() if part else None,
            suffix=str(self.suffix.currentData()),
        )

    def _wire(self) -> None:
        for button in (self.all_button, self.scene_button, self.part):
            button.toggled.connect(self._show)
        for field in (self.every, self.start, self.end, self.change):
            field.valueChanged.connect(self._show)
        self.folder_button.clicked.connect(self._on_folder)
        self.cancel_button.clicked.connect(self.reject)
        self.import_button.clicked.connect(self._on_import)

    def _show(self) -> None:
        by_scene, part = self.scene_button.isChecked(), self.part.isChecked()
        self.every.setEnabled(not by_scene)
        self.change.setEnabled(by_scene)
        self.start.setEnabled(part)
        self.end.setEnabled(part)
        self.change_text.setText(f"{self.change.value()} %")
        self.every.setSuffix(ntr(" frame", " frames", self.every.value()))
        fits = not part or self.end.value() > self.start.value()
        self.import_button.setEnabled(fits)
        self.count_text.setText(
            self._count_words() if fits else tr("The end lies before the beginning.")
        )

    def _count_words(self) -> str:
        if not self._facts.frames:
            return tr("The video does not say how many frames it has.")
        count = self.plan().count_in(self._facts.frames, self._facts.fps)
        if self.scene_button.isChecked():
            return ntr("At most {count:,} image", "At most {count:,} images", count).format(
                count=count
            )
        return ntr("{count:,} image", "{count:,} images", count).format(count=count)

    def _on_folder(self) -> None:
        start = str(self.folder or self._facts.path.parent)
        found = QFileDialog.getExistingDirectory(self, tr("Folder for the images"), start)
        if found:
            self.folder = Path(found)
            self.folder_text.setText(path_text(self.folder))

    def _on_import(self) -> None:
        self.chosen.emit(self.plan(), self.folder)
        self.accept()

    def _lay_out(self) -> None:
        picture = QLabel()
        picture.setPixmap(_pixmap(self._facts.first, self.devicePixelRatioF()))
        picture.setAccessibleName(tr("First frame of the video"))
        facts = TextLabel(_facts_words(self._facts), "secondary", wrap=True)
        head = QHBoxLayout()
        head.setSpacing(tokens.SPACE_L)
        head.addWidget(picture)
        head.addWidget(facts, 1, Qt.AlignmentFlag.AlignTop)
        grid = QGridLayout()
        grid.setHorizontalSpacing(tokens.SPACE_M)
        grid.setVerticalSpacing(tokens.SPACE_S)
        grid.setColumnStretch(1, 1)
        times = QHBoxLayout()
        times.setSpacing(tokens.SPACE_S)
        for widget in (self.start, TextLabel("–"), self.end):
            times.addWidget(widget)
        times.addStretch(1)
        scene = QHBoxLayout()
        scene.setSpacing(tokens.SPACE_S)
        scene.addWidget(self.change, 1)
        scene.addWidget(self.change_text)
        folder = QHBoxLayout()
        folder.addWidget(self.folder_text, 1)
        folder.addWidget(self.folder_button)
        rows: tuple[tuple[QWidget, QWidget | QHBoxLayout], ...] = (
            (self.all_button, self.every),
            (self.scene_button, scene),
            (self.part, times),
            (TextLabel(tr("Images")), self.suffix),
            (TextLabel(tr("Folder")), folder),
        )
        for row, (label, field) in enumerate(rows):
            grid.addWidget(label, row, 0)
            if isinstance(field, QWidget):
                grid.addWidget(field, row, 1)
            else:
                grid.addLayout(field, row, 1)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(tokens.SPACE_L, tokens.SPACE_L, tokens.SPACE_L, tokens.SPACE_L)
        layout.setSpacing(tokens.SPACE_L)
        layout.addLayout(head)
        layout.addLayout(grid)
        buttons = button_row(self.cancel_button, self.import_button, before=(self.count_text,))
        layout.addLayout(buttons)


def _facts_words(facts: VideoFacts) -> str:
    parts = [f"{facts.width} × {facts.height}"]
    if facts.frames:
        parts.append(ntr("{count:,} frame", "{count:,} frames", facts.frames).format(count=facts.frames))  # fmt: skip
    if facts.fps:
        parts.append(tr("{fps:g} frames a second").format(fps=round(facts.fps, 2)))
    if facts.seconds:
        parts.append(clock_text(facts.seconds))
    return "\n".join(parts)


def _seconds(name: str) -> DoubleSpinBox:
    field = DoubleSpinBox()
    field.setDecimals(1)
    field.setSuffix(" s")
    field.setAccessibleName(name)
    return field


def _pixmap(frame: np.ndarray, ratio: float) -> QPixmap:
    """Return a frame (H, W, 3) uint8 BGR as a small picture."""
    height, width = frame.shape[:2]
    image = QImage(frame.tobytes(), width, height, 3 * width, QImage.Format.Format_BGR888)
    fitted = image.scaled(
        _PREVIEW * ratio,
        Qt.AspectRatioMode.KeepAspectRatio,
        Qt.TransformationMode.SmoothTransformation,
    )
    pixmap = QPixmap.fromImage(fitted)
    pixmap.setDevicePixelRatio(ratio)
    return pixmap
