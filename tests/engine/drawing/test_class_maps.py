"""Pictures and charts of class maps: looked at by their pixels."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
import torch

from engine.drawing.class_maps import draw_class_map, plot_class_pixels, plot_class_scores
from engine.drawing.mosaic import plot_images
from engine.drawing.palette import colors

NAMES = {0: "sky", 1: "road", 2: "car"}


def halves(height: int = 200, width: int = 300) -> np.ndarray:
    classes = np.zeros((height, width), np.uint8)
    classes[height // 2 :] = 1
    classes[:, :20] = 255
    return classes


def test_pixels_take_half_the_colour_of_their_class_and_unknown_ones_none():
    picture = np.full((200, 300, 3), 100, np.uint8)
    draw_class_map(picture, halves(), NAMES)
    sky, road = (np.array(colors(i, bgr=True)) for i in (0, 1))
    assert np.abs(picture[5, 290] - (100 + sky) / 2).max() <= 1
    assert np.abs(picture[195, 290] - (100 + road) / 2).max() <= 1
    assert (picture[:, :20] == 100).all()


def test_names_stand_in_large_regions_only():
    plain, named = (np.full((200, 300, 3), 100, np.uint8) for _ in range(2))
    classes = halves()
    classes[10:14, 200:204] = 2
    draw_class_map(plain, classes, {0: "", 1: "", 2: ""})
    draw_class_map(named, classes, NAMES)
    rows = np.flatnonzero((plain != named).any((1, 2)))
    assert (rows < 100).any()
    assert (rows > 100).any()
    assert (plain[6:18, 196:208] == named[6:18, 196:208]).all()


def test_batches_are_drawn_with_their_maps_at_any_size(tmp_path):
    batch = {
        "img": torch.full((3, 3, 64, 96), 0.4),
        "class_maps": [
            torch.zeros(64, 96, dtype=torch.long),
            torch.ones(8, 12),
            torch.full((64, 96), 255),
        ],
        "im_file": ["a/one.png", "two.png", "three.png"],
    }
    picture = plot_images(batch, fname=tmp_path / "batch.png", names=NAMES)
    height, width = picture.shape[0] // 2, picture.shape[1] // 2
    for i, label in enumerate((0, 1, None)):
        y, x = i // 2 * height + height - 30, i % 2 * width + width - 30
        ground = np.array([102.0] * 3)
        expected = ground if label is None else (ground + colors(label, bgr=True)) / 2
        assert np.abs(picture[y, x] - expected).max() <= 1
    assert (cv2.imread(str(tmp_path / "batch.png")) == picture).all()


@pytest.mark.parametrize("scores", [[0.5, np.nan, 1.0], [np.nan] * 3, np.linspace(0.2, 1, 100)])
def test_bar_chart_shows_the_classes_that_occur(scores, tmp_path):
    scores = np.array(scores)
    path = plot_class_scores(scores, NAMES, tmp_path)
    picture = cv2.imread(str(path))
    assert path.name == "iou_bar_chart.png"
    for label in range(min(len(scores), 3)):
        ink = np.array(colors(label, bgr=True))
        drawn = (np.abs(picture.astype(int) - ink).max(2) <= 2).sum() > 500
        assert drawn == (not np.isnan(scores[label]))


def test_shares_of_classes_are_drawn(tmp_path):
    pixels = np.array([[90, 10, 0], [50, 50, 0]])
    picture = cv2.imread(str(plot_class_pixels(pixels, NAMES, tmp_path)))
    inks = [np.array(colors(i, bgr=True)) for i in range(3)]
    areas = [(np.abs(picture.astype(int) - ink).max(2) <= 12).sum() for ink in inks]
    assert areas[0] > 1.2 * areas[1] > 0
    assert areas[2] < 0.01 * areas[1]
