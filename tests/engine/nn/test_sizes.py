"""``sizes.json`` and the tables of the models page say what the built models are."""

from __future__ import annotations

import json

import pytest

from engine.cfg.model_catalogue import SIZES_JSON, catalogue
from engine.cfg.model_yaml import model_names
from engine.nn.sizes import MODELS_MD, measure, sizes_text, with_tables

AGAIN = "run `python -m engine.nn.sizes`"
SMALLEST = [entry.name for entry in catalogue() if entry.scale == "n"]


@pytest.fixture(scope="module")
def sizes() -> dict:
    return json.loads(SIZES_JSON.read_text(encoding="utf-8"))


def test_every_model_is_measured(sizes):
    assert list(sizes) == model_names(), AGAIN


@pytest.mark.parametrize("name", SMALLEST)
def test_the_smallest_of_each_is_as_written(sizes, name):
    assert measure(name) == sizes[name], AGAIN


@pytest.mark.slow
@pytest.mark.parametrize("name", [n for n in model_names() if n not in SMALLEST])
def test_all_others_are_as_written(sizes, name):
    assert measure(name) == sizes[name], AGAIN


def test_the_file_has_one_model_a_line(sizes):
    assert SIZES_JSON.read_text(encoding="utf-8") == sizes_text(sizes), AGAIN


@pytest.mark.skipif(not MODELS_MD.is_file(), reason="the pages do not travel with the package")
def test_the_page_has_the_tables():
    page = MODELS_MD.read_text(encoding="utf-8")
    assert page == with_tables(page, catalogue()), AGAIN
    assert "| `yolo11-seg` | 2.88 M, 9.8 |" in page


def test_a_page_without_marks_is_refused():
    with pytest.raises(ValueError, match="lacks the marks"):
        with_tables("# Models\n", catalogue())
