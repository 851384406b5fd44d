"""Time the removal of duplicates on the CPU, and the peer's in the same run.

The input is a dense (1, 116, 8400) tensor at conf 0.001, IoU 0.7, at most 300 kept: once with one label for each
anchor, once with every label (72,919 candidates). The peer is measured twice: with torchvision loaded, its quick path
(`peer_...`), and without, as in its plain prediction (`peer_plain_...`). `_kept` and `_box_sum` say whether both keep
the same boxes.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from pathlib import Path

from benchmarks.side_by_side import PEER, in_turns, run_child

CHILD = """
import importlib, json, statistics, sys, time
package, options = sys.argv[1], json.loads(sys.argv[2])
import numpy as np
import torch
if options["torchvision"]:
    import torchvision
version = importlib.import_module(package).__version__
if package == "engine":
    from engine.utils.ops import non_max_suppression
    from engine.runtime.device import tune_cpu
    tune_cpu()
    def nms(dense, multi):
        return non_max_suppression(dense, conf=0.001, iou=0.7, multi_label=multi, max_det=300, nc=80)
else:
    try:
        from ultralytics.utils.nms import non_max_suppression
    except ImportError:
        from ultralytics.utils.ops import non_max_suppression
    def nms(dense, multi):
        return non_max_suppression(dense, 0.001, 0.7, multi_label=multi, max_det=300, nc=80, max_time_img=60)

def make(power):
    rng = np.random.default_rng(0)
    xy, wh = rng.random((8400, 2)) * 640, rng.random((8400, 2)) * 150 + 10
    scores, mask = rng.random((8400, 80)) ** power, rng.standard_normal((8400, 32))
    rows = np.concatenate([xy, wh, scores, mask], 1).astype(np.float32)
    return torch.from_numpy(np.ascontiguousarray(rows.T[None]))

found = {"version": version}
for name, power, multi in (("one_label", 1, False), ("multi_label", 60, True)):
    dense, times, used = make(power), [], []
    for _ in range(options["rounds"] + 1):
        given = dense.clone()
        start, cpu = time.perf_counter(), time.process_time()
        kept = nms(given, multi)[0]
        times.append((time.perf_counter() - start) * 1000)
        used.append((time.process_time() - cpu) * 1000)
    found[name + "_ms"] = statistics.median(times[1:])
    found[name + "_processor_ms"] = statistics.median(used[1:])
    found[name + "_kept"] = len(kept)
    found[name + "_box_sum"] = round(float(kept[:, :6].double().sum()), 1)
print(json.dumps(found))
"""


def add_options(parser: argparse.ArgumentParser) -> None:
    """Declare what the benchmark takes besides the common options."""
    parser.add_argument("--rounds", type=int, default=7, help="calls to a figure")
    parser.add_argument(
        "--plain",
        action="store_true",
        help="also the peer without torchvision: half a minute a call",
    )


def run(options: argparse.Namespace) -> dict[str, object]:
    """Return medians over ``repeats`` processes of the medians inside each."""
    quick = json.dumps({"rounds": options.rounds, "torchvision": True})
    with tempfile.TemporaryDirectory() as folder:
        figures = in_turns(CHILD, [quick], options.repeats, options.peer_python, Path(folder))
        if options.plain and options.peer_python:
            words = [json.dumps({"rounds": 1, "torchvision": False})]
            plain = run_child(CHILD, PEER, words, options.peer_python, Path(folder))
            for name in ("one_label_ms", "multi_label_ms"):
                figures[f"peer_plain_{name}"] = plain[name]
                figures[f"ratio_plain_{name}"] = figures[name] / plain[name]
    return figures
