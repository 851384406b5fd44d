"""Write docs/reference/python.md and settings.md: from the docstrings of every public name, and the settings' table.

``python -m docs.make_reference``; with ``--check`` it fails where a page is not what it would write. The page
of arguments is made by ``python -m engine.cfg.reference``.
"""

from __future__ import annotations

import argparse
import importlib
import inspect
import re
import sys
from collections.abc import Container, Iterator
from pathlib import Path
from typing import Any

from engine.runtime.settings_schema import SETTINGS, Setting

HERE = Path(__file__).parent
PAGES = HERE / "reference"
PUBLIC = HERE.parent / "tests" / "contracts" / "public_paths.txt"
AGAIN = "Made by `python -m docs.make_reference`; edit the docstrings, not this file."
_SECTION = re.compile(r"^(Args|Returns|Yields|Raises|Attributes|Examples?):$")
_ITEM = re.compile(r"^(?P<names>[*\w][\w*, .\[\]]*): (?P<text>.*)$")

_PYTHON_HEAD = f"""\
# Python

{AGAIN}

Every name here is a promise: it stays importable from this path. Arguments of `train`, `val`, `predict`, `track` and
`export` are on [arguments.md](arguments.md).
"""
_SETTINGS_HEAD = f"""\
# Settings

{AGAIN.replace("docstrings", "table in `engine/runtime/settings_schema.py`")}

What holds for all projects, as one JSON file in the user's configuration folder (`yolo settings` names it; the variable
`MASKWRIGHT_CONFIG_DIR` moves it). Every change is checked and written at once; processes that write at the same time wait
for one another. A file that is no JSON is moved aside, and a new one is made.

```python
from engine import settings

settings["runs_dir"]
settings.update({{"runs_dir": "/data/runs", "tensorboard": True}})
settings.reset()
```

```bash
yolo settings
yolo settings runs_dir=/data/runs tensorboard=True
yolo settings reset
```

| setting | default | type | what it does |
| --- | --- | --- | --- |
"""
# Defaults that are found out anew on each computer
_FOUND = {"uuid": "random", "weights_dir": "`weights` in the user's data folder"}


def python_page() -> str:
    """Return the reference of every public name: one heading a module, one below it a name."""
    parts = [_PYTHON_HEAD]
    homes: dict[int, str] = {}
    modules = {
        module: {name: getattr(importlib.import_module(module), name) for name in names}
        for module, names in _by_module().items()
    }
    public = {v for named in modules.values() for v in named.values() if inspect.isclass(v)}
    for module, named in modules.items():
        parts.append(f"\n## `{module}`\n")
        for name, value in named.items():
            home = homes.setdefault(id(value), f"{module}.{name}")
            again = home != f"{module}.{name}" and callable(value)
            same = f"\n### `{name}`\n\nThe same as `{home}`.\n"
            parts.append(same if again else _entry(name, value, public))
    return "".join(parts)


def settings_page() -> str:
    """Return the table of settings."""
    return _SETTINGS_HEAD + "".join(_setting_row(setting) for setting in SETTINGS)


def write_pages(check: bool) -> list[Path]:
    """Write both pages, or with ``check`` only compare; return those that were not as they should be."""
    stale = []
    for name, text in (("python.md", python_page()), ("settings.md", settings_page())):
        file = PAGES / name
        if not file.exists() or file.read_text(encoding="utf-8") != text:
            stale.append(file)
            if not check:
                file.write_text(text, encoding="utf-8")
    return stale


def _by_module() -> dict[str, list[str]]:
    modules: dict[str, list[str]] = {}
    for line in PUBLIC.read_text(encoding="utf-8").splitlines():
        if line and not line.startswith("#"):
            module, _, name = line.partition(":")
            modules.setdefault(module, []).append(name)
    return {module: sorted(set(names), key=str.lower) for module, names in sorted(modules.items())}


def _entry(name: str, value: Any, public: Container[type]) -> str:
    """Return the part of one name: its signature, its docstring, and for a class its methods."""
    if not (inspect.isclass(value) or callable(value)):
        return f"\n### `{name}`\n\n{_about_value(value)}\n"
    parts = [f"\n### `{name}{_signature(value)}`\n\n{as_markdown(inspect.getdoc(value) or '')}\n"]
    if inspect.isclass(value):
        parts.append(_inherited(value, public))
        parts += [_method(name, method, member) for method, member in _methods(value, public)]
    return "".join(parts)


def _about_value(value: Any) -> str:
    """Say what a public value is; its class explains it where it has one of its own."""
    if isinstance(value, str | tuple | frozenset | set):
        shown = sorted(value) if isinstance(value, frozenset | set) else value
        return f"`{shown}`" if not isinstance(value, str) else "A text."
    return as_markdown(inspect.getdoc(type(value)) or "")


def _methods(kind: type, public: Container[type]) -> Iterator[tuple[str, Any]]:
    """Yield the public methods and properties of a class and of those of its bases that have no entry."""
    told: set[str] = set()
    for base in kind.__mro__:
        if not base.__module__.startswith("engine") or (base is not kind and base in public):
            continue
        for name, member in vars(base).items():
            plain = member.__func__ if isinstance(member, classmethod | staticmethod) else member
            documented = isinstance(plain, property) or inspect.isfunction(plain)
            if name not in told and not name.startswith("_") and documented and plain.__doc__:
                told.add(name)
                yield name, plain


def _inherited(kind: type, public: Container[type]) -> str:
    """Name the bases whose entries say the rest; of a line of bases the nearest is enough."""
    near = [base for base in kind.__mro__[1:] if base in public]
    named = [b for b in near if not any(b is not other and issubclass(other, b) for other in near)]
    names = " and ".join(f"`{base.__name__}`" for base in named)
    return f"\nAlso everything of {names}.\n" if names else ""


def _method(kind: str, name: str, member: Any) -> str:
    signature = "" if isinstance(member, property) else _signature(member)
    return f"\n#### `{kind}.{name}{signature}`\n\n{as_markdown(inspect.getdoc(member) or '')}\n"


def _signature(value: Any) -> str:
    try:
        signature = inspect.signature(value)
    except (TypeError, ValueError):
        return ""
    kept = [
        p.replace(annotation=_Words(p.annotation)) if isinstance(p.annotation, str) else p
        for p in signature.parameters.values()
        if p.name != "self"
    ]
    text = str(signature.replace(parameters=kept, return_annotation=inspect.Signature.empty))
    return re.sub(r"<function (\w+)[^>]*>|<(?:\w+\.)*(\w+) object at [^>]*>", r"\1\2", text)


class _Words(str):
    """An annotation that is shown as it was written, without quotes."""

    __slots__ = ()

    def __repr__(self) -> str:
        return str(self)


def as_markdown(docstring: str) -> str:
    """Return a Google docstring as Markdown: sections become lists, roles and double ticks single ones."""
    lines: list[str] = []
    section = ""
    for line in docstring.splitlines():
        heading = _SECTION.match(line)
        if heading:
            section = heading[1]
            lines += [f"**{section}**", ""]
        elif section and section not in ("Example", "Examples") and line.startswith("    "):
            lines.append(_section_line(line[4:], section))
        else:
            section = section if line.startswith(" ") or not line else ""
            lines.append(line)
    text = "\n".join(lines).strip()
    return re.sub(r":\w+:`~?([^`]*)`", r"`\1`", text).replace("``", "`")


def _section_line(line: str, section: str) -> str:
    if line.startswith("    "):
        return f"  {line.strip()}"
    item = _ITEM.match(line)
    if item and section != "Returns":
        return f"- `{item['names']}`: {item['text']}"
    return line


def _setting_row(setting: Setting) -> str:
    default = _FOUND.get(setting.name, f"`{setting.fresh()!r}`")
    later = f" Without effect: {setting.not_yet}." if setting.not_yet else ""
    return f"| `{setting.name}` | {default} | {setting.type.__name__} | {setting.help}{later} |\n"


def main() -> int:
    """Write the pages, or compare them."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--check", action="store_true", help="write nothing, fail where a page is stale"
    )
    stale = write_pages(parser.parse_args().check)
    if stale and "--check" in sys.argv:
        sys.stderr.write(f"stale: {', '.join(file.name for file in stale)}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
