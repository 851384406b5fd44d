"""Writing results to a folder: drawn pictures and videos, single frames, label text, crops; and showing them."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from engine.cfg.arguments import Arguments
from engine.core.result_picture import save_crops
from engine.core.result_window import ResultWindow
from engine.core.results import Results
from engine.runtime.errors import ImageError

DEFAULT_FPS = 30
# Of a side; the encoder refuses more (the format itself ends at 65535).
LONGEST_JPEG_PX = 65_500
# Sources of which a run that keeps one picture after the other makes a video.
_MOVING = ("video", "stream", "screen")


class ResultWriter:
    """Writes each result as the arguments ask; frames of one video or stream become one video.

    Pictures of the same name from different folders get different names here, so none replaces another.
    """

    def __init__(self, args: Arguments, folder: Path | None) -> None:
        self.args = args
        self.folder: Any = folder
        self._window = ResultWindow()
        self._videos: dict[int, Video] = {}
        self._stems: dict[str, str] = {}
        self._taken: set[str] = set()

    def stem(self, path: str) -> str:
        """Return the name, without suffix, under which what belongs to a path is written."""
        if path not in self._stems:
            wanted = _plain_stem(path)
            stem, count = wanted, 1
            while stem.lower() in self._taken:
                count += 1
                stem = f"{wanted}_{count}"
            self._taken.add(stem.lower())
            self._stems[path] = stem
        return self._stems[path]

    def write(self, result: Results, info: Any) -> None:
        """Write and show one result.

        Args:
            result: The predictions on an image or frame.
            info: What the loader knows of it, `SourceInfo`.
        """
        args = self.args
        picture = self._drawn(result) if args.show or args.save or args.save_frames else None
        if args.show and picture is not None:
            self._window.show(picture, result.path)
        if self.folder is None:
            return
        stem = self.stem(result.path)
        name = f"{stem}_{info.frame}" if info.frame else stem
        if args.save_txt:
            labels = self.folder / "labels" / f"{name}.txt"
            labels.unlink(
                missing_ok=True
            )  # of an earlier run with exist_ok, which would be gone on with
            result.save_txt(labels, save_conf=args.save_conf)
        if args.save_crop and result.objects is not None:
            save_crops(result, self.folder / "crops", name, separator="_" if info.frame else "")
        if args.save_frames and info.frame:
            write_jpeg(self.folder / f"{stem}_frames" / f"{info.frame}.jpg", picture)
        if args.save and info.kind in _MOVING:
            self._write_frame(stem, picture, info)
        elif args.save:
            write_jpeg(self.folder / f"{stem}.jpg", picture)

    def close(self) -> None:
        """Finish the videos that are being written, and close the window."""
        for number in list(self._videos):
            self._videos.pop(number).release()
        self._window.close()

    def _drawn(self, result: Results) -> np.ndarray:
        args = self.args
        return result.plot(
            line_width=args.line_width,
            labels=args.show_labels,
            conf=args.show_conf,
            boxes=args.show_boxes,
        )

    def _write_frame(self, stem: str, picture: Any, info: Any) -> None:
        if info.number not in self._videos:
            self._close_others(info)
            fps = (info.fps or DEFAULT_FPS) / self.args.vid_stride
            self._videos[info.number] = Video(self.folder / f"{stem}.avi", picture, fps)
        self._videos[info.number].write(picture)

    def _close_others(self, info: Any) -> None:
        """Finish the videos before; streams are written side by side."""
        if info.kind == "video":
            for number in list(self._videos):
                self._videos.pop(number).release()


class Video:
    """A video that is being written, of the size of its first picture."""

    def __init__(self, path: Path, first: Any, fps: float) -> None:
        """Begin it.

        Raises:
            ImageError: It cannot be written.
        """
        height, width = first.shape[:2]
        self._size_wh = (width, height)
        code = cv2.VideoWriter.fourcc(*"MJPG")
        self._writer = cv2.VideoWriter(str(path), code, fps, self._size_wh)
        if not self._writer.isOpened():
            raise ImageError("the video cannot be written.", path=path)

    def write(self, picture: Any) -> None:
        """Append (H, W, 3) uint8 BGR; a stream whose size changes is brought to the first."""
        if picture.shape[1::-1] != self._size_wh:
            picture = cv2.resize(picture, self._size_wh)
        self._writer.write(picture)

    def release(self) -> None:
        """Finish the file."""
        self._writer.release()


def write_jpeg(path: Path, picture: Any) -> None:
    """Write (H, W, 3) uint8 BGR; with a side longer than JPEG can say as ``.png`` of the same name.

    Raises:
        ImageError: It cannot be encoded.
    """
    if max(picture.shape[:2]) > LONGEST_JPEG_PX:
        path = path.with_suffix(".png")
    done, data = cv2.imencode(path.suffix, picture)
    if not done:
        raise ImageError("the picture cannot be encoded.", path=path)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data.tobytes())


def _plain_stem(path: str) -> str:
    """Return the last part of a path; an address becomes one word that any disk takes as a name."""
    if "://" not in path:
        return Path(path).stem
    return re.sub(r"[^\w.-]+", "_", path.partition("://")[2]).strip("_.") or "stream"
