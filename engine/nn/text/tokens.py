"""Phrases as the token numbers that CLIP's text encoders read."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any

from torch import Tensor

from engine.nn.text.encoder import check_phrases
from engine.runtime.errors import ModelError

# Tokens of a phrase with its start and end marks; longer phrases lose their end, as in CLIP's training.
CONTEXT_LENGTH = 77


def tokenize(phrases: Sequence[str]) -> Tensor:
    """Split phrases into CLIP's byte pairs.

    Radford et al., Learning Transferable Visual Models From Natural Language Supervision, 2021.

    Returns:
        (N, 77) int64: start mark 49406, the phrase, end mark 49407, then zeros.

    Raises:
        ModelError: open_clip, which has the vocabulary, is not installed.
    """
    return _tokenizer()(check_phrases(phrases), CONTEXT_LENGTH)


def import_open_clip() -> Any:
    """Return the open_clip package.

    Raises:
        ModelError: It is not installed.
    """
    try:
        import open_clip
    except ImportError as error:
        raise ModelError(
            f"text prompts need the package open_clip ({error}).",
            remedy="Install it with: pip install open-clip-torch",
        ) from error
    return open_clip


@lru_cache(maxsize=1)
def _tokenizer() -> Callable[[list[str], int], Tensor]:
    """Reading the vocabulary takes a second: once a process is enough."""
    return import_open_clip().tokenizer.SimpleTokenizer()
