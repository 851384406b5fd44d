"""Prediction against what the field's library computes with the same weights on the same photographs."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from engine import YOLO
from engine.core.results import Results
from engine.ops.iou import box_iou
from engine.ops.rotated import batch_probiou
from engine.runtime.errors import ModelError
from tests.recorded import read_arrays

# name of the vectors -> folder of the photographs
PHOTOGRAPHS = {
    "yolo11n-seg": "coco8-seg/images/val",
    "yolo26n-seg": "coco8-seg/images/val",
    "yolo26n-sem": "coco8/images/val",
    "yolo11n-pose": "coco8-pose/images/val",
    "yolo11n-obb": "dota8/images/val",
    "yolo11n-cls": "imagenet10/val",
}
BOXES = ("yolo11n-seg", "yolo26n-seg", "yolo11n-pose")


class Vectors:
    """What is recorded under one name, and our predictions of the same, made once for each setting."""

    def __init__(self, shared: Path, name: str) -> None:
        self.name = name
        self.photographs = shared / "datasets" / PHOTOGRAPHS[name]
        self.recorded = read_arrays(shared / "vectors" / f"{name}.npz")
        self.model = YOLO(shared / "vectors" / f"{name}.pt")
        self._made: dict[str, Results] = {}

    def cases(self) -> list[str]:
        """Return ``[nmsfree_][c1e5_]IMAGE`` of each prediction."""
        keys = (key for key in self.recorded if key.startswith("pred."))
        return sorted({key.removeprefix("pred.").rpartition(".")[0] for key in keys})

    def ours(self, case: str) -> Results:
        """Return our prediction, as arrays."""
        if case not in self._made:
            options: dict[str, Any] = {"conf": 1e-5 if "c1e5_" in case else 0.001}
            if "nmsfree_" in case:
                options["nms"] = False
            image = case.rpartition("c1e5_")[2].removeprefix("nmsfree_")
            (file,) = self.photographs.rglob(f"{image}.*")
            size = 64 if self.name.endswith("-cls") else 320
            (found,) = self.model.predict(
                str(file), imgsz=size, iou=0.7, max_det=300, device="cpu", verbose=False, **options
            )
            self._made[case] = found.numpy()
        return self._made[case]

    def pairs(self, field: str) -> Iterator[tuple[Results, np.ndarray, str]]:
        """Yield our result, what is recorded of it under ``field``, and the case."""
        for case in self.cases():
            key = f"pred.{case}.{field}"
            if key in self.recorded:
                yield self.ours(case), self.recorded[key], case


@pytest.fixture(scope="module")
def vectors(shared_dir):
    made: dict[str, Vectors] = {}

    def get(name: str) -> Vectors:
        if name not in made:
            made[name] = Vectors(shared_dir, name)
        return made[name]

    return get


def one_to_one(overlap: np.ndarray, same: np.ndarray) -> np.ndarray:
    """Return for each recorded row (columns) the row of ours that is the same object, all different."""
    from scipy.optimize import linear_sum_assignment

    assert overlap.shape[0] == overlap.shape[1]
    rows, columns = linear_sum_assignment(-(overlap * same))
    order = np.empty(len(rows), dtype=int)
    order[columns] = rows
    assert (overlap[order, np.arange(len(order))] >= 0.99).all()
    assert same[order, np.arange(len(order))].all()
    return order


def matched(found: Any, overlap: np.ndarray, conf: np.ndarray, cls: np.ndarray) -> np.ndarray:
    close = np.abs(found.conf[:, None] - conf[None]) < 1e-3
    return one_to_one(overlap, close & (found.cls[:, None] == cls[None]))


def matched_boxes(vectors: Vectors, case: str) -> np.ndarray:
    ours = vectors.ours(case)
    xyxy, conf, cls = (vectors.recorded[f"pred.{case}.{key}"] for key in ("xyxy", "conf", "cls"))
    overlap = box_iou(torch.from_numpy(ours.boxes.xyxy), torch.from_numpy(xyxy)).numpy()
    return matched(ours.boxes, overlap, conf, cls)


@pytest.mark.parametrize("name", sorted(PHOTOGRAPHS))
def test_shapes_agree_and_nothing_recorded_is_left_out(vectors, name):
    known = (
        "orig_shape", "xyxy", "conf", "cls", "mask_shape", "mask_area", "polygon_npoints", "polygon_count",
        "keypoints", "obb_xywhr_conf_cls", "probs", "semantic_mask",
    )  # fmt: skip
    found = vectors(name)
    fields = {key.rpartition(".")[2] for key in found.recorded if key.startswith("pred.")}
    assert fields <= set(known)
    assert len(found.cases()) >= 4
    for ours, shape, _ in found.pairs("orig_shape"):
        assert ours.orig_shape == tuple(shape)


@pytest.mark.parametrize("name", BOXES)
def test_boxes_scores_and_classes_agree(vectors, name):
    found = vectors(name)
    counts = [len(matched_boxes(found, case)) for case in found.cases()]
    assert sum(counts) > 0


@pytest.mark.parametrize("name", ["yolo11n-seg", "yolo26n-seg"])
def test_masks_agree(vectors, name):
    found = vectors(name)
    for ours, shape, case in found.pairs("mask_shape"):
        order = matched_boxes(found, case)
        masks = ours.masks.data[order]
        assert masks.shape == tuple(shape)
        areas = found.recorded[f"pred.{case}.mask_area"]
        np.testing.assert_allclose(masks.sum((1, 2)), areas, rtol=0.001, atol=2)
        outlines = [outline for outline in ours.masks.xy if len(outline) > 2]
        assert len(outlines) == int(found.recorded[f"pred.{case}.polygon_count"])


def test_keypoints_agree(vectors):
    found = vectors("yolo11n-pose")
    for ours, keypoints, case in found.pairs("keypoints"):
        points = ours.keypoints.data[matched_boxes(found, case)]
        assert np.abs(points[..., :2] - keypoints[..., :2]).max() < 0.05
        assert np.abs(points[..., 2] - keypoints[..., 2]).max() < 1e-4


def test_oriented_boxes_agree(vectors):
    """All recorded ones are ours and the other way round, but where the order of equal scores decides.

    This briefly trained model gives many cells the same score to the last digits, and of two such boxes
    that overlap either may stay.
    """
    found = vectors("yolo11n-obb")
    agreed = 0
    for ours, rows, case in found.pairs("obb_xywhr_conf_cls"):
        distance = np.abs(ours.obb.data[:, None] - rows[None]).max(2)  # (ours, recorded)
        agreed += int((distance.min(0, initial=1) < 0.02).sum())
        only_ours = ours.obb.data[distance.min(1, initial=1) >= 0.02]
        only_theirs = rows[distance.min(0, initial=1) >= 0.02]
        everything = all_candidates(found, ours)
        for row in (*only_ours, *only_theirs):
            assert has_equal_rival(row, everything), f"{case}: {row}"
    assert agreed > 150


def all_candidates(found: Vectors, ours: Results) -> np.ndarray:
    """Return every cell's box in the result's image, before duplicates are removed: (A, 7) as `OBB.data`."""
    predictor = found.model.predictor
    images = predictor.preprocess([ours.orig_img])
    dense = predictor.inference(images)[0]  # (4 + nc + 1, A)
    score, label = dense[4:-1].max(0)
    rows = torch.cat((dense[:4].T, score[:, None], label[:, None].float(), dense[-1:].T), 1)
    return predictor.build_result(rows, images, 0, ours.orig_img, None).obb.data.numpy()


def has_equal_rival(row: np.ndarray, everything: np.ndarray) -> bool:
    """Tell whether another box of the class, its score the same to four digits, overlaps this one too much."""
    equal = np.abs(everything[:, 5] - row[5]) < 1e-4 * row[5]
    another = np.abs(everything[:, :5] - row[:5]).max(1) > 0.02
    rivals = everything[equal & another & (everything[:, 6] == row[6])]
    overlap = batch_probiou(torch.from_numpy(row[None, :5]), torch.from_numpy(rivals[:, :5]))
    return bool((overlap >= 0.7).any())


def test_probabilities_agree(vectors):
    for ours, probs, _ in vectors("yolo11n-cls").pairs("probs"):
        np.testing.assert_allclose(ours.probs.data, probs, atol=1e-4)
        assert ours.probs.top1 == probs.argmax()


def test_class_maps_agree(vectors):
    for ours, mask, _ in vectors("yolo26n-sem").pairs("semantic_mask"):
        assert ours.semantic_mask.shape == mask.shape
        assert (ours.semantic_mask.data != mask).mean() < 1e-4


def test_asking_a_model_without_such_a_branch_for_no_nms_is_refused(vectors):
    with pytest.raises(ModelError, match="one-to-one"):
        vectors("yolo11n-seg").model.predict(
            np.zeros((64, 64, 3), np.uint8), imgsz=64, nms=False, device="cpu", verbose=False
        )


def test_names_of_the_file_are_read(shared_dir):
    layout = json.loads((shared_dir / "vectors" / "yolo11n-seg.json").read_text())
    names = YOLO(shared_dir / "vectors" / layout["checkpoint"]).names
    assert len(names) == 80
    assert names[0] == "person"
