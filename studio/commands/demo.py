"""``maskwright demo``: a sample project drawn on the spot, in the window, or the whole loop without one."""

from __future__ import annotations

import json
from argparse import ArgumentParser, Namespace
from pathlib import Path

from engine.runtime.log import LOGGER
from studio.app.sample import make_sample, sample_folder
from studio.commands.progress import TerminalProgress
from studio.commands.window_options import add_window_options
from studio.storage.project_files import is_project, project_folder_for


def add_arguments(parser: ArgumentParser) -> None:
    """Declare what the command takes."""
    parser.add_argument(
        "--headless",
        action="store_true",
        help="draw, import, train, validate, suggest, export and check, then print one JSON object",
    )
    parser.add_argument(
        "--dir", type=Path, metavar="DIR", help="where the sample lies (default: Maskwright/sample)"
    )
    add_window_options(parser)


def run(arguments: Namespace) -> int:
    """Make the sample if it is not there, then open it or walk the loop."""
    folder = arguments.dir.expanduser().absolute() if arguments.dir else sample_folder()
    if arguments.headless:
        from studio.commands.demo_loop import walk_loop

        print(json.dumps(walk_loop(folder)))
        return 0
    from studio.app.launch import launch

    return launch(ready_sample(folder), arguments)


def ready_sample(folder: Path) -> Path:
    """Return the sample's project folder, drawn and imported the first time."""
    project = project_folder_for(folder) if folder.is_dir() else folder / "maskwright"
    if is_project(project):
        return project
    LOGGER.info("Drawing the sample project in %s", folder)
    with TerminalProgress("Images") as progress:
        return make_sample(folder, lambda done, total, _text: progress(done, total))
