"""What each instruction of a pickle does, one function each; the standard library's pickletools tells of them.

Instructions that no model needs are not in the table: a pickle with one of them is refused.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from engine.nn.inert import Inert, NumpyArray, check_key, resolved
from engine.nn.pickle_error import PickleError

if TYPE_CHECKING:
    from engine.nn.pickle_reader import PickleReader

HIGHEST_PROTOCOL = 5
LONGEST_INTEGER = 64  # bytes


def _proto(reader: PickleReader) -> None:
    if reader.take(1)[0] > HIGHEST_PROTOCOL:
        raise PickleError("it is of a newer protocol")


def _frame(reader: PickleReader) -> None:
    reader.take(8)


def _mark(reader: PickleReader) -> None:
    reader.marks.append(len(reader.stack))


def _pop(reader: PickleReader) -> None:
    if reader.marks and reader.marks[-1] == len(reader.stack):
        reader.marks.pop()
    else:
        reader.stack.pop()


def _pop_mark(reader: PickleReader) -> None:
    reader.since_mark()


def _constant(value: Any) -> Callable[[PickleReader], None]:
    return lambda reader: reader.stack.append(value)


def _fresh(kind: type) -> Callable[[PickleReader], None]:
    return lambda reader: reader.stack.append(kind())


def _number(form: str) -> Callable[[PickleReader], None]:
    return lambda reader: reader.stack.append(reader.number(form))


def _text_number(reader: PickleReader) -> None:
    text = reader.line().decode("ascii").removesuffix("L")
    if len(text) > LONGEST_INTEGER:
        raise PickleError("it holds a number of too many digits")
    reader.stack.append({"00": False, "01": True}.get(text) if text in ("00", "01") else int(text))


def _text_float(reader: PickleReader) -> None:
    reader.stack.append(float(reader.line()))


def _long(form: str) -> Callable[[PickleReader], None]:
    def run(reader: PickleReader) -> None:
        size = reader.number(form)
        if size > LONGEST_INTEGER:
            raise PickleError("it holds a number of too many digits")
        reader.stack.append(int.from_bytes(reader.take(size), "little", signed=True))

    return run


def _text(form: str, coding: str) -> Callable[[PickleReader], None]:
    def run(reader: PickleReader) -> None:
        text = reader.take(reader.number(form))
        reader.stack.append(text.decode(coding, "surrogatepass" if coding == "utf-8" else "strict"))

    return run


def _bytes(form: str) -> Callable[[PickleReader], None]:
    return lambda reader: reader.stack.append(reader.take(reader.number(form)))


def _unicode_line(reader: PickleReader) -> None:
    reader.stack.append(reader.line().decode("raw-unicode-escape"))


def _string_line(reader: PickleReader) -> None:
    text = reader.line().decode("latin1")
    if len(text) < 2 or text[0] != text[-1] or text[0] not in "'\"":
        raise PickleError("it holds a text without quotes")
    reader.stack.append(text[1:-1].encode("latin1").decode("unicode-escape"))


def _tuple_of(count: int) -> Callable[[PickleReader], None]:
    def run(reader: PickleReader) -> None:
        if len(reader.stack) < count:
            raise PickleError("it is damaged")
        reader.stack[-count:] = [_made_tuple(reader.stack[-count:])]

    return run


def _tuple(reader: PickleReader) -> None:
    reader.stack.append(_made_tuple(reader.since_mark()))


def _made_tuple(items: list[Any]) -> tuple[Any, ...]:
    """Keep names as they are inside tuples: they may be arguments of a call."""
    if NumpyArray in map(type, items):
        return tuple(v.values if isinstance(v, NumpyArray) else v for v in items)
    return tuple(items)


def _list(reader: PickleReader) -> None:
    reader.stack.append(list(map(resolved, reader.since_mark())))


def _dict(reader: PickleReader) -> None:
    made: dict[Any, Any] = {}
    reader.set_items(made, reader.since_mark())
    reader.stack.append(made)


def _append(reader: PickleReader) -> None:
    value = reader.stack.pop()
    reader.extend(reader.stack[-1], [value])


def _appends(reader: PickleReader) -> None:
    items = reader.since_mark()
    reader.extend(reader.stack[-1], items)


def _set_item(reader: PickleReader) -> None:
    value, key = reader.stack.pop(), reader.stack.pop()
    reader.set_items(reader.stack[-1], [key, value])


def _set_items(reader: PickleReader) -> None:
    items = reader.since_mark()
    reader.set_items(reader.stack[-1], items)


def _add_items(reader: PickleReader) -> None:
    items, target = reader.since_mark(), reader.stack[-1]
    if not isinstance(target, set):
        raise PickleError("it fills something that is no set")
    for item in items:
        check_key(item)
        target.add(item)


def _frozen_set(reader: PickleReader) -> None:
    items = reader.since_mark()
    for item in items:
        check_key(item)
    reader.stack.append(set(items))


def _byte(reader: PickleReader) -> None:
    reader.stack.append(reader.content[reader.position])
    reader.position += 1


def _get_byte(reader: PickleReader) -> None:
    reader.stack.append(reader.memo[reader.content[reader.position]])
    reader.position += 1


def _get(reader: PickleReader) -> None:
    reader.stack.append(reader.memo[reader.number("<I")])


def _get_line(reader: PickleReader) -> None:
    reader.stack.append(reader.memo[int(reader.line())])


def _put_byte(reader: PickleReader) -> None:
    reader.memo[reader.content[reader.position]] = reader.stack[-1]
    reader.position += 1


def _put(reader: PickleReader) -> None:
    reader.memo[reader.number("<I")] = reader.stack[-1]


def _put_line(reader: PickleReader) -> None:
    reader.memoize(int(reader.line()))


def _memoize(reader: PickleReader) -> None:
    reader.memoize(len(reader.memo))


def _global(reader: PickleReader) -> None:
    module, name = reader.line().decode("utf-8"), reader.line().decode("utf-8")
    reader.push_global(f"{module}.{name}")


def _stack_global(reader: PickleReader) -> None:
    name, module = reader.stack.pop(), reader.stack.pop()
    if not isinstance(name, str) or not isinstance(module, str):
        raise PickleError("it asks for a name that is no text")
    reader.push_global(f"{module}.{name}")


def _inst(reader: PickleReader) -> None:
    module, name = reader.line().decode("utf-8"), reader.line().decode("utf-8")
    reader.push_global(f"{module}.{name}")
    what = reader.stack.pop()
    reader.stack.append(reader.call(what, tuple(reader.since_mark())))


def _obj(reader: PickleReader) -> None:
    what, *arguments = reader.since_mark()
    reader.stack.append(reader.call(what, tuple(arguments)))


def _reduce(reader: PickleReader) -> None:
    arguments = reader.stack.pop()
    reader.stack[-1] = reader.call(reader.stack[-1], arguments)


def _new_with_words(reader: PickleReader) -> None:
    words, arguments, what = (reader.stack.pop() for _ in range(3))
    made = reader.call(what, arguments)
    if words and not isinstance(made, Inert):
        raise PickleError("it calls a class with named arguments")
    reader.stack.append(made)


def _build(reader: PickleReader) -> None:
    reader.build()


def _persistent(reader: PickleReader) -> None:
    if reader.load_persistent is None:
        raise PickleError("it asks for parts that are not there")
    reader.stack[-1] = reader.load_persistent(reader.stack[-1])


OPERATIONS: dict[int, Callable[[PickleReader], None]] = {
    ord(code): operation
    for code, operation in {
        "\x80": _proto,
        "\x95": _frame,
        "(": _mark,
        "0": _pop,
        "1": _pop_mark,
        "N": _constant(None),
        "\x88": _constant(True),
        "\x89": _constant(False),
        "J": _number("<i"),
        "K": _byte,
        "M": _number("<H"),
        "G": _number(">d"),
        "I": _text_number,
        "L": _text_number,
        "F": _text_float,
        "\x8a": _long("<B"),
        "\x8b": _long("<i"),
        "X": _text("<I", "utf-8"),
        "\x8c": _text("<B", "utf-8"),
        "\x8d": _text("<Q", "utf-8"),
        "T": _text("<i", "latin1"),
        "U": _text("<B", "latin1"),
        "V": _unicode_line,
        "S": _string_line,
        "B": _bytes("<I"),
        "C": _bytes("<B"),
        "\x8e": _bytes("<Q"),
        "\x96": _bytes("<Q"),
        "]": _fresh(list),
        "}": _fresh(dict),
        ")": _constant(()),
        "\x8f": _fresh(set),
        "\x85": _tuple_of(1),
        "\x86": _tuple_of(2),
        "\x87": _tuple_of(3),
        "t": _tuple,
        "l": _list,
        "d": _dict,
        "a": _append,
        "e": _appends,
        "s": _set_item,
        "u": _set_items,
        "\x90": _add_items,
        "\x91": _frozen_set,
        "h": _get_byte,
        "j": _get,
        "g": _get_line,
        "q": _put_byte,
        "r": _put,
        "p": _put_line,
        "\x94": _memoize,
        "c": _global,
        "\x93": _stack_global,
        "i": _inst,
        "o": _obj,
        "R": _reduce,
        "\x81": _reduce,
        "\x92": _new_with_words,
        "b": _build,
        "Q": _persistent,
    }.items()
}
