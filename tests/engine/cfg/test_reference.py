from __future__ import annotations

import yaml

from engine.cfg.arguments import check, defaults, load_yaml
from engine.cfg.reference import ARGUMENTS_MD, DEFAULT_YAML, arguments_markdown, default_yaml
from engine.cfg.schema import ARGUMENTS

AGAIN = "run `python -m engine.cfg.reference`"


def test_default_yaml_is_the_schema():
    assert DEFAULT_YAML.read_text(encoding="utf-8") == default_yaml(), AGAIN
    assert yaml.safe_load(default_yaml()) == defaults("train")


def test_default_yaml_is_accepted_as_it_is():
    assert check(load_yaml(DEFAULT_YAML))["epochs"] == 100


def test_reference_page_is_the_schema():
    assert ARGUMENTS_MD.read_text(encoding="utf-8") == arguments_markdown(), AGAIN
    page = arguments_markdown()
    assert all(f"| `{argument.name}` |" in page for argument in ARGUMENTS)
