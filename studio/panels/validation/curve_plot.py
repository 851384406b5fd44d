"""One measure over another: the mean of all classes, each class faint, the chosen one strong."""

from __future__ import annotations

from collections.abc import Mapping

import pyqtgraph as pg
from PySide6.QtCore import QEvent, Qt
from PySide6.QtGui import QColor
from PySide6.QtWidgets import QWidget

from studio.language import tr
from studio.model.validation_report import Curve
from studio.theme import tokens
from studio.theme.fonts import font
from studio.theme.theme import current_colors

_FAINT_ALPHA = 110


# name of the curve, title, what runs along, what runs up
CURVES: Mapping[str, tuple[str, str, str]] = {
    "pr": (tr("Precision over recall"), tr("recall"), tr("precision")),
    "f1": (tr("F1 over confidence"), tr("confidence"), "F1"),
    "p": (tr("Precision over confidence"), tr("confidence"), tr("precision")),
    "r": (tr("Recall over confidence"), tr("confidence"), tr("recall")),
}


class CurvePlot(pg.PlotWidget):
    """The plot; both axes run from 0 to 1."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._curve: Curve | None = None
        self._inks: Mapping[int, str] = {}
        self._chosen: int | None = None
        self.setMouseEnabled(x=False, y=False)
        self.setMenuEnabled(False)
        self.hideButtons()
        self.setRange(xRange=(0, 1), yRange=(0, 1.02), padding=0.01)
        for side in ("left", "bottom"):
            axis = self.getAxis(side)
            axis.setTickFont(font(tokens.FONT_CAPTION))
            axis.setStyle(tickLength=-4, maxTickLevel=0)
        self._name_axes("pr")
        self._draw()

    def show_curve(self, name: str, curve: Curve | None, inks: Mapping[int, str]) -> None:
        """Show a report's curve.

        Args:
            name: One of :data:`CURVES`.
            curve: The curve, None for none.
            inks: Colour of each class.
        """
        self._curve, self._inks = curve, inks
        self._name_axes(name)
        self._draw()

    def _name_axes(self, name: str) -> None:
        title, x_label, y_label = CURVES[name]
        self.setAccessibleName(title)
        for side, label in (("left", y_label), ("bottom", x_label)):
            axis = self.getAxis(side)
            axis.setLabel(label)
            axis.label.setFont(font(tokens.FONT_CAPTION))

    def choose(self, class_id: int | None) -> None:
        """Draw one class strong, or none."""
        self._chosen = class_id
        self._draw()

    def _draw(self) -> None:
        colors = current_colors()
        self.clear()
        self.setBackground(colors.panel)
        for side in ("left", "bottom"):
            axis = self.getAxis(side)
            axis.setPen(pg.mkPen(colors.line))
            axis.setTextPen(pg.mkPen(colors.secondary))
        if self._curve is None:
            return
        for class_id, values in self._curve.y.items():
            ink = QColor(self._inks.get(class_id, colors.secondary))
            strong = class_id == self._chosen
            if not strong:
                ink.setAlpha(_FAINT_ALPHA)
            self.plot(self._curve.x, values, pen=pg.mkPen(ink, width=2.5 if strong else 1))
        mean = self._curve.mean()
        if mean:
            style = Qt.PenStyle.SolidLine if self._chosen is None else Qt.PenStyle.DashLine
            self.plot(self._curve.x, mean, pen=pg.mkPen(colors.text, width=2, style=style))

    def changeEvent(self, event: QEvent) -> None:
        """Draw in the colours of the new scheme."""
        super().changeEvent(event)
        if event.type() == QEvent.Type.StyleChange and hasattr(self, "_inks"):
            self._draw()
