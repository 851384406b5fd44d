"""What must be installed to write a format, looked up before any work is done. Loads none of it."""

from __future__ import annotations

import importlib.util
import platform
import shutil
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from engine.runtime.errors import ExportError
from engine.runtime.log import LOGGER


@dataclass(frozen=True)
class Tool:
    """A package or a program that an export calls.

    Attributes:
        name: The package as it is imported, or the program as it is called.
        install: What to do where it is missing.
        is_program: It is a program.
    """

    name: str
    install: str
    is_program: bool = False

    def is_here(self) -> bool:
        """Tell whether it is installed, without loading it."""
        if self.is_program:
            return find_program(self.name) is not None
        try:
            return importlib.util.find_spec(self.name) is not None
        except (ImportError, ValueError):  # the package around it is missing, or half there
            return False


def find_program(name: str) -> Path | None:
    """Return where a program is: beside this interpreter, where packages put theirs, or on the PATH."""
    folder = str(Path(sys.executable).parent)
    found = shutil.which(name, path=folder) or shutil.which(name)
    return Path(found) if found else None


def missing_tools(tools: Sequence[Tool]) -> list[Tool]:
    """Return those that are not installed."""
    return [tool for tool in tools if not tool.is_here()]


def check_tools(title: str, tools: Sequence[Tool], systems: Sequence[str] = ()) -> None:
    """Refuse a format whose tools are not all there.

    Args:
        title: The format as people write it.
        tools: What it needs.
        systems: Operating systems that its tools exist for, as ``platform.system()`` names them; empty
            for all.

    Raises:
        ExportError: Something is missing; the remedy says what to install.
    """
    here = platform.system()
    if systems and here not in systems:
        raise ExportError(
            f"{title} files can be written on {' and '.join(systems)}, this is {here}.",
            value=here,
            remedy="Export format=onnx here and convert that file there.",
        )
    missing = missing_tools(tools)
    if missing:
        names = " and ".join(tool.name for tool in missing)
        raise ExportError(
            f"writing {title} needs {names}, which {'is' if len(missing) == 1 else 'are'} not installed.",
            value=names,
            remedy=" ".join(dict.fromkeys(tool.install for tool in missing)),
        )


def run_tool(title: str, command: Sequence[str | Path], folder: Path) -> str:
    """Run a converter in a process of its own, so that neither its talk nor its end are ours.

    Args:
        title: The format, for the error.
        command: The program and its arguments.
        folder: Where it runs.

    Returns:
        What it printed.

    Raises:
        ExportError: It ended with an error.
    """
    words = [str(word) for word in command]
    done = subprocess.run(
        words, cwd=folder, capture_output=True, text=True, errors="replace", check=False
    )
    said = f"{done.stdout}\n{done.stderr}".strip()
    if done.returncode != 0:
        LOGGER.debug("%s said:\n%s", words[0], said)
        lines = [line.strip() for line in said.splitlines() if line.strip()]
        raise ExportError(
            f"{Path(words[0]).name} cannot make {title} of this model "
            f"({lines[-1] if lines else 'it says nothing'}; exit code {done.returncode}).",
            value=done.returncode,
            remedy="Its whole output is in the log file at level DEBUG; export format=onnx works as a rule.",
        )
    return said
