"""The line below the tools: the class of the next shape, the options of the tool in hand, and what its clicks mean."""

from __future__ import annotations

from math import log

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtGui import QColor, QPainter, QPaintEvent
from PySide6.QtWidgets import (
    QFrame,
    QHBoxLayout,
    QSizePolicy,
    QSlider,
    QWidget,
)

from studio.canvas.view import CanvasView
from studio.language import tr
from studio.theme import tokens
from studio.theme.fonts import font
from studio.theme.theme import current_colors
from studio.tools.measure import MeasureTool
from studio.tools.options import OPTIONS, OptionSpec
from studio.tools.table import TOOLS
from studio.widgets.icon_button import IconButton, TextButton
from studio.widgets.spin_box import DoubleSpinBox
from studio.widgets.text_label import TextLabel

_SLIDER_WIDTH = 88
_SLIDER_STEPS = 100
_NUMBER_WIDTH = 76


class ToolOptionsBar(QFrame):
    """Controls of the canvas's options; only those of the tool in hand show.

    Args:
        canvas: Its options are shown and set.
        chip: What says which class the next shape gets.

    Signals:
        scale_asked(): The length of the measured line is to be told.
    """

    scale_asked = Signal()

    def __init__(self, canvas: CanvasView, chip: QWidget) -> None:
        super().__init__()
        self._canvas = canvas
        self.setProperty("role", "strip")
        self.hint = HintLabel()
        self.controls: dict[str, NumberOption | SwitchOption] = {
            name: self._build(name, spec) for name, spec in OPTIONS.items()
        }
        self.scale_button = TextButton(tr("Set scale…"))
        self.scale_button.setToolTip(
            tr("Say how long the measured line really is: lengths and areas then show in that unit")
        )
        self.scale_button.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.scale_button.clicked.connect(lambda: self.scale_asked.emit())
        line = QHBoxLayout(self)
        line.setContentsMargins(tokens.SPACE_S, tokens.SPACE_XS, tokens.SPACE_S, tokens.SPACE_XS)
        line.setSpacing(tokens.SPACE_S)
        line.addWidget(chip)
        for control in self.controls.values():
            line.addWidget(control)
        line.addWidget(self.scale_button)
        line.addWidget(self.hint, 1)
        # The same height for every tool: the picture must not jump when another one is taken.
        self.setFixedHeight(tokens.CONTROL_HEIGHT + 2 * tokens.SPACE_XS + 1)
        canvas.tool_changed.connect(self._on_tool)
        canvas.hand.changed.connect(self._on_drawn)
        canvas.options_changed.connect(self._on_options)
        self._on_tool(canvas.tool_name)
        self._on_options()

    def _build(self, name: str, spec: OptionSpec) -> NumberOption | SwitchOption:
        if spec.is_switch:
            switch = SwitchOption(spec)
            switch.toggled.connect(lambda on: self._canvas.set_option(name, on))
            return switch
        number = NumberOption(spec)
        number.box.valueChanged.connect(lambda value: self._canvas.set_option(name, value))
        # Typing is done: the keys are the tools' again.
        number.box.editingFinished.connect(self._canvas.setFocus)
        return number

    def _on_tool(self, tool: str) -> None:
        spec = TOOLS[tool]
        for name, control in self.controls.items():
            control.setVisible(name in spec.options)
        self.scale_button.setVisible(tool == "measure")
        self.hint.set_text(spec.hint)
        self._on_drawn()

    def _on_drawn(self) -> None:
        """Offer the scale once there is a line to tell the length of."""
        tool = self._canvas.tool
        is_line = isinstance(tool, MeasureTool) and tool.is_done and tool.length > 0
        self.scale_button.setEnabled(is_line)

    def _on_options(self) -> None:
        for name, control in self.controls.items():
            control.show_value(getattr(self._canvas.scene.options, name))


class NumberOption(QWidget):
    """A number with its word, as a field to type in and a slider to drag.

    The slider counts in steps of equal ratio: from 2 to 4 it is as far as from 200 to 400.
    """

    def __init__(self, spec: OptionSpec) -> None:
        super().__init__()
        self._spec = spec
        self.box = DoubleSpinBox()
        self.box.setDecimals(0 if spec.step >= 1 else 1)
        self.box.setRange(spec.low, spec.high)
        self.box.setSingleStep(spec.step)
        self.box.setSuffix(spec.unit)
        self.box.setFixedWidth(_NUMBER_WIDTH)
        self.box.setFocusPolicy(Qt.FocusPolicy.ClickFocus)
        self.box.setAccessibleName(spec.title)
        self.slider = QSlider(Qt.Orientation.Horizontal)
        self.slider.setRange(0, _SLIDER_STEPS)
        self.slider.setFixedWidth(_SLIDER_WIDTH)
        self.slider.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.slider.setAccessibleName(tr("{title}, slider").format(title=spec.title))
        if spec.factor <= 1:  # to show it before it has a parent would open a window of its own
            self.slider.hide()
        self.slider.valueChanged.connect(self._on_slid)
        line = QHBoxLayout(self)
        line.setContentsMargins(0, 0, 0, 0)
        line.setSpacing(tokens.SPACE_XS)
        line.addWidget(TextLabel(spec.title, "secondary"))
        line.addWidget(self.slider)
        line.addWidget(self.box)
        self.setToolTip(tr("{tip} (Shift + wheel, or [ and ])").format(tip=spec.tip))

    def show_value(self, value: float) -> None:
        """Show a value without telling anybody."""
        for control, shown in ((self.box, value), (self.slider, self._slide_of(value))):
            control.blockSignals(True)
            control.setValue(shown)  # type: ignore[arg-type]
            control.blockSignals(False)

    def _on_slid(self, place: int) -> None:
        spec = self._spec
        share = place / _SLIDER_STEPS
        value = (spec.low + 1) * ((spec.high + 1) / (spec.low + 1)) ** share - 1
        self.box.setValue(round(value / spec.step) * spec.step)

    def _slide_of(self, value: float) -> int:
        spec = self._spec
        span = log((spec.high + 1) / (spec.low + 1))
        return round(_SLIDER_STEPS * log((value + 1) / (spec.low + 1)) / span)


class SwitchOption(IconButton):
    """An icon that is on or off."""

    def __init__(self, spec: OptionSpec) -> None:
        super().__init__(spec.icon, spec.tip, text=spec.title)
        self.setProperty("kind", "option")
        self.setCheckable(True)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)

    def show_value(self, value: bool) -> None:
        """Show a state without telling anybody."""
        self.blockSignals(True)
        self.setChecked(value)
        self.blockSignals(False)


class HintLabel(QWidget):
    """A line of secondary text that gives way: it is cut at its end, and its tool tip has it whole."""

    def __init__(self) -> None:
        super().__init__()
        self._text = ""
        self.setFont(font(tokens.FONT_SECONDARY))
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)

    def set_text(self, text: str) -> None:
        """Show another text."""
        self._text = text
        self.setToolTip(text)
        self.setAccessibleName(text)
        self.update()

    def text(self) -> str:
        """Return the whole text."""
        return self._text

    def sizeHint(self) -> QSize:
        """Return the room for the whole text."""
        metrics = self.fontMetrics()
        return QSize(metrics.horizontalAdvance(self._text), metrics.height())

    def paintEvent(self, event: QPaintEvent) -> None:
        """Draw the text, cut where it does not fit."""
        painter = QPainter(self)
        painter.setPen(QColor(current_colors().secondary))
        text = self.fontMetrics().elidedText(self._text, Qt.TextElideMode.ElideRight, self.width())
        align = Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignRight
        painter.drawText(self.rect(), align, text)
        painter.end()
