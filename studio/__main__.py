"""``maskwright``: finds the command, runs it, and turns errors into one line and an exit code.

Exit codes: 0 done; 1 failed, the reason on stderr in one line and the details in the log; 2 wrong
usage.
"""

from __future__ import annotations

import contextlib
import difflib
import os
import sys
import traceback
from argparse import ArgumentParser, RawDescriptionHelpFormatter
from collections.abc import Iterator, Sequence
from pathlib import Path

from engine._version import __version__
from engine.runtime.errors import EngineError
from engine.runtime.log import LOGGER, log_to_file, show_log
from engine.runtime.paths import log_file
from studio.commands.table import COMMANDS, DEFAULT, Command
from studio.language.chosen import SOURCE, VARIABLE

DONE, FAILED, WRONG_USAGE = 0, 1, 2
_HELP = ("-h", "--help", "help")


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command line and return the exit code.

    Args:
        argv: The words after ``maskwright``; None takes this process's.
    """
    words = list(sys.argv[1:] if argv is None else argv)
    if words[:1] == ["--version"]:
        print(f"maskwright {__version__}")
        return DONE
    if words and words[0] in _HELP:
        print(_help())
        return DONE
    show_log()
    with _kept_log():
        try:
            return _run(*_choose(words))
        except _UsageError as error:
            sys.stderr.write(f"maskwright: {error}\n")
            return WRONG_USAGE
        except KeyboardInterrupt:
            return _failed("stopped")
        except BrokenPipeError:  # the reader of a pipe, such as `head`, has enough
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            return DONE
        except EngineError as error:
            return _failed(str(error))
        except Exception as error:  # noqa: BLE001 - the border: a person sees a sentence, the log the traceback
            return _failed(f"{type(error).__name__}: {error} (details in {log_file()})")


class _UsageError(Exception):
    """The words name neither a command nor something to open."""


def _choose(words: list[str]) -> tuple[Command, list[str]]:
    """Return the command of a command line and the words that are left for it."""
    if words and words[0] in COMMANDS:
        return COMMANDS[words[0]], words[1:]
    if not words or words[0].startswith("-") or Path(words[0]).expanduser().exists():
        return COMMANDS[DEFAULT], words
    close = difflib.get_close_matches(words[0], COMMANDS, n=1)
    hint = f" Did you mean '{close[0]}'?" if close else ""
    known = ", ".join(COMMANDS)
    raise _UsageError(
        f"'{words[0]}' is neither a command ({known}) nor an existing file or folder.{hint}"
    )


def _run(command: Command, words: Sequence[str]) -> int:
    if not command.has_window:
        os.environ[VARIABLE] = SOURCE  # before its modules are imported, and for what it starts
    module = command.load()
    parser = ArgumentParser(
        prog=f"maskwright {command.name}",
        description=module.__doc__,
        formatter_class=RawDescriptionHelpFormatter,
    )
    module.add_arguments(parser)
    try:
        arguments = parser.parse_args(words)
    except SystemExit as error:  # argparse has said what is wrong (2), or shown the help (0)
        return int(error.code or 0)
    code = module.run(arguments)
    sys.stdout.flush()  # here, where a closed pipe is still an ordinary error
    return code


def _failed(reason: str) -> int:
    """Say why in one line; the log keeps the traceback."""
    line = " ".join(reason.split())
    with contextlib.suppress(OSError):
        _write_details()
    sys.stderr.write(f"maskwright: {line}\n")
    return FAILED


def _write_details() -> None:
    details = traceback.format_exc()
    path = log_file()
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a", encoding="utf-8") as log:
        log.write(f"maskwright {' '.join(sys.argv[1:])}\n{details}\n")


@contextlib.contextmanager
def _kept_log() -> Iterator[None]:
    """Keep warnings in the log file as well, where one can be written."""
    try:
        handler = log_to_file(log_file())
    except OSError:
        yield
        return
    try:
        yield
    finally:
        LOGGER.removeHandler(handler)
        handler.close()


def _help() -> str:
    lines = [
        "maskwright [PROJECT, folder of images or data.yaml]",
        "",
        "From a folder of images to a deployed vision model, in one window.",
        "",
        *(f"  {command.name:<8} {command.summary}" for command in COMMANDS.values()),
        "",
        "maskwright COMMAND --help tells what a command takes; maskwright --version the version.",
    ]
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main())
