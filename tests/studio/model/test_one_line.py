"""Class names are one line of text: refused where they are typed, made so where they are read."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from studio.model.edits import ChangeClass
from studio.model.errors import EditError
from studio.model.one_line import is_one_line, kept_names, lines_of, one_line
from studio.model.project import Project
from studio.model.records import ClassDef, class_from_dict
from studio.storage.image_index import store_of
from studio.storage.project_files import open_project


@pytest.mark.parametrize("name", ["bolt\nnut", "bolt\r", "a\tb", "a\x00", "a\x85b", "a\u2028b"])
def test_a_class_is_not_called_with_control_characters(project: Project, name: str) -> None:
    with pytest.raises(EditError, match="one line"):
        project.add_class(name)
    cls = project.add_class("bolt")
    with pytest.raises(EditError, match="one line"):
        project.apply(ChangeClass(ClassDef(cls.id, name, cls.color)))
    assert [one.name for one in project.classes()] == ["bolt"]


@given(st.text())
def test_what_is_made_one_line_is_one_and_what_is_one_stays(text: str) -> None:
    made = one_line(text)
    assert is_one_line(made)
    assert one_line(made) == made
    if is_one_line(text):
        assert made == text.strip()


def test_the_lines_of_a_list_are_told_once() -> None:
    assert lines_of(" bolt\r\nnut\n\n  bolt \nwasher\n") == ["bolt", "nut", "washer"]


@given(st.lists(st.text("ab \n", min_size=1, max_size=4), unique=True))
def test_kept_names_stay_apart(names: list[str]) -> None:
    kept = kept_names(names)
    assert all(map(is_one_line, kept))
    assert len(set(kept)) == len(names)
    assert [k for k, n in zip(kept, names, strict=True) if is_one_line(n)] == [
        n for n in names if is_one_line(n)
    ]


def test_several_classes_are_one_step(project: Project) -> None:
    project.add_class("bolt")
    added = project.add_classes(["nut", "washer", "pin"])
    assert [cls.name for cls in project.classes()] == ["bolt", "nut", "washer", "pin"]
    assert [cls.name for cls in added] == ["nut", "washer", "pin"]
    assert len({cls.color for cls in project.classes()}) == 4
    project.undo()
    assert [cls.name for cls in project.classes()] == ["bolt"]
    project.redo()
    assert [cls.name for cls in project.classes()] == ["bolt", "nut", "washer", "pin"]
    with pytest.raises(EditError, match="already"):
        project.add_classes(["screw", "nut"])
    assert len(project.classes()) == 4


@pytest.mark.parametrize("read_only", [False, True])
def test_an_old_project_with_such_names_opens(project: Project, read_only: bool) -> None:
    project.add_classes(["bolt nut", "b", "c"])
    store = store_of(project)
    with store.transaction():
        store.db.write("UPDATE classes SET name = ? WHERE name = ?", ("bolt\nnut", "b"))
        store.db.write("UPDATE classes SET name = ? WHERE name = ?", ("\x00", "c"))
    project.close()
    with open_project(project.folder, read_only=read_only) as reopened:
        assert [cls.name for cls in reopened.classes()] == ["bolt nut", "bolt nut 2", "?"]
        if not read_only:
            reopened.undo()
            reopened.redo()
            assert len(reopened.classes()) == 3


def test_an_old_journal_names_one_line() -> None:
    told = ClassDef(0, "bolt", "#e69f00").to_dict() | {"name": "bolt\nnut"}
    assert class_from_dict(told).name == "bolt nut"
