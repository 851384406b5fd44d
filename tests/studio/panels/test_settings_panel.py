"""The Settings page: generated, written at once, searchable, with a way back."""

from __future__ import annotations

import json

import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtTest import QTest

from engine.runtime.settings import SettingsManager
from engine.runtime.settings_schema import Setting
from studio.panels.settings import SettingsPanel

LEFT = Qt.MouseButton.LeftButton


@pytest.fixture
def manager(tmp_path) -> SettingsManager:
    manager = SettingsManager(tmp_path / "settings.json")
    manager.register(
        Setting("studio.sure", float, 0.25, "How sure.", "Suggestions", low=0.01, high=1.0),
        Setting("studio.tags", bool, True, "Show name tags.", "Canvas"),
        Setting("studio.theme", str, "system", "Colours.", "Window", choices=("system", "dark")),
    )
    return manager


@pytest.fixture
def panel(qtbot, manager) -> SettingsPanel:
    panel = SettingsPanel(manager)
    qtbot.addWidget(panel)
    panel.resize(900, 800)
    panel.show()
    return panel


def stored(manager: SettingsManager) -> dict:
    return json.loads(manager.path.read_text())


def tick(box) -> None:
    QTest.mouseClick(box, LEFT, pos=QPoint(10, box.height() // 2))


def type_into(panel: SettingsPanel, name: str, text: str) -> None:
    field = panel.rows.row(name).control
    field.setFocus()
    field.selectAll()
    QTest.keyClicks(field, text)


def test_it_says_where_the_file_lies(panel, manager):
    assert str(manager.path) in panel._path.text()


def test_every_setting_has_a_row_those_without_effect_apart(panel, manager):
    shown = panel.rows.names() + panel.others.names()
    assert sorted(shown) == sorted(setting.name for setting in manager.schema)
    assert "runs_dir" in panel.rows.names()
    assert "wandb" in panel.rows.names()
    assert "raytune" in panel.others.names()
    assert not panel.others.row("raytune").control.isEnabled()
    assert not panel.others.isVisible()


def test_a_change_is_in_the_file_at_once_and_told(panel, manager, qtbot):
    with qtbot.waitSignal(panel.changed) as changed:
        tick(panel.rows.row("studio.tags").control)
    assert changed.args == ["studio.tags"]
    assert stored(manager)["studio.tags"] is False
    type_into(panel, "studio.sure", "0.4")
    assert stored(manager)["studio.sure"] == 0.4
    assert panel.rows.row("studio.sure").control.text() == "0.4"


def test_a_value_out_of_range_is_refused_and_not_written(panel, manager):
    type_into(panel, "studio.sure", "3")
    assert "0.01" in panel.rows.row("studio.sure").help_text()
    assert stored(manager)["studio.sure"] == 0.25


def test_each_value_has_its_own_way_back(panel, manager):
    type_into(panel, "runs_dir", "elsewhere")
    tick(panel.rows.row("studio.tags").control)
    row = panel.rows.row("runs_dir")
    assert row.reset_button.isVisible()
    QTest.mouseClick(row.reset_button, LEFT)
    assert stored(manager)["runs_dir"] == "runs"
    assert stored(manager)["studio.tags"] is False
    assert not row.reset_button.isVisible()


def test_search_looks_at_names_groups_and_help(panel, qtbot):
    QTest.keyClicks(panel.search, "name tags")
    qtbot.waitUntil(lambda: not panel.rows.row("runs_dir").isVisible(), timeout=3000)
    assert panel.rows.row("studio.tags").isVisible()
    QTest.keyClick(panel.search, Qt.Key.Key_Escape)
    qtbot.waitUntil(lambda: panel.rows.row("runs_dir").isVisible(), timeout=3000)
    QTest.keyClicks(panel.search, "ray tune")
    qtbot.waitUntil(lambda: panel.others.row("raytune").isVisible(), timeout=3000)


def test_what_another_program_wrote_is_shown_when_the_page_is(panel, manager):
    panel.hide()
    other = SettingsManager(manager.path)
    other.register(*[s for s in manager.schema if s.name.startswith("studio.")])
    other["studio.theme"] = "dark"
    panel.show()
    assert panel.rows.row("studio.theme").control.currentText() == "dark"
    assert panel.rows.row("studio.theme").reset_button.isVisible()
