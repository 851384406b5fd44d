"""``maskwright import``: copy a dataset's classes, image paths and labels into a project.

The source is only read; the images stay where they are.
"""

from __future__ import annotations

import json
import time
from argparse import ArgumentParser, Namespace
from pathlib import Path

from engine.data.formats import FORMATS
from studio.commands.progress import TerminalProgress
from studio.storage.dataset_import import import_all
from studio.storage.import_reading import read_sources
from studio.storage.project_files import writable_project

# Of images that have shapes in the project; without one of these they keep them.
_PRESENT = {
    "replace": "take the labels of SOURCE in place of the shapes that images have in the project",
    "add": "add the labels of SOURCE to the shapes that images have in the project",
}


def add_arguments(parser: ArgumentParser) -> None:
    """Declare what the command takes."""
    parser.add_argument(
        "source",
        type=Path,
        metavar="SOURCE",
        help="a file or folder of labels; of a folder of several datasets all are imported",
    )
    parser.add_argument(
        "--project",
        type=Path,
        required=True,
        metavar="DIR",
        help="the project folder, made if needed",
    )
    parser.add_argument(
        "--format",
        choices=[entry.name for entry in FORMATS],
        help="the format of SOURCE; without it the format is found out",
    )
    present = parser.add_mutually_exclusive_group()
    for name, told in _PRESENT.items():
        present.add_argument(
            f"--{name}", dest="present", action="store_const", const=name, default="keep", help=told
        )


def run(arguments: Namespace) -> int:
    """Import and print the report as one JSON object."""
    start = time.perf_counter()
    with TerminalProgress("Reading images") as progress:
        # before the project is opened: a source that cannot be read leaves no empty project behind
        sources = read_sources(arguments.source, arguments.format, progress)
    with writable_project(arguments.project) as project, TerminalProgress("Importing") as progress:
        report = import_all(
            project,
            sources.datasets,
            arguments.present,
            progress,
            problems=sources.problems,
        )
    report.seconds = time.perf_counter() - start
    print(json.dumps(report.to_dict(), ensure_ascii=False))
    return 0
