"""What the worker process does for each request. Only that process imports this: it loads torch."""

from __future__ import annotations

import logging
import time
from collections import OrderedDict
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from engine.core.exporter import Exporter
from engine.data.images import read_image
from engine.models.yolo.model import YOLO
from engine.runtime.errors import EngineError, ImageError
from studio.jobs.inspection import inspect_model
from studio.jobs.messages import (
    Encode,
    Export,
    Exported,
    Inspect,
    ModelFacts,
    Outline,
    Predict,
    Predicted,
    PredictedShape,
    PredictionDone,
    Progress,
    Request,
    Result,
    Segment,
    Survey,
    Track,
    Validate,
    Validated,
    Weigh,
)
from studio.jobs.open_vocabulary import weigh
from studio.jobs.outlining import outline, outline_objects
from studio.jobs.predicted_shapes import shapes_of
from studio.jobs.prompted import prompted
from studio.jobs.reading import group_size, read_groups
from studio.jobs.segmenting import encode, segment
from studio.jobs.surveying import survey
from studio.jobs.tracking import track
from studio.jobs.worker import Context
from studio.language import tr
from studio.model.model_files import size_of

LOGGER = logging.getLogger(__name__)
_KEPT_MODELS = 2
_DRAWN_SIZE = 640


class Models:
    """The models used last, by file and its time of change: the next request need not load them again."""

    def __init__(self) -> None:
        self._kept: OrderedDict[tuple[str, int], YOLO] = OrderedDict()

    def get(self, path: str) -> YOLO:
        """Return a model, from memory where its file has not changed."""
        try:
            key = (path, Path(path).stat().st_mtime_ns)
        except OSError:
            return YOLO(path)  # says what is wrong with the file
        if key not in self._kept:
            self._kept[key] = YOLO(path)
        self._kept.move_to_end(key)
        while len(self._kept) > _KEPT_MODELS:
            self._kept.popitem(last=False)
        return self._kept[key]


MODELS = Models()


def run(request: Request, context: Context) -> Result:
    """Do what a request asks.

    Raises:
        CancelledError: The request was given up.
        EngineError: It cannot be done; says why.
    """
    return Result(request.job, _TASKS[type(request)](request, context))


def predict(request: Predict, context: Context) -> PredictionDone:
    """Find objects image by image; one that cannot be read is reported and passed over."""
    begun = time.perf_counter()
    context.send(Progress(request.job, 0, len(request.images), tr("Loading the model")))
    model = prompted(request) if request.phrases or request.examples else MODELS.get(request.model)
    context.check()
    done = shapes = problems = 0
    for group in read_groups(request.images, group_size(request.arguments)):
        context.check()
        readable = [(key, image) for key, image in group if not isinstance(image, ImageError)]
        found = _predict_images(model, [image for _key, image in readable], request.arguments)
        if request.segmenter:
            found = [
                outline_objects(request, context, image, objects)
                for (_key, image), objects in zip(readable, found, strict=True)
            ]
        for key, image in group:
            if isinstance(image, ImageError):
                problems += 1
                context.send(Predicted(request.job, key, (), str(image)))
        for (key, _image), objects in zip(readable, found, strict=True):
            shapes += len(objects)
            context.send(Predicted(request.job, key, objects))
        done += len(group)
        context.send(Progress(request.job, done, len(request.images), tr("Predicting")))
    return PredictionDone(done, shapes, problems, time.perf_counter() - begun)


def validate(request: Validate, context: Context) -> Validated:
    """Measure a model on a data set; ``validation.json`` and the plots go into the request's folder."""
    begun = time.perf_counter()
    folder = Path(request.folder)
    model = YOLO(request.model)  # not a kept one: its callbacks belong to this request alone

    def on_batch_end(validator: Any) -> None:
        total = len(validator.dataloader)
        context.send(Progress(request.job, validator.batch_i + 1, total, tr("Validating")))
        context.check()

    model.add_callback("on_val_batch_end", on_batch_end)
    context.send(Progress(request.job, 0, 0, tr("Reading the images")))
    metrics = model.val(
        data=request.data,
        project=str(folder.parent),
        name=folder.name,
        exist_ok=True,
        **dict(request.arguments),
    )
    figures = {name: float(value) for name, value in metrics.results_dict.items()}
    return Validated(str(folder), figures, time.perf_counter() - begun)


def export(request: Export, context: Context) -> Exported:
    """Write a model in another format, then run the file against the model on an image."""
    context.send(Progress(request.job, 0, 3, tr("Loading the model")))
    image, name = _comparison_image(request.image)
    exporter = Exporter({**request.arguments, "format": request.format, "model": request.model})
    context.check()
    context.send(Progress(request.job, 1, 3, tr("Writing the file")))
    path = exporter()
    context.check()
    context.send(Progress(request.job, 2, 3, tr("Comparing with the model")))
    # what only runs elsewhere cannot be compared here
    compared = exporter.verify(image) if exporter.runs_here else {}
    return Exported(
        path=str(path),
        format=request.format,
        size_bytes=size_of(path),
        seconds=exporter.seconds,
        max_abs_diff=float(compared["max_abs_diff"]) if compared else None,
        image=name,
        details=_plain(compared),
    )


def inspect(request: Inspect, context: Context) -> ModelFacts:
    """Look into a model file."""
    context.send(Progress(request.job, 0, 0, tr("Reading the file")))
    return inspect_model(Path(request.model), request.classes)


_TASKS: dict[type, Callable[[Any, Context], Any]] = {
    Predict: predict,
    Validate: validate,
    Export: export,
    Inspect: inspect,
    Weigh: weigh,
    Encode: encode,
    Segment: segment,
    Outline: outline,
    Track: track,
    Survey: survey,
}


def _predict_images(
    model: YOLO, images: list[np.ndarray], arguments: Mapping[str, Any]
) -> list[tuple[PredictedShape, ...]]:
    if not images:
        return []
    given = {**arguments, "batch": len(images), "verbose": False, "save": False}
    least = float(arguments.get("conf") or 0.0)
    return [shapes_of(result, least) for result in model.predict(images, **given)]


def _comparison_image(path: str | None) -> tuple[np.ndarray, str]:
    """Return a real image where there is one, else a drawn one with edges and noise."""
    if path is not None:
        try:
            return read_image(path), path
        except EngineError as error:
            LOGGER.warning("%s A drawn image is used instead.", error)
    generator = np.random.default_rng(0)
    image = generator.integers(0, 90, (_DRAWN_SIZE, _DRAWN_SIZE, 3), dtype=np.uint8)
    for x, y, side in generator.integers(0, 480, (12, 3)):
        image[y : y + side // 4, x : x + side // 4] = generator.integers(90, 255, 3)
    return image, ""


def _plain(values: Mapping[str, Any]) -> dict[str, Any]:
    """Keep what every process can unpickle."""
    return {
        name: value if isinstance(value, int | float | str | list | dict) else str(value)
        for name, value in values.items()
    }
