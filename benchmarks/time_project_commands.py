"""Time the commands on a project of many images: how long each holds the window's thread, and whether it shows progress.

``..._held_ms`` is the longest time without a turn of the event loop, ``..._ms`` the whole of it until nothing is under
way any more; ``without_progress`` names what took over a second without a row that has progress and Cancel. The images
are empty files, so no thumbnail is decoded.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks.studio_window import studio_window
from benchmarks.time_project_open import fill, touch
from studio.storage.image_index import store_of
from studio.storage.project_files import create_project

if TYPE_CHECKING:
    from studio.app.session import Session
    from studio.app.studio import Studio

_LONG_MS = 1000
_SIZE_WH = (640, 480)
Commands = dict[str, Callable[[], object]]


def add_options(parser: argparse.ArgumentParser) -> None:
    """Declare the size of the project."""
    parser.add_argument("--images", type=int, default=100_000)
    parser.add_argument("--shapes", type=int, default=11, help="shapes on each labelled image")
    parser.add_argument("--only", nargs="*", default=[], help="measure these commands alone")


def run(options: argparse.Namespace) -> dict[str, object]:
    """Return the figures."""
    with tempfile.TemporaryDirectory() as temporary:
        images, folder = Path(temporary) / "images", Path(temporary) / "project"
        touch(images, options.images)
        with create_project(folder) as project:
            figures = {"images": options.images} | fill(project, images, options.shapes)
            store = store_of(project)
            with store.transaction():  # else the empty files would be found to be damaged
                store.set_sizes((image_id, *_SIZE_WH) for image_id in project.image_ids())
        return figures | measure(folder, options.only)


def measure(folder: Path, only: list[str]) -> dict[str, object]:
    """Give the commands to a window on the project in ``folder``."""
    from benchmarks.held_turns import HeldTurns

    found: dict[str, Any] = {}
    silent = []
    with studio_window() as studio:
        turns = HeldTurns(lambda: is_busy(studio))
        for name, command in commands(studio, folder).items():
            if only and name != "open" and name not in only:
                continue
            held = turns.measure(command)
            found[f"{name}_ms"], found[f"{name}_held_ms"] = held.whole_ms, held.longest_ms
            if held.whole_ms > _LONG_MS and not held.has_progress:
                silent.append(name)
    found = {name: round(value, 1) for name, value in found.items()}
    longest = max(value for name, value in found.items() if name.endswith("held_ms"))
    return found | {"longest_held_ms": longest, "without_progress": silent}


def is_busy(studio: Studio) -> bool:
    """Tell whether a command is still under way."""
    return studio.session is None or studio.is_busy()


def commands(studio: Studio, folder: Path) -> Commands:
    """Return what is measured, by name, in order."""
    act = {spec.id: studio.actions[spec.id].trigger for spec in studio.actions.specs()}
    return {
        "open": lambda: studio.files.open_project(folder),
        "next_unlabelled": act["go.next_unlabelled"],
        "last_image": act["go.last"],
        "first_image": act["go.first"],
        "search_text": lambda: _search(studio, "part class1"),
        "search_nothing": lambda: _search(studio, ""),
        "comment": lambda: _comment(studio, "look here"),
        "comment_undo": act["edit.undo"],
        "dataset_page": lambda: studio.show_page("dataset"),
        "dataset_images": lambda: _page(studio).show_part("images"),
        "choose_all": lambda: _page(studio).images.grid.selectAll(),
        "menu": lambda: _menu(studio),
        "choose_none": lambda: _page(studio).images.grid.clearSelection(),
        "table": lambda: _page(studio).images.set_mode("table"),
        "choose_all_rows": lambda: _page(studio).images.table.selectAll(),
        "choose_no_rows": lambda: _page(studio).images.table.clearSelection(),
        "grid": lambda: _page(studio).images.set_mode("grid"),
        "stage_all": lambda: _from_menu(studio, "Stage", 3),
        "stage_all_undo": act["edit.undo"],
        "split_all": lambda: _from_menu(studio, "Split", 1),
        "split_all_undo": act["edit.undo"],
        "tag_all": lambda: _tag(studio),
        "tag_all_undo": act["edit.undo"],
        "remove_half": lambda: _remove_half(studio),
        "remove_half_undo": act["edit.undo"],
        "remove_half_redo": act["edit.redo"],
        "remove_half_back": act["edit.undo"],
        "splits_preview": lambda: _split(studio),
        "splits_apply": lambda: _page(studio).splits.apply_button.click(),
        "splits_undo": act["edit.undo"],
        "splits_groups": lambda: _split(studio, "folder"),
        "statistics": lambda: _show_part(studio, "statistics"),
        "statistics_place": lambda: _page(studio).statistics.places.clicked.emit(3, 3),
        "statistics_pair": lambda: _page(studio).statistics.together.clicked.emit(0, 1),
        "statistics_class": lambda: _page(studio).statistics.classes.clicked.emit(2),
        "filter_off": lambda: _session(studio).workspace.set_filter(_everything()),
        "statistics_again": lambda: _show_part(studio, "statistics"),
        "statistics_side": lambda: _page(studio).statistics.shape_sizes.clicked.emit(4),
        "filter_off_2": lambda: _session(studio).workspace.set_filter(_everything()),
        "missing_files": lambda: (_show_part(studio, "files"), _page(studio).files.look()),
        "duplicates": lambda: (_show_part(studio, "duplicates"), _page(studio).duplicates.search()),
        "check_labels": lambda: _show_part(studio, "check"),
        "label_next": lambda: _show_part(studio, "next"),
        "annotate_page": lambda: studio.show_page("annotate"),
        "class_rename": lambda: _classes(studio).rename(_class(studio, 3), "renamed"),
        "class_rename_undo": act["edit.undo"],
        "class_colour": lambda: _recolour(studio),
        "class_eye": lambda: _classes(studio).set_visible(_class(studio, 3), False),
        "class_eye_back": act["edit.undo"],
        "class_merge": lambda: _classes(studio).merge(_class(studio, 0), _class(studio, 4)),
        "class_merge_undo": act["edit.undo"],
        "class_merge_redo": act["edit.redo"],
        "class_split_off": lambda: _classes(studio).split_by(_class(studio, 1), "description"),
        "class_split_undo": act["edit.undo"],
        "class_remove_asks": lambda: _classes(studio).remove(_most_used(studio)),
        "class_remove": lambda: _remove_class(studio),
        "class_remove_undo": act["edit.undo"],
        "export_dialog": lambda: studio.files.exporting.ask(_session(studio)),
        "export_close": lambda: _close_dialogs(studio),
        "export_yolo": lambda: _export(studio, folder, "yolo"),
        "export_coco": lambda: _export(studio, folder, "coco"),
        "one_file": lambda: _pack(studio, folder),
    }


def _session(studio: Studio) -> Session:
    if studio.session is None:
        raise RuntimeError("The project is not open.")
    return studio.session


def _page(studio: Studio) -> Any:
    return _session(studio).pages.dataset_page


def _show_part(studio: Studio, name: str) -> None:
    studio.show_page("dataset")
    _page(studio).show_part(name)


def _everything() -> Any:
    from studio.model.records import ImageFilter

    return ImageFilter()


def _search(studio: Studio, text: str) -> None:
    from studio.model.records import ImageFilter

    _session(studio).workspace.set_filter(ImageFilter(text=text))


def _comment(studio: Studio, text: str) -> None:
    from studio.model.edits import AddComment
    from studio.model.review import Comment

    session = _session(studio)
    session.apply(AddComment(Comment(0, session.workspace.image_id or 0, text)))


def _menu(studio: Studio) -> Any:
    from studio.panels.images.image_menu import build_image_menu

    session, browser = _session(studio), _page(studio).images
    browser.grid.selectAll()
    return build_image_menu(
        browser, session.project, browser.chosen(), session.apply, session.apply_made
    )


def _from_menu(studio: Studio, title: str, row: int) -> None:
    _show_part(studio, "images")
    menu = _menu(studio)
    part = next(action.menu() for action in menu.actions() if action.text() == title)
    part.actions()[row].trigger()


def _tag(studio: Studio) -> None:
    from studio.model.edits import change_tags

    _show_part(studio, "images")
    session, browser = _session(studio), _page(studio).images
    browser.grid.selectAll()
    ids = tuple(browser.chosen())
    session.apply_made(
        len(ids), lambda project: change_tags(project.store.tags_of(ids), add=["night"])
    )


def _remove_half(studio: Studio) -> None:
    from studio.model.edits import RemoveImages

    session = _session(studio)
    ids = session.workspace.image_ids
    session.apply(RemoveImages(tuple(ids[: len(ids) // 2])))


def _split(studio: Studio, together: str = "nothing") -> None:
    _show_part(studio, "splits")
    splits = _page(studio).splits
    splits.group_box.setCurrentIndex(splits.group_box.findData(together))
    splits.preview()


def _classes(studio: Studio) -> Any:
    return _session(studio).annotate.classes


def _class(studio: Studio, place: int) -> Any:
    return _session(studio).project.classes()[place]


def _most_used(studio: Studio) -> Any:
    project = _session(studio).project
    counts = project.class_counts()
    return max(project.classes(), key=lambda cls: counts.get(cls.id, 0))


def _recolour(studio: Studio) -> None:
    from dataclasses import replace

    _classes(studio).change(replace(_class(studio, 3), color="#123456"))


def _remove_class(studio: Studio) -> None:
    dialog = _classes(studio).dialog
    dialog.delete_button.setChecked(True)
    dialog.remove()


def _close_dialogs(studio: Studio) -> None:
    from PySide6.QtWidgets import QDialog

    for dialog in studio.window.findChildren(QDialog):
        dialog.close()


def _export(studio: Studio, folder: Path, name: str) -> None:
    from studio.dialogs.export_dataset import ExportChoice

    target = folder.parent / f"as_{name}"
    options = {"images": "none"} if name == "yolo" else {}
    choice = ExportChoice(target, name, "all", (), None, options)
    studio.files.exporting.start(folder, (), choice)


def _pack(studio: Studio, folder: Path) -> None:
    from studio.app.follow import follow
    from studio.jobs.client import Steps
    from studio.storage.archive_write import export_project

    def work(steps: Steps) -> object:
        target = folder.parent / "packed.maskwright"
        return export_project(folder, target, False, False, steps.progress, steps.is_cancelled)

    follow(studio.window, studio.jobs.call(work), "Writing")
