"""What a model answers to images, as this room needs it: annotations, uncertainty, and a vector an image.

One forward pass gives both the objects and the vector: the mean answers of the last layer before the head, caught on
the way. An exported file shows no layers; its images are compared by colours and coarse layout instead.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
import torch.nn.functional as F

from engine.active_learning import uncertainty
from engine.active_learning.uncertainty import Uncertainty
from engine.core.features import Answers, default_layers, listening
from engine.core.model import Model
from engine.data.annotations import Annotation, Box, Keypoints, OrientedBox, Polygon, Tag
from engine.explorer.nearness import unit
from engine.nn.base_model import BaseModel
from engine.runtime.errors import ModelError

LOW_CONF = 0.05  # what a model half believes in counts too
_BLANK = np.full((64, 64, 3), 114, np.uint8)
_LAYOUT = 12  # cells a side of the picture that stands for an image where layers cannot be seen


@dataclass(frozen=True, slots=True)
class Answer:
    """What a model says of one image: its vector (D,) float32 of length 1, and how unsure it is."""

    vector: np.ndarray
    uncertainty: Uncertainty


class Surveyor:
    """Looks at images with one model.

    Args:
        model: Its callbacks and predictor are used; nobody else should use it meanwhile.
        arguments: Engine arguments of prediction; ``conf`` is lowered to :data:`LOW_CONF`.
    """

    def __init__(self, model: Model, arguments: Mapping[str, Any] | None = None) -> None:
        given = {"conf": LOW_CONF, **(arguments or {}), "verbose": False, "save": False}
        self._model, self._given = model, given
        self._network: BaseModel | None = None
        self._is_ready = False

    def look(self, images: Sequence[np.ndarray]) -> list[Answer]:
        """Return an answer for each image (H, W, 3) BGR uint8 of one size."""
        network = self._seen_network()
        layers = default_layers(network) if network is not None else []
        watching: AbstractContextManager[Answers]
        watching = listening(network, layers) if network is not None else nullcontext({})
        given = {**self._given, "batch": len(images)}
        with watching as maps:
            results = list(self._model.predict(list(images), **given))
        if layers and layers[0] in maps:
            pooled = F.adaptive_avg_pool2d(maps[layers[0]].float(), 1).flatten(1)
            vectors = unit(pooled.cpu().numpy())
        else:
            vectors = unit(np.stack([layout_vector(image) for image in images]))
        if _has(results[0], "semantic_mask"):
            mirrored = [np.ascontiguousarray(image[:, ::-1]) for image in images]
            turned = self._model.predict(mirrored, **given)
            doubts = [_of_maps(one, other) for one, other in zip(results, turned, strict=True)]
        else:
            doubts = [uncertainty_of(result) for result in results]
        return [Answer(vector, doubt) for vector, doubt in zip(vectors, doubts, strict=True)]

    def _seen_network(self) -> BaseModel | None:
        """Return the network whose layers can be watched, None for an exported file."""
        if not self._is_ready:
            self._model.predict(_BLANK, **self._given)  # the predictor makes its own copy
            backend = self._model.predictor.model.backend
            network = getattr(backend, "model", None)
            self._network = network if isinstance(network, BaseModel) else None
            self._is_ready = True
        return self._network


def uncertainty_of(result: Any) -> Uncertainty:
    """Return how unsure a model is of one image, from its ``Results`` of any task but semantic segmentation."""
    if _has(result, "probs"):
        return uncertainty.of_probabilities(_array(result.probs.data))
    found = result.obb if _has(result, "obb") else result.boxes
    if found is None:
        raise ModelError("the model answers neither with objects nor with classes.")
    return uncertainty.of_objects(_array(found.xyxy), _array(found.cls), _array(found.conf))


def annotations_of(result: Any) -> list[Annotation]:
    """Return one image's objects as annotations with scores, in pixels of the image."""
    if _has(result, "probs"):
        return [Annotation(Tag(), int(result.probs.top1), float(result.probs.top1conf))]
    found = result.obb if _has(result, "obb") else result.boxes
    if found is None:
        return []
    shapes = _shapes(result)
    rows = zip(shapes, _array(found.cls), _array(found.conf), strict=True)
    return [
        Annotation(shape, int(number), float(score))
        for shape, number, score in rows
        if shape is not None
    ]


def layout_vector(image: np.ndarray) -> np.ndarray:
    """Return colours and coarse layout of an image (H, W, 3) BGR as a vector (432,) float32."""
    small = cv2.resize(image[..., :3], (_LAYOUT, _LAYOUT), interpolation=cv2.INTER_AREA)
    lab = cv2.cvtColor(np.ascontiguousarray(small), cv2.COLOR_BGR2LAB).astype(np.float32) / 255
    return np.asarray(lab - 0.5, np.float32).reshape(-1)


def _shapes(result: Any) -> list[Any]:
    """Return the geometry of each object; None for an empty outline."""
    if _has(result, "obb"):
        return [OrientedBox(*map(float, row)) for row in _array(result.obb.xywhr)]
    if _has(result, "keypoints"):
        return [_keypoints(points) for points in _array(result.keypoints.data)]
    if _has(result, "masks"):
        outlines = [np.asarray(ring, float).reshape(-1, 2) for ring in result.masks.xy]
        return [Polygon.of(ring.tolist()) if len(ring) >= 3 else None for ring in outlines]
    return [Box(*map(float, row)) for row in _array(result.boxes.xyxy)]


def _keypoints(points: np.ndarray) -> Keypoints | None:
    sure = points[:, 2] if points.shape[1] > 2 else np.ones(len(points))
    visibility = tuple(2 if s >= 0.5 else 1 if s >= 0.05 else 0 for s in sure)
    if not any(visibility):
        return None
    return Keypoints(tuple((float(x), float(y)) for x, y in points[:, :2]), visibility)


def _of_maps(result: Any, turned: Any) -> Uncertainty:
    classes, other = (_array(one.semantic_mask.data).squeeze() for one in (result, turned))
    return uncertainty.of_maps(classes, other[:, ::-1])


def _has(result: Any, part: str) -> bool:
    return getattr(result, part, None) is not None


def _array(values: Any) -> np.ndarray:
    return np.asarray(values.cpu() if hasattr(values, "cpu") else values)
