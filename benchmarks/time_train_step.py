"""Time a training on the CPU, batch by batch through the public API, and the peer's in the same run.

Both train yolo11n-seg from random weights on the same generated pictures with the field's default augmentation. A batch's
time is the distance of two `on_train_batch_end` callbacks: data, forward, loss, backward and optimizer together.
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
        ours = _measure("engine", sys.executable, sample.yaml_file, Path(folder), options)
        figures: dict[str, object] = {
            "model": options.model,
            "imgsz": options.imgsz,
            "batch": options.batch,
            "device": options.device,
            **ours,
        }
        if options.peer_python:
            peer = _measure(
                "ultralytics", options.peer_python, sample.yaml_file, Path(folder), options
            )
            figures["peer"] = "ultralytics"
            figures |= {f"peer_{name}": value for name, value in peer.items()}
            for name in ("images_per_s", "peak_mib"):
                figures[f"ratio_{name}"] = ours[name] / peer[name]
    return figures


def _measure(
    package: str, python: str, data: Path, folder: Path, options: argparse.Namespace
) -> dict[str, float]:
    words = [package, data, options.imgsz, options.batch, options.repeats, options.device]
    command = [python, "-c", CHILD, *map(str, words), str(folder / "runs"), options.model]
    root = str(Path(__file__).resolve().parents[1])
    env = {**os.environ, "PYTHONPATH": root if package == "engine" else ""}
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
