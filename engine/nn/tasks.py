"""The index of all models: which one a description is for, its last layer says.

A new kind of model is a row of :data:`MODELS`, beside the rows of its layers in ``build.LAYERS``.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from engine.cfg.model_yaml import find_model_yaml
from engine.nn.base_model import BaseModel
from engine.nn.open_vocabulary import YOLOEModel, YOLOESegModel
from engine.nn.partial_load import LoadReport, load_fitting
from engine.nn.task_models import (
    ClassificationModel,
    DetectionModel,
    OBBModel,
    PoseModel,
    SegmentationModel,
    SemanticSegmentationModel,
)
from engine.runtime.errors import ModelError

__all__ = [
    "MODELS",
    "BaseModel",
    "ClassificationModel",
    "DetectionModel",
    "LoadReport",
    "OBBModel",
    "PoseModel",
    "SegmentationModel",
    "SemanticSegmentationModel",
    "YOLOEModel",
    "YOLOESegModel",
    "build_model",
    "guess_task",
    "load_fitting",
    "model_class",
]

# the last layer of a description -> the model around it
MODELS: dict[str, type[BaseModel]] = {
    "Detect": DetectionModel,
    "Segment": SegmentationModel,
    "Segment26": SegmentationModel,
    "YOLOEDetect": YOLOEModel,
    "YOLOESegment": YOLOESegModel,
    "YOLOESegment26": YOLOESegModel,
    "Classify": ClassificationModel,
    "Pose": PoseModel,
    "Pose26": PoseModel,
    "OBB": OBBModel,
    "OBB26": OBBModel,
    "SemanticSegment": SemanticSegmentationModel,
    "SemanticFPN": SemanticSegmentationModel,
}

# What arguments of the wrong kind or size lead to, somewhere inside a layer
_MISFITS = (
    TypeError,
    ValueError,
    LookupError,
    AttributeError,
    RuntimeError,
    ArithmeticError,
    AssertionError,
)


def model_class(description: Mapping[str, Any]) -> type[BaseModel]:
    """Return the class of the model that a description is for.

    Raises:
        ModelError: Its last layer is no head of this version.
    """
    rows = description.get("head")
    last = rows[-1] if isinstance(rows, list | tuple) and rows else ()
    name = last[2] if isinstance(last, list | tuple) and len(last) > 2 else None
    if not isinstance(name, str) or name not in MODELS:
        raise ModelError(
            f"the last layer is {str(name)[:40]!r}, expected one of the heads {', '.join(MODELS)}.",
            path=description.get("yaml_file"),
            value=name,
        )
    return MODELS[name]


def guess_task(description: Mapping[str, Any]) -> str:
    """Return the task that a model description is for.

    Raises:
        ModelError: Its last layer is no head of this version.
    """
    return model_class(description).task


def build_model(
    cfg: str | Path | Mapping[str, Any],
    ch: int | None = None,
    nc: int | None = None,
    verbose: bool = True,
) -> BaseModel:
    """Make the model of a description with random weights, of whatever task it is for.

    Raises:
        ModelError: It cannot be found, read or built.
    """
    description = cfg if isinstance(cfg, Mapping) else find_model_yaml(cfg)
    try:
        return model_class(description)(description, ch, nc, verbose)
    except ModelError as error:
        raise error.at(description.get("yaml_file")) from error
    except _MISFITS as error:
        raise ModelError(
            f"its layers do not fit one another or their arguments ({str(error)[:200]}).",
            path=description.get("yaml_file"),
        ) from error
