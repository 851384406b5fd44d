"""Connects what changes the look of the image (Display panel, rulers, minimap, scale) with the canvas and the project."""

from __future__ import annotations

from collections.abc import Callable
from math import floor, isnan

from PySide6.QtCore import QObject

from engine.runtime.errors import EngineError
from studio.canvas.view import CanvasView
from studio.main_window.status_bar import StatusBar
from studio.model.calibration import PIXELS, Calibration, calibrated, calibration_of
from studio.model.display import Display
from studio.model.edits import Edit
from studio.model.edits.calibration import SetCalibration
from studio.model.preferences import CROSSHAIR, MINIMAP, RULERS, Preferences
from studio.model.project import Project
from studio.panels.display import DisplayPanel
from studio.storage.project_files import cache_folder
from studio.tools.measure import MeasureTool


class Looking(QObject):
    """One canvas of one project, and the panel beside it.

    Args:
        project: The open project; it keeps the scale.
        canvas: The canvas.
        panel: The Display panel.
        status: Shows the values under the cursor.
        apply: Applies an edit, tells the person where it cannot be, and returns the bound edit or None.
        refused: Called with the reason where something cannot be.
        measure: Takes the measuring tool in hand.
    """

    def __init__(
        self,
        project: Project,
        canvas: CanvasView,
        panel: DisplayPanel,
        status: StatusBar,
        apply: Callable[[Edit], Edit | None],
        refused: Callable[[EngineError], object],
        measure: Callable[[], object],
    ) -> None:
        super().__init__(canvas)
        self._project, self._canvas, self._panel, self._status = project, canvas, panel, status
        self._apply, self._refused = apply, refused
        self._measured = 0.0
        canvas.picture.keep_tiles_in(cache_folder(project) / "pyramids")
        canvas.picture.facts_changed.connect(self._show_facts)
        canvas.picture.arrived.connect(self._show_facts)
        canvas.cursor_moved.connect(self._on_cursor_moved)
        canvas.hand.changed.connect(self._show_measured)
        panel.display_changed.connect(canvas.set_display)
        panel.page_chosen.connect(self.show_page)
        panel.scale_given.connect(self._set_scale)
        panel.scale_cleared.connect(lambda: self._give(PIXELS))
        panel.measure_asked.connect(measure)
        project.history_changed.connect(self._show_scale)
        self._show_scale()
        self._show_facts()

    def use(self, preferences: Preferences) -> None:
        """Show the aids that the person wants."""
        aids = self._canvas.aids
        aids.set_rulers(bool(preferences[RULERS]))
        aids.set_minimap(bool(preferences[MINIMAP]))
        aids.set_crosshair(bool(preferences[CROSSHAIR]))

    def show_display(self, display: Display) -> None:
        """Show the image in another way, on the canvas and in the panel."""
        self._panel.show_display(display)
        self._canvas.set_display(display)

    def show_page(self, page: int) -> None:
        """Show another page of the file, from 0; one that it does not have is left."""
        facts = self._canvas.picture.facts()
        if facts is not None and 0 <= page < facts.pages:
            self._canvas.picture.set_page(page)

    def turn_page(self, step: int) -> None:
        """Go some pages on or back."""
        self.show_page(self._canvas.picture.page + step)

    def _show_facts(self, *_: object) -> None:
        self._panel.show_facts(self._canvas.picture.facts())
        self._status.show_values(self._values_at(*self._canvas.cursor_point()))

    def _show_scale(self) -> None:
        scale = calibration_of(self._project)
        self._canvas.aids.set_calibration(scale)
        self._panel.show_calibration(scale)

    def _set_scale(self, length: float, unit: str) -> None:
        try:
            self._give(calibrated(self._measured, length, unit))
        except EngineError as error:
            self._refused(error)
        else:
            self._canvas.setFocus()  # typing is done: the keys are the tools' again

    def _give(self, calibration: Calibration) -> None:
        if calibration != calibration_of(self._project):
            self._apply(SetCalibration(calibration))

    def _on_cursor_moved(self, x: float, y: float) -> None:
        self._show_measured()
        self._status.show_values(self._values_at(x, y))

    def _show_measured(self) -> None:
        tool = self._canvas.tool
        measured = tool.length if isinstance(tool, MeasureTool) else 0.0
        if measured != self._measured:
            self._measured = measured
            self._panel.show_measured(measured)

    def _values_at(self, x: float, y: float) -> tuple[float, ...]:
        picture = self._canvas.picture.picture
        if isnan(x) or picture is None or picture.is_preview:
            return ()
        column, row = floor(x), floor(y)
        width, height = picture.size_wh
        if not (0 <= column < width and 0 <= row < height):
            return ()
        return tuple(picture.crop(column, row, column + 1, row + 1)[0, 0].tolist())
