"""Time predictions end to end on the CPU (picture in memory to results), and the peer's in the same run.

Each package runs its own model of the same description from a .pt file and from an ONNX file that it exported; 810 x 1080
pixels at 640. Random weights find nothing at the usual threshold, so `--conf` decides how many objects there are to
work on. `folder_...` is a folder of JPEG pictures of this size: what decoding costs when the model has its own work.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from pathlib import Path

from benchmarks.side_by_side import in_turns

CHILD = """
import importlib, json, os, statistics, sys, time
package, options = sys.argv[1], json.loads(sys.argv[2])
import cv2, numpy as np
module = importlib.import_module(package)
import torch
torch.manual_seed(0)
found = {"version": module.__version__}
rng = np.random.default_rng(0)
small = rng.integers(0, 255, (27, 20, 3), dtype=np.uint8)
picture = cv2.resize(small, (810, 1080), interpolation=cv2.INTER_CUBIC)
folder = os.path.abspath("pictures_" + package)
os.makedirs(folder, exist_ok=True)
for i in range(options["images"]):
    cv2.imwrite(os.path.join(folder, f"{i:04d}.jpg"), np.roll(picture, 7 * i, 1))
weights = os.path.abspath(package + ".pt")
if not os.path.exists(weights):
    model = module.YOLO(options["model"])
    model.save(weights)
common = dict(imgsz=640, conf=options["conf"], verbose=False, device="cpu")

def measure(name, model):
    wall, used, parts = [], [], []
    for _ in range(options["rounds"] + 2):
        start, cpu = time.perf_counter(), time.process_time()
        result = model.predict(picture, **common)[0]
        wall.append((time.perf_counter() - start) * 1000)
        used.append((time.process_time() - cpu) * 1000)
        parts.append(result.speed)
    found[name + "_ms"] = statistics.median(wall[2:])
    found[name + "_processor_ms"] = statistics.median(used[2:])
    for part in ("preprocess", "inference", "postprocess"):
        found[f"{name}_{part}_ms"] = statistics.median(p[part] for p in parts[2:])
    found[name + "_objects"] = len(result)

model = module.YOLO(weights)
measure("pt", model)
start, cpu = time.perf_counter(), time.process_time()
count = sum(1 for _ in model.predict(folder, stream=True, **common))
found["folder_ms_per_image"] = (time.perf_counter() - start) * 1000 / count
found["folder_processor_ms_per_image"] = (time.process_time() - cpu) * 1000 / count
if options["onnx"]:
    path = package + ".onnx"
    if not os.path.exists(path):
        module.YOLO(weights).export(format="onnx", imgsz=640, device="cpu")
    measure("onnx", module.YOLO(os.path.abspath(path), task=model.task))
print(json.dumps(found))
"""


def add_options(parser: argparse.ArgumentParser) -> None:
    """Declare what the benchmark takes besides the common options."""
    parser.add_argument("--model", default="yolo11n-seg.yaml")
    parser.add_argument("--conf", type=float, default=0.25)
    parser.add_argument("--rounds", type=int, default=15, help="predictions to a figure")
    parser.add_argument("--images", type=int, default=100, help="pictures in the folder")
    parser.add_argument("--no-onnx", dest="onnx", action="store_false", help="leave ONNX out")


def run(options: argparse.Namespace) -> dict[str, object]:
    """Return medians over ``repeats`` processes of the medians inside each."""
    names = ("model", "conf", "rounds", "images", "onnx")
    given = {name: getattr(options, name) for name in names}
    with tempfile.TemporaryDirectory() as folder:
        figures = in_turns(
            CHILD, [json.dumps(given)], options.repeats, options.peer_python, Path(folder)
        )
    return {**given, **figures}
