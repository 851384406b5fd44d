"""Time the measuring of predictions against annotations, and pycocotools on the same in the same run.

Both start from what `json.load` gives and end with COCO's twelve numbers; the largest difference between these
is in the result. Sizes, misses, doubles, wrong classes and crowds are drawn at random.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import statistics
import time
from collections.abc import Callable
from functools import partial
from importlib.metadata import version
from typing import Any

import numpy as np

KINDS = {"boxes": "bbox", "masks": "segm"}
WIDTH, HEIGHT = 640, 480
SCENES_AT_ONCE = (
    500  # different images; more repeat them, or drawing would take longer than measuring
)


def add_options(parser: argparse.ArgumentParser) -> None:
    """Declare what the benchmark takes besides the common options."""
    parser.add_argument("--images", type=int, default=5000)
    parser.add_argument("--objects", type=int, default=50, help="annotated in each image")
    parser.add_argument("--predictions", type=int, default=100, help="in each image")
    parser.add_argument("--classes", type=int, default=80)
    parser.add_argument("--kinds", nargs="+", choices=KINDS, default=list(KINDS))
    parser.add_argument("--peer-repeats", type=int, default=1, help="pycocotools takes minutes; 0 leaves it out")  # fmt: skip


def run(options: argparse.Namespace) -> dict[str, object]:
    """Return medians in seconds for each kind, ours over theirs, and the largest difference of a number."""
    names = ("images", "objects", "predictions", "classes")
    figures: dict[str, object] = {name: getattr(options, name) for name in names}
    if options.peer_repeats:
        figures |= {"peer": "pycocotools", "peer_version": version("pycocotools")}
    for name in options.kinds:
        truth, rows = draw(options, KINDS[name])
        given = truth, rows, KINDS[name]
        ours, numbers = _median(partial(_engine, *given), options.repeats)
        figures[f"{name}_s"] = ours
        if options.peer_repeats:
            theirs, expected = _median(partial(_pycocotools, *given), options.peer_repeats)
            figures[f"peer_{name}_s"] = theirs
            figures[f"ratio_{name}_s"] = ours / theirs
            figures[f"times_faster_{name}"] = theirs / ours
            figures[f"max_abs_difference_{name}"] = float(np.abs(numbers - expected).max())
    return figures


def _median(action: Callable[[], np.ndarray], repeats: int) -> tuple[float, np.ndarray]:
    """Return the median time in seconds and the last result."""
    times = []
    for _ in range(repeats):
        start = time.perf_counter()
        result = action()
        times.append(time.perf_counter() - start)
    return statistics.median(times), result


def _engine(truth: dict[str, Any], rows: list[dict[str, Any]], kind: Any) -> np.ndarray:
    from engine.metrics.coco_files import evaluate

    return np.array(list(evaluate(truth, rows, kind).coco.values()))


def _pycocotools(truth: dict[str, Any], rows: list[dict[str, Any]], kind: str) -> np.ndarray:
    from pycocotools.coco import COCO
    from pycocotools.cocoeval import COCOeval

    # It writes into what it is given.
    truth = {**truth, "annotations": [dict(row) for row in truth["annotations"]]}
    with contextlib.redirect_stdout(io.StringIO()):
        api = COCO()
        api.dataset = truth
        api.createIndex()
        evaluation = COCOeval(api, api.loadRes([dict(row) for row in rows]), kind)
        evaluation.evaluate()
        evaluation.accumulate()
        evaluation.summarize()
    return np.asarray(evaluation.stats)


def draw(options: argparse.Namespace, kind: str) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """Draw annotations and predictions as COCO's files hold them."""
    random = np.random.default_rng(0)
    scenes = [_scene(random, options, kind) for _ in range(min(options.images, SCENES_AT_ONCE))]
    annotations, rows = [], []
    for number in range(options.images):
        objects, found = scenes[number % len(scenes)]
        for row in objects:
            annotations.append({**row, "id": len(annotations) + 1, "image_id": number})
        shift = float(random.uniform(0, 1e-3))  # so that repeated scenes are not ranked together
        rows += [{**row, "image_id": number, "score": row["score"] + shift} for row in found]
    truth = {
        "info": {},
        "images": [
            {"id": i, "width": WIDTH, "height": HEIGHT, "file_name": f"{i}.jpg"}
            for i in range(options.images)
        ],
        "categories": [{"id": c + 1, "name": str(c)} for c in range(options.classes)],
        "annotations": annotations,
    }
    return truth, rows


def _scene(
    random: np.random.Generator, options: argparse.Namespace, kind: str
) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Draw one image: objects of 12 to 200 pixels, predictions near them at various distances."""
    count, predictions = options.objects, options.predictions
    sizes = np.exp(random.uniform(np.log(12), np.log(200), (count, 2)))
    corners = random.uniform(0, 1, (count, 2)) * (np.array([WIDTH, HEIGHT]) - sizes)
    boxes = np.concatenate((corners, sizes), 1).round(2)
    classes = random.integers(0, options.classes, count)
    near = random.integers(0, count, predictions)
    spread = random.choice([0.02, 0.1, 0.4], (predictions, 1)) * np.tile(boxes[near, 2:], 2)
    found = boxes[near] + random.normal(0, 1, (predictions, 4)) * spread
    found[:, 2:] = found[:, 2:].clip(2)
    wrong = random.random(predictions) < 0.2
    guess = np.where(wrong, random.integers(0, options.classes, predictions), classes[near])
    crowd = random.random(count) < 0.02
    objects = [
        {
            "category_id": int(c) + 1,
            "iscrowd": int(many),
            "area": float(w * h),
            "bbox": [x, y, w, h],
        }
        for (x, y, w, h), c, many in zip(boxes.tolist(), classes, crowd, strict=True)
    ]
    rows = [
        {"category_id": int(c) + 1, "score": float(s), "bbox": box}
        for box, c, s in zip(found.tolist(), guess, random.random(predictions), strict=True)
    ]
    if kind == "segm":
        _outline(objects)
        _outline(rows)
        rows = [{k: v for k, v in row.items() if k != "bbox"} for row in rows]
    return objects, rows


def _outline(rows: list[dict[str, Any]]) -> None:
    """Give each row the mask of an ellipse in its box, as run lengths."""
    from pycocotools import mask as coco_mask

    turn = np.linspace(0, 2 * np.pi, 24, endpoint=False)
    circle = np.stack((np.cos(turn), np.sin(turn)), 1) / 2 + 0.5
    for row in rows:
        x, y, width, height = row["bbox"]
        points = np.array([x, y]) + circle * np.array([width, height])
        row["segmentation"] = coco_mask.frPyObjects([points.reshape(-1).tolist()], HEIGHT, WIDTH)[0]
