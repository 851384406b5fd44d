"""The utilities as the specification prints them: names, arguments and numbers."""

from __future__ import annotations

import time

import cv2
import numpy as np
import pytest
import torch

from engine.data.utils import (
    IMG_FORMATS,
    VID_FORMATS,
    autosplit,
    compress_one_image,
    polygon2mask,
)
from engine.utils.instance import Bboxes
from engine.utils.ops import (
    Profile,
    ltwh2xywh,
    ltwh2xyxy,
    make_divisible,
    scale_boxes,
    segments2boxes,
    xywh2ltwh,
    xywh2xyxy,
    xywhn2xyxy,
    xywhr2xyxyxyxy,
    xyxy2ltwh,
    xyxy2xywh,
    xyxy2xywhn,
    xyxyxyxy2xywhr,
)
from engine.utils.plotting import Annotator, colors

XYXY = np.array(
    [
        [22.878, 231.27, 804.98, 756.83],
        [48.552, 398.56, 245.35, 902.71],
        [669.47, 392.19, 809.72, 877.04],
        [221.52, 405.8, 344.98, 857.54],
        [0, 550.53, 63.01, 873.44],
        [0.0584, 254.46, 32.561, 324.87],
    ]
)
XYWH = np.array(
    [
        [413.93, 494.05, 782.1, 525.56],
        [146.95, 650.63, 196.8, 504.15],
        [739.6, 634.62, 140.25, 484.85],
        [283.25, 631.67, 123.46, 451.74],
        [31.505, 711.99, 63.01, 322.91],
        [16.31, 289.67, 32.503, 70.41],
    ]
)


def test_areas_and_conversion_of_boxes():
    boxes = Bboxes(bboxes=XYXY, format="xyxy")
    expected = [4.1104e05, 99216, 68000, 55772, 20347, 2288.5]
    np.testing.assert_allclose(boxes.areas(), expected, rtol=5e-5)
    boxes.convert("xywh")
    np.testing.assert_allclose(boxes.bboxes, XYWH, rtol=5e-5)
    np.testing.assert_allclose(xyxy2xywh(XYXY), XYWH, rtol=5e-5)


def test_boxes_of_a_resized_picture():
    new = scale_boxes((1080, 810), XYXY, (1296, 972), ratio_pad=None, padding=False, xywh=False)
    expected = [
        [27.454, 277.52, 965.98, 908.2],
        [58.262, 478.27, 294.42, 1083.3],
        [803.36, 470.63, 971.66, 1052.4],
        [265.82, 486.96, 413.98, 1029],
        [0, 660.64, 75.612, 1048.1],
        [0.0701, 305.35, 39.073, 389.84],
    ]
    np.testing.assert_allclose(new, expected, rtol=5e-4)


@pytest.mark.parametrize("kind", [np.asarray, torch.as_tensor], ids=["array", "tensor"])
def test_every_conversion(kind):
    box = kind(np.array([[10.0, 20.0, 50.0, 100.0]]))
    size = (200.0, 400.0)
    assert xyxy2ltwh(box).tolist() == [[10, 20, 40, 80]]
    assert ltwh2xyxy(xyxy2ltwh(box)).tolist() == box.tolist()
    assert xywh2ltwh(xyxy2xywh(box)).tolist() == [[10, 20, 40, 80]]
    assert ltwh2xywh(xyxy2ltwh(box)).tolist() == [[30, 60, 40, 80]]
    assert xywh2xyxy(xyxy2xywh(box)).tolist() == box.tolist()
    assert xyxy2xywhn(box, *size).tolist() == [[0.15, 0.15, 0.2, 0.2]]
    assert np.asarray(xywhn2xyxy(xyxy2xywhn(box, *size), *size)) == pytest.approx(np.asarray(box))


@pytest.mark.parametrize("kind", [np.float32, torch.tensor], ids=["array", "tensor"])
def test_rotated_boxes_and_their_corners(kind):
    boxes = np.array([[50.0, 40, 30, 10, 0.4], [20, 20, 8, 8, 0.0]], dtype=np.float32)
    corners = xywhr2xyxyxyxy(kind(boxes))
    for shape in ((2, 4, 2), (2, 8)):
        back = xyxyxyxy2xywhr(corners.reshape(shape))
        assert type(back) is type(corners)
        np.testing.assert_allclose(np.asarray(back), boxes, atol=1e-4)
    with pytest.raises(ValueError, match="corners"):
        xyxyxyxy2xywhr(kind(boxes))


def test_boxes_around_segments():
    """The printed boxes, of the corners that the shortened segments of the example must have had."""
    corners = (
        (675, 391.5, 808.31, 870.75),
        (54, 397.25, 239.62, 902.13),
        (222.75, 411.75, 340.87, 860.63),
    )
    segments = [np.array([[x1, y1], [x2, y1], [x2, y2], [x1, y2]]) for x1, y1, x2, y2 in corners]
    found = segments2boxes([s.reshape(-1, 2) for s in segments])
    assert found.dtype == np.float32
    expected = [
        [741.66, 631.12, 133.31, 479.25],
        [146.81, 649.69, 185.62, 504.88],
        [281.81, 636.19, 118.12, 448.88],
    ]
    np.testing.assert_allclose(found, expected, atol=0.01)


def test_whole_multiples():
    assert make_divisible(7, 3) == 9
    assert make_divisible(7, 2) == 8


def test_formats():
    assert {"tiff", "pfm", "bmp", "mpo", "dng", "jpeg", "png", "webp", "tif", "jpg"} == IMG_FORMATS
    assert {
        *("avi", "mpg", "wmv", "mpeg", "m4v", "mov", "mp4", "asf", "mkv", "ts", "gif", "webm")
    } == VID_FORMATS


def test_time_is_measured_also_where_the_named_device_is_missing():
    with Profile(device="cuda:0") as dt:
        time.sleep(0.01)
    assert str(dt).startswith("Elapsed time is ")
    assert str(dt).endswith(" s")
    assert 0.01 <= float(str(dt).split()[3]) < 10


def test_a_polygon_as_a_row_of_numbers_becomes_a_mask():
    polygon = np.array([200, 100, 600, 100, 600, 900, 200, 900])
    mask = polygon2mask((1080, 810), [polygon], color=255, downsample_ratio=1)
    assert mask.shape == (1080, 810)
    assert set(np.unique(mask)) == {0, 255}
    assert (mask == 255).sum() == 400 * 800
    assert polygon2mask((1080, 810), [polygon], downsample_ratio=2).shape == (540, 405)


def test_pictures_are_divided_and_made_smaller(tmp_path):
    folder = tmp_path / "images"
    folder.mkdir()
    for number in range(20):
        picture = np.full((30, 2400 if number == 0 else 40, 3), number, np.uint8)
        cv2.imwrite(str(folder / f"{number}.jpg"), picture)
    autosplit(path=str(folder), weights=(0.9, 0.1, 0.0), annotated_only=False)
    lists = {p.name: p.read_text().splitlines() for p in tmp_path.glob("autosplit_*.txt")}
    assert {name: len(rows) for name, rows in lists.items()} == {
        "autosplit_train.txt": 18,
        "autosplit_val.txt": 2,
    }
    for f in folder.rglob("*.jpg"):
        compress_one_image(f)
    assert cv2.imread(str(folder / "0.jpg")).shape[:2] == (24, 1920)
    assert cv2.imread(str(folder / "1.jpg")).shape[:2] == (30, 40)


def test_boxes_are_drawn_as_the_examples_do():
    image = np.zeros((300, 400, 3), np.uint8)
    ann = Annotator(image, line_width=None, font_size=None, font="Arial.ttf", pil=False)
    names = {0: "person", 5: "bus", 11: "stop sign"}
    for nb, box in enumerate(np.array([[5, 22.9, 31.3, 380, 256.8], [11, 0.1, 54.5, 32.6, 124.9]])):
        c_idx, *xyxy = box
        ann.box_label(
            xyxy, f"{str(nb).zfill(2)}:{names.get(int(c_idx))}", color=colors(c_idx, bgr=True)
        )
    assert (ann.result() == np.array(colors(5, bgr=True))).all(-1).sum() > 500
    turned = Annotator(np.zeros((300, 400, 3), np.uint8))
    obb = np.array([100, 50, 300, 100, 280, 180, 80, 130]).reshape(-1, 4, 2).squeeze()
    turned.box_label(obb, "small vehicle", color=colors(10.0, True), rotated=True)
    assert turned.result()[75, 200].any()  # on the upper edge, where no upright box has one
    for label in (turned.circle_label, turned.text_label):
        before = turned.result().copy()
        label(torch.tensor([100.0, 200.0, 200.0, 280.0]), label="bus")
        assert (turned.result() != before).any()
    width, height, area = turned.get_bbox_dimension(torch.tensor([10.0, 20.0, 40.0, 60.0]))
    assert (width.item(), height.item(), area.item()) == (30, 40, 1200)
