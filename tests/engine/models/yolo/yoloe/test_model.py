"""Classes by words: set, kept in files, exported; and a vocabulary without prompts."""

from __future__ import annotations

import logging
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from engine import YOLO, YOLOE
from engine.core.results import Results
from engine.runtime.errors import CheckpointError, ConfigError, ModelError
from engine.runtime.settings import settings
from tests.recorded import read_arrays

NAMES = ["nut", "red bolt", "washer", "gear"]
HOW: dict[str, Any] = {"imgsz": 128, "conf": 0.05, "max_det": 30, "verbose": False, "device": "cpu"}


class Numbers:
    """A text encoder that knows the embedding of each word beforehand."""

    name, dimension = "numbers", 512

    def __init__(self, rows: Tensor) -> None:
        self.rows = dict(zip(NAMES, rows, strict=True))

    def encode(self, phrases: Sequence[str]) -> Tensor:
        return torch.stack([self.rows[p] for p in phrases])


@pytest.fixture
def model(weights: Path) -> YOLOE:
    return YOLOE(weights)


def found(model: YOLO, picture: np.ndarray, **how: Any) -> Results:
    return model.predict(picture, **{**HOW, **how})[0]


def assert_same(one: Results, other: Results, atol: float) -> None:
    assert one.names == other.names
    assert len(one) == len(other) > 3
    assert torch.allclose(one.boxes.data, other.boxes.data, atol=atol)
    if one.masks is not None:
        assert (one.masks.data != other.masks.data).float().mean() < 1e-3


def test_words_become_classes(model: YOLOE, text_encoder_file: Path, picture: np.ndarray) -> None:
    pytest.importorskip("open_clip")
    model.text_encoder = text_encoder_file
    model.set_classes(NAMES)
    assert model.names == dict(enumerate(NAMES))
    result = found(model, picture)
    assert result.names == dict(enumerate(NAMES))
    assert len(set(result.boxes.cls.tolist())) > 1
    assert result.masks is not None


def test_text_embeddings_are_adapted_and_of_length_one(model: YOLOE, embeddings: Tensor) -> None:
    model.text_encoder = Numbers(embeddings[0])
    made = model.get_text_pe(NAMES[::-1])
    assert made.shape == (1, 4, 512)
    assert torch.allclose(made.norm(dim=-1), torch.ones(1, 4), atol=1e-5)
    assert torch.allclose(made, model.model.head.get_tpe(embeddings.flip(1)), atol=1e-6)


def test_text_embeddings_as_recorded(shared_dir: Path) -> None:
    arrays = read_arrays(shared_dir / "vectors/yoloe-11n-seg.npz")
    words = [f"word {i}" for i in range(80)]

    class Recorded:
        name, dimension = "recorded", 512

        def encode(self, phrases: Sequence[str]) -> Tensor:
            return torch.from_numpy(arrays["tpe_raw"][0, [words.index(p) for p in phrases]])

    model = YOLOE(shared_dir / "vectors/yoloe-11n-seg.pt")
    model.text_encoder = Recorded()
    expected = torch.from_numpy(arrays["tpe_after_head_adapter"])
    assert torch.allclose(model.get_text_pe(words), expected, atol=1e-5)
    model.set_classes(words)
    with torch.no_grad():
        final, _ = model.model(torch.from_numpy(arrays["input"]))
    assert np.allclose(final[0].numpy(), arrays["unfused_setclasses.0.0"], rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize(
    ("name", "file"),
    [("mobileclip:blt", "mobileclip_blt.ts"), ("mobileclip2:b", "mobileclip2_b.ts")],
)
def test_without_the_encoder_its_file_and_place_are_named(
    model: YOLOE, tmp_path: Path, name: str, file: str
) -> None:
    settings["weights_dir"] = str(tmp_path / "weights")
    model.model.yaml["text_model"] = name
    with pytest.raises(CheckpointError) as caught:
        model.set_classes(NAMES)
    assert file in str(caught.value)
    assert str(tmp_path / "weights") in str(caught.value)


def test_the_encoder_that_the_model_was_trained_with_is_taken(
    model: YOLOE, text_encoder_file: Path, tmp_path: Path
) -> None:
    pytest.importorskip("open_clip")
    settings["weights_dir"] = str(tmp_path)
    shutil.copy(text_encoder_file, tmp_path / "mobileclip_blt.ts")
    made = model.get_text_pe(NAMES)
    model.text_encoder = text_encoder_file
    assert torch.equal(made, model.get_text_pe(NAMES))


def test_an_encoder_of_another_length_is_told(model: YOLOE) -> None:
    model.text_encoder = Numbers(torch.randn(4, 256))
    with pytest.raises(ModelError, match=r"512.*256.*numbers"):
        model.set_classes(NAMES)


def test_other_classes_take_the_place_of_the_first(
    model: YOLOE, embeddings: Tensor, picture: np.ndarray
) -> None:
    model.set_classes(NAMES, embeddings)
    four = found(model, picture)
    model.set_classes(["only"], embeddings[:, 1:2])
    one = found(model, picture)
    assert four.names == dict(enumerate(NAMES))
    assert one.names == {0: "only"}
    assert set(one.boxes.cls.tolist()) == {0.0}


def test_one_thing_gets_one_name_unless_asked_otherwise(
    model: YOLOE, embeddings: Tensor, picture: np.ndarray
) -> None:
    twice = embeddings[:, [0, 0]] + 0.01 * embeddings[:, [1, 2]]
    model.set_classes(["a", "b"], twice)
    alone, both = (
        found(model, picture, max_det=300),
        found(model, picture, max_det=300, agnostic_nms=False),
    )
    assert len(alone) < len(both)


@pytest.mark.parametrize("names", ["nut", [], ["nut"], [*NAMES, "one more"]])
def test_names_that_do_not_fit_are_told(model: YOLOE, embeddings: Tensor, names: list[str]) -> None:
    with pytest.raises(ModelError, match="expected"):
        model.set_classes(names, embeddings)


# Files


@pytest.fixture(scope="module")
def named(weights: Path, embeddings: Tensor, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The file of a model with classes."""
    model = YOLOE(weights)
    model.set_classes(NAMES, embeddings)
    return model.save(tmp_path_factory.mktemp("named") / "named.pt")


def test_classes_are_kept_in_the_file(
    model: YOLOE, named: Path, embeddings: Tensor, picture: np.ndarray
) -> None:
    model.set_classes(NAMES, embeddings)
    again = YOLOE(named)
    assert again.names == dict(enumerate(NAMES))
    assert_same(found(model, picture), found(again, picture), 0)
    assert torch.load(named, weights_only=True)["names"] == dict(enumerate(NAMES))
    again.set_classes(["other"], embeddings[:, :1])
    assert found(again, picture).names == {0: "other"}


def test_yolo_opens_it_as_yoloe(named: Path, picture: np.ndarray) -> None:
    model = YOLO(named)
    assert isinstance(model, YOLOE)
    assert_same(found(YOLOE(named), picture), found(model, picture), 0)


def test_fusing_keeps_the_answers_and_fixes_the_classes(
    named: Path, embeddings: Tensor, picture: np.ndarray, tmp_path: Path
) -> None:
    before = found(YOLOE(named), picture)
    model = YOLOE(named).fuse()
    assert_same(before, found(model, picture), 1e-2)
    again = YOLOE(model.save(tmp_path / "fused.pt"))
    assert_same(before, found(again, picture), 1e-2)
    with pytest.raises(ModelError, match="fixed in its weights"):
        again.set_classes(["other"], embeddings[:, :1])


@pytest.mark.parametrize("kind", ["onnx", "torchscript"])
def test_exports_answer_alike(named: Path, picture: np.ndarray, kind: str, tmp_path: Path) -> None:
    path = Path(shutil.copy(named, tmp_path / "named.pt"))
    exported = YOLOE(path).export(format=kind, imgsz=128)
    assert_same(found(YOLOE(path), picture), found(YOLOE(exported), picture), 1e-2)
    with pytest.raises(ModelError, match="needs the network"):
        YOLOE(exported).set_classes(NAMES)


def test_safetensors_keep_the_classes_too(named: Path, picture: np.ndarray, tmp_path: Path) -> None:
    pytest.importorskip("safetensors")
    model = YOLOE(named)
    again = YOLOE(model.save(tmp_path / "named.safetensors"))
    assert_same(found(model, picture), found(again, picture), 0)


def test_a_plain_model_is_no_yoloe() -> None:
    with pytest.raises(ModelError, match=r"SegmentationModel.*Use YOLO"):
        YOLOE("yolo11n-seg.yaml")


def test_a_missing_predictor_of_prompts_is_told(model: YOLOE, picture: np.ndarray) -> None:
    with pytest.raises(ConfigError, match="visual_prompts"):
        model.predict(picture, refer_image=picture, **HOW)


def test_a_model_that_waits_for_classes_says_so(
    model: YOLOE, embeddings: Tensor, picture: np.ndarray, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING):
        found(model, picture)
        assert "no classes yet" in caplog.text
        caplog.clear()
        model.set_classes(NAMES, embeddings)
        found(model, picture)
    assert "no classes yet" not in caplog.text


# Without prompts


def test_a_vocabulary_needs_no_prompts(
    model: YOLOE, weights: Path, embeddings: Tensor, picture: np.ndarray, tmp_path: Path
) -> None:
    model.text_encoder = Numbers(embeddings[0])
    vocabulary = YOLOE.get_vocab(model, NAMES)
    free = YOLOE(weights)
    free.text_encoder = model.text_encoder
    free.set_classes(["red bolt"])
    free.fuse().set_vocab(vocabulary, NAMES)
    assert free.names == dict(enumerate(NAMES))
    result = found(free, picture)
    model.set_classes(NAMES)
    named = found(model, picture)
    # everything that is surely something is named as with prompts
    assert_same(result, named, 1e-2)
    assert_same(result, found(YOLOE(free.save(tmp_path / "free.pt")), picture), 1e-3)
    with pytest.raises(ModelError, match="fixed in its weights"):
        free.set_classes(NAMES)


def test_a_vocabulary_needs_a_fused_model(model: YOLOE, embeddings: Tensor) -> None:
    model.text_encoder = Numbers(embeddings[0])
    with pytest.raises(ModelError, match="fuse"):
        model.set_vocab(model.get_vocab(NAMES), NAMES)
