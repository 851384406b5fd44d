"""The shipped text encoder: words of the generated sample have places that make sense."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from engine.nn.text import registry
from engine.nn.text.registry import open_encoder
from engine.nn.text.small import SmallTextEncoder

pytest.importorskip("open_clip")


def similar(*pairs: tuple[str, str]) -> list[float]:
    encoder = open_encoder("sample:phrases")
    return [float((encoder.encode([one]) * encoder.encode([other])).sum()) for one, other in pairs]


def test_it_has_the_interface_of_the_published_ones_and_is_small() -> None:
    encoder = open_encoder("sample:phrases")
    vectors = encoder.encode(["red nut", "a brass gear"])
    assert vectors.shape == (2, 512)
    assert torch.allclose(vectors.norm(dim=1), torch.ones(2), atol=1e-5)
    file = Path(registry.__file__).with_name(registry.SHIPPED["sample:phrases"])
    assert file.stat().st_size < 1 << 20


def test_synonyms_and_other_orders_are_the_same() -> None:
    found = similar(
        ("red nut", "a red hexagon nut"),
        ("brass washer", "golden ring"),
        ("black bolt", "a bolt that is black"),
        ("gear", "cogwheel"),
    )
    assert min(found) > 0.9, found


def test_phrases_share_what_their_words_share() -> None:
    same_colour, same_kind, nothing, known, strange = similar(
        ("red nut", "red gear"),
        ("red nut", "blue nut"),
        ("red nut", "blue gear"),
        ("red nut", "red"),
        ("red nut", "zebra crossing"),
    )
    assert 0.35 < same_colour < 0.65
    assert 0.35 < same_kind < 0.65
    assert abs(nothing) < 0.15
    assert known > 0.6
    assert abs(strange) < 0.3


def test_what_follows_the_end_mark_does_not_count() -> None:
    torch.manual_seed(0)
    model = SmallTextEncoder().eval()
    tokens = torch.tensor([[49406, 5, 6, 49407, 0, 0]])
    longer = torch.tensor([[49406, 5, 6, 49407, 0, 0, 0, 0]])
    other = torch.tensor([[49406, 5, 7, 49407, 0, 0]])
    assert torch.allclose(model(tokens), model(longer), atol=1e-6)
    assert not torch.allclose(model(tokens), model(other), atol=1e-3)
    assert model(torch.tensor([[49406, 49407, 0]])).isfinite().all()
