"""Time the commands on one image with thousands of polygons: how long each holds the window's thread.

The window is a real one of 1920 x 1080 with its docks. ``..._held_ms`` is the longest time without a turn of the
event loop, ``..._ms`` the whole of it until the canvas and the docks show the outcome.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks.studio_window import studio_window, wait, write_pictures
from studio.storage.image_index import add_folder, store_of
from studio.storage.project_files import create_project

if TYPE_CHECKING:
    from studio.app.studio import Studio

_PICTURE_WH = (4000, 3000)
_PICTURES = 3
_UNITED = 1000  # polygons: more are a blot, not a shape
Command = tuple[str, Callable[[], object]]


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add how much lies on the image."""
    parser.add_argument("--polygons", type=int, default=10_000)
    parser.add_argument("--vertices", type=int, default=40)


def run(options: argparse.Namespace) -> dict[str, object]:
    """Return the figures; each is the best of the repeats."""
    figures: dict[str, object] = {"polygons": options.polygons, "vertices": options.vertices}
    rounds = []
    for _ in range(options.repeats):
        with tempfile.TemporaryDirectory() as temporary:
            folder = Path(temporary) / "project"
            _build(folder, Path(temporary) / "images", options.polygons, options.vertices)
            with studio_window() as studio:
                rounds.append(_measure(studio, folder))
    best = {name: round(min(each[name] for each in rounds), 1) for name in rounds[0]}
    held = {name: value for name, value in best.items() if name.endswith("held_ms")}
    return figures | best | {"longest_held_ms": max(held.values())}


def _build(folder: Path, images: Path, polygons: int, vertices: int) -> None:
    from benchmarks.time_canvas import CLASS_NAMES, make_shapes

    write_pictures(images, _PICTURES, _PICTURE_WH)
    with create_project(folder) as project:
        for _ in add_folder(project, images):
            pass
        for name in CLASS_NAMES:
            project.add_class(name)
        ids = [cls.id for cls in project.classes()]
        image_id, store = project.image_ids()[0], store_of(project)
        shapes = make_shapes(polygons, vertices)
        with store.transaction():
            numbers = store.take_ids("shape", len(shapes))
            store.insert_shapes(
                [
                    replace(s, id=n, image_id=image_id, class_id=ids[s.class_id])
                    for n, s in zip(numbers, shapes, strict=True)
                ]
            )


def _measure(studio: Studio, folder: Path) -> dict[str, float]:
    from benchmarks.held_turns import HeldTurns

    turns = HeldTurns(studio.is_busy)
    found: dict[str, float] = {}

    def note(name: str, command: Callable[[], object]) -> None:
        held = turns.measure(command)
        found[f"{name}_ms"], found[f"{name}_held_ms"] = held.whole_ms, held.longest_ms

    note("open", lambda: studio.files.open_project(folder))
    for name, command in _commands(studio):
        note(name, command)
    return found


def _commands(studio: Studio) -> list[Command]:
    session = studio.session
    if session is None:
        raise RuntimeError("The project was not opened.")
    work, annotate = session.workspace, session.annotate
    first, second = work.image_ids[:2]

    def act(action_id: str) -> Callable[[], object]:
        return studio.actions[action_id].trigger

    def steps(name: str, command: Callable[[], object]) -> list[Command]:
        """Return a command, its undo, and both once more."""
        undo, redo = act("edit.undo"), act("edit.redo")
        return [
            (name, command),
            (f"{name}_undo", undo),
            (f"{name}_redo", redo),
            (f"{name}_back", undo),
        ]

    def select_few() -> None:
        work.select([s.id for s in session.project.shape_rows(first)][:_UNITED])

    select_all = act("edit.select_all")
    classes = session.project.classes()
    counts = {"selected": 0}

    def chosen(name: str, command: Callable[[], object], again: bool = True) -> list[Command]:
        """Return a command on all shapes, with its undo and redo, and undone in the end."""
        counts["selected"] += 1
        select = (f"select_all_{counts['selected']}", select_all)
        return [
            select,
            *(
                steps(name, command)
                if again
                else [(name, command), (f"{name}_undo", act("edit.undo"))]
            ),
        ]

    return [
        ("select_tool", act("tool.use:select")),
        ("select_all", select_all),
        ("select_none", lambda: work.select(())),
        ("select_class", act("edit.select_class")),
        ("invert_selection", act("edit.invert_selection")),
        ("band", partial(_drag, session, (20, 20), (3980, 2980))),
        *chosen("drag", partial(_drag_selection, session), again=False),
        *chosen("nudge", partial(_press, session, "Left"), again=False),
        *chosen("class", partial(studio.edits.class_choose, 1)),
        *chosen("class_box", partial(annotate.properties.choose_class, classes[2].id), again=False),
        *chosen("lock", act("shape.lock")),
        *chosen("hide", act("shape.hide")),
        *chosen("group", act("shape.group")),
        ("select_class_2", act("edit.select_class")),
        *steps("to_back", act("shape.order:back")),
        *chosen("delete", partial(_press, session, "Delete")),
        ("select_all_again", select_all),
        ("copy", act("edit.copy")),
        *steps("paste", act("edit.paste")),
        *chosen("duplicate", act("edit.duplicate"), again=False),
        *chosen("copy_to_next", act("edit.copy_to_next"), again=False),
        ("go_back", lambda: work.go_to(first)),
        ("select_all_simplify", select_all),
        ("simplify_preview", partial(_until_worked_out, annotate.simplify, act("shape.simplify"))),
        ("simplify_apply", annotate.simplify.apply_button.click),
        ("simplify_undo", act("edit.undo")),
        *chosen("convert_box", act("shape.convert:box"), again=False),
        ("select_few", select_few),
        *steps("unite", act("shape.unite")),
        ("select_few_2", select_few),
        *steps("subtract", act("shape.subtract")),
        ("hide_class", lambda: annotate.classes.set_visible(classes[1], False)),
        ("show_class", lambda: annotate.classes.set_visible(session.project.classes()[1], True)),
        ("rename_class", lambda: annotate.classes.rename(session.project.classes()[1], "other")),
        ("history_dock", lambda: annotate.show_dock("history")),
        ("objects_dock", lambda: annotate.show_dock("objects")),
        ("next_image", lambda: work.go_to(second)),
        ("dense_image", lambda: work.go_to(first)),
        ("merge_class", lambda: annotate.classes.merge(*session.project.classes()[:2])),
        ("merge_class_undo", act("edit.undo")),
    ]


def _until_worked_out(bar: Any, command: Callable[[], object]) -> None:
    """Ask for fewer points; the command counts as done when the bar says how many there will be."""
    command()
    wait(lambda: bar.words.text().endswith("px"))


def _press(session: Any, key: str) -> None:
    from PySide6.QtCore import Qt
    from PySide6.QtTest import QTest

    QTest.keyClick(session.canvas, getattr(Qt.Key, f"Key_{key}"))


def _drag(session: Any, start: tuple[float, float], stop: tuple[float, float]) -> None:
    from PySide6.QtCore import QPoint, Qt
    from PySide6.QtTest import QTest

    canvas = session.canvas
    places = [QPoint(*map(round, canvas.viewport.to_device(*place))) for place in (start, stop)]
    QTest.mouseMove(canvas, places[0])
    QTest.mousePress(canvas, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier, places[0])
    QTest.mouseMove(canvas, (places[0] + places[1]) / 2)
    QTest.mouseMove(canvas, places[1])
    QTest.mouseRelease(canvas, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier, places[1])


def _drag_selection(session: Any) -> None:
    """Move all that is selected by a shape of it."""
    x1, y1, x2, y2 = session.workspace.selected_shapes()[0].geometry.bounds()
    here = (x1 + x2) / 2, (y1 + y2) / 2
    _drag(session, here, (here[0] + 6, here[1] + 4))
