"""``maskwright info``: counts and health of a project, also while it is open in a window."""

from __future__ import annotations

import json
from argparse import ArgumentParser, Namespace
from pathlib import Path

from studio.storage.project_files import open_project
from studio.storage.summary import summarize


def add_arguments(parser: ArgumentParser) -> None:
    """Declare what the command takes."""
    parser.add_argument(
        "--project", type=Path, required=True, metavar="DIR", help="the project folder"
    )


def run(arguments: Namespace) -> int:
    """Print the summary as one JSON object."""
    with open_project(arguments.project, read_only=True) as project:
        print(json.dumps(summarize(project), ensure_ascii=False))
    return 0
