"""``maskwright export``: write a project as a dataset that other programs read."""

from __future__ import annotations

import json
from argparse import ArgumentParser, Namespace
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from engine.data.formats import FORMATS
from engine.data.formats.yolo_lines import TASKS
from studio.commands.progress import TerminalProgress
from studio.model.errors import StorageError
from studio.model.project import Project
from studio.model.records import SPLITS
from studio.storage.dataset_export import export_dataset
from studio.storage.emptied import EMPTIED
from studio.storage.project_files import open_project


def add_arguments(parser: ArgumentParser) -> None:
    """Declare what the command takes."""
    parser.add_argument(
        "--project", type=Path, required=True, metavar="DIR", help="the project folder"
    )
    parser.add_argument(
        "--format", required=True, choices=[entry.name for entry in FORMATS], help="what to write"
    )
    parser.add_argument(
        "--out", type=Path, required=True, metavar="DIR", help="a new or empty folder"
    )
    parser.add_argument(
        "--split", nargs="+", choices=SPLITS, default=(), help="only images of these splits"
    )
    parser.add_argument(
        "--task",
        choices=TASKS,
        help="YOLO: what to write of each shape; without it what keeps most of them",
    )
    parser.add_argument(
        "--class",
        dest="classes",
        nargs="+",
        default=(),
        metavar="NAME",
        help="only shapes of these classes",
    )
    parser.add_argument(
        "--emptied",
        choices=EMPTIED,
        default="leave_out",
        help="with --class: leave images out that show only other classes (the default), or write them as background",
    )
    parser.add_argument(
        "--images",
        choices=("copy", "link", "none"),
        default="copy",
        help="copy the images (the default), link to them, or write labels only",
    )
    parser.add_argument(
        "--overwrite", action="store_true", help="write into a folder that holds other files"
    )


def run(arguments: Namespace) -> int:
    """Export and print the report as one JSON object."""
    options: dict[str, Any] = {"images": arguments.images}
    if arguments.task:
        options["task"] = arguments.task
    with (
        open_project(arguments.project, read_only=True) as project,
        TerminalProgress("Writing images") as progress,
    ):
        report = export_dataset(
            project,
            arguments.out,
            arguments.format,
            arguments.split,
            arguments.overwrite,
            progress,
            class_ids=_class_ids(project, arguments.classes),
            emptied=arguments.emptied,
            **options,
        )
    print(json.dumps(report.to_dict(), ensure_ascii=False))
    return 0


def _class_ids(project: Project, names: Sequence[str]) -> list[int] | None:
    """Return the numbers of the named classes, None for all.

    Raises:
        StorageError: There is no class of that name.
    """
    known = {cls.name: cls.id for cls in project.classes()}
    if unknown := [name for name in names if name not in known]:
        raise StorageError(
            f"there is no class {unknown[0]!r}; the project has {', '.join(known) or 'none'}.",
            path=project.folder,
        )
    return [known[name] for name in names] or None
