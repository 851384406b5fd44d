"""What prediction returns for one image: what was found, names and the picture, with ways to use them."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Self

import numpy as np
from PIL import Image, ImageShow

from engine.core.result_image import Probs, SemanticMask
from engine.core.result_keypoints import Keypoints
from engine.core.result_obb import OBB
from engine.core.result_rows import result_rows
from engine.core.result_tables import csv_text, data_frame
from engine.core.result_tensors import Array, Boxes, Masks, ResultTensor
from engine.core.result_text import describe, label_lines
from engine.data.images import write_image
from engine.data.source_arrays import visible
from engine.runtime.log import LOGGER

__all__ = ["OBB", "Boxes", "Keypoints", "Masks", "Probs", "Results", "SemanticMask"]

# What a result may hold: indexing and moving a result does it to each of them. The first there is says how
# many there are.
_PARTS: dict[str, type[ResultTensor]] = {
    "boxes": Boxes,
    "obb": OBB,
    "masks": Masks,
    "keypoints": Keypoints,
    "probs": Probs,
    "semantic_mask": SemanticMask,
}


class Results:
    """Predictions on one image.

    Attributes:
        orig_img: The image as read, (H, W, C) uint8, BGR where C is 3.
        orig_shape: (height, width) of it.
        path: File it came from, or a made-up name for images given as arrays.
        names: Class number to name.
        boxes: Detected boxes; None for tasks without upright boxes.
        keypoints: The boxes' keypoints, None for models without.
        obb: Detected oriented boxes, None for tasks without.
        probs: How likely each class is for the image, None but for classification.
        semantic_mask: The class of each pixel, None but for semantic segmentation.
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
        probs: Array | None = None,
        keypoints: Array | None = None,
        obb: Array | None = None,
        speed: Mapping[str, float | None] | None = None,
        semantic_mask: Array | None = None,
    ) -> None:
        self.orig_img = orig_img
        self.orig_shape: tuple[int, int] = (orig_img.shape[0], orig_img.shape[1])
        self.path = str(path)
        self.names = dict(names)
        self.boxes: Boxes | None = None
        self.keypoints: Keypoints | None = None
        self.obb: OBB | None = None
        self.probs: Probs | None = None
        self.semantic_mask: SemanticMask | None = None
        self._masks: Masks | None = None
        unknown = dict.fromkeys(("preprocess", "inference", "postprocess"))
        self.speed: dict[str, float | None] = dict(speed or unknown)
        self.save_dir: Path | None = None
        self.update(boxes, masks, probs, obb, keypoints, semantic_mask)

    @property
    def masks(self) -> Masks | None:
        """Detected masks; for semantic segmentation one of each class in `semantic_mask.classes`."""
        if self._masks is None and self.semantic_mask is not None:
            self._masks = Masks(self.semantic_mask.planes(), self.orig_shape)
        return self._masks

    @masks.setter
    def masks(self, masks: Masks | None) -> None:
        self._masks = masks

    @property
    def objects(self) -> Any:
        """What has a class and a confidence for each object: the boxes or oriented boxes, None without."""
        return self.boxes if self.obb is None else self.obb

    def __len__(self) -> int:
        return next((len(part) for part in self._parts().values()), 0)

    def __getitem__(self, index: Any) -> Self:
        return self._apply(lambda part: part[index])

    def __iter__(self) -> Iterator[Self]:
        return (self[i] for i in range(len(self)))

    def __repr__(self) -> str:
        kinds = " and ".join(self._parts()).replace("_", " ")
        return f"Results({self.path!r}, {len(self)} objects, {kinds or 'nothing'})"

    def update(
        self,
        boxes: Array | None = None,
        masks: Array | None = None,
        probs: Array | None = None,
        obb: Array | None = None,
        keypoints: Array | None = None,
        semantic_mask: Array | None = None,
    ) -> None:
        """Replace what is given, as arrays or tensors of the classes' `data`."""
        given = {
            "boxes": boxes,
            "masks": masks,
            "probs": probs,
            "obb": obb,
            "keypoints": keypoints,
            "semantic_mask": semantic_mask,
        }
        for name, data in given.items():
            if data is not None:
                setattr(self, name, _PARTS[name](data, self.orig_shape))

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
        probs: bool = True,
        kpt_radius: int | None = None,
        kpt_line: bool = True,
        color_mode: str = "class",
        show: bool = False,
        save: bool = False,
        filename: str | Path | None = None,
        txt_color: tuple[int, int, int] | None = None,
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
            masks: Draw masks; for semantic segmentation the classes' colours.
            probs: Write the likeliest classes of a classified image.
            kpt_radius: Radius of keypoints in pixels, None to fit the lines.
            kpt_line: Join the keypoints of people.
            color_mode: ``class`` gives each class a colour, ``instance`` each object.
            show: Open the picture in the system's viewer too.
            save: Write the picture too.
            filename: Where to write it, None for ``results_NAME.jpg`` in the working folder.
            txt_color: Colour of the text on boxes, BGR; None takes black or white, whichever can be read.

        Returns:
            The picture, (H, W, 3) uint8 BGR.
        """
        from engine.core.result_picture import draw_result

        picture = visible(self.orig_img) if img is None else img
        style = {"line_width": line_width, "font_size": font_size, "font": font, "pil": pil}
        shown = {"conf": conf, "labels": labels, "boxes": boxes, "masks": masks, "probs": probs}
        points = {"radius": kpt_radius} | ({} if kpt_line else {"skeleton": ()})
        drawn = draw_result(self, picture.copy(), style, shown, color_mode, points, txt_color)
        if save:
            write_image(self._picture_path(filename), drawn)
        if show:
            _open_viewer(drawn, self.path)
        return drawn

    def show(self, **kwargs: Any) -> None:
        """Open the drawn picture in the system's viewer; arguments as for `plot`."""
        self.plot(**{**kwargs, "show": True})

    def save(self, filename: str | Path | None = None, **kwargs: Any) -> str:
        """Write the drawn picture and give its path; other arguments as for `plot`.

        Raises:
            ImageError: The folder cannot be written, or no picture format has this ending.
        """
        path = self._picture_path(filename)
        self.plot(**{**kwargs, "save": True, "filename": path})
        return str(path)

    def verbose(self) -> str:
        """Say what was found in words: ``2 bolts, 1 nut, ``, the likeliest classes, or shares of the image."""
        return describe(self)

    def save_txt(self, txt_file: str | Path, save_conf: bool = False) -> str:
        """Append the predictions as label text and give the path.

        Objects with masks are written as outlines, oriented boxes as corners, boxes with keypoints as both;
        a classified image as its likeliest classes. Text cannot hold the class of each pixel: that is
        written as an image of class numbers of the same name, ending in .png.
        """
        path = Path(txt_file)
        if self.semantic_mask is not None:
            from engine.core.result_picture import write_class_map

            return str(write_class_map(self.semantic_mask, path.with_suffix(".png")))
        lines = label_lines(self, save_conf)
        if lines:
            path.parent.mkdir(parents=True, exist_ok=True)
            with path.open("a", encoding="utf-8") as file:
                file.writelines(f"{line}\n" for line in lines)
        return str(path)

    def save_crop(self, save_dir: str | Path, file_name: str | Path = "im.jpg") -> None:
        """Write what is inside each box to ``save_dir/CLASS/FILE.jpg``, numbered; no file is replaced."""
        from engine.core.result_picture import save_crops

        save_crops(self, Path(save_dir), Path(file_name).stem)

    def summary(self, normalize: bool = False, decimals: int = 5) -> list[dict[str, Any]]:
        """Give one dictionary an object: name, class, confidence, box, outline or keypoints where there are.

        Of a classified image it is one a likely class, of a semantic mask one a class with its share.

        Args:
            normalize: Coordinates as fractions of the image instead of pixels.
            decimals: Places after the point.
        """
        return result_rows(self, normalize, decimals)

    def to_json(self, normalize: bool = False, decimals: int = 5) -> str:
        """Give the summary as JSON text."""
        return json.dumps(self.summary(normalize, decimals), indent=2)

    def tojson(self, normalize: bool = False, decimals: int = 5) -> str:
        """Give the summary as JSON text (the field's older name)."""
        return self.to_json(normalize, decimals)

    def to_df(self, normalize: bool = False, decimals: int = 5) -> Any:
        """Give the summary as a data frame of pandas, or of polars where only that is installed.

        Raises:
            ConfigError: Neither is installed.
        """
        return data_frame(self.summary(normalize, decimals))

    def to_csv(self, normalize: bool = False, decimals: int = 5) -> str:
        """Give the summary as comma-separated text; boxes, outlines and keypoints are JSON in their cell."""
        return csv_text(self.summary(normalize, decimals))

    def _picture_path(self, filename: str | Path | None) -> Path:
        """Give where the drawn picture goes, its folder made."""
        path = Path(filename or f"results_{Path(self.path).stem}.jpg")
        path.parent.mkdir(parents=True, exist_ok=True)
        return path

    def _parts(self) -> dict[str, ResultTensor]:
        """Give what there is by name; masks that only repeat the semantic mask are none of their own."""
        own = {"masks": None if self.semantic_mask is not None else self._masks}
        found = {name: own.get(name, self.__dict__.get(name)) for name in _PARTS}
        return {name: part for name, part in found.items() if part is not None}

    def _apply(self, change: Any) -> Self:
        """Give a copy with every part changed."""
        result = self.new()
        for name, part in self._parts().items():
            setattr(result, name, change(part))
        return result


def _open_viewer(picture: np.ndarray, title: str) -> None:
    """Open (H, W, 3) uint8 BGR in the system's viewer; that there is none is said."""
    if not ImageShow.show(Image.fromarray(np.ascontiguousarray(picture[..., ::-1])), title=title):
        LOGGER.warning(
            "No viewer for pictures is installed here; save() writes the picture instead."
        )
