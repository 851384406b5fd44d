"""Choosing the images that are worth labelling next. Only the worker process imports this: it loads torch."""

from __future__ import annotations

import time
from collections.abc import Mapping

from engine.active_learning.answers import Answer, Surveyor
from engine.active_learning.next_images import rank_answers
from engine.models.yolo.model import YOLO
from engine.runtime.errors import ImageError
from studio.jobs.messages import Progress, Survey, Surveyed
from studio.jobs.reading import group_size, read_groups
from studio.jobs.worker import Context
from studio.language import tr
from studio.model.next_images import NextImage

_Seen = list[tuple[int, Answer]]


def survey(request: Survey, context: Context) -> Surveyed:
    """Look at all images, then choose; one that cannot be read is reported and passed over."""
    begun = time.perf_counter()
    total = len(request.images) + len(request.covered)
    context.send(Progress(request.job, 0, total, tr("Loading the model")))
    context.check()
    model = YOLO(request.model)  # not a kept one: layers of its network are watched
    surveyor = Surveyor(model, request.arguments)
    problems: list[str] = []
    fresh = _look(surveyor, request, context, 0, problems)
    known = _look(surveyor, request, context, len(request.images), problems)
    context.send(Progress(request.job, total, total, tr("Choosing")))
    answers, covered = [answer for _, answer in fresh], [answer for _, answer in known]
    chosen = rank_answers(answers, covered, request.count, request.diversity, context.check)
    ranked = tuple(
        _next_image(fresh[one], novelty, _key(nearest, fresh, known), model.names)
        for one, novelty, nearest in chosen
    )
    return Surveyed(ranked, len(fresh), len(known), tuple(problems), time.perf_counter() - begun)


def _look(
    surveyor: Surveyor, request: Survey, context: Context, before: int, problems: list[str]
) -> _Seen:
    """Return the keys and answers of the images to choose from, or (``before`` above 0) of the labelled ones."""
    images = request.covered if before else request.images
    text = tr("Looking at labelled images") if before else tr("Looking at images")
    total, done = len(request.images) + len(request.covered), before
    seen: _Seen = []
    for group in read_groups(images, group_size(request.arguments)):
        context.check()
        readable = [(key, image) for key, image in group if not isinstance(image, ImageError)]
        problems += [str(image) for _, image in group if isinstance(image, ImageError)]
        if readable:
            answers = surveyor.look([image for _, image in readable])
            seen += [(key, answer) for (key, _), answer in zip(readable, answers, strict=True)]
        done += len(group)
        context.send(Progress(request.job, done, total, text))
    return seen


def _key(nearest: int | None, fresh: _Seen, known: _Seen) -> int | None:
    if nearest is None:
        return None
    return fresh[nearest][0] if nearest >= 0 else known[-1 - nearest][0]


def _next_image(
    seen: tuple[int, Answer], novelty: float, nearest: int | None, names: Mapping[int, str]
) -> NextImage:
    key, answer = seen
    doubt = answer.uncertainty
    return NextImage(
        key,
        round(doubt.value, 4),
        doubt.kind,
        doubt.objects,
        tuple(names.get(number, str(number)) for number in doubt.classes),
        doubt.scores,
        round(novelty, 4),
        nearest,
    )
