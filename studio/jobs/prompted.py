"""Models that are told what to look for. Only the worker process imports this: it loads torch."""

from __future__ import annotations

from typing import Any

import numpy as np

from engine.data.images import read_image
from engine.models.yolo.yoloe import YOLOE
from studio.jobs.messages import Predict
from studio.model.auto_annotation import Examples


def prompted(request: Predict) -> YOLOE:
    """Return an open-vocabulary model that looks for the words or the examples of a request.

    Raises:
        EngineError: It is no such model, a word cannot be encoded, or an example lies outside of its image.
    """
    model = YOLOE(request.model)
    if request.examples is not None:
        _learn(model, request.examples, request.arguments)
    else:
        model.set_classes(request.phrases)
    return model


def _learn(model: YOLOE, examples: Examples, arguments: Any) -> None:
    """Let the model keep the classes that the examples show, under the project's names."""
    names = list(dict.fromkeys(examples.names))
    shown = {
        "bboxes": np.array(examples.boxes, np.float64),
        "cls": np.array([names.index(name) for name in examples.names]),
    }
    image = read_image(examples.image)
    given = {**arguments, "verbose": False, "save": False}
    model.predict(image, visual_prompts=shown, refer_image=image, **given)
    model.model.names = dict(enumerate(names))
    model.predictor = None
