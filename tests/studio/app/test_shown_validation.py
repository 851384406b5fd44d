"""The Explore page shows the newest validation, what the person chose, and nothing that is gone."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from studio.app.shown_validation import ShownValidation, Validation
from studio.model.run_facts import RunFacts
from studio.model.runs import VALIDATION_FILE, RunSnapshot, RunState


class Page:
    """Stands where the page would be: what it is told, and whether somebody looks at it."""

    def __init__(self) -> None:
        self.told: list[str | None] = []
        self.is_looked_at = False
        self.chooser = ShownValidation(self.show, lambda: self.is_looked_at)

    def show(self, validation: Validation | None) -> None:
        self.told.append(None if validation is None else validation.title)


@pytest.fixture
def page() -> Page:
    return Page()


@pytest.fixture
def runs(tmp_path: Path) -> list[RunSnapshot]:
    """Two finished runs with a validation each, the newer one first."""
    return [run(tmp_path / name) for name in ("train-2", "train")]


def run(
    folder: Path, state: RunState = RunState.FINISHED, *, validated: bool = True
) -> RunSnapshot:
    folder.mkdir(exist_ok=True)
    if validated:
        (folder / VALIDATION_FILE).write_text("{}")
    return RunSnapshot(folder, state, RunFacts())


def test_the_newest_finished_run_is_shown_once(
    page: Page, runs: list[RunSnapshot], tmp_path: Path
) -> None:
    page.chooser.offer([])
    assert page.told == []
    running = run(tmp_path / "train-3", RunState.RUNNING)
    unmeasured = run(tmp_path / "train-4", validated=False)
    for _ in range(2):
        page.chooser.offer([unmeasured, running, *runs])
    assert page.told == ["train-2"]
    page.chooser.offer([run(running.folder), *runs])
    assert page.told == ["train-2", "train-3"]


def test_nothing_changes_under_the_eyes_of_whoever_looks(
    page: Page, runs: list[RunSnapshot], tmp_path: Path
) -> None:
    page.chooser.offer(runs)
    page.is_looked_at = True
    page.chooser.offer([run(tmp_path / "train-3"), *runs])
    assert page.told == ["train-2"]


def test_what_was_chosen_stays_until_it_is_gone(
    page: Page, runs: list[RunSnapshot], tmp_path: Path
) -> None:
    page.chooser.offer(runs)
    page.chooser.choose(runs[1].folder, "mine")
    page.chooser.offer([run(tmp_path / "train-3"), *runs])
    assert page.told == ["train-2", "mine"]
    shutil.rmtree(runs[1].folder)
    page.chooser.offer(runs[:1])
    assert page.told == ["train-2", "mine", "train-2"]


def test_a_removed_run_makes_way_even_while_it_is_looked_at(
    page: Page, runs: list[RunSnapshot]
) -> None:
    page.is_looked_at = True
    page.chooser.offer(runs)
    shutil.rmtree(runs[0].folder)
    page.chooser.offer(runs[1:])
    shutil.rmtree(runs[1].folder)
    page.chooser.offer([])
    page.chooser.offer([])
    assert page.told == ["train-2", "train", None]


def test_a_run_that_was_gone_on_with_is_read_again(page: Page, runs: list[RunSnapshot]) -> None:
    page.chooser.offer(runs)
    os.utime(runs[0].folder / VALIDATION_FILE, ns=(1, 1))
    page.chooser.offer(runs)
    assert page.told == ["train-2", "train-2"]
