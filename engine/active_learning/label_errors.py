"""Which labels of a data set a model doubts: a list, the greatest doubt first."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from engine.active_learning.answers import LOW_CONF, annotations_of
from engine.active_learning.disagreement import (
    Comparison,
    Disagreement,
    DisagreementKind,
    Rules,
    Trust,
    compare_labels,
)
from engine.core.model import Model
from engine.data.annotations import Annotation
from engine.data.formats import read
from engine.data.images import read_image
from engine.models.yolo.model import YOLO
from engine.runtime.errors import ImageError, ModelError
from engine.runtime.log import LOGGER


@dataclass(frozen=True, slots=True)
class LabelError:
    """One label that is probably wrong, or missing.

    Attributes:
        path: The image.
        kind: What is wrong: missing, extra, double, wrong_class, loose.
        doubt: How likely it is wrong, 0..1.
        label: As labelled; None where it is missing. Classes are numbered as in the data set.
        found: What the model found instead; None where it found nothing.
        overlap: IoU of the two; of a double with the other label.
    """

    path: Path
    kind: DisagreementKind
    doubt: float
    label: Annotation | None
    found: Annotation | None
    overlap: float


def find_label_errors(
    model: str | Path | Model,
    data: str | Path,
    split: str | None = None,
    rules: Rules = Rules(),  # noqa: B008 - frozen
    **arguments: Any,
) -> list[LabelError]:
    """Hold the labels of a data set against a model.

    Best is a model that was not trained on these labels: one that was has learned some of their mistakes too, and
    finds fewer. Classes are compared by name; those that only one side knows are left out, with a warning.

    Args:
        model: A model file or a loaded model: detection, segmentation, rotated boxes, pose or classification.
        data: A data set in any format that can be read, such as a data.yaml.
        split: train, val or test; None for all.
        rules: When label and prediction are held for one object.
        arguments: Of the prediction: imgsz, device, iou, ...

    Returns:
        The doubtful labels of all images, the greatest doubt first.

    Raises:
        ModelError: The model labels pixels and has no single objects, or knows no class of the data set.
        EngineError: The model or the data set cannot be used.
    """
    held = model if isinstance(model, Model) else YOLO(model)
    if held.task == "semseg":
        raise ModelError(
            "a model that labels pixels has no single objects to compare labels with.",
            remedy="Look at its validation, which shows the maps of each image.",
        )
    dataset = read(data)
    names = shared_numbers(dataset.names, held.names)
    given = {"conf": LOW_CONF, **arguments, "verbose": False, "save": False}
    trust, compared = Trust(), list[tuple[Path, Comparison, _Sides]]()
    for image in dataset.images:
        if image.annotations is None or (split is not None and image.split != split):
            continue
        labels = [one for one in image.annotations if one.class_id in names.values()]
        try:
            (result,) = held.predict(read_image(image.path), **given)
        except ImageError as error:
            LOGGER.warning("%s", error)
            continue
        found = renumbered(annotations_of(result), names)
        comparison = compare_labels(labels, found, rules, trust)
        compared.append((image.path, comparison, (labels, found)))
    errors = [
        _error(path, one, sides)
        for path, comparison, sides in compared
        for one in comparison.weighed(trust)
    ]
    return sorted(errors, key=lambda error: -error.doubt)


_Sides = tuple[Sequence[Annotation], Sequence[Annotation]]


def shared_numbers(labelled: dict[int, str], known: dict[int, str]) -> dict[int, int]:
    """Return the data set's class number of each of the model's, of the classes that both know by name.

    Raises:
        ModelError: There is none.
    """
    by_name = {name: number for number, name in labelled.items()}
    shared = {number: by_name[name] for number, name in known.items() if name in by_name}
    if not shared:
        raise ModelError(
            f"the model knows none of the classes: it knows {', '.join(list(known.values())[:5])}, "
            f"labelled are {', '.join(list(labelled.values())[:5])}.",
            remedy="Use a model that was trained on these classes.",
        )
    if unknown := sorted(set(labelled.values()) - set(known.values())):
        LOGGER.warning("The model does not know %s; their labels are left out.", ", ".join(unknown))
    return shared


def renumbered(found: Iterable[Annotation], numbers: dict[int, int]) -> list[Annotation]:
    """Return predictions of shared classes, numbered as in the data set."""
    return [
        replace(one, class_id=numbers[one.class_id]) for one in found if one.class_id in numbers
    ]


def _error(path: Path, one: Disagreement, sides: _Sides) -> LabelError:
    labels, found = sides
    return LabelError(
        path,
        one.kind,
        one.doubt,
        None if one.label is None else labels[one.label],
        None if one.found is None else found[one.found],
        one.overlap,
    )
