from __future__ import annotations

import pickle
from types import SimpleNamespace

import cv2
import numpy as np
import pytest

from engine.data.transforms.affine import RandomPerspective, warped
from engine.data.transforms.blend import mirrored, mixup, paste_shapes
from engine.data.transforms.compose import Augmentation
from engine.data.transforms.format import Format, collate
from engine.data.transforms.hsv import RandomHSV
from engine.data.transforms.letterbox import LetterBox
from engine.data.transforms.montage import montage
from engine.data.transforms.mosaic import Mosaic
from engine.data.transforms.sample import FILL, Sample, Shapes, join_shapes
from engine.ops.boxes import scale_boxes
from engine.ops.raster import polygons2masks

RED = (40, 40, 220)


def shapes_of(*rings, classes=None):
    segments = [np.array(r, np.float32) for r in rings]
    boxes = [np.concatenate((s.min(0), s.max(0))) for s in segments]
    return Shapes(
        np.array(classes or [0] * len(rings), np.float32),
        np.array(boxes, np.float32).reshape(-1, 4),
        np.concatenate([*segments, np.zeros((0, 2), np.float32)]),
        np.array([len(s) for s in segments], np.int64),
    )


def drawn(width=64, height=48, index=0):
    """A blue picture with red triangles exactly where the outlines say."""
    rings = [[(8, 8), (30, 10), (12, 34)], [(36, 20), (60, 24), (48, 44)]]
    image = np.full((height, width, 3), (200, 60, 30), np.uint8)
    masks = polygons2masks((height, width), [np.array(r) for r in rings])
    image[masks.any(0)] = RED
    return Sample(image, shapes_of(*rings, classes=[0, 1]), index, (height, width))


def agreement(sample):
    """IoU of the red pixels with the outlines."""
    red = sample.image[..., 2].astype(int) - sample.image[..., 0] > 30
    masks = polygons2masks(sample.size, sample.shapes.segments)
    truth = masks.any(0) if len(masks) else np.zeros(sample.size, bool)
    return (red & truth).sum() / max((red | truth).sum(), 1)


def check_boxes(shapes):
    for box, segment in zip(shapes.boxes, shapes.segments, strict=True):
        assert np.allclose(box, np.concatenate((segment.min(0), segment.max(0))), atol=1e-3)


def test_selecting_keeps_outlines_together():
    shapes = shapes_of(
        [(0, 0), (4, 0), (4, 4)], [(1, 1), (2, 1), (2, 2), (1, 2)], [(5, 5), (9, 5), (9, 9)]
    )
    picked = shapes.select(np.array([2, 0]))
    assert [len(s) for s in picked.segments] == [3, 3]
    assert picked.segments[0][0].tolist() == [5, 5]
    assert len(shapes.select(np.array([False, True, False])).segments[0]) == 4
    assert len(shapes.select(np.zeros(3, bool))) == 0
    assert shapes.select(np.zeros(3, bool)).segments == []
    assert len(join_shapes([shapes, Shapes(), picked])) == 5


def test_objects_with_only_a_box_pass_every_step():
    boxes = np.array([[2, 2, 10, 10], [50, 40, 90, 80]], np.float32)
    shapes = Shapes(
        np.zeros(2, np.float32), boxes, np.zeros((0, 2), np.float32), np.zeros(2, np.int64)
    )
    assert shapes.moved((2, 2), (1, 0)).boxes[0].tolist() == [5, 4, 21, 20]
    assert shapes.moved((-1, 1), (100, 0)).boxes[0].tolist() == [90, 2, 98, 10]
    assert shapes.clipped((0, 0, 64, 64)).boxes.tolist() == [[2, 2, 10, 10], [50, 40, 64, 64]]
    turned = shapes.mapped(np.array([[0, -1, 100], [1, 0, 0], [0, 0, 1.0]]))
    assert turned.boxes[0].tolist() == [90, 2, 98, 10]


@pytest.mark.parametrize(
    ("box", "kept"),
    [
        ((-9, 2, 10, 10), True),
        ((-95, 2, 5, 10), False),
        ((70, 2, 90, 10), False),
        ((2, 2, 3, 30), False),
    ],
)
def test_too_little_left_is_dropped(box, kept):
    x1, y1, x2, y2 = box
    ring = [(x1, y1), (x2, y1), (x2, y2), (x1, y2)]
    assert len(shapes_of(ring).clipped((0, 0, 64, 64))) == kept
    only_box = Shapes(
        np.zeros(1, np.float32),
        np.array([box], np.float32),
        np.zeros((0, 2), np.float32),
        np.zeros(1, np.int64),
    )
    assert len(only_box.clipped((0, 0, 64, 64))) == kept


@pytest.mark.parametrize(
    ("options", "size", "expected"),
    [
        ({"new_shape": 64}, (48, 64), (48, 64, 8, 0, 64, 64)),
        ({"new_shape": 64}, (64, 48), (64, 48, 0, 8, 64, 64)),
        ({"new_shape": (32, 96)}, (64, 64), (32, 32, 0, 32, 32, 96)),
        ({"new_shape": 640, "auto": True}, (1080, 810), (640, 480, 0, 0, 640, 480)),
        ({"new_shape": 64, "scaleup": False}, (10, 20), (10, 20, 27, 22, 64, 64)),
        ({"new_shape": 64, "center": False}, (48, 64), (48, 64, 0, 0, 64, 64)),
        ({"new_shape": 64}, (1, 4000), (1, 64, 31, 0, 64, 64)),
        ({"new_shape": 33}, (20, 20), (33, 33, 0, 0, 33, 33)),
    ],
)
def test_letterbox_placement(options, size, expected):
    placed = LetterBox(**options).placement(*size)
    assert (*placed.size_hw, placed.top, placed.left, *placed.out_hw) == expected
    image = LetterBox(**options)(image=np.zeros((*size, 3), np.uint8))
    assert image.shape == (*placed.out_hw, 3)


@pytest.mark.parametrize("shape", [(48, 64), (50, 31), (131, 77)])
def test_letterbox_boxes_come_back(shape):
    height, width = shape
    ring = [(3, 4), (20, 4), (20, 30), (3, 30)]
    sample = Sample(np.zeros((height, width, 3), np.uint8), shapes_of(ring), 0, shape)
    out = LetterBox(96).apply(sample)
    back = scale_boxes(out.size, out.shapes.boxes, shape, ratio_pad=out.ratio_pad)
    assert np.allclose(back, sample.shapes.boxes, atol=1e-3)
    # Without the record the frame is found from the sizes, to the rounding of the resize.
    assert np.allclose(
        scale_boxes(out.size, out.shapes.boxes, shape), sample.shapes.boxes, atol=0.6
    )
    assert out.image[0, 0].tolist() in ([FILL] * 3, [0] * 3)


@pytest.mark.parametrize(
    "options",
    [
        {"scale": 0.0, "translate": 0.0, "fliplr": 0.0},
        {"fliplr": 1.0, "flipud": 1.0},
        {"fliplr": 0.5, "flipud": 0.5, "scale": 0.9, "translate": 0.4},
        {"degrees": 45.0},
        {"shear": 10.0, "degrees": 10.0},
        {"perspective": 0.001, "degrees": 5.0},
    ],
)
def test_labels_follow_the_picture(options):
    transform = RandomPerspective(160, **options)
    base = LetterBox(160).apply(drawn())
    for seed in range(12):
        out = transform(base, np.random.default_rng(seed))
        assert out.image.shape == (160, 160, 3)
        check_boxes(out.shapes)
        if len(out.shapes):
            assert out.shapes.boxes.min() >= -1e-3
            assert out.shapes.boxes.max() <= 160 + 1e-3
        if len(out.shapes) == 2 and (out.shapes.boxes[:, 2:] - out.shapes.boxes[:, :2]).min() > 12:
            assert agreement(out) > 0.88, seed


def test_the_fast_map_is_the_warp():
    base = LetterBox(160).apply(drawn())
    fast, exact = (
        RandomPerspective(160, fliplr=0.5, flipud=0.5),
        RandomPerspective(160, degrees=1e-9),
    )
    exact = RandomPerspective(160, degrees=1e-9, fliplr=0.5, flipud=0.5)
    for seed in range(10):
        a = fast(base, np.random.default_rng(seed))
        b = exact(base, np.random.default_rng(seed))
        assert np.abs(a.image.astype(int) - b.image).mean() < 6
        assert len(a.shapes) == len(b.shapes)
        order = [np.lexsort(s.shapes.boxes.T) for s in (a, b)]
        assert np.allclose(a.shapes.boxes[order[0]], b.shapes.boxes[order[1]], atol=1.5)


def test_out_of_sight_gives_an_empty_picture():
    base = LetterBox(64).apply(drawn())
    out = RandomPerspective(64, translate=50.0, scale=0.0)(base, np.random.default_rng(0))
    assert (out.image == FILL).all()
    assert len(out.shapes) == 0


def test_mosaic_shows_four_pictures_with_their_labels():
    mosaic, seen = Mosaic(64), set()
    for seed in range(8):
        rng = np.random.default_rng(seed)
        samples = [
            drawn(*size, index=i) for i, size in enumerate(((64, 48), (48, 64), (64, 64), (30, 64)))
        ]
        samples[1].shapes = Shapes()
        samples[1].image[:] = 0
        canvas = mosaic(samples, rng)
        assert canvas.image.shape == (128, 128, 3)
        assert canvas.index == 0
        out = RandomPerspective(128, translate=0.0, scale=0.0, fliplr=0.0)(canvas, rng)
        check_boxes(out.shapes)
        seen.add(len(out.shapes))
    assert max(seen) >= 4


def test_mosaic_alone_agrees_with_the_picture():
    samples = [drawn(64, 48, i) for i in range(4)]
    canvas = Mosaic(64)(samples, np.random.default_rng(3))
    out = RandomPerspective(128, translate=0.0, scale=0.0, fliplr=0.0)(
        canvas, np.random.default_rng(0)
    )
    assert agreement(out) > 0.95


def test_mosaic_buffer_is_used_again_and_not_pickled():
    mosaic = Mosaic(32)
    samples = [drawn(32, 32, i) for i in range(4)]
    first = mosaic(samples, np.random.default_rng(0)).image
    assert mosaic(samples, np.random.default_rng(1)).image is first
    assert len(pickle.dumps(mosaic)) < 300


def test_colours_change_within_the_gains():
    sample = drawn()
    before = sample.image.copy()
    assert (RandomHSV(0, 0, 0)(sample, np.random.default_rng(0)).image == before).all()
    RandomHSV(0.0, 0.0, 0.4)(sample, np.random.default_rng(0))
    value = cv2.cvtColor(sample.image, cv2.COLOR_BGR2HSV)[..., 2].mean()
    expected = cv2.cvtColor(before, cv2.COLOR_BGR2HSV)[..., 2].mean()
    assert 0.55 < value / expected < 1.45
    assert value != pytest.approx(expected, rel=0.01)
    grey = Sample(np.full((4, 4, 3), 128, np.uint8), Shapes(), 0, (4, 4))
    RandomHSV(0.5, 0.9, 0.0)(grey, np.random.default_rng(1))
    assert (grey.image == 128).all()  # grey has neither hue nor saturation to change


def test_mixup_keeps_all_objects():
    first, second = drawn(), drawn()
    second.image[:] = 0
    out = mixup(first, second, np.random.default_rng(0))
    assert len(out.shapes) == 4
    assert 0.3 < out.image.mean() / first.image.mean() < 0.7


def test_mirror():
    out = mirrored(drawn())
    check_boxes(out.shapes)
    assert agreement(out) > 0.97
    assert np.array_equal(mirrored(out).image, drawn().image)


def test_pasted_objects_have_labels_and_pixels():
    target = Sample(np.full((48, 64, 3), (200, 60, 30), np.uint8), Shapes(), 0, (48, 64))
    out = paste_shapes(target, drawn(), 1.0, np.random.default_rng(0))
    assert len(out.shapes) == 2
    assert agreement(out) > 0.85
    assert (target.image == (200, 60, 30)).all()
    same_place = paste_shapes(drawn(), drawn(), 1.0, np.random.default_rng(0))
    assert len(same_place.shapes) == 2  # what would cover an object is not pasted
    assert paste_shapes(target, drawn(), 0.0, np.random.default_rng(0)) is target


@pytest.mark.parametrize("mode", ["flip", "mixup"])
def test_whole_augmentation_never_touches_its_sources(mode):
    args = SimpleNamespace(mixup=0.5, copy_paste=0.7, copy_paste_mode=mode, mosaic=0.5, degrees=5.0)
    augmentation = Augmentation.from_arguments(64, args)
    sources = [drawn(index=i) for i in range(5)]
    before = [s.image.copy() for s in sources]
    for seed in range(25):
        out = augmentation(seed % 5, sources.__getitem__, range(5), np.random.default_rng(seed))
        assert out.image.shape == (64, 64, 3)
        check_boxes(out.shapes)
        plain = augmentation(
            0, sources.__getitem__, range(5), np.random.default_rng(seed), blends=False
        )
        assert len(plain.shapes) <= 2
    assert all(np.array_equal(a, s.image) for a, s in zip(before, sources, strict=True))


def test_arguments_that_are_missing_take_the_usual_values():
    augmentation = Augmentation.from_arguments(64, None)
    assert augmentation.likely.mosaic == 1.0
    assert augmentation.warp.scale == 0.5
    assert (
        Augmentation.from_arguments(64, SimpleNamespace(scale=0.1, mosaic=None)).warp.scale == 0.1
    )


def test_format_sorts_by_area_in_the_index_picture():
    small_first = shapes_of(
        [(1, 1), (9, 1), (9, 9), (1, 9)], [(0, 0), (40, 0), (40, 40), (0, 40)], classes=[1, 2]
    )
    sample = Sample(np.zeros((48, 64, 3), np.uint8), small_first, 0, (48, 64))
    out = Format(masks=True, mask_ratio=4, keep_segments=True)(
        sample, "a.jpg", np.random.default_rng(0)
    )
    assert out["cls"].flatten().tolist() == [2, 1]
    assert out["masks"].shape == (12, 16)
    assert out["masks"][1, 1] == 2
    assert out["masks"][8, 8] == 1
    assert out["masks"][11, 11] == 0
    assert [s.max() for s in out["segments"]] == [40, 9]
    assert out["bboxes"][0].tolist() == pytest.approx([20 / 64, 20 / 48, 40 / 64, 40 / 48])
    single = Format(masks=True, overlap_mask=False)(sample, "a.jpg", np.random.default_rng(0))
    assert single["masks"].shape == (2, 12, 16)
    assert single["cls"].flatten().tolist() == [1, 2]


def test_format_gives_rgb_unless_bgr_is_drawn():
    sample = Sample(np.full((8, 8, 3), (1, 2, 3), np.uint8), Shapes(), 0, (8, 8))
    assert Format()(sample, "", np.random.default_rng(0))["img"][:, 0, 0].tolist() == [3, 2, 1]
    assert Format(bgr=1.0)(sample, "", np.random.default_rng(0))["img"][:, 0, 0].tolist() == [
        1,
        2,
        3,
    ]


def test_collate_numbers_the_pictures():
    sample, empty = drawn(), Sample(np.zeros((48, 64, 3), np.uint8), Shapes(), 1, (48, 64))
    many = drawn()
    many.shapes = join_shapes([many.shapes] * 130)
    make = Format(masks=True, keep_segments=True)
    batch = collate([make(s, "x", np.random.default_rng(0)) for s in (sample, empty, many)])
    assert batch["img"].shape == (3, 3, 48, 64)
    assert batch["batch_idx"].tolist() == [0, 0] + [2] * 260
    assert batch["cls"].shape == (262, 1)
    assert batch["bboxes"].shape == (262, 4)
    assert batch["masks"].shape == (3, 12, 16)
    assert batch["masks"].max() > 255
    assert [len(s) for s in batch["segments"]] == [2, 0, 260]
    one_each = Format(masks=True, overlap_mask=False)
    batch = collate([one_each(s, "x", np.random.default_rng(0)) for s in (sample, empty)])
    assert batch["masks"].shape == (2, 12, 16)


@pytest.mark.parametrize("options", [{}, {"flipud": 0.5, "scale": 0.9, "translate": 0.3}])
@pytest.mark.parametrize("mosaic", [0.0, 1.0])
def test_pictures_put_straight_into_the_result_agree_with_their_labels(options, mosaic):
    args = SimpleNamespace(mosaic=mosaic, hsv_h=0.0, hsv_s=0.0, hsv_v=0.0, **options)
    augmentation = Augmentation.from_arguments(160, args)
    sizes = [(64, 48), (64, 100), (64, 64), (100, 64)]
    sources = [LetterBox(160).apply(drawn(*size, index=i)) for i, size in enumerate(sizes)]
    seen = 0
    for seed in range(20):
        out = augmentation(seed % 4, sources.__getitem__, range(4), np.random.default_rng(seed))
        check_boxes(out.shapes)
        if len(out.shapes):
            assert out.shapes.boxes.min() >= 0
            assert out.shapes.boxes.max() <= 160
        red = out.image[..., 2].astype(int) - out.image[..., 0] > 30
        masks = polygons2masks(out.size, out.shapes.segments)
        for mask in masks[masks.sum((1, 2)) > 400]:
            # What was dropped stays red without an outline, so each outline is asked for its pixels;
            # those at the edges of an enlarged drawing are of mixed colour.
            assert red[mask > 0].mean() > 0.86, seed
            seen += 1
        if len(out.shapes) == 2 and mosaic == 0 and masks.sum((1, 2)).min() > 400:
            assert agreement(out) > 0.88, seed
    assert seen > 10


def test_neighbours_in_a_mosaic_meet_without_a_gap():
    white = [
        Sample(np.full((160, 160, 3), 255, np.uint8), Shapes(), i, (160, 160)) for i in range(4)
    ]
    args = SimpleNamespace(scale=0.3, translate=0.0, hsv_h=0.0, hsv_s=0.0, hsv_v=0.0)
    augmentation = Augmentation.from_arguments(160, args)
    for seed in range(20):
        image = augmentation(0, white.__getitem__, range(4), np.random.default_rng(seed)).image
        shown = (image == 255).all(2)
        rows, columns = np.flatnonzero(shown.any(1)), np.flatnonzero(shown.any(0))
        assert shown[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1].all(), seed


def test_hue_turns_the_colour_wheel_and_wraps():
    red = Sample(np.full((4, 4, 3), (0, 0, 200), np.uint8), Shapes(), 0, (4, 4))
    hues = set()
    for seed in range(12):
        sample = red.with_(red.image.copy(), red.shapes)
        RandomHSV(0.3, 0.0, 0.0)(sample, np.random.default_rng(seed))
        hue, saturation, value = cv2.cvtColor(sample.image, cv2.COLOR_BGR2HSV)[0, 0].tolist()
        assert abs(saturation - 255) <= 2
        assert abs(value - 200) <= 2
        hues.add(hue < 90)
        assert min(hue, 180 - hue) <= 0.3 * 180 + 2
    assert hues == {True, False}


def test_a_mosaic_without_canvas_is_the_mosaic_on_its_canvas():
    samples = [LetterBox(160).apply(drawn(*size)) for size in ((64, 48), (64, 100), (64, 64))]
    samples = [*samples, samples[0]]
    draw = RandomPerspective(160, fliplr=0.5, flipud=0.5, translate=0.0).draw
    for seed in range(10):
        matrix = draw((320, 320), np.random.default_rng(seed))
        straight = montage(Mosaic(160).tiles(samples, np.random.default_rng(seed)), matrix, 160)
        canvas = warped(Mosaic(160)(samples, np.random.default_rng(seed)), matrix, 160)
        on_canvas = np.abs(matrix[0, 0]) > 0.5  # below, the canvas ends inside the result
        assert not on_canvas or np.abs(straight.image.astype(int) - canvas.image).mean() < 6, seed
        areas = [polygons2masks(o.size, o.shapes.segments).any(0) for o in (straight, canvas)]
        assert (areas[0] ^ areas[1]).mean() < 0.02, seed
