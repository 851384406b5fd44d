"""Prediction of every task, end to end, with small networks of random weights made here."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
import torch

from engine import YOLO
from engine.core.results import Results
from engine.data.transforms.center_crop import CenterCrop
from engine.models.yolo.semseg.predict import strongest_class
from engine.nn.tasks import build_model
from engine.runtime.errors import EngineError

SIZE = 64


@pytest.fixture(scope="module")
def photographs(tmp_path_factory):
    """Three pictures of different shapes, the last one grey."""
    folder = tmp_path_factory.mktemp("photographs")
    random = np.random.default_rng(0)
    for name, shape in (("a", (48, 80, 3)), ("b", (90, 40, 3)), ("c", (64, 64))):
        picture = random.integers(0, 255, shape, dtype=np.uint8)
        cv2.imwrite(str(folder / f"{name}.png"), picture)
    return folder


def lively(name: str, nc: int = 4, **description: object) -> YOLO:
    """Make a model whose scores differ from cell to cell, although nothing has taught it."""
    torch.manual_seed(0)
    model = YOLO(name)
    wanted = {**model.model.yaml, **description}
    network = build_model(wanted, nc=nc, verbose=False)
    network.names = {i: f"kind {i}" for i in range(nc)}
    network.train()
    with torch.no_grad():
        for module in network.modules():
            if isinstance(module, torch.nn.BatchNorm2d):
                module.momentum = (
                    None  # statistics of what follows: so the signal survives all layers
                )
        network(torch.rand(4, 3, SIZE, SIZE))
        for key, value in network.named_parameters():
            if "cv3" in key and key.endswith(".bias") and value.shape == (nc,):
                value.fill_(-1.0)
    model.model = network.eval()
    return model


def predict(model: YOLO, source: object, **kwargs: object) -> list[Results]:
    return model.predict(source, imgsz=SIZE, device="cpu", verbose=False, **kwargs)


@pytest.fixture(scope="module")
def pose():
    return lively("yolo11n-pose.yaml", kpt_shape=[5, 2])


@pytest.fixture(scope="module")
def oriented():
    return lively("yolo26n-obb.yaml")


@pytest.fixture(scope="module")
def classifier():
    return lively("yolo11n-cls.yaml")


@pytest.fixture(scope="module")
def mapper():
    return lively("yolo11n-semseg.yaml")


def test_pose(pose, photographs):
    for result in predict(pose, photographs, conf=0.01, max_det=9):
        assert 0 < len(result) <= 9
        assert result.keypoints.shape == (len(result), 5, 2)
        assert result.keypoints.conf is None
        height, width = result.orig_shape
        assert (result.keypoints.xy >= 0).all()
        assert (result.keypoints.xy <= torch.tensor([width, height])).all()


def test_oriented_boxes_by_both_branches(oriented, photographs):
    many = predict(oriented, photographs, conf=0.01)
    alone = predict(oriented, photographs, conf=0.01, nms=False, max_det=7)
    for by_removal, by_branch in zip(many, alone, strict=True):
        assert by_removal.obb.shape[1] == by_branch.obb.shape[1] == 7
        assert len(by_branch) == 7
        confidences = by_branch.obb.conf
        assert (confidences[:-1] >= confidences[1:]).all()
        assert by_removal.boxes is None
    # the head is told where more is asked for than it usually gives: 16 x 16 + 8 x 8 + 4 x 4 cells
    (more,) = oriented.predict(
        np.zeros((128, 128, 3), np.uint8), imgsz=128, device="cpu", verbose=False,
        conf=0, nms=False, max_det=1000,
    )  # fmt: skip
    assert len(more) == 336


def test_branches_of_detection(photographs):
    model = lively("yolo26n.yaml")
    removed = predict(model, photographs, conf=0.01, iou=0.3)
    alone = predict(model, photographs, conf=0.01, nms=False, classes=[1, 3])
    assert all(set(r.boxes.cls.tolist()) <= {1, 3} for r in alone)
    assert sum(map(len, alone)) > 0
    again = predict(model, photographs, conf=0.01, iou=0.3, nms=True)
    for first, second in zip(removed, again, strict=True):
        torch.testing.assert_close(first.boxes.data, second.boxes.data)


def test_masks_by_the_branch_without_duplicates(photographs):
    model = lively("yolo26n-seg.yaml")
    for result in predict(model, photographs, conf=0, nms=False, max_det=5, retina_masks=True):
        assert len(result.masks) == len(result) <= 5
        assert result.masks.shape[1:] == result.orig_shape


def test_no_nms_needs_a_branch_for_it(pose, photographs):
    with pytest.raises(EngineError, match="one-to-one"):
        predict(pose, photographs, nms=False)


def test_classes_of_the_image(classifier, photographs):
    for result in predict(classifier, photographs, batch=3):
        assert result.probs.data.sum().item() == pytest.approx(1, abs=1e-4)
        assert result.probs.shape == (4,)
        assert result.boxes is None
        assert result.orig_img.ndim == 3


def test_a_classifier_looks_at_the_middle(classifier, photographs):
    picture = cv2.imread(str(photographs / "a.png"))
    middle = CenterCrop((SIZE, SIZE))(picture)
    (whole,), (cut,) = predict(classifier, picture), predict(classifier, middle)
    torch.testing.assert_close(whole.probs.data, cut.probs.data)


@pytest.mark.parametrize(
    ("shape", "size", "expected"),
    [((48, 80), 64, (64, 106)), ((90, 40), 64, (144, 64)), ((64, 64), 64, (64, 64))],
)
def test_shorter_side_fits(shape, size, expected):
    crop = CenterCrop((size, size))
    assert crop.resized(*shape) == expected
    assert crop(np.zeros((*shape, 3), np.uint8)).shape == (size, size, 3)


def test_a_size_that_is_not_square_is_stretched_to():
    assert CenterCrop((32, 96))(np.zeros((50, 50, 3), np.uint8)).shape == (32, 96, 3)


def test_class_of_each_pixel(mapper, photographs):
    everything = predict(mapper, photographs)
    some = predict(mapper, photographs, classes=[0, 2])
    for whole, part in zip(everything, some, strict=True):
        mask, chosen = whole.semantic_mask.data, part.semantic_mask.data
        assert mask.shape == whole.orig_shape
        assert mask.dtype == torch.uint8
        wanted = (mask == 0) | (mask == 2)
        assert torch.equal(chosen[wanted], mask[wanted])
        assert (chosen[~wanted] == 255).all()
        assert len(whole.masks) == len(whole.semantic_mask.classes)
    assert len({n for r in everything for n in r.semantic_mask.classes}) > 1


def test_classes_may_be_enlarged_some_at_a_time(monkeypatch):
    logits = torch.randn(7, 8, 8, generator=torch.Generator().manual_seed(0))
    whole = strongest_class(logits, (30, 40))
    assert whole.shape == (30, 40)
    assert len(whole.unique()) == 7
    monkeypatch.setattr("engine.models.yolo.semseg.predict.AT_ONCE", 2 * 30 * 40)
    assert torch.equal(strongest_class(logits, (30, 40)), whole)


def test_a_batch_gives_what_single_images_give(mapper, classifier, oriented, photographs):
    files = [str(photographs / "c.png")] * 2
    for model in (mapper, classifier, oriented):
        (one,) = predict(model, files[0])
        _, two = predict(model, files, batch=2)
        for part in ("obb", "probs", "semantic_mask"):
            if getattr(one, part) is not None:
                # few of the boxes: what rounding does to an untrained network may swap later ones
                first, second = getattr(one, part).data[:4], getattr(two, part).data[:4]
                torch.testing.assert_close(first, second, atol=0.05, rtol=0.01)


@pytest.mark.parametrize("name", ["pose", "oriented", "classifier", "mapper"])
def test_results_are_written(name, request, photographs, tmp_path):
    model = request.getfixturevalue(name)
    model.predict(
        photographs, imgsz=SIZE, device="cpu", verbose=False, conf=0.01, save=True, save_txt=True,
        project=str(tmp_path), name="run",
    )  # fmt: skip
    pictures = sorted(file.name for file in (tmp_path / "run").glob("*.jpg"))
    assert pictures == ["a.jpg", "b.jpg", "c.jpg"]
    suffix = ".png" if name == "mapper" else ".txt"
    labels = sorted(file.name for file in (tmp_path / "run" / "labels").iterdir())
    assert labels == [f"{stem}{suffix}" for stem in "abc"]
