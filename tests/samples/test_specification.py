"""Every code block of the specification runs.

Replaced are: the word of the module, addresses in the web, and nothing else that is not in a table here with
its reason. Files of the names used lie in the sample's folder. What a sample leaves to its reader, such as
``compute_custom_metric`` or ``...``, is filled in by :data:`READERS_OWN` and :data:`FILLED_IN`. Sizes and epochs
are made small by one override of every run's arguments, ``CAPS`` in conftest.py.
"""

from __future__ import annotations

import inspect
import re
from pathlib import Path
from typing import Any

import pytest

SPECIFICATION = Path(__file__).resolve().parents[3] / "shared" / "spec"
GUIDE, SEGMENT, SEMANTIC = "usage-guide", "segment-task", "semantic-segmentation-task"
TRAINER, YOLOE = "segmentation-trainer", "yoloe-segment-trainers"
DOCUMENTS = [SPECIFICATION / f"{name}.md" for name in (GUIDE, SEGMENT, SEMANTIC, TRAINER, YOLOE)]

pytestmark = pytest.mark.skipif(
    not SPECIFICATION.is_dir(), reason="the specification is not beside the repository"
)

# Blocks that are no samples
_LISTING = "a listing of the described system's own source"
_SIGNATURE = "a signature; test_signatures_are_those_of_the_specification compares it"
NO_SAMPLES: dict[str, str] = {
    f"{GUIDE}:849": "a drawing of folders",
    f"{TRAINER}:28": _SIGNATURE,
    f"{TRAINER}:72": _LISTING,
    f"{TRAINER}:108": _SIGNATURE,
    f"{TRAINER}:140": _LISTING,
    f"{TRAINER}:169": _SIGNATURE,
    f"{TRAINER}:179": _LISTING,
    f"{YOLOE}:32": _SIGNATURE,
    f"{YOLOE}:61": _LISTING,
    f"{YOLOE}:70": _SIGNATURE,
    f"{YOLOE}:94": _LISTING,
    f"{YOLOE}:125": _SIGNATURE,
    f"{YOLOE}:141": _LISTING,
    f"{YOLOE}:158": _SIGNATURE,
    f"{YOLOE}:184": _LISTING,
    f"{YOLOE}:193": _SIGNATURE,
    f"{YOLOE}:217": _LISTING,
    f"{YOLOE}:271": _SIGNATURE,
    f"{YOLOE}:283": _LISTING,
    f"{YOLOE}:293": _SIGNATURE,
    f"{YOLOE}:305": _LISTING,
}

# Files by the names that samples use; `path/to/best.pt` and data sets follow the document's task
_PICTURE = "picture"
FILES: dict[str, str] = {
    "yolo11n.pt": "model yolo11n.yaml",
    "yolo11s.pt": "model yolo11n.yaml",
    "model.pt": "model yolo11n.yaml",
    "yolo11n-seg.pt": "model yolo11n-seg.yaml",
    "yolo26n-seg.pt": "model yolo26n-seg.yaml",
    "yolo11n-semseg.pt": "model yolo11n-semseg.yaml",
    "mobile_sam.pt": "segmenter",
    "sam_b.pt": "segmenter",
    "coco.yaml": "data outlines",
    "coco8.yaml": "data outlines",
    "coco8-seg.yaml": "data outlines",
    "CityscapesYOLO.yaml": "data masks",
    "bus.jpg": _PICTURE,
    "image.jpg": _PICTURE,
    "image.png": _PICTURE,
    "path/to/image.jpg": _PICTURE,
    "engine/assets/bus.jpg": _PICTURE,
    "datasets/dota8/images/train/P1142__1024__0___824.jpg": _PICTURE,
    "video.mp4": "video",
    "path/to/video/file.mp4": "video",
    "folder": "folder images/val",
    "path/to/dataset": "folder images/train",
    "path/to/new/data": "folder images/train",
    "path/to/masks_dir": "folder masks/train",
    "path/to/images": "part images",
    "path/to/labels": "part labels",
    "../datasets/coco/annotations": "coco",
}
_OF_DOCUMENT: dict[str, dict[str, str]] = {
    GUIDE: {"path/to/best.pt": "model yolo11n.yaml"},
    SEGMENT: {
        "path/to/best.pt": "model yolo11n-seg.yaml",
        "path/to/your_dataset.yaml": "data outlines",
    },
    SEMANTIC: {
        "path/to/best.pt": "model yolo11n-semseg.yaml",
        "path/to/your_dataset.yaml": "data masks",
    },
}
# What a sample needs without naming it
UNNAMED: dict[str, tuple[str, ...]] = dict.fromkeys(
    (f"{GUIDE}:863", f"{GUIDE}:918"), ("path/to/labels",)
)

# Addresses and places of other computers, by what lies in the sample's folder
REPLACED = (
    (r"\bultralytics\b(?!\.com)", "engine"),
    (r"https://ultralytics\.com/images/bus\.jpg", "bus.jpg"),
    (r"https://youtu\.be/\w+", "video.mp4"),
    (r"(?<=[\"'])/path/to/(image\.\w+|runs)", r"\1"),
)

_NO_GPU = "there is no such device on every computer"
_DOTS = "dots stand for what the reader has"
_EMPTY = "an empty dictionary stands for the reader's arguments"
_ARGS = 'dict(model="yolo11n.pt", data="coco8.yaml")'
# Block: what is put in the place of what, and why
FILLED_IN: dict[str, tuple[tuple[str, str, str], ...]] = {
    f"{GUIDE}:171": (('source="0"', 'source="bus.jpg"', "there is no camera on every computer"),),
    f"{GUIDE}:232": (
        ("device=0", 'device="cpu", format="onnx"', f"{_NO_GPU}; the other formats have their own tests"),
    ),
    f"{GUIDE}:269": (
        ("overrides={})\ntrainer", f"overrides={_ARGS})\ntrainer", _EMPTY),
        ("args=...", f"args={_ARGS}", _DOTS),
        ("overrides={})\npred", f"overrides={_ARGS})\npred", _EMPTY),
        ('= trainer.last', "= interrupted()", "its training has ended: nothing is left to go on with"),
    ),
    f"{GUIDE}:498": (("model.MODE(ARGS)", "model.val()", "MODE and ARGS stand for any"),),
    f"{GUIDE}:778": (('device="cuda"', 'device="cpu"', _NO_GPU),),
    f"{GUIDE}:878": (("..., ", "", _DOTS),),
    f"{GUIDE}:936": (("..., ", "", _DOTS),),
    f"{GUIDE}:1260": (('device="cuda:0"', 'device="cpu"', _NO_GPU),),
    f"{GUIDE}:1309": (("overrides={...}", f"overrides={_ARGS}", _DOTS),),
    f"{GUIDE}:1320": (
        ("overrides={...}", f"overrides={_ARGS}", _DOTS),
        ("        ...\n", "        return super().get_model(cfg, weights)\n", _DOTS),
    ),
    f"{GUIDE}:1339": (
        ("overrides={...}", f"overrides={_ARGS}", _DOTS),
        ("MyCustomModel(...)", 'MyCustomModel(cfg, nc=self.data["nc"])', _DOTS),
        ("        ...\n", "        return super().init_criterion()\n", _DOTS),
    ),
    f"{TRAINER}:130": (
        ("SegmentationTrainer()", 'SegmentationTrainer(overrides=dict(data="coco8-seg.yaml"))', _EMPTY),
        ("\n>>> model", "\n>>> trainer.data = trainer.get_dataset()\n>>> model", "as train() does first"),
    ),
}  # fmt: skip


def interrupted() -> Path:
    """Return the last.pt of a training that was stopped by Ctrl-C."""
    from engine.models.yolo.detect import DetectionTrainer

    def stop(_trainer: Any) -> None:
        raise KeyboardInterrupt

    trainer = DetectionTrainer(overrides={"model": "yolo11n.pt", "data": "coco8.yaml"})
    trainer.add_callback("on_train_batch_end", stop)
    with pytest.raises(KeyboardInterrupt):
        trainer.train()
    return trainer.last


# Functions and values that samples leave to their reader
READERS_OWN: dict[str, Any] = {
    "SOURCE": "bus.jpg",
    "compute_additional_metric": lambda trainer: float(trainer.epoch),
    "compute_custom_metric": lambda validator: float(validator.seen),
    "log_prediction": lambda result: result.summary(),
    "interrupted": interrupted,
}

# Blocks that wait for a room that is at work; an entry goes when its block runs
WAITING: dict[str, str] = {}


def is_sample(block: Any) -> bool:
    """Whether a block is meant to be run."""
    return block.key not in NO_SAMPLES


def adapted(block: Any) -> str:
    """Return a block's text with only what the tables name replaced."""
    text = block.text
    for pattern, ours in REPLACED:
        text = re.sub(pattern, ours, text)
    for theirs, ours, _reason in FILLED_IN.get(block.key, ()):
        assert theirs in text, f"{block.key} has no {theirs!r} any more"
        text = text.replace(theirs, ours)
    return text


def files_for(block: Any, text: str) -> dict[str, str]:
    """Return the files that a sample names, and those of :data:`UNNAMED`."""
    known = FILES | _OF_DOCUMENT.get(block.file.stem, {})
    named = {name: kind for name, kind in known.items() if name in text}
    if "coco8" in text or any(name.endswith(".pt") for name in named):
        named |= {name: FILES[name] for name in ("bus.jpg", "coco8.yaml")}
    return named | {name: FILES[name] for name in UNNAMED.get(block.key, ())}


def test_sample_runs(block, sample_folder, run_python, run_shell, request):
    text = adapted(block)
    sample_folder(files_for(block, text))
    try:
        if block.is_shell:
            run_shell(text)
        else:
            given = dict(READERS_OWN)
            if "overrides[" in text:
                from engine.models.yolo import detect

                given |= {"overrides": {}, "detect": detect}
            if block.file.stem == TRAINER:  # its samples go on from one another
                from engine.models.yolo.segment import SegmentationTrainer

                given["SegmentationTrainer"] = SegmentationTrainer
            run_python(text, block.key, given)
    except Exception as error:
        if block.key in WAITING:
            pytest.xfail(f"{WAITING[block.key]}: {error}")
        raise


def test_tables_name_blocks_that_exist():
    from itertools import chain

    texts = {file.stem: file.read_text("utf-8").splitlines() for file in DOCUMENTS}
    for key in chain(NO_SAMPLES, UNNAMED, FILLED_IN, WAITING):
        stem, _, line = key.partition(":")
        assert texts[stem][int(line) - 1].strip().startswith("```"), key


def _parameters(function: Any) -> list[str]:
    return [name for name in inspect.signature(function).parameters if name != "self"]


def test_signatures_are_those_of_the_specification():
    from engine.models.yolo import yoloe
    from engine.models.yolo.segment import SegmentationTrainer

    assert _parameters(SegmentationTrainer) == ["cfg", "overrides", "_callbacks"]
    assert _parameters(SegmentationTrainer.get_model) == ["cfg", "weights", "verbose"]
    assert _parameters(SegmentationTrainer.get_validator) == []
    for name in ("YOLOESegTrainer", "YOLOEPESegTrainer"):
        assert _parameters(getattr(yoloe, name).get_model) == ["cfg", "weights", "verbose"]
    for name in ("YOLOESegTrainerFromScratch", "YOLOESegVPTrainer"):
        assert _parameters(getattr(yoloe, name)) == ["cfg", "overrides", "_callbacks"]
