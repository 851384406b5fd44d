"""The commands of ``maskwright``: each is a module here with ``add_arguments(parser)`` and ``run(arguments)``.

A module is imported only when its command is used: ``info`` loads no Qt.
"""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from dataclasses import dataclass
from importlib import import_module
from typing import Protocol, cast


class CommandModule(Protocol):
    """What a command's module has."""

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare what the command takes."""

    def run(self, arguments: Namespace) -> int:
        """Do it and return the exit code; errors are raised, ``studio.__main__`` turns them into sentences."""


@dataclass(frozen=True, slots=True)
class Command:
    """One command.

    Attributes:
        name: The word after ``maskwright``.
        module: Where it is.
        summary: One line for the help.
        has_window: Whether it opens the window, which speaks the person's language; terminals read English.
    """

    name: str
    module: str
    summary: str
    has_window: bool = False

    def load(self) -> CommandModule:
        """Import the module."""
        return cast("CommandModule", import_module(self.module))


COMMANDS = {
    command.name: command
    for command in (
        Command("open", "studio.commands.open", "open the window (what happens without a command)", True),
        Command("demo", "studio.commands.demo", "the sample project: in the window, or all of it headless", True),
        Command("import", "studio.commands.import_", "copy a dataset's labels into a project"),
        Command("export", "studio.commands.export", "write a project as a dataset"),
        Command("info", "studio.commands.info", "counts and health of a project"),
        Command("doctor", "studio.commands.doctor", "what this computer has and what is missing"),
    )
}  # fmt: skip
DEFAULT = "open"
