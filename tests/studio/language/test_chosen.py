"""Which language is chosen, and what it says then."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from engine.runtime.settings import settings
from studio.language import catalogue, nmark, ntr, tr
from studio.language.catalogue import read_catalogue, use
from studio.language.chosen import LANGUAGE, LANGUAGE_SETTING, chosen_language, first_known

ROOT = Path(__file__).resolve().parents[3]
_LOCALE = ("LANGUAGE", "LC_ALL", "LC_MESSAGES", "LANG", "MASKWRIGHT_LANGUAGE")


@pytest.fixture
def bare(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """A process that was told nothing of languages, on Linux."""
    for name in _LOCALE:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(sys, "platform", "linux")
    return monkeypatch


@pytest.fixture
def chinese() -> Iterator[None]:
    """Texts in Chinese while the test runs."""
    before = catalogue._in_force
    use(read_catalogue("zh_CN"))
    yield
    use(before or read_catalogue("en"))


@pytest.mark.parametrize(
    ("told", "language"),
    [
        ({}, "en"),
        ({"LANG": "C.UTF-8"}, "en"),
        ({"LANG": "zh_CN.UTF-8"}, "zh_CN"),
        ({"LANG": "de_DE.UTF-8"}, "en"),
        ({"LANG": "de_DE.UTF-8", "LANGUAGE": "de:zh_CN:en"}, "zh_CN"),
        ({"LANG": "zh_CN.UTF-8", "LC_ALL": "C"}, "en"),
        ({"LANG": "zh_CN.UTF-8", "LC_MESSAGES": "en_GB.UTF-8"}, "en"),
        ({"LANG": "en_US.UTF-8", "MASKWRIGHT_LANGUAGE": "zh"}, "zh_CN"),
        ({"LANG": "zh_CN.UTF-8", "MASKWRIGHT_LANGUAGE": "en"}, "en"),
        ({"LANG": "zh_CN.UTF-8", "MASKWRIGHT_LANGUAGE": "xx"}, "en"),
    ],
)
def test_the_environment_chooses(
    bare: pytest.MonkeyPatch, told: dict[str, str], language: str
) -> None:
    for name, value in told.items():
        bare.setenv(name, value)
    assert chosen_language() == language


def test_the_setting_comes_before_the_system_and_after_the_variable(
    bare: pytest.MonkeyPatch,
) -> None:
    settings.register(LANGUAGE_SETTING)
    settings[LANGUAGE] = "zh_CN"
    bare.setenv("LANG", "en_US.UTF-8")
    assert chosen_language() == "zh_CN"
    settings[LANGUAGE] = "system"
    assert chosen_language() == "en"
    bare.setenv("MASKWRIGHT_LANGUAGE", "zh_CN")
    assert chosen_language() == "zh_CN"


def test_asking_makes_no_settings_file(bare: pytest.MonkeyPatch) -> None:
    chosen_language()
    assert not settings.path.exists()


def test_names_of_locales_are_understood() -> None:
    assert (
        first_known(["zh-Hans-CN"]) == first_known(["zh"]) == first_known(["ZH_TW.Big5"]) == "zh_CN"
    )
    assert first_known(["", "C", "fr"]) == "en"


@pytest.mark.usefixtures("chinese")
def test_texts_are_said_in_the_language() -> None:
    assert tr("Undo") == "撤销"
    assert tr("") == ""
    assert tr("words that nobody translated") == "words that nobody translated"
    one = ntr(*nmark("{count:,} image", "{count:,} images"), 1).format(count=1)
    many = ntr("{count:,} image", "{count:,} images", 1200).format(count=1200)
    assert "1" in one
    assert "1,200" in many
    assert one.replace("1", "") == many.replace("1,200", "")  # Chinese counts without a plural


def test_english_knows_one_and_many() -> None:
    assert [ntr("{count:,} image", "{count:,} images", n).format(count=n) for n in (0, 1, 2)] == [
        "0 images", "1 image", "2 images",
    ]  # fmt: skip


def test_a_terminal_reads_english_whatever_the_window_speaks(tmp_path: Path) -> None:
    told = {**os.environ, "MASKWRIGHT_LANGUAGE": "zh_CN", "PYTHONPATH": str(ROOT)}
    run = subprocess.run(
        [sys.executable, "-m", "studio", "info", "--project", str(tmp_path)],
        env=told, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert run.returncode == 1
    assert "there is no project here" in run.stderr


def test_tables_are_made_in_the_language(tmp_path: Path) -> None:
    """In a process of its own, as the window starts: what is imported is Chinese already."""
    code = (
        "import json\nfrom studio.actions.table import ACTIONS\nfrom studio.model.review import STAGE_TITLES\n"
        "print(json.dumps([ACTIONS[0].text, STAGE_TITLES['done']]))"
    )
    told = {**os.environ, "MASKWRIGHT_LANGUAGE": "zh_CN", "PYTHONPATH": str(ROOT)}
    run = subprocess.run(
        [sys.executable, "-c", code], env=told, capture_output=True, text=True, check=True
    )
    for text in json.loads(run.stdout):
        assert any("\u4e00" <= letter <= "\u9fff" for letter in text), text
