"""What the program does around the window: what garbage collections need not look at."""

from __future__ import annotations

import gc
import os
import sys
from argparse import Namespace
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest
from PySide6.QtWidgets import QApplication

from studio.app import launch as launching
from studio.app.file_handlers import FileHandlers
from studio.app.studio import Studio
from tests.studio.ui.conftest import close

OPTIONS = Namespace(screenshot=None, theme=None, size=None, panel="annotate")


@pytest.fixture
def all_collected_again() -> Iterator[None]:
    gc.unfreeze()
    yield
    gc.unfreeze()


@pytest.mark.parametrize(("cores", "said"), [(1, "1"), (2, "1"), (3, None)])
def test_qt_paints_without_threads_of_its_own_on_few_cores(
    monkeypatch: pytest.MonkeyPatch, cores: int, said: str | None
) -> None:
    monkeypatch.setenv("QT_NO_GUI_THREADPOOL", "")  # so that it is as before afterwards
    monkeypatch.delenv("QT_NO_GUI_THREADPOOL")
    monkeypatch.setattr(launching, "QThread", SimpleNamespace(idealThreadCount=lambda: cores))
    launching.paint_at_once_on_few_cores()
    assert os.environ.get("QT_NO_GUI_THREADPOOL") == said


@pytest.mark.usefixtures("all_collected_again")
def test_collections_pass_by_the_window_but_not_by_the_project(
    qapp: QApplication, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened: list[tuple[Studio, int]] = []
    before = gc.get_freeze_count()

    def note(files: FileHandlers, _paths: list[Path]) -> None:
        studios = [found for found in qapp.children() if isinstance(found, Studio)]
        (studio,) = [found for found in studios if found.window.isVisible()]
        opened.append((studio, gc.get_freeze_count()))

    monkeypatch.setattr(FileHandlers, "open_paths", note)
    monkeypatch.setattr(QApplication, "exec", lambda *_: 0)
    monkeypatch.setattr(sys, "excepthook", sys.excepthook)
    assert launching.launch(Path("project"), OPTIONS) == 0
    ((studio, count),) = opened
    close(studio)
    assert count > before + 10_000, "modules and the window, before a project is there"


@pytest.mark.usefixtures("all_collected_again")
def test_a_picture_of_the_window_sets_nothing_aside(
    qapp: QApplication, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    taken: list[Studio] = []

    def take(studio: Studio, file: Path) -> Path:
        taken.append(studio)
        return file

    monkeypatch.setattr(launching, "take_picture", take)
    monkeypatch.setattr(sys, "excepthook", sys.excepthook)
    before = gc.get_freeze_count()
    launching.launch(None, Namespace(**vars(OPTIONS) | {"screenshot": tmp_path / "window.png"}))
    close(taken[0])
    assert gc.get_freeze_count() == before
