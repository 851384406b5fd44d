"""Time `import engine`, `from engine import YOLO` and `yolo version` as whole processes, less an empty interpreter."""

from __future__ import annotations

import argparse

from benchmarks.machine import median_process_s

STATEMENTS = {
    "interpreter_s": "pass",
    "import_engine_s": "import engine",
    "from_engine_import_yolo_s": "from engine import YOLO",
}
PEER = "from ultralytics import YOLO"
VERSION = ["-m", "engine", "version"]
PEER_VERSION = "import sys; from ultralytics.cfg import entrypoint; sys.argv = ['yolo', 'version']; entrypoint()"


def run(options: argparse.Namespace) -> dict[str, object]:
    """Return the medians, and the peer's with the ratio where its interpreter is given."""
    figures: dict[str, object] = {
        key: median_process_s(["-c", statement], options.repeats)
        for key, statement in STATEMENTS.items()
    }
    figures["yolo_version_s"] = median_process_s(VERSION, options.repeats)
    if options.peer_python:
        peer = median_process_s(["-c", PEER], options.repeats, python=options.peer_python)
        version = median_process_s(
            ["-c", PEER_VERSION], options.repeats, python=options.peer_python
        )
        figures["peer"] = "ultralytics"
        figures["peer_from_import_yolo_s"] = peer
        figures["peer_yolo_version_s"] = version
        figures["ratio_yolo_version"] = figures["yolo_version_s"] / version  # type: ignore[operator]
        figures["ratio_from_import_yolo"] = figures["from_engine_import_yolo_s"] / peer  # type: ignore[operator]
    return figures
