"""Work for the worker process in tests: a model that needs no weights, for it sees bright squares as they are."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np

from engine.active_learning.diversity import farthest_first
from engine.active_learning.uncertainty import Uncertainty, of_objects
from engine.data.annotations import Box
from engine.data.images import read_image
from engine.runtime.errors import ImageError
from studio.jobs.messages import (
    Inspect,
    ModelFacts,
    Predict,
    Predicted,
    PredictedShape,
    PredictionDone,
    Progress,
    Result,
    Survey,
    Surveyed,
)
from studio.jobs.worker import Context
from studio.model.next_images import NextImage

BRIGHT = 150
NAMES = ("square", "bar")


def run(request: Any, context: Context) -> Result:
    """Do what a request asks, as the real tasks do."""
    return Result(request.job, _TASKS[type(request)](request, context))


def see(path: str) -> list[PredictedShape]:
    """Return the bright rectangles of a picture; how bright one is says how sure it is, its form the class."""
    grey = read_image(path).max(2)
    count, _, stats, _ = cv2.connectedComponentsWithStats((grey > BRIGHT).astype(np.uint8))
    found = []
    for number in range(1, count):
        x, y, w, h, _ = (int(value) for value in stats[number])
        score = float(grey[y + h // 2, x + w // 2]) / 255
        name = NAMES[w > 1.5 * h]
        found.append(PredictedShape(NAMES.index(name), name, score, Box(x, y, x + w, y + h)))
    return found


def _inspect(request: Inspect, _context: Context) -> ModelFacts:
    task = "semseg" if "pixels" in request.model else "detect"
    names = ("elephant",) if "stranger" in request.model else NAMES
    return ModelFacts(request.model, "pt", task, names)


def _predict(request: Predict, context: Context) -> PredictionDone:
    for done, (key, path) in enumerate(request.images, start=1):
        context.check()
        try:
            context.send(Predicted(request.job, key, tuple(see(path))))
        except ImageError as error:
            context.send(Predicted(request.job, key, (), str(error)))
        context.send(Progress(request.job, done, len(request.images), "Predicting"))
    return PredictionDone(len(request.images), 0, 0, 0.1)


def _survey(request: Survey, context: Context) -> Surveyed:
    fresh, known = (
        [_look(path) for _, path in request.images],
        [_look(path) for _, path in request.covered],
    )
    chosen = farthest_first(
        np.stack([vector for vector, _ in fresh]),
        request.count,
        np.array([doubt.value for _, doubt in fresh]),
        np.stack([vector for vector, _ in known]),
        request.diversity,
        context.check,
    )
    ranked = tuple(
        _next_image(request.images[one.index][0], fresh[one.index][1], one.novelty)
        for one in chosen
    )
    return Surveyed(ranked, len(fresh), len(known), (), 0.1)


def _look(path: str) -> tuple[np.ndarray, Uncertainty]:
    seen = see(path)
    boxes = np.array([one.geometry.bounds() for one in seen]).reshape(-1, 4)
    classes, scores = [one.class_id for one in seen], [one.score for one in seen]
    vector = cv2.resize(read_image(path), (8, 8)).astype(np.float32).reshape(-1)
    doubt = of_objects(boxes, np.array(classes), np.array(scores))
    return vector / np.linalg.norm(vector), doubt


def _next_image(key: int, doubt: Uncertainty, novelty: float) -> NextImage:
    names = tuple(NAMES[number] for number in doubt.classes)
    return NextImage(key, doubt.value, doubt.kind, doubt.objects, names, doubt.scores, novelty)


_TASKS = {Inspect: _inspect, Predict: _predict, Survey: _survey}
