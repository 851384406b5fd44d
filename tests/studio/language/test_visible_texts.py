"""The walk's own eye: what counts as a text outside the catalogue."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))
from visible_texts import foreign_words


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("⟦Undo⟧", []),
        ("⟦Undo⟧  (Ctrl+Z)", ["Ctrl"]),
        ("⟦{a} of ⟦inner⟧ here⟧ rest", ["rest"]),
        ("Undo", ["Undo"]),
        ("<p>⟦Help⟧<br>Default: 3</p>", ["Default"]),
        ("12 %  ·  3 × 4", []),
        ("形状", ["形状"]),
    ],
)
def test_words_outside_the_brackets_are_found(text: str, words: list[str]) -> None:
    assert foreign_words(text) == words
