"""No text of the window stays English in another language: a walk through all of it in a made-up one."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]


def test_nothing_that_the_window_shows_is_left_untranslated(tmp_path: Path) -> None:
    environment = {
        **os.environ,
        "PYTHONPATH": os.pathsep.join((str(ROOT), os.environ.get("PYTHONPATH", ""))),
        "QT_QPA_PLATFORM": "offscreen",
        "MASKWRIGHT_CONFIG_DIR": str(tmp_path / "config"),
        "OMP_NUM_THREADS": "1",
    }
    script = Path(__file__).with_name("walk.py")
    run = subprocess.run(
        [sys.executable, str(script), str(tmp_path)],
        env=environment,
        capture_output=True,
        text=True,
        timeout=500,
        check=False,
    )
    assert run.returncode == 0, run.stderr[-3000:]
    assert "Traceback" not in run.stderr, run.stderr[
        -3000:
    ]  # a slot that fails does not end the process
    walked = json.loads(run.stdout.splitlines()[-1])
    assert walked["texts"] > 1200  # it went where the texts are
    found = walked["found"]
    assert found == {}, "\n".join(f"{text!r}: {where}" for text, where in found.items())
