"""How well clicks and boxes become masks: the small network that comes with the program, and GrabCut beside it.

Held-back drawn scenes are always there; pictures with prompts and true masks as JSON are measured where
``--prompts`` names the file (``image``, ``positive_point``, ``box_xyxy``, ``mask_rle``).
"""

from __future__ import annotations

import argparse
import json
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np

HELD_BACK_SEED = 90_001


def add_options(parser: argparse.ArgumentParser) -> None:
    """Declare what the benchmark takes besides the common options."""
    parser.add_argument("--models", nargs="+", default=["sam_small", "classic"])
    parser.add_argument("--scenes", type=int, default=20)
    parser.add_argument("--prompts", type=Path, help="prompts.json beside its data sets' folders")


def run(options: argparse.Namespace) -> dict[str, object]:
    """Return mean IoUs: of the candidate with the best score, of the best candidate, by boxes, after corrections."""
    from engine.models.sam import SAM, EmbeddingCache

    figures: dict[str, object] = {"scenes": options.scenes}
    for model in options.models:
        sam = SAM(model, cache=EmbeddingCache(disk_bytes=0))
        sums: dict[str, list[float]] = defaultdict(list)
        for group, image, masks in _pictures(options):
            sam.set_image(image)
            for mask in masks:
                for kind, value in _measure(sam, mask).items():
                    sums[f"{model}_{group}_{kind}_iou"].append(value)
        figures |= {name: float(np.mean(values)) for name, values in sums.items()}
        figures |= {f"{model}_{g}_objects": len(v) for g, v in _groups(sums, model).items()}
    return figures


def _groups(sums: dict[str, list[float]], model: str) -> dict[str, list[float]]:
    ending = "_box_iou"
    return {
        name.removeprefix(f"{model}_").removesuffix(ending): values
        for name, values in sums.items()
        if name.startswith(model) and name.endswith(ending)
    }


def _measure(sam: object, truth: np.ndarray) -> dict[str, float]:
    """Click in the deepest point, draw the box, and click twice more into the largest error."""
    from engine.models.sam import SAM

    assert isinstance(sam, SAM)  # noqa: S101 - for the type checker
    y, x = _deepest(truth)
    masks, scores, low_res = sam.predict(points=[[x + 0.5, y + 0.5]], labels=[1])
    best = int(scores.argmax())
    found = {
        "click": _iou(masks[best], truth),
        "best_of_three": max(_iou(mask, truth) for mask in masks),
    }
    ys, xs = np.flatnonzero(truth.any(1)), np.flatnonzero(truth.any(0))
    box = [xs[0], ys[0], xs[-1] + 1, ys[-1] + 1]
    found["box"] = _iou(sam.predict(box=box, multimask_output=False)[0][0], truth)
    points, labels, mask = [[x + 0.5, y + 0.5]], [1], masks[best]
    rough = low_res[best]
    for _ in range(2):
        wrong = mask != truth
        if not wrong.any():
            break
        y, x = _deepest(wrong)
        points, labels = [*points, [x + 0.5, y + 0.5]], [*labels, int(truth[y, x])]
        masks, _, low = sam.predict(
            points=points, labels=labels, mask=rough, multimask_output=False
        )
        mask, rough = masks[0], low[0]
    return {**found, "three_clicks": _iou(mask, truth)}


def _pictures(options: argparse.Namespace) -> Iterator[tuple[str, np.ndarray, list[np.ndarray]]]:
    """Yield a group's name, a picture (H, W, 3) uint8 RGB and the true masks of its objects."""
    from engine.data.annotations.convert import to_mask
    from engine.data.synthetic import draw_scene

    for number in range(options.scenes):
        scene = draw_scene((HELD_BACK_SEED, number))
        height, width = scene.image.shape[:2]
        masks = [to_mask(a.geometry, height, width).to_array() > 0 for a in scene.annotations]
        yield "scenes", np.ascontiguousarray(scene.image[..., ::-1]), masks
    if options.prompts is None:
        return
    from engine.data.images import read_image
    from engine.ops.run_lengths import run_lengths

    rows: dict[tuple[str, str], list[np.ndarray]] = defaultdict(list)
    for row in json.loads(options.prompts.read_text(encoding="utf-8")):
        height, width = row["mask_rle"]["size"]
        runs = run_lengths(row["mask_rle"]["counts"].encode())
        flat = np.repeat(np.arange(len(runs)) % 2 > 0, runs)
        rows[row["dataset"], row["image"]].append(flat.reshape(width, height).T)
    for (group, image), masks in rows.items():
        yield (
            group,
            np.ascontiguousarray(read_image(options.prompts.parents[1] / image)[..., ::-1]),
            masks,
        )


def _deepest(mask: np.ndarray) -> tuple[int, int]:
    """Return row and column of the pixel that lies deepest in a mask."""
    padded = cv2.copyMakeBorder(mask.astype(np.uint8), 1, 1, 1, 1, cv2.BORDER_CONSTANT, value=0)
    depth = cv2.distanceTransform(padded, cv2.DIST_L2, 5)[1:-1, 1:-1]
    row, column = divmod(int(depth.argmax()), mask.shape[1])
    return row, column


def _iou(a: np.ndarray, b: np.ndarray) -> float:
    return np.count_nonzero(a & b) / max(np.count_nonzero(a | b), 1)
