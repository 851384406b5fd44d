"""Text encoders by name."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
import torch

from engine.nn.text.registry import PUBLISHED, open_encoder
from engine.nn.text.torchscript import TorchScriptEncoder
from engine.runtime.errors import CheckpointError, ModelError
from engine.runtime.settings import settings

pytest.importorskip("open_clip")


def test_a_file_by_path(text_encoder_file: Path) -> None:
    encoder = open_encoder(text_encoder_file)
    expected = TorchScriptEncoder(text_encoder_file).encode(["a cat"])
    assert torch.equal(encoder.encode(["a cat"]), expected)
    assert open_encoder(str(text_encoder_file)) is encoder


@pytest.mark.parametrize("name", list(PUBLISHED))
def test_a_published_one_from_the_weights_folder(
    text_encoder_file: Path, tmp_path: Path, name: str
) -> None:
    settings["weights_dir"] = str(tmp_path)
    shutil.copy(text_encoder_file, tmp_path / PUBLISHED[name].file)
    expected = TorchScriptEncoder(text_encoder_file).encode(["a cat"])
    assert torch.equal(open_encoder(name).encode(["a cat"]), expected)
    assert torch.equal(open_encoder(PUBLISHED[name].file).encode(["a cat"]), expected)


@pytest.mark.parametrize("name", list(PUBLISHED))
def test_a_missing_one_is_told_with_its_place(tmp_path: Path, name: str) -> None:
    settings["weights_dir"] = str(tmp_path / "weights")
    published = PUBLISHED[name]
    with pytest.raises(CheckpointError) as caught:
        open_encoder(name)
    for words in (published.file, str(tmp_path / "weights"), published.elsewhere):
        assert words in str(caught.value)


def test_a_replaced_file_is_another_encoder(text_encoder_file: Path, tmp_path: Path) -> None:
    path = Path(shutil.copy(text_encoder_file, tmp_path / "mine.ts"))
    first = open_encoder(path)
    path.write_bytes(path.read_bytes() + b"x")
    assert open_encoder(path) is not first


def test_unknown_names_are_told_with_the_known() -> None:
    with pytest.raises(ModelError, match=r"mobileclip:blt.*open_clip:"):
        open_encoder("word2vec")
    with pytest.raises(ModelError, match="mobileclip:blt"):
        open_encoder("open_clip:")
