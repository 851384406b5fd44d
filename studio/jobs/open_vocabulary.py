"""What open-vocabulary models need and cost on this computer. Only the worker process imports this: it loads torch."""

from __future__ import annotations

from typing import Any

from engine.models.yolo.model import YOLO
from engine.models.yolo.yoloe.cost import measure_cost
from engine.nn.open_vocabulary import YOLOEModel
from engine.nn.text.registry import check_encoder
from engine.runtime.errors import EngineError, ModelError
from studio.jobs.messages import Progress, Weigh, Weighed
from studio.jobs.worker import Context
from studio.language import tr


def weigh(request: Weigh, context: Context) -> Weighed:
    """Run a few steps of each training of a model.

    Raises:
        CancelledError: The request was given up.
        EngineError: It cannot be read, or is no model whose classes are free.
    """
    context.send(Progress(request.job, 0, 0, tr("Measuring")))
    network = YOLO(request.model).model
    if not isinstance(network, YOLOEModel):
        raise ModelError("is no open-vocabulary model.", path=request.model)
    device = request.device.split(",")[0] or "cpu"
    cost = measure_cost(network, max(request.classes, 1), request.imgsz, device, context.check)
    return Weighed(cost.full, cost.probe, cost.seen, request.imgsz, words_problem(network))


def words_problem(network: Any) -> str:
    """Return why the words of a model cannot be encoded here, empty where they can."""
    try:
        check_encoder(network.text_model)
    except EngineError as error:
        return str(error)
    return ""
