"""From a model's predictions to suggestions in the project: classes by name, no doubles, a few writes.

Knows no Qt; :mod:`studio.jobs.suggest_run` drives it.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from engine.data.annotations import Box, Polygon, Tag
from engine.data.annotations.attribute_names import ANNOTATION_MODEL
from studio.jobs.messages import Predicted, PredictedShape
from studio.language import ntr, tr
from studio.model.auto_annotation import AutoAnnotation, usual_rules
from studio.model.count_words import unreadable_images
from studio.model.one_line import one_line
from studio.model.project import Project
from studio.model.provenance import MODEL, model_words
from studio.model.records import Shape, new_shape
from studio.model.validation_cells import box_overlaps

_SAME_OBJECT = 0.8  # a prediction that overlaps a drawn shape of its class by more adds nothing


@dataclass
class SuggestionCount:
    """How a prediction went.

    Attributes:
        images: Images looked at.
        shapes: Suggestions made.
        already: Predictions left out because the same object is drawn already.
        new_classes: Names of classes that the project did not have and now has.
        with_shapes: Ids of the images that got suggestions, in their order.
        problems: Why images could not be read.
    """

    images: int = 0
    shapes: int = 0
    already: int = 0
    new_classes: list[str] = field(default_factory=list)
    with_shapes: list[int] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)

    def sentence(self) -> str:
        """Return the outcome in one or two sentences."""
        suggestions = ntr("{count:,} suggestion", "{count:,} suggestions", self.shapes).format(
            count=self.shapes
        )
        images = ntr(
            "{found:,} of {count:,} image", "{found:,} of {count:,} images", self.images
        ).format(found=len(self.with_shapes), count=self.images)
        parts = [tr("{suggestions} on {images}.").format(suggestions=suggestions, images=images)]
        if self.already:
            drawn = ntr(
                "{already:,} was drawn already.", "{already:,} were drawn already.", self.already
            )
            parts.append(drawn.format(already=self.already))
        if self.new_classes:
            parts.append(
                tr("New classes: {new_classes}.").format(new_classes=", ".join(self.new_classes))
            )
        if self.problems:
            parts.append(unreadable_images(len(self.problems)))
        return " ".join(parts)


class SuggestionSink:
    """Takes predictions and writes them as suggestions, many images in one transaction.

    Args:
        project: Gets the suggestions; used from the caller's thread only.
        batch: Says what becomes of each class.
    """

    def __init__(self, project: Project, batch: AutoAnnotation | None = None) -> None:
        self._project = project
        self._batch = batch or AutoAnnotation("", ())
        self._waiting: dict[int, list[Shape]] = {}
        self._failed: set[int] = set()
        self._made_by = model_words(self._batch.model, self._batch.segmenter)
        self.count = SuggestionCount()

    def take(self, predicted: Predicted) -> None:
        """Take the objects of one image; :meth:`flush` writes them."""
        self.count.images += 1
        if predicted.problem is not None:
            self.count.problems.append(predicted.problem)
            self._failed.add(predicted.key)
            return
        drawn = self._project.shapes(predicted.key)
        if not self._batch.model:  # the boxes themselves were asked about
            drawn = [shape for shape in drawn if not isinstance(shape.geometry, Box)]
        shapes = [
            self._shape(predicted.key, found) for found in predicted.shapes if self._wanted(found)
        ]
        fresh = [shape for shape in shapes if not _is_drawn(shape, drawn)]
        self.count.already += len(shapes) - len(fresh)
        self.count.shapes += len(fresh)
        if fresh:
            self.count.with_shapes.append(predicted.key)
        self._waiting[predicted.key] = fresh

    def flush(self) -> set[int]:
        """Write what was taken; return the images that are done with it.

        Raises:
            StorageError: It cannot be written.
        """
        waiting, self._waiting = self._waiting, {}
        if waiting:
            self._project.set_many_suggestions(dict(waiting))
        failed, self._failed = self._failed, set()
        return set(waiting) | failed

    def _wanted(self, found: PredictedShape) -> bool:
        rule = self._batch.rule(found.class_name)
        if _is_region(found) and found.class_name not in self._batch.rules:
            names = [cls.name for cls in self._project.classes()]
            rule = usual_rules(names).get(found.class_name, rule)
        sure = found.score is None or found.score >= rule.confidence
        return sure and not rule.is_left_out

    def _shape(self, image_id: int, found: PredictedShape) -> Shape:
        chosen = self._batch.rule(found.class_name).class_id
        class_id = self._class_id(found.class_name) if chosen is None else chosen
        told = {ANNOTATION_MODEL: self._made_by} if self._made_by else {}
        return new_shape(image_id, class_id, found.geometry, MODEL, found.score, told)

    def _class_id(self, said: str) -> int:
        name = one_line(said)
        for cls in self._project.classes():
            if cls.name == name:
                return cls.id
        self.count.new_classes.append(name)
        return self._project.add_class(name).id


def _is_region(found: PredictedShape) -> bool:
    """Whether it is a part of a map of pixels: these alone come without a score."""
    return found.score is None and isinstance(found.geometry, Polygon)


def _is_drawn(shape: Shape, drawn: list[Shape]) -> bool:
    """Whether the same object has a shape of its class; the class of the whole image has no place."""
    is_tag = isinstance(shape.geometry, Tag)
    alike = [
        other
        for other in drawn
        if other.class_id == shape.class_id and isinstance(other.geometry, Tag) == is_tag
    ]
    if is_tag:
        return bool(alike)
    same = [other.geometry.bounds() for other in alike]
    return bool(same) and bool(box_overlaps([shape.geometry.bounds()], same).max() > _SAME_OBJECT)
