"""Results with keypoints, oriented boxes, probabilities and class maps."""

from __future__ import annotations

import json
import math
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch

from engine.core.results import OBB, Keypoints, Probs, Results, SemanticMask

NAMES = dict(enumerate(("nut", "bolt", "gear", "washer", "pin", "ring")))


def image():
    return np.full((40, 60, 3), 90, np.uint8)


@pytest.fixture
def pose():
    points = torch.tensor([[[15.0, 10, 0.9], [30, 20, 0.2]], [[0, 0, 0.1], [45, 30, 0.8]]])
    boxes = torch.tensor([[10.0, 5, 30, 25, 0.9, 1], [40, 10, 50, 30, 0.5, 0]])
    return Results(image(), "a.png", NAMES, boxes=boxes, keypoints=points)


@pytest.fixture
def oriented():
    rows = torch.tensor([[30.0, 20, 20, 10, 0, 0.9, 1], [30, 20, 20, 10, math.pi / 2, 0.5, 0]])
    return Results(image(), "a.png", NAMES, obb=rows)


@pytest.fixture
def classified():
    return Results(image(), "a.png", NAMES, probs=torch.tensor([0.1, 0.4, 0.02, 0.25, 0.2, 0.03]))


@pytest.fixture
def mapped():
    classes = torch.zeros(40, 60, dtype=torch.uint8)
    classes[:, 30:] = 2
    classes[0, :6] = 255
    return Results(image(), "a.png", NAMES, semantic_mask=classes)


def test_keypoints_in_all_units(pose):
    points = pose.keypoints
    assert points.has_visible
    assert points.xy[0].tolist() == [[15, 10], [30, 20]]
    torch.testing.assert_close(points.xyn[1, 1], torch.tensor([45 / 60, 30 / 40]))
    torch.testing.assert_close(points.conf, torch.tensor([[0.9, 0.2], [0.1, 0.8]]))
    torch.testing.assert_close(torch.from_numpy(points.numpy().xyn), points.xyn)


def test_keypoints_may_come_without_visibility_and_as_one_set():
    points = Keypoints(torch.ones(5, 2), (40, 60))
    assert points.shape == (1, 5, 2)
    assert points.conf is None
    assert not points.has_visible
    with pytest.raises(ValueError, match="keypoints"):
        Keypoints(torch.ones(5, 4), (40, 60))


def test_oriented_boxes_in_all_forms(oriented):
    boxes = oriented.obb
    assert boxes.xywhr[0].tolist() == [30, 20, 20, 10, 0]
    assert boxes.xyxyxyxy[0].tolist() == [[40, 25], [40, 15], [20, 15], [20, 25]]
    torch.testing.assert_close(boxes.xyxyxyxyn[0, 0], torch.tensor([40 / 60, 25 / 40]))
    torch.testing.assert_close(
        boxes.xyxy, torch.tensor([[20.0, 15, 40, 25], [25, 10, 35, 30]]), atol=1e-4, rtol=0
    )
    assert (boxes.cls.tolist(), boxes.conf.tolist()) == ([1, 0], pytest.approx([0.9, 0.5]))
    assert not boxes.is_track
    arrays = boxes.numpy()
    np.testing.assert_allclose(arrays.xyxy, boxes.xyxy.numpy(), atol=1e-4)
    np.testing.assert_allclose(arrays.xyxyxyxyn, boxes.xyxyxyxyn.numpy(), atol=1e-4)


def test_oriented_boxes_with_tracks_and_wrong_widths():
    tracked = OBB(torch.tensor([30.0, 20, 20, 10, 0, 7, 0.9, 1]), (40, 60))
    assert tracked.is_track
    assert tracked.id.tolist() == [7]
    assert tracked.conf.tolist() == pytest.approx([0.9])
    with pytest.raises(ValueError, match="7 or 8"):
        OBB(torch.zeros(2, 6), (40, 60))


@pytest.mark.parametrize("numpy", [False, True])
def test_likeliest_classes(classified, numpy):
    probs = (classified.numpy() if numpy else classified).probs
    assert probs.top1 == 1
    assert probs.top5 == [1, 3, 4, 0, 5]
    assert float(probs.top1conf) == pytest.approx(0.4)
    assert np.asarray(probs.top5conf).tolist() == pytest.approx([0.4, 0.25, 0.2, 0.1, 0.03])


def test_few_classes_have_fewer_than_five_likely_ones():
    assert Probs(torch.tensor([0.3, 0.7]), (4, 4)).top5 == [1, 0]
    with pytest.raises(ValueError, match="one probability"):
        Probs(torch.zeros(1, 3), (4, 4))


@pytest.mark.parametrize("numpy", [False, True])
def test_class_map_counts_what_was_asked_for(mapped, numpy):
    mask = (mapped.numpy() if numpy else mapped).semantic_mask
    assert mask.counts == {0: 1194, 2: 1200}
    assert mask.classes == [0, 2]
    assert mask.ratios[2] == 0.5
    planes = mask.planes()
    assert planes.shape == (2, 40, 60)
    assert [int(plane.sum()) for plane in planes] == [1194, 1200]


def test_class_map_of_more_classes_than_a_byte_holds():
    mask = SemanticMask(torch.tensor([[-1, 300], [300, 7]], dtype=torch.int32), (2, 2))
    assert mask.counts == {7: 1, 300: 2}


def test_a_class_map_has_masks_too(mapped):
    """One plane a class that occurs, as people who read ``result.masks`` expect."""
    assert mapped.masks.data.shape == (2, 40, 60)
    assert mapped.masks.xy[1].min(0).tolist() == [30, 0]
    assert repr(mapped) == "Results('a.png', 1 objects, semantic mask)"


def test_indexing_picks_objects_and_leaves_what_belongs_to_the_image(
    pose, oriented, classified, mapped
):
    assert len(pose[1].keypoints) == 1
    assert pose[1].keypoints.xy[0, 1].tolist() == [45, 30]
    assert len(oriented[:1].obb) == 1
    assert classified[0].probs.top1 == 1
    assert mapped[0].semantic_mask.counts == mapped.semantic_mask.counts
    assert [len(one) for one in pose] == [1, 1]
    assert len(list(mapped)) == 1
    with pytest.raises(IndexError):
        mapped[1]


@pytest.mark.parametrize("numpy", [False, True])
@pytest.mark.parametrize(
    ("inside", "beyond"),
    [
        ([0], [1]),
        (torch.tensor([0]), torch.tensor([1])),
        (np.array([0]), np.array([1])),
        (torch.tensor([True]), torch.tensor([True, False])),
        (-1, -2),
    ],
)
def test_one_mask_is_indexed_as_several_objects_are(mapped, numpy, inside, beyond):
    given = mapped.numpy() if numpy else mapped
    assert given[inside].verbose() == mapped.verbose()
    with pytest.raises(IndexError):
        given[beyond]


@pytest.mark.parametrize("kind", [torch.float16, torch.float32, torch.int32, torch.int64])
def test_a_class_map_of_another_type_means_the_same(mapped, tmp_path, kind):
    other = mapped.to(kind)
    assert other.semantic_mask.data.dtype == kind
    assert other.semantic_mask.counts == {0: 1194, 2: 1200}
    assert other.verbose() == mapped.verbose()
    assert other.summary() == mapped.summary()
    assert other.masks.data.shape == (2, 40, 60)
    np.testing.assert_array_equal(other.plot(), mapped.plot())
    wide = cv2.imread(other.save_txt(tmp_path / "a.txt"), cv2.IMREAD_UNCHANGED)
    assert (wide[0, 0], wide[0, 50], wide[5, 5]) == (65535, 2, 0)
    again = other.to(torch.uint8).semantic_mask.data
    torch.testing.assert_close(again, mapped.semantic_mask.data)


def test_moving_reaches_every_part(pose, oriented, classified, mapped):
    for result in (pose, oriented, classified, mapped):
        moved = result.numpy()
        parts = [moved.boxes, moved.obb, moved.keypoints, moved.probs, moved.semantic_mask]
        assert all(isinstance(part.data, np.ndarray) for part in parts if part is not None)
        assert len(moved) == len(result)
    assert pose.to(torch.float64).keypoints.data.dtype == torch.float64


def test_words(pose, oriented, classified, mapped):
    assert pose.verbose() == "1 nut, 1 bolt, "
    assert oriented.verbose() == "1 nut, 1 bolt, "
    assert oriented[:0].verbose() == "(no detections), "
    assert classified.verbose() == "bolt 0.40, washer 0.25, pin 0.20, nut 0.10, ring 0.03, "
    assert mapped.verbose() == "gear 50%, nut 50%, "


def test_rows(pose, oriented, classified, mapped):
    (row, _) = json.loads(pose.to_json())
    assert row["keypoints"] == {"x": [15, 30], "y": [10, 20], "visible": [0.9, 0.2]}
    assert row["box"] == {"x1": 10, "y1": 5, "x2": 30, "y2": 25}
    assert pose.summary(normalize=True)[0]["keypoints"]["x"] == [0.25, 0.5]
    corners = {"x1": 40, "y1": 25, "x2": 40, "y2": 15, "x3": 20, "y3": 15, "x4": 20, "y4": 25}
    assert oriented.summary()[0]["box"] == corners
    assert classified.summary()[0] == {"name": "bolt", "class": 1, "confidence": 0.4}
    assert len(classified.summary()) == 5
    assert mapped.summary() == [
        {"name": "nut", "class": 0, "pixel_ratio": 0.4975},
        {"name": "gear", "class": 2, "pixel_ratio": 0.5},
    ]


def lines(path):
    return Path(path).read_text().splitlines()


def test_label_text(pose, oriented, classified, tmp_path):
    first, second = lines(pose.save_txt(tmp_path / "pose.txt", save_conf=True))
    assert first == "1 0.333333 0.375 0.333333 0.5 0.25 0.25 0.9 0.5 0.5 0.2 0.9"
    assert second.split()[5:8] == ["0", "0", "0.1"]
    first, _ = lines(oriented.save_txt(tmp_path / "obb.txt"))
    assert first == "1 0.666667 0.625 0.666667 0.375 0.333333 0.375 0.333333 0.625"
    assert lines(classified.save_txt(tmp_path / "cls.txt"))[:2] == ["0.40 bolt", "0.25 washer"]


@pytest.mark.parametrize("numbers", [2, 3])
def test_label_text_of_a_picture_without_a_person(pose, tmp_path, numbers):
    pose.update(keypoints=pose.keypoints.data[..., :numbers])
    for name, result in (("tensor", pose[0:0]), ("array", pose.numpy()[0:0])):
        file = tmp_path / f"{name}.txt"
        result.save_txt(file, save_conf=True)
        assert not file.exists() or not file.read_text()


def test_a_class_map_is_written_as_an_image(mapped, tmp_path):
    path = mapped.save_txt(tmp_path / "labels" / "a.txt")
    assert path.endswith("a.png")
    stored = cv2.imread(path, cv2.IMREAD_UNCHANGED)
    np.testing.assert_array_equal(stored, mapped.semantic_mask.data.numpy())
    many = Results(
        image()[:1, :2], "a.png", NAMES, semantic_mask=torch.tensor([[-1, 300]], dtype=torch.int32)
    )
    wide = cv2.imread(many.save_txt(tmp_path / "b.txt"), cv2.IMREAD_UNCHANGED)
    assert wide.tolist() == [[65535, 300]]


def test_crops_of_oriented_boxes_stay_in_the_image(tmp_path):
    rows = torch.tensor([[58.0, 2, 20, 10, 0.5, 0.9, 1]])
    Results(image(), "a.png", NAMES, obb=rows).save_crop(tmp_path, "a")
    (file,) = (tmp_path / "bolt").iterdir()
    assert cv2.imread(str(file)).shape[0] < 40


def test_pictures_show_each_part(pose, oriented, classified, mapped):
    blank = image()
    for result in (pose, oriented, classified, mapped):
        picture = result.plot()
        assert picture.shape == blank.shape
        assert (picture != blank).any()
        np.testing.assert_array_equal(result.orig_img, blank)  # drawn on a copy


def test_parts_of_a_picture_can_be_left_out(pose, classified, mapped):
    blank = image()
    np.testing.assert_array_equal(classified.plot(probs=False), blank)
    np.testing.assert_array_equal(mapped.plot(masks=False), blank)
    points = pose.plot(boxes=False)
    assert (points[10, 15] != 90).any()  # sure
    assert (points[20, 30] == 90).all()  # unsure
    wide = pose.plot(boxes=False, kpt_radius=6)
    assert (wide != blank).sum() > (points != blank).sum()


def test_pixels_of_classes_that_were_not_asked_for_keep_their_colour(mapped):
    picture = mapped.plot(labels=False)
    assert (picture[0, 3] == 90).all()
    assert (picture[5, 3] != 90).any()
    assert (picture[5, 3] != picture[5, 50]).any()


def test_people_are_joined_unless_told_otherwise():
    points = torch.rand(1, 17, 3, generator=torch.Generator().manual_seed(0))
    points = points * torch.tensor([60, 40, 0.5]) + torch.tensor([0, 0, 0.5])
    boxes = torch.tensor([[0.0, 0, 59, 39, 0.9, 0]])
    result = Results(image(), "a.png", NAMES, boxes=boxes, keypoints=points)
    joined, apart = result.plot(boxes=False), result.plot(boxes=False, kpt_line=False)
    assert (joined != 90).sum() > (apart != 90).sum()


def test_crops_of_a_result_without_boxes_are_refused_in_words(tmp_path, caplog):
    picture = np.zeros((8, 8, 3), np.uint8)
    Results(picture, "a.jpg", {0: "cat"}, probs=torch.ones(1)).save_crop(tmp_path)
    assert "a.jpg has no boxes" in caplog.text
    assert not list(tmp_path.iterdir())
