"""A check of labels: a model looks at labelled images, and its predictions are held against the shapes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from PySide6.QtCore import QObject, Signal

from engine.active_learning.disagreement import (
    Comparison,
    Disagreement,
    Rules,
    Trust,
    compare_labels,
)
from engine.data.annotations import Annotation
from studio.jobs.client import Job, JobsClient
from studio.jobs.messages import Failed, ModelFacts, Predicted, Progress
from studio.language import ntr, tr
from studio.model.count_words import unreadable_images
from studio.model.label_check import LabelDoubt
from studio.model.project import Project
from studio.model.records import Shape

LOW_CONF = 0.05  # what a model half believes in speaks for a label too
_LEAST_DOUBT = 0.1


@dataclass(frozen=True, slots=True)
class CheckResult:
    """What a check found.

    Attributes:
        doubts: The doubtful labels, the greatest doubt first.
        images: How many images were looked at.
        unknown: Names of the project's classes with shapes that the model does not know.
        problems: Why images could not be read.
        is_whole: Whether it came to its end.
    """

    doubts: tuple[LabelDoubt, ...]
    images: int
    unknown: tuple[str, ...] = ()
    problems: tuple[str, ...] = ()
    is_whole: bool = True

    def sentence(self) -> str:
        """Return the outcome in one or two sentences."""
        labels = ntr("{count:,} doubtful label", "{count:,} doubtful labels", len(self.doubts))
        images = ntr("{count:,} image", "{count:,} images", self.images)
        parts = [
            tr("{labels} on {images}.").format(
                labels=labels.format(count=len(self.doubts)),
                images=images.format(count=self.images),
            )
        ]
        if self.unknown:
            parts.append(
                tr("The model does not know {names}: left out.").format(
                    names=", ".join(self.unknown)
                )
            )
        if self.problems:
            parts.append(unreadable_images(len(self.problems)))
        return " ".join(parts)


@dataclass(slots=True)
class _Looked:
    """One image: what was compared, and between whom."""

    image_id: int
    shapes: list[Shape]
    found: list[Annotation]
    comparison: Comparison


@dataclass(slots=True)
class _Seen:
    """What has come in so far."""

    trust: Trust = field(default_factory=Trust)
    looked: list[_Looked] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    images: int = 0


class CheckRun(QObject):
    """Looks into the model, then at the images; a cancelled one gives what it has found.

    Signals:
        progressed(object): A :class:`Progress`.
        finished(object): A :class:`CheckResult`, also after a cancellation.
        failed(object): A :class:`Failed`.

    Args:
        project: Gives the shapes; nothing in it is changed.
        jobs: Runs the model.
        model: Path of the model's file.
        image_ids: Labelled images.
        arguments: Engine arguments of prediction.
        rules: When shape and prediction are held for one object.
    """

    progressed = Signal(object)
    finished = Signal(object)
    failed = Signal(object)

    def __init__(
        self,
        project: Project,
        jobs: JobsClient,
        model: Path,
        image_ids: Sequence[int],
        arguments: dict[str, Any],
        rules: Rules,
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self._project, self._jobs, self._model = project, jobs, model
        self._image_ids, self._rules = tuple(image_ids), rules
        self._arguments = {**arguments, "conf": LOW_CONF}
        self._classes: dict[str, int] = {}
        self._unknown: tuple[str, ...] = ()
        self._seen = _Seen()
        self._job: Job | None = jobs.inspect(model)
        self._job.finished.connect(self._on_facts)
        self._job.failed.connect(self._on_failed)

    @property
    def is_running(self) -> bool:
        """Whether it has not ended yet."""
        return self._job is not None

    def cancel(self) -> None:
        """Stop after the present image; what was found is told."""
        if self._job is not None:
            self._job.cancel()

    def leave(self) -> None:
        """Stop because the project closes; nothing is told any more."""
        job, self._job = self._job, None
        if job is not None:
            job.cancel()

    def _on_facts(self, facts: ModelFacts) -> None:
        """Begin, now that it is known which classes the model tells apart."""
        if self._job is None:
            return
        counts = self._project.class_counts()
        known = {cls.name: cls.id for cls in self._project.classes()}
        self._classes = {name: known[name] for name in facts.names if name in known}
        self._unknown = tuple(
            name for name, number in known.items() if counts.get(number) and name not in facts.names
        )
        refusal = _refusal(self._job.number, facts, bool(self._classes), tuple(known))
        if refusal is not None:
            self._job = None
            self.failed.emit(refusal)
            return
        records = self._project.images(self._image_ids)
        images = [(record.id, record.path) for record in records]
        self._job = job = self._jobs.predict(self._model, images, self._arguments)
        job.predicted.connect(self._on_predicted)
        job.progressed.connect(self._on_progressed)
        job.finished.connect(lambda _done: self._finish(is_whole=True))
        job.failed.connect(self._on_failed)

    def _on_progressed(self, progress: Progress) -> None:
        if self._job is not None:
            self.progressed.emit(progress)

    def _on_predicted(self, predicted: Predicted) -> None:
        if self._job is None:
            return
        self._seen.images += 1
        if predicted.problem is not None:
            self._seen.problems.append(predicted.problem)
            return
        known = set(self._classes.values())
        shapes = [s for s in self._project.shapes(predicted.key) if s.class_id in known]
        found = [
            Annotation(one.geometry, self._classes[one.class_name], one.score)
            for one in predicted.shapes
            if one.class_name in self._classes
        ]
        labels = [shape.to_annotation() for shape in shapes]
        comparison = compare_labels(labels, found, self._rules, self._seen.trust)
        if comparison.disagreements:
            self._seen.looked.append(_Looked(predicted.key, shapes, found, comparison))

    def _on_failed(self, failed: Failed) -> None:
        if self._job is None:
            return
        if failed.kind == "cancelled":
            self._finish(is_whole=False)
            return
        self._job = None
        self.failed.emit(failed)

    def _finish(self, is_whole: bool) -> None:
        if self._job is None:
            return
        self._job = None
        seen, name = self._seen, f"{self._model.parent.parent.name}/{self._model.name}"
        doubts = [
            _doubt(looked, one, name)
            for looked in seen.looked
            for one in looked.comparison.weighed(seen.trust)
            if one.doubt >= _LEAST_DOUBT
        ]
        doubts.sort(key=lambda doubt: -doubt.doubt)
        self.finished.emit(
            CheckResult(tuple(doubts), seen.images, self._unknown, tuple(seen.problems), is_whole)
        )


def _refusal(
    job: int, facts: ModelFacts, is_known: bool, classes: tuple[str, ...]
) -> Failed | None:
    """Return why a model cannot check these labels, None where it can."""
    if facts.task == "semseg":
        return Failed(
            job,
            "config",
            tr("A model that labels pixels has no single objects to compare labels with."),
            tr("Its validation shows the maps of each image."),
        )
    if not is_known:
        return Failed(
            job,
            "config",
            tr("The model knows none of the project's classes ({classes}).").format(
                classes=", ".join(classes[:5])
            ),
            tr("Choose a model that was trained on them."),
        )
    return None


def _doubt(looked: _Looked, one: Disagreement, model: str) -> LabelDoubt:
    found = None if one.found is None else looked.found[one.found]
    shape = None if one.label is None else looked.shapes[one.label]
    subject = shape.to_annotation() if shape is not None else looked.found[one.found or 0]
    return LabelDoubt(
        one.kind,
        looked.image_id,
        None if shape is None else shape.id,
        subject.class_id,
        subject.geometry,
        one.doubt,
        None if found is None else found.class_id,
        None if found is None else found.geometry,
        None if found is None else found.score,
        model,
    )
