"""``maskwright open``: the window, on a project, a folder of images, a data.yaml, or the start screen."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from pathlib import Path

from studio.commands.window_options import add_window_options


def add_arguments(parser: ArgumentParser) -> None:
    """Declare what the command takes."""
    parser.add_argument(
        "path",
        nargs="?",
        type=Path,
        metavar="PATH",
        help="a project, a folder of images, an image or a data.yaml",
    )
    add_window_options(parser)


def run(arguments: Namespace) -> int:
    """Open the window and stay until it is closed."""
    from studio.app.launch import launch

    return launch(arguments.path, arguments)
