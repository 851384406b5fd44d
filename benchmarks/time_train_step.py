"""Time a training on the CPU, batch by batch through the public API, and the peer's in the same run.

Both train yolo11n-seg from random weights on the same generated pictures with the field's default augmentation. A batch's
time is the distance of two `on_train_batch_end` callbacks: data, forward, loss, backward and optimizer together.
The two take turns, so that a machine that slows down slows both; the ratio is the median of the rounds' ratios.
"""

from __future__ import annotations

import argparse
import itertools
import json
import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

CHILD = """
import importlib, json, sys, time
package, data, imgsz, batch, epochs, device, folder = sys.argv[1:8]
module = importlib.import_module(package)
times, model = [], module.YOLO(sys.argv[8])
model.add_callback("on_train_batch_end", lambda trainer: times.append(time.perf_counter()))
model.train(data=data, imgsz=int(imgsz), batch=int(batch), epochs=int(epochs), device=device, plots=False,
            val=False, workers=0, project=folder, name=package, exist_ok=True, verbose=False)
try:
    import resource
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
except ImportError:
    peak = None
print(json.dumps({"times": times, "peak_mib": peak, "version": module.__version__}))
"""


def add_options(parser: argparse.ArgumentParser) -> None:
    """Declare what the benchmark takes besides the common options."""
    parser.add_argument("--model", default="yolo11n-seg.yaml")
    parser.add_argument("--imgsz", type=int, default=320)
    parser.add_argument("--batch", type=int, default=8)
    parser.add_argument("--images", type=int, default=80, help="pictures to train on")
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--rounds", type=int, default=3, help="trainings of each")
    parser.add_argument(
        "--threads", type=int, default=0, help="threads of both; 0: as each runs by default"
    )


def run(options: argparse.Namespace) -> dict[str, object]:
    """Return images per second and peak memory; ``repeats`` counts epochs."""
    from engine.data.synthetic import write_sample

    with tempfile.TemporaryDirectory() as folder:
        sample = write_sample(
            Path(folder) / "data",
            images=options.images + 8,
            unlabelled=0,
            val=8 / (options.images + 8),
        )
        pythons = {"engine": sys.executable, "ultralytics": options.peer_python}
        rounds = [
            {
                package: _measure(package, python, sample.yaml_file, Path(folder), options)
                for package, python in pythons.items()
                if python
            }
            for _ in range(options.rounds)
        ]
    names = ("model", "imgsz", "batch", "device", "threads", "rounds")
    figures: dict[str, object] = {name: getattr(options, name) for name in names}
    figures |= _medians([r["engine"] for r in rounds])
    if options.peer_python:
        peers = [r["ultralytics"] for r in rounds]
        figures["peer"] = "ultralytics"
        figures |= {f"peer_{name}": value for name, value in _medians(peers).items()}
        for name in ("images_per_s", "peak_mib"):
            ratios = [r["engine"][name] / r["ultralytics"][name] for r in rounds]
            figures[f"ratio_{name}"] = statistics.median(ratios)
            figures[f"ratios_{name}"] = ratios
    return figures


def _medians(figures: list[dict[str, Any]]) -> dict[str, Any]:
    first = figures[0]
    numbers = [name for name, value in first.items() if isinstance(value, float)]
    return {**first, **{n: statistics.median(f[n] for f in figures) for n in numbers}}


def _measure(
    package: str, python: str, data: Path, folder: Path, options: argparse.Namespace
) -> dict[str, Any]:
    words = [package, data, options.imgsz, options.batch, options.repeats, options.device]
    command = [python, "-c", CHILD, *map(str, words), str(folder / "runs"), options.model]
    root = str(Path(__file__).resolve().parents[1])
    env = {**os.environ, "PYTHONPATH": root if package == "engine" else ""}
    if options.threads:
        env["OMP_NUM_THREADS"] = str(options.threads)
    done = subprocess.run(command, capture_output=True, text=True, env=env, cwd=data.parent)
    if done.returncode:
        raise RuntimeError(f"{package} failed:\n{done.stderr[-2000:]}")
    result = json.loads(done.stdout.strip().splitlines()[-1])
    times = result["times"]
    steps = [later - earlier for earlier, later in itertools.pairwise(times)]
    step = statistics.median(steps[2:])  # the first batches warm caches up
    return {
        "version": result["version"],
        "step_ms": step * 1000,
        "images_per_s": options.batch / step,
        "peak_mib": result["peak_mib"],
    }
