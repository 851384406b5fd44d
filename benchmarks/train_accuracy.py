"""What a training from random weights reaches, and what the peer's reaches with the same data and arguments.

Both train in turns, once for each seed; the best weights of both are then measured by the engine's own
validation, because the peer counts masks in another way than COCO does. The result holds every epoch's
metrics, so that the curves can be drawn.
"""

from __future__ import annotations

import argparse
import json
import shutil
import statistics
import sys
import tempfile
from pathlib import Path
from typing import Any

import yaml

from benchmarks.side_by_side import PEER, run_child

TRAIN = """
import csv, importlib, json, pathlib, sys, time
package, model, folder, words = sys.argv[1:5]
module = importlib.import_module(package)
start = time.perf_counter()
network = module.YOLO(model)
network.train(project=folder, name=package, exist_ok=False, plots=False, verbose=False, **json.loads(words))
seconds = time.perf_counter() - start
run = pathlib.Path(network.trainer.save_dir)
with (run / "results.csv").open() as file:
    rows = [{k.strip(): v for k, v in row.items()} for row in csv.DictReader(file)]
curve = {k: [round(float(r[k]), 5) for r in rows] for k in rows[0] if k.startswith("metrics/")}
print(json.dumps({"version": module.__version__, "seconds": seconds, "best": str(run / "weights" / "best.pt"),
                  "curve": curve}))
"""
MEASURE = """
import json, sys
import engine
package, weights, words = sys.argv[1:4]
found = engine.YOLO(weights).val(plots=False, verbose=False, workers=0, **json.loads(words))
print(json.dumps({k: float(v) for k, v in found.results_dict.items()}))
"""


def add_options(parser: argparse.ArgumentParser) -> None:
    """Declare what the benchmark takes besides the common options; ``--repeats`` is not used."""
    parser.add_argument(
        "--data", type=Path, required=True, help="data.yaml, or a folder of classes"
    )
    parser.add_argument("--model", default="yolo11n.yaml")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--only", choices=("engine", PEER), help="train with one of the two alone")
    parser.add_argument(
        "--fit", action="store_true", help="measure on the training pictures: can they be learned?"
    )
    parser.add_argument(
        "--set", nargs="*", default=[], metavar="NAME=VALUE", help="arguments of the training"
    )


def run(options: argparse.Namespace) -> dict[str, object]:
    """Return each seed's metrics and curves, their means, and the ratios of the means."""
    given = {"device": "cpu", "workers": 0, **dict(map(_pair, options.set))}
    pythons = {"engine": sys.executable, PEER: options.peer_python}
    wanted = [p for p in pythons if pythons[p] and options.only in (None, p)]
    found: dict[str, list[dict[str, Any]]] = {package: [] for package in wanted}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        data = _own_copy(options.data, folder, options.fit)
        for seed in options.seeds:
            words = {**given, "data": str(data), "seed": seed}
            for package in wanted:
                found[package].append(_trained(package, pythons, options.model, words, folder))
    figures: dict[str, object] = {
        "data": options.data.parent.name if options.data.is_file() else options.data.name,
        "fit": options.fit,
        "model": options.model,
        "arguments": given,
        "seeds": options.seeds,
    }
    for package, runs in found.items():
        prefix = "peer_" if package == PEER else ""
        figures |= {f"{prefix}{k}": v for k, v in _means(runs).items()}
        figures[f"{prefix}runs"] = runs
    if len(wanted) == 2:
        ours, theirs = (_means(runs) for runs in found.values())
        figures |= {
            "peer": PEER,
            **{f"ratio_{k}": ours[k] / theirs[k] for k in ours if theirs.get(k)},
        }
    return figures


def _trained(
    package: str, pythons: dict[str, str], model: str, words: dict[str, Any], folder: Path
) -> dict[str, Any]:
    """Train once and measure the best weights with the engine."""
    place = folder / f"{package}-{words['seed']}"
    result = run_child(TRAIN, package, [model, place, json.dumps(words)], pythons[package], folder)
    sizes = {k: words[k] for k in ("data", "imgsz", "batch", "device") if k in words}
    metrics = run_child(
        MEASURE, "engine", [result.pop("best"), json.dumps(sizes)], sys.executable, folder
    )
    shutil.rmtree(place)
    return {"seed": words["seed"], **result, "metrics": metrics}


def _means(runs: list[dict[str, Any]]) -> dict[str, float]:
    """Return the mean over the seeds of every metric, and of the seconds."""
    names = runs[0]["metrics"]
    means = {name: statistics.mean(r["metrics"][name] for r in runs) for name in names}
    return {**means, "train_s": statistics.mean(r["seconds"] for r in runs)}


def _own_copy(data: Path, folder: Path, fit: bool) -> Path:
    """Copy a data set, whose folder gets the peer's caches, and give its description or folder."""
    root = data.parent if data.is_file() else data
    copy = folder / "data" / root.name
    shutil.copytree(root, copy)
    if not data.is_file():
        if fit:
            shutil.rmtree(copy / "val")
            shutil.copytree(copy / "train", copy / "val")
        return copy
    content = yaml.safe_load(data.read_text(encoding="utf-8"))
    content["path"] = str(copy)
    if fit:
        content["val"] = content["train"]
    place = copy / data.name
    place.write_text(yaml.safe_dump(content, sort_keys=False), encoding="utf-8")
    return place


def _pair(word: str) -> tuple[str, Any]:
    name, _, value = word.partition("=")
    return name, yaml.safe_load(value)
