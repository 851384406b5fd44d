"""Label ten pictures by prompts in the real window, with real mouse and key events, and record every one of them.

Each part gets a box (or a click) with the smart tool, then Enter; D goes to the next picture. What the window is sent is
recorded by a listener on the canvas, so the counts are of events that arrived. The outlines that are then in the project
are compared with the true ones. Time includes the segmenter's work and what the window does; hands cost none.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks.drawn_parts import POINTING, await_segmenter, draw_pictures, iou, take_smart
from benchmarks.studio_window import studio_window

if TYPE_CHECKING:
    import shapely

    from benchmarks.recorder import Recorder
    from docs.scenes.stage import Stage

_GOOD = 0.9  # IoU of an outline that a person would leave as it is
_DRAWN_S = 0.03  # nothing is under way for so long: the outline is on the screen


@dataclass(frozen=True)
class Labelled:
    """One part that was pointed at.

    Attributes:
        iou: Of what is in the project with the true outline; 0 where nothing was found.
        events: That it took.
        seconds: From the first event to the outline in the project.
    """

    iou: float
    events: int
    seconds: float


def add_options(parser: argparse.ArgumentParser) -> None:
    """Declare what the benchmark takes besides the common options."""
    parser.add_argument("--pictures", type=int, default=10, help="of the sample, some 7 parts each")
    parser.add_argument("--model", default="classic", help="the segmenter behind the smart tool")
    parser.add_argument("--prompts", choices=sorted(POINTING), default="box")
    parser.add_argument(
        "--record", type=Path, help="write the session here, a line of JSON an event"
    )


def run(options: argparse.Namespace) -> dict[str, object]:
    """Return counts of events, how good the outlines are, and the time."""
    with tempfile.TemporaryDirectory() as folder:
        pictures = Path(folder) / "parts"
        rings = draw_pictures(pictures, options.pictures)
        with _open(pictures, options.model) as (stage, recorder):
            start = time.perf_counter()
            parts = label(stage, recorder, rings, options.prompts)
            seconds = time.perf_counter() - start
            images = _labelled_images(stage)
    if options.record is not None:
        recorder.write(options.record)
    return {
        "model": options.model,
        "prompts": options.prompts,
        "images": len(rings),
        "images_with_labels": images,
        **figures(parts, recorder, seconds),
    }


def label(
    stage: Stage, recorder: Recorder, rings: Sequence[Sequence[shapely.Polygon]], prompts: str
) -> list[Labelled]:
    """Label every part of the pictures, from the one that is shown on."""
    parts = []
    for number, truths in enumerate(rings):
        if number:
            before = stage.session.workspace.image_id
            stage.key(_keys().Key_D)
            stage.wait(lambda before=before: stage.session.workspace.image_id != before)
        await_segmenter(stage)
        stage.settle(_DRAWN_S)
        parts += [_label_part(stage, recorder, truth, prompts) for truth in truths]
    return parts


def figures(
    parts: Sequence[Labelled], recorder: Recorder, seconds: float
) -> dict[str, float | dict[str, int]]:
    """Return what a session comes to; without any part there are only counts."""
    kinds, drags = recorder.kinds(), recorder.drags()
    found: dict[str, float | dict[str, int]] = {
        "parts": len(parts),
        "clicks": kinds["press"] + kinds["double"] - drags,
        "drags": drags,
        "keys": kinds["key"],
        "events": len(recorder.rows),
        "events_by_kind": dict(sorted(kinds.items())),
        "seconds": round(seconds, 2),
        "ms_per_event": round(1000 * seconds / max(len(recorder.rows), 1), 1),
    }
    if parts:
        found |= {
            "events_per_part_median": statistics.median(part.events for part in parts),
            "part_ms_median": round(1000 * statistics.median(part.seconds for part in parts), 1),
            "iou_median": round(statistics.median(part.iou for part in parts), 3),
            "share_above_0.9": round(sum(part.iou > _GOOD for part in parts) / len(parts), 3),
            "parts_without_shape": sum(part.iou == 0 for part in parts),
        }
    return found


@contextmanager
def _open(folder: Path, model: str) -> Iterator[tuple[Stage, Recorder]]:
    """Open a folder of pictures with the smart tool in hand, and listen from here on."""
    from benchmarks.recorder import Recorder
    from docs.scenes.stage import Stage
    from studio.canvas.input import device_place
    from studio.model.preferences import SMART_MODEL

    with studio_window() as studio:
        stage = Stage(studio, folder)  # type: ignore[arg-type]
        stage.studio.preferences[SMART_MODEL] = model
        stage.studio.files.open_paths([folder])
        stage.wait(lambda: stage.studio.session and stage.session.workspace.image_id)
        stage.settle()
        take_smart(stage)
        stage.canvas.setFocus()
        viewport = stage.canvas.viewport
        yield (
            stage,
            Recorder(
                stage.canvas,
                lambda place: viewport.to_image(*device_place(place, viewport)),
                lambda: _image_name(stage),
            ),
        )


def _label_part(stage: Stage, recorder: Recorder, truth: shapely.Polygon, prompts: str) -> Labelled:
    """Point at a part, look at the outline, take it; where nothing was found, Escape."""
    from studio.tools.base import Key

    known = {shape.id for shape in _shapes(stage)}
    before, start = len(recorder.rows), time.perf_counter()
    POINTING[prompts](stage, truth)
    stage.settle(_DRAWN_S)
    stage.key(_keys().Key_Return)
    if stage.canvas.tool.wants(Key("escape")):
        stage.key(_keys().Key_Escape)
    seconds = time.perf_counter() - start
    new = [shape.geometry for shape in _shapes(stage) if shape.id not in known]
    return Labelled(iou(new, truth), len(recorder.rows) - before, seconds)


def _shapes(stage: Stage) -> list[Any]:
    return stage.session.project.shapes(stage.session.workspace.image_id or 0)


def _labelled_images(stage: Stage) -> int:
    project = stage.session.project
    return sum(bool(project.shapes(image)) for image in project.image_ids())


def _image_name(stage: Stage) -> str:
    record = stage.session.workspace.image()
    return record.path.name if record is not None else ""


def _keys() -> Any:
    from PySide6.QtCore import Qt

    return Qt.Key
