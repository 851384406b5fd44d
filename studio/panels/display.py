"""How the image is looked at: window, brightness, contrast, gamma, channel, page, and the scale for lengths."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from math import log

from PySide6.QtCore import QLocale, Qt, QTimer, Signal
from PySide6.QtWidgets import (
    QComboBox,
    QGridLayout,
    QHBoxLayout,
    QScrollArea,
    QSlider,
    QVBoxLayout,
    QWidget,
)

from studio.language import tr
from studio.model.calibration import PIXELS, UNITS, Calibration
from studio.model.display import GAMMA_RANGE, NEUTRAL, Display, PictureFacts
from studio.theme import tokens
from studio.theme.fonts import font
from studio.theme.theme import motion_ms
from studio.widgets.collapsible_section import CollapsibleSection
from studio.widgets.histogram import WindowHistogram
from studio.widgets.icon_button import TextButton
from studio.widgets.late_call import LateCall
from studio.widgets.spin_box import DoubleSpinBox, SpinBox
from studio.widgets.text_label import TextLabel

_SHOW_AFTER_MS = 15  # many steps of a slider make one change


class DisplayPanel(QWidget):
    """Changes how the image is shown, never the image.

    Signals:
        display_changed(Display): The person wants another look.
        page_chosen(int): Another page of the file, from 0.
        split_asked(): Each page of the file is to be an image of its own.
        scale_given(float, str): The measured line is that long, in that unit.
        scale_cleared(): Lengths in pixels again.
        measure_asked(): The tool that measures is wanted.
    """

    display_changed = Signal(object)
    page_chosen = Signal(int)
    split_asked = Signal()
    scale_given = Signal(float, str)
    scale_cleared = Signal()
    measure_asked = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._display = NEUTRAL
        self._facts: PictureFacts | None = None
        self.histogram = WindowHistogram()
        self.auto = TextButton(tr("Auto"), "normal")
        self.auto.setToolTip(
            tr("Find the window by the image's own values, leaving out the rarest.")
        )
        self.full = TextButton(tr("Full range"), "normal")
        self.full.setToolTip(tr("Show the smallest possible value black and the largest white."))
        self.reset = TextButton(tr("Reset"), "quiet", "reset")
        self.reset.setToolTip(tr("Show the image as it is."))
        self.channel = QComboBox()
        self.channel.setAccessibleName(tr("Channel"))
        self.channel.setMinimumContentsLength(4)
        self.channel.setSizeAdjustPolicy(
            QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon
        )
        self.page = SpinBox()
        self.page.setAccessibleName(tr("Page of the file"))
        self.page.setToolTip(tr("Another page of this file (Ctrl+PgDown, Ctrl+PgUp)"))
        self.page.setKeyboardTracking(False)
        self._page_count = TextLabel("", "secondary")
        self._depth = TextLabel("", "secondary")
        self.brightness = _Slider(tr("Brightness"), -1.0, 1.0, 0.0, lambda v: f"{v * 100:+.0f} %")
        self.contrast = _Slider(tr("Contrast"), -1.0, 1.0, 0.0, lambda v: f"{v * 100:+.0f} %")
        self.gamma = _Slider(tr("Gamma"), *GAMMA_RANGE, 1.0, lambda v: f"{v:.2f}", is_ratio=True)
        self.scale = _ScaleForm()
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.timeout.connect(lambda: self.display_changed.emit(self._display))
        self._lay_out()
        self._bring_scale = LateCall(self, self._show_scale_form, motion_ms())  # once it is open
        self._wire()
        self.show_facts(None)

    def show_facts(self, facts: PictureFacts | None) -> None:
        """Offer what the image has: its channels, pages and values; None while there is no image."""
        self._facts = facts
        there = facts is not None
        for widget in (self.histogram, self.auto, self.full, self.channel):
            widget.setEnabled(there)
        self._show_pages(facts)
        names = facts.channels if facts is not None else ()
        self.channel.blockSignals(True)
        self.channel.clear()
        self.channel.addItem(tr("All channels") if len(names) > 1 else tr("Grey"))
        if len(names) > 1:
            self.channel.addItems(list(names))
        self.channel.blockSignals(False)
        self.channel.setEnabled(len(names) > 1)
        if facts is not None:
            self.histogram.show_counts(facts.histogram, facts.low, facts.high)
            self._depth.setText(facts.depth)
        else:
            self.histogram.show_counts((), 0.0, 255.0)
            self._depth.setText("")
        self.show_display(self._display)

    def show_display(self, display: Display) -> None:
        """Show another look in the controls, without a signal."""
        self._display = display
        facts = self._facts or PictureFacts()
        self.histogram.show_window(*(display.window or facts.auto_window))
        for slider, value in (
            (self.brightness, display.brightness),
            (self.contrast, display.contrast),
            (self.gamma, display.gamma),
        ):
            slider.show_value(value)
        shown = display.of_channels(len(facts.channels)).channel
        self.channel.blockSignals(True)
        self.channel.setCurrentIndex(0 if shown is None or len(facts.channels) == 1 else shown + 1)
        self.channel.blockSignals(False)
        self.reset.setEnabled(not display.is_neutral)

    def show_calibration(self, calibration: Calibration) -> None:
        """Show the project's scale."""
        self.scale.show_calibration(calibration)

    def show_measured(self, pixels: float) -> None:
        """Show how long the measured line is; 0 while there is none."""
        self.scale.show_measured(pixels)

    def ask_length(self) -> None:
        """Put the cursor where the length of the measured line is typed."""
        self._scale_section.set_expanded(True)
        self.scale.length.setFocus()
        self.scale.length.selectAll()
        self._bring_scale.ask()

    def _show_scale_form(self) -> None:
        for widget in (self.scale.set_button, self.scale.length):
            self._area.ensureWidgetVisible(widget)

    def _show_pages(self, facts: PictureFacts | None) -> None:
        pages = facts.pages if facts is not None else 1
        self.page.blockSignals(True)
        self.page.setRange(1, pages)
        self.page.setValue(facts.page + 1 if facts is not None else 1)
        self.page.blockSignals(False)
        self._page_count.setText(tr("of {pages:,}").format(pages=pages))
        for widget in (self._pages, self.page_note, self.split_button):
            widget.setVisible(pages > 1)

    def _change(self, **values: object) -> None:
        self._display = replace(self._display, **values)  # type: ignore[arg-type]
        self.reset.setEnabled(not self._display.is_neutral)
        if not self._timer.isActive():
            self._timer.start(_SHOW_AFTER_MS)

    def _full_range(self) -> None:
        facts = self._facts or PictureFacts()
        self._change(window=(facts.low, facts.high))
        self.histogram.show_window(facts.low, facts.high)

    def _auto_window(self) -> None:
        facts = self._facts or PictureFacts()
        self._change(window=None)
        self.histogram.show_window(*facts.auto_window)

    def _reset(self) -> None:
        self.show_display(NEUTRAL)
        self._timer.start(0)

    def _wire(self) -> None:
        self.histogram.window_changed.connect(lambda low, high: self._change(window=(low, high)))
        self.histogram.reset_asked.connect(self._auto_window)
        self.auto.clicked.connect(lambda: self._auto_window())
        self.full.clicked.connect(lambda: self._full_range())
        self.reset.clicked.connect(lambda: self._reset())
        self.brightness.moved.connect(lambda value: self._change(brightness=value))
        self.contrast.moved.connect(lambda value: self._change(contrast=value))
        self.gamma.moved.connect(lambda value: self._change(gamma=value))
        self.channel.currentIndexChanged.connect(
            lambda index: self._change(channel=index - 1 if index > 0 else None)
        )
        self.page.valueChanged.connect(lambda value: self.page_chosen.emit(value - 1))
        self.scale.given.connect(self.scale_given)
        self.scale.cleared.connect(self.scale_cleared)
        self.scale.measure_asked.connect(self.measure_asked)

    def _lay_out(self) -> None:
        self._pages = _line(TextLabel(tr("Page")), self.page, self._page_count)
        self.page_note = TextLabel(
            tr("Shapes belong to the file: they show on each of its pages."), "caption", wrap=True
        )
        self.split_button = TextButton(tr("Make images of the pages"), "link")
        self.split_button.setToolTip(
            tr("Writes each page as a file beside this one and adds them: each has its own shapes.")
        )
        self.split_button.clicked.connect(lambda: self.split_asked.emit())
        body = QWidget()
        column = QVBoxLayout(body)
        column.setContentsMargins(tokens.SPACE_S, tokens.SPACE_S, tokens.SPACE_S, tokens.SPACE_M)
        column.setSpacing(tokens.SPACE_S)
        column.addWidget(self._pages)
        column.addWidget(self.page_note)
        column.addWidget(self.split_button, 0, Qt.AlignmentFlag.AlignLeft)
        column.addWidget(self.histogram)
        column.addWidget(_line(self.auto, self.full, self._depth))
        column.addWidget(_line(TextLabel(tr("Channel")), self.channel))
        grid = QGridLayout()
        grid.setHorizontalSpacing(tokens.SPACE_S)
        for row, slider in enumerate((self.brightness, self.contrast, self.gamma)):
            grid.addWidget(slider.name, row, 0)
            grid.addWidget(slider, row, 1)
            grid.addWidget(slider.value_label, row, 2)
        column.addLayout(grid)
        column.addWidget(self.reset, 0, Qt.AlignmentFlag.AlignLeft)
        self._scale_section = CollapsibleSection(tr("Scale"))
        self._scale_section.set_content(self.scale)
        column.addWidget(self._scale_section)
        column.addStretch(1)
        area = self._area = QScrollArea()
        area.setWidgetResizable(True)
        area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        area.setWidget(body)
        whole = QVBoxLayout(self)
        whole.setContentsMargins(0, 0, 0, 0)
        whole.addWidget(area)


class _Slider(QSlider):
    """A value on a slider, with its name and its number beside it.

    Signals:
        moved(float): The person chose another value.
    """

    moved = Signal(float)

    def __init__(
        self,
        name: str,
        low: float,
        high: float,
        neutral: float,
        words: Callable[[float], str],
        is_ratio: bool = False,
    ) -> None:
        super().__init__(Qt.Orientation.Horizontal)
        self._low, self._high, self._neutral = low, high, neutral
        self._words, self._is_ratio = words, is_ratio
        self.name = TextLabel(name)
        self.value_label = TextLabel("", "secondary")
        self.value_label.setFont(font(tokens.FONT_SECONDARY, tabular=True))
        self.value_label.setMinimumWidth(44)
        self.value_label.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        self.setRange(-100, 100)
        self.setPageStep(10)
        self.setAccessibleName(name)
        self.setToolTip(tr("A double click puts it back."))
        self.valueChanged.connect(self._on_changed)
        self.show_value(neutral)

    def show_value(self, value: float) -> None:
        """Show a value without a signal."""
        self.blockSignals(True)
        self.setValue(self._step_of(value))
        self.blockSignals(False)
        self.value_label.setText(self._words(value))

    def mouseDoubleClickEvent(self, event: object) -> None:
        """Put it back."""
        self.setValue(self._step_of(self._neutral))

    def _on_changed(self, step: int) -> None:
        value = self._value_of(step)
        self.value_label.setText(self._words(value))
        self.moved.emit(value)

    def _value_of(self, step: int) -> float:
        if self._is_ratio:
            return float(self._high ** (step / 100))
        return self._low + (step + 100) / 200 * (self._high - self._low)

    def _step_of(self, value: float) -> int:
        if self._is_ratio:
            return round(log(value) / log(self._high) * 100)
        return round((value - self._low) / (self._high - self._low) * 200 - 100)


class _ScaleForm(QWidget):
    """Says how large a pixel is, and takes a known length.

    Signals:
        given(float, str): The measured line is that long, in that unit.
        cleared(): Lengths in pixels again.
        measure_asked(): A line is to be drawn.
    """

    given = Signal(float, str)
    cleared = Signal()
    measure_asked = Signal()

    def __init__(self) -> None:
        super().__init__()
        self._state = TextLabel("", "secondary")
        self._state.setWordWrap(True)
        self.measure = TextButton(tr("Measure a length"), "normal")
        self.measure.setToolTip(
            tr(
                "Drag a line along something whose length you know (Shift+M), then type how long it is."
            )
        )
        self.length = DoubleSpinBox()
        self.length.setRange(0.0, 1e9)
        self.length.setDecimals(4)
        self.length.setMinimumWidth(72)
        self.length.setLocale(QLocale.c())
        self.length.setAccessibleName(tr("Length of the measured line"))
        self.unit = QComboBox()
        self.unit.setEditable(True)
        self.unit.addItems(list(UNITS))
        self.unit.setMinimumContentsLength(3)
        self.unit.setSizeAdjustPolicy(
            QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon
        )
        self.unit.setCurrentText("mm")
        self.unit.setAccessibleName(tr("Unit of length"))
        self.set_button = TextButton(tr("Set scale"), "primary")
        self.clear_button = TextButton(tr("Use pixels"), "quiet")
        self.clear_button.setToolTip(tr("Show lengths and areas in pixels again."))
        self._known = _line(self.length, self.unit)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(tokens.SPACE_S)
        for widget in (self._state, self.measure, self._known):
            column.addWidget(widget)
        column.addWidget(_line(self.set_button))
        column.addWidget(_line(self.clear_button))
        self._calibration, self._pixels = PIXELS, 0.0
        self.measure.clicked.connect(lambda: self.measure_asked.emit())
        self.set_button.clicked.connect(
            lambda: self.given.emit(self.length.value(), self.unit.currentText())
        )
        self.length.lineEdit().returnPressed.connect(
            self.set_button.click
        )  # greyed it does nothing
        self.clear_button.clicked.connect(lambda: self.cleared.emit())
        self.length.valueChanged.connect(lambda _value: self._show())
        self._show()

    def show_calibration(self, calibration: Calibration) -> None:
        """Show the scale in force."""
        self._calibration = calibration
        if not calibration.is_pixels:
            self.unit.setCurrentText(calibration.unit)
        self._show()

    def show_measured(self, pixels: float) -> None:
        """Show how long the measured line is."""
        self._pixels = pixels
        self._show()

    def _show(self) -> None:
        scale = (
            tr("Lengths are in pixels.")
            if self._calibration.is_pixels
            else self._calibration.scale()
        )
        line = ""
        if self._pixels:
            line = tr(" The line is {pixels:.1f} px").format(pixels=self._pixels)
            if not self._calibration.is_pixels:
                line += f", {self._calibration.length(self._pixels)}"
            line += tr(" long. It really is:")
        self._state.setText(scale + line)
        self._known.setEnabled(self._pixels > 0)
        self.set_button.setEnabled(self._pixels > 0 and self.length.value() > 0)
        self.clear_button.setVisible(not self._calibration.is_pixels)


def _line(*widgets: QWidget) -> QWidget:
    """Return widgets side by side."""
    holder = QWidget()
    line = QHBoxLayout(holder)
    line.setContentsMargins(0, 0, 0, 0)
    line.setSpacing(tokens.SPACE_S)
    for widget in widgets:
        line.addWidget(widget, 1 if isinstance(widget, QComboBox) else 0)
    if not any(isinstance(widget, QComboBox) for widget in widgets):
        line.addStretch(1)
    return holder
