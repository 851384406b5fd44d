"""Reading a pickle without Python's unpickler: a small machine that only ever builds plain values.

Instructions that ask for a name get what :mod:`engine.nn.inert` has for it. Names that are not known there
are noted and stand for nothing, so that all of them can be told at the end; no object of this program that a
later reading would use comes within the pickle's reach.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from typing import Any

from torch import Tensor

from engine.nn.inert import (
    UNFINISHED,
    Inert,
    Named,
    NumpyArray,
    NumpyType,
    check_key,
    find_name,
    resolved,
)
from engine.nn.pickle_error import PickleError
from engine.nn.pickle_instructions import OPERATIONS

STOP = ord(".")
_BINGET, _LONG_BINPUT, _BININT1, _EMPTY_TUPLE, _REDUCE = b"hrK)R"
_TABLE_NAME = "collections.OrderedDict"
_TABLE = find_name(_TABLE_NAME)
_unpack_number = struct.Struct("<I").unpack_from
# The largest checkpoints known have some 10^5 instructions; this many take seconds and some hundred MiB
MOST_INSTRUCTIONS = 10_000_000
# What values of the wrong kind lead to, here and in torch and NumPy
_MISFITS = (LookupError, TypeError, ValueError, OverflowError, RuntimeError, struct.error)
_NUMBERS = {
    form: (struct.Struct(form).unpack_from, struct.calcsize(form))
    for form in ("<B", "<H", "<i", "<I", "<Q", ">d")
}
# They stand for names that are registered elsewhere
_EXTENSIONS = {0x82: "EXT1", 0x83: "EXT2", 0x84: "EXT4"}


class PickleReader:
    """Reads the pickle that starts at ``position``.

    Attributes:
        position: Place in the bytes; after :meth:`read` that behind the pickle.
        refused: Names it asks for that no model needs.
        content: The bytes.
        load_persistent: Gives the object of a persistent id, such as a storage.
        stack: The values that instructions take and leave.
        marks: Heights of the stack where groups of values begin.
        memo: Values that instructions ask for again, by number.
    """

    def __init__(
        self,
        content: bytes,
        load_persistent: Callable[[Any], Any] | None = None,
        makers: dict[str, Callable[..., Any]] | None = None,
        position: int = 0,
    ) -> None:
        """Prepare to read.

        Args:
            content: The bytes.
            load_persistent: Gives the object of a persistent id, such as a storage.
            makers: Further names that may be called, with what answers.
            position: Where the pickle starts.
        """
        self.position = position
        self.refused: set[str] = set()
        self.content = content
        self.load_persistent = load_persistent
        self._makers = makers or {}
        self.memo: dict[int, Any] = {}
        self.stack: list[Any] = []
        self.marks: list[int] = []

    def read(self) -> Any:
        """Return the value.

        Raises:
            PickleError: It is damaged, too long or holds an instruction that no model needs.
        """
        content, end, stack, memo = self.content, len(self.content), self.stack, self.memo
        position = self.position
        try:
            for _ in range(MOST_INSTRUCTIONS):
                if position >= end:
                    raise PickleError("it ends too early")
                code = content[position]
                # these are four of five instructions, and a call is half of their time
                if code == _BINGET:
                    stack.append(memo[content[position + 1]])
                    position += 2
                elif code == _LONG_BINPUT:
                    memo[_unpack_number(content, position + 1)[0]] = stack[-1]
                    position += 5
                elif code == _BININT1:
                    stack.append(content[position + 1])
                    position += 2
                elif code == _EMPTY_TUPLE:
                    if stack and stack[-1] is _TABLE and content[position + 1] == _REDUCE:
                        stack[-1] = {}  # a call without arguments: each module has eleven of them
                        position += 2
                    else:
                        stack.append(())
                        position += 1
                else:
                    self.position = position + 1
                    if code == STOP:
                        return resolved(stack.pop())
                    operation = OPERATIONS.get(code)
                    if operation is None:
                        raise PickleError(self._unknown(code))
                    operation(self)
                    position = self.position
        except _MISFITS as error:
            raise PickleError(f"{_said(error)} at byte {self.position}") from error
        raise PickleError("it holds too many values for a model")

    # Bytes

    def take(self, count: int) -> bytes:
        """Return so many bytes and step over them."""
        start, stop = self.position, self.position + count
        if count < 0 or stop > len(self.content):
            raise PickleError("it ends too early")
        self.position = stop
        return self.content[start:stop]

    def number(self, form: str) -> Any:
        """Return the number at the present position and step over it."""
        unpack, size = _NUMBERS[form]
        found = unpack(self.content, self.position)[0]
        self.position += size
        return found

    def line(self) -> bytes:
        """Return what is left of the line and step over it."""
        end = self.content.find(b"\n", self.position)
        if end < 0:
            raise PickleError("it ends too early")
        found = self.content[self.position : end]
        self.position = end + 1
        return found

    def _unknown(self, code: int) -> str:
        if code in _EXTENSIONS:
            self.refused.add(f"an extension code ({_EXTENSIONS[code]})")
        return f"the instruction {code:#04x} at byte {self.position - 1} is not for models"

    # The stack

    def since_mark(self) -> list[Any]:
        """Take what lies above the last mark, and the mark."""
        start = self.marks.pop()
        items = self.stack[start:]
        del self.stack[start:]
        return items

    def push_global(self, name: str) -> None:
        """Push what a dotted name stands for, and note it where it is not known."""
        made = self._makers.get(name)
        found = find_name(name) if made is None else Named(name, made)
        found = _TABLE if name == _TABLE_NAME else found
        if isinstance(found, Named) and not found.is_known:
            self.refused.add(found.name)
        self.stack.append(found)

    def call(self, what: Any, arguments: Any) -> Any:
        """Return what a call gives: a plain value or an inert object."""
        if not isinstance(what, Named) or not isinstance(arguments, tuple):
            raise PickleError("it calls something that is no class")
        if what.make is not None:
            try:
                return what.make(*arguments)
            except PermissionError as error:
                self.refused.add(str(error))
                return Inert(str(error))
        if not what.is_class:
            self.refused.add(what.name)
        return Inert(what.name, arguments)

    def build(self) -> None:
        """Give the object below the state on the stack that state."""
        state = self.stack.pop()
        target = self.stack[-1]
        if isinstance(target, Inert | NumpyType | NumpyArray):
            target.build(resolved(state))
        elif not isinstance(target, dict | Tensor):  # their attributes are of no use here
            raise PickleError(f"it sets attributes of a {type(target).__name__}")

    def set_items(self, target: Any, items: list[Any]) -> None:
        """Put keys and values, one after another, into a dictionary."""
        if not isinstance(target, dict) or len(items) % 2:
            raise PickleError("it fills something that is no dictionary")
        for key, value in zip(items[::2], items[1::2], strict=True):
            if type(key) is not str and type(key) is not int:
                check_key(key)
            target[key] = value if type(value) not in UNFINISHED else resolved(value)

    def extend(self, target: Any, items: list[Any]) -> None:
        """Put values at the end of a list."""
        if not isinstance(target, list):
            raise PickleError("it fills something that is no list")
        target.extend(map(resolved, items))

    def memoize(self, number: int) -> None:
        """Remember the topmost value."""
        self.memo[number] = self.stack[-1]


def _said(error: Exception) -> str:
    return "it is damaged" if isinstance(error, LookupError | struct.error) else f"{error}"
