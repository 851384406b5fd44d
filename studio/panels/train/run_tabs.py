"""What a run shows below its curves: predictions, plots, and what it warned of."""

from __future__ import annotations

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QTabWidget, QWidget

from studio.language import tr
from studio.model.run_warnings import warnings_of
from studio.model.runs import RunSnapshot
from studio.panels.train.pictures import Pictures
from studio.panels.train.plot_gallery import PlotGallery
from studio.panels.train.warnings_list import WarningsList


class RunTabs(QTabWidget):
    """The tabs; those without anything to show are hidden.

    Signals:
        file_asked(object): Path of an image or label file that the person wants to see.
    """

    file_asked = Signal(object)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setDocumentMode(True)
        self._was_chosen = False  # by the person: then what appears later takes nobody's place
        self.tabBarClicked.connect(lambda _index: self._on_clicked())
        self.pictures = Pictures()
        self.plots = PlotGallery()
        self.warnings = WarningsList()
        self.warnings.file_asked.connect(self.file_asked)
        for widget, title in (
            (self.pictures, tr("Predictions")),
            (self.plots, tr("Plots")),
            (self.warnings, tr("Warnings")),
        ):
            self.addTab(widget, title)

    def show_run(self, run: RunSnapshot) -> None:
        """Show a run as it is now."""
        has_pictures = self.pictures.show_run(run)
        self.plots.show_folder(run.folder)
        warnings = warnings_of(run.facts.warnings)
        self.warnings.show_warnings(warnings)
        self.setTabText(
            self.indexOf(self.warnings), tr("Warnings ({count:,})").format(count=len(warnings))
        )
        shown = (
            (self.pictures, has_pictures),
            (self.plots, self.plots.list.count() > 0),
            (self.warnings, bool(warnings)),
        )
        for widget, has_something in shown:
            self.setTabVisible(self.indexOf(widget), has_something)
        self.setVisible(any(has_something for _widget, has_something in shown))
        first = next((widget for widget, has_something in shown if has_something), None)
        if first is not None and not self._was_chosen:
            self.setCurrentWidget(first)

    def show_warnings(self) -> None:
        """Bring the warnings to the front."""
        self._was_chosen = True
        self.setCurrentWidget(self.warnings)

    def _on_clicked(self) -> None:
        self._was_chosen = True
