"""From a model's predictions to suggestions in the project: classes by name, no doubles, a few writes.

Knows no Qt; :mod:`studio.jobs.suggest_run` drives it.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from engine.data.annotations import Tag
from studio.jobs.messages import Predicted, PredictedShape
from studio.language import tr
from studio.model.project import Project
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
        suggestions = tr("{shapes:,} suggestion{value}").format(
            shapes=self.shapes, value="" if self.shapes == 1 else "s"
        )
        images = tr("{count:,} of {images:,} image{value}").format(
            count=len(self.with_shapes), images=self.images, value="" if self.images == 1 else "s"
        )
        parts = [tr("{suggestions} on {images}.").format(suggestions=suggestions, images=images)]
        if self.already:
            parts.append(tr("{already:,} were drawn already.").format(already=self.already))
        if self.new_classes:
            parts.append(
                tr("New classes: {new_classes}.").format(new_classes=", ".join(self.new_classes))
            )
        if self.problems:
            parts.append(tr("{count:,} images could not be read.").format(count=len(self.problems)))
        return " ".join(parts)


class SuggestionSink:
    """Takes predictions and writes them as suggestions, many images in one transaction.

    Args:
        project: Gets the suggestions; used from the caller's thread only.
    """

    def __init__(self, project: Project) -> None:
        self._project = project
        self._waiting: dict[int, list[Shape]] = {}
        self.count = SuggestionCount()

    def take(self, predicted: Predicted) -> None:
        """Take the objects of one image; :meth:`flush` writes them."""
        self.count.images += 1
        if predicted.problem is not None:
            self.count.problems.append(predicted.problem)
            return
        drawn = self._project.shapes(predicted.key)
        shapes = [self._shape(predicted.key, found) for found in predicted.shapes]
        fresh = [shape for shape in shapes if not _is_drawn(shape, drawn)]
        self.count.already += len(shapes) - len(fresh)
        self.count.shapes += len(fresh)
        if fresh:
            self.count.with_shapes.append(predicted.key)
        self._waiting[predicted.key] = fresh

    def flush(self) -> None:
        """Write what was taken.

        Raises:
            StorageError: It cannot be written.
        """
        waiting, self._waiting = self._waiting, {}
        if waiting:
            self._project.set_many_suggestions(dict(waiting))

    def _shape(self, image_id: int, found: PredictedShape) -> Shape:
        class_id = self._class_id(found.class_name)
        return new_shape(image_id, class_id, found.geometry, "model", found.score)

    def _class_id(self, name: str) -> int:
        for cls in self._project.classes():
            if cls.name == name:
                return cls.id
        self.count.new_classes.append(name)
        return self._project.add_class(name).id


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
