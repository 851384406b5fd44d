"""Damaged files of every format are read or refused: no crash, no hang, nothing written outside."""

from __future__ import annotations

import pytest

from benchmarks.fuzz_formats import fuzz
from engine.data.formats import FORMATS


@pytest.mark.parametrize("seed", [0, 7_000])
def test_a_few_cases_of_each_reader(seed: int) -> None:
    cases = 2 * len(FORMATS)
    found = fuzz(seconds=300, seed=seed, cases=cases)
    assert found["failures"] == []
    assert found["cases"] == cases


@pytest.mark.parametrize("seed", [1_000_805, 1_001_300, 1_004_510])
def test_cases_that_once_crashed(seed: int) -> None:
    assert fuzz(seconds=300, seed=seed, cases=1)["failures"] == []


@pytest.mark.slow
def test_many_cases() -> None:
    found = fuzz(seconds=600, seed=1_000_000, cases=600)
    assert found["failures"] == []
