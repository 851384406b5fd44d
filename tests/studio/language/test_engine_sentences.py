"""The engine's sentences, found in its code."""

from __future__ import annotations

from pathlib import Path

import pytest

from studio.commands.engine_sentences import ENGINE, LEFT_OUT, ROOMS, engine_sentences, sentences


@pytest.fixture(scope="module")
def found() -> dict[str, list[str]]:
    """Return the templates of the whole engine."""
    return engine_sentences()


@pytest.mark.parametrize(
    ("code", "templates"),
    [
        ('raise DataError(f"{path.name}: {len(rows):,} rows.")', []),  # one word is no sentence
        (
            'raise DataError(f"{path.name} has {len(rows):,} rows.", remedy="Remove some of them.")',
            ["{path} has {rows} rows.", "Remove some of them."],
        ),
        (
            'LOGGER.warning("%s: %d of %.1f %% are left out.", path, count, share)',
            ["{path}: {count} of {share} % are left out."],
        ),
        (
            'raise E(f"The file {\'is damaged\' if old else \'is no image\'}.")',
            ["The file is damaged.", "The file is no image."],
        ),
        (
            'def f():\n    what = "two files" if many else "one file"\n    return f"There is {what} here."',
            ["There is two files here.", "There is one file here."],
        ),
        ('WHY = "it is no text"\nadd(f"Not read: {WHY}.")', ["Not read: it is no text."]),
        ('add(f"Not a name of ours: {word!r}, but {word}.")', ["Not a name of ours: {word}, but {word2}."]),
        ('add(f"{error} Its box was taken.")', ["Its box was taken."]),
        ('add(file, reason, who=f"Shape {number}")', ["Shape {number}:"]),
        ('"""What this module is about."""', []),
        ('raise TypeError("expected the body first.")', []),
        ('re.compile("no (words) of ours.")', []),
        ('x == "what somebody wrote to us."', []),
        ('KINDS = ("static person", "person on vehicle")', []),
        ('add("<b>in bold letters</b>.")', []),
    ],
)  # fmt: skip
def test_what_is_said_is_found(code: str, templates: list[str]) -> None:
    assert sorted(sentences(code)) == sorted(templates)


@pytest.mark.parametrize(
    ("template", "file"),
    [
        ("The JPEG file is cut short: its end is missing.", "data/image_headers.py"),
        ("{word} is not a number. Correct the line.", "data/labels/parse.py"),
        ("Its category {told} is not in the list of categories.", "data/formats/coco.py"),
        ("It has no '{split}' split.", "data/yaml_file.py"),
        ("no parameter is left to train.", "training/optimizer.py"),
        ("{argument} expects {expected}, received {shown}.", "cfg/values.py"),
        ("its table of tensors is no JSON", "nn/safetensors_file.py"),
    ],
)
def test_known_sentences_are_found_where_they_are(
    found: dict[str, list[str]], template: str, file: str
) -> None:
    assert file in found[template]


def test_rooms_that_are_named_exist() -> None:
    assert [name for name in (*ROOMS, *LEFT_OUT) if not (ENGINE / name).exists()] == []


def test_what_is_left_out_says_nothing(found: dict[str, list[str]]) -> None:
    files = {file for files in found.values() for file in files}
    assert not [file for file in files if file.startswith(LEFT_OUT)]
    assert not [file for file in files if not file.startswith(ROOMS)]


def test_texts_that_differ_in_names_alone_are_one(tmp_path: Path) -> None:
    for room in ROOMS:
        place = tmp_path / room
        place.parent.mkdir(exist_ok=True)
        place.write_text("") if place.suffix else place.mkdir(exist_ok=True)
    for name in ("first", "second"):
        text = f'raise E(f"No file of this name: {{{name}}}.")'
        (tmp_path / ROOMS[0] / f"{name}.py").write_text(text)
    found = engine_sentences(tmp_path)
    assert found["No file of this name: {first}."] == [
        f"{ROOMS[0]}/first.py",
        f"{ROOMS[0]}/second.py",
    ]
    assert "No file of this name: {second}." not in found
