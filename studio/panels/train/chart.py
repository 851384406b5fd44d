"""One small chart: curves over epochs, a crosshair, the best epoch, and the values in its head."""

from __future__ import annotations

from html import escape

import numpy as np
import pyqtgraph as pg
from PySide6.QtCore import QPointF, Qt, Signal
from PySide6.QtGui import QColor
from PySide6.QtWidgets import QHBoxLayout, QSizePolicy, QVBoxLayout, QWidget

from studio.model.run_facts import History
from studio.panels.train.chart_specs import ChartSpec, Line, format_number, smoothed, value_at
from studio.theme import tokens
from studio.theme.fonts import font
from studio.theme.theme import current_colors
from studio.widgets.elided_label import ElidedLabel
from studio.widgets.text_label import TextLabel

_LEFT_AXIS = 44
_FAINT_ALPHA = 90
_MIN_SIZE = (180, 110)
_SHARE_MARGIN = 0.02


class Chart(QWidget):
    """One :class:`ChartSpec` drawn.

    Signals:
        pointed(float): The mouse is above this epoch.
        left(): The mouse has gone.
    """

    pointed = Signal(float)
    left = Signal()

    def __init__(self, spec: ChartSpec, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.spec = spec
        self._history = History()
        self._weight = 0.0
        self._cursor: float | None = None
        self._title = ElidedLabel(spec.title, "section")
        self._title.setToolTip(spec.title)
        self._values = TextLabel("", "caption")
        self._values.setTextFormat(Qt.TextFormat.RichText)
        self._values.setFont(font(tokens.FONT_CAPTION, tabular=True))
        self.plot = pg.PlotWidget()
        self._curves = {line.name: self.plot.plot() for line in spec.lines}
        self._raw = {line.name: self.plot.plot() for line in spec.lines}
        self._crosshair = pg.InfiniteLine(angle=90, movable=False)
        self._best = pg.InfiniteLine(angle=90, movable=False)
        self._set_up_plot()
        self._lay_out()
        self.recolor()

    def show_history(self, history: History, weight: float) -> None:
        """Draw the curves of a run, smoothed by ``weight``."""
        self._history, self._weight = history, 0.0 if self.spec.is_measure else weight
        for line in self.spec.lines:
            self._draw(line)
        if self.spec.is_measure:
            self.plot.setYRange(0, self._highest() or 1, padding=0.08)
        best = history.best_epoch
        self._best.setVisible(best is not None)
        if best is not None:
            self._best.setValue(best)
        self._show_values()

    def set_cursor(self, epoch: float | None) -> None:
        """Put the crosshair at an epoch, or take it away."""
        self._cursor = epoch
        self._crosshair.setVisible(epoch is not None)
        if epoch is not None:
            self._crosshair.setValue(epoch)
        self._show_values()

    def values_text(self) -> str:
        """Return the values in the head as plain text."""
        return "  ".join(" ".join(filter(None, pair)) for pair in self._shown_values())

    def recolor(self) -> None:
        """Take the colours of the scheme in force."""
        colors = current_colors()
        self.plot.setBackground(colors.panel)
        for side in ("left", "bottom"):
            axis = self.plot.getAxis(side)
            axis.setPen(pg.mkPen(colors.line))
            axis.setTextPen(pg.mkPen(colors.secondary))
        for line in self.spec.lines:
            ink = QColor(getattr(colors, line.ink))
            style = Qt.PenStyle.DashLine if line.dashed else Qt.PenStyle.SolidLine
            self._curves[line.name].setPen(pg.mkPen(ink, width=1.5, style=style))
            ink.setAlpha(_FAINT_ALPHA)
            self._raw[line.name].setPen(pg.mkPen(ink, width=1))
        self._crosshair.setPen(pg.mkPen(colors.outline))
        self._best.setPen(pg.mkPen(colors.success, style=Qt.PenStyle.DotLine))
        self._show_values()

    def _draw(self, line: Line) -> None:
        series = self._history.get(line.name)
        detail = self._history.get(line.detail) if line.detail else series
        raw, main = self._raw[line.name], self._curves[line.name]
        if (
            len(series.x) < 2 and line.detail
        ):  # before two epochs are done the batches are the curve
            raw.setData([], [])
            main.setData(np.asarray(detail.x), smoothed(detail.y, self._weight))
            return
        main.setData(np.asarray(series.x), smoothed(series.y, self._weight))
        if line.detail or self._weight > 0:
            raw.setData(np.asarray(detail.x), np.asarray(detail.y))
        else:
            raw.setData([], [])

    def _highest(self) -> float:
        names = [name for line in self.spec.lines for name in (line.name, line.detail) if name]
        return max((max(s.y) for s in map(self._history.get, names) if s.y), default=0.0)

    def _shown_values(self) -> list[tuple[str, str]]:
        shown = []
        for line in self.spec.lines:
            series = self._history.get(line.name)
            if not series.x and line.detail:
                series = self._history.get(line.detail)
            if not series.x:
                continue
            value = series.y[-1] if self._cursor is None else value_at(series, self._cursor)
            shown.append((line.label, format_number(value, self.spec.digits)))
        return shown

    def _show_values(self) -> None:
        colors = current_colors()
        inks = {line.label: getattr(colors, line.ink) for line in self.spec.lines}
        parts = [
            f'<span style="color:{inks[label]}">{escape(label)} <b>{value}</b></span>'
            for label, value in self._shown_values()
        ]
        self._values.setText("&nbsp; ".join(parts))
        self._share_head()

    def _share_head(self) -> None:
        """Give the values the room they need; the title ends early where it is narrow, and its tip has all of it."""
        left = self.width() - 2 * tokens.SPACE_S - tokens.SPACE_XS
        self._title.setMaximumWidth(max(left - self._values.sizeHint().width(), 0))

    def _set_up_plot(self) -> None:
        plot = self.plot
        plot.setMouseEnabled(x=False, y=False)
        plot.setMenuEnabled(False)
        plot.hideButtons()
        plot.setDownsampling(auto=True, mode="peak")  # a batch curve has more points than pixels
        plot.setMinimumSize(*_MIN_SIZE)
        if self.spec.is_share:
            plot.setLimits(yMin=-_SHARE_MARGIN, yMax=1 + _SHARE_MARGIN)
        plot.getPlotItem().setContentsMargins(0, tokens.SPACE_XS, tokens.SPACE_S, 0)
        for side in ("left", "bottom"):
            axis = plot.getAxis(side)
            axis.setTickFont(font(tokens.FONT_CAPTION))
            axis.setStyle(tickLength=-4, tickTextOffset=4, maxTickLevel=0)
        plot.getAxis("left").setWidth(_LEFT_AXIS)
        plot.getAxis("left").enableAutoSIPrefix(False)
        for mark in (self._crosshair, self._best):
            mark.setVisible(False)
            plot.addItem(mark, ignoreBounds=True)
        plot.scene().sigMouseMoved.connect(self._on_mouse_moved)

    def _lay_out(self) -> None:
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        head = QHBoxLayout()
        head.setContentsMargins(tokens.SPACE_S, 0, tokens.SPACE_S, 0)
        head.setSpacing(tokens.SPACE_XS)
        head.addWidget(self._title)
        head.addWidget(self._values, 1)
        self._values.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        # The charts of a column are as wide as one another, whatever their heads say.
        self._values.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        layout.addLayout(head)
        layout.addWidget(self.plot, 1)

    def _on_mouse_moved(self, position: QPointF) -> None:
        box = self.plot.getPlotItem().vb
        if box.sceneBoundingRect().contains(position):
            self.pointed.emit(max(0.0, box.mapSceneToView(position).x()))
        else:
            self.left.emit()

    def leaveEvent(self, event) -> None:
        """Take the crosshair away with the mouse."""
        super().leaveEvent(event)
        self.left.emit()
