"""Run one benchmark by name and print its JSON as the last line."""

from __future__ import annotations

import argparse
import importlib
import json
import sys

from benchmarks.machine import machine, versions

# name -> (module, what it measures); each module has `run(options) -> dict` and may have `add_options(parser)`.
BENCHMARKS = {
    "import_engine": ("benchmarks.time_import_engine", "a fresh process that imports the engine"),
    "app_start": ("benchmarks.time_app_start", "launch to a painted window"),
    "project_open": ("benchmarks.time_project_open", "opening a project of 10,000 images"),
    "project_commands": (
        "benchmarks.time_project_commands",
        "commands on a project of 100,000 images: how long the window is held",
    ),
    "dense_image": (
        "benchmarks.time_dense_image",
        "commands on an image with 10,000 polygons: how long the window is held",
    ),
    "kill": ("benchmarks.kill_moments", "kill -9 at random moments of a session of edits"),
    "import": ("benchmarks.time_import", "100,000 images and 1,000,000 shapes from COCO JSON"),
    "fuzz": ("benchmarks.fuzz_formats", "damaged files of every format, read or refused"),
    "canvas": ("benchmarks.time_canvas", "frames with 10,000 polygons of 40 vertices"),
    "clicks": (
        "benchmarks.count_clicks",
        "clicks and keys that labels cost, by hand and by pointing",
    ),
    "label_session": (
        "benchmarks.label_session",
        "ten pictures labelled by prompts, every event recorded",
    ),
    "tools": ("benchmarks.time_tools", "brush, wand and scissors at 12 megapixels"),
    "image_switch": ("benchmarks.time_image_switch", "the next image, read ahead and cold"),
    "huge_image": ("benchmarks.time_huge_image", "a picture of 20,000 x 20,000 on the canvas"),
    "endurance": ("benchmarks.measure_endurance", "memory over 20,000 edits and 5,000 images"),
    "model_load": ("benchmarks.time_model_load", "building a model, and reading a model file"),
    "forward": ("benchmarks.time_forward", "the bare forward of a model, by batch and layout"),
    "predict": (
        "benchmarks.time_predict",
        "predictions end to end, .pt and .onnx, and of a folder",
    ),
    "export": (
        "benchmarks.export_formats",
        "a model in every format: size, differences, measure, time",
    ),
    "nms": ("benchmarks.time_nms", "removing duplicates from a dense output"),
    "evaluator": (
        "benchmarks.time_evaluator",
        "measuring predictions, and pycocotools on the same",
    ),
    "similarity": ("benchmarks.time_similarity", "questions to a table of 100,000 embeddings"),
    "pipeline": ("benchmarks.time_pipeline", "the data pipeline of a training alone"),
    "train_step": ("benchmarks.time_train_step", "one training step and its parts"),
    "open_vocabulary": ("benchmarks.train_yoloe", "what the trainings of YOLOE reach and cost"),
    "sam_click": (
        "benchmarks.time_sam_click",
        "a click on a picture looked at before, to its outline",
    ),
    "smart_click": (
        "benchmarks.time_smart_click",
        "a click in the window, to the frame with its mask",
    ),
    "batch": ("benchmarks.time_batch", "labelling a folder: what the network and the threads do"),
    "sam_quality": (
        "benchmarks.sam_quality",
        "clicks and boxes to masks: the small network, GrabCut",
    ),
    "mask_to_polygon": ("benchmarks.time_mask_to_polygon", "masks of 2000 x 2000 to polygons"),
    "accuracy": ("benchmarks.train_accuracy", "what trainings from random weights reach"),
}


def main(arguments: list[str] | None = None) -> int:
    """List the benchmarks, or run the named one; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("name", nargs="?", choices=sorted(BENCHMARKS))
    name, rest = parser.parse_known_args(arguments)[0].name, (arguments or sys.argv[1:])[1:]
    if name is None:
        for key, (_, what) in BENCHMARKS.items():
            print(f"{key:16} {what}")
        return 0
    module = importlib.import_module(BENCHMARKS[name][0])
    options = argparse.ArgumentParser(
        prog=f"python -m benchmarks {name}", description=module.__doc__
    )
    options.add_argument("--repeats", type=int, default=5)
    options.add_argument(
        "--peer-python", help="interpreter of an environment with the peer installed"
    )
    if hasattr(module, "add_options"):
        module.add_options(options)
    parsed = options.parse_args(rest)
    figures = module.run(parsed)
    print(
        json.dumps(
            {
                "name": name,
                "machine": machine(),
                "versions": versions(),
                "repeats": parsed.repeats,
                **figures,
            }
        )
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
