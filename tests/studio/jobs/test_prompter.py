"""Which question the smart tool's worker gets first."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from PySide6.QtCore import QObject

from studio.jobs.client import Job
from studio.jobs.messages import Encoded, Failed, Result, Segmented
from studio.jobs.prompter import WorkerPrompter
from studio.tools.prompting import Prompts, Readiness

HERE, NEXT, AFTER = Path("here.png"), Path("next.png"), Path("after.png")
CLICK = Prompts(((4.0, 5.0),))


class Client(QObject):
    """Takes requests as the worker's client does; the test says when one ends, and how."""

    def __init__(self) -> None:
        super().__init__()
        self.asked: list[tuple[str, str]] = []
        self.jobs: list[Job] = []

    def encode(self, _model: str, image: Path, ahead: bool = False) -> Job:
        return self._job("ahead" if ahead else "encode", image)

    def segment(self, _model: str, image: Path, _prompts: Prompts) -> Job:
        return self._job("segment", image)

    def cancel(self, _job: Job) -> None:
        """The worker hears of it; what it runs ends later."""

    def end(self, value: Any = None, which: int = -1) -> None:
        """End a job, the newest where none is named: with a value, or given up."""
        job = self.jobs[which]
        report = Failed(job.number, "cancelled", "") if value is None else Result(job.number, value)
        job.take(report)

    def _job(self, kind: str, image: Path) -> Job:
        self.asked.append((kind, image.stem))
        self.jobs.append(Job(len(self.jobs), self))  # type: ignore[arg-type]
        return self.jobs[-1]


@pytest.fixture
def client(qapp: Any) -> Client:
    return Client()


@pytest.fixture
def prompter(client: Client) -> WorkerPrompter:
    """It looks at the next image while nobody asks."""
    made = WorkerPrompter(lambda: client, lambda: "model")  # type: ignore[arg-type, return-value]
    made.set_image(HERE, (NEXT, AFTER))
    client.end(Encoded("model", 0.1))
    assert client.asked == [("encode", "here"), ("ahead", "next")]
    return made


def test_a_click_does_not_wait_for_the_next_image(client: Client, prompter: WorkerPrompter) -> None:
    prompter.ask(CLICK)
    assert client.asked[2:] == [("segment", "here")]
    client.end(Segmented((), 0.01))
    assert prompter.answer() is not None
    assert prompter.readiness is Readiness.READY
    # and what was under way goes on: each of the two next images is looked at once
    assert not client.jobs[1].is_cancelled
    assert client.asked[3:] == []
    client.end(Encoded("model", 0.1), which=1)
    assert client.asked[3:] == [("ahead", "after")]


def test_of_questions_that_wait_only_the_newest_is_asked(
    client: Client, prompter: WorkerPrompter
) -> None:
    prompter.ask(CLICK)
    for x in (9.0, 12.0):
        prompter.ask(Prompts(((4.0, 5.0), (x, 9.0))))
    client.end(Segmented((), 0.01))
    client.end(Segmented((), 0.01))
    assert client.asked[2:] == [("segment", "here"), ("segment", "here")]
    answer = prompter.answer()
    assert answer is not None
    assert answer.prompts.added[-1] == (12.0, 9.0)


def test_going_to_the_image_that_is_looked_at_waits_for_it(
    client: Client, prompter: WorkerPrompter
) -> None:
    prompter.set_image(NEXT, (AFTER,))
    assert not client.jobs[1].is_cancelled
    assert client.asked[2:] == [("encode", "next")]  # answered when that is done
    client.end(Encoded("model", 0.1), which=1)
    client.end(Encoded("model", 0.0))
    assert client.asked[3:] == [("ahead", "after")]


def test_going_to_another_image_gives_it_up(client: Client, prompter: WorkerPrompter) -> None:
    prompter.set_image(AFTER, ())
    assert client.jobs[1].is_cancelled
    client.end(which=1)
    assert client.asked[2:] == [("encode", "after")]
    client.end(Encoded("model", 0.1))
    assert client.asked[3:] == []  # nobody said that the one before may come next
