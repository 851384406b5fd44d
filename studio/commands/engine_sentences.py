"""The sentences that the engine can say, as templates, found in its code.

The engine knows nothing of languages: what it reports is finished English, made of f-strings and constants all over its
rooms. Here its code is read (never run), and each such text becomes a template whose values have names:
``f"{path.name} holds {len(rows)} rows."`` becomes ``{path} holds {rows} rows.`` Choices between two texts become a
template each, so that what is translated is a sentence and not its parts.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Mapping
from itertools import product
from pathlib import Path

from engine.data.formats.losses import agreeing

ENGINE = Path(__file__).resolve().parents[2] / "engine"

# Rooms whose sentences reach the window. Those left out speak to programmers (tensors, layers, losses, metrics, shims of
# promised import paths) or to a terminal only.
ROOMS = (
    "active_learning",
    "cfg",
    "core",
    "data",
    "export",
    "metrics/coco_files.py",
    "models",
    "nn",
    "runtime",
    "trackers",
    "training",
)
LEFT_OUT = (
    "cfg/command_line.py",  # the grammar of the terminal's command, its help and its bars
    "cfg/help_text.py",
    "cfg/reference.py",
    "cfg/tables",  # the help of arguments: a text of the forms, found by their own table
    "cfg/words.py",
    "core/benchmark.py",  # a table in the terminal
    "core/metrics_table.py",
    "core/ray_search.py",  # searches are started by scripts
    "core/tuner.py",
    "data/convert_coco.py",  # functions that scripts call
    "data/convert_masks.py",
    "data/synthetic",  # draws the sample; its words are names of things in pictures
    "nn/modules",  # shapes of tensors: how layers are put together is checked before, in nn/build.py
    "nn/sizes.py",  # writes a page of the documentation
    "runtime/checks.py",  # `yolo checks` and `maskwright doctor`, both in the terminal
    "runtime/settings_schema.py",  # as cfg/tables
    "training/search_space.py",
    "training/tune_results.py",
)

# What these say is about a mistake in code: a person meets it as an unexpected error, whose record is to be copied.
PROGRAMMERS = frozenset(
    (
        "AssertionError",
        "AttributeError",
        "KeyError",
        "NotImplementedError",
        "TypeError",
    )
)
# Whose strings are patterns, keys, names of threads or lines of the log that no window shows
_NOT_FOR_PEOPLE = frozenset(
    ("compile", "debug", "fullmatch", "getLogger", "info", "match", "search", "split", "sub", "Thread", "Setting")
)  # fmt: skip
_SAYS_SO = (
    "Error",
    "warning",
)  # ends of the names of calls whose texts are for people, however short

# How errors and findings name their place (``EngineError`` and ``Problem`` put it together)
PLACE = "{place}, line {line}:"
_WHO = (
    "who",
    "_who",
)  # what readers call the object that a finding is about, which stands before it with a colon
# What the system and Python's readers say, which the engine quotes
QUOTED = (
    "No such file or directory",
    "Permission denied",
    "Operation not permitted",
    "No space left on device",
    "Disk quota exceeded",
    "Read-only file system",
    "Is a directory",
    "Not a directory",
    "File exists",
    "File name too long",
    "Input/output error",
    "Too many open files",
    "Device or resource busy",
    "Directory not empty",
    "Expecting value",
    "Expecting property name enclosed in double quotes",
    "Unterminated string starting at",
    "Extra data",
    "mapping values are not allowed here",
    "could not find expected ':'",
)
_COMMAND = re.compile(
    r"import .*|pip install [^()]*", re.DOTALL
)  # what is typed is the same everywhere

_MOST_VARIANTS = 12  # of one text with choices in it; beyond, choices stay values
_PLACE = re.compile(r"\{\w+\}")
_PERCENT = re.compile(r"%(?:\(\w+\))?[-+ #0]*\d*(?:\.\d+)?([sdgifrx%])")
_WORD = re.compile(r"[^\W\d_]{2,}")
_PROSE = re.compile(r"[\w\s.,:;'\"()/%+=#&!?×*{}\[\]-]+")
_SMALL_WORDS = re.compile(  # of English, not of code
    r"(?<![\w=./'\"{-])(?:a|True|False|None|[a-z]{2,})[,.:;)]?(?: |$)"
)
_JOINED_BEFORE = re.compile(r"^(?:\{\w+\}[\s.,:;]*)+\s(?=[A-Z]|\(.*\.\)$)")
_JOINED_AFTER = re.compile(r"(?<=[.?!])\s*(?:\{\w+\}\s*)+$")
_UNNAMED = frozenset(
    ("self", "len", "str", "sorted", "map", "repr", "list", "tuple", "type", "int", "float", "max", "min", "join", "name", "set")
)  # fmt: skip

Texts = Mapping[str, ast.expr]


def engine_sentences(root: Path = ENGINE) -> dict[str, list[str]]:
    """Return the templates of what the engine says, each with the files that say it.

    Args:
        root: Folder of the engine's code.
    """
    found = {text: ["data/problems.py"] for text in (PLACE, *QUOTED)}
    for room in ROOMS:
        place = root / room
        for file in sorted(place.rglob("*.py")) if place.is_dir() else [place]:
            name = file.relative_to(root).as_posix()
            if not any(name == out or name.startswith(f"{out}/") for out in LEFT_OUT):
                for template in sentences(file.read_text(encoding="utf-8")):
                    files = found.setdefault(template, [])
                    if name not in files:
                        files.append(name)
    return _each_form_once(found)


def _each_form_once(found: Mapping[str, list[str]]) -> dict[str, list[str]]:
    """Return one template of those that differ in the names of their values only, or begin small: nobody could tell them apart."""
    forms: dict[str, str] = {}
    kept: dict[str, list[str]] = {}
    for template, files in found.items():
        form = _PLACE.sub("{}", template)
        first = forms.setdefault(form[:1].lower() + form[1:], template)
        places = kept.setdefault(first, [])
        places.extend(file for file in files if file not in places)
    return kept


def sentences(code: str) -> list[str]:
    """Return the templates of a module's sentences, in the order of its lines.

    >>> sentences('raise DataError(f"Expected {count:,} files, found {len(rows)}.")')
    ['Expected {count} files, found {rows}.']
    """
    finder = _Finder(ast.parse(code))
    said = (
        text for node, text in finder.found if id(node) not in finder.inlined or _is_sentence(text)
    )
    return list(dict.fromkeys(said))


def _is_sentence(text: str) -> bool:
    return text.endswith((".", "?", "!"))


class _Finder(ast.NodeVisitor):
    """Walks a module, knowing which texts its names stand for."""

    def __init__(self, tree: ast.Module) -> None:
        self.found: list[tuple[ast.expr, str]] = []
        self.inlined: set[int] = set()  # texts that stand in the templates of others
        self._texts: dict[str, ast.expr] = dict(_named_texts(tree.body))
        self._spoken = False  # whether the call around says its texts to people
        self._names = False  # whether the text is what something is called
        self.visit(tree)

    def visit_Expr(self, node: ast.Expr) -> None:
        if not isinstance(node.value, ast.Constant):  # else a docstring
            self.generic_visit(node)

    def visit_FunctionDef(self, node: ast.FunctionDef) -> None:
        outer = self._texts
        self._texts = {**outer, **dict(_named_texts(ast.walk(node)))}
        for statement in node.body:
            self._visit_named(node.name, statement)
        self._texts = outer

    def visit_Assign(self, node: ast.Assign) -> None:
        self._visit_named(_last_name(node.targets[0]), node.value)

    def visit_keyword(self, node: ast.keyword) -> None:
        self._visit_named(node.arg or "", node.value)

    def _visit_named(self, name: str, node: ast.AST) -> None:
        outer, self._names = self._names, self._names or name in _WHO
        self.visit(node)
        self._names = outer

    def visit_AnnAssign(self, node: ast.AnnAssign) -> None:
        if node.value is not None:
            self.visit(node.value)

    def visit_Tuple(self, node: ast.Tuple) -> None:
        """Rows of plain words are names of things, or what is looked for in other programs' words."""
        if self._spoken or not all(isinstance(entry, ast.Constant) for entry in node.elts):
            self.generic_visit(node)

    def visit_Compare(self, node: ast.Compare) -> None:
        """What is compared is what somebody wrote, not what is said."""

    def visit_Call(self, node: ast.Call) -> None:
        name = _last_name(node.func)
        if name in PROGRAMMERS or name in _NOT_FOR_PEOPLE:
            return
        if name == "warning" and node.args:
            self._take_logged(node)
            return
        outer, self._spoken = self._spoken, name.endswith(_SAYS_SO) or self._spoken
        self.generic_visit(node)
        self._spoken = outer

    def visit_Constant(self, node: ast.Constant) -> None:
        if isinstance(node.value, str):
            self._take(node)

    def visit_JoinedStr(self, node: ast.JoinedStr) -> None:
        self._take(node)
        for part in node.values:
            if isinstance(part, ast.FormattedValue):
                self.visit(part.value)

    def visit_BinOp(self, node: ast.BinOp) -> None:
        if isinstance(node.op, ast.Add) and _is_text(node):
            self._take(node)
        else:
            self.generic_visit(node)

    def _take(self, node: ast.expr) -> None:
        variants = _variants(node, self._texts)
        if len(variants) < _MOST_VARIANTS:
            self.inlined.update(
                id(part) for part in _inlined(node, self._texts) if part is not node
            )
        for parts in variants:
            self._keep(node, _template(parts))

    def _take_logged(self, node: ast.Call) -> None:
        """Take a text whose values stand behind it, as the logging of Python fills them in."""
        text, *values = node.args
        if isinstance(text, ast.Constant) and isinstance(text.value, str):
            self._keep(text, _template(_of_percent(text.value, values)))
        else:
            self.visit(text)

    def _keep(self, node: ast.expr, template: str) -> None:
        template = _JOINED_AFTER.sub("", _JOINED_BEFORE.sub("", template.strip()))
        for count in (1, 2):  # what is counted comes in two forms, most texts in one
            self._keep_form(node, agreeing(template, count))

    def _keep_form(self, node: ast.expr, template: str) -> None:
        if self._names and _PLACE.search(template) and _WORD.search(_PLACE.sub("", template)):
            self.found.append((node, f"{template}:"))
        elif is_for_people(template, spoken=self._spoken):
            self.found.append((node, template))


def is_for_people(template: str, *, spoken: bool = True) -> bool:
    """Tell whether a template is something said, and not a key, a pattern or a piece of markup.

    Args:
        template: With its places in braces.
        spoken: It stands where errors and warnings get their texts.

    >>> is_for_people("Expected {count} files."), is_for_people("{place}: {what}"), is_for_people("<b>{name}</b> or so")
    (True, False, False)
    """
    said = _PLACE.sub("{}", template.replace("{{", "(").replace("}}", ")"))
    if _COMMAND.fullmatch(said) or not _PROSE.fullmatch(said):
        return False
    if "%(" in said or len(_WORD.findall(said)) < 2:
        return False
    small = len(_SMALL_WORDS.findall(said))
    return small >= (1 if spoken or _is_sentence(said) else 2)


def _named_texts(statements: Iterator[ast.AST] | list[ast.stmt]) -> Iterator[tuple[str, ast.expr]]:
    """Yield the names that are given one text, or a choice of texts, and nothing else."""
    given: dict[str, list[ast.expr | None]] = {}
    for statement in statements:
        if isinstance(statement, ast.Assign) and len(statement.targets) == 1:
            target, value = statement.targets[0], statement.value
            if isinstance(target, ast.Name):
                given.setdefault(target.id, []).append(value)
        elif isinstance(
            statement, ast.AugAssign | ast.AnnAssign | ast.For | ast.comprehension
        ) and isinstance(statement.target, ast.Name):
            given.setdefault(statement.target.id, []).append(getattr(statement, "value", None))
    for name, values in given.items():
        if len(values) == 1 and values[0] is not None and _is_text(values[0]):
            yield name, values[0]


def _is_text(node: ast.expr) -> bool:
    if isinstance(node, ast.IfExp):
        return _is_text(node.body) and _is_text(node.orelse)
    if isinstance(node, ast.BinOp):
        return isinstance(node.op, ast.Add) and (_is_text(node.left) or _is_text(node.right))
    return isinstance(node, ast.JoinedStr) or (
        isinstance(node, ast.Constant) and isinstance(node.value, str)
    )


Parts = tuple[str | ast.expr, ...]  # what is said, and what stands between


def _variants(node: ast.expr, texts: Texts, depth: int = 3) -> list[Parts]:
    """Return the texts that an expression may become, its choices made."""
    if isinstance(node, ast.Constant):
        return [(str(node.value),)]
    if isinstance(node, ast.IfExp) and _is_text(node):
        return _variants(node.body, texts, depth) + _variants(node.orelse, texts, depth)
    if isinstance(node, ast.Name) and node.id in texts and depth:
        return _variants(texts[node.id], texts, depth - 1)
    if isinstance(node, ast.BinOp) and _is_text(node):
        return _joined([_variants(part, texts, depth) for part in (node.left, node.right)])
    if isinstance(node, ast.JoinedStr):
        return _joined([_variants(_value(part), texts, depth) for part in node.values])
    return [(node,)]


def _inlined(node: ast.expr, texts: Texts, depth: int = 3) -> Iterator[ast.expr]:
    """Yield the texts that :func:`_variants` puts together."""
    if isinstance(node, ast.Name) and node.id in texts and depth:
        yield from _inlined(texts[node.id], texts, depth - 1)
    elif _is_text(node):
        yield node
        for child in ast.iter_child_nodes(node):
            if isinstance(child, ast.expr):
                yield from _inlined(_value(child), texts, depth)


def _value(part: ast.expr) -> ast.expr:
    """Return what is filled in; a value that is put into quotes (``!r``) is not what it stands for."""
    if isinstance(part, ast.FormattedValue) and part.conversion == -1:
        return part.value
    return part


def _joined(choices: list[list[Parts]]) -> list[Parts]:
    while len(whole := list(product(*choices))) > _MOST_VARIANTS:
        widest = max(range(len(choices)), key=lambda place: len(choices[place]))
        choices[widest] = choices[widest][:1]
    return [tuple(part for parts in variant for part in parts) for variant in whole]


def _of_percent(text: str, values: list[ast.expr]) -> Parts:
    parts: list[str | ast.expr] = []
    rest, start = list(values), 0
    for place in _PERCENT.finditer(text):
        parts.append(text[start : place.start()])
        start = place.end()
        parts.append("%" if place[1] == "%" or not rest else rest.pop(0))
    return (*parts, text[start:])


def _template(parts: Parts) -> str:
    names: dict[str, str] = {}
    said = []
    for part in parts:
        if isinstance(part, str):
            said.append(part.replace("{", "{{").replace("}", "}}"))
            continue
        code = ast.unparse(part)
        if code not in names:
            names[code] = _free(_name_of(part), set(names.values()))
        said.append(f"{{{names[code]}}}")
    return "".join(said)


def _free(name: str, taken: set[str]) -> str:
    return (
        name
        if name not in taken
        else next(f"{name}{n}" for n in range(2, 99) if f"{name}{n}" not in taken)
    )


def _name_of(node: ast.expr) -> str:
    """Return the word of an expression that says best what it is: ``len(self.rows)`` is called ``rows``."""
    words = [w.strip("_").lower() for w in _names_in(node)]
    return next((w for w in words if w.isidentifier() and w not in _UNNAMED), "value")


def _names_in(node: ast.AST) -> Iterator[str]:
    if isinstance(node, ast.Attribute):
        if not node.attr.startswith("__"):
            yield node.attr
        yield from _names_in(node.value)
    elif isinstance(node, ast.Name):
        yield node.id
    elif isinstance(node, ast.Call):
        for argument in node.args:
            yield from _names_in(argument)
        yield from _names_in(node.func)
    else:
        for child in ast.iter_child_nodes(node):
            yield from _names_in(child)


def _last_name(node: ast.expr) -> str:
    if isinstance(node, ast.Attribute):
        return node.attr
    return node.id if isinstance(node, ast.Name) else ""
