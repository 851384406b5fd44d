"""A picture on its way to the network, and where it comes from."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple, Protocol

import numpy as np


@dataclass(frozen=True)
class SourceInfo:
    """Where a picture comes from.

    Attributes:
        kind: "image" (a file), "video" (a frame of one), "array" (memory), "tensor" (memory, already in the
            network's size perhaps), "stream" (a frame of a camera or another live source) or "screen".
        number: 1-based number of the file, array or stream in the source.
        count: How many there are.
        frame: 1-based number of the frame in its video or stream; 0 for other kinds.
        frames: Frames of the video as its header says, 0 where unknown.
        fps: Frames a second of the video, 0 where unknown.
    """

    kind: str
    number: int
    count: int
    frame: int = 0
    frames: int = 0
    fps: float = 0.0


class Picture(NamedTuple):
    """One picture: its path or name, (H, W, channels) uint8 upright, BGR where there are three, its origin."""

    path: str
    image: np.ndarray
    info: SourceInfo


class SourceBatch(NamedTuple):
    """Some pictures of a source, in the form of :class:`Picture`."""

    paths: list[str]
    images: list[np.ndarray]
    infos: list[SourceInfo]


class Source(Protocol):
    """Something that predictions are made on.

    Attributes:
        is_long: Whether it gives more pictures than a list should hold: a video, or a source without end.
    """

    is_long: bool

    def __iter__(self) -> Iterator[SourceBatch]: ...


def joined(pictures: Sequence[Picture]) -> SourceBatch:
    """Return pictures as a batch."""
    paths, images, infos = zip(*pictures, strict=True)
    return SourceBatch(list(paths), list(images), list(infos))
