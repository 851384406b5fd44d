from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import ImageShow

from engine.core.results import Boxes, Masks, Results

NAMES = {0: "nut", 1: "bolt"}


def _result(masks: bool = True) -> Results:
    image = np.full((40, 60, 3), 90, np.uint8)
    boxes = torch.tensor(
        [[10.0, 5, 30, 25, 0.9, 1], [40, 10, 50, 30, 0.5, 0], [0, 0, 4, 4, 0.4, 1]]
    )
    planes = torch.zeros(3, 40, 60, dtype=torch.uint8)
    planes[0, 5:25, 10:30] = 1
    planes[1, 10:30, 40:50] = 1
    return Results(image, "parts/a.png", NAMES, boxes=boxes, masks=planes if masks else None)


def test_boxes_in_all_units():
    boxes = _result().boxes
    assert boxes.xywh[0].tolist() == [20, 15, 20, 20]
    torch.testing.assert_close(boxes.xyxyn[0], torch.tensor([10 / 60, 5 / 40, 30 / 60, 25 / 40]))
    torch.testing.assert_close(boxes.xywhn[1], torch.tensor([45 / 60, 20 / 40, 10 / 60, 20 / 40]))
    assert boxes.cls.tolist() == [1, 0, 1]
    assert boxes.conf.tolist() == pytest.approx([0.9, 0.5, 0.4])
    assert boxes.id is None


def test_track_numbers_stand_before_the_confidence():
    boxes = Boxes(torch.tensor([[0.0, 0, 2, 2, 7, 0.5, 1]]), (4, 4))
    assert boxes.is_track
    assert boxes.id.tolist() == [7]
    assert boxes.conf.tolist() == [0.5]


def test_one_box_may_come_as_a_row_and_wrong_widths_are_refused():
    assert len(Boxes(torch.zeros(6), (4, 4))) == 1
    with pytest.raises(ValueError, match="6 or 7"):
        Boxes(torch.zeros(2, 5), (4, 4))


def test_outlines_enclose_exactly_the_masks_pixels():
    masks = _result().masks
    outline = masks.xy[0]
    assert outline.min(0).tolist() == [10, 5]
    assert outline.max(0).tolist() == [30, 25]
    np.testing.assert_allclose(masks.xyn[0].max(0), [30 / 60, 25 / 40])
    assert masks.xy[2].shape == (0, 2)


def test_outlines_of_letterboxed_masks_are_in_the_originals_pixels():
    masks = torch.zeros(1, 64, 64)  # a 40 x 80 image at 0.8 with 16 rows of border above and below
    masks[0, 24:40, 8:40] = 1
    outline = Masks(masks, (40, 80)).xy[0]
    np.testing.assert_allclose([outline.min(0), outline.max(0)], [[10, 10], [50, 30]])


def test_indexing_and_moving_act_on_all_parts():
    result = _result()
    assert len(result) == 3
    picked = result[1:]
    assert len(picked.boxes) == len(picked.masks) == 2
    assert isinstance(result.numpy().boxes.data, np.ndarray)
    assert isinstance(result.numpy().boxes.xywhn, np.ndarray)
    assert result.to(torch.float64).boxes.data.dtype == torch.float64
    assert result.cpu().masks.data.dtype == torch.uint8
    assert result.path == picked.path == "parts/a.png"


def test_bfloat16_which_numpy_lacks_is_drawn_and_written(tmp_path):
    result = _result().to(torch.bfloat16)
    assert result.boxes.data.dtype == torch.bfloat16
    assert result.numpy().boxes.data.dtype == np.float32
    assert result.plot().shape == result.orig_img.shape
    assert len(result.summary()) == len(result)
    assert Path(result.save_txt(tmp_path / "a.txt")).read_text()


def test_words_count_by_class():
    assert _result().verbose() == "1 nut, 2 bolts, "
    assert _result()[:0].verbose() == "(no detections), "


def test_label_text_has_outlines_where_there_are_and_boxes_elsewhere(tmp_path):
    path = _result().save_txt(tmp_path / "labels" / "a.txt", save_conf=True)
    lines = [line.split() for line in Path(path).read_text().splitlines()]
    assert [line[0] for line in lines] == ["1", "0", "1"]
    assert lines[0][-1] == "0.9"
    assert len(lines[0]) == 1 + 8 + 1
    assert len(lines[2]) == 1 + 4 + 1  # its mask is empty
    plain = _result(masks=False).save_txt(tmp_path / "b.txt")
    assert Path(plain).read_text().splitlines()[0] == "1 0.333333 0.375 0.333333 0.5"


def test_nothing_found_writes_no_file(tmp_path):
    _result()[:0].save_txt(tmp_path / "a.txt")
    assert not (tmp_path / "a.txt").exists()


def test_summary_is_json_with_pixels_or_fractions():
    rows = json.loads(_result().to_json())
    assert rows[0]["name"] == "bolt"
    assert rows[0]["box"] == {"x1": 10, "y1": 5, "x2": 30, "y2": 25}
    assert set(rows[0]["segments"]) == {"x", "y"}
    assert "segments" not in _result(masks=False).summary()[0]
    assert _result().summary(normalize=True)[0]["box"]["x2"] == 0.5


def test_crops_stay_in_their_folder_whatever_the_classes_are_called(tmp_path):
    result = _result(masks=False)
    result.names = {0: "../../nut", 1: "/tmp/tv: bolt"}
    result.save_crop(tmp_path / "run" / "crops", "a.png")
    written = sorted(p.relative_to(tmp_path).as_posix() for p in tmp_path.rglob("*.jpg"))
    assert written == [
        "run/crops/.._.._nut/a2.jpg",
        "run/crops/_tmp_tv_ bolt/a.jpg",
        "run/crops/_tmp_tv_ bolt/a3.jpg",
    ]
    result.names = {0: "..", 1: "."}
    result.save_crop(tmp_path / "run" / "dots", "a.png")
    assert {p.name for p in (tmp_path / "run" / "dots").iterdir()} == {"_..", "_."}


def test_no_crop_replaces_another(tmp_path):
    result = _result(masks=False)
    for _ in range(4):
        result.save_crop(tmp_path)
    written = sorted(p.relative_to(tmp_path).as_posix() for p in tmp_path.rglob("*.jpg"))
    assert len(written) == 4 * len(result)
    bolts = [name for name in written if name.startswith("bolt/")]
    assert {"bolt/im.jpg", "bolt/im2.jpg", "bolt/im3.jpg"} <= set(bolts)


def test_a_picture_that_no_viewer_shows_is_said(monkeypatch, caplog):
    monkeypatch.setattr(ImageShow, "_viewers", [])
    _result().show()
    assert "No viewer" in caplog.text
