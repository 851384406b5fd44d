"""Memory over many edits and image changes, a small part of ``python -m benchmarks endurance``."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from benchmarks.measure_endurance import Day
from benchmarks.studio_window import write_pictures
from studio.app.studio import Studio
from tests.studio.ui.conftest import close


@pytest.mark.slow
def test_memory_does_not_grow_with_the_day(
    qapp: QApplication, qtbot: QtBot, tmp_path: Path
) -> None:
    write_pictures(tmp_path / "images", 6, (320, 240))
    studio: Any = Studio(qapp)
    studio.window.show()
    try:
        studio.files.open_paths([tmp_path / "images"])
        qtbot.waitUntil(
            lambda: studio.session is not None and bool(studio.session.workspace.image_ids),
            timeout=20_000,
        )
        qtbot.waitUntil(lambda: not studio.is_busy(), timeout=20_000)
        curve = Day(studio.session).live(edits=600, changes=150)
    finally:
        close(studio)
    quarter = len(curve) // 4
    assert (
        curve[-1] - curve[quarter] < 12
    )  # MiB; the whole day's limit is 50 for thirty times as much
