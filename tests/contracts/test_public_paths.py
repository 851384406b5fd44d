"""The promise of import paths: each line of public_paths.txt can be imported."""

from __future__ import annotations

import importlib
from pathlib import Path

import pytest

LIST = Path(__file__).with_name("public_paths.txt")


def promised() -> list[str]:
    lines = [line.strip() for line in LIST.read_text(encoding="utf-8").splitlines()]
    return [line for line in lines if line and not line.startswith("#")]


@pytest.mark.parametrize("path", promised())
def test_public_name_can_be_imported(path):
    module, name = path.split(":")
    assert getattr(importlib.import_module(module), name) is not None


def test_no_line_twice():
    assert len(set(promised())) == len(promised())


def test_public_names_that_are_objects():
    """`engine.settings` and `engine.checks` must never turn into modules of the same name."""
    import engine
    from engine.runtime.settings import settings

    assert engine.settings is settings
    assert callable(engine.checks)
    assert engine.YOLO.__name__ == "YOLO"
