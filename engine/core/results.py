"""What prediction returns for one image: boxes, masks, names and the picture, with ways to use them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Self

import numpy as np
import torch
from PIL import Image

from engine.core.result_tensors import Array, Boxes, Masks
from engine.core.result_text import count_classes, detection_rows, label_lines

__all__ = ["Boxes", "Masks", "Results"]

# Parts that hold one row an object: indexing and moving a result does it to each of them.
_PARTS = ("boxes", "masks")


class Results:
    """Predictions on one image.

    Attributes:
        orig_img: The image as read, (H, W, 3) uint8 BGR.
        orig_shape: (height, width) of it.
        path: File it came from, or a made-up name for images given as arrays.
        names: Class number to name.
        boxes: Detected boxes.
        masks: Detected masks, None for a detection model.
        speed: Milliseconds for ``preprocess``, ``inference`` and ``postprocess`` of this image.
        save_dir: Folder that the predictor writes to, None if it writes nothing.
    """

    def __init__(
        self,
        orig_img: np.ndarray,
        path: str | Path,
        names: Mapping[int, str],
        boxes: Array | None = None,
        masks: Array | None = None,
        speed: Mapping[str, float | None] | None = None,
    ) -> None:
        self.orig_img = orig_img
        self.orig_shape: tuple[int, int] = (orig_img.shape[0], orig_img.shape[1])
        self.path = str(path)
        self.names = dict(names)
        self.boxes = None if boxes is None else Boxes(boxes, self.orig_shape)
        self.masks = None if masks is None else Masks(masks, self.orig_shape)
        unknown = dict.fromkeys(("preprocess", "inference", "postprocess"))
        self.speed: dict[str, float | None] = dict(speed or unknown)
        self.save_dir: Path | None = None

    def __len__(self) -> int:
        return next((len(p) for p in map(self.__dict__.get, _PARTS) if p is not None), 0)

    def __getitem__(self, index: Any) -> Self:
        return self._apply(lambda part: part[index])

    def __repr__(self) -> str:
        kinds = [name for name in _PARTS if getattr(self, name) is not None]
        return f"Results({self.path!r}, {len(self)} objects, {' and '.join(kinds) or 'nothing'})"

    def update(self, boxes: Array | None = None, masks: Array | None = None) -> None:
        """Replace the boxes or the masks."""
        if boxes is not None:
            self.boxes = Boxes(boxes, self.orig_shape)
        if masks is not None:
            self.masks = Masks(masks, self.orig_shape)

    def new(self) -> Self:
        """Give a result of the same image without predictions."""
        empty = type(self)(self.orig_img, self.path, self.names, speed=self.speed)
        empty.save_dir = self.save_dir
        return empty

    def cpu(self) -> Self:
        """Give a copy with all tensors on the CPU."""
        return self._apply(lambda part: part.cpu())

    def numpy(self) -> Self:
        """Give a copy with NumPy arrays."""
        return self._apply(lambda part: part.numpy())

    def cuda(self) -> Self:
        """Give a copy with all tensors on the GPU."""
        return self._apply(lambda part: part.cuda())

    def to(self, *args: Any, **kwargs: Any) -> Self:
        """Give a copy with all tensors converted as by ``torch.Tensor.to``."""
        return self._apply(lambda part: part.to(*args, **kwargs))

    def plot(
        self,
        conf: bool = True,
        line_width: float | None = None,
        font_size: float | None = None,
        font: str = "Arial.ttf",
        pil: bool = False,
        img: np.ndarray | None = None,
        labels: bool = True,
        boxes: bool = True,
        masks: bool = True,
        color_mode: str = "class",
    ) -> np.ndarray:
        """Draw the predictions.

        Args:
            conf: Write confidences behind the names.
            line_width: Width of lines in pixels, None to fit the image.
            font_size: Size of text in points, None to fit the image.
            font: Name of a TrueType font, for ``pil``.
            pil: Draw with PIL instead of OpenCV.
            img: Image to draw on instead of the original, same size.
            labels: Write class names.
            boxes: Draw boxes.
            masks: Draw masks.
            color_mode: ``class`` gives each class a colour, ``instance`` each object.

        Returns:
            The picture, (H, W, 3) uint8 BGR.
        """
        from engine.core.result_picture import draw_result

        picture = self.orig_img if img is None else img
        style = {"line_width": line_width, "font_size": font_size, "font": font, "pil": pil}
        shown = {"conf": conf, "labels": labels, "boxes": boxes, "masks": masks}
        return draw_result(self, picture.copy(), style, shown, color_mode)

    def show(self, **kwargs: Any) -> None:
        """Open the drawn picture in the system's viewer; arguments as for `plot`."""
        Image.fromarray(self.plot(**kwargs)[..., ::-1]).show()

    def save(self, filename: str | Path | None = None, **kwargs: Any) -> str:
        """Write the drawn picture and give its path; other arguments as for `plot`."""
        path = Path(filename or f"results_{Path(self.path).stem}.jpg")
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(np.ascontiguousarray(self.plot(**kwargs)[..., ::-1])).save(path, quality=95)
        return str(path)

    def verbose(self) -> str:
        """Count the objects in words: ``2 bolts, 1 nut, ``."""
        if self.boxes is None or not len(self):
            return "(no detections), "
        return count_classes(self.boxes.cls, self.names)

    def save_txt(self, txt_file: str | Path, save_conf: bool = False) -> str:
        """Append the predictions as label text (outlines where there are masks) and give the path."""
        path = Path(txt_file)
        lines = label_lines(self, save_conf)
        if lines:
            path.parent.mkdir(parents=True, exist_ok=True)
            with path.open("a", encoding="utf-8") as file:
                file.writelines(f"{line}\n" for line in lines)
        return str(path)

    def save_crop(self, save_dir: str | Path, file_name: str | Path = "im.jpg") -> None:
        """Write what is inside each box to ``save_dir/CLASS/FILE.jpg``, numbered."""
        from engine.core.result_picture import save_crops

        save_crops(self, Path(save_dir), Path(file_name).stem)

    def summary(self, normalize: bool = False, decimals: int = 5) -> list[dict[str, Any]]:
        """Give one dictionary an object: name, class, confidence, box, outline where there are masks.

        Args:
            normalize: Coordinates as fractions of the image instead of pixels.
            decimals: Places after the point.
        """
        return detection_rows(self, normalize, decimals)

    def to_json(self, normalize: bool = False, decimals: int = 5) -> str:
        """Give the summary as JSON text."""
        return json.dumps(self.summary(normalize, decimals), indent=2)

    def tojson(self, normalize: bool = False, decimals: int = 5) -> str:
        """Give the summary as JSON text (the field's older name)."""
        return self.to_json(normalize, decimals)

    def _apply(self, change: Any) -> Self:
        """Give a copy with every part changed."""
        result = self.new()
        for name in _PARTS:
            part = getattr(self, name)
            if part is not None:
                setattr(result, name, change(part))
        return result


def as_array(values: Array) -> np.ndarray:
    """Give a NumPy array of either kind."""
    return values.detach().cpu().numpy() if isinstance(values, torch.Tensor) else values
