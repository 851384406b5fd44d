"""Memory over a long day's work: drawing, reshaping, undoing and turning images in the real window, thousands of times.

Eight hours are pressed into minutes: 20,000 edits and 5,000 changes of the image. The growth counts from the end of the
first tenth, when every cache is filled, to the end. Then the project is closed and opened again, as a person does who goes
from one to another: what that adds counts from the second opening on. Nobody collects garbage here but the window itself.
"""

from __future__ import annotations

import argparse
import tempfile
from dataclasses import replace
from pathlib import Path

from benchmarks.studio_window import blobs, studio_window, wait, write_pictures

_SIZE = (1280, 960)
_IMAGES = 40
_SHAPES = 20  # on each image at first
_SAMPLES = 20  # measurements on the way
_LOOKED_AT = 8  # images between two openings


def add_options(parser: argparse.ArgumentParser) -> None:
    """Declare the length of the day."""
    parser.add_argument("--edits", type=int, default=20_000)
    parser.add_argument("--changes", type=int, default=5_000)
    parser.add_argument("--openings", type=int, default=12)


def run(options: argparse.Namespace) -> dict[str, object]:
    """Return resident memory after the first tenth and at the end, and what lies between."""
    with tempfile.TemporaryDirectory() as temporary, studio_window() as studio:
        write_pictures(Path(temporary) / "images", _IMAGES, _SIZE)
        studio.files.open_paths([Path(temporary) / "images"])
        wait(lambda: studio.session is not None and len(studio.session.workspace.image_ids))
        wait(lambda: not studio.is_busy())
        day = Day(studio.session)
        curve = day.live(options.edits, options.changes)
        reopened = [_open_again(studio) for _ in range(options.openings)]
    warm = curve[len(curve) // 10]
    return {
        "edits": options.edits,
        "image_changes": options.changes,
        "warm_rss_mib": round(warm, 1),
        "end_rss_mib": round(curve[-1], 1),
        "growth_mib": round(curve[-1] - warm, 1),
        "curve_rss_mib": [round(value, 1) for value in curve],
        "openings": options.openings,
        "openings_growth_mib": round(reopened[-1] - reopened[1], 1) if reopened[1:] else None,
        "openings_rss_mib": [round(value, 1) for value in reopened],
    }


def _open_again(studio: object) -> float:
    """Close the project, open it again and look at some of its images; return resident memory (MiB)."""
    folder = studio.session.project.folder
    studio.close_session()
    _let_go()
    studio.files.open_project(folder)
    wait(lambda: studio.session is not None and not studio.is_busy())
    for image in list(studio.session.workspace.image_ids)[:_LOOKED_AT]:
        studio.session.workspace.go_to(image)
        wait(studio.session.canvas.is_settled)
    _let_go()
    return _resident_mib()


def _let_go() -> None:
    """Run a loop of events as a program does: what is to be deleted later goes there alone."""
    from PySide6.QtCore import QEventLoop, QTimer

    loop = QEventLoop()
    QTimer.singleShot(200, loop.quit)
    loop.exec()


class Day:
    """A person's work in a session.

    Args:
        session: The open project's session.
    """

    def __init__(self, session: object) -> None:
        self._session = session
        self._ids = list(session.workspace.image_ids)
        self._geometries = blobs(_SHAPES, _SIZE)
        self._class = session.project.add_class("part")
        self._turn = 0

    def live(self, edits: int, changes: int) -> list[float]:
        """Work; return resident memory (MiB) from time to time."""
        for _ in self._ids:  # every picture is read once: what is kept of them is no growth
            self._go_on()
        curve = [_resident_mib()]
        each = max(1, edits // max(changes, 1))
        for number in range(edits):
            if number % each == 0:
                self._go_on()
            self._edit(number)
            if number % max(1, edits // _SAMPLES) == 0:
                curve.append(_resident_mib())
        self._settle()
        return [*curve, _resident_mib()]

    def _go_on(self) -> None:
        self._turn += 1
        self._session.workspace.go_to(self._ids[self._turn % len(self._ids)])
        self._settle()

    def _settle(self) -> None:
        wait(self._session.canvas.is_settled)

    def _edit(self, number: int) -> None:
        """Draw, reshape, delete or undo; the number of shapes stays about the same."""
        from PySide6.QtWidgets import QApplication

        from studio.model.edits import AddShapes, RemoveShapes, ReplaceShapes
        from studio.model.records import new_shape

        workspace, project = self._session.workspace, self._session.project
        image = workspace.image_id
        shapes = project.shapes(image)
        geometry = self._geometries[number % _SHAPES]
        step = number % 4
        if step == 0 or not shapes:
            self._session.apply(AddShapes((new_shape(image, self._class.id, geometry),)))
        elif step == 1:
            moved = replace(shapes[-1], geometry=geometry)
            self._session.apply(ReplaceShapes((shapes[-1],), (moved,)))
            workspace.select([moved.id])
        elif step == 2:
            project.undo()
        elif len(shapes) > _SHAPES:
            self._session.apply(RemoveShapes((shapes[0],)))
        else:
            project.redo()
        QApplication.processEvents()


def _resident_mib() -> float:
    import psutil

    return float(psutil.Process().memory_info().rss) / 2**20
