"""What the trainings of YOLOE reach on generated pictures, and what they cost.

For each seed: a model learns from random weights which phrase is which, with some combinations of a colour and a
kind of part held back; it is then asked for those. The chance level is what it reaches when all of them get the
same embedding: it still finds parts, but cannot know which is meant. From these weights a linear probe and a full
training learn another data set in the same number of epochs. Last, the time of "find more like this" over many
pictures with one example.

Seconds are of the processor, all threads together, so that a busy machine measures the same.
"""

from __future__ import annotations

import argparse
import contextlib
import itertools
import statistics
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch
import yaml

from engine import YOLOE
from engine.data.synthetic.phrases import write_phrase_set
from engine.data.synthetic.sample import write_sample
from engine.data.yaml_file import read_data_yaml
from engine.models.yolo.yoloe import YOLOEPESegTrainer, YOLOESegTrainer, YOLOESegVPTrainer

ENCODER = "sample:phrases"
MAP50, MAP = "metrics/mAP50(M)", "metrics/mAP50-95(M)"
# Half the width of scale n: for machines without an accelerator
TINY = {"base": "yolo11.yaml", "scales": {"n": [0.33, 0.125, 512]}, "scale": "n"}
HEAD = [[16, 19, 22], 1, "YOLOESegment", ["nc", 32, 128, 512, True]]


def add_options(parser: argparse.ArgumentParser) -> None:
    """Declare what the benchmark takes besides the common options; ``--repeats`` is not used."""
    parser.add_argument(
        "--model", default="tiny", help="tiny, or a description such as yoloe-11n-seg.yaml"
    )
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--train", type=int, default=96, help="training pictures of phrases")
    parser.add_argument("--val", type=int, default=24, help="pictures to measure on")
    parser.add_argument("--epochs", type=int, default=60, help="epochs from random weights")
    parser.add_argument(
        "--adapt-epochs", type=int, default=10, help="epochs of probe and full training"
    )
    parser.add_argument("--imgsz", type=int, default=96)
    parser.add_argument("--batch", type=int, default=16)
    parser.add_argument(
        "--data", type=Path, nargs="*", default=[], help="data.yaml of more sets to adapt to"
    )
    parser.add_argument(
        "--pictures", type=int, default=100, help="pictures to find more like this in"
    )
    parser.add_argument(
        "--only", nargs="*", default=["adapt", "visual"], choices=("adapt", "visual", "none")
    )


def run(options: argparse.Namespace) -> dict[str, object]:
    """Return each seed's figures and their means."""
    torch.set_num_threads(1)
    found = []
    with tempfile.TemporaryDirectory() as name:
        for seed in options.seeds:
            folder = Path(name) / str(seed)
            folder.mkdir()
            found.append(_of_seed(options, seed, folder))
    return {
        "model": options.model,
        "train": options.train,
        "epochs": options.epochs,
        "imgsz": options.imgsz,
        "seeds": found,
        "means": _means(found),
    }


def _of_seed(options: argparse.Namespace, seed: int, folder: Path) -> dict[str, Any]:
    """Train and measure once."""
    size = (options.imgsz * 4 // 3, options.imgsz)
    made = write_phrase_set(folder / "phrases", options.train, options.val, seed, size)
    how = {
        "imgsz": options.imgsz, "batch": options.batch, "device": "cpu", "workers": 0, "plots": False,
        "verbose": False, "val": False, "seed": seed, "project": str(folder / "runs"),
    }  # fmt: skip
    model = _new(options.model, folder)
    figures: dict[str, Any] = {"seed": seed}
    with _timed(figures, "words_s"):
        model.train(YOLOESegTrainer, data=str(made["known"]), epochs=options.epochs, **how)
    weights = model.trainer.best
    figures |= _asked(weights, made, options.imgsz)
    if "adapt" in options.only:
        sample = write_sample(folder / "sample", options.train, seed, size, unlabelled=0).yaml_file
        for data in (sample, *options.data):
            label = "sample" if data == sample else data.parent.name
            figures |= _adapted(weights, data, label, options, how)
    if "visual" in options.only:
        figures |= _shown(weights, made, options, how)
    return figures


def _new(name: str, folder: Path) -> YOLOE:
    """Return an untrained model whose text encoder is the shipped one."""
    if name == "tiny":
        path = folder / "tiny-seg.yaml"
        path.write_text(yaml.safe_dump({**TINY, "last": HEAD}))
        name = str(path)
    model = YOLOE(name)
    model.text_encoder = ENCODER
    return model


def _asked(weights: Path, made: dict[str, Path], imgsz: int) -> dict[str, float]:
    """Measure the phrases that were taught, those held back, and the latter blindly."""
    out: dict[str, float] = {}
    for key in ("known", "held_back"):
        model = YOLOE(weights)
        model.text_encoder = ENCODER
        metrics = _val(model, made[key], imgsz)
        out |= {f"{key}_map50": metrics[MAP50], f"{key}_map": metrics[MAP]}
    model = YOLOE(weights)
    model.text_encoder = ENCODER
    names = list(read_data_yaml(made["held_back"])["names"].values())
    alike = model.get_text_pe(names).mean(1, keepdim=True).expand(-1, len(names), -1)
    model.set_classes(names, torch.nn.functional.normalize(alike, dim=-1))
    return {**out, "chance_map50": _val(model, made["held_back"], imgsz)[MAP50]}


def _val(model: YOLOE, data: Path, imgsz: int) -> dict[str, float]:
    with tempfile.TemporaryDirectory() as folder:
        how: dict[str, Any] = {"plots": False, "verbose": False, "workers": 0, "device": "cpu"}
        found = model.val(data=str(data), imgsz=imgsz, project=folder, **how)
    return {key: float(value) for key, value in found.results_dict.items()}


def _adapted(
    weights: Path, data: Path, label: str, options: argparse.Namespace, how: dict[str, Any]
) -> dict[str, float]:
    """Learn another data set by a linear probe and in full, in the same number of epochs."""
    out: dict[str, float] = {}
    for kind, trainer in (("probe", YOLOEPESegTrainer), ("full", YOLOESegTrainer)):
        model = YOLOE(weights)
        model.text_encoder = ENCODER
        took: dict[str, float] = {}
        with _timed(took, "s"):
            model.train(trainer, data=str(data), epochs=options.adapt_epochs, **how)
        found = _val(YOLOE(model.trainer.best), data, options.imgsz)
        out |= {f"{label}_{kind}_map50": found[MAP50], f"{label}_{kind}_map": found[MAP]}
        out[f"{label}_{kind}_epoch_s"] = took["s"] / options.adapt_epochs
    return out


def _shown(
    weights: Path, made: dict[str, Path], options: argparse.Namespace, how: dict[str, Any]
) -> dict[str, float]:
    """Train the encoder of visual prompts, measure by what labels show, and time one example over many pictures."""
    model = YOLOE(weights)
    took: dict[str, float] = {}
    with _timed(took, "s"):
        model.train(YOLOESegVPTrainer, data=str(made["known"]), epochs=options.adapt_epochs, **how)
    best = YOLOE(model.trainer.best)
    with tempfile.TemporaryDirectory() as folder:
        told: dict[str, Any] = {"plots": False, "verbose": False, "workers": 0, "device": "cpu"}
        held = {"data": str(made["held_back"]), "imgsz": options.imgsz, "project": folder}
        by_example = best.val(load_vp=True, **held, **told).results_dict[MAP50]
    files = sorted(made["images"].iterdir())
    pictures = [str(f) for f in itertools.islice(itertools.cycle(files), options.pictures)]
    first = (
        Path(str(files[0]).replace("images", "labels"))
        .with_suffix(".txt")
        .read_text()
        .split("\n")[0]
    )
    points = torch.tensor([float(v) for v in first.split()[1:]]).view(-1, 2)
    width, height = options.imgsz * 4 // 3, options.imgsz
    box = torch.cat((points.amin(0), points.amax(0))) * torch.tensor([width, height] * 2)
    prompts = {"bboxes": box[None].numpy(), "cls": [0]}
    with _timed(took, "find_s"):
        results = best.predict(
            pictures, visual_prompts=prompts, refer_image=str(files[0]), imgsz=options.imgsz,
            verbose=False, device="cpu",
        )  # fmt: skip
    return {
        "visual_epoch_s": took["s"] / options.adapt_epochs,
        "held_back_by_example_map50": float(by_example),
        f"find_in_{len(list(results))}_s": took["find_s"],
    }


@contextlib.contextmanager
def _timed(figures: dict[str, Any], key: str) -> Iterator[None]:
    start = time.process_time()
    yield
    figures[key] = time.process_time() - start


def _means(rows: list[dict[str, Any]]) -> dict[str, float]:
    """Return the mean of each figure over the seeds, with the smallest and the largest."""
    out: dict[str, float] = {}
    for key in rows[0]:
        if key != "seed":
            values = [row[key] for row in rows]
            out[key] = round(statistics.fmean(values), 4)
            out[f"{key}_low"], out[f"{key}_high"] = round(min(values), 4), round(max(values), 4)
    return out
