"""Labels of oriented boxes on their way into batches: pixels and boxes agree whatever the picture goes through."""

from __future__ import annotations

import math
from pathlib import Path
from types import SimpleNamespace

import cv2
import numpy as np
import pytest

from engine.data.dataset import YOLODataset
from engine.data.labels.cache import verify_images_cached
from engine.data.labels.parse import parse_label_text
from engine.ops.rectangles import rectangles_around
from engine.ops.rotated import xywhr2xyxyxyxy

SIDE = 96
STILL = dict.fromkeys(
    ("mosaic", "mixup", "copy_paste", "hsv_h", "hsv_s", "hsv_v", "degrees", "translate"), 0.0
) | dict.fromkeys(("scale", "shear", "perspective", "flipud", "fliplr"), 0.0)
PLANE = {0: "plane"}


def _corners(angle: float, centre: tuple[float, float], size: tuple[float, float]) -> np.ndarray:
    return xywhr2xyxyxyxy(np.array((*centre, *size, angle)))


def _line(corners: np.ndarray) -> str:
    return "0 " + " ".join(f"{v:.6f}" for v in (corners / SIDE).ravel()) + "\n"


def _write(root: Path, boxes: list[list[np.ndarray]]) -> Path:
    """Write pictures of bright turned bars with their corners as labels; return their folder."""
    for kind in ("images", "labels"):
        (root / kind).mkdir(parents=True)
    for number, bars in enumerate(boxes):
        picture = np.full((SIDE, SIDE, 3), 20, np.uint8)
        for corners in bars:
            # OpenCV counts from the centres of pixels
            cv2.fillPoly(picture, [np.round((corners - 0.5) * 16).astype(np.int32)], (250, 250, 250), shift=4)  # fmt: skip
        cv2.imwrite(str(root / "images" / f"{number}.png"), picture)
        (root / "labels" / f"{number}.txt").write_text("".join(map(_line, bars)))
    return root / "images"


@pytest.fixture(scope="module")
def bars(tmp_path_factory) -> Path:
    """Four pictures with a bar each."""
    random = np.random.default_rng(0)
    return _write(
        tmp_path_factory.mktemp("bars"),
        [[_corners(a, tuple(random.uniform(40, 56, 2)), (44, 14))] for a in (0.0, 0.4, 1.1, 2.3)],
    )


def _dataset(folder: Path, augment: bool = True, **changes) -> YOLODataset:
    return YOLODataset(
        folder, imgsz=SIDE, data={"nc": 1, "names": PLANE}, task="obb", augment=augment,
        hyp=SimpleNamespace(**{**STILL, **changes}),
    )  # fmt: skip


def _agreement(sample) -> float:
    """Return the IoU of the bright pixels with the labelled boxes."""
    bright = (sample["img"].permute(1, 2, 0).numpy() > 140).all(2)
    drawn = np.zeros(bright.shape, np.uint8)
    height, width = bright.shape
    boxes = sample["bboxes"].numpy() * (width, height, width, height, 1)
    for corners in xywhr2xyxyxyxy(boxes):
        cv2.fillPoly(drawn, [np.round((corners - 0.5) * 16).astype(np.int32)], 1, shift=4)
    return (bright & (drawn > 0)).sum() / (bright | (drawn > 0)).sum()


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"degrees": 180.0},
        {"fliplr": 1.0},
        {"flipud": 1.0},
        {"scale": 0.4, "translate": 0.1},
        {"degrees": 30.0, "scale": 0.2},
    ],
    ids=lambda changes: "+".join(changes) or "as it is",
)
def test_boxes_cover_what_they_label(bars, changes):
    dataset = _dataset(bars, **changes)
    seen = [_agreement(dataset[i, epoch, True]) for i in range(4) for epoch in range(4)]
    assert np.mean(seen) > 0.9
    assert min(seen) > 0.75


@pytest.mark.parametrize("changes", [{"shear": 15.0}, {"perspective": 0.001}], ids=["lean", "tilt"])
def test_boxes_of_what_is_no_rectangle_any_more_are_the_smallest_around_it(bars, changes):
    dataset = _dataset(bars, **changes)
    for key in [(i, epoch, True) for i in range(4) for epoch in range(3)]:
        sample = dataset[key]
        bright = (sample["img"][0] > 140).numpy()
        rows, columns = bright.nonzero()
        (expected,) = rectangles_around([np.stack((columns, rows), 1) + 0.5])
        (box,) = sample["bboxes"].numpy() * (SIDE, SIDE, SIDE, SIDE, 1)
        assert box[:2] == pytest.approx(expected[:2], abs=1.5)
        assert sorted(box[2:4]) == pytest.approx(sorted(expected[2:4]), abs=3)


def test_mosaics_join_boxes_with_their_pictures(bars):
    dataset = _dataset(bars, mosaic=1.0, scale=0.2, degrees=20.0)
    samples = [dataset[i, epoch, True] for i in range(4) for epoch in range(6)]
    assert max(len(s["cls"]) for s in samples) > 1
    assert np.mean([_agreement(s) for s in samples if len(s["cls"])]) > 0.75


def test_what_the_border_cuts_off_is_not_part_of_the_box_in_training(tmp_path):
    upright = _corners(0.0, (90, 48), (40, 20))  # from 70 to 110 of 96
    folder = _write(tmp_path, [[upright]])
    (box,) = _dataset(folder)[0, 0, False]["bboxes"].numpy() * (SIDE, SIDE, SIDE, SIDE, 1)
    assert sorted(box[2:4]) == pytest.approx((20, 26), abs=0.1)
    (box,) = _dataset(folder, augment=False)[0]["bboxes"].numpy() * (SIDE, SIDE, SIDE, SIDE, 1)
    assert sorted(box[2:4]) == pytest.approx((20, 40), abs=0.1)
    assert box[0] == pytest.approx(90, abs=0.1)


def test_a_batch_has_five_values_a_box(bars):
    dataset = _dataset(bars, augment=False)
    batch = dataset.collate_fn([dataset[i] for i in range(4)])
    assert batch["bboxes"].shape == (4, 5)
    turned = np.degrees(batch["bboxes"][:, 4].numpy()) % 90
    np.testing.assert_allclose(np.minimum(turned, 90 - turned), np.degrees((0, 0.4, math.pi / 2 - 1.1, 2.3 - math.pi / 2)), atol=0.1)  # fmt: skip


def test_boxes_and_outlines_serve_as_oriented_boxes(tmp_path):
    folder = _write(tmp_path, [[], []])
    (tmp_path / "labels" / "0.txt").write_text("0 0.5 0.5 0.4 0.2\n")
    outline = _corners(0.5, (48, 48), (40, 20))
    more = np.concatenate((outline, (outline[:1] + outline[-1:]) / 2))
    (tmp_path / "labels" / "1.txt").write_text(_line(more))
    dataset = _dataset(folder, augment=False)
    boxes = [dataset[i]["bboxes"][0].numpy() * (SIDE, SIDE, SIDE, SIDE, 1) for i in range(2)]
    assert sorted(boxes[0][2:4]) == pytest.approx(sorted((0.4 * SIDE, 0.2 * SIDE)), abs=0.01)
    assert sorted(boxes[1][2:4]) == pytest.approx((20, 40), abs=0.01)
    assert [p.reason for p in dataset.problems if "copy" not in p.reason] == [
        "1 objects have only a box; it is taken as an oriented box that is not turned."
    ]


def test_slivers_are_no_objects(tmp_path):
    folder = _write(
        tmp_path, [[_corners(0.7, (48, 48), (60, 0.3)), _corners(0.7, (30, 30), (20, 9))]]
    )
    assert len(_dataset(folder, augment=False)[0]["cls"]) == 1


def test_corners_stay_where_they_are():
    corners = _corners(0.3, (90, 40), (40, 20))
    assert (corners > SIDE).any()
    text = _line(corners)
    (kept,), problems = parse_label_text(text, 1, oriented=True)
    np.testing.assert_allclose(kept.polygon * SIDE, corners, atol=1e-3)
    assert problems == []
    (cut,), problems = parse_label_text(text, 1)
    assert cut.polygon.max() <= 1
    assert [p.kind for p in problems] == ["changed"]


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("0 1.2 0.1 1.4 0.1 1.4 0.3 1.2 0.3", "outside the picture"),
        ("0 12 10 40 10 40 30 12 30", "looks like pixels"),
        ("0 0.1 0.1 0.2 0.2 0.3 0.3 0.4 0.4", "no area"),
        ("0 0.1 0.1 0.2 0.2 0.3 0.3 0.4", "Expected a class"),
    ],
)
def test_lines_that_are_no_boxes_say_why(text, reason):
    rows, (problem,) = parse_label_text(text, 1, oriented=True)
    assert rows == []
    assert reason in problem.reason


def test_corners_in_any_order_are_one_box_and_no_crossing():
    corners = _corners(0.3, (40, 40), (40, 20))
    (row,), problems = parse_label_text(_line(corners[[0, 2, 1, 3]]), 1, oriented=True)
    assert problems == []
    (box,) = rectangles_around([row.polygon * SIDE])
    assert sorted(box[2:4]) == pytest.approx((20, 40), abs=0.01)


def test_the_cache_keeps_outlines_and_corners_apart(tmp_path):
    folder = _write(tmp_path, [[_corners(0.3, (90, 40), (40, 20))]])
    images = sorted(folder.iterdir())
    for oriented in (False, True, False, True):
        row = verify_images_cached(images, 1, oriented=oriented)[0].rows[0]
        assert (row.polygon.max() > 1) == oriented


def test_all_boxes_of_dota8_are_read(shared_dir):
    folder = shared_dir / "datasets" / "dota8"
    counts = []
    for split in ("train", "val"):
        images = sorted((folder / "images" / split).iterdir())
        results = verify_images_cached(images, 15, oriented=True)
        counts.append(sum(len(r.rows) for r in results))
        assert not any(r.problems for r in results)
    assert counts == [125, 8]
