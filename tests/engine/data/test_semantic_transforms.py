"""Picture and class map stay together through every change of place."""

from __future__ import annotations

from types import SimpleNamespace

import cv2
import numpy as np
import pytest

from engine.data.semantic_masks import IGNORED
from engine.data.transforms.letterbox import LetterBox
from engine.data.transforms.sample import FILL, Shapes
from engine.data.transforms.semantic import (
    MapSample,
    SemanticAugmentation,
    paste_rectangle,
    place_map,
    resize_map,
)

INKS = np.array(((250, 10, 20), (10, 240, 30), (20, 30, 230), (200, 200, 10)), np.uint8)
STILL = {"hsv_h": 0, "hsv_s": 0, "hsv_v": 0}


def drawn(number: int, side: int = 64) -> MapSample:
    """Return a picture in which each class has its own colour: blobs of three classes on a fourth."""
    rng = np.random.default_rng(number)
    height, width = (side, side * 3 // 4) if number % 2 else (side * 5 // 8, side)
    classes = np.full((height, width), 3, np.uint8)
    for label in (0, 1, 2):
        center = tuple(int(v) for v in rng.integers(0, (width, height)))
        cv2.circle(classes, center, side // 5, label, -1)
    return MapSample(INKS[classes], Shapes(), number, (height, width), class_map=classes)


def inside(classes: np.ndarray) -> np.ndarray:
    """Say which pixels have only their own class around them, two pixels wide."""
    kernel = np.ones((5, 5), np.uint8)
    border = {"borderType": cv2.BORDER_CONSTANT, "borderValue": 0}
    low = cv2.erode(classes, kernel, borderType=cv2.BORDER_REPLICATE)
    high = cv2.dilate(classes, kernel, **border)
    return low == high


@pytest.mark.parametrize(
    "given",
    [
        {},
        {"mosaic": 0.0},
        {"mosaic": 0.0, "scale": 0.0, "translate": 0.0, "fliplr": 1.0, "flipud": 1.0},
        {"degrees": 45.0, "shear": 10.0},
        {"mosaic": 0.0, "degrees": 180.0},
        {"perspective": 0.001},
    ],
    ids=["mosaic", "single", "mirrored", "turned mosaic", "turned", "tilted"],
)
def test_every_pixel_keeps_the_colour_of_its_class(given):
    augment = SemanticAugmentation.from_arguments(64, SimpleNamespace(**STILL, **given))
    seen, wrong, many = set(), 0, 0
    for number in range(20):
        sample = augment(number, drawn, range(20), np.random.default_rng(number))
        assert sample.image.shape == (64, 64, 3)
        assert sample.class_map.shape == (64, 64)
        sure = inside(sample.class_map)
        table = np.full((256, 3), FILL, np.uint8)
        table[: len(INKS)] = INKS
        off = np.abs(sample.image[sure].astype(int) - table[sample.class_map[sure]]).max(1)
        wrong, many = wrong + int((off > 2).sum()), many + len(off)
        seen |= set(np.unique(sample.class_map).tolist())
    assert seen >= {0, 1, 2, 3}
    assert many > 0.3 * 20 * 64 * 64
    # Slivers of less than a pixel tint a neighbour here and there.
    assert wrong < 0.0005 * many


@pytest.mark.parametrize("given", [{}, {"degrees": 30.0}, {"perspective": 0.0005}])
@pytest.mark.parametrize("channels", [1, 4, 6])
def test_other_numbers_of_channels_go_the_same_way(channels, given):
    rng = np.random.default_rng(0)
    inks = rng.integers(0, 255, (4, channels), dtype=np.uint8)

    def load(number: int) -> MapSample:
        sample = drawn(number)
        sample.image = inks[sample.class_map]
        return sample

    augment = SemanticAugmentation.from_arguments(64, SimpleNamespace(**STILL, **given))
    sample = augment(3, load, range(8), rng)
    assert sample.image.shape == (64, 64, channels)
    sure = inside(sample.class_map) & (sample.class_map != IGNORED)
    off = np.abs(sample.image[sure].astype(int) - inks[sample.class_map[sure]]).max(1)
    assert (off <= 2).mean() > 0.99


def test_cutmix_takes_part_where_it_is_asked_for():
    def plain(number: int) -> MapSample:
        classes = np.full((64, 64), number, np.uint8)
        return MapSample(INKS[classes], Shapes(), number, (64, 64), class_map=classes)

    mixed = SimpleNamespace(**STILL, mosaic=0.0, cutmix=1.0, scale=0.0, translate=0.0)
    augment = SemanticAugmentation.from_arguments(64, mixed)
    seen = [
        set(np.unique(augment(0, plain, [1, 2], np.random.default_rng(i)).class_map))
        for i in range(20)
    ]
    assert sum(len(s) > 1 for s in seen) > 10
    closed = augment(0, plain, [1, 2], np.random.default_rng(0), blends=False)
    assert set(np.unique(closed.class_map)) == {0}


def test_edges_of_classes_move_with_the_picture_to_within_half_a_pixel():
    """The boundary in the picture, where the colour is half of each, is that of the map."""
    classes = np.zeros((64, 64), np.uint8)
    classes[:, 31:] = 1
    image = np.repeat((classes * 200)[..., None], 3, 2)
    load = lambda i: MapSample(image, Shapes(), i, (64, 64), class_map=classes)  # noqa: E731
    given = SimpleNamespace(**STILL, mosaic=0.0, degrees=90.0, scale=0.3)
    augment = SemanticAugmentation.from_arguments(64, given)
    for number in range(20):
        sample = augment(number, load, [0], np.random.default_rng(number))
        known = sample.class_map != IGNORED
        guess = sample.image[..., 0] > 100
        frame = cv2.erode(known.astype(np.uint8), np.ones((3, 3), np.uint8)).astype(bool)
        differ = (guess != (sample.class_map == 1)) & frame
        # A straight edge crosses about 64 pixels; half a pixel off would make half of them differ.
        assert differ.sum() <= 12


def test_nothing_is_known_of_what_no_picture_covers():
    given = SimpleNamespace(**STILL, mosaic=0.0, scale=0.0, translate=0.0, fliplr=0.0)
    sample = SemanticAugmentation.from_arguments(64, given)(
        1, drawn, range(2), np.random.default_rng(0)
    )
    grey = (sample.image == FILL).all(2)
    assert grey[:, :8].all()  # a narrow picture in its letterbox
    assert (sample.class_map == IGNORED).tolist() == grey.tolist()


def test_mosaic_shows_four_pictures_and_closes():
    def plain(number: int) -> MapSample:
        classes = np.full((64, 64), number, np.uint8)
        return MapSample(INKS[classes], Shapes(), number, (64, 64), class_map=classes)

    augment = SemanticAugmentation.from_arguments(64, SimpleNamespace(**STILL))
    many = [augment(0, plain, range(4), np.random.default_rng(i)) for i in range(12)]
    assert max(len(set(np.unique(s.class_map)) - {IGNORED}) for s in many) >= 3
    alone = [augment(0, plain, range(4), np.random.default_rng(i), blends=False) for i in range(12)]
    assert {int(v) for s in alone for v in np.unique(s.class_map)} == {0, IGNORED}


def test_colors_change_and_classes_do_not():
    quiet = SemanticAugmentation.from_arguments(64, SimpleNamespace(**STILL))
    loud = SemanticAugmentation.from_arguments(64, SimpleNamespace(hsv_h=0.2, hsv_s=0.7, hsv_v=0.4))
    a = quiet(3, drawn, range(8), np.random.default_rng(1))
    b = loud(3, drawn, range(8), np.random.default_rng(1))
    assert (a.image != b.image).any()
    assert (a.class_map == b.class_map).all()


def test_pictures_given_are_not_changed():
    kept = {i: drawn(i) for i in range(4)}
    before = {i: (s.image.copy(), s.class_map.copy()) for i, s in kept.items()}
    augment = SemanticAugmentation.from_arguments(64, SimpleNamespace())
    for number in range(8):
        augment(number % 4, kept.__getitem__, range(4), np.random.default_rng(number))
    for i, (image, classes) in before.items():
        assert (kept[i].image == image).all()
        assert (kept[i].class_map == classes).all()


def test_a_pasted_rectangle_takes_its_classes_along():
    blank = np.zeros((40, 60), np.uint8)
    shares = []
    for number in range(30):
        first = MapSample(INKS[blank], Shapes(), 0, (40, 60), class_map=blank.copy())
        second = MapSample(INKS[blank + 1], Shapes(), 1, (40, 60), class_map=blank + 1)
        paste_rectangle(first, second, np.random.default_rng(number))
        assert (first.image == INKS[first.class_map]).all()
        shares.append(first.class_map.mean())
    assert 0.2 < np.mean(shares) < 0.6
    assert min(shares) < 0.1


def test_the_letterbox_of_a_map_is_that_of_its_picture():
    sample = drawn(1)
    placed = LetterBox((96, 128)).placement(*sample.size)
    classes = place_map(sample.class_map, placed)
    image = LetterBox((96, 128))(sample.image)
    sure = inside(classes)
    table = np.full((256, 3), FILL, np.uint8)
    table[: len(INKS)] = INKS
    assert np.abs(image[sure].astype(int) - table[classes[sure]]).max() <= 2
    assert (classes[:, :10] == IGNORED).all()


def test_resizing_a_map_takes_the_pixel_at_the_centre():
    classes = np.arange(36, dtype=np.uint8).reshape(6, 6)
    assert resize_map(classes, (2, 2)).tolist() == [[7, 10], [25, 28]]
    assert resize_map(classes, (6, 6)) is classes
