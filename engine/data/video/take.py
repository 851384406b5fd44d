"""Writing frames of a video as pictures: one at a time, so that memory stays flat; stopped, it goes on later."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from engine.data.images import read_image, write_image
from engine.data.sources.video import LostFrames, frames_per_second
from engine.data.video.facts import open_video, video_digest
from engine.data.video.plan import FramePlan, SceneChange
from engine.data.video.sequence_file import Frame, FrameSequence, read_sequence, write_sequence
from engine.runtime.errors import DatasetError, ImageError

Progress = Callable[[int, int, int], object]
_NOTE_S = 2.0  # how much work a killed program may have to do again
_LEAST_DIGITS = 6


@dataclass(frozen=True)
class _Seen:
    """A frame that was read: its number from 0, when it was seen, its pixels."""

    number: int
    time_s: float
    image: np.ndarray


def take_frames(
    video: str | Path,
    folder: str | Path | None = None,
    plan: FramePlan | None = None,
    progress: Progress | None = None,
    is_stopped: Callable[[], bool] | None = None,
) -> FrameSequence:
    """Write frames of a video as pictures whose names sort, with ``sequence.json`` beside them.

    Frames that cannot be decoded are left out and counted. Where the folder holds the beginning of the same work,
    it goes on from there; what is complete is left as it is.

    Args:
        video: The file.
        folder: Where the pictures go; made if needed. None: `frames_folder`.
        plan: Which frames; None takes all.
        progress: Called with the frames looked through, those of the video (0 where unknown) and those taken.
        is_stopped: Asked after each frame; what was written stays.

    Returns:
        What is on disk now.

    Raises:
        ImageError: It is no video, or a picture cannot be written.
        DatasetError: The folder holds frames of another video, or others of this one.
    """
    video = Path(video).absolute()
    plan = plan or FramePlan()
    folder = frames_folder(video, plan) if folder is None else Path(folder).absolute()
    sequence = _begun(video, folder, plan)
    if sequence.is_complete:
        return sequence
    capture: Any = open_video(video)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        return _take(
            capture, sequence, progress or (lambda *_: None), is_stopped or (lambda: False)
        )
    except OSError as error:
        if isinstance(error, ImageError):
            raise
        raise ImageError(f"The frames cannot be written: {error.strerror}.", path=folder) from error
    finally:
        capture.release()


def frames_folder(video: str | Path, plan: FramePlan | None = None) -> Path:
    """Return the folder beside a video for its frames: the first that is free or has the beginning of the same work."""
    video = Path(video).absolute()
    plan = plan or FramePlan()
    number = 1
    while True:
        name = f"{video.stem}_frames" + (f"_{number}" if number > 1 else "")
        folder = video.with_name(name)
        if not folder.exists():
            return folder
        try:
            _begun(video, folder, plan)
        except DatasetError:
            number += 1
        else:
            return folder


def _begun(video: Path, folder: Path, plan: FramePlan) -> FrameSequence:
    """Return what a folder has of the work already.

    Raises:
        DatasetError: It has something else.
    """
    fresh = FrameSequence(video.name, video_digest(video), 0.0, plan, folder=folder)
    found = read_sequence(folder)
    if found is None:
        return fresh
    if not found.same_source(fresh):
        raise DatasetError(
            f"The folder holds other frames, of {found.video}.",
            path=folder,
            remedy="Choose another folder.",
        )
    return found


def _take(
    capture: Any, sequence: FrameSequence, progress: Progress, is_stopped: Callable[[], bool]
) -> FrameSequence:
    import cv2

    total = max(int(capture.get(cv2.CAP_PROP_FRAME_COUNT)), 0)
    lost, fps = LostFrames(total), frames_per_second(capture)
    scenes = SceneChange(sequence.plan, _last_picture(sequence))
    taken, next_number = list(sequence.taken), sequence.next_number
    digits = max(_LEAST_DIGITS, len(str(total)))
    noted, is_ended = time.monotonic(), True
    undecoded = 0

    def now(is_complete: bool = False) -> FrameSequence:
        missing = is_complete and sequence.plan.end_s is None and 0 < next_number < total
        found = replace(
            sequence, fps=fps, taken=tuple(taken), next_number=next_number,
            is_complete=is_complete, damaged=max(lost.count + undecoded, sequence.damaged),
            ends_early=missing,
        )  # fmt: skip
        write_sequence(found)
        return found

    for seen in _frames(capture, lost, sequence.plan, fps, next_number):
        if isinstance(seen, _Seen) and scenes.is_new(seen.image):
            name = f"{Path(sequence.video).stem}_{seen.number:0{digits}d}.{sequence.plan.suffix}"
            write_image(sequence.folder / name, seen.image)
            taken.append(Frame(name, seen.number, seen.time_s))
        undecoded += seen is None
        next_number = lost.last
        progress(next_number, total, len(taken))
        if is_stopped():
            is_ended = False
            break
        if time.monotonic() - noted > _NOTE_S:
            now()
            noted = time.monotonic()
    if not lost.last:
        raise ImageError(
            "It cannot be read as a video.", path=sequence.video, remedy="Convert it, or choose another."
        )  # fmt: skip
    return now(is_complete=is_ended)


def _frames(
    capture: Any, lost: LostFrames, plan: FramePlan, fps: float, begin: int
) -> Iterator[_Seen | int | None]:
    """Yield for each readable frame what was seen, its number where nobody wants it, None where it cannot be decoded."""
    import cv2

    index = 0
    while (index := lost.next_frame(capture, index)) > 0:
        number = index - 1
        told = capture.get(cv2.CAP_PROP_POS_MSEC) / 1000
        at = told if math.isfinite(told) and (told > 0 or not fps) else number / max(fps, 1e-9)
        if plan.end_s is not None and at > plan.end_s:
            return
        if number < begin or at < plan.start_s or number % plan.every:
            yield number
            continue
        decoded, image = capture.retrieve()
        yield _Seen(number, at, image) if decoded else None


def _last_picture(sequence: FrameSequence) -> np.ndarray | None:
    """Return what the next frame is compared with, where scenes are looked for."""
    if sequence.plan.scene is None or not sequence.taken:
        return None
    return read_image(sequence.folder / sequence.taken[-1].file)
