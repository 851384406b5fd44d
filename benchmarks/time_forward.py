"""Time the bare forward of a fused model on random images, and the peer's in the same run.

Every combination of the options that is asked for is a figure of its own, named like
`batch_8_640_channels_last_ms`. On the CPU both run with the number of threads that each sets itself
(`as_set`), and, where that differs, with all cores (`all_cores`).
"""

from __future__ import annotations

import argparse
import json
import tempfile
from pathlib import Path

from benchmarks.side_by_side import in_turns

CHILD = """
import importlib, json, os, resource, statistics, sys, time
package, options = sys.argv[1], json.loads(sys.argv[2])
module = importlib.import_module(package)
import torch
device = torch.device("cuda:0" if options["device"] not in ("cpu", "mps") else options["device"])
dtype = {"fp32": torch.float32, "fp16": torch.float16, "bf16": torch.bfloat16}[options["precision"]]
threads = torch.get_num_threads()
if package == "engine" and device.type == "cpu":
    from engine.runtime.device import tune_cpu
    tune_cpu()
    threads = torch.get_num_threads()
net = module.YOLO(options["model"]).model.eval().fuse().to(device, dtype)
cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
found = {"threads": threads, "version": module.__version__}

def measure(name, model, images):
    times = []
    with torch.inference_mode():
        for _ in range(options["rounds"] + 3):
            if device.type == "cuda":
                torch.cuda.synchronize()
            start = time.perf_counter()
            model(images)
            if device.type == "cuda":
                torch.cuda.synchronize()
            times.append((time.perf_counter() - start) * 1000)
    found[name + "_ms"] = statistics.median(times[3:])

for layout in options["layouts"]:
    form = torch.channels_last if layout == "channels_last" else torch.contiguous_format
    model = net.to(memory_format=form)
    if options["compile"]:
        model = torch.compile(model)
    for batch in options["batches"]:
        shape = (batch, 3, options["imgsz"], options["imgsz"])
        images = torch.rand(shape, device=device, dtype=dtype).to(memory_format=form)
        name = f"batch_{batch}_{options['imgsz']}_{layout}"
        for label, count in (("as_set", threads), ("all_cores", cores)):
            if device.type != "cpu" and label == "all_cores":
                continue
            torch.set_num_threads(count)
            measure(f"{name}_{label}", model, images)
found["peak_mib"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
if device.type == "cuda":
    found["gpu_peak_mib"] = torch.cuda.max_memory_allocated() / 2**20
print(json.dumps(found))
"""


def add_options(parser: argparse.ArgumentParser) -> None:
    """Declare what the benchmark takes besides the common options."""
    parser.add_argument("--model", default="yolo11n-seg.yaml")
    parser.add_argument("--imgsz", type=int, default=640)
    parser.add_argument("--batches", type=int, nargs="+", default=[1, 8])
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--precision", choices=("fp32", "fp16", "bf16"), default="fp32")
    parser.add_argument(
        "--layouts",
        nargs="+",
        choices=("plain", "channels_last"),
        default=["plain", "channels_last"],
    )
    parser.add_argument("--compile", action="store_true", help="through torch.compile")
    parser.add_argument("--rounds", type=int, default=10, help="forwards to a figure")


def run(options: argparse.Namespace) -> dict[str, object]:
    """Return medians over ``repeats`` processes of the medians inside each."""
    names = ("model", "imgsz", "batches", "device", "precision", "layouts", "compile", "rounds")
    given = {name: getattr(options, name) for name in names}
    with tempfile.TemporaryDirectory() as folder:
        figures = in_turns(
            CHILD, [json.dumps(given)], options.repeats, options.peer_python, Path(folder)
        )
    return {**given, **figures}
