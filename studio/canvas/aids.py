"""What lies around the picture to find one's way: rulers, minimap, crosshair, the measured line's length, and progress."""

from __future__ import annotations

from math import isnan
from typing import TYPE_CHECKING

from PySide6.QtCore import QEvent, QObject, QRect, Qt
from PySide6.QtGui import QPalette
from PySide6.QtWidgets import QFrame, QLabel, QVBoxLayout

from studio.canvas.crosshair import CrosshairLine
from studio.canvas.minimap import Minimap
from studio.canvas.rulers import RULER_SIZE, Ruler
from studio.language import tr
from studio.model.calibration import PIXELS, Calibration
from studio.theme import tokens
from studio.theme.fonts import font
from studio.theme.theme import current_colors
from studio.tools.measure import MeasureTool
from studio.widgets.progress_row import ProgressRow

if TYPE_CHECKING:
    from studio.canvas.view import CanvasView

_LEVEL, _UPRIGHT = Qt.Orientation.Horizontal, Qt.Orientation.Vertical
_PROGRESS_WIDTH = 420


class Aids(QObject):
    """Children of the canvas that follow what it shows.

    Args:
        view: The canvas.
    """

    def __init__(self, view: CanvasView) -> None:
        super().__init__(view)
        self._view = view
        self._calibration = PIXELS
        self._crosshair_wanted = self._rulers_wanted = False
        self.rulers = tuple(Ruler(view.viewport, side, view) for side in (_LEVEL, _UPRIGHT))
        self.corner = QFrame(view)
        self.corner.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self.corner.setAutoFillBackground(True)
        self.lines = tuple(CrosshairLine(side, view) for side in (_LEVEL, _UPRIGHT))
        self.minimap = Minimap(view.viewport, view)
        self.length = _LengthLabel(view)
        self.progress = _Progress(view)
        self.progress.row.cancelled.connect(view.picture.stop_preparing)
        self.minimap.place_chosen.connect(view.center_on)
        view.moved.connect(self._on_moved)
        view.cursor_moved.connect(self._on_cursor_moved)
        view.picture.arrived.connect(self._show_picture)
        view.picture.facts_changed.connect(self._show_picture)
        view.picture.preparing.connect(self._on_preparing)
        view.installEventFilter(self)
        self.set_rulers(False)

    def set_rulers(self, shown: bool) -> None:
        """Show or hide the rulers."""
        self._rulers_wanted = shown
        for widget in (*self.rulers, self.corner):
            widget.setVisible(shown)
        self._lay_out()

    def set_minimap(self, shown: bool) -> None:
        """Show the minimap where it helps, or never."""
        self.minimap.set_wanted(shown)

    def set_crosshair(self, shown: bool) -> None:
        """Show lines through the cursor with every tool, or only with those that need them."""
        self._crosshair_wanted = shown
        if not shown:
            for line in self.lines:
                line.hide()

    def set_calibration(self, calibration: Calibration) -> None:
        """Count in another unit."""
        self._calibration = calibration
        for ruler in self.rulers:
            ruler.set_calibration(calibration)
        self.show_measured()

    def show_measured(self) -> None:
        """Write the length of the measured line beside it."""
        tool = self._view.tool
        line = tool.line if isinstance(tool, MeasureTool) else None
        if line is None or not isinstance(tool, MeasureTool) or not tool.length:
            self.length.hide()
            return
        (x1, y1), (x2, y2) = line
        words = tr("{length:.1f} px").format(length=tool.length)
        if not self._calibration.is_pixels:
            words = f"{self._calibration.length(tool.length)}  ({words})"
        device = self._view.viewport.to_device((x1 + x2) / 2, (y1 + y2) / 2)
        ratio = self._view.viewport.pixel_ratio
        self.length.show_at(words, round(device[0] / ratio), round(device[1] / ratio))

    def refresh_picture(self) -> None:
        """Draw the minimap's picture anew: it is shown in another way."""
        self._show_picture()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Follow the canvas's size and scheme."""
        if event.type() in (QEvent.Type.Resize, QEvent.Type.Show):
            self._lay_out()
        elif event.type() == QEvent.Type.StyleChange:
            self._recolor()
        return False

    def _lay_out(self) -> None:
        size = self._view.size()
        level, upright = self.rulers
        level.setGeometry(RULER_SIZE, 0, max(0, size.width() - RULER_SIZE), RULER_SIZE)
        upright.setGeometry(0, RULER_SIZE, RULER_SIZE, max(0, size.height() - RULER_SIZE))
        self.corner.setGeometry(0, 0, RULER_SIZE, RULER_SIZE)
        self._recolor()
        self.progress.place(self._view.rect())
        self.minimap.follow()

    def _recolor(self) -> None:
        palette = self.corner.palette()
        palette.setColor(QPalette.ColorRole.Window, current_colors().panel)
        self.corner.setPalette(palette)

    def _on_moved(self) -> None:
        if self._rulers_wanted:
            for ruler in self.rulers:
                ruler.update()
        self.minimap.follow()
        self.show_measured()

    def _on_cursor_moved(self, x: float, y: float) -> None:
        if self._rulers_wanted:
            for ruler, value in zip(self.rulers, (x, y), strict=True):
                ruler.show_cursor(value)
        if self._crosshair_wanted:
            self._move_crosshair(x, y)
        self.show_measured()

    def _move_crosshair(self, x: float, y: float) -> None:
        if isnan(x) or self._view.has_crosshair():
            for line in self.lines:
                line.hide()
            return
        device = self._view.viewport.to_device(x, y)
        ratio = self._view.viewport.pixel_ratio
        for line in self.lines:
            line.show_at(round(device[0] / ratio), round(device[1] / ratio))

    def _show_picture(self, *_: object) -> None:
        self.minimap.show_picture(self._view.picture.picture, self._view.picture.display)

    def _on_preparing(self, share: float) -> None:
        if share < 1.0:
            self.minimap.hide()
        self.progress.show_share(share)
        self.progress.place(self._view.rect())


class _LengthLabel(QLabel):
    """The length of a line, on a dark plate that shows on any picture."""

    def __init__(self, view: CanvasView) -> None:
        super().__init__(view)
        self.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self.setFont(font(tokens.FONT_SECONDARY, tabular=True, bold=True))
        self.setStyleSheet(
            f"background: {tokens.HALO}; color: #FFFFFF; border-radius: {tokens.RADIUS}px; padding: 2px 6px;"
        )
        self.hide()

    def show_at(self, words: str, x: int, y: int) -> None:
        """Show the words a little off a place of the canvas."""
        self.setText(words)
        self.adjustSize()
        self.move(x + tokens.SPACE_M, y + tokens.SPACE_M)
        self.show()


class _Progress(QFrame):
    """How far a huge picture has been prepared, at the foot of the canvas."""

    def __init__(self, view: CanvasView) -> None:
        super().__init__(view)
        self.setProperty("role", "card")
        self.setAutoFillBackground(True)
        self.row = ProgressRow(tr("Preparing a very large image"))
        layout = QVBoxLayout(self)
        layout.setContentsMargins(tokens.SPACE_M, tokens.SPACE_S, tokens.SPACE_M, tokens.SPACE_M)
        layout.addWidget(self.row)
        self.setAccessibleName(tr("Preparing the image"))
        self.hide()

    def show_share(self, share: float) -> None:
        """Show how far it is; 1 hides it."""
        if share >= 1.0:
            self.hide()
            return
        if self.isHidden():
            self.row.start(tr("Preparing a very large image (only the first time)"))
            self.show()
            self.raise_()
        self.row.set_progress(share, 1.0)

    def place(self, area: QRect) -> None:
        """Stand at the foot of the canvas, in the middle."""
        width = min(_PROGRESS_WIDTH, area.width() - 2 * tokens.SPACE_M)
        height = self.sizeHint().height()
        left = (area.width() - width) // 2
        self.setGeometry(left, area.height() - height - tokens.SPACE_XL, width, height)
