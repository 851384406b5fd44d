"""From 100 to 300 % and in both languages every text has room, and every window fits its screen."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

_ROOT = Path(__file__).resolve().parents[3]


def look(folder: Path, factor: str, language: str) -> dict[str, Any]:
    """Return what a process of its own says of the window: Qt reads the factor once, when it starts."""
    environment = {
        **os.environ,
        "QT_SCALE_FACTOR": factor,
        "QT_QPA_PLATFORM": "offscreen",
        "MASKWRIGHT_LANGUAGE": language,
        "PYTHONPATH": str(_ROOT),
    }
    done = subprocess.run(
        [sys.executable, str(Path(__file__).with_name("scaled_window.py")), str(folder)],
        env=environment,
        capture_output=True,
        text=True,
        timeout=300,
        cwd=_ROOT,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    return json.loads(done.stdout.splitlines()[-1])


@pytest.mark.parametrize(
    ("factor", "language"),
    [("1", "en"), ("1.5", "zh_CN"), ("2", "en"), ("3", "en")],
)
def test_every_text_has_room_and_every_window_fits(
    tmp_path: Path, factor: str, language: str
) -> None:
    seen = look(tmp_path, factor, language)
    assert seen["ratio"] == float(factor)
    assert seen["proof"], "a text without room was not found: the test sees nothing"
    assert len(seen["cut"]) > 30  # pages, docks, tools and dialogues
    cut = {place: texts for place, texts in seen["cut"].items() if texts}
    assert not cut, json.dumps(cut, indent=1, ensure_ascii=False)
    width, height = seen["least"]  # 300 % of a screen of 3840 x 2160 leaves 1280 x 720
    assert width <= 1280, seen["least"]
    assert height <= 720, seen["least"]
