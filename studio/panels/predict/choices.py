"""What to suggest labels with, on which images, how sure, and what becomes of each class."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QComboBox, QHBoxLayout, QSlider, QVBoxLayout, QWidget

from engine.cfg.schema import arguments_for, by_name
from studio.jobs.client import Job, JobsClient
from studio.jobs.messages import ModelFacts
from studio.language import tr, tr_engine
from studio.model.auto_annotation import AutoAnnotation, ClassRule, usual_rules
from studio.model.open_models import is_open_name, is_open_run
from studio.model.project import Project
from studio.model.records import ImageFilter
from studio.model.runs import RunSnapshot, read_args
from studio.panels.predict.class_rules import ClassRules
from studio.panels.predict.words import WordsField, split_words, words_problem
from studio.theme import tokens
from studio.widgets.collapsible_section import CollapsibleSection
from studio.widgets.form import Form
from studio.widgets.form_fields import argument_fields
from studio.widgets.form_row import FormRow
from studio.widgets.model_picker import ModelPicker
from studio.widgets.text_label import TextLabel

SEGMENTER = "auto"
_ASKED = ("iou", "max_det", "imgsz", "device", "agnostic_nms", "half", "retina_masks")
_LABEL_WIDTH = 112
_CURRENT, _UNLABELLED, _LISTED, _ALL = "current", "unlabelled", "listed", "all"
_UNLABELLED_FILTER = ImageFilter(statuses=frozenset({"unlabelled"}))


class SuggestChoices(QWidget):
    """The form over :class:`AutoAnnotation`.

    Attributes:
        is_open: The chosen model is told in words what to look for.

    Signals:
        changed(): Something was chosen; :meth:`is_complete` may say something else.

    Args:
        project: Gives the images and the classes.
        jobs: Looks into models for the names of their classes.
        current_image: Returns the id of the image on the canvas, None without one.
        listed: Returns the ids of the image list as it is filtered.
    """

    changed = Signal()

    def __init__(
        self,
        project: Project,
        jobs: JobsClient,
        current_image: Callable[[], int | None],
        listed: Callable[[], Sequence[int]],
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self._project, self._jobs = project, jobs
        self._current_image, self._listed = current_image, listed
        self._names: tuple[str, ...] = ()
        self._no_words = ""  # why the chosen model cannot be told words on this computer
        self.is_open = False
        self._looking: Job | None = None
        self.picker = ModelPicker()
        self.source = _combo(
            tr("Find objects with"),
            ((tr("A model"), "model"), (tr("The boxes that are drawn"), "boxes")),
        )
        self.images = _combo(tr("Images"), ())
        self.labelled = _combo(
            tr("Images with labels"),
            ((tr("Suggest what is missing"), "add"), (tr("Leave them alone"), "skip")),
        )
        self.outlines = _combo(
            tr("Outlines"),
            (
                (tr("As the model gives them"), ""),
                (tr("By the segmenter, within each box"), SEGMENTER),
            ),
        )
        self.slider = QSlider(Qt.Orientation.Horizontal)
        self.slider.setAccessibleName(tr("Confidence"))
        self.slider.setRange(1, 99)
        self.slider.setValue(round(100 * by_name["conf"].default_for("predict")))
        self.confidence = TextLabel("")
        self.words = WordsField(project)
        self.words.edited.connect(self._offer)
        self.words.finished.connect(self._on_words)
        self.rules = ClassRules()
        self.section = CollapsibleSection(tr("Classes"), expanded=False)
        self.section.set_content(self.rules)
        arguments = [a for a in arguments_for("predict", project.task) if a.name in _ASKED]
        self.form = Form(argument_fields(arguments, "predict"), ())
        self._lay_out()
        self.picker.chosen.connect(self._on_model)
        self.slider.valueChanged.connect(self._show_confidence)
        self.form.changed.connect(self.changed)
        for combo in (self.source, self.images):
            combo.currentIndexChanged.connect(self._offer)
        self.section.header.toggled.connect(self._look_into_model)
        self._show_confidence()
        self.refresh()

    # -- what is chosen

    def is_complete(self) -> bool:
        """Tell whether there is something to do and nothing wrong in the form."""
        ready = self._from_boxes() or (
            self.picker.path() is not None
            and not self.form.values.errors()
            and (not self.is_open or not self._words_problem())
        )
        return ready and self.images.count() > 0

    def batch(self) -> AutoAnnotation | None:
        """Return what is chosen; None where no image is left."""
        image_ids = tuple(self._image_ids())
        if not image_ids or not self.is_complete():
            return None
        if self._from_boxes():
            return AutoAnnotation("", image_ids, segmenter=SEGMENTER)
        if self.is_open:
            self._on_words()
        arguments, rules = lowered(self.arguments(), self.rules.rules(), self._names)
        segmenter = str(self.outlines.currentData())
        phrases = self.phrases() if self.is_open else ()
        return AutoAnnotation(
            str(self.picker.path()),
            image_ids,
            arguments,
            rules,
            segmenter,
            phrases=phrases,
        )

    def phrases(self) -> tuple[str, ...]:
        """Return what an open-vocabulary model is to look for."""
        return tuple(split_words(self.words.text()))

    def keep_words(self) -> None:
        """Take note of the words, and of what becomes of each, for the next time."""
        if self.is_open and not self._from_boxes():
            self.words.keep(self.rules.rules())

    def arguments(self) -> dict[str, Any]:
        """Return the engine's arguments of prediction."""
        return {**self.form.values.changes(), "conf": self.slider.value() / 100}

    def show_runs(self, runs: Sequence[RunSnapshot]) -> None:
        """List the models of these runs."""
        self.picker.show_runs(runs)
        self.changed.emit()

    def refresh(self) -> None:
        """Count the images again."""
        chosen = self.images.currentData()
        self.images.blockSignals(True)
        self.images.clear()
        counts = (
            (
                tr("Unlabelled images · {count:,}"),
                self._project.count_images(_UNLABELLED_FILTER),
                _UNLABELLED,
            ),
            (tr("Images of the list as it is filtered · {count:,}"), len(self._listed()), _LISTED),
            (tr("All images · {count:,}"), self._project.count_images(), _ALL),
        )
        for text, count, kind in counts:
            self.images.addItem(text.format(count=count), kind)
        if self._current_image() is not None:
            self.images.insertItem(1, tr("This image"), _CURRENT)
        self.images.setCurrentIndex(max(0, self.images.findData(chosen)))
        self.images.blockSignals(False)
        self._offer()

    # -- inside

    def _from_boxes(self) -> bool:
        return bool(self.source.currentData() == "boxes")

    def _image_ids(self) -> Sequence[int]:
        kind = self.images.currentData()
        if kind == _CURRENT:
            current = self._current_image()
            return [] if current is None else [current]
        if kind == _UNLABELLED:
            return self._project.image_ids(_UNLABELLED_FILTER)
        found = self._listed() if kind == _LISTED else self._project.image_ids(ImageFilter())
        if self._from_boxes() or self.labelled.currentData() == "add":
            return found
        unlabelled = set(self._project.image_ids(_UNLABELLED_FILTER))
        return [image_id for image_id in found if image_id in unlabelled]

    def _on_model(self, path: Path | None) -> None:
        """Predict at the size that the model was trained at unless told otherwise."""
        if path is not None and "imgsz" in self.form.values.fields:
            trained = read_args(path.parent.parent).get("imgsz")
            usual = by_name["imgsz"].default_for("predict")
            self.form.values.set_default("imgsz", usual if trained is None else trained)
        self._names, self.is_open, self._no_words = (), False, ""
        self.rules.clear_classes()
        may_be_open = path is not None and _may_be_open(path)
        self._look_into_model(may_be_open or self.section.is_expanded())
        self._offer()

    def _look_into_model(self, is_wanted: bool) -> None:
        """Ask for the model's classes once somebody wants to see them: reading the file takes a moment."""
        path = self.picker.path()
        if not is_wanted or path is None or self._names or self._looking is not None:
            return
        self._looking = job = self._jobs.inspect(path)
        job.finished.connect(lambda facts: self._on_facts(path, facts))
        job.ended.connect(self._on_looked)

    def _on_looked(self) -> None:
        self._looking = None

    def _on_facts(self, path: Path, facts: ModelFacts) -> None:
        if path != self.picker.path():
            return
        self._names, self.is_open = facts.names, facts.is_open
        self._no_words = tr_engine(facts.words_problem)
        if self.is_open and not self.words.text():
            used = self.words.used()
            self.words.set_text(used[0] if used else ", ".join(facts.names))
        names = self.phrases() if self.is_open else facts.names
        kept = self.words.rules() if self.is_open else {}
        classes = self._project.classes()
        usual = usual_rules([cls.name for cls in classes]) if facts.task == "semseg" else {}
        self.rules.show_classes(names, classes, kept, usual)
        self._names = tuple(names)
        self._offer()

    def _on_words(self) -> None:
        """Let the person say what becomes of each word: several may mean one class of the project."""
        words = self.phrases()
        if self.is_open and not words_problem(words) and words != tuple(self.rules.fields):
            before = self.words.rules().items()
            kept = {word: rule for word, rule in before if word not in self.rules.fields}
            kept |= self.rules.rules()
            self.rules.show_classes(words, self._project.classes(), kept)
            self._names = words
        self.changed.emit()

    def _words_problem(self) -> str:
        """Return why the model cannot look for the words, empty where it can."""
        return self._no_words or words_problem(self.phrases())

    def _offer(self, *_: object) -> None:
        by_model = not self._from_boxes()
        for row in self._of_models:
            row.setVisible(by_model)
        self._words_row.setVisible(by_model and self.is_open)
        self._words_row.set_error(self._words_problem() if self.is_open else "")
        everywhere = self.images.currentData() in (_LISTED, _ALL)
        self._labelled_row.setVisible(by_model and everywhere)
        self.changed.emit()

    def _show_confidence(self) -> None:
        self.confidence.setText(f"{self.slider.value() / 100:.2f}")

    def _lay_out(self) -> None:
        sure = QWidget()
        line = QHBoxLayout(sure)
        line.setContentsMargins(0, 0, 0, 0)
        line.setSpacing(tokens.SPACE_S)
        line.addWidget(self.slider, 1)
        line.addWidget(self.confidence)
        model, confidence, outlines, self._labelled_row = (
            FormRow(label, control, label_width=_LABEL_WIDTH)
            for label, control in (
                (tr("Model"), self.picker),
                (tr("Confidence"), sure),
                (tr("Outlines"), self.outlines),
                (tr("Labelled ones"), self.labelled),
            )
        )
        self._words_row = FormRow(
            tr("Words"),
            self.words,
            tr("What to look for, with commas between; several words may become one class below."),
            label_width=_LABEL_WIDTH,
        )
        explained = by_name["conf"].help
        confidence.setToolTip(tr(explained))
        self._of_models: tuple[QWidget, ...] = (
            model,
            confidence,
            outlines,
            self.section,
            self.form,
        )
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(tokens.SPACE_S)
        for row in (
            FormRow(tr("Find objects with"), self.source, label_width=_LABEL_WIDTH),
            model,
            self._words_row,
            FormRow(tr("Images"), self.images, label_width=_LABEL_WIDTH),
            self._labelled_row,
            confidence,
            outlines,
            self.section,
            self.form,
        ):
            layout.addWidget(row)


def _combo(name: str, rows: Sequence[tuple[str, str]]) -> QComboBox:
    combo = QComboBox()
    combo.setAccessibleName(name)
    for text, value in rows:
        combo.addItem(text, value)
    return combo


def _may_be_open(path: Path) -> bool:
    """Tell by its name, or by what it was trained from, whether a model may be told in words what to look for."""
    return is_open_name(path.name) or is_open_run(path.parent.parent)


def lowered(
    arguments: dict[str, Any], rules: dict[str, ClassRule], names: Sequence[str]
) -> tuple[dict[str, Any], dict[str, ClassRule]]:
    """Let the model tell of all that some class wants to hear of, where one wants less than the others.

    A model leaves out what it is less sure of than ``conf``, whatever the rule of a class asks for.

    Returns:
        The arguments with the smallest wish as ``conf``, and rules that hold the other classes to the usual one.
    """
    usual = float(arguments["conf"])
    least = min([usual, *(rule.confidence for rule in rules.values() if rule.confidence)])
    if least >= usual:
        return arguments, rules
    all_rules = {name: rules.get(name, ClassRule()) for name in names}
    held = {
        name: rule if rule.confidence else replace(rule, confidence=usual)
        for name, rule in all_rules.items()
    }
    return {**arguments, "conf": least}, held
