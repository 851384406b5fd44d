"""Words as people type them become words of the grammar: ``name=value``, a bare name, a task or a mode.

What other command lines want, dashes, commas and a value after a blank, is understood; a note says how it is
written here. What the words mean is in :mod:`engine.cfg.command_line`.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from engine.cfg.argument import Argument
from engine.cfg.schema import MODES, TASKS, by_name

_TRUTHS = ("true", "false", "yes", "no", "on", "off", "1", "0")
_NUMBER = re.compile(r"-?\.?\d")
_DASHED = re.compile(r"--?(?=[A-Za-z])")
_MODEL_FILES = (".pt", ".pth", ".safetensors", ".onnx", ".torchscript", ".engine", ".tflite")


def forgive(argv: Sequence[str]) -> tuple[list[str], list[str]]:
    """Return the words in the grammar's own form, and one note for each that was typed in another.

    >>> forgive(["train", "--epochs", "3"])[0]
    ['train', 'epochs=3']
    """
    words = join_pairs(argv)
    read: list[str] = []
    notes: list[str] = []
    at = 0
    while at < len(words):
        meant, used = _read(words, at)
        typed, shown = " ".join(words[at : at + used]), " ".join(meant)
        if typed != shown:
            notes.append(
                f"'{typed}' is read as '{shown}': arguments are name=value, without dashes or commas."
            )
        read += meant
        at += used
    return read, notes


def join_pairs(words: Sequence[str]) -> list[str]:
    """Return the words with ``key = value``, ``key= value`` and ``key =value`` joined into ``key=value``.

    Brackets that a shell has split at blanks (``imgsz=[320, 640]``) are joined too.
    """
    joined: list[str] = []
    for word in words:
        previous = joined[-1] if joined else ""
        continues = word.startswith("=") and "=" not in previous
        if joined and (continues or previous.endswith("=") or _is_open(previous)):
            joined[-1] = previous + word
        else:
            joined.append(word)
    return joined


def argument_for_file(word: str) -> str:
    """Return the argument that a file's name alone was probably meant for, empty where nothing tells.

    >>> argument_for_file("best.pt")
    'model'
    """
    path = Path(word)
    suffix = path.suffix.lower()
    if suffix in _MODEL_FILES:
        return "model"
    if suffix in (".yaml", ".yml"):
        return "model" if path.stem.startswith("yolo") else "data"
    return "source" if suffix or "/" in word else ""


def _read(words: Sequence[str], at: int) -> tuple[list[str], int]:
    """Return what the word at a place means, and how many words that took: 2 with a value after a blank."""
    word = _bare(words[at])
    following = words[at + 1] if at + 1 < len(words) else ""
    if word in by_name and following and _is_value(by_name[word], following):
        return [f"{word}={_without_comma(following)}"], 2
    return [part for part in _pairs(word) if part], 1


def _bare(word: str) -> str:
    """Take leading dashes and trailing commas away; ``--batch-size`` becomes ``batch_size``."""
    dashes = _DASHED.match(word)
    if dashes:
        name, equals, value = word[dashes.end() :].partition("=")
        word = name.replace("-", "_") + equals + value
    return _without_comma(word)


def _without_comma(word: str) -> str:
    return word if _is_open(word) else word.rstrip(",")


def _pairs(word: str) -> list[str]:
    """Split ``epochs=3,imgsz=64`` at commas that a known name with ``=`` follows."""
    parts: list[str] = []
    for part in word.split(","):
        begins = part.partition("=")[0].strip() in by_name and "=" in part
        if not parts or (begins and not _is_open(parts[-1])):
            parts.append(part)
        else:
            parts[-1] += f",{part}"
    return parts


def _is_value(argument: Argument, word: str) -> bool:
    """Tell whether a word after an argument's bare name is its value, and not the next thing said."""
    if "=" in word:
        return False
    word = _without_comma(word)
    if argument.type == "bool":
        return word.lower() in _TRUTHS
    if word in argument.choices:
        return True
    if word.startswith("-"):
        return _NUMBER.match(word) is not None
    return word not in (*TASKS, *MODES, *by_name)


def _is_open(word: str) -> bool:
    return any(word.count(left) > word.count(right) for left, right in ("[]", "()"))
