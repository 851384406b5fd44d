"""Draws boxes, masks, keypoints and labels on one picture."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import cv2
import numpy as np
from PIL import Image, ImageDraw

from engine.drawing.fonts import find_font
from engine.drawing.label_places import Plate, place_label
from engine.drawing.palette import Color, colors, readable_on

# The 17 keypoints of COCO, joined as people are; 1-based.
SKELETON = (
    (16, 14), (14, 12), (17, 15), (15, 13), (12, 13), (6, 12), (7, 13), (6, 7), (6, 8), (7, 9),
    (8, 10), (9, 11), (2, 3), (1, 2), (1, 3), (2, 4), (3, 5), (4, 6), (5, 7),
)  # fmt: skip
_FACE = cv2.FONT_HERSHEY_SIMPLEX


class Annotator:
    """Draws on an image; colours are (blue, green, red), coordinates pixels.

    Draws into the array it is given, if that is a contiguous, writeable BGR array; else into a copy.

    Attributes:
        im: The picture, (H, W, 3) uint8 BGR.
        lw: Line width in pixels.
        font_size: Height of text in pixels.
    """

    def __init__(
        self,
        im: np.ndarray | Image.Image,
        line_width: float | None = None,
        font_size: float | None = None,
        font: str = "Arial.ttf",
        pil: bool = False,
        example: Any = "abc",
    ) -> None:
        """Take an image.

        Args:
            im: (H, W, 3) BGR or (H, W[, 1]) grey uint8, or a PIL image.
            line_width: In pixels; None fits the image.
            font_size: Height of text in pixels; None fits the image.
            font: TrueType font to use where one is needed.
            pil: Write all text with that font; otherwise only what OpenCV's letters cannot write.
            example: Some of the text to come, or the class names: letters beyond ASCII in it make all text
                use the font.
        """
        self.im = _as_bgr(im)
        height, width = self.im.shape[:2]
        mean = (height + width) / 2
        self.lw = max(round(line_width if line_width is not None else mean * 0.003), 1)
        if line_width is None:
            self.lw = max(self.lw, 2)
        self.font_size = max(round(font_size or mean * 0.022), 8 if font_size else 12)
        self._font_name = font
        self._names = "".join(example.values()) if isinstance(example, dict) else str(example)
        self._always_font = pil or not self._names.isascii()
        self._taken: list[Plate] = []
        self._stroke = max(round(self.font_size / 14), 1)
        self._scale = cv2.getFontScaleFromHeight(_FACE, round(self.font_size * 0.85), self._stroke)

    def box_label(
        self,
        box: Any,
        label: str = "",
        color: Color = (128, 128, 128),
        txt_color: Color | None = None,
        rotated: bool = False,
    ) -> None:
        """Draw a box and a label at its upper edge, or at another one where a label of this picture is in the way.

        Args:
            box: Corners x1, y1, x2, y2; with ``rotated`` the four corner points (4, 2).
            label: Text; empty draws none.
            color: Of the box and the label's ground.
            txt_color: Of the text; None takes black or white.
            rotated: See ``box``.
        """
        self._outline(box, color, rotated)
        if label:
            left, top = self._find_place(box, label, rotated)
            self._plate(left, top, label, color, txt_color)

    def box_labels(
        self,
        boxes: Any,
        labels: Sequence[str],
        colors: Sequence[Color],
        txt_color: Color | None = None,
        rotated: bool = False,
    ) -> None:
        """Draw boxes and over them all their labels, each where it hides no other if there is such a place.

        Args:
            boxes: The most important first: it lies on top, and its label has its choice of places.
            labels: Texts; an empty one draws none.
            colors: One a box.
            txt_color: Of the texts; None takes black or white.
            rotated: See :meth:`box_label`.
        """
        plates = [
            self._find_place(box, label, rotated) if label else None
            for box, label in zip(boxes, labels, strict=True)
        ]
        for box, color in reversed(list(zip(boxes, colors, strict=True))):
            self._outline(box, color, rotated)
        for place, label, color in zip(plates, labels, colors, strict=True):
            if place is not None:
                self._plate(*place, label, color, txt_color)

    def masks(self, masks: Any, colors: Sequence[Color], alpha: float = 0.5) -> None:
        """Tint the inside of masks.

        Args:
            masks: (N, H, W) of the image's size, non-zero inside; later ones lie on top.
            colors: One a mask.
            alpha: Share of the colour.
        """
        masks = np.asarray(_plain(masks)).astype(bool)
        if not len(masks):
            return
        if masks.shape[1:] != self.im.shape[:2]:
            raise ValueError(
                f"expected masks of the image's size {self.im.shape[:2]}, received {masks.shape[1:]}"
            )
        number = np.zeros(self.im.shape[:2], dtype=np.int32)
        for i, mask in enumerate(masks, start=1):
            number[mask] = i
        inside = number > 0
        tint = np.asarray(colors, dtype=np.float32)[number[inside] - 1]
        self.im[inside] = (self.im[inside] * (1 - alpha) + tint * alpha).astype(np.uint8)

    def class_map(
        self, classes: np.ndarray, colors: Mapping[int, Color], alpha: float = 0.5
    ) -> None:
        """Tint each pixel by its class.

        Args:
            classes: (H, W) whole numbers, of the image's size.
            colors: Class number (0 or more) to colour; pixels of other numbers stay as they are.
            alpha: Share of the colour.
        """
        if classes.shape != self.im.shape[:2]:
            raise ValueError(
                f"expected a map of the image's size {self.im.shape[:2]}, received {classes.shape}"
            )
        table = np.zeros((max(colors, default=0) + 2, 3), dtype=np.uint8)  # the last: no colour
        for number, color in colors.items():
            table[number] = color
        numbers = np.where(np.isin(classes, list(colors)), classes, len(table) - 1).astype(np.intp)
        tinted = cv2.addWeighted(table[numbers], alpha, self.im, 1 - alpha, 0)
        np.copyto(self.im, tinted, where=(numbers < len(table) - 1)[..., None])

    def legend(self, lines: Sequence[tuple[str, Color]]) -> None:
        """Write lines, each on a ground of its colour, below one another in the top-left corner."""
        y = 0
        for text, color in lines:
            self._plate(0, y, text, color, None)
            y += self.text_size(text)[1] + 3

    def polygons(
        self, polygons: Sequence[np.ndarray], colors: Sequence[Color], alpha: float = 0.5
    ) -> None:
        """Tint the inside of outlines (n, 2) in pixels and draw their edges."""
        layer = self.im.copy()
        rings = [_whole(np.asarray(p)) for p in polygons]
        for ring, color in zip(rings, colors, strict=True):
            if len(ring):
                cv2.fillPoly(layer, [ring], color, cv2.LINE_AA)
        cv2.addWeighted(layer, alpha, self.im, 1 - alpha, 0, dst=self.im)
        for ring, color in zip(rings, colors, strict=True):
            if len(ring):
                cv2.polylines(self.im, [ring], True, color, max(self.lw // 2, 1), cv2.LINE_AA)

    def kpts(
        self,
        kpts: Any,
        skeleton: Sequence[tuple[int, int]] | None = None,
        radius: int | None = None,
        conf_thres: float = 0.25,
    ) -> None:
        """Draw the keypoints of one object.

        Args:
            kpts: (K, 2) x, y or (K, 3) with a confidence.
            skeleton: Pairs of 1-based numbers to join; None joins the 17 points of COCO.
            radius: Of the points in pixels.
            conf_thres: Points with less confidence are not drawn.
        """
        points = np.asarray(_plain(kpts), dtype=np.float64)
        sure = points[:, 2] >= conf_thres if points.shape[1] > 2 else np.ones(len(points), bool)
        sure &= (points[:, :2] > 0).any(1)  # 0, 0 stands for a point that was not labelled
        if skeleton is None:
            skeleton = SKELETON if len(points) == len(SKELETON) - 2 else ()
        places = _whole(points[:, :2])
        for i, (a, b) in enumerate(skeleton):
            if sure[a - 1] and sure[b - 1]:
                ends = tuple(places[a - 1].tolist()), tuple(places[b - 1].tolist())
                cv2.line(self.im, *ends, colors(i, bgr=True), max(self.lw // 2, 1), cv2.LINE_AA)
        for i in np.flatnonzero(sure).tolist():
            at = tuple(places[i].tolist())
            cv2.circle(self.im, at, radius or self.lw + 1, colors(i, bgr=True), -1, cv2.LINE_AA)

    def text_label(
        self,
        box: Any,
        label: str = "",
        color: Color = (128, 128, 128),
        txt_color: Color | None = None,
        margin: int = 5,
    ) -> None:
        """Write a label on a plate in the middle of a box."""
        x, y = _middle(box)
        w, h = self.text_size(label)
        low = (round(x - w / 2) - margin, round(y - h / 2) - margin)
        high = (round(x + w / 2) + margin, round(y + h / 2) + margin)
        cv2.rectangle(self.im, low, high, color, -1)
        self.text((low[0] + margin, low[1] + margin), label, txt_color or readable_on(color))

    def circle_label(
        self,
        box: Any,
        label: str = "",
        color: Color = (128, 128, 128),
        txt_color: Color | None = None,
        margin: int = 2,
    ) -> None:
        """Write a label in a disc in the middle of a box."""
        x, y = _middle(box)
        w, h = self.text_size(label)
        radius = math.ceil(math.hypot(w, h) / 2) + margin
        cv2.circle(self.im, (round(x), round(y)), radius, color, -1, cv2.LINE_AA)
        at = (round(x - w / 2), round(y - h / 2))
        self.text(at, label, txt_color or readable_on(color))

    @staticmethod
    def get_bbox_dimension(bbox: Any) -> tuple[Any, Any, Any]:
        """Return width, height and area of a box x1, y1, x2, y2, as what the box is made of."""
        x1, y1, x2, y2 = bbox
        return x2 - x1, y2 - y1, (x2 - x1) * (y2 - y1)

    def text_size(self, text: str) -> tuple[int, int]:
        """Return width and height of a text in pixels."""
        if self._uses_font(text):
            left, _, right, _ = self._font(text).getbbox(text)
            return math.ceil(right - left), round(self.font_size * 1.25)
        (width, height), base = cv2.getTextSize(text, _FACE, self._scale, self._stroke)
        return width, height + base

    def text(self, xy: Sequence[int], text: str, color: Color = (255, 255, 255)) -> None:
        """Write a text whose top-left corner is at ``xy``."""
        x, y = int(xy[0]), int(xy[1])
        if not self._uses_font(text):
            (_, height), _ = cv2.getTextSize(text, _FACE, self._scale, self._stroke)
            at = (x, y + height + self._stroke // 2)
            cv2.putText(self.im, text, at, _FACE, self._scale, color, self._stroke, cv2.LINE_AA)
            return
        plate = Image.new("L", self.text_size(text))
        ImageDraw.Draw(plate).text((0, 0), text, fill=255, font=self._font(text))
        self._stamp(np.asarray(plate), x, y, color)

    def result(self) -> np.ndarray:
        """Return the picture, (H, W, 3) uint8 BGR."""
        return self.im

    def _outline(self, box: Any, color: Color, rotated: bool) -> None:
        """Draw a box, of its two corners or of its four."""
        if rotated:
            points = np.asarray(_plain(box), dtype=np.float64).reshape(4, 2)
            cv2.polylines(self.im, [_whole(points)], True, color, self.lw, cv2.LINE_AA)
        else:
            x1, y1, x2, y2 = (round(float(v)) for v in _plain(box))
            cv2.rectangle(self.im, (x1, y1), (x2, y2), color, self.lw)

    def _find_place(self, box: Any, label: str, rotated: bool) -> tuple[int, int]:
        """Return where the label of a box begins, x and y; that place is taken then."""
        w, h = self.text_size(label)
        height, width = self.im.shape[:2]
        plate = place_label(_corners(box, rotated), (w + 3, h + 3), (width, height), self._taken)
        self._taken.append(plate)
        return plate[:2]

    def _plate(self, x: int, y: int, text: str, color: Color, ink: Color | None) -> None:
        """Write a text on a filled ground whose top-left corner is given."""
        w, h = self.text_size(text)
        cv2.rectangle(self.im, (x, y), (x + w + 2, y + h + 2), color, -1)
        self.text((x + 1, y + 1), text, ink or readable_on(color))

    def _stamp(self, alpha: np.ndarray, x: int, y: int, color: Color) -> None:
        """Blend a colour in by an (h, w) array 0..255 at a place that may stick out of the image."""
        height, width = self.im.shape[:2]
        left, top = max(x, 0), max(y, 0)
        right, bottom = min(x + alpha.shape[1], width), min(y + alpha.shape[0], height)
        if left >= right or top >= bottom:
            return
        share = alpha[top - y : bottom - y, left - x : right - x, None].astype(np.float32) / 255
        ground = self.im[top:bottom, left:right]
        ground[:] = (
            (ground * (1 - share) + np.array(color, dtype=np.float32) * share)
            .round()
            .astype(np.uint8)
        )

    def _uses_font(self, text: str) -> bool:
        return self._always_font or not text.isascii()

    def _font(self, text: str) -> Any:
        letters = "".join(sorted({c for c in self._names + text if not c.isascii()}))
        return find_font(self._font_name, self.font_size, letters)


def _as_bgr(im: np.ndarray | Image.Image) -> np.ndarray:
    """Return an image as a BGR array that can be drawn into.

    Raises:
        ValueError: It is none.
    """
    if im is None:  # what many a script passes on unseen
        raise ValueError(
            "expected an image, received None, as cv2.imread gives for a file it cannot read"
        )
    if isinstance(im, Image.Image):
        return np.ascontiguousarray(np.asarray(im.convert("RGB"))[..., ::-1])
    if (
        im.dtype != np.uint8
        or im.ndim not in (2, 3)
        or (im.ndim == 3 and im.shape[2] not in (1, 3))
    ):
        raise ValueError(
            f"expected an (H, W, 3) or grey uint8 image, received {im.dtype} of shape {im.shape}"
        )
    if im.ndim == 2 or im.shape[2] == 1:
        return cv2.cvtColor(np.ascontiguousarray(im), cv2.COLOR_GRAY2BGR)
    return im if im.flags.c_contiguous and im.flags.writeable else im.copy(order="C")


def _plain(x: Any) -> Any:
    """Return a tensor as an array; leave anything else."""
    return x.detach().cpu().numpy() if hasattr(x, "detach") else x


def _corners(box: Any, rotated: bool) -> np.ndarray:
    """Return the corners of a box (4, 2) in pixels, the one at which its label stands first."""
    if rotated:
        points = np.asarray(_plain(box), dtype=np.float64).reshape(4, 2)
        return points[np.argsort(points[:, 1], kind="stable")]
    x1, y1, x2, y2 = (round(float(v)) for v in _plain(box))
    return np.array([(x1, y1), (x2, y1), (x1, y2), (x2, y2)], dtype=np.float64)


def _whole(points: np.ndarray) -> np.ndarray:
    return np.round(points).astype(np.int32)


def _middle(box: Any) -> tuple[float, float]:
    x1, y1, x2, y2 = (float(v) for v in _plain(box))
    return (x1 + x2) / 2, (y1 + y2) / 2
