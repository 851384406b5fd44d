"""Time building a model from its description and reading a model file, and the peer's in the same run.

Both go through the public API, `YOLO(name)`. The file is written by the peer where one is given, because it reads no
other's; otherwise by the engine. Memory is the whole process's peak, with the imports.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

from benchmarks.side_by_side import PEER, in_turns, run_child

WRITE = """
import importlib, json, sys
package, name, path = sys.argv[1:]
module = importlib.import_module(package)
module.YOLO(name).save(path)
print(json.dumps({"version": module.__version__}))
"""
READ = """
import importlib, json, resource, statistics, sys, time
package, name, path, rounds = sys.argv[1:]
module = importlib.import_module(package)
YOLO = module.YOLO  # both load it, and torch with it, only when asked
def median(source):
    times = []
    for _ in range(int(rounds) + 1):
        start = time.perf_counter()
        YOLO(source)
        times.append((time.perf_counter() - start) * 1000)
    return times[0], statistics.median(times[1:])
first_load, load = median(path)
_, build = median(name)
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
print(json.dumps({"first_load_ms": first_load, "load_ms": load, "build_ms": build, "peak_mib": peak,
                  "version": module.__version__}))
"""


def add_options(parser: argparse.ArgumentParser) -> None:
    """Declare what the benchmark takes besides the common options."""
    parser.add_argument("--model", default="yolo11n-seg.yaml")
    parser.add_argument("--rounds", type=int, default=9, help="times each, in one process")


def run(options: argparse.Namespace) -> dict[str, object]:
    """Return medians over ``repeats`` processes of the medians inside each."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "model.pt"
        writer = (PEER, options.peer_python) if options.peer_python else ("engine", sys.executable)
        run_child(WRITE, writer[0], [options.model, path], writer[1], Path(folder))
        words = [options.model, path, options.rounds]
        figures = in_turns(READ, words, options.repeats, options.peer_python, Path(folder))
    return {"model": options.model, "written_by": writer[0], **figures}
