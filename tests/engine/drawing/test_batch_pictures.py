from __future__ import annotations

import cv2
import numpy as np
import pytest
import torch

from engine.drawing.mosaic import plot_images, write_picture
from engine.drawing.palette import colors


def _batch(images=3, **more):
    return {
        "img": torch.zeros(images, 3, 64, 96, dtype=torch.uint8),
        "batch_idx": torch.tensor([0.0, 0, 2]),
        "cls": torch.tensor([[0.0], [1], [2]]),
        "bboxes": torch.tensor([[0.25, 0.5, 0.2, 0.4], [0.7, 0.5, 0.3, 0.3], [0.5, 0.5, 0.5, 0.5]]),
        "im_file": [f"folder/{i}.jpg" for i in range(images)],
        **more,
    }


def _cells(picture, rows, columns):
    height, width = picture.shape[0] // rows, picture.shape[1] // columns
    return [
        picture[r * height : (r + 1) * height, c * width : (c + 1) * width]
        for r in range(rows)
        for c in range(columns)
    ]


def _has(cell, label):
    return (np.abs(cell.astype(int) - colors(label, bgr=True)).max(2) < 3).any()


def test_each_image_gets_its_objects_and_empty_places_stay_white(tmp_path):
    picture = plot_images(_batch(), tmp_path / "batch.png", {0: "nut", 1: "bolt", 2: "gear"})
    cells = _cells(picture, 2, 2)
    assert [[_has(cell, label) for label in range(3)] for cell in cells[:3]] == [
        [True, True, False], [False, False, False], [False, False, True],
    ]  # fmt: skip
    assert (cells[3][5:, 5:] == 255).all()
    np.testing.assert_array_equal(cv2.imread(str(tmp_path / "batch.png")), picture)


def test_large_batches_are_cut_and_shrunk_and_small_images_enlarged():
    batch = {"img": torch.rand(20, 3, 320, 320)}
    picture = plot_images(batch, max_images=9, max_side=600)
    assert picture.shape == (600, 600, 3)
    assert max(plot_images({"img": np.zeros((1, 3, 32, 64), np.uint8)}).shape) == 480


def test_colours_are_those_of_the_image():
    image = torch.zeros(1, 3, 64, 64)
    image[:, 0] = 1.0  # red, as floats
    assert plot_images({"img": image})[30, 30].tolist() == [0, 0, 255]


@pytest.mark.parametrize("overlap", [True, False])
def test_masks_of_either_kind_are_tinted(overlap):
    index = torch.zeros(3, 16, 24, dtype=torch.uint8)
    index[0, :8], index[0, 8:], index[2, 4:12, 6:18] = 1, 2, 1
    own = torch.stack([index[0] == 1, index[0] == 2, index[2] == 1]).float()
    batch = _batch(masks=index if overlap else own)
    batch["bboxes"] = torch.full((3, 4), 0.01)  # out of the way
    cell = _cells(plot_images(batch), 2, 2)[0]
    height, width = cell.shape[:2]
    for row, label in ((height // 4, 0), (3 * height // 4, 1)):
        half = np.array(colors(label, bgr=True)) / 2
        np.testing.assert_allclose(cell[row, width // 2], half, atol=2)


def test_one_mask_an_object_is_told_from_numbers_also_when_counts_are_equal():
    index = torch.zeros(3, 16, 24, dtype=torch.uint8)
    index[0, :8], index[0, 8:], index[2] = 1, 2, 1
    own = torch.zeros(3, 16, 24)
    own[0, :8], own[1, 8:], own[2] = 1, 1, 1
    pictures = [plot_images(_batch(masks=masks)) for masks in (index, own)]
    np.testing.assert_array_equal(*pictures)


def test_unsure_predictions_are_left_out():
    picture = plot_images(_batch(conf=torch.tensor([0.9, 0.1, 0.2])))
    cells = _cells(picture, 2, 2)
    assert _has(cells[0], 0)
    assert not _has(cells[0], 1)
    assert not _has(cells[2], 2)


def test_a_picture_is_written_whole_or_not_at_all(tmp_path):
    with pytest.raises(ValueError, match="ends like a picture"):
        write_picture(tmp_path / "picture.nothing", np.zeros((4, 4, 3), np.uint8))
    assert list(tmp_path.iterdir()) == []
    write_picture(tmp_path / "größe 图.jpg", np.zeros((4, 4, 3), np.uint8))
    assert [p.name for p in tmp_path.iterdir()] == ["größe 图.jpg"]
