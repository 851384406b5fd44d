"""Work for the worker process in tests: obeys the same messages as the real tasks, without a model."""

from __future__ import annotations

import os
import time
from typing import Any

from engine.data.annotations import Polygon
from engine.runtime.errors import DatasetError
from studio.jobs.messages import (
    Encoded,
    Predicted,
    PredictedShape,
    PredictionDone,
    Progress,
    Result,
    Segmented,
)
from studio.jobs.worker import Context

SHAPE = PredictedShape(0, "bolt", 0.9, Polygon(((1.0, 2.0), (3.0, 2.0), (3.0, 4.0))))


def run(request: Any, context: Context) -> Result:
    """Do what the request's model name says."""
    return _BEHAVIOURS[request.model](request, context)


def _good(request: Any, context: Context) -> Result:
    for done, (key, _path) in enumerate(request.images, start=1):
        context.check()
        context.send(Predicted(request.job, key, (SHAPE,)))
        context.send(Progress(request.job, done, len(request.images), "predicting"))
    return Result(request.job, PredictionDone(len(request.images), len(request.images), 0, 0.1))


def _slow(request: Any, context: Context) -> Result:
    for done in range(600):
        context.check()
        context.send(Progress(request.job, done, 600, str(os.getpid())))
        time.sleep(0.05)
    return _good(request, context)


def _yielding(request: Any, context: Context) -> Result:
    """Works until it is cancelled, or for half a minute, and lets urgent requests go first."""
    for _ in range(600):
        context.give_way()
        time.sleep(0.05)
    return Result(request.job, Encoded("slow", 30.0))


def _answer(request: Any, _context: Context) -> Result:
    return Result(request.job, Segmented((), 0.01))


def _deaf(request: Any, context: Context) -> Result:
    """Never asks whether it was cancelled."""
    time.sleep(60)
    return _good(request, context)


def _bad_data(_request: Any, _context: Context) -> Result:
    raise DatasetError("no labels.", path="data.yaml", line=3, remedy="Draw some.")


def _bug(_request: Any, _context: Context) -> Result:
    print("words of a library")  # noqa: T201 - stands for what libraries print
    return 1 / 0


def _memory(_request: Any, _context: Context) -> Result:
    raise RuntimeError("CUDA out of memory. Tried to allocate 20 MiB")


_BEHAVIOURS = {
    "good": _good,
    "slow": _slow,
    "yielding": _yielding,
    "answer": _answer,
    "deaf": _deaf,
    "bad data": _bad_data,
    "bug": _bug,
    "memory": _memory,
}
