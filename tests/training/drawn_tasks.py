"""A tiny data set and a tiny network for each task, written to a folder: a training of one takes a moment."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import yaml

SIDE = 64
NAMES = ["square", "bar"]

_CONV = [[-1, 1, "Conv", [8, 3, 2]], [-1, 1, "Conv", [16, 3, 2]], [-1, 1, "Conv", [16, 3, 2]]]
_HEADS = {
    "detect": [[1, 2], 1, "Detect", ["nc"]],
    "segment": [[1, 2], 1, "Segment", ["nc", 4, 8]],
    "pose": [[1, 2], 1, "Pose", ["nc", "kpt_shape"]],
    "pose26": [[1, 2], 1, "Pose26", ["nc", "kpt_shape"]],
    "obb": [[1, 2], 1, "OBB", ["nc", 1]],
    "classify": [-1, 1, "Classify", ["nc"]],
    "semseg": [[1, 2], 1, "SemanticSegment", ["nc"]],
}


def write_model(task: str, folder: Path) -> Path:
    """Write a network of three convolutions and the task's head; beside that of poses one with YOLO26's."""
    for name in ("pose", "pose26") if task == "pose" else (task,):
        description = {"nc": len(NAMES), "backbone": _CONV, "head": [_HEADS[name]]}
        if task == "pose":
            description["kpt_shape"] = [4, 3]
        if name == "pose26":
            description |= {"reg_max": 1, "end2end": True}
        (folder / f"tiny_{name}.yaml").write_text(yaml.safe_dump(description))
    return folder / f"tiny_{task}.yaml"


def write_data(task: str, folder: Path, train: int = 4, val: int = 2) -> Path:
    """Write pictures of bright rectangles with the labels of a task; give what ``data`` names.

    Tasks with objects have two in a picture, the second of which covers a part of the first.
    """
    chance = np.random.default_rng(0)
    for split, count in (("train", train), ("val", val)):
        for number in range(count):
            label = number % len(NAMES)
            corners = _corners(chance, label)
            picture = chance.integers(0, 60, (SIDE, SIDE, 3), dtype=np.uint8)
            cv2.fillPoly(picture, [corners], [210, 190, 120 + 60 * label])
            cv2.circle(picture, [int(v) for v in corners[0]], 3, (20, 20, 250), -1)
            _WRITERS.get(task, _write_labels)(task, folder, split, number, label, corners, picture)
    if task == "classify":
        return folder
    data = {"path": str(folder), "train": "images/train", "val": "images/val", "names": NAMES}
    more = {
        "pose": {"kpt_shape": [4, 3], "flip_idx": [1, 0, 3, 2]},
        "semseg": {"masks_dir": "masks", "names": ["background", *NAMES]},
    }
    file = folder / "data.yaml"
    file.write_text(yaml.safe_dump(data | more.get(task, {})))
    return file


def _corners(chance: np.random.Generator, label: int) -> np.ndarray:
    """Draw a square or a bar, somewhat turned: 4 corners (4, 2) in pixels."""
    center, angle = chance.uniform(24, 40, 2), chance.uniform(0.1, 0.5)
    half = np.array((13, 13) if label == 0 else (18, 7))
    corners = np.array(((-1, -1), (1, -1), (1, 1), (-1, 1))) * half
    turn = np.array(((np.cos(angle), np.sin(angle)), (-np.sin(angle), np.cos(angle))))
    return np.round(corners @ turn + center).astype(np.int32)


def _write_labels(task, folder, split, number, label, corners, picture) -> None:
    inner = corners.mean(0) + (corners - corners.mean(0)) * 0.6 + (6, 2)
    rows = [_row(task, number, shape / SIDE) for number, shape in ((label, corners), (0, inner))]
    text = "".join(f"{number} {' '.join(f'{v:.5f}' for v in values)}\n" for number, values in rows)
    (folder / "labels" / split).mkdir(parents=True, exist_ok=True)
    (folder / "labels" / split / f"{number}.txt").write_text(text)
    _write_picture(folder / "images" / split / f"{number}.png", picture)


def _row(task: str, number: int, corners: np.ndarray) -> tuple[int, list[float]]:
    """Give a class and the values after it: outlines, or for poses a box with its corners as keypoints."""
    low, high = corners.min(0), corners.max(0)
    if task != "pose":
        return number, [*corners.ravel()]
    points = np.column_stack((corners, (2, 2, 2, 1)))
    return number, [*(low + high) / 2, *(high - low), *points.ravel()]


def _write_class(task, folder, split, number, label, corners, picture) -> None:
    _write_picture(folder / split / NAMES[label] / f"{number}.png", picture)


def _write_map(task, folder, split, number, label, corners, picture) -> None:
    classes = np.zeros((SIDE, SIDE), np.uint8)
    cv2.fillPoly(classes, [corners], label + 1)
    _write_picture(folder / "masks" / split / f"{number}.png", classes)
    _write_picture(folder / "images" / split / f"{number}.png", picture)


def _write_picture(path: Path, picture: np.ndarray) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    cv2.imwrite(str(path), picture)


_WRITERS = {"classify": _write_class, "semseg": _write_map}
