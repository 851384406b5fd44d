"""Time a click with the smart tool in the real window: from the press of the button to the frame with the mask.

The picture was looked at before. A click is press and release at once, without the outline that follows the cursor, which
would answer before the click. It goes to the segmenter's process, through the decoder, three candidates are enlarged and
compared, the answer comes back, its outline is traced and the window painted (offscreen where there is no display, which
paints all the same, into memory). The end is where the window is done with the frame.

Four kinds of clicks: on a picture that is shown for a while; the first one after going to a neighbour that was encoded
ahead, made as soon as the segmenter is ready (``after_switch``), or as soon as the picture is painted (``at_once``), both
with all neighbours encoded; and, going forward as a person does, with the next neighbour still to be encoded (``going_on``).

The weights are seeded, and only the decoder's last layers fitted, so that masks are three discs and not noise: see
`benchmarks.seeded_sam`. Their outlines have more corners than usual, so tracing and painting take no less than in life.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any
from unittest.mock import patch

import numpy as np

from benchmarks.drawn_parts import await_segmenter, take_smart
from benchmarks.studio_window import studio_window, wait

if TYPE_CHECKING:
    from docs.scenes.stage import Stage
    from studio.jobs.messages import Segmented

_FITTED = 3  # pictures that the masks are fitted to, and between which it goes back and forth
# Where clicks lie, in turn: how far from the middle of the discs, as a share of the height; each is on another disc. The
# window paints nothing where the answer is the mask that it shows already, the one before.
_AWAY = (0.05, 0.195, 0.285)
_WARM_UP = 2  # clicks that are not counted
_QUIET_S = 0.1  # between two clicks: what the last one left behind is done
_LIMIT_S = 60.0


@dataclass(frozen=True)
class Click:
    """Milliseconds of one click.

    Attributes:
        drawn: From the press to the end of the frame with the mask.
        worker: Of these in the segmenter's process: decoder, enlarging, comparing.
        waited: On the way to it and back, and until it was free.
        window: From the answer's arrival to the end of the frame: tracing, painting.
        window_cpu: What the window's thread used of the processor for that: no other program makes it longer.
        corners: Of the outlines that were drawn.
    """

    drawn: float
    worker: float
    waited: float
    window: float
    window_cpu: float
    corners: int


def add_options(parser: argparse.ArgumentParser) -> None:
    """Declare what the benchmark takes besides the common options."""
    parser.add_argument(
        "--model", default="mobile_sam", help="an architecture, with seeded weights, or a file"
    )
    parser.add_argument("--size", type=int, nargs=2, default=(1024, 768), help="of the pictures")
    parser.add_argument("--clicks", type=int, default=20)
    parser.add_argument("--switches", type=int, default=6, help="of each kind")


def run(options: argparse.Namespace) -> dict[str, object]:
    """Return medians and 95th percentiles of clicks, and of their parts."""
    size = tuple(options.size)
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        (folder / "pictures").mkdir()
        weights = write_pictures_and_weights(
            folder, _FITTED + options.switches, size, options.model
        )
        with open_smart(folder / "pictures", weights) as stage:
            hand = Hand(stage, size)
            kinds = {
                "click": hand.click_often(options.clicks),
                **hand.click_back_and_forth(options.switches),
                "going_on": hand.click_going_on(options.switches),
            }
            about = stage.session.smart.prompter.title
    return {
        "model": options.model,
        "segmenter": about,
        "size": list(size),
        **{kind: figures(clicks) for kind, clicks in kinds.items()},
    }


def write_pictures_and_weights(
    folder: Path, count: int, size_wh: tuple[int, int], model: str
) -> str:
    """Write the pictures; return the name of a file of weights: what was given, or seeded ones."""
    from benchmarks.seeded_sam import draw_discs, write_seeded_sam
    from engine.data.images import write_image
    from engine.models.sam.architectures import ARCHITECTURES

    for number in range(count):
        picture, _, _ = draw_discs(number, size_wh)
        file = folder / "pictures" / f"{number:03}.jpg"
        write_image(file, picture[..., ::-1], quality=95)
    if model not in ARCHITECTURES:
        return model
    file = folder / "seeded.safetensors"
    return str(write_seeded_sam(file, range(_FITTED), size_wh, model))


@contextmanager
def open_smart(folder: Path, weights: str) -> Iterator[Stage]:
    """Open a folder of pictures in the window, the smart tool in hand."""
    from docs.scenes.stage import Stage
    from studio.model.preferences import SMART_MODEL

    with studio_window() as studio:
        stage = Stage(studio, folder)  # type: ignore[arg-type]
        stage.studio.preferences[SMART_MODEL] = weights
        stage.studio.files.open_paths([folder])
        stage.wait(lambda: stage.studio.session and stage.session.workspace.image_id)
        stage.settle()
        take_smart(stage)
        stage.canvas.setFocus()
        yield stage


class Hand:
    """Clicks on pictures of discs.

    Args:
        stage: The window, the first picture shown.
        size_wh: Of the pictures.
    """

    def __init__(self, stage: Stage, size_wh: tuple[int, int]) -> None:
        self.stage, self.size_wh = stage, size_wh
        self._number = self._clicks = 0
        self._rng = np.random.default_rng(0)

    def click_often(self, count: int) -> list[Click]:
        """Click on the picture that is shown, when nothing is under way."""
        self.await_idle()
        return [self.click() for _ in range(count + _WARM_UP)][_WARM_UP:]

    def click_back_and_forth(self, count: int) -> dict[str, list[Click]]:
        """Click once on each of the first pictures, going back and forth; all of them are encoded."""
        way = [*range(_FITTED), *range(_FITTED - 2, 0, -1)]
        for number in way:
            self.go_to(number)
            self.await_idle()
        found: dict[str, list[Click]] = {"after_switch": [], "at_once": []}
        for step in range(2 * count):
            self.go_to(way[step % len(way)])
            kind = "at_once" if step < count else "after_switch"
            if kind == "after_switch":
                await_segmenter(self.stage)
            found[kind].append(self.click())
            self.await_idle()
        return found

    def click_going_on(self, count: int) -> list[Click]:
        """Click once on each of the other pictures, as soon as the segmenter is ready for it."""
        self.go_to(_FITTED - 1)
        found = []
        for number in range(_FITTED, _FITTED + count):
            self.await_idle()
            self.go_to(number)
            await_segmenter(self.stage)
            found.append(self.click())
        return found

    def go_to(self, number: int) -> None:
        """Go to a picture by keys, until it is painted."""
        from PySide6.QtCore import Qt

        while self._number != number:
            forward = self._number < number
            before = self.stage.session.workspace.image_id
            self.stage.key(Qt.Key.Key_D if forward else Qt.Key.Key_A)
            wait(lambda before=before: self.stage.session.workspace.image_id != before)
            self._number += 1 if forward else -1
        wait(self.stage.canvas.is_settled)

    def await_idle(self) -> None:
        """Wait until window and segmenter have nothing to do; neighbours are encoded then."""
        from studio.jobs.client import JobsClient

        clients = self.stage.session.findChildren(JobsClient)
        await_segmenter(self.stage)
        self.stage.wait(lambda: not any(client.is_busy() for client in clients))
        self.stage.settle(_QUIET_S)

    def click(self) -> Click:
        """Click on one of the discs, wait for the frame with the mask, and take the click back.

        Raises:
            RuntimeError: There was none.
            TimeoutError: There was no answer.
        """
        from PySide6.QtCore import Qt
        from PySide6.QtTest import QTest

        from benchmarks.frames import FrameWatch

        canvas, place = self.stage.canvas, self._place()
        self.stage.move(*place)
        with (
            _Answers(self.stage) as answers,
            FrameWatch(canvas, answers.is_there) as frames,
        ):
            start = time.perf_counter()
            QTest.mouseClick(canvas, Qt.MouseButton.LeftButton, pos=self.stage.place(*place))
            end = frames.wait(_LIMIT_S)
            used = time.thread_time() - answers.arrived_cpu
        if not _drawn(canvas):
            raise RuntimeError(f"the segmenter found nothing at {place}")
        corners = sum(len(ring) for shape in _drawn(canvas) for ring in shape.geometry.rings())
        self.stage.key(Qt.Key.Key_Escape)
        self.stage.settle(_QUIET_S)
        whole, window, worker = end - start, end - answers.arrived, answers.worker_s
        parts = (whole, worker, whole - window - worker, window, used)
        return Click(*(1000 * part for part in parts), corners)

    def _place(self) -> tuple[float, float]:
        from benchmarks.seeded_sam import disc_box

        x1, y1, x2, y2 = disc_box(self._number, self.size_wh)
        away = _AWAY[self._clicks % len(_AWAY)] * self.size_wh[1]
        angle = self._rng.uniform(0, 2 * np.pi)
        self._clicks += 1
        return (x1 + x2) / 2 + away * np.cos(angle), (y1 + y2) / 2 + away * np.sin(angle)


class _Answers:
    """Notes when the answer to the next click comes to the window, and how long it was worked on.

    Attributes:
        arrived: When the window began with it, by ``time.perf_counter``.
        arrived_cpu: The same by ``time.thread_time``.
        worker_s: Seconds in the segmenter's process.
    """

    def __init__(self, stage: Stage) -> None:
        self._prompter, self._canvas = stage.session.smart.prompter, stage.canvas
        self._before = self._prompter.answer()
        self.arrived = self.arrived_cpu = self.worker_s = 0.0

    def is_there(self) -> bool:
        """Tell whether the window has the answer."""
        answer = self._prompter.answer()
        return answer is not None and answer is not self._before

    def __enter__(self) -> _Answers:
        from studio.jobs.client import JobsClient

        segment, refresh = JobsClient.segment, self._canvas.refresh_preview

        def segment_noted(*args: Any) -> Any:
            job = segment(*args)
            job.finished.connect(self._note_work)
            return job

        def refresh_noted() -> None:
            if not self.arrived and self.is_there():
                self.arrived, self.arrived_cpu = time.perf_counter(), time.thread_time()
            refresh()

        self._patches = ExitStack()
        self._patches.enter_context(patch.object(JobsClient, "segment", segment_noted))
        self._patches.enter_context(patch.object(self._canvas, "refresh_preview", refresh_noted))
        return self

    def __exit__(self, *_: object) -> None:
        self._patches.close()

    def _note_work(self, found: Segmented) -> None:
        self.worker_s = found.seconds


def figures(clicks: Sequence[Click]) -> dict[str, float]:
    """Return the median and the 95th percentile of the whole, and medians of the parts."""
    if not clicks:
        return {"clicks": 0}
    whole = [one.drawn for one in clicks]
    return {
        "clicks": len(clicks),
        "drawn_ms": round(statistics.median(whole), 1),
        "drawn_p95_ms": round(float(np.percentile(whole, 95)), 1),
        "drawn_best_ms": round(min(whole), 1),
        "worker_ms": round(statistics.median(one.worker for one in clicks), 1),
        "waited_ms": round(statistics.median(one.waited for one in clicks), 1),
        "window_ms": round(statistics.median(one.window for one in clicks), 1),
        "window_cpu_ms": round(statistics.median(one.window_cpu for one in clicks), 1),
        "corners": statistics.median(one.corners for one in clicks),
    }


def _drawn(canvas: Any) -> Sequence[Any]:
    """Return the shapes that the canvas draws for the tool in hand."""
    return canvas.labels.live.preview.shapes
