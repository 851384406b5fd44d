"""The reference pages: made from docstrings and tables, and none of the public names is left out."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from engine.runtime.settings_schema import SETTINGS

ROOT = Path(__file__).parents[2]
PUBLIC = Path(__file__).with_name("public_paths.txt")


@pytest.fixture(scope="module")
def maker():
    import importlib.util

    spec = importlib.util.spec_from_file_location(
        "make_reference", ROOT / "docs" / "make_reference.py"
    )
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_every_public_name_is_on_the_page(maker):
    page = maker.python_page()
    sections = re.split(r"^## `(.+)`$", page, flags=re.M)
    by_module = dict(zip(sections[1::2], sections[2::2], strict=True))
    for line in PUBLIC.read_text().splitlines():
        if line and not line.startswith("#"):
            module, _, name = line.partition(":")
            assert re.search(rf"^### `{re.escape(name)}\b", by_module[module], flags=re.M), line


def test_no_entry_is_empty_and_no_address_in_memory_is_shown(maker):
    page = maker.python_page()
    for entry in re.split(r"^#{3,4} ", page, flags=re.M)[1:]:
        heading, _, body = entry.partition("\n")
        assert body.strip(), heading
    assert not re.search(r"0x[0-9a-f]{6}", page)


def test_the_page_of_settings_is_what_its_script_writes(maker):
    page = (ROOT / "docs" / "reference" / "settings.md").read_text(encoding="utf-8")
    assert page == maker.settings_page()
    for setting in SETTINGS:
        assert f"| `{setting.name}` |" in page


def test_docstrings_become_markdown(maker):
    text = "Do ``this``.\n\nArgs:\n    one: What\n        it is.\n    *two: More.\n\nReturns:\n    See :class:`Box`."
    assert maker.as_markdown(text) == (
        "Do `this`.\n\n**Args**\n\n- `one`: What\n  it is.\n- `*two`: More.\n\n"
        "**Returns**\n\nSee `Box`."
    )
