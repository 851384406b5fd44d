"""The small controls do what they say, with real clicks and keys."""

from __future__ import annotations

import pytest
from PySide6.QtCore import QRectF, Qt
from PySide6.QtGui import QColor, QGuiApplication, QImage, QPainter
from PySide6.QtWidgets import QColorDialog, QLabel, QSpinBox
from pytestqt.qtbot import QtBot

from studio.theme.theme import Theme
from studio.theme.tokens import DARK, LIGHT
from studio.widgets.collapsible_section import CollapsibleSection
from studio.widgets.color_swatch import ColorSwatch
from studio.widgets.empty_state import EmptyState, Step
from studio.widgets.form_row import FormRow
from studio.widgets.icon_button import IconButton
from studio.widgets.message_banner import MessageBanner
from studio.widgets.progress_row import ProgressRow, format_left
from studio.widgets.search_field import SearchField
from studio.widgets.section_header import SectionHeader
from studio.widgets.stat import Stat
from studio.widgets.status_dot import StatusDot, draw_status_dot
from studio.widgets.text_label import TextLabel

LEFT = Qt.MouseButton.LeftButton


def test_empty_state_offers_its_steps(theme: Theme, qtbot: QtBot) -> None:
    done: list[str] = []
    empty = EmptyState(
        "No images yet",
        "Open a folder of images to begin.",
        [
            Step("Open folder", lambda: done.append("open"), "primary", "folder_open"),
            Step("Try the sample", lambda: done.append("sample")),
        ],
        "images",
    )
    qtbot.addWidget(empty)
    empty.show()
    first, second = empty.buttons()
    qtbot.mouseClick(second, LEFT)
    qtbot.mouseClick(first, LEFT)
    assert done == ["sample", "open"]
    empty.set_steps([Step("Clear the filter", lambda: done.append("clear"))])
    assert [button.text() for button in empty.buttons()] == ["Clear the filter"]


def test_progress_row_tells_the_time_left(theme: Theme, qtbot: QtBot) -> None:
    now = [0.0]
    row = ProgressRow("Reading images", clock=lambda: now[0])
    qtbot.addWidget(row)
    row.set_progress(1, 100)
    assert row.left_text() == ""  # too early for an estimate
    now[0] = 10.0
    row.set_progress(25, 100)
    assert row.left_text() == "30 s left"
    assert row.share() == pytest.approx(0.25)
    row.set_progress(50, 100, left_s=600)
    assert row.left_text() == "10 min left"
    row.set_progress(5, 0)
    assert row.share() == 0.0
    row.finish()
    assert row.share() == 1.0
    assert row.left_text() == "Done"
    assert row.cancel_button.isHidden()


def test_progress_row_asks_once_to_stop(theme: Theme, qtbot: QtBot) -> None:
    row = ProgressRow("Export")
    qtbot.addWidget(row)
    row.show()
    with qtbot.waitSignal(row.cancelled, timeout=1000):
        qtbot.mouseClick(row.cancel_button, LEFT)
    with qtbot.assertNotEmitted(row.cancelled):
        qtbot.mouseClick(row.cancel_button, LEFT)
    row.set_progress(1, 2, left_s=9)
    assert row.left_text() == "Stopping"
    row.start("Export again")
    assert row.cancel_button.isEnabled()
    assert row.left_text() == ""


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "A few seconds left"),
        (59, "55 s left"),
        (61, "1 min left"),
        (3599, "1 h 0 min left"),
        (4000, "1 h 7 min left"),
        (100_000, "1 d 3 h left"),
    ],
)
def test_time_left_is_said_as_people_do(seconds: float, text: str) -> None:
    assert format_left(seconds) == text


def test_banner_says_what_and_what_to_do(theme: Theme, qtbot: QtBot) -> None:
    banner = MessageBanner()
    qtbot.addWidget(banner)
    assert banner.isHidden()
    done: list[bool] = []
    banner.show_message(
        "The training ran out of memory.",
        "Use a smaller batch.",
        action_text="Halve the batch",
        action=lambda: done.append(True),
        details="Traceback ...",
    )
    assert banner.text() == "The training ran out of memory. Use a smaller batch."
    qtbot.mouseClick(banner.action_button, LEFT)
    assert done == [True]
    assert banner.copy_button.isHidden()
    qtbot.mouseClick(banner.details_button, LEFT)
    assert not banner.copy_button.isHidden()
    qtbot.mouseClick(banner.copy_button, LEFT)
    assert QGuiApplication.clipboard().text().endswith("Traceback ...")
    with qtbot.waitSignal(banner.dismissed, timeout=1000):
        qtbot.mouseClick(banner.close_button, LEFT)
    assert banner.isHidden()


def test_banner_without_action_or_details_has_no_buttons_for_them(
    theme: Theme, qtbot: QtBot
) -> None:
    banner = MessageBanner()
    qtbot.addWidget(banner)
    banner.show_message("Saved.", tone="success")
    assert banner.action_button.isHidden()
    assert banner.details_button.isHidden()
    assert banner.text() == "Saved."


def test_search_waits_for_a_pause_and_escape_empties(theme: Theme, qtbot: QtBot) -> None:
    field = SearchField("Search images")
    qtbot.addWidget(field)
    field.show()
    heard: list[str] = []
    field.search_changed.connect(heard.append)
    qtbot.keyClicks(field, "bolt")
    assert heard == []
    qtbot.waitUntil(lambda: heard == ["bolt"], timeout=2000)
    qtbot.keyClick(field, Qt.Key.Key_Escape)
    assert heard == ["bolt", ""]
    qtbot.keyClicks(field, "n")
    qtbot.keyClick(field, Qt.Key.Key_Return)
    assert heard[-1] == "n"


def test_swatch_tells_only_of_another_colour(theme: Theme, qtbot: QtBot) -> None:
    swatch = ColorSwatch("#e69f00")
    qtbot.addWidget(swatch)
    swatch.show()
    chosen: list[str] = []
    swatch.color_chosen.connect(chosen.append)
    qtbot.mouseClick(swatch, LEFT)
    dialog = swatch.findChild(QColorDialog)
    assert dialog is not None
    dialog.setCurrentColor(QColor("#e69f00"))
    dialog.accept()
    assert chosen == []
    qtbot.mouseClick(swatch, LEFT)
    dialog = swatch.findChildren(QColorDialog)[-1]
    dialog.setCurrentColor(QColor("#009e73"))
    dialog.accept()
    assert chosen == ["#009e73"]
    assert swatch.grab().toImage().pixelColor(12, 12).name() == "#009e73"


def test_section_folds_with_a_click_and_with_the_keyboard(theme: Theme, qtbot: QtBot) -> None:
    section = CollapsibleSection("Advanced", expanded=False)
    content = QLabel("many values")
    section.set_content(content)
    qtbot.addWidget(section)
    section.show()
    assert not content.isVisible()
    qtbot.mouseClick(section.header, LEFT)
    qtbot.waitUntil(content.isVisible, timeout=1000)
    section.header.setFocus()
    with qtbot.waitSignal(section.toggled, timeout=1000):
        qtbot.keyClick(section.header, Qt.Key.Key_Space)
    qtbot.waitUntil(lambda: not content.isVisible(), timeout=2000)
    assert not section.is_expanded()


def test_stat_names_itself_for_screen_readers(theme: Theme, qtbot: QtBot) -> None:
    stat = Stat("Mask mAP50")
    qtbot.addWidget(stat)
    stat.set_value("0.713", "best at epoch 12")
    assert stat.value() == "0.713"
    assert stat.accessibleName() == "Mask mAP50: 0.713"


@pytest.mark.parametrize(
    ("state", "middle"), [("success", DARK.success_text), ("danger", DARK.danger_text)]
)
def test_full_dots_have_their_colour(state: str, middle: str) -> None:
    assert _dot_middle(state).upper() == middle


@pytest.mark.parametrize("state", ["none", "busy"])
def test_unfinished_states_are_rings(state: str) -> None:
    assert _dot_middle(state) == "#000000"


def test_dot_says_its_meaning(theme: Theme, qtbot: QtBot) -> None:
    dot = StatusDot("warning", "3 labels skipped")
    qtbot.addWidget(dot)
    assert (dot.toolTip(), dot.state()) == ("3 labels skipped", "warning")
    dot.set_state("success", "labelled")
    assert dot.grab().toImage().pixelColor(6, 6).alpha() > 0
    assert dot.accessibleName() == "labelled"


def test_form_row_marks_changes_and_errors(theme: Theme, qtbot: QtBot) -> None:
    spin = QSpinBox()
    row = FormRow("Epochs", spin, "How often every image is seen.")
    qtbot.addWidget(row)
    row.show()
    assert row.reset_button.isHidden()
    row.set_changed(True, "100")
    with qtbot.waitSignal(row.reset_asked, timeout=1000):
        qtbot.mouseClick(row.reset_button, LEFT)
    row.set_error("Expected 1 or more.")
    assert row.help_text() == "Expected 1 or more."
    assert spin.property("invalid") == "true"
    row.set_error("")
    assert row.help_text() == "How often every image is seen."


def test_icons_follow_the_scheme(theme: Theme, qtbot: QtBot) -> None:
    button = IconButton("close", "Close")
    qtbot.addWidget(button)
    button.show()

    def inks() -> set[str]:
        image = button.icon().pixmap(20, 20).toImage()
        points = [(x, y) for x in range(20) for y in range(20)]
        return {
            image.pixelColor(*p).name().upper()
            for p in points
            if image.pixelColor(*p).alpha() > 250
        }

    assert inks() == {DARK.text}
    theme.set_mode("light")
    assert inks() == {LIGHT.text}


def test_text_label_never_takes_a_file_name_for_markup(theme: Theme, qtbot: QtBot) -> None:
    label = TextLabel("<b>a&b</b>.png")
    header = SectionHeader("Classes", "12")
    qtbot.addWidget(label)
    qtbot.addWidget(header)
    assert label.textFormat() == Qt.TextFormat.PlainText
    header.set_note("13")
    header.add_button(label)
    assert label.parent() is header


def _dot_middle(state: str) -> str:
    image = QImage(12, 12, QImage.Format.Format_RGB32)
    image.fill(0)
    painter = QPainter(image)
    draw_status_dot(painter, QRectF(0, 0, 12, 12), state, DARK)
    painter.end()
    return image.pixelColor(6, 6).name()
