"""Writing results to a folder: drawn pictures and videos, label text, crops."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import cv2

from engine.cfg.arguments import Arguments
from engine.core.results import Results
from engine.runtime.errors import ImageError

DEFAULT_FPS = 30


class ResultWriter:
    """Writes each result as the arguments ask; frames of one video become one video."""

    def __init__(self, args: Arguments, folder: Path | None) -> None:
        self.args = args
        self.folder: Any = folder
        self._video: Any = None
        self._video_path: Path | None = None

    def write(self, result: Results, info: Any) -> None:
        """Write one result.

        Args:
            result: The predictions on an image or frame.
            info: What the loader knows of it: ``frame`` (1-based, 0 for an image) and ``fps``.
        """
        if self.folder is None:
            return
        stem = Path(result.path).stem
        if info.frame:
            stem += f"_{info.frame}"
        if self.args.save_txt:
            result.save_txt(self.folder / "labels" / f"{stem}.txt", save_conf=self.args.save_conf)
        if self.args.save_crop:
            result.save_crop(self.folder / "crops", stem)
        if self.args.save:
            self._write_picture(result, info)

    def close(self) -> None:
        """Finish the video that is being written."""
        if self._video is not None:
            self._video.release()
            self._video = None

    def _write_picture(self, result: Results, info: Any) -> None:
        args = self.args
        picture = result.plot(
            line_width=args.line_width,
            labels=args.show_labels,
            conf=args.show_conf,
            boxes=args.show_boxes,
        )
        if info.frame:
            self._write_frame(result, picture, info)
            return
        path = self.folder / f"{Path(result.path).stem}.jpg"
        done, data = cv2.imencode(".jpg", picture)
        if not done:
            raise ImageError("the picture cannot be encoded.", path=path)
        path.write_bytes(data.tobytes())

    def _write_frame(self, result: Results, picture: Any, info: Any) -> None:
        path = self.folder / f"{Path(result.path).stem}.avi"
        if path != self._video_path:
            self.close()
            height, width = picture.shape[:2]
            fps = (info.fps or DEFAULT_FPS) / self.args.vid_stride
            code = cv2.VideoWriter.fourcc(*"MJPG")
            self._video = cv2.VideoWriter(str(path), code, fps, (width, height))
            self._video_path = path
            if not self._video.isOpened():
                raise ImageError("the video cannot be written.", path=path)
        self._video.write(picture)
