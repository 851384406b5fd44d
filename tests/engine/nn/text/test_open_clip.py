"""Text encoders of the open_clip package, with a small model of its own kind."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch

from engine.nn.text.open_clip import OpenClipEncoder
from engine.nn.text.registry import open_encoder
from engine.runtime.errors import ModelError

open_clip = pytest.importorskip("open_clip")

SMALL = {
    "embed_dim": 32,
    "vision_cfg": {"image_size": 32, "layers": 1, "width": 64, "patch_size": 16, "head_width": 32},
    "text_cfg": {"context_length": 77, "vocab_size": 49408, "width": 32, "heads": 2, "layers": 1},
}


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Random weights of the model ``small-test``, which open_clip knows afterwards."""
    folder = tmp_path_factory.mktemp("open_clip")
    (folder / "small-test.json").write_text(json.dumps(SMALL))
    open_clip.add_model_config(folder / "small-test.json")
    torch.manual_seed(0)
    path = folder / "small.pt"
    torch.save(open_clip.create_model("small-test").state_dict(), path)
    return path


def test_the_model_encodes_as_open_clip_does(weights: Path) -> None:
    encoder = open_encoder(f"open_clip:small-test/{weights}")
    model = open_clip.create_model("small-test", pretrained=str(weights)).eval()
    with torch.no_grad():
        tokens = open_clip.get_tokenizer("small-test")(["a cat", "two dogs"])
        expected = model.encode_text(tokens, normalize=True)
    assert torch.allclose(encoder.encode(["a cat", "two dogs"]), expected, atol=1e-6)
    assert encoder.dimension == 32


def test_no_phrases_give_no_rows(weights: Path) -> None:
    assert OpenClipEncoder("small-test", str(weights)).encode([]).shape == (0, 32)


def test_the_identity_follows_model_and_weights(weights: Path) -> None:
    published = {OpenClipEncoder("MobileCLIP-B", tag).identity for tag in ("a", "b")}
    assert len(published | {OpenClipEncoder("small-test", str(weights)).identity}) == 3


def test_unknown_models_and_weights_are_told(weights: Path) -> None:
    with pytest.raises(ModelError, match=r"no model 'NoCLIP'.*MobileCLIP"):
        OpenClipEncoder("NoCLIP", "x").encode(["a cat"])
    with pytest.raises(ModelError, match=r"no weights 'x'.*datacompdr_lt"):
        OpenClipEncoder("MobileCLIP-B", "x").encode(["a cat"])


def test_a_file_that_does_not_fit_is_told(weights: Path, tmp_path: Path) -> None:
    path = tmp_path / "other.pt"
    torch.save({"something": torch.zeros(3)}, path)
    with pytest.raises(ModelError, match="cannot load"):
        OpenClipEncoder("small-test", str(path)).encode(["a cat"])
