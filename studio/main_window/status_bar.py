"""The foot of the window: saved or not, the image, the cursor, the zoom, the device, what runs."""

from __future__ import annotations

from math import isnan

from PySide6.QtWidgets import QHBoxLayout, QProgressBar, QStatusBar, QWidget

from studio.language import ntr, tr
from studio.theme import tokens
from studio.theme.fonts import font
from studio.widgets.icon_button import TextButton
from studio.widgets.text_label import TextLabel


class StatusBar(QStatusBar):
    """Facts in fixed places; a message of a few seconds takes the left for a while."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setSizeGripEnabled(False)
        self.setContentsMargins(tokens.SPACE_S, 0, tokens.SPACE_S, 0)
        self.saved = TextLabel("", "secondary")
        self.image = TextLabel("", "secondary")
        self.cursor_place = TextLabel("", "secondary")
        self.values = TextLabel("", "secondary")
        self.zoom = TextLabel("", "secondary")
        self.device = TextLabel("", "secondary")
        self.run_words = TextButton("", "link")
        self.run_bar = QProgressBar()
        self.run_bar.setFixedWidth(120)
        self.run_bar.setRange(0, 1000)
        self.run_bar.setTextVisible(False)
        for label, width in (
            (self.saved, 88),
            (self.image, 112),
            (self.cursor_place, 128),
            (self.values, 96),
            (self.zoom, 56),
        ):
            label.setMinimumWidth(width)
            label.setFont(font(tokens.FONT_SECONDARY, tabular=True))
            self.addWidget(label)
        run = QWidget()
        line = QHBoxLayout(run)
        line.setContentsMargins(0, 0, tokens.SPACE_S, 0)
        line.addWidget(self.run_words)
        line.addWidget(self.run_bar)
        self._run = run
        self.addPermanentWidget(self.device)
        self.addPermanentWidget(run)
        self.show_run("", 0.0)

    def show_saved(self, read_only: bool = False) -> None:
        """Say that everything is on disk, or that nothing can be written."""
        self.saved.setText(tr("read-only") if read_only else tr("saved ✓"))
        self.saved.setToolTip(
            tr("The project cannot be written; changes are refused.")
            if read_only
            else tr("Every finished edit is written at once; there is nothing to save.")
        )

    def show_refused(self, count: int) -> None:
        """Say how many changes the disk has refused; 0: everything is on disk."""
        if not count:
            self.show_saved()
            return
        self.saved.setText(tr("not saved"))
        self.saved.setToolTip(
            ntr(
                "{count:,} change could not be written and waits in memory.",
                "{count:,} changes could not be written and wait in memory.",
                count,
            ).format(count=count)
        )

    def show_image(self, width: int, height: int, time_text: str = "") -> None:
        """Show the size of the current image and, of a video's frame, when it was seen; 0 clears it."""
        size = f"{width} × {height}" if width else ""
        self.image.setText("  ·  ".join(filter(None, (size, time_text))))

    def show_cursor(self, x: float, y: float) -> None:
        """Show the cursor in image pixels; NaN, when it has left the canvas, clears it."""
        if isnan(x):
            self.cursor_place.setText("")
            return
        self.cursor_place.setText(f"x {x:.0f}  y {y:.0f}")

    def show_values(self, values: tuple[float, ...]) -> None:
        """Show the samples of the pixel under the cursor; none clears them."""
        self.values.setText("  ".join(f"{value:g}" for value in values[:4]))

    def show_zoom(self, zoom: float) -> None:
        """Show the zoom, 1 meaning one screen pixel for each image pixel."""
        self.zoom.setText(f"{zoom * 100:.0f} %")

    def show_run(self, words: str, share: float) -> None:
        """Show what trains now and how far it is; no words hide it."""
        self.run_words.setText(words)
        self.run_bar.setValue(round(share * 1000))
        self._run.setVisible(bool(words))

    def show_canvas_facts(self, shown: bool) -> None:
        """Show or hide what is about the canvas, which other pages do not have."""
        for label in (self.image, self.cursor_place, self.values, self.zoom):
            label.setVisible(shown)

    def clear_facts(self) -> None:
        """Forget the project's facts."""
        self.clearMessage()
        for label in (self.saved, self.image, self.cursor_place, self.values, self.zoom):
            label.setText("")
