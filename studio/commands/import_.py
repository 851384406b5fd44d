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
    parser.add_argument(
        "--replace",
        action="store_true",
        help="take the labels of SOURCE also for images that have shapes in the project",
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
            arguments.replace,
            progress,
            problems=sources.problems,
        )
    report.seconds = time.perf_counter() - start
    print(json.dumps(report.to_dict(), ensure_ascii=False))
    return 0
