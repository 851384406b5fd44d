"""Frames placed by arithmetic: where they are, how they are chosen, and what they ask of a large model."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest
from PySide6.QtCore import QAbstractTableModel, QModelIndex, QPoint, QRect, QSize, Qt
from PySide6.QtGui import QColor, QImage, QPainter
from PySide6.QtTest import QTest
from PySide6.QtWidgets import (
    QAbstractItemView,
    QApplication,
    QStyledItemDelegate,
    QStyleOptionViewItem,
)
from pytestqt.qtbot import QtBot

from studio.widgets.frame_view import FrameView

FRAME = QSize(50, 40)
LEFT, SHIFT, CTRL = (
    Qt.MouseButton.LeftButton,
    Qt.KeyboardModifier.ShiftModifier,
    Qt.KeyboardModifier.ControlModifier,
)


class Many(QAbstractTableModel):
    """Counts what it is asked."""

    def __init__(self, rows: int) -> None:
        super().__init__()
        self.rows, self.asked = rows, Counter[str]()

    def rowCount(self, parent: Any = QModelIndex()) -> int:  # noqa: B008
        self.asked["rows"] += 1
        return 0 if parent.isValid() else self.rows

    def columnCount(self, parent: Any = QModelIndex()) -> int:  # noqa: B008
        return 0 if parent.isValid() else 3

    def data(self, index: Any, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        self.asked["data"] += 1
        return str(index.row()) if role == Qt.ItemDataRole.DisplayRole else None


@pytest.fixture
def shown(qtbot: QtBot) -> Any:
    """Return a function that shows a view of so many rows, 210 pixels wide inside."""

    def show(rows: int, one_row: bool = False) -> tuple[FrameView, Many]:
        view, model = FrameView(FRAME, one_row), Many(rows)
        qtbot.addWidget(view)
        view.setModel(model)
        view.setSelectionMode(QAbstractItemView.SelectionMode.ExtendedSelection)
        view.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOn)
        view.resize(240, 170)
        view.show()
        qtbot.waitExposed(view)
        spare = view.width() - view.viewport().width()
        view.resize(210 + spare, 170)
        view._kept = model  # Qt keeps no reference
        return view, model

    return show


class Recorder(QStyledItemDelegate):
    """Paints the number of a row, and keeps which rows were painted."""

    def __init__(self) -> None:
        super().__init__()
        self.rows: list[int] = []

    @staticmethod
    def color(row: int) -> QColor:
        return QColor(40 * row % 256, 7 * row % 256, 90)

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: Any) -> None:
        self.rows.append(index.row())
        painter.fillRect(option.rect, self.color(index.row()))
        painter.drawText(option.rect, str(index.row()))


def rows_chosen(view: FrameView) -> list[int]:
    return sorted({index.row() for index in view.selectionModel().selectedIndexes()})


@pytest.mark.parametrize("one_row", [False, True])
def test_a_frame_is_found_where_it_is_drawn(shown: Any, one_row: bool) -> None:
    view, model = shown(30, one_row)
    assert view.columns() == (30 if one_row else 4)
    bar = view.horizontalScrollBar() if one_row else view.verticalScrollBar()
    for scrolled in (0, 37, bar.maximum()):
        bar.setValue(scrolled)
        area = view.viewport().rect()
        for row in range(30):
            rect = view.visualRect(model.index(row, 0))
            assert rect.size() == FRAME
            if area.contains(rect.center()):
                assert view.indexAt(rect.center()).row() == row
    assert not view.indexAt(QPoint(10_000, 10_000)).isValid()


def test_the_end_can_be_reached_and_no_more(shown: Any) -> None:
    view, model = shown(30)
    view.scrollTo(model.index(29, 0))
    assert view.viewport().rect().contains(view.visualRect(model.index(29, 0)))
    assert view.verticalScrollBar().value() == view.verticalScrollBar().maximum()
    view.scrollTo(model.index(0, 0))
    assert view.verticalScrollBar().value() == 0
    view.scrollTo(model.index(8, 0), QAbstractItemView.ScrollHint.PositionAtTop)
    assert view.visualRect(model.index(8, 0)).top() == 0


def test_keys_walk_the_grid(shown: Any) -> None:
    view, model = shown(10)
    view.setCurrentIndex(model.index(0, 0))
    view.setFocus()
    for key, expected in (
        (Qt.Key.Key_Right, 1),
        (Qt.Key.Key_Down, 5),
        (Qt.Key.Key_Down, 9),
        (Qt.Key.Key_Down, 9),
        (Qt.Key.Key_Up, 5),
        (Qt.Key.Key_Left, 4),
        (Qt.Key.Key_End, 9),
        (Qt.Key.Key_Home, 0),
        (Qt.Key.Key_Up, 0),
    ):
        QTest.keyClick(view, key)
        assert view.currentIndex().row() == expected


def test_clicks_choose_one_several_and_a_range(shown: Any) -> None:
    view, model = shown(12)

    def click(row: int, modifier: Qt.KeyboardModifier = Qt.KeyboardModifier.NoModifier) -> None:
        QTest.mouseClick(
            view.viewport(), LEFT, modifier, view.visualRect(model.index(row, 0)).center()
        )

    click(2)
    assert rows_chosen(view) == [2]
    click(5, CTRL)
    assert rows_chosen(view) == [2, 5]
    click(1)
    click(6, SHIFT)
    assert rows_chosen(view) == [1, 2, 3, 4, 5, 6]
    click(0, SHIFT)
    assert rows_chosen(view) == [0, 1]


def test_a_rectangle_chooses_what_it_touches(shown: Any) -> None:
    view, _ = shown(10)
    flag = view.selectionModel().SelectionFlag.ClearAndSelect
    view.setSelection(QRect(QPoint(60, 10), QPoint(120, 50)), flag)
    assert rows_chosen(view) == [1, 2, 5, 6]
    view.setSelection(QRect(QPoint(0, 90), QPoint(500, 300)), flag)
    assert rows_chosen(view) == [8, 9]


@pytest.mark.parametrize("one_row", [False, True])
def test_a_hundred_thousand_rows_ask_no_more_than_the_screen_shows(
    shown: Any, one_row: bool
) -> None:
    view, model = shown(100_000, one_row)
    model.asked.clear()
    view.scrollTo(model.index(70_000, 0))
    model.dataChanged.emit(model.index(69_999, 0), model.index(69_999, 2))
    model.beginResetModel()
    model.endResetModel()
    view.viewport().repaint()
    assert sum(model.asked.values()) < 2_000
    assert view.viewport().rect().isValid()


def test_selecting_all_of_them_is_one_range(shown: Any) -> None:
    view, _ = shown(100_000)
    view.selectAll()
    assert view.selectionModel().selection().count() == 1


def test_a_change_draws_its_own_frames_and_no_others(shown: Any) -> None:
    view, model = shown(1000)
    recorder = Recorder()
    view.setItemDelegate(recorder)
    QApplication.processEvents()
    recorder.rows.clear()
    for row in (1, 6, 500):  # far apart; the last one is not on the screen
        model.dataChanged.emit(model.index(row, 0), model.index(row, 2))
    QApplication.processEvents()
    assert recorder.rows == [1, 6]
    recorder.rows.clear()
    model.dataChanged.emit(model.index(0, 0), model.index(999, 2))
    QApplication.processEvents()
    assert recorder.rows == list(view._shown())


@pytest.mark.parametrize("one_row", [False, True])
def test_scrolling_moves_what_is_there_and_looks_as_if_drawn_anew(
    shown: Any, one_row: bool
) -> None:
    view, _ = shown(400, one_row)
    recorder = Recorder()
    view.setItemDelegate(recorder)
    QApplication.processEvents()
    bar = view.horizontalScrollBar() if one_row else view.verticalScrollBar()
    for target in (15, 60, 55, 3000, 2980):
        bar.setValue(target)
        QApplication.processEvents()
        moved = on_screen(view)
        assert moved == on_screen(view, anew=True)
        assert moved.pixelColor(1, 1) == Recorder.color(view.indexAt(QPoint(1, 1)).row())


def test_scrolling_a_little_draws_little(shown: Any) -> None:
    view, _ = shown(400)
    recorder = Recorder()
    view.setItemDelegate(recorder)
    QApplication.processEvents()
    recorder.rows.clear()
    view.verticalScrollBar().setValue(FRAME.height())
    QApplication.processEvents()
    per_line, lines = view.columns(), -(-view.viewport().height() // FRAME.height())
    assert 0 < len(recorder.rows) <= 3 * per_line < lines * per_line


def on_screen(view: FrameView, anew: bool = False) -> QImage:
    """Return the pixels that the window shows of the frames, painted anew or as they have come to be."""
    if anew:
        view.viewport().update()
        QApplication.processEvents()
    place = QRect(view.viewport().mapTo(view.window(), QPoint()), view.viewport().size())
    window = view.screen().grabWindow(view.window().winId())
    return window.copy(place).toImage()
