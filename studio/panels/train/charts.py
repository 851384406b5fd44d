"""The small multiples of a run: charts in a grid that share the epoch axis and one crosshair."""

from __future__ import annotations

from PySide6.QtCore import QEvent, Qt, QTimer
from PySide6.QtWidgets import (
    QGridLayout,
    QHBoxLayout,
    QScrollArea,
    QSlider,
    QVBoxLayout,
    QWidget,
)

from studio.language import tr
from studio.model.run_facts import History
from studio.panels.train.chart import Chart
from studio.panels.train.chart_specs import ChartSpec, chart_specs
from studio.theme import tokens
from studio.widgets.text_label import TextLabel

_MOST_COLUMNS = 5
_CHART_WIDTH = 210  # narrower charts cut their figures: they take a column less
_MIN_HEIGHT = 150  # one row of charts
_SMOOTHEST = 0.95


class Charts(QWidget):
    """All charts of one run, and the smoothing slider above them."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.charts: list[Chart] = []
        self._specs: list[ChartSpec] = []
        self._history = History()
        self.slider = QSlider(Qt.Orientation.Horizontal)
        self.slider.setRange(0, 100)
        self.slider.setValue(30)
        self.slider.setFixedWidth(120)
        self.slider.setAccessibleName(tr("Smoothing"))
        self.slider.setToolTip(tr("Smoothing: the raw curve stays faint behind"))
        self.slider.valueChanged.connect(lambda _value: self._draw())
        self._at = TextLabel("", "secondary")
        self._grid = QGridLayout()
        self._grid.setSpacing(tokens.SPACE_S)
        self._columns = 0
        self._to_build: list[ChartSpec] = []
        self._builder = QTimer(self)
        self._builder.setInterval(0)
        self._builder.timeout.connect(self._build_next)
        self._lay_out()

    def show_history(self, history: History) -> None:
        """Draw a run's curves; charts appear as their curves do."""
        self._history = history
        specs = chart_specs(history)
        if specs != self._specs:
            self._rebuild(specs)
        self._draw()

    def chart(self, key: str) -> Chart:
        """Return the chart of that key.

        Raises:
            KeyError: The run has none.
        """
        for chart in self.charts:
            if chart.spec.key == key:
                return chart
        raise KeyError(key)

    def set_cursor(self, epoch: float | None) -> None:
        """Move the one crosshair over all charts."""
        for chart in self.charts:
            chart.set_cursor(epoch)
        self._at.setText("" if epoch is None else tr("epoch {epoch:.1f}").format(epoch=epoch))

    @property
    def weight(self) -> float:
        """Return the share of the past in a smoothed value."""
        return self.slider.value() / 100 * _SMOOTHEST

    def _draw(self) -> None:
        for chart in self.charts:
            self._draw_chart(chart)

    def _draw_chart(self, chart: Chart) -> None:
        chart.show_history(self._history, self.weight)
        # The same range for each: linked axes would align their pixels, and no chart is laid out yet.
        ends = (series.x[-1] for series in self._history.series.values() if series.x)
        chart.plot.setXRange(0, max(1, *ends, 1), padding=0.02)

    def is_complete(self) -> bool:
        """Whether every chart has been made."""
        return not self._to_build

    def _rebuild(self, specs: list[ChartSpec]) -> None:
        for chart in self.charts:
            self._grid.removeWidget(chart)
            chart.deleteLater()
        self._specs = specs
        self.charts, self._to_build = [], list(specs)
        self._columns = 0
        self._builder.start()

    def _build_next(self) -> None:
        """Make one chart: all at once would hold the window up for a third of a second."""
        if self._to_build:
            chart = Chart(self._to_build.pop(0))
            chart.pointed.connect(self.set_cursor)
            chart.left.connect(lambda: self.set_cursor(None))
            self.charts.append(chart)
            self._place(chart, len(self.charts) - 1)
            self._draw_chart(chart)
        if not self._to_build:
            self._builder.stop()

    def _place(self, chart: Chart, index: int) -> None:
        self._arrange()
        self._grid.addWidget(chart, index // self._columns, index % self._columns)

    def _arrange(self) -> None:
        """Use the columns that have room: as few rows as may be, then as few empty places."""
        room = max(1, min(_MOST_COLUMNS, self.width() // _CHART_WIDTH))
        count = len(self._specs)
        columns = min(range(room, 0, -1), key=lambda n: (-(-count // n), -count % n))
        if columns == self._columns:
            return
        self._columns = columns
        for index, chart in enumerate(self.charts):
            self._grid.addWidget(chart, index // columns, index % columns)
        for column in range(_MOST_COLUMNS):
            self._grid.setColumnStretch(column, 1 if column < columns else 0)

    def _lay_out(self) -> None:
        bar = QHBoxLayout()
        bar.setSpacing(tokens.SPACE_S)
        bar.addWidget(self._at)
        bar.addStretch()
        bar.addWidget(TextLabel(tr("Smoothing"), "secondary"))
        bar.addWidget(self.slider)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(tokens.SPACE_S)
        layout.addLayout(bar)
        content = QWidget()
        content.setLayout(self._grid)
        self._grid.setContentsMargins(0, 0, 0, 0)
        # Ten charts are more than a low window holds: they scroll, and what is around them keeps its room.
        self._scroll = QScrollArea()
        self._scroll.setWidgetResizable(True)
        self._scroll.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self._scroll.setMinimumHeight(_MIN_HEIGHT)
        self._scroll.setWidget(content)
        layout.addWidget(self._scroll, 1)

    def resizeEvent(self, event) -> None:
        """Arrange the charts anew where more or fewer columns fit."""
        super().resizeEvent(event)
        self._arrange()

    def changeEvent(self, event: QEvent) -> None:
        """Draw in the colours of the new scheme."""
        super().changeEvent(event)
        if event.type() == QEvent.Type.StyleChange:
            for chart in self.charts:
                chart.recolor()
