"""Can a window be opened here? Asked of a process of its own, because Qt ends the whole process where it cannot."""

from __future__ import annotations

import json
import os
import subprocess
import sys

from engine.runtime.checks import Check

_GROUP = "Window"
_TIMEOUT_S = 60.0  # a first start on a slow disk loads 100 MB of libraries
_ASK = """
import json
from PySide6 import __version__
from PySide6.QtGui import QGuiApplication
app = QGuiApplication([])
screen = app.primaryScreen()
size = screen.size() if screen else None
print(json.dumps({
    "qt": __version__,
    "platform": app.platformName(),
    "screen": f"{size.width()} x {size.height()}" if size else "none",
    "scale": screen.devicePixelRatio() if screen else 1.0,
}))
"""
_NO_DISPLAY = "Start it in a desktop session, or with QT_QPA_PLATFORM=offscreen for screenshots without a screen."
# What Qt says when it cannot start, and what helps.
_REMEDIES = {
    # first: Qt names its missing cursor library also where there is just no display
    "could not connect to display": _NO_DISPLAY,
    "No module named": "pip install PySide6-Essentials",
    "libEGL": "sudo apt install libegl1 libgl1 (or your system's packages of that name)",
    "libGL": "sudo apt install libegl1 libgl1 (or your system's packages of that name)",
    "xcb-cursor": "sudo apt install libxcb-cursor0 (or your system's package of that name)",
    "Could not load the Qt platform plugin": _NO_DISPLAY,
}


def window_checks() -> list[Check]:
    """Return what Qt answers, or why it does not."""
    environment = {
        name: os.environ.get(name, "")
        for name in ("QT_QPA_PLATFORM", "DISPLAY", "WAYLAND_DISPLAY")
        if os.environ.get(name)
    }
    asked = ", ".join(f"{name}={value}" for name, value in environment.items()) or "nothing set"
    found = [Check("Display settings", asked, group=_GROUP)]
    try:
        answer = subprocess.run(
            [sys.executable, "-c", _ASK],
            capture_output=True,
            text=True,
            timeout=_TIMEOUT_S,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        return [*found, Check("Qt", f"no answer ({error})", "problem", _NO_DISPLAY, _GROUP)]
    if answer.returncode:
        return [*found, _failure(answer.stderr)]
    values = json.loads(answer.stdout.splitlines()[-1])
    screen = f"{values['screen']}, scale {values['scale']:g}"
    return [
        *found,
        Check("Qt", f"{values['qt']} on {values['platform']}", group=_GROUP),
        Check("Screen", screen, group=_GROUP),
    ]


def _failure(said: str) -> Check:
    """Return what Qt complained about, with what helps."""
    remedy = next((help for words, help in _REMEDIES.items() if words in said), _NO_DISPLAY)
    lines = [line.strip() for line in said.splitlines() if line.strip()]
    first = next((line for line in lines if any(words in line for words in _REMEDIES)), "")
    reason = first or (lines[-1] if lines else "Qt ended without a word")
    return Check("Qt", f"no window can be opened: {reason}", "problem", remedy, _GROUP)
