"""``maskwright doctor``: versions, devices, the window system, writable folders, what is missing and how to get it."""

from __future__ import annotations

import json
from argparse import ArgumentParser, Namespace
from dataclasses import asdict

from engine.runtime.checks import collect, format_report
from studio.commands.window_checks import window_checks


def add_arguments(parser: ArgumentParser) -> None:
    """Declare what the command takes."""
    parser.add_argument("--json", action="store_true", help="print one JSON object instead of text")


def run(arguments: Namespace) -> int:
    """Print what was found. Finding that something is missing is no failure of this command."""
    found = [*collect(), *window_checks()]
    problems = [check for check in found if check.status == "problem"]
    if arguments.json:
        values = {
            "ok": not problems,
            "problems": [
                f"{check.name}: {check.value} {check.remedy}".strip() for check in problems
            ],
            "checks": [asdict(check) for check in found],
        }
        print(json.dumps(values, ensure_ascii=False))
        return 0
    print(format_report(found))
    print()
    if problems:
        print(f"{len(problems)} problem(s), marked with !")
    else:
        print("Nothing that is needed is missing.")
    return 0
