"""Phrases as CLIP tokens."""

from __future__ import annotations

import sys

import pytest
import torch

from engine.nn.text.tokens import tokenize
from engine.runtime.errors import ModelError


def test_known_tokens() -> None:
    pytest.importorskip("open_clip")
    tokens = tokenize(["a cat", "Dog "])
    assert tokens.dtype == torch.int64
    assert tokens.shape == (2, 77)
    assert tokens[0, :5].tolist() == [49406, 320, 2368, 49407, 0]
    assert tokens[1, :4].tolist() == [49406, 1929, 49407, 0]


def test_long_phrases_keep_their_end_mark() -> None:
    pytest.importorskip("open_clip")
    tokens = tokenize(["cat " * 200])
    assert tokens.shape == (1, 77)
    assert tokens[0, -1] == 49407


def test_without_open_clip_the_package_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    from engine.nn.text import tokens

    tokens._tokenizer.cache_clear()
    monkeypatch.setitem(sys.modules, "open_clip", None)
    with pytest.raises(ModelError, match="pip install open-clip-torch"):
        tokens.tokenize(["a cat"])
