"""The schema is honest: what it refuses no code reads, and its choices are those of the rooms that do the work.

That what it offers is read, real runs show in test_arguments_by_mode.py.
"""

from __future__ import annotations

import ast
import functools
from pathlib import Path

import pytest

import engine
from engine.cfg.not_yet import NOT_YET
from engine.cfg.schema import by_name
from engine.runtime.settings_schema import SETTINGS

ENGINE = Path(engine.__file__).parent
HOLDERS = {"args", "arguments", "hyp", "gains", "given", "overrides", "values"}


def _holder(node: ast.expr) -> bool:
    """Tell whether an expression is called like something that holds arguments: ``args``, ``self.args``."""
    name = node.id if isinstance(node, ast.Name) else getattr(node, "attr", "")
    return name in HOLDERS


def _names_read(tree: ast.AST) -> set[str]:
    """Return names read as ``args.x``, ``args["x"]``, ``args.get("x")``, ``args.pop("x")``, ``getattr(args, "x")``, ``given("x")``."""
    names: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and _holder(node.value):
            names.add(node.attr)
        elif isinstance(node, ast.Subscript) and _holder(node.value):
            names |= _texts([node.slice])
        elif isinstance(node, ast.Call):
            function = node.func
            if _holder(function) or (
                isinstance(function, ast.Attribute) and _holder(function.value)
            ):  # given("x", 0.5): a function of the arguments
                names |= _texts(node.args[:1])
            elif (
                isinstance(function, ast.Name)
                and function.id == "getattr"
                and _holder(node.args[0])
            ):
                names |= _texts(node.args[1:2])
    return names


def _texts(nodes: list[ast.expr]) -> set[str]:
    return {n.value for n in nodes if isinstance(n, ast.Constant) and isinstance(n.value, str)}


@functools.cache
def names_read_by_the_engine() -> frozenset[str]:
    names: set[str] = set()
    for file in sorted(ENGINE.rglob("*.py")):
        if ENGINE / "cfg" not in file.parents:
            names |= _names_read(ast.parse(file.read_text(encoding="utf-8")))
    return frozenset(names)


@pytest.mark.parametrize("name", sorted(NOT_YET))
def test_refused_argument_is_read_by_nobody(name):
    """Once code reads it, its line in the table of reasons must go."""
    assert name not in names_read_by_the_engine()


def test_the_reader_finds_what_it_should():
    code = "self.args.epochs; args['lr0']; args.get('box', 1); getattr(hyp, 'cls'); given('dfl'); o.name; x['mode']"
    assert _names_read(ast.parse(code)) == {"epochs", "lr0", "box", "cls", "dfl", "get"}


def test_formats_of_the_schema_are_those_of_the_exporter():
    from engine.export.formats import FORMATS

    writable = {found.key for found in FORMATS if found.is_writable}
    assert set(by_name["format"].choices) == writable


def test_operator_sets_of_the_schema_are_those_of_the_exporter():
    from engine.export.onnx import MAX_OPSET, MIN_OPSET

    assert (by_name["opset"].low, by_name["opset"].high) == (MIN_OPSET, MAX_OPSET)


def test_optimizers_of_the_schema_are_those_of_the_training():
    from engine.training.optimizer import canonical_name

    assert [canonical_name(name) for name in by_name["optimizer"].choices] == list(
        by_name["optimizer"].choices
    )


@pytest.mark.parametrize("name", [s.name for s in SETTINGS if s.editable and not s.not_yet])
def test_setting_that_may_be_changed_is_read(name):
    rooms = [file for file in ENGINE.rglob("*.py") if not file.stem.startswith("settings")]
    assert any(f'"{name}"' in file.read_text(encoding="utf-8") for file in rooms)
