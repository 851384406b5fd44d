"""All widgets on one page in both schemes: nothing overlaps, nothing is cut, Qt has nothing to complain about.

Set MASKWRIGHT_GALLERY to a folder to keep the pictures and look at them.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import (
    QCheckBox,
    QComboBox,
    QDoubleSpinBox,
    QHBoxLayout,
    QLineEdit,
    QRadioButton,
    QSlider,
    QSpinBox,
    QTableWidget,
    QTableWidgetItem,
    QTabWidget,
    QVBoxLayout,
    QWidget,
)
from pytestqt.qtbot import QtBot

from studio.theme import tokens
from studio.theme.theme import Mode, Theme
from studio.widgets.collapsible_section import CollapsibleSection
from studio.widgets.color_swatch import ColorSwatch
from studio.widgets.empty_state import EmptyState, Step
from studio.widgets.form_row import FormRow
from studio.widgets.icon_button import IconButton, TextButton
from studio.widgets.message_banner import MessageBanner
from studio.widgets.progress_row import ProgressRow
from studio.widgets.search_field import SearchField
from studio.widgets.section_header import SectionHeader
from studio.widgets.stat import Stat
from studio.widgets.status_dot import StatusDot
from studio.widgets.text_label import TextLabel


@pytest.mark.parametrize("mode", ["light", "dark"])
def test_gallery(mode: Mode, theme: Theme, qtbot: QtBot, qtlog: Any) -> None:
    theme.set_mode(mode)
    page = _build_page()
    qtbot.addWidget(page)
    page.resize(1000, 900)
    page.show()
    qtbot.waitExposed(page)
    image = page.grab().toImage()
    if folder := os.environ.get("MASKWRIGHT_GALLERY"):
        image.save(str(Path(folder) / f"gallery-{mode}.png"))
    assert image.pixelColor(2, 2).name().upper() == theme.colors.window
    complaints = [record.message for record in qtlog.records]
    assert [text for text in complaints if "This plugin does not support" not in text] == []
    for widget in page.findChildren(TextLabel):
        if widget.isVisible() and not widget.wordWrap():
            assert widget.width() >= widget.sizeHint().width(), f"cut: {widget.text()}"


def _build_page() -> QWidget:
    page = QWidget()
    layout = QHBoxLayout(page)
    layout.setSpacing(tokens.SPACE_XL)
    for fill in (_fill_left, _fill_right):
        side = QWidget()
        layout.addWidget(side, 1)
        fill(side)
    return page


def _fill_left(side: QWidget) -> None:
    column = QVBoxLayout(side)
    column.setSpacing(tokens.SPACE_M)
    header = SectionHeader("Classes", "4")
    header.add_button(IconButton("add", "Add class"))
    column.addWidget(header)
    row = QHBoxLayout()
    for color in ("#e69f00", "#56b4e9", "#009e73"):
        row.addWidget(ColorSwatch(color))
    for state in ("none", "busy", "success", "warning", "danger"):
        row.addWidget(StatusDot(state, state))
    row.addStretch()
    column.addLayout(row)
    column.addWidget(SearchField("Search images"))
    buttons = QHBoxLayout()
    for text, kind in (
        ("Train", "primary"),
        ("Pause", "normal"),
        ("Stop now", "danger"),
        ("Skip", "quiet"),
    ):
        buttons.addWidget(TextButton(text, kind, "play" if kind == "primary" else None))
    off = TextButton("Export")
    off.setEnabled(False)
    buttons.addWidget(off)
    column.addLayout(buttons)
    tools = QHBoxLayout()
    for name in ("select", "polygon", "box", "undo", "redo", "tag", "zoom_fit"):
        tool = IconButton(name, name)
        tool.setCheckable(True)
        tool.setChecked(name == "polygon")
        tools.addWidget(tool)
    tools.addStretch()
    column.addLayout(tools)
    for tone in ("info", "warning", "danger"):
        banner = MessageBanner()
        column.addWidget(banner)
        banner.show_message(
            "The file data.yaml names a folder that does not exist.",
            "Correct the path, or choose another file.",
            tone=tone,
            action_text="Choose file",
            action=lambda: None,
            details="x" if tone == "danger" else "",
        )
    progress = ProgressRow("Reading images")
    progress.set_progress(35, 100, left_s=40)
    column.addWidget(progress)
    empty = EmptyState(
        "No images yet",
        "Open a folder of images, or drop images or folders anywhere in this window.",
        [
            Step("Open folder", lambda: None, "primary", "folder_open"),
            Step("Try the sample", lambda: None),
        ],
        "images",
    )
    column.addWidget(empty, 1)


def _fill_right(side: QWidget) -> None:
    column = QVBoxLayout(side)
    column.setSpacing(tokens.SPACE_M)
    stats = QHBoxLayout()
    stats.addWidget(Stat("Mask mAP50", "0.713", "best at epoch 12"))
    stats.addWidget(Stat("Time left", "6 min"))
    column.addLayout(stats)
    for label, control in (
        ("Model", _combo()),
        ("Epochs", QSpinBox(maximum=1000, value=100)),
        ("Learning rate", QDoubleSpinBox(decimals=4, value=0.01)),
        ("Name", QLineEdit("train-3")),
    ):
        row = FormRow(label, control, f"What {label.lower()} means, in one line.")
        column.addWidget(row)
    row.set_changed(True, "train")
    row.set_error("A run of this name exists.")
    checks = QHBoxLayout()
    for index, box in enumerate(
        (QCheckBox("Mosaic"), QCheckBox("Flip"), QRadioButton("CPU"), QRadioButton("GPU"))
    ):
        box.setChecked(index % 2 == 0)
        checks.addWidget(box)
    column.addLayout(checks)
    slider = QSlider(Qt.Orientation.Horizontal)
    slider.setValue(40)
    column.addWidget(slider)
    section = CollapsibleSection("Advanced")
    section.set_content(TextLabel("Folded away until needed.", "secondary"))
    column.addWidget(section)
    tabs = QTabWidget()
    table = QTableWidget(4, 3)
    table.setHorizontalHeaderLabels(["Class", "Images", "AP50"])
    for line, name in enumerate(("bolt", "nut", "washer", "gear")):
        for at, text in enumerate((name, str(40 + line), f"0.{90 - line * 7}")):
            table.setItem(line, at, QTableWidgetItem(text))
    table.selectRow(1)
    tabs.addTab(table, "Per class")
    tabs.addTab(QWidget(), "Curves")
    column.addWidget(tabs, 1)


def _combo() -> QComboBox:
    combo = QComboBox()
    combo.addItems(["yolo11n-seg", "yolo11s-seg"])
    return combo
