"""Boxes to outlines by a promptable segmenter. Only the worker process imports this: it loads torch."""

from __future__ import annotations

import time
from typing import Any

import numpy as np

from engine.data.annotations import Geometry, Keypoints, Tag
from engine.data.images import read_image
from engine.models.sam.prompts import make_prompt
from engine.runtime.errors import ImageError
from studio.jobs.messages import (
    Outline,
    Predict,
    Predicted,
    PredictedShape,
    PredictionDone,
    Progress,
)
from studio.jobs.segmenting import forget_image, load_segmenter, mask_of
from studio.jobs.worker import Context
from studio.language import tr
from studio.model.geometry_ops.outlines import outlined

_TOLERANCE_PX = 1.0
_LEAST_SIDE = 2.0  # pixels: a segmenter sees nothing in less

Objects = tuple[PredictedShape, ...]


def outline(request: Outline, context: Context) -> PredictionDone:
    """Outline the objects in drawn boxes, image by image."""
    begun = time.perf_counter()
    shapes = problems = 0
    for done, (key, path, boxes) in enumerate(request.images, 1):
        context.check()
        try:
            image = read_image(path)
        except ImageError as error:
            problems += 1
            context.send(Predicted(request.job, key, (), str(error)))
            continue
        found = tuple(
            PredictedShape(box.class_id, box.class_name, score, geometry)
            for box, (geometry, score) in zip(
                boxes, _outlines(request, context, image, [b.bounds for b in boxes]), strict=True
            )
            if geometry is not None
        )
        shapes += len(found)
        context.send(Predicted(request.job, key, found))
        context.send(Progress(request.job, done, len(request.images), tr("Outlining")))
    return PredictionDone(len(request.images), shapes, problems, time.perf_counter() - begun)


def outline_objects(
    request: Predict, context: Context, image: np.ndarray, objects: Objects
) -> Objects:
    """Return what a model found, each object outlined within its box; tags and keypoints stay as they are."""
    places = [i for i, found in enumerate(objects) if _has_area(found.geometry)]
    bounds = [objects[i].geometry.bounds() for i in places]
    outlines = dict(zip(places, _outlines(request, context, image, bounds), strict=True))
    result = []
    for i, found in enumerate(objects):
        geometry, _ = outlines.get(i, (None, None))
        kept = found.geometry if geometry is None else geometry
        result.append(PredictedShape(found.class_id, found.class_name, found.score, kept))
    return tuple(result)


def _outlines(
    request: Predict | Outline,
    context: Context,
    image: np.ndarray,
    bounds: list[tuple[float, float, float, float]],
) -> list[tuple[Geometry | None, float | None]]:
    """Return an outline and its score for each box of a (H, W, 3) BGR image; None where nothing is found in it.

    The score is None too where the segmenter does not know how good its outlines are.
    """
    if not bounds:
        return []
    sam = load_segmenter(request.segmenter, request.job, context)
    forget_image()
    sam.set_image(np.ascontiguousarray(image[..., ::-1]))
    found: list[tuple[Geometry | None, float | None]] = []
    for box in bounds:
        context.check()
        if min(box[2] - box[0], box[3] - box[1]) < _LEAST_SIDE:
            found.append((None, None))
        else:
            found.append(_outline(sam, image.shape[:2], box))
    return found


def _outline(
    sam: Any, size_hw: tuple[int, int], box: tuple[float, float, float, float]
) -> tuple[Geometry | None, float | None]:
    found = sam.ask(make_prompt(size_hw, box=box), multimask=False)
    mask = mask_of(found, 0)
    parts = outlined(mask, _TOLERANCE_PX)
    if not parts:
        return None, None
    # Parts of one object stay one shape: a mask holds them, an outline cannot.
    score = round(float(np.clip(found.scores[0], 0, 1)), 4) if sam.segmenter.judges else None
    return (parts[0] if len(parts) == 1 else mask), score


def _has_area(geometry: Geometry) -> bool:
    return not isinstance(geometry, Keypoints | Tag) and geometry.area() > 0
