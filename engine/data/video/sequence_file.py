"""The file beside the frames of a video that says which video they are of, and when each was seen."""

from __future__ import annotations

import json
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from engine.data.video.plan import FramePlan
from engine.runtime.errors import DatasetError
from engine.runtime.paths import write_atomic

NAME = "sequence.json"
_VERSION = 1


@dataclass(frozen=True)
class Frame:
    """One frame on disk.

    Attributes:
        file: Name of the picture in the sequence's folder.
        number: Of the frame in its video, from 0.
        time_s: Since the beginning of the video.
    """

    file: str
    number: int
    time_s: float


@dataclass(frozen=True)
class FrameSequence:
    """The frames of one video, as its ``sequence.json`` keeps them.

    Attributes:
        video: Name of the video file.
        digest: What tells it from others, see `engine.data.video.facts.video_digest`.
        fps: Frames a second, 0 where unknown.
        plan: Which frames were asked for.
        taken: The frames, in their order.
        next_number: The first frame of the video that was not looked at yet.
        is_complete: Nothing is left to be taken.
        damaged: Frames that could not be decoded and are left out.
        ends_early: The video says that it has more frames than can be read.
    """

    video: str
    digest: str
    fps: float
    plan: FramePlan
    taken: tuple[Frame, ...] = ()
    next_number: int = 0
    is_complete: bool = False
    damaged: int = 0
    ends_early: bool = False
    folder: Path = field(default=Path(), compare=False)

    def times(self) -> dict[str, float]:
        """Return when each picture was seen, seconds by file name."""
        return {frame.file: frame.time_s for frame in self.taken}

    def same_source(self, other: FrameSequence) -> bool:
        """Tell whether the other one takes the same frames of the same video."""
        return (self.digest, self.plan) == (other.digest, other.plan)

    def to_dict(self) -> dict[str, Any]:
        """Return plain values for JSON."""
        return {
            "version": _VERSION,
            "video": self.video,
            "digest": self.digest,
            "fps": self.fps,
            "plan": self.plan.to_dict(),
            "next_number": self.next_number,
            "is_complete": self.is_complete,
            "damaged": self.damaged,
            "ends_early": self.ends_early,
            "frames": [[f.file, f.number, round(f.time_s, 6)] for f in self.taken],
        }


def read_sequence(folder: str | Path) -> FrameSequence | None:
    """Read what a folder says about its frames, None where it says nothing.

    Raises:
        DatasetError: The file is there and nobody can read it.
    """
    path = Path(folder) / NAME
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
        return replace(_from_dict(values), folder=path.parent)
    except FileNotFoundError:
        return None
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise DatasetError(
            "The list of the video's frames cannot be read.",
            path=path,
            remedy="Remove it: the pictures can be used without it.",
        ) from error


def write_sequence(sequence: FrameSequence) -> None:
    """Write ``sequence.json`` into the sequence's folder.

    Raises:
        OSError: The folder cannot be written.
    """
    text = json.dumps(sequence.to_dict(), ensure_ascii=False, separators=(",", ":"))
    write_atomic(sequence.folder / NAME, text.encode())


def _from_dict(values: dict[str, Any]) -> FrameSequence:
    frames = tuple(Frame(str(name), int(n), float(time)) for name, n, time in values["frames"])
    return FrameSequence(
        str(values["video"]),
        str(values["digest"]),
        float(values["fps"]),
        FramePlan(**values["plan"]),
        frames,
        int(values["next_number"]),
        bool(values["is_complete"]),
        int(values["damaged"]),
        bool(values["ends_early"]),
    )
