"""Vectors of phrases kept on disk."""

from __future__ import annotations

import logging
import zipfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from engine.nn.text.cache import CachedEncoder, read_vectors


class CountingEncoder:
    """Gives every phrase a vector of its own and remembers what it was asked."""

    dimension = 4

    def __init__(self, identity: str = "counting") -> None:
        self.name = "counting"
        self.identity = identity
        self.asked: list[str] = []

    def encode(self, phrases: Sequence[str]) -> Tensor:
        self.asked += phrases
        rows = [[len(p), sum(map(ord, p)), ord(p[0]), 1.0] for p in phrases]
        return torch.nn.functional.normalize(torch.tensor(rows, dtype=torch.float32), dim=1)


def test_each_phrase_is_encoded_once(tmp_path: Path) -> None:
    encoder = CountingEncoder()
    first = CachedEncoder(encoder, tmp_path).encode(["cat", "dog", "cat"])
    again = CachedEncoder(encoder, tmp_path).encode(["dog", "bird", "cat"])
    assert encoder.asked == ["cat", "dog", "bird"]
    assert torch.equal(first[0], first[2])
    assert torch.equal(again[[2, 0]], first[:2])
    assert torch.equal(again, CountingEncoder().encode(["dog", "bird", "cat"]))


def test_encoders_do_not_share_vectors(tmp_path: Path) -> None:
    one, other = CountingEncoder("a/b"), CountingEncoder("a/c")
    CachedEncoder(one, tmp_path).encode(["cat"])
    CachedEncoder(other, tmp_path).encode(["cat"])
    assert other.asked == ["cat"]
    assert sorted(p.name for p in tmp_path.iterdir()) == ["a_b.npz", "a_c.npz"]


def test_two_at_once_keep_both_ones_vectors(tmp_path: Path) -> None:
    one, other = (
        CachedEncoder(CountingEncoder(), tmp_path),
        CachedEncoder(CountingEncoder(), tmp_path),
    )
    one.encode(["cat"])
    other.encode(["dog"])
    one.encode(["bird"])
    assert set(read_vectors(one.path)) == {"cat", "dog", "bird"}


def test_what_another_adds_meanwhile_stays(tmp_path: Path) -> None:
    class Slow(CountingEncoder):
        def encode(self, phrases: Sequence[str]) -> Tensor:
            CachedEncoder(CountingEncoder(), tmp_path).encode(["dog"])
            return super().encode(phrases)

    slow = CachedEncoder(Slow(), tmp_path)
    slow.encode(["cat"])
    assert set(read_vectors(slow.path)) == {"cat", "dog"}


def test_odd_phrases_come_back_as_they_are(tmp_path: Path) -> None:
    phrases = ["Katze", "猫", 'a "quoted" cat', "line\nbreak", "\x00zero", "../../x"]
    CachedEncoder(CountingEncoder(), tmp_path).encode(phrases)
    assert list(read_vectors(tmp_path / "counting.npz")) == phrases
    assert [p.name for p in tmp_path.iterdir()] == ["counting.npz"]


def test_the_dimension_needs_no_encoder_once_known(tmp_path: Path) -> None:
    CachedEncoder(CountingEncoder(), tmp_path).encode(["cat"])
    silent = CountingEncoder()
    silent.dimension = -1
    assert CachedEncoder(silent, tmp_path).dimension == 4
    assert CachedEncoder(silent, tmp_path).encode([]).shape == (0, 4)


def _pickled(path: Path) -> None:
    np.savez(path, phrases=np.array([{"a": 1}], dtype=object), vectors=np.zeros((1, 4)))


def _misfit(path: Path) -> None:
    text = np.frombuffer(b'["a", "b"]', dtype=np.uint8)
    np.savez(path, phrases=text, vectors=np.zeros((1, 4), dtype=np.float32))


def _not_finite(path: Path) -> None:
    text = np.frombuffer(b'["cat"]', dtype=np.uint8)
    np.savez(path, phrases=text, vectors=np.full((1, 4), np.nan, dtype=np.float32))


def _bare_array(path: Path) -> None:
    with path.open("wb") as file:
        np.save(file, np.zeros((1, 4), dtype=np.float32))


def _other_zip(path: Path) -> None:
    with zipfile.ZipFile(path, "w") as file:
        file.writestr("hello.txt", "hello")


@pytest.mark.parametrize(
    "damage",
    [
        lambda path: path.write_bytes(b""),
        lambda path: path.write_bytes(b"not an archive"),
        lambda path: path.write_bytes(path.read_bytes()[:100]),
        _pickled,
        _misfit,
        _not_finite,
        _bare_array,
        _other_zip,
    ],
)
def test_a_damaged_file_is_made_again(
    tmp_path: Path, damage: object, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "counting.npz"
    CachedEncoder(CountingEncoder(), tmp_path).encode(["cat"])
    damage(path)  # type: ignore[operator]
    encoder = CountingEncoder()
    with caplog.at_level(logging.WARNING):
        CachedEncoder(encoder, tmp_path).encode(["cat"])
    assert encoder.asked == ["cat"]
    assert "counting.npz" in caplog.text
    assert set(read_vectors(path)) == {"cat"}


def test_a_folder_that_cannot_be_written_costs_only_the_cache(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    in_the_way = tmp_path / "file"
    in_the_way.write_text("no folder")
    cached = CachedEncoder(CountingEncoder(), in_the_way)
    with caplog.at_level(logging.WARNING):
        assert cached.encode(["cat"]).shape == (1, 4)
    assert "cannot be kept" in caplog.text
