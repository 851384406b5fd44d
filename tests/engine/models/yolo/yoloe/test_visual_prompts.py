"""Classes by examples, in the pictures themselves or in a reference picture."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from engine import YOLO, YOLOE
from engine.models.yolo.segment import SegmentationPredictor
from engine.models.yolo.yoloe import YOLOEVPDetectPredictor, YOLOEVPSegPredictor
from engine.runtime.errors import ConfigError, ModelError

BOXES = [[16, 16, 64, 64], [72, 64, 120, 120], [0, 80, 40, 128]]
PROMPTS = {"bboxes": np.array(BOXES, dtype=float), "cls": np.array([0, 1, 0])}
HOW: dict[str, Any] = {"imgsz": 128, "conf": 0.05, "max_det": 30, "verbose": False, "device": "cpu"}


@pytest.fixture
def model(weights: Path) -> YOLOE:
    return YOLOE(weights)


def rows(results: Any, i: int = 0) -> torch.Tensor:
    assert len(results[i]) > 3
    return results[i].boxes.data


def test_examples_in_the_picture(model: YOLOE, picture: np.ndarray) -> None:
    results = model.predict(picture, visual_prompts=PROMPTS, **HOW)
    assert isinstance(model.predictor, YOLOEVPSegPredictor)
    assert results[0].names == {0: "object0", 1: "object1"}
    assert set(results[0].boxes.cls.tolist()) == {0.0, 1.0}
    assert results[0].masks is not None
    assert model.names == {i: str(i) for i in range(80)}
    assert model.model.pe is None


def test_weights_without_the_encoder_of_prompts_are_told(model: YOLOE, picture: np.ndarray) -> None:
    model.model.head.savpe = None
    with pytest.raises(ModelError, match="no encoder of visual prompts"):
        model.predict(picture, visual_prompts=PROMPTS, **HOW)


def test_the_scores_are_those_of_the_visual_embeddings(model: YOLOE, picture: np.ndarray) -> None:
    shown = model.predict(picture, visual_prompts=PROMPTS, **HOW)
    masks = torch.zeros(1, 2, 16, 16)
    for (x1, y1, x2, y2), label in zip(BOXES, (0, 1, 0), strict=True):
        masks[0, label, y1 // 8 : y2 // 8, x1 // 8 : x2 // 8] = 1
    image = torch.from_numpy(picture[..., ::-1].copy()).permute(2, 0, 1)[None].float() / 255
    learnt = model.get_visual_pe(image, masks)
    assert learnt.shape == (1, 2, 512)
    model.set_classes(["object0", "object1"], learnt)
    assert torch.allclose(rows(shown), rows(model.predict(picture, **HOW)), atol=1e-2)


def test_a_reference_picture_teaches_the_model(
    model: YOLOE, picture: np.ndarray, other_picture: np.ndarray
) -> None:
    inside = model.predict(picture, visual_prompts=PROMPTS, **HOW)
    itself = model.predict(picture, visual_prompts=PROMPTS, refer_image=picture, **HOW)
    assert torch.allclose(rows(inside), rows(itself), atol=1e-2)
    other = model.predict(other_picture, visual_prompts=PROMPTS, refer_image=picture, **HOW)
    assert other[0].names == {0: "object0", 1: "object1"}
    assert model.names == {0: "object0", 1: "object1"}
    assert torch.equal(rows(other), rows(model.predict(other_picture, **HOW)))


def test_several_reference_pictures_are_averaged(
    model: YOLOE, picture: np.ndarray, other_picture: np.ndarray
) -> None:
    each = {"bboxes": [BOXES[:2], BOXES[:1]], "cls": [[0, 1], [0]]}
    model.predict(picture, visual_prompts=each, refer_image=[picture, other_picture], **HOW)
    both = model.model.pe[0].clone()
    alone = []
    for image in (picture, other_picture):
        prompts = {"bboxes": BOXES[:2], "cls": [0, 1]}
        model.predict(picture, visual_prompts=prompts, refer_image=image, **HOW)
        alone.append(model.model.pe[0].clone())
    mean = torch.nn.functional.normalize(alone[0][0] + alone[1][0], dim=0)
    assert torch.allclose(both[0], mean, atol=1e-5)
    assert torch.allclose(both[1], alone[0][1], atol=1e-5)
    with pytest.raises(ConfigError, match="2 reference pictures, received 1"):
        model.predict(picture, visual_prompts=each, refer_image=picture, **HOW)


@pytest.mark.parametrize("batch", [1, 2])
def test_each_picture_has_its_own_examples(
    model: YOLOE, picture: np.ndarray, other_picture: np.ndarray, batch: int
) -> None:
    each = {"bboxes": [BOXES, BOXES[:1]], "cls": [[0, 1, 0], [0]]}
    results = model.predict([picture, other_picture], visual_prompts=each, batch=batch, **HOW)
    assert set(results[0].boxes.cls.tolist()) == {0.0, 1.0}
    assert set(results[1].boxes.cls.tolist()) == {0.0}
    assert torch.allclose(
        rows(results), rows(model.predict(picture, visual_prompts=PROMPTS, **HOW)), atol=1e-2
    )
    with pytest.raises(ConfigError, match=r"2 pictures.*number 3"):
        model.predict([picture] * 3, visual_prompts=each, **HOW)


def test_masks_say_what_boxes_say(model: YOLOE, picture: np.ndarray) -> None:
    masks = np.zeros((3, 128, 128), dtype=np.uint8)
    for mask, (x1, y1, x2, y2) in zip(masks, BOXES, strict=True):
        mask[y1:y2, x1:x2] = 1
    by_masks = model.predict(picture, visual_prompts={"masks": masks, "cls": [0, 1, 0]}, **HOW)
    by_boxes = model.predict(picture, visual_prompts=PROMPTS, **HOW)
    assert torch.equal(rows(by_masks), rows(by_boxes))


def test_other_prompts_are_another_prediction(model: YOLOE, picture: np.ndarray) -> None:
    first = rows(model.predict(picture, visual_prompts=PROMPTS, **HOW))
    one = {"bboxes": [[0, 0, 30, 30]], "cls": [0]}
    second = model.predict(picture, visual_prompts=one, **HOW)
    assert second[0].names == {0: "object0"}
    assert torch.equal(first, rows(model.predict(picture, visual_prompts=PROMPTS, **HOW)))


def test_a_stream_works_as_it_is_asked(model: YOLOE, picture: np.ndarray) -> None:
    stream = model.predict([picture] * 2, stream=True, visual_prompts=PROMPTS, **HOW)
    assert not isinstance(stream, list)
    assert len(list(stream)) == 2


def test_classes_set_before_do_not_count(
    model: YOLOE, picture: np.ndarray, embeddings: Any
) -> None:
    free = rows(model.predict(picture, visual_prompts=PROMPTS, **HOW))
    model.set_classes(["a", "b", "c", "d"], embeddings)
    assert torch.equal(free, rows(model.predict(picture, visual_prompts=PROMPTS, **HOW)))
    assert model.predict(picture, **HOW)[0].names[3] == "d"


def test_the_predictor_works_by_itself(weights: Path, model: YOLOE, picture: np.ndarray) -> None:
    predictor = YOLOEVPSegPredictor(overrides={"model": str(weights), **HOW, "agnostic_nms": True})
    predictor.set_prompts(PROMPTS)
    expected = model.predict(picture, visual_prompts=PROMPTS, predictor=YOLOEVPSegPredictor, **HOW)
    assert torch.equal(rows(predictor(source=picture)), rows(expected))
    predictor.set_prompts({"bboxes": [[0, 0, 30, 30]], "cls": [0]})
    assert predictor(source=picture)[0].names == {0: "object0"}


@pytest.mark.parametrize("nms", [None, False])
def test_both_sides_of_an_end_to_end_head_see_the_examples(
    end2end_weights: Path, picture: np.ndarray, other_picture: np.ndarray, nms: bool | None
) -> None:
    model = YOLOE(end2end_weights)
    each = {"bboxes": [BOXES, BOXES[:1]], "cls": [[0, 1, 0], [0]]}
    results = model.predict([picture, other_picture], visual_prompts=each, nms=nms, **HOW)
    assert isinstance(model.predictor, YOLOEVPDetectPredictor)
    assert set(results[0].boxes.cls.tolist()) == {0.0, 1.0}
    assert set(results[1].boxes.cls.tolist()) == {0.0}


def test_models_that_take_no_examples_say_so(
    model: YOLOE, picture: np.ndarray, embeddings: Any
) -> None:
    model.set_classes(["a", "b", "c", "d"], embeddings)
    fused = model.fuse()
    with pytest.raises(ModelError, match="still free"):
        fused.predict(picture, visual_prompts=PROMPTS, **HOW)
    plain = YOLOEVPSegPredictor(overrides=HOW, prompts=PROMPTS)
    with pytest.raises(ModelError, match="need a YOLOE model"):
        plain(source=picture, model=YOLO("yolo11n-seg.yaml").model)


def test_predictors_and_prompts_belong_together(model: YOLOE, picture: np.ndarray) -> None:
    with pytest.raises(ConfigError, match="cannot take visual prompts"):
        model.predict(picture, visual_prompts=PROMPTS, predictor=SegmentationPredictor, **HOW)
    with pytest.raises(ConfigError, match="visual_prompts="):
        model.predict(picture, predictor=YOLOEVPSegPredictor, **HOW)
    with pytest.raises(ConfigError, match="no visual prompts"):
        list(YOLOEVPSegPredictor(overrides=HOW)(source=picture, model=model.model))


def test_half_precision_sees_the_examples_too(model: YOLOE) -> None:
    images, masks = torch.rand(1, 3, 64, 64), torch.zeros(1, 2, 8, 8)
    masks[0, 0, 2:6, 2:6] = masks[0, 1, :4, 5:] = 1
    full = model.get_visual_pe(images, masks)
    model.model.half()
    half = model.get_visual_pe(images, masks)
    assert half.dtype == torch.float16
    assert ((full * half.float()).sum(-1) > 0.99).all()
    model.set_classes(["a", "b"], half)
    with torch.no_grad():
        final, _ = model.model(images.half(), vpe=masks)
    assert final[0].dtype == torch.float16
