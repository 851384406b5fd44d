"""What the engine says, found again in finished texts and said in Chinese."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from engine.cfg.model_yaml import read_model_yaml
from engine.cfg.schema import by_name
from engine.cfg.values import coerce
from engine.cfg.weights import find_weights
from engine.data.formats import read
from engine.data.formats.registry import find_format
from engine.data.images import read_image, read_size
from engine.data.keypoints import keypoint_shape
from engine.data.labels.parse import parse_label_text
from engine.data.loaders import load_source
from engine.data.split import split_counts
from engine.data.video.facts import read_video_facts
from engine.data.yaml_file import read_data_yaml
from engine.export.formats import find_format as find_export
from engine.models.sam.prompts import make_prompt
from engine.nn.checkpoint import load_checkpoint
from engine.runtime.device import parse_device
from engine.runtime.errors import EngineError
from engine.trackers.options import read_options
from engine.training.resume import find_last
from studio.language import sentences, tr_engine
from studio.language.catalogue import read_texts
from studio.language.chosen import VARIABLE
from studio.language.sentences import ENGINE_DOMAIN, Sentences

# Four words of English one behind the other, which no path, name or command of these tests has
_ENGLISH = re.compile(r"(?:\b[A-Za-z][a-z']+ ){3}[a-z]+")


@pytest.fixture
def chinese(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Let the window speak Chinese as far as the engine is concerned."""
    monkeypatch.setenv(VARIABLE, "zh_CN")
    sentences._in_force.cache_clear()
    yield
    sentences._in_force.cache_clear()


@pytest.fixture(scope="module")
def known() -> Sentences:
    """Return the sentences in Chinese."""
    return Sentences(read_texts("zh_CN", ENGINE_DOMAIN))


@pytest.fixture
def made_up() -> Sentences:
    """Return four sentences of a language that shouts."""
    return Sentences(
        {
            "{file} holds {count} rows.": "IN {file}: {count} ROWS!",
            "Cannot be read: {reason}.": "UNREADABLE ({reason})!",
            "the disk is full": "DISK FULL",
            "Correct the file.": "CORRECT IT!",
            "{place}, line {line}:": "{place}@{line}:",
        }
    )


@pytest.mark.parametrize(
    ("english", "said"),
    [
        ("a.txt holds 3 rows.", "IN a.txt: 3 ROWS!"),
        ("my file.txt holds 3 rows. Correct the file.", "IN my file.txt: 3 ROWS! CORRECT IT!"),
        ("Correct the file.\nCorrect the file.", "CORRECT IT!\nCORRECT IT!"),
        ("/x y/z.txt: Correct the file.", "/x y/z.txt: CORRECT IT!"),
        ("/x y/z.txt, line 7: Correct the file.", "/x y/z.txt@7: CORRECT IT!"),
        ("Cannot be read: the disk is full.", "UNREADABLE (DISK FULL)!"),
        ("cannot be read: xyz.", "UNREADABLE (xyz)!"),
        ("3 the disk is full; the disk is full", "3 DISK FULL; DISK FULL"),
        ("无法打开（the disk is full）。请再试。", "无法打开（DISK FULL）。请再试。"),  # noqa: RUF001
    ],
)
def test_sentences_are_found_alone_joined_and_within_others(
    made_up: Sentences, english: str, said: str
) -> None:
    assert made_up.translated(english) == said


@pytest.mark.parametrize(
    "text",
    [
        "",
        "bolt",
        "/a/b c.txt",
        "Nobody knows this sentence. Nor this one.",
        "无法读取文件。",
        "holds rows",
        "{braces} {0} %s",
        "Traceback (most recent call last):\n  File 'x.py', line 3, in run\n    read(file)",
    ],
)
def test_what_is_unknown_stays_as_it_is(made_up: Sentences, known: Sentences, text: str) -> None:
    assert made_up.translated(text) == text
    assert known.translated(text) == text


def test_no_sentence_hides_another(known: Sentences) -> None:
    del known
    english = list(read_texts("zh_CN", ENGINE_DOMAIN))
    numbered = {
        text: f"<{number}>" + "".join(re.findall(r"(?<!\{)\{\w+\}", text))
        for number, text in enumerate(english)
    }
    marked = Sentences(numbered)
    wrong = []
    for number, text in enumerate(english):
        names = dict.fromkeys(re.findall(r"(?<!\{)\{(\w+)\}", text))
        values = {name: f"Q{place}" for place, name in enumerate(names)}
        said = marked.translated(text.format(**values))
        if said.replace(" ", "") != numbered[text].format(**values):
            wrong.append((number, text, said))
    assert wrong == []


def test_the_engine_stays_english_in_an_english_window() -> None:
    assert tr_engine("The image is damaged.") == "The image is damaged."


def _file(folder: Path, name: str, content: str | bytes = b"") -> Path:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


def _cut_picture(folder: Path) -> Path:
    pixels = np.random.default_rng(1).integers(0, 255, (40, 60, 3), np.uint8)
    whole = cv2.imencode(".jpg", pixels)[1].tobytes()
    return _file(folder, "cut short.jpg", whole[: len(whole) // 2])


_MISTAKES: dict[str, Callable[[Path], Any]] = {
    "cut picture": lambda f: read_image(_cut_picture(f)),
    "no picture": lambda f: read_size(_file(f, "text.png", "hello")),
    "no description": lambda f: read_data_yaml(f / "none.yaml"),
    "broken YAML": lambda f: read_data_yaml(_file(f, "d.yaml", "train: x\n\tval: y\n")),
    "no splits": lambda f: read_data_yaml(_file(f, "d.yaml", "names: [a]\n")),
    "no classes": lambda f: read_data_yaml(_file(f, "d.yaml", "train: .\nval: .\n")),
    "no folder of images": lambda f: read_data_yaml(
        _file(f, "d.yaml", "train: nowhere/x\nval: nowhere/y\nnames: [a]\n")
    ),
    "wrong count": lambda f: read_data_yaml(
        _file(f, "d.yaml", "train: .\nval: .\nnc: 3\nnames: [a]\n")
    ),
    "broken JSON": lambda f: read(_file(f, "labels.json", '{"images": [')),
    "other JSON": lambda f: read(_file(f, "labels.json", '{"shapes": 3}')),
    "empty folder": lambda f: read(f),
    "unknown format": lambda _: find_format("tfrecord"),
    "number of epochs": lambda _: coerce(by_name["epochs"], "many"),
    "too large": lambda _: coerce(by_name["lr0"], -3),
    "choice": lambda _: coerce(by_name["optimizer"], 17),
    "switch": lambda _: coerce(by_name["amp"], "perhaps"),
    "no such model": lambda f: find_weights(f / "yolo99.pt"),
    "a folder as weights": lambda f: find_weights(f),
    "no weights in it": lambda f: load_checkpoint(_file(f, "best.pt", "no weights here" * 20)),
    "device": lambda _: parse_device("gpu!"),
    "export": lambda _: find_export("openvin"),
    "source": lambda f: load_source(f / "none.mp4"),
    "tracker": lambda f: read_options(_file(f, "t.yaml", "tracker_type: bytetrack\nfast: 1\n")),
    "video": lambda f: read_video_facts(_file(f, "film.mp4")),
    "resume": lambda f: find_last(f / "last.pt", None),
    "keypoints": lambda _: keypoint_shape({"kpt_shape": [0, 9]}),
    "split": lambda _: split_counts(10, (-1, 0, 0)),
    "prompt": lambda _: make_prompt((48, 64), points=[[900, 3]], labels=[1]),
    "model": lambda f: read_model_yaml(_file(f, "m.yaml", "backbone: []\n")),
}


@pytest.mark.parametrize("mistake", _MISTAKES)
def test_real_errors_are_said_in_chinese(chinese: None, tmp_path: Path, mistake: str) -> None:
    with pytest.raises(EngineError) as caught:
        _MISTAKES[mistake](tmp_path)
    text = str(caught.value)
    said = tr_engine(text)
    assert said != text
    told = said.replace(str(tmp_path), "")
    assert not _ENGLISH.search(re.sub(r"'[^']*'|\([^()]*\)", "", told)), (text, said)
    if caught.value.path is not None:
        assert str(caught.value.path) in said


_LINES = """0 0.5 0.5 0.2 0.2
7 0.5 0.5 0.2 0.2
0 0.5 0.5 0.2
a 0.5 0.5 0.2 0.2
0 0,5 0.5 0.2 0.2
0 nan 0.5 0.2 0.2
0 120 200 30 40
0 0.5 0.5 0 0.2
# comment
0 3 3 0.1 0.1
0 0.95 0.5 0.2 0.2
0 0.1 0.1 0.2 0.2 0.3 0.3
0 0.5 0.5 0.2 0.2
"""


def test_every_fault_of_a_label_file_is_said_with_its_file_and_line(
    known: Sentences, tmp_path: Path
) -> None:
    file = tmp_path / "my labels" / "a.txt"
    _, problems = parse_label_text(_LINES, 2, file)
    assert len(problems) > 8
    for problem in problems:
        said = known.translated(str(problem))
        assert said.startswith(f"{file}，第 {problem.line} 行：")  # noqa: RUF001
        assert not re.search(r"[A-Za-z]{3,} [a-z]{2,}", said.removeprefix(str(file))), said
