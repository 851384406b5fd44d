"""XML from strangers: elements with the lines they begin on, one after the other. No entities, nothing fetched.

A document that declares entities is refused before one is expanded: that is how XML reads foreign files and
how a few bytes become gigabytes.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import NoReturn
from xml.parsers import expat
from xml.sax.saxutils import escape

from engine.runtime.errors import DatasetError

_CHUNK = 1 << 18
_DEEPEST = 64
_FORBIDDEN = frozenset(("\ufffe", "\uffff", *map(chr, range(0xD800, 0xE000))))


@dataclass(slots=True)
class Node:
    """One element.

    Attributes:
        tag: Its name.
        line: 1-based line that it begins on.
        attributes: As written.
        children: Elements inside.
        text: The characters directly inside, not stripped.
    """

    tag: str
    line: int
    attributes: dict[str, str] = field(default_factory=dict)
    children: list[Node] = field(default_factory=list)
    text: str = ""

    def child(self, tag: str) -> Node | None:
        """Return the first child of a name, or None."""
        return next((node for node in self.children if node.tag == tag), None)

    def each(self, tag: str) -> Iterator[Node]:
        """Give the children of a name."""
        return (node for node in self.children if node.tag == tag)

    def say(self, tag: str, default: str = "") -> str:
        """Return the stripped text of the first child of a name."""
        node = self.child(tag)
        return default if node is None else node.text.strip()

    def walk(self) -> Iterator[Node]:
        """Give this element and all inside, parents first."""
        waiting = [self]
        while waiting:
            node = waiting.pop()
            yield node
            waiting += reversed(node.children)


def read_xml(path: Path, max_bytes: int = 64 << 20) -> Node:
    """Return the root of a whole document.

    Raises:
        DatasetError: It cannot be read, is too large, is not well formed or declares entities (with the line).
    """
    if _size(path) > max_bytes:
        raise DatasetError(f"An XML file of over {max_bytes >> 20} MiB is refused.", path=path)
    builder = _Builder(path, 0)
    nodes = list(builder.nodes())
    return nodes[0]


def iter_xml(path: Path) -> Iterator[Node]:
    """Give the elements directly below the root one after the other; only one is in memory at a time.

    Raises:
        DatasetError: As :func:`read_xml`, when the place in question is reached.
    """
    return _Builder(path, 1).nodes()


def format_text(text: object) -> str:
    """Return text for an element or an attribute in double quotes; characters that XML cannot hold are left out."""
    plain = "".join(c for c in str(text) if c in "\t\n\r" or (c >= " " and c not in _FORBIDDEN))
    return escape(plain, {'"': "&quot;", "\r": "&#13;", "\n": "&#10;", "\t": "&#9;"})


def root_tag(path: Path) -> str:
    """Return the name of the root element, empty where the file is no XML; reads only its beginning."""
    builder = _Builder(path, 0)
    try:
        with path.open("rb") as file:
            builder.feed(file.read(1 << 16), is_last=False)
    except (DatasetError, OSError):
        return builder.root
    return builder.root


class _Builder:
    """Builds elements from the parser's events; those at ``depth`` are given away when they end."""

    def __init__(self, path: Path, depth: int) -> None:
        self.root = ""
        self._path, self._depth = path, depth
        self._open: list[Node] = []
        self._text: list[list[str]] = []
        self._ready: list[Node] = []
        self._parser = parser = expat.ParserCreate()
        parser.buffer_text = True
        parser.StartElementHandler = self._start
        parser.EndElementHandler = self._end
        parser.CharacterDataHandler = self._characters
        parser.EntityDeclHandler = self._refuse_entity
        parser.ExternalEntityRefHandler = self._refuse_entity

    def nodes(self) -> Iterator[Node]:
        """Read the file and give what is ready."""
        if not _size(self._path):
            raise DatasetError("The file is empty.", path=self._path, remedy="Export it again.")
        try:
            with self._path.open("rb") as file:
                while chunk := file.read(_CHUNK):
                    yield from self._fed(chunk)
        except OSError as error:
            raise _unreadable(self._path, error) from error
        yield from self._fed(b"", is_last=True)

    def _fed(self, chunk: bytes, is_last: bool = False) -> list[Node]:
        """Parse a chunk; what was ready before a mistake is given first, the next call meets it again."""
        self.feed(chunk, is_last)
        ready, self._ready = self._ready, []
        return ready

    def feed(self, chunk: bytes, is_last: bool) -> None:
        """Parse a piece of the document."""
        try:
            self._parser.Parse(chunk, is_last)
        except expat.ExpatError as error:
            raise DatasetError(
                f"It is not valid XML: {expat.ErrorString(error.code)}.",
                path=self._path,
                line=error.lineno,
                remedy="The file may be cut off: export it again.",
            ) from error
        except (LookupError, UnicodeError) as error:
            raise DatasetError(
                f"It is not readable XML: {error}.", path=self._path, remedy="Save it as UTF-8."
            ) from error

    def _start(self, tag: str, attributes: dict[str, str]) -> None:
        self.root = self.root or tag
        if len(self._open) >= _DEEPEST:
            raise DatasetError(
                f"Elements are nested more than {_DEEPEST} deep.", path=self._path, line=self._line
            )
        self._open.append(Node(tag, self._line, attributes))
        self._text.append([])

    def _end(self, _tag: str) -> None:
        node = self._open.pop()
        node.text = "".join(self._text.pop())
        if len(self._open) == self._depth:
            self._ready.append(node)
        elif len(self._open) > self._depth:
            self._open[-1].children.append(node)

    def _characters(self, text: str) -> None:
        if len(self._open) > self._depth:
            self._text[-1].append(text)

    def _refuse_entity(self, *_: object) -> NoReturn:
        raise DatasetError(
            "It declares entities, which can read other files or fill the memory. It was not read.",
            path=self._path,
            line=self._line,
            remedy="Remove the DOCTYPE from the file.",
        )

    @property
    def _line(self) -> int:
        return int(self._parser.CurrentLineNumber)


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError as error:
        raise _unreadable(path, error) from error


def _unreadable(path: Path, error: OSError) -> DatasetError:
    return DatasetError(f"Cannot be read: {error.strerror or error}.", path=path)
