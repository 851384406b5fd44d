"""The list of classes: what is typed and pasted into it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from PySide6.QtGui import QGuiApplication

from studio.model.project import Project
from studio.model.workspace import Workspace
from studio.panels.classes.panel import ClassesPanel
from studio.storage.project_files import create_project


@pytest.fixture
def project(tmp_path: Path) -> Iterator[Project]:
    """A project without a class."""
    with create_project(tmp_path / "project") as made:
        yield made


@pytest.fixture
def panel(qtbot, project: Project) -> ClassesPanel:
    panel = ClassesPanel(Workspace(project))
    qtbot.addWidget(panel)
    return panel


def names(project: Project) -> list[str]:
    return [cls.name for cls in project.classes()]


def paste(panel: ClassesPanel, text: str) -> None:
    QGuiApplication.clipboard().setText(text)
    panel.name_field.paste()
    panel.add_button.click()


def test_a_pasted_list_is_a_class_a_line_and_one_step(
    panel: ClassesPanel, project: Project
) -> None:
    paste(panel, "bolt\nnut\r\n\nwasher\n")
    assert names(project) == ["bolt", "nut", "washer"]
    assert [row.cls.name for row in panel.rows] == ["bolt", "nut", "washer"]
    assert [row.is_current() for row in panel.rows] == [True, False, False]
    assert panel.name_field.text() == ""
    assert project.history()[0].label == "Add 3 classes"
    project.undo()
    assert names(project) == []


def test_classes_of_a_pasted_list_that_are_there_stay(
    panel: ClassesPanel, project: Project
) -> None:
    project.add_class("nut")
    paste(panel, "bolt\nnut")
    assert names(project) == ["nut", "bolt"]
    assert panel.banner.text() == "1 class of the list was there already."
    paste(panel, "nut\nbolt")
    assert names(project) == ["nut", "bolt"]
    assert "already a class" in panel.banner.text()


def test_a_name_with_a_tab_is_refused_and_stays_in_the_field(
    panel: ClassesPanel, project: Project
) -> None:
    paste(panel, "bolt\tM6")
    assert names(project) == []
    assert "one line" in panel.banner.text()
    assert panel.name_field.text() == "bolt\tM6"


def test_a_class_is_not_renamed_to_several_lines(panel: ClassesPanel, project: Project) -> None:
    project.add_class("bolt")
    panel.show()
    panel.rows[0].start_rename()
    QGuiApplication.clipboard().setText("bolt\nnut")
    editor = panel.rows[0]._editor
    editor.paste()
    editor.editingFinished.emit()
    assert names(project) == ["bolt"]
    assert "one line" in panel.banner.text()
