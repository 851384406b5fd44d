"""The bar that leaves outlines with fewer points: a slider, and the canvas shows what becomes of them."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

from PySide6.QtCore import Qt, QTimer
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QFrame, QHBoxLayout, QSlider, QWidget

from engine.runtime.errors import EngineError
from studio.language import tr
from studio.model.edits.reshaping import thinned_to
from studio.model.geometry_ops import point_count, simplified
from studio.model.locks import locked_text, unlocked
from studio.model.records import Shape, moved_to
from studio.model.workspace import Workspace
from studio.theme import tokens
from studio.widgets.icon_button import TextButton
from studio.widgets.text_label import TextLabel

_STEPS, _LARGEST = 100, 20.0  # of the slider; pixels of the image at its end
_FIRST = 1.0
_KINDS = ("polygon", "polyline")
_SLICE_S = 0.02  # well under the 50 ms that no slot may take


class SimplifyBar(QFrame):
    """Shows itself while it is in use; Enter applies, Escape or another selection leaves everything as it was.

    Args:
        workspace: The open project and the place in it.
        show_shapes: Draws shapes on the canvas in place of those with the same number; none of them ends it.
        refused: Called with the reason where an edit cannot be made.
    """

    def __init__(
        self,
        workspace: Workspace,
        show_shapes: Callable[[Sequence[Shape]], object],
        refused: Callable[[EngineError], object] = lambda _error: None,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self._workspace, self._show_shapes, self._refused = workspace, show_shapes, refused
        self._shapes: tuple[Shape, ...] = ()
        self._left = ""  # what is said of locked shapes
        self._after: list[Shape] = []  # what the first of the shapes become, as far as it is known
        self._is_wanted = False  # whether to keep the outlines as soon as all of them are known
        self.setProperty("role", "strip")
        self.slider = QSlider(Qt.Orientation.Horizontal)
        self.slider.setRange(1, _STEPS)
        self.slider.setAccessibleName(tr("How far an outline may move, in pixels"))
        self.slider.setToolTip(tr("How far an outline may move: further leaves fewer points"))
        self.words = TextLabel("", "secondary")
        self.words.setMinimumWidth(240)
        self.apply_button = TextButton(tr("Apply"), "primary")
        self.apply_button.setToolTip(tr("Keep these outlines  (Enter)"))
        self.cancel_button = TextButton(tr("Cancel"))
        self.cancel_button.setToolTip(tr("Leave the outlines as they were  (Esc)"))
        line = QHBoxLayout(self)
        line.setContentsMargins(tokens.SPACE_M, tokens.SPACE_XS, tokens.SPACE_M, tokens.SPACE_XS)
        line.setSpacing(tokens.SPACE_M)
        line.addWidget(TextLabel(tr("Simplify")))
        line.addWidget(self.slider, 1)
        for widget in (self.words, self.apply_button, self.cancel_button):
            line.addWidget(widget)
        self._later = QTimer(self)  # a slider that moves faster than shapes are worked out
        self._later.setSingleShot(True)
        self._later.timeout.connect(self._preview)
        self._work = QTimer(self)  # thousands of outlines take seconds: some of them between events
        self._work.timeout.connect(self._take_slice)
        self.slider.valueChanged.connect(self._on_tolerance)
        self.apply_button.clicked.connect(self.finish)
        self.cancel_button.clicked.connect(self.leave)
        workspace.selection_changed.connect(lambda _ids: self.leave())
        workspace.image_changed.connect(lambda _id: self.leave())
        workspace.project.shapes_changed.connect(lambda _id: self.leave())
        self.hide()

    def start(self) -> None:
        """Begin with the selected outlines; without one say that none is there."""
        chosen = self._workspace.selected_shapes()
        outlines = [shape for shape in chosen if shape.geometry.kind in _KINDS]
        self._shapes, self._left = tuple(unlocked(outlines)), locked_text(outlines)
        self.show()
        self.apply_button.setEnabled(bool(self._shapes))
        self.slider.setEnabled(bool(self._shapes))
        if not self._shapes:
            self.words.setText(self._left or tr("Select a polygon or a line first"))
            return
        self.slider.setValue(_place(_FIRST))
        self.slider.setFocus()
        self._preview()

    def _on_tolerance(self, _value: int) -> None:
        """Begin again; what was asked for at another tolerance is not kept unseen."""
        self._work.stop()
        self._is_wanted = False
        self._later.start(0)

    def tolerance(self) -> float:
        """Return how far an outline may move, in pixels of the image."""
        return round(_LARGEST * (self.slider.value() / _STEPS) ** 2, 2)  # fine where it matters

    def finish(self) -> None:
        """Keep the outlines that are shown; those that are still worked out, when they are there."""
        if self._later.isActive():
            self._preview()
        if self._work.isActive():
            self._is_wanted = True
            return
        shapes, after = self._shapes, self._after
        self.leave()
        if shapes:
            try:
                self._workspace.project.apply(thinned_to(shapes, after))
            except EngineError as error:
                self._refused(error)

    def leave(self) -> None:
        """Leave everything as it was."""
        self._later.stop()
        self._work.stop()
        if not self.isHidden():
            self.hide()
            self._show_shapes(())
        self._shapes, self._after, self._is_wanted = (), [], False

    def _preview(self) -> None:
        """Work out what becomes of the shapes, few of them at once, and show it when all are known."""
        self._later.stop()
        self._after = []
        self._work.start(0)
        self._take_slice()

    def _take_slice(self) -> None:
        tolerance, until = self.tolerance(), time.monotonic() + _SLICE_S
        for shape in self._shapes[len(self._after) :]:
            self._after.append(moved_to(shape, simplified(shape.geometry, tolerance)))
            if time.monotonic() >= until:
                break
        if len(self._after) < len(self._shapes):
            self._say(
                tr("{done:,} of {count:,} outlines looked at").format(
                    done=len(self._after), count=len(self._shapes)
                )
            )
            return
        self._work.stop()
        if self._is_wanted:
            self.finish()
        else:
            self._show_outcome(tolerance)

    def _show_outcome(self, tolerance: float) -> None:
        self._show_shapes(self._after)
        before_count, after_count = (
            sum(point_count(shape.geometry) for shape in shapes)
            for shapes in (self._shapes, self._after)
        )
        self._say(
            tr("{before_count:,} → {after_count:,} points, within {tolerance:g} px").format(
                before_count=before_count, after_count=after_count, tolerance=tolerance
            )
        )

    def _say(self, said: str) -> None:
        self.words.setText(f"{said} · {self._left}" if self._left else said)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Enter applies, Escape leaves."""
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self.finish()
        elif event.key() == Qt.Key.Key_Escape:
            self.leave()
        else:
            super().keyPressEvent(event)


def _place(tolerance: float) -> int:
    return round(_STEPS * (tolerance / _LARGEST) ** 0.5)
