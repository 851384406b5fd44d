"""What the worker does with promptable segmenters. Only that process imports this: it loads torch."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from engine.data.annotations import Geometry, Mask, to_mask
from engine.data.images import read_image_header
from engine.runtime.errors import ImageError
from studio.jobs.messages import Encode, Encoded, Progress, Segment, Segmented
from studio.jobs.worker import Context
from studio.language import tr
from studio.tools.prompting import Candidate, Prompts

MAX_PIXELS = 100_000_000  # an image is read whole: three bytes a pixel
AUTO = "auto"
_SURE = 8.0  # logit of a pixel that a person's outline holds
_ALIKE = 0.97  # IoU from which two candidates are the same to a person


@dataclass
class _Kept:
    """The segmenter used last, and the image that it looks at."""

    model: str = ""
    sam: Any = None
    image: tuple[str, int] = ("", 0)
    size_hw: tuple[int, int] = (0, 0)


_KEPT = _Kept()


def encode(request: Encode, context: Context) -> Encoded:
    """Look at an image; what was seen before comes from the segmenter's cache."""
    begun = time.perf_counter()
    if request.ahead:
        from engine.models.sam.interrupting import interruptible

        sam = load_segmenter(request.model, request.job, context)
        with interruptible(sam.segmenter, context.give_way):  # a click goes first
            sam.embed_file(_fitting(request.image))
    else:
        sam = _look(request, context)
    return Encoded(sam.segmenter.about, time.perf_counter() - begun)


def forget_image() -> None:
    """Note that the segmenter looks at something else by now."""
    _KEPT.image = ("", 0)


def segment(request: Segment, context: Context) -> Segmented:
    """Answer prompts; candidates that a person could not tell apart are given once."""
    begun = time.perf_counter()
    sam = _look(request, context)
    context.check()
    candidates = _found(sam, request.prompts)
    return Segmented(candidates, time.perf_counter() - begun)


def load_segmenter(model: str, job: int, context: Context) -> Any:
    """Return the segmenter of a name, the last one without loading it again.

    Raises:
        EngineError: There are no such weights, or they are of something else.
    """
    if _KEPT.sam is None or model != _KEPT.model:
        from engine.models.sam import SAM  # trainings and exports never need them

        context.send(Progress(job, 0, 0, tr("Loading the segmenter")))
        _KEPT.sam = SAM(None if model == AUTO else model)
        _KEPT.model = model
        forget_image()
    return _KEPT.sam


def _look(request: Encode | Segment, context: Context) -> Any:
    sam = load_segmenter(request.model, request.job, context)
    try:
        image = request.image, Path(request.image).stat().st_mtime_ns
    except OSError as error:
        raise ImageError(
            tr("the image cannot be read ({reason}).").format(reason=error.strerror),
            path=request.image,
            remedy=tr("Look whether the file is still there."),
        ) from error
    if image != _KEPT.image:
        context.check()
        context.send(Progress(request.job, 0, 0, tr("Looking at the picture")))
        file = _fitting(request.image)
        forget_image()
        sam.set_image(file)
        _KEPT.image, _KEPT.size_hw = image, sam.size_hw
    return sam


def _fitting(path: str) -> str:
    """Return the path of an image that a segmenter can look at.

    Raises:
        ImageError: It cannot be read, or is too large to be looked at as a whole.
    """
    width, height = read_image_header(path).upright_size
    if height * width > MAX_PIXELS:
        raise ImageError(
            tr("an image of {width:,} × {height:,} pixels is too large for a segmenter.").format(
                width=width, height=height
            ),
            path=path,
            remedy=tr("Cut it into tiles, or outline by hand."),
        )
    return path


def _found(sam: Any, prompts: Prompts) -> tuple[Candidate, ...]:
    from engine.models.sam.prompts import make_prompt

    points = [*prompts.added, *prompts.excluded]
    labels = [1] * len(prompts.added) + [0] * len(prompts.excluded)
    given = {
        "points": points or None,
        "labels": labels or None,
        "box": prompts.box,
    }
    hint = None if prompts.base is None else _hint(sam, prompts.base, given)
    prompt = make_prompt(_KEPT.size_hw, **given, mask=hint)
    # Several are offered while it is open what is meant; more prompts say it.
    is_open = len(points) == 1 and prompts.box is None and prompts.base is None
    found = sam.ask(prompt, multimask=is_open)
    # compared as the network gives them: only those that are kept are enlarged
    rough = found.low_res > 0
    kept: list[int] = []
    for index in np.argsort(-found.scores, kind="stable"):
        if not any(_overlap(rough[index], rough[other]) > _ALIKE for other in kept):
            kept.append(int(index))
    judges = sam.segmenter.judges
    scores = found.scores[kept].clip(0, 1).tolist()
    masks = zip(_masks_of(found, kept), scores, strict=True)
    return tuple(Candidate(mask, score if judges else None) for mask, score in masks if mask.area())


def _masks_of(found: Any, numbers: list[int]) -> list[Mask]:
    """Return several candidates, each by a thread: on a large picture that takes longer than the decoder."""
    with ThreadPoolExecutor(max(len(numbers), 1)) as threads:
        return list(threads.map(partial(mask_of, found), numbers))


def mask_of(found: Any, number: int) -> Mask:
    """Return one of the candidates that a segmenter found."""
    window = found.window(number)
    return Mask.from_window(window.pixels, (window.x, window.y), *found.frame.size_hw)


def _hint(sam: Any, base: Geometry, prompt: dict[str, Any]) -> np.ndarray:
    """Return an outline as the rough mask (h, w) that prompts of this segmenter take, in logits."""
    import cv2

    from engine.models.sam.prompts import make_prompt

    # A prediction says which size its rough masks have and how the picture lies in them.
    frame = sam.ask(make_prompt(_KEPT.size_hw, **prompt), multimask=False)
    height, width = frame.low_res.shape[1:]
    mask = to_mask(base, *_KEPT.size_hw).to_array().astype(np.float32)
    inner_h, inner_w = frame.frame.inner_hw
    side = frame.frame.side
    whole = np.zeros((side or inner_h, side or inner_w), np.float32)
    whole[:inner_h, :inner_w] = cv2.resize(mask, (inner_w, inner_h), interpolation=cv2.INTER_AREA)
    small: np.ndarray = cv2.resize(whole, (width, height), interpolation=cv2.INTER_AREA)
    return (small * 2 - 1) * _SURE


def _overlap(first: np.ndarray, second: np.ndarray) -> float:
    return float((first & second).sum() / max((first | second).sum(), 1))
