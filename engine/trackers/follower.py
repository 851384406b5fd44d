"""Gives the objects of a prediction the numbers of their tracks."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch

from engine.runtime.errors import ConfigError
from engine.trackers.appearance import Appearance
from engine.trackers.bot_sort import BotSort
from engine.trackers.byte_tracker import ByteTracker
from engine.trackers.options import TrackerOptions
from engine.trackers.tracks import Detections

TRACKERS = {"bytetrack": ByteTracker, "botsort": BotSort}
TASKS = ("detect", "segment", "pose", "obb")


class Follower:
    """Follows objects through a source; each video begins anew, pictures count as the frames of one.

    Several streams are followed each on its own.

    Attributes:
        tracker: What follows the present video, stream or pictures.

    Args:
        options: How.
        task: What is predicted.

    Raises:
        ConfigError: The task has no objects.
    """

    def __init__(self, options: TrackerOptions, task: str) -> None:
        if task not in TASKS:
            raise ConfigError(
                f"{task} finds no objects that could be followed.",
                remedy=f"Tracking works for {', '.join(TASKS)}.",
            )
        self.options = options
        self.tracker = TRACKERS[options.tracker_type](options)
        self._appearance: Appearance | None = None
        self._video: str | None = None
        self._of_streams: dict[str, ByteTracker] = {}

    def watch(self, backend: Any) -> None:
        """Look at the network's features where appearance is compared."""
        self.close()
        if self.options.with_reid and self.options.tracker_type == "botsort":
            self._appearance = Appearance(backend)

    def close(self) -> None:
        """Look no longer; the tracks stay."""
        if self._appearance is not None:
            self._appearance.close()
        self._appearance = None

    def __call__(
        self, results: Sequence[Any], infos: Sequence[Any], size_hw: tuple[int, int]
    ) -> list[Any]:
        """Return the results with what is followed, numbered.

        Args:
            results: `Results` of frames that follow one another.
            infos: Where each comes from, `SourceInfo`.
            size_hw: Of the network's input.
        """
        followed = []
        for i, (result, info) in enumerate(zip(results, infos, strict=True)):
            self._notice_video(result.path, info)
            found = self._detections(i, result, size_hw)
            followed.append(numbered(result, self.tracker.update(found, result.orig_img)))
        return followed

    def _notice_video(self, path: str, info: Any) -> None:
        if info.kind == "stream":
            if path not in self._of_streams:
                self._of_streams[path] = type(self.tracker)(self.options, info.fps or 30.0)
            self.tracker = self._of_streams[path]
            return
        video = path if info.kind == "video" else None
        if video is not None and (video != self._video or info.frame == 1):
            self.tracker = type(self.tracker)(self.options, info.fps or 30.0)
        self._video = video

    def _detections(self, i: int, result: Any, size_hw: tuple[int, int]) -> Detections:
        found = result.objects.cpu().numpy()
        boxes = found.xywhr if result.obb is not None else found.xywh
        features = None
        if self._appearance is not None:
            corners = to_input(np.asarray(found.xyxy), result.orig_shape, size_hw)
            features = self._appearance(i, corners, size_hw)
        return Detections(
            np.asarray(boxes, np.float64), np.asarray(found.conf, np.float64), features
        )


def numbered(result: Any, pairs: Sequence[tuple[int, int]]) -> Any:
    """Return a result with the objects of ``pairs`` (row, track) alone, which carry the track's number."""
    rows = [row for row, _ in pairs]
    kept = result[rows]
    data = kept.objects.data
    data = torch.as_tensor(data)
    numbers = torch.tensor([[float(n)] for _, n in pairs], dtype=data.dtype, device=data.device)
    data = torch.cat((data[:, :-2], numbers.reshape(-1, 1), data[:, -2:]), 1)
    kept.update(**{"boxes" if kept.obb is None else "obb": data})
    return kept


def to_input(corners: np.ndarray, shape: tuple[int, int], size_hw: tuple[int, int]) -> np.ndarray:
    """Return boxes (N, 4) of a picture in the pixels of the letterboxed input."""
    gain = min(size_hw[0] / shape[0], size_hw[1] / shape[1])
    left, top = ((size_hw[i] - shape[i] * gain) / 2 for i in (1, 0))
    return corners * gain + np.array([left, top, left, top])
