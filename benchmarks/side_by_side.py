"""The same program run for the engine and for the peer in turns, so that both meet the same moods of the machine."""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

PEER = "ultralytics"
ROOT = Path(__file__).resolve().parents[1]


def in_turns(
    program: str, words: Sequence[object], repeats: int, peer_python: str | None, cwd: Path
) -> dict[str, Any]:
    """Run ``program`` ``repeats`` times for each and return medians, the peer's and the ratios.

    Args:
        program: Python source; its first argument is the package to import, then come ``words``. Its last
            line is a JSON object of numbers, and ``version``.
        words: Further arguments.
        repeats: Processes for each.
        peer_python: Interpreter of an environment with the peer; None measures the engine alone.
        cwd: Folder to run in.
    """
    found: dict[str, list[Mapping[str, Any]]] = {"engine": []}
    pythons = {"engine": sys.executable}
    if peer_python:
        pythons[PEER], found[PEER] = peer_python, []
    for _ in range(repeats):
        for package, python in pythons.items():
            found[package].append(run_child(program, package, words, python, cwd))
    ours = _medians(found["engine"])
    if not peer_python:
        return ours
    peer = _medians(found[PEER])
    ratios = {
        f"ratio_{name}": ours[name] / peer[name]
        for name in ours
        if name != "version" and peer.get(name)
    }
    return {**ours, "peer": PEER, **{f"peer_{k}": v for k, v in peer.items()}, **ratios}


def run_child(
    program: str, package: str, words: Sequence[object], python: str, cwd: Path
) -> dict[str, Any]:
    """Run ``program`` once and return the JSON object of its last line.

    Raises:
        RuntimeError: It failed; the end of its error output is in the message.
    """
    env = {**os.environ, "PYTHONPATH": str(ROOT) if package == "engine" else ""}
    command = [python, "-c", program, package, *map(str, words)]
    done = subprocess.run(command, capture_output=True, text=True, env=env, cwd=cwd)
    if done.returncode:
        raise RuntimeError(f"{package} failed:\n{done.stderr[-2000:]}")
    return json.loads(done.stdout.strip().splitlines()[-1])


def _medians(runs: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    first = runs[0]
    return {
        name: value if isinstance(value, str) else statistics.median(run[name] for run in runs)
        for name, value in first.items()
    }
