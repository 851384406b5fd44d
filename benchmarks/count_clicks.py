"""Count the clicks and keys that labels cost, on the real window with real events.

From launch to the first saved polygon; then each part of some pictures of the sample three ways: its corners by hand, one
click into it with the smart tool, one box around it. The outline that is then in the project is compared with the true one.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks.drawn_parts import draw_pictures, iou, point_by_box, point_by_click, take_smart
from benchmarks.studio_window import studio_window, write_pictures

if TYPE_CHECKING:
    import shapely

    from docs.scenes.stage import Stage

_CORNERS = ((60.0, 60.0), (300.0, 70.0), (280.0, 250.0), (80.0, 230.0))
_WITHIN = (
    1.0  # pixels: a hand leaves corners out that lie as near to the line between their neighbours
)


def add_options(parser: argparse.ArgumentParser) -> None:
    """Declare what the benchmark takes besides the common options."""
    parser.add_argument("--pictures", type=int, default=6, help="of the sample, some 7 parts each")
    parser.add_argument("--model", default="classic", help="the segmenter behind the smart tool")


def run(options: argparse.Namespace) -> dict[str, object]:
    """Return clicks and keys to the first polygon, and for a part by hand and by pointing."""
    with tempfile.TemporaryDirectory() as folder:
        first = count_first_polygon(Path(folder) / "photos")
        parts = count_parts(Path(folder) / "parts", options.pictures, options.model)
    return {"first_polygon": first, "parts": parts, "model": options.model}


def count_first_polygon(photos: Path) -> dict[str, int]:
    """Open a folder from the start page, take the polygon tool, click a polygon of four corners shut."""
    from docs.scenes.stage import Stage

    write_pictures(photos, 3, (480, 320))
    with studio_window() as studio:
        stage = Stage(studio, photos.parent)  # type: ignore[arg-type]
        stage.settle()
        _answer_dialog(photos)
        stage.push(_button(stage, "Open folder of images"))
        stage.wait(lambda: stage.studio.session and stage.session.workspace.image_id)
        stage.settle()
        stage.key(_keys().Key_P)
        for corner in (*_CORNERS, _CORNERS[0]):
            stage.click(*corner)
        saved = stage.session.project.shapes(stage.session.workspace.image_id or 0)
        return {
            "clicks": stage.clicks, "keys": stage.keys, "corners": len(_CORNERS), "saved": len(saved)
        }  # fmt: skip


def count_parts(folder: Path, pictures: int, model: str) -> dict[str, dict[str, float]]:
    """Label every part of some pictures by hand, by a click and by a box."""
    from docs.scenes.stage import Stage
    from studio.model.preferences import SMART_MODEL

    rings = draw_pictures(folder, pictures)
    ways: dict[str, Callable[[Stage, shapely.Polygon], None]] = {
        "by_hand": _by_hand, "smart_click": _by_click, "smart_box": _by_box,
    }  # fmt: skip
    rows: dict[str, list[tuple[int, int, float]]] = {way: [] for way in ways}
    with studio_window() as studio:
        stage = Stage(studio, folder)  # type: ignore[arg-type]
        stage.studio.preferences[SMART_MODEL] = model
        stage.studio.files.open_paths([folder])
        stage.wait(lambda: stage.studio.session and stage.session.workspace.image_id)
        for image_id, truths in zip(stage.session.workspace.image_ids, rings, strict=True):
            stage.session.workspace.go_to(image_id)
            stage.settle()
            for truth in truths:
                for way, draw in ways.items():
                    rows[way].append(_counted(stage, draw, truth))
    return {way: _summary(found) for way, found in rows.items()}


def _counted(
    stage: Stage, draw: Callable[[Stage, shapely.Polygon], None], truth: shapely.Polygon
) -> tuple[int, int, float]:
    """Return clicks, keys and how well the outline covers the part, of one way to label it."""
    clicks, keys = stage.clicks, stage.keys
    stage.canvas.setFocus()
    draw(stage, truth)
    counts = stage.clicks - clicks, stage.keys - keys
    shapes = stage.session.project.shapes(stage.session.workspace.image_id or 0)
    covered = iou([shape.geometry for shape in shapes], truth)
    stage.clear()
    stage.settle(0.02)
    return *counts, covered


def _by_hand(stage: Stage, truth: shapely.Polygon) -> None:
    """Click the corners, Enter; the tool is in hand already."""
    stage.session.use_tool("polygon")
    stage.canvas.set_option("snapping", False)  # other parts are not labelled yet
    for corner in list(truth.simplify(_WITHIN).exterior.coords)[:-1]:
        stage.click(*corner)
    stage.key(_keys().Key_Return)


def _by_click(stage: Stage, truth: shapely.Polygon) -> None:
    """Click into the part, Enter."""
    take_smart(stage)
    point_by_click(stage, truth)
    _accept(stage)


def _by_box(stage: Stage, truth: shapely.Polygon) -> None:
    """Drag a box around the part, Enter."""
    take_smart(stage)
    point_by_box(stage, truth)
    _accept(stage)


def _accept(stage: Stage) -> None:
    """Take the answer to what was pointed at; where nothing was found, nothing is kept."""
    stage.settle(0.03)
    stage.key(_keys().Key_Return)
    stage.key(_keys().Key_Escape)
    stage.keys -= 1  # Escape only tidies up for the next count


def _summary(rows: Sequence[tuple[int, int, float]]) -> dict[str, float]:
    clicks, keys, ious = zip(*rows, strict=True)
    return {
        "parts": len(rows),
        "clicks_median": statistics.median(clicks),
        "clicks_mean": round(statistics.mean(clicks), 1),
        "keys_median": statistics.median(keys),
        "iou_median": round(statistics.median(ious), 3),
        "share_above_0.9": round(sum(iou > 0.9 for iou in ious) / len(ious), 3),
    }


def _keys() -> Any:
    from PySide6.QtCore import Qt

    return Qt.Key


def _button(stage: Stage, text: str) -> Any:
    from PySide6.QtWidgets import QPushButton

    buttons = stage.studio.window.findChildren(QPushButton)
    return next(button for button in buttons if button.text() == text and button.isVisible())


def _answer_dialog(path: Path) -> None:
    """Type a path into the file dialog that opens next; that is counted as neither clicks nor keys."""
    from PySide6.QtCore import Qt, QTimer
    from PySide6.QtTest import QTest
    from PySide6.QtWidgets import QApplication, QFileDialog, QLineEdit

    def answer() -> None:
        dialog = QApplication.activeModalWidget()
        field = dialog.findChild(QLineEdit, "fileNameEdit") if dialog is not None else None
        if not isinstance(dialog, QFileDialog) or field is None:
            QTimer.singleShot(20, answer)
            return
        field.setText(str(path))
        QTest.keyClick(field, Qt.Key.Key_Return)

    QTimer.singleShot(20, answer)
