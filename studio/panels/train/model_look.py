"""Looking into the model that a training would start from: what is kept of it, whether it can be trained, what that costs."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from PySide6.QtCore import QObject, QTimer, Signal

from studio.jobs.client import Job, JobsClient
from studio.jobs.messages import Failed, ModelFacts, Weighed
from studio.jobs.model_words import takeover_text, why_not_trained
from studio.language import tr
from studio.panels.train.train_form import TrainForm
from studio.panels.train.way_editor import cost_texts

_SETTLE_MS = 400  # a size is typed digit by digit


@dataclass(frozen=True)
class Labels:
    """What a training would learn from.

    Attributes:
        classes: Class names in order.
        train: Images to learn from.
        val: Images to check on.
        busy: A training is at work on the chosen device, and would be measured too.
    """

    classes: tuple[str, ...]
    train: int
    val: int
    busy: bool = False


@dataclass(frozen=True)
class _Question:
    """What is measured: a model's file or description, for so many classes, on a device."""

    model: str
    classes: int
    device: str


class ModelLook(QObject):
    """Asks the worker about the chosen model, once for each choice, and tells the form.

    Signals:
        judged(): :attr:`unfit` has changed.

    Attributes:
        unfit: The chosen file cannot be trained, which is said below it.

    Args:
        jobs: Reads and runs the model.
    """

    judged = Signal()

    def __init__(self, jobs: JobsClient, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._jobs = jobs
        self.unfit = False
        self._form: TrainForm | None = None
        self._labels = Labels((), 0, 0)
        self._read: object = None  # the file that was looked into last
        self._reading = False
        self._opened: Path | None = None  # where it is an open-vocabulary one
        self._weighed: tuple[_Question, Weighed] | None = None
        self._weighing: Job | None = None
        self._wanted: _Question | None = None  # what is being measured
        self._settled = QTimer(self)
        self._settled.setSingleShot(True)
        self._settled.setInterval(_SETTLE_MS)
        self._settled.timeout.connect(self._weigh)

    def look(self, form: TrainForm, labels: Labels) -> None:
        """Look into what a form has chosen, where that was not done yet."""
        self._form, self._labels = form, labels
        path = form.own_file()
        wanted = None if path is None else (path, path.stat().st_mtime_ns, labels.classes, form)
        if wanted != self._read:
            self._read, self._opened, self._reading = wanted, None, path is not None
            self._judge(False)
            if path is not None:
                self._inspect(path, wanted)
        if not self._reading:  # who has chosen a way before keeps it until the file is known
            self._offer_ways()

    def _inspect(self, path: Path, wanted: object) -> None:
        assert self._form is not None  # noqa: S101 (set by look)
        self._form.say_of_model(tr("Reading the file…"))
        job = self._jobs.inspect(path, len(self._labels.classes))
        job.finished.connect(lambda facts: self._on_read(path, wanted, facts))
        job.failed.connect(lambda failed: self._on_unread(wanted, failed))

    def _on_read(self, path: Path, wanted: object, facts: ModelFacts) -> None:
        if wanted != self._read or self._form is None:
            return
        self._reading = False
        problem = why_not_trained(facts, self._form.task)
        words = problem or takeover_text(facts, self._labels.classes)
        self._form.say_of_model(words, wrong=bool(problem))
        self._opened = path if facts.is_open and not problem else None
        self._judge(bool(problem))
        self._offer_ways()

    def _on_unread(self, wanted: object, failed: Failed) -> None:
        if wanted == self._read and failed.kind != "cancelled" and self._form is not None:
            self._reading = False
            self._form.say_of_model(f"{failed.message} {failed.remedy}".strip(), wrong=True)
            self._judge(failed.kind == "checkpoint")

    def _judge(self, unfit: bool) -> None:
        """Let the button be pressed only with a model that can be trained."""
        if unfit != self.unfit:
            self.unfit = unfit
            self.judged.emit()

    def _offer_ways(self) -> None:
        """Show the ways to train an open-vocabulary model, with their price once it is known."""
        form = self._form
        if form is None:
            return
        model = str(self._opened) if self._opened is not None else form.open_model()
        form.offer_ways(model is not None)
        if model is None:
            self._stop_weighing()
            if form.own_file() is None:
                self._judge(False)
            return
        device = str(form.values.value("device") or "")
        key = _Question(model, len(self._labels.classes), device)
        cost = self._weighed[1] if self._weighed is not None and self._weighed[0] == key else None
        if self._opened is None:  # of a file its inspection has judged
            self._judge(cost is not None and bool(cost.words_problem))
        if cost is not None:
            self._say(cost)
        elif key != self._wanted and not self._labels.busy:
            self._stop_weighing()
            self._wanted = key
            self._settled.start()

    def _weigh(self) -> None:
        form, key = self._form, self._wanted
        if form is None or key is None:
            return
        imgsz = _side(form.values.value("imgsz"))
        self._weighing = job = self._jobs.weigh(key.model, key.classes, imgsz, key.device)
        job.finished.connect(lambda cost: self._on_weighed(key, cost))
        job.failed.connect(lambda failed: self._on_not_weighed(key, failed))

    def _on_weighed(self, key: _Question, cost: Weighed) -> None:
        if key == self._wanted:
            self._weighing = None
            self._weighed = (key, cost)
            self._offer_ways()

    def _on_not_weighed(self, key: _Question, failed: Failed) -> None:
        """Say nothing of costs: what is wrong with a file, its inspection says."""
        if key == self._wanted:
            self._weighing = None

    def _stop_weighing(self) -> None:
        self._settled.stop()
        self._wanted = None
        if self._weighing is not None:
            self._weighing.cancel()
            self._weighing = None

    def _say(self, cost: Weighed) -> None:
        form, labels = self._form, self._labels
        if form is None:
            return
        epochs, imgsz = int(form.values.value("epochs")), _side(form.values.value("imgsz"))
        form.say_costs(cost_texts(cost, labels.train, labels.val, epochs, imgsz))
        if cost.words_problem and self._opened is None:
            form.say_of_model(cost.words_problem, wrong=True)


def _side(imgsz: Any) -> int:
    """Return the longer side of an image size."""
    return int(max(imgsz)) if isinstance(imgsz, list | tuple) else int(imgsz)
