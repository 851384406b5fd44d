"""predictions.json: a validation's predictions as COCO's evaluation reads them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np

from engine.core.validation_record import Objects
from engine.runtime.paths import write_atomic


class CocoPredictions:
    """Collects predictions in COCO's result format; class numbers count from 1 there."""

    def __init__(self) -> None:
        self.rows: list[dict[str, Any]] = []

    def add(self, file: str, size_wh: tuple[int, int], found: Objects) -> None:
        """Take in one image's predictions."""
        image_id = image_id_of(file)
        scores = np.ones(len(found.boxes)) if found.scores is None else found.scores
        for i, number in enumerate(found.classes):
            row: dict[str, Any] = {
                "image_id": image_id,
                "file_name": Path(file).name,
                "category_id": int(number) + 1,
                "score": exact(scores[i]),
            }
            self.rows.append(row | self.place(found, i, size_wh))

    def place(self, found: Objects, i: int, size_wh: tuple[int, int]) -> dict[str, Any]:
        """Give the place of the ``i``-th object."""
        x1, y1, x2, y2 = (float(v) for v in found.boxes[i])
        place: dict[str, Any] = {"bbox": [round(v, 3) for v in (x1, y1, x2 - x1, y2 - y1)]}
        if found.masks is not None:
            place["segmentation"] = found.masks[i].encode(size_wh[::-1])
        if found.keypoints is not None:
            place["keypoints"] = _coco_points(found.keypoints[i])
        return place

    def write(self, path: Path) -> None:
        """Write the file."""
        write_atomic(path, json.dumps(self.rows))


def _coco_points(keypoints: np.ndarray) -> list[float]:
    """Give keypoints (K, 2 or 3) as COCO lists them: x, y and how surely the point is seen, one after the other."""
    sure = keypoints[:, 2:] if keypoints.shape[1] > 2 else np.ones((len(keypoints), 1))
    return (
        np.round(np.concatenate((keypoints[:, :2], sure), axis=1), 3).astype(float).ravel().tolist()
    )


def image_id_of(file: str | Path) -> int | str:
    """Give the id of an image as COCO's files have it: its name without ending, as a number where it is one."""
    stem = Path(file).stem
    return int(stem) if stem.isdecimal() else stem


def sort_key(file: str | Path) -> tuple[bool, int, str]:
    """Give what puts images in the order of their ids, numbers before names."""
    key = image_id_of(file)
    return (False, key, "") if isinstance(key, int) else (True, 0, key)


def exact(score: Any) -> float:
    """Give a score with all the digits that a float32 has: rounded scores would tie, and rank otherwise."""
    return float(f"{float(score):.9g}")
