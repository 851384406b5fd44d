"""Time labelling a folder: pictures with boxes become outlines through `yolo_bbox2segment`, and what each thread did.

Reading, looking and writing go on at the same time; what counts is how much of the time the encoder runs. The times of
each kind of work are taken where the engine does it, on the wall: beside other work on few cores they are longer than alone.
Without a file of weights the network is of seeded ones whose masks are one disc a box: see `benchmarks.seeded_sam`.
"""

from __future__ import annotations

import argparse
import tempfile
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar
from unittest.mock import patch

import numpy as np

if TYPE_CHECKING:
    from engine.models.sam.batch import Pace

_P = ParamSpec("_P")
_R = TypeVar("_R")
Span = tuple[float, float]

_FITTED = 3  # pictures that the masks of seeded weights are fitted to
_JITTER = 0.04  # of a box's side: boxes that people draw are not exact
_NETWORK = ("encode", "decode_masks")  # the second beside the first, where a segmenter can
_BESIDE = ("read_picture", "outline", "write")  # work that must not make the network wait


class Stopwatch:
    """Notes when functions ran, whichever thread called them.

    Attributes:
        spans: By name the start and end of each call, seconds.
    """

    def __init__(self) -> None:
        self.spans: dict[str, list[Span]] = defaultdict(list)
        self._lock = threading.Lock()

    def timed(self, name: str, function: Callable[_P, _R]) -> Callable[_P, _R]:
        """Return the function, with each call of it noted under a name."""

        def call(*args: _P.args, **kwargs: _P.kwargs) -> _R:
            start = time.perf_counter()
            try:
                return function(*args, **kwargs)
            finally:
                with self._lock:
                    self.spans[name].append((start, time.perf_counter()))

        return call


def add_options(parser: argparse.ArgumentParser) -> None:
    """Declare what the benchmark takes besides the common options."""
    parser.add_argument("--images", type=int, default=10)
    parser.add_argument("--boxes", type=int, default=5, help="a picture")
    parser.add_argument("--size", type=int, nargs=2, default=(1280, 960), help="of the pictures")
    parser.add_argument(
        "--model", default="mobile_sam", help="an architecture, with seeded weights, or a file"
    )
    parser.add_argument("--device", help="none given: the first GPU, else the CPU")


def run(options: argparse.Namespace) -> dict[str, object]:
    """Return pictures a second, shares of the network, and what went on beside it."""
    import torch

    from engine.data.converter import yolo_bbox2segment
    from engine.models.sam.architectures import ARCHITECTURES

    size = tuple(options.size)
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        write_boxed_pictures(folder, options.images, size, options.boxes)
        weights = options.model
        if weights in ARCHITECTURES:
            from benchmarks.seeded_sam import write_seeded_sam

            fitted = range(min(_FITTED, options.images))
            weights = write_seeded_sam(folder / "seeded.safetensors", fitted, size, options.model)
        with watched() as (watch, opened):
            pace = yolo_bbox2segment(
                folder / "images", folder / "found", sam_model=weights, device=options.device
            )
        if pace is None:
            raise RuntimeError("the pictures have no boxes")
        files = len(list((folder / "found").glob("*.txt")))
    return {
        "model": options.model,
        "device": str(getattr(opened[0], "device", "cpu")),
        "threads": torch.get_num_threads(),
        "size": list(size),
        "boxes": options.boxes,
        "files": files,
        **figures(pace, watch.spans),
    }


def write_boxed_pictures(folder: Path, count: int, size_wh: tuple[int, int], boxes: int) -> None:
    """Write pictures of discs and label files with boxes around them, as YOLO's layout has it."""
    from benchmarks.seeded_sam import disc_box, draw_discs
    from engine.data.images import write_image

    for kind in ("images", "labels"):
        (folder / kind).mkdir()
    rng = np.random.default_rng(0)
    for number in range(count):
        picture, _, _ = draw_discs(number, size_wh)
        write_image(folder / "images" / f"{number:04}.jpg", picture[..., ::-1], quality=95)
        around = np.array(disc_box(number, size_wh))
        side = around[2] - around[0]
        lines = []
        for _ in range(boxes):
            x1, y1, x2, y2 = around + rng.uniform(0, _JITTER, 4) * side * (-1, -1, 1, 1)
            shares = np.array([(x1 + x2) / 2, (y1 + y2) / 2, x2 - x1, y2 - y1]) / (size_wh * 2)
            lines.append(" ".join(("0", *(f"{share:.6f}" for share in shares))))
        (folder / "labels" / f"{number:04}.txt").write_text("\n".join(lines) + "\n")


@contextmanager
def watched() -> Iterator[tuple[Stopwatch, list[Any]]]:
    """Time, until the end, what the engine does in a batch; gives the stopwatch and the segmenters opened."""
    from engine.models.sam import annotator, batch

    watch, opened = Stopwatch(), []

    def open_timed(weights: str | Path | None, device: object) -> Any:
        segmenter: Any = open_segmenter(weights, device)
        segmenter.embed = watch.timed("encode", segmenter.embed)
        segmenter.segment = watch.timed("decode_masks", segmenter.segment)
        opened.append(segmenter)
        return segmenter

    open_segmenter = annotator.open_segmenter
    with ExitStack() as stack:
        for module, name, timed in (
            (annotator, "open_segmenter", open_timed),
            (annotator, "write_atomic", watch.timed("write", annotator.write_atomic)),
            (batch, "trace_outlines", watch.timed("outline", batch.trace_outlines)),
            (batch, "read_image", watch.timed("read_picture", batch.read_image)),
        ):
            stack.enter_context(patch.object(module, name, timed))
        yield watch, opened


def figures(pace: Pace, spans: dict[str, list[Span]]) -> dict[str, object]:
    """Return what a batch comes to.

    Of work beside the network ``overlapped`` is the share of its time in which the network ran; ``network_waited_s`` is
    the time in which it stood still, from the first picture's reading to the last one's file.
    """
    network = united([span for name in _NETWORK for span in spans.get(name, ())])
    beside = {}
    for name in _BESIDE:
        took = _total(spans.get(name, ()))
        beside[name] = {
            "calls": len(spans.get(name, ())),
            "seconds": round(took, 3),
            "overlapped": round(shared_time(spans.get(name, ()), network) / took, 3)
            if took
            else None,
        }
    return {
        "images": pace.images,
        "objects": pace.objects,
        "failed": len(pace.failed),
        "seconds": round(pace.seconds, 2),
        "images_per_s": round(pace.images_per_second, 3),
        "encoder_share": round(_total(spans.get("encode", ())) / pace.seconds, 3),
        "mask_decoder_share": round(_total(spans.get("decode_masks", ())) / pace.seconds, 3),
        "network_share": round(pace.network_share, 3),
        "network_waited_s": round(pace.seconds - _total(network), 3),
        "encode_ms": round(1000 * _total(spans.get("encode", ())) / max(pace.images, 1), 1),
        "beside_the_network": beside,
    }


def united(spans: Sequence[Span]) -> list[Span]:
    """Return spans that do not lie over one another and cover what the given ones cover."""
    joined: list[Span] = []
    for start, end in sorted(spans):
        if joined and start <= joined[-1][1]:
            joined[-1] = joined[-1][0], max(joined[-1][1], end)
        else:
            joined.append((start, end))
    return joined


def shared_time(some: Sequence[Span], others: Sequence[Span]) -> float:
    """Return how many seconds of the first spans lie in the second, which do not lie over one another."""
    return sum(
        max(0.0, min(end, last) - max(start, first))
        for start, end in some
        for first, last in others
    )


def _total(spans: Sequence[Span]) -> float:
    return sum(end - start for start, end in spans)
