"""Opens every page, dock and dialogue of the window in this process and prints what is cut off or larger than a screen.

Run by ``test_scaling.py`` with ``QT_SCALE_FACTOR`` and a language: Qt reads both once, when the application starts.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from PySide6.QtCore import QSize, Qt
from PySide6.QtGui import QColor, QImage
from PySide6.QtTest import QTest
from PySide6.QtWidgets import (
    QAbstractButton,
    QAbstractScrollArea,
    QApplication,
    QComboBox,
    QDialog,
    QDockWidget,
    QLabel,
    QScrollArea,
    QStyle,
    QStyleOptionComboBox,
    QTabBar,
    QTabWidget,
    QToolButton,
    QWidget,
)

from engine.data.annotations import Polygon
from studio.app.launch import build_application
from studio.app.studio import Studio
from studio.model.edits import AddShapes
from studio.model.records import new_shape
from studio.widgets.elided_combo import ElidedComboBox
from studio.widgets.elided_label import ElidedLabel

SCREEN = QSize(1920, 1080)  # logical pixels
_PATIENCE_S = 2.0
_SLACK = 2  # pixels of rounding at odd factors
_ICON_ONLY = Qt.ToolButtonStyle.ToolButtonIconOnly
_BESIDE = Qt.ToolButtonStyle.ToolButtonTextBesideIcon
_SHORTENED = (ElidedLabel, ElidedComboBox)  # they end in an ellipsis by themselves
_DIALOGS = (
    "file.save_as_file", "file.restore_backup", "file.export_dataset", "keypoint.describe",
    "help.palette", "help.shortcuts",
)  # fmt: skip


def cut_off(root: QWidget) -> list[str]:
    """Return the texts below a widget that do not fit where they stand."""
    found = []
    for widget in root.findChildren(QWidget):
        if not widget.isVisibleTo(root) or widget.width() <= 0 or isinstance(widget, _SHORTENED):
            continue
        missing = _missing(widget) or _outside(widget)
        if missing:
            found.append(f"{_place(widget)}: {missing}")
    return found


def too_large(window: QWidget) -> str:
    """Return what is wrong with a window's size, empty where it fits the screen."""
    least, size = window.minimumSizeHint().expandedTo(window.minimumSize()), window.size()
    for name, sides in (("needs", least), ("takes", size)):
        if sides.width() > SCREEN.width() or sides.height() > SCREEN.height():
            return f"{type(window).__name__} {name} {sides.width()} x {sides.height()}"
    return ""


def _missing(widget: QWidget) -> str:
    """Return what of a control's text has no room in it."""
    if isinstance(widget, QTabBar):
        return _missing_of_tabs(widget)
    if isinstance(widget, QLabel):
        return _missing_of_label(widget)
    if isinstance(widget, QComboBox):
        return _missing_of_combo(widget)
    if isinstance(widget, QAbstractButton):
        return _missing_of_button(widget)
    return ""


def _missing_of_button(button: QAbstractButton) -> str:
    style = button.toolButtonStyle() if isinstance(button, QToolButton) else _BESIDE
    if style == _ICON_ONLY or not button.text().strip():
        return ""
    metrics = button.fontMetrics()
    width = metrics.horizontalAdvance(button.text().replace("&", ""))
    if style == _BESIDE and not button.icon().isNull():
        width += button.iconSize().width()
    if width > button.width() or metrics.height() > button.height() + _SLACK:
        needed = QSize(width, metrics.height())
        return f"{button.text()!r} needs {_words(needed)}, has {_words(button.size())}"
    return ""


def _missing_of_label(label: QLabel) -> str:
    text = label.text()
    if not text.strip() or label.textFormat() == Qt.TextFormat.RichText:
        return ""
    room = label.contentsRect().size()
    if label.wordWrap():
        height = label.heightForWidth(label.width())
        if height > label.height() + _SLACK:
            return f"{text!r} needs a height of {height}, has {label.height()}"
        return ""
    width = max(label.fontMetrics().horizontalAdvance(line) for line in text.split("\n"))
    if width > room.width() + _SLACK:
        return f"{text!r} needs a width of {width}, has {room.width()}"
    return ""


def _missing_of_combo(box: QComboBox) -> str:
    option = QStyleOptionComboBox()
    box.initStyleOption(option)
    field = box.style().subControlRect(
        QStyle.ComplexControl.CC_ComboBox, option, QStyle.SubControl.SC_ComboBoxEditField, box
    )
    width = box.fontMetrics().horizontalAdvance(box.currentText())
    if width > field.width() + _SLACK:
        return f"{box.currentText()!r} needs a width of {width}, has {field.width()}"
    return ""


def _missing_of_tabs(tabs: QTabBar) -> str:
    for place in range(tabs.count()):
        needed, room = tabs.tabSizeHint(place), tabs.tabRect(place)
        if tabs.isTabVisible(place) and needed.width() > room.width() + _SLACK:
            return f"tab {tabs.tabText(place)!r} needs {needed.width()}, has {room.width()}"
    return ""


def _outside(widget: QWidget) -> str:
    """Return how far a control with words reaches out of what shows it, where nothing scrolls there."""
    if not isinstance(widget, QLabel | QAbstractButton | QComboBox) or not _says(widget):
        return ""
    above = widget.parentWidget()
    while above is not None and not above.isWindow():
        holder = above.parentWidget()
        if isinstance(holder, QAbstractScrollArea) and above is holder.viewport():
            if not isinstance(holder, QScrollArea):
                return ""  # a list places its cells itself
            if holder.horizontalScrollBarPolicy() != Qt.ScrollBarPolicy.ScrollBarAlwaysOff:
                return ""
            over = widget.mapTo(above, widget.rect().topRight()).x() - above.width()
            return f"{_says(widget)!r} {over} pixels behind the right edge" if over > _SLACK else ""
        corner = widget.mapTo(above, widget.rect().bottomRight())
        over = max(corner.x() - above.width(), corner.y() - above.height())
        if over > _SLACK:
            return f"{_says(widget)!r} reaches {over} pixels out of {type(above).__name__}"
        above = holder
    return ""


def _says(widget: Any) -> str:
    text = widget.currentText() if isinstance(widget, QComboBox) else widget.text()
    return str(text).strip()


def _words(size: QSize) -> str:
    return f"{size.width()} x {size.height()}"


def _place(widget: QWidget) -> str:
    names = []
    step: QWidget | None = widget
    while step is not None and len(names) < 8:
        names.append(f"{type(step).__name__}#{step.objectName()}".rstrip("#"))
        step = step.parentWidget()
    return " < ".join(names)


def open_project(studio: Studio, folder: Path) -> None:
    """Open a folder of three pictures and put two labelled objects on the first."""
    photos = folder / "photos"
    photos.mkdir(parents=True)
    for number in range(3):
        picture = QImage(320, 240, QImage.Format.Format_RGB32)
        picture.fill(QColor(60 * number, 90, 120))
        assert picture.save(str(photos / f"workpiece {number}.png"))
    studio.files.open_paths([photos])
    wait(lambda: studio.session is not None and studio.session.workspace.image_id is not None)
    session = studio.session
    assert session is not None
    project = session.project
    image = project.image_ids()[0]
    shapes = []
    for name, a in (("hexagon socket screw", 40.0), ("washer", 150.0)):
        square = ((a, a), (a + 60, a), (a + 60, a + 60), (a, a + 60))
        shapes.append(new_shape(image, project.add_class(name).id, Polygon(square)))
    project.apply(AddShapes(tuple(shapes)))
    session.canvas.select_all()
    wait(lambda: not studio.is_busy())


def wait(condition: Any) -> None:
    """Run the window until something is true."""
    for _ in range(6000):
        QApplication.processEvents()
        if condition():
            return
        QTest.qWait(10)
    raise TimeoutError("the window did not get there")


def views(studio: Studio) -> Iterator[tuple[str, QWidget]]:
    """Go to every page, tab, dock and dialogue; yields what it is and its window, laid out."""
    window, actions = studio.window, studio.actions
    for spec in actions.specs():
        action = actions[spec.id]
        if spec.id.startswith(("page.show:", "dataset.show:")) and action.isEnabled():
            action.trigger()
            yield spec.id, window
            for tabs in window.findChildren(QTabWidget):
                if tabs.isVisible():
                    yield from _tabs(spec.id, tabs)
    actions["page.show:annotate"].trigger()
    for dock in window.findChildren(QDockWidget):
        dock.show()
        dock.raise_()
        yield f"dock {dock.windowTitle()}", window
    for spec in actions.specs():
        if _is_tool(spec.id) and actions[spec.id].isEnabled():
            actions[spec.id].trigger()
            yield spec.id, window
    for action_id in _DIALOGS:
        yield from _dialog(studio, action_id)


def _is_tool(action_id: str) -> bool:
    """Tell whether an action takes up a tool; the smart one would start a process with a model."""
    return action_id.startswith("tool.use:") and not action_id.endswith(":smart")


def _tabs(name: str, tabs: QTabWidget) -> Iterator[tuple[str, QWidget]]:
    shown = tabs.currentIndex()
    for place in range(tabs.count()):
        if tabs.isTabVisible(place) and tabs.isTabEnabled(place):
            tabs.setCurrentIndex(place)
            yield f"{name} / {tabs.tabText(place)}", tabs.window()
    tabs.setCurrentIndex(shown)


def _dialog(studio: Studio, action_id: str) -> Iterator[tuple[str, QWidget]]:
    before = set(QApplication.topLevelWidgets())
    action = studio.actions[action_id]
    if not action.isEnabled():
        raise RuntimeError(f"{action_id} is not offered")
    action.trigger()
    opened: list[QWidget] = []

    def look() -> bool:
        found = [w for w in QApplication.topLevelWidgets() if w not in before and w.isVisible()]
        opened[:] = found or [d for d in studio.window.findChildren(QDialog) if d.isVisible()]
        return bool(opened)

    wait(look)
    for dialog in opened:
        yield action_id, dialog
        dialog.close()


def main(folder: Path) -> None:
    """Look at everything and print it as JSON."""
    studio = Studio(build_application())
    studio.keeps_layout = False
    studio.window.resize(1280, 800)
    studio.window.show()
    QTest.qWaitForWindowExposed(studio.window)
    said: dict[str, list[str]] = {}
    _settle(studio)
    said["start"] = cut_off(studio.window)
    open_project(studio, folder)
    for name, window in views(studio):
        _settle(studio)
        size = too_large(window)
        said[name] = [*cut_off(window), *([size] if size else [])]
    ratio, smallest = studio.window.devicePixelRatioF(), studio.window.minimumSizeHint()
    studio.window.close()
    proof = QLabel("a text that has no room at all")
    proof.setFixedWidth(40)
    holder = QWidget()
    proof.setParent(holder)
    found = cut_off(holder)
    print(json.dumps({"ratio": ratio, "least": smallest.toTuple(), "cut": said, "proof": found}))  # noqa: T201


def _settle(studio: Studio) -> None:
    """Let what is laid out late come; answers of the process with the models are not waited for."""
    begun = time.monotonic()
    while studio.is_busy() and time.monotonic() - begun < _PATIENCE_S:
        QTest.qWait(10)
    for _ in range(3):
        QApplication.processEvents()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
