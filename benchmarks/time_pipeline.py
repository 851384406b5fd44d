"""Time the data pipeline of a training alone, without a network, and the peer's in turns with it.

Default augmentation (mosaic, scale and move, colours, mirror), batches of 16 made in the process itself (workers=0) by the
training loader that each library builds for its trainer. ``cold_images_per_s`` is the first epoch of a fresh process: every
picture is decoded. ``steady_images_per_s`` is the median of the epochs after it. ``cpu_images_per_s`` is the steady figure by
processor time, which other programs on the machine disturb less; ours uses several threads, the peer's one. Each runs as it does by
default: ours keeps what decoded pictures a part of the free memory holds, the peer the pictures of its last batches.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

from benchmarks.side_by_side import in_turns

CHILD = """
import importlib, json, statistics, sys, time
package, data, task, imgsz, epochs, folder = sys.argv[1:7]
library = importlib.import_module(package)
rooms = importlib.import_module(f"{package}.models.yolo.{task}")
name = {"detect": "DetectionTrainer", "segment": "SegmentationTrainer"}[task]
description = {"detect": "yolo11n.yaml", "segment": "yolo11n-seg.yaml"}[task]
overrides = dict(model=description, data=data, imgsz=int(imgsz), batch=16, workers=0, device="cpu", project=folder, name=package,
                 exist_ok=True)
trainer = getattr(rooms, name)(overrides=overrides)
trainer.model, trainer.stride = library.YOLO(description).model, 32
trainer.data = trainer.get_dataset()
loader = trainer.get_dataloader(trainer.data["train"], batch_size=16, rank=-1, mode="train")
wall, cpu = [], []
for epoch in range(int(epochs)):
    if hasattr(loader, "set_epoch"):
        loader.set_epoch(epoch)
    start, start_cpu, count = time.perf_counter(), time.process_time(), 0
    for batch in loader:
        count += len(batch["im_file"])
    wall.append(count / (time.perf_counter() - start))
    cpu.append(count / (time.process_time() - start_cpu))
print(json.dumps({"version": library.__version__, "cold_images_per_s": wall[0], "steady_images_per_s": statistics.median(wall[1:]),
                  "cpu_images_per_s": statistics.median(cpu[1:])}))
"""


def add_options(parser: argparse.ArgumentParser) -> None:
    """Declare what the benchmark takes besides the common options."""
    parser.add_argument("--data", help="data.yaml to use instead of generated pictures")
    parser.add_argument("--images", type=int, default=128, help="pictures to generate")
    parser.add_argument("--epochs", type=int, default=4, help="epochs of each process")
    parser.add_argument("--imgsz", type=int, nargs="+", default=[640, 320])
    parser.add_argument("--tasks", nargs="+", default=["detect", "segment"])


def run(options: argparse.Namespace) -> dict[str, object]:
    """Return images per second for each task and size; ``repeats`` counts processes of each library."""
    figures: dict[str, object] = {"epochs": options.epochs}
    with tempfile.TemporaryDirectory() as folder:
        data = Path(options.data).resolve() if options.data else _generated(folder, options.images)
        for task in options.tasks:
            for imgsz in options.imgsz:
                words = [data, task, imgsz, options.epochs, Path(folder) / "runs"]
                figures[f"{task}_{imgsz}"] = in_turns(
                    CHILD, words, options.repeats, options.peer_python, data.parent
                )
    return figures


def _generated(folder: str, images: int) -> Path:
    """Write a data set of pictures with outlines and return its data.yaml."""
    from engine.data.synthetic import write_sample

    part = 8 / (images + 8)
    return write_sample(Path(folder) / "data", images=images + 8, unlabelled=0, val=part).yaml_file
