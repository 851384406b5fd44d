"""Text encoders in TorchScript files, with one that has the real interface."""

from __future__ import annotations

import shutil
import warnings
from pathlib import Path

import pytest
import torch
from torch import nn

from engine.nn.text.encoder import IdentifiedEncoder
from engine.nn.text.torchscript import BATCH, TorchScriptEncoder
from engine.runtime.errors import CheckpointError, ModelError

pytest.importorskip("open_clip")


def test_phrases_become_unit_vectors(text_encoder_file: Path) -> None:
    encoder = TorchScriptEncoder(text_encoder_file)
    vectors = encoder.encode(["a cat", "a dog", "a cat"])
    assert isinstance(encoder, IdentifiedEncoder)
    assert vectors.shape == (3, 512)
    assert vectors.dtype == torch.float32
    assert torch.allclose(vectors.norm(dim=1), torch.ones(3))
    assert torch.equal(vectors[0], vectors[2])
    assert (vectors[0] @ vectors[1]).abs() < 0.999
    assert encoder.dimension == 512


def test_many_phrases_give_what_each_alone_does(text_encoder_file: Path) -> None:
    encoder = TorchScriptEncoder(text_encoder_file)
    phrases = [f"thing {i}" for i in range(2 * BATCH + 3)]
    vectors = encoder.encode(phrases)
    for i in (0, BATCH - 1, BATCH, len(phrases) - 1):
        assert torch.allclose(vectors[i], encoder.encode([phrases[i]])[0], atol=1e-5)


def test_no_phrases_give_no_rows(text_encoder_file: Path) -> None:
    assert TorchScriptEncoder(text_encoder_file).encode([]).shape == (0, 512)


def test_the_identity_follows_the_content(text_encoder_file: Path, tmp_path: Path) -> None:
    copy = Path(shutil.copy(text_encoder_file, tmp_path / "other_name.ts"))
    changed = tmp_path / "changed.ts"
    changed.write_bytes(text_encoder_file.read_bytes() + b"x")
    identity = TorchScriptEncoder(text_encoder_file).identity
    assert TorchScriptEncoder(copy).identity == identity
    assert TorchScriptEncoder(changed).identity != identity


def test_the_file_is_opened_only_for_phrases(tmp_path: Path) -> None:
    encoder = TorchScriptEncoder(tmp_path / "not_there.ts")
    with pytest.raises(CheckpointError, match=r"not_there\.ts"):
        encoder.encode(["a cat"])
    with pytest.raises(CheckpointError, match=r"not_there\.ts.*cannot be read"):
        _ = encoder.identity


@pytest.mark.parametrize("content", [b"", b"<html>Not found</html>", b"PK\x03\x04 cut off"])
def test_other_files_are_refused_by_name(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "mobileclip_blt.ts"
    path.write_bytes(content)
    with pytest.raises(CheckpointError, match=r"mobileclip_blt\.ts.*TorchScript"):
        TorchScriptEncoder(path).encode(["a cat"])


class WantsImages(nn.Module):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x.reshape(-1, 3, 32, 32)


class Cube(nn.Module):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x[..., None].float()


class Zeros(nn.Module):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x[:, :8] * 0.0


class NotNumbers(nn.Module):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x[:, :8] * float("nan")


@pytest.mark.parametrize(
    ("network", "words"),
    [
        (WantsImages, "cannot encode tokens"),
        (Cube, "expected a tensor"),
        (Zeros, "without a direction"),
        (NotNumbers, "without a direction"),
    ],
)
def test_networks_that_are_no_text_encoders_are_told(
    tmp_path: Path, network: type[nn.Module], words: str
) -> None:
    path = tmp_path / "other.ts"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.jit.script(network()).save(str(path))
    with pytest.raises(ModelError, match=words):
        TorchScriptEncoder(path).encode(["a cat", "a dog"])


@pytest.mark.parametrize("phrases", ["cat", [""], ["cat", "  "], ["cat", 3]])
def test_what_is_no_phrase_is_refused(text_encoder_file: Path, phrases: list[str]) -> None:
    with pytest.raises(ModelError, match="expected"):
        TorchScriptEncoder(text_encoder_file).encode(phrases)
