"""Time `import engine` and `from engine import YOLO` as whole processes, less an empty interpreter."""

from __future__ import annotations

import argparse

from benchmarks.machine import median_process_s

STATEMENTS = {
    "interpreter_s": "pass",
    "import_engine_s": "import engine",
    "from_engine_import_yolo_s": "from engine import YOLO",
}
PEER = "from ultralytics import YOLO"


def run(options: argparse.Namespace) -> dict[str, object]:
    """Return the medians, and the peer's with the ratio where its interpreter is given."""
    figures: dict[str, object] = {
        key: median_process_s(["-c", statement], options.repeats)
        for key, statement in STATEMENTS.items()
    }
    if options.peer_python:
        peer = median_process_s(["-c", PEER], options.repeats, python=options.peer_python)
        figures["peer"] = "ultralytics"
        figures["peer_from_import_yolo_s"] = peer
        figures["ratio_from_import_yolo"] = figures["from_engine_import_yolo_s"] / peer  # type: ignore[operator]
    return figures
