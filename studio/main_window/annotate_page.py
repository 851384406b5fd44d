"""The annotate page: tool strip, canvas, filmstrip, and the docks at the right."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from PySide6.QtCore import QByteArray, QSize, Qt
from PySide6.QtGui import QActionEvent, QShowEvent
from PySide6.QtWidgets import (
    QDockWidget,
    QFrame,
    QHBoxLayout,
    QMainWindow,
    QTabBar,
    QTabWidget,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from engine.runtime.errors import EngineError
from studio.actions.registry import Actions
from studio.canvas.view import CanvasView
from studio.language import tr
from studio.main_window.tool_options import ToolOptionsBar
from studio.model.edits import Edit
from studio.model.workspace import Workspace
from studio.panels.classes.panel import ClassesPanel
from studio.panels.classes.removal import TakeOver
from studio.panels.display import DisplayPanel
from studio.panels.history import HistoryPanel
from studio.panels.image_tags import ImageTagsStrip
from studio.panels.images.filmstrip import Filmstrip
from studio.panels.images.thumbnail_loader import ThumbnailLoader
from studio.panels.objects.panel import ObjectsPanel
from studio.panels.properties.panel import PropertiesPanel
from studio.panels.simplify import SimplifyBar
from studio.theme import tokens
from studio.theme.theme import current_colors
from studio.widgets.empty_state import EmptyState
from studio.widgets.flow_layout import FlowLayout
from studio.widgets.late_call import LateCall
from studio.widgets.text_label import TextLabel

# Groups of the tool strip: action and, where a word stands beside the icon, that word.
_STRIP = (
    (("tool.use:select", ""), ("tool.use:smart", "")),
    tuple(
        (f"tool.use:{name}", "") for name in ("polygon", "box", "oriented_box", "circle", "ellipse")
    ),
    tuple((f"tool.use:{name}", "") for name in ("polyline", "point", "keypoints")),
    tuple((f"tool.use:{name}", "") for name in ("brush", "eraser", "wand", "scissors")),
    (("tool.use:knife", ""), ("tool.use:image_class", "")),
    (("edit.undo", ""), ("edit.redo", "")),
    (("view.fit", ""), ("view.shapes", ""), ("view.tags", "")),
    (
        ("suggest.run_current", tr("Suggest")),
        ("suggest.accept_all", ""),
        ("suggest.reject_all", ""),
    ),
)
_DOCK_WIDTH = 264
DOCKS_VERSION = 2  # of what QMainWindow.saveState keeps: another number after the docks changed


class AnnotatePage(QMainWindow):
    """A window inside the window, so that its docks can be moved, floated and folded.

    Args:
        workspace: The open project and the place in it.
        thumbnails: For the filmstrip.
        actions: For the tool strip.
        empty: What stands in the canvas's place while the project has no image.
        refused: Called with the reason where an edit cannot be made.
        apply: Applies an edit of the filmstrip's menu; None: to the project, without a word where it cannot be.
        take_over: Applies an edit of very many images in a thread, and tells whether it does.
    """

    docks_version = DOCKS_VERSION

    def __init__(
        self,
        workspace: Workspace,
        thumbnails: ThumbnailLoader,
        actions: Actions,
        empty: EmptyState,
        refused: Callable[[EngineError], object] = lambda _error: None,
        apply: Callable[[Edit], object] | None = None,
        take_over: TakeOver = lambda _count, _make: False,
    ) -> None:
        super().__init__()
        self.setWindowFlags(Qt.WindowType.Widget)
        self._workspace = workspace
        self._hidden_docks: list[QDockWidget] = []
        self._tabs_placed = LateCall(self, self._hide_stray_tabs)
        self.canvas = CanvasView()
        self.empty = empty
        self.filmstrip = Filmstrip(workspace, thumbnails, apply)
        self.classes = ClassesPanel(workspace, actions.key_owner, take_over)
        self.classes.finished.connect(self.canvas.setFocus)
        self.objects = ObjectsPanel(workspace, refused)
        self.properties = PropertiesPanel(workspace, refused)
        self.properties.finished.connect(self.canvas.setFocus)
        self.history = HistoryPanel(workspace.project)
        self.simplify = SimplifyBar(workspace, self.canvas.show_proposed, refused)
        self.display = DisplayPanel()
        self.chip = _ClassChip(workspace)
        self.strip = self._build_strip(actions)
        self.options = ToolOptionsBar(self.canvas, self.chip)
        self.image_tags = ImageTagsStrip(workspace, refused)
        center = QWidget()
        self._column = column = QVBoxLayout(center)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        for widget, stretch in (
            (self.strip, 0),
            (self.options, 0),
            (self.image_tags, 0),
            (self.simplify, 0),
            (self.canvas, 1),
            (self.empty, 1),
            (self.filmstrip, 0),
        ):
            column.addWidget(widget, stretch)
        self.setCentralWidget(center)
        self.docks = [
            self._dock("classes", tr("Classes"), self.classes),
            self._dock("objects", tr("Objects"), self.objects),
            self._dock("history", tr("History"), self.history),
            self._dock("display", tr("Display"), self.display),
            self._dock("properties", tr("Properties"), self.properties),
        ]
        self.tabifyDockWidget(self.docks[1], self.docks[2])
        self.tabifyDockWidget(self.docks[4], self.docks[3])
        self.docks[1].raise_()
        self.docks[4].raise_()
        shown = [self.docks[0], self.docks[1], self.docks[4]]
        self.resizeDocks(shown, [_DOCK_WIDTH] * 3, Qt.Orientation.Horizontal)
        self.resizeDocks(shown, [220, 220, 320], Qt.Orientation.Vertical)
        self.setTabPosition(Qt.DockWidgetArea.AllDockWidgetAreas, QTabWidget.TabPosition.North)
        workspace.list_changed.connect(self._show_canvas_or_hint)
        self._show_canvas_or_hint()

    def set_canvas_only(self, only: bool) -> None:
        """Hide everything but the canvas, or bring back what was there."""
        if only:
            self._hidden_docks = [dock for dock in self.docks if not dock.isHidden()]
        for widget in (*self._hidden_docks, self.strip, self.options, self.filmstrip):
            widget.setVisible(not only)

    def add_bar(self, bar: QWidget) -> None:
        """Put one more bar above the canvas; it shows and hides itself."""
        self._column.insertWidget(self._column.indexOf(self.canvas), bar)

    def add_dock(self, name: str, title: str, content: QWidget) -> None:
        """Put one more panel behind the tabs of the others."""
        dock = self._dock(name, title, content)
        self.tabifyDockWidget(self.docks[1], dock)
        self.docks.append(dock)
        self.docks[1].raise_()

    def showEvent(self, event: QShowEvent) -> None:
        """Look over the rows of tabs once the docks have their places."""
        super().showEvent(event)
        self._tabs_placed.ask()

    def arrange_docks(self, kept: QByteArray) -> None:
        """Arrange the docks as ``saveState`` kept them."""
        self.restoreState(kept, self.docks_version)
        self._tabs_placed.ask()

    def _hide_stray_tabs(self) -> None:
        """Hide rows of tabs that lie over a dock: Qt leaves some behind when docks are joined before they show."""
        docks = [dock.geometry() for dock in self.docks if dock.isVisible()]
        for bar in self.findChildren(QTabBar, options=Qt.FindChildOption.FindDirectChildrenOnly):
            if any(bar.geometry().intersects(place) for place in docks):
                bar.hide()

    def show_dock(self, name: str) -> None:
        """Bring the dock of that name to the front."""
        dock = next(dock for dock in self.docks if dock.objectName() == f"dock.{name}")
        dock.show()
        dock.raise_()

    def toggle_dock(self, name: str) -> None:
        """Hide the dock of that name if it shows, else bring it to the front."""
        dock = next(dock for dock in self.docks if dock.objectName() == f"dock.{name}")
        shows = not dock.visibleRegion().isEmpty()
        dock.setVisible(not shows)
        if not shows:
            dock.raise_()

    def _show_canvas_or_hint(self) -> None:
        has_image = self._workspace.image_id is not None or bool(self._workspace.image_ids)
        appears = has_image and self.canvas.isHidden()
        self.canvas.setVisible(has_image)
        self.empty.setVisible(not has_image)
        if appears and self.isVisible():
            self.canvas.setFocus()

    def _build_strip(self, actions: Actions) -> QFrame:
        """Return the tools in one row, or in two where the window is narrow: none may be out of sight."""
        strip = QFrame()
        strip.setProperty("role", "strip")
        rows = FlowLayout(strip, tokens.SPACE_XS)
        rows.setContentsMargins(tokens.SPACE_S, tokens.SPACE_XS, tokens.SPACE_S, tokens.SPACE_XS)
        for group in _STRIP:
            rows.addWidget(_strip_group(actions, group, has_end=group is not _STRIP[-1]))
        return strip

    def _dock(self, name: str, title: str, content: QWidget) -> QDockWidget:
        dock = QDockWidget(title, self)
        dock.setObjectName(f"dock.{name}")
        dock.setWidget(content)
        dock.setMinimumWidth(220)
        self.addDockWidget(Qt.DockWidgetArea.RightDockWidgetArea, dock)
        return dock


class _ClassChip(QFrame):
    """Says which class the next shape gets."""

    def __init__(self, workspace: Workspace) -> None:
        super().__init__()
        self._workspace = workspace
        self._square = QFrame()
        self._square.setFixedSize(12, 12)
        self._name = TextLabel()
        line = QHBoxLayout(self)
        line.setContentsMargins(tokens.SPACE_S, 0, tokens.SPACE_S, 0)
        line.setSpacing(tokens.SPACE_S)
        line.addWidget(self._square)
        line.addWidget(self._name)
        self.setToolTip(tr("The next shape gets this class (keys 1 to 9)"))
        workspace.class_changed.connect(self._show)
        workspace.project.classes_changed.connect(self._show)
        self._show()

    def _show(self, *_: object) -> None:
        cls = self._workspace.current_class()
        color = cls.color if cls is not None else current_colors().outline
        self._square.setStyleSheet(f"background: {color}; border-radius: 3px;")
        self._name.setText(cls.name if cls is not None else tr("first shape makes class “object”"))


def _strip_group(actions: Actions, group: Sequence[tuple[str, str]], *, has_end: bool) -> QWidget:
    """Return buttons that stay in one row, with a line behind them if others follow."""
    widget = QWidget()
    line = QHBoxLayout(widget)
    line.setContentsMargins(0, 0, 0, 0)
    line.setSpacing(tokens.SPACE_XS)
    for action_id, word in group:
        line.addWidget(_strip_button(actions, action_id, word))
    if has_end:
        line.addWidget(_gap())
    return widget


def _strip_button(actions: Actions, action_id: str, word: str) -> QWidget:
    button = _WordButton(word)
    button.setProperty("kind", "word" if word else "tool")
    button.setDefaultAction(actions[action_id])
    button.setIconSize(QSize(tokens.ICON_SIZE, tokens.ICON_SIZE))
    if not word:  # Qt adds a few pixels to the sheet's size, by which all of them just miss 1280
        button.setFixedSize(tokens.TOOL_SIZE, tokens.TOOL_SIZE)
    button.setFocusPolicy(Qt.FocusPolicy.NoFocus)
    return button


class _WordButton(QToolButton):
    """An action's button with a shorter word than the menu has, or with none."""

    def __init__(self, word: str) -> None:
        super().__init__()
        self._word = word
        styles = Qt.ToolButtonStyle
        self.setToolButtonStyle(
            styles.ToolButtonTextBesideIcon if word else styles.ToolButtonIconOnly
        )

    def actionEvent(self, event: QActionEvent) -> None:
        """Take the word back, which Qt overwrites with the action's text at each change."""
        super().actionEvent(event)
        if self._word:
            self.setText(self._word)


def _gap() -> QFrame:
    line = QFrame()
    line.setFixedSize(1, tokens.ICON_SIZE)
    line.setProperty("role", "vertical")
    return line
