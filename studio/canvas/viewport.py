"""Where the picture lies on the canvas: scale and place, and the way between image and device pixels. No Qt.

Device pixels are those of the screen: at 200 % desktop scaling two of them make one of Qt's logical pixels. A zoom of 1 shows
one image pixel as one device pixel. The place is kept in fractions but used in whole device pixels, so that cached
tiles are copied and never resampled.
"""

from __future__ import annotations

from dataclasses import dataclass

MAX_SCALE = 64.0
_MARGIN = 24  # logical pixels around a fitted picture: room for handles and name tags
_MAX_FIT_SCALE = 8.0  # a tiny picture is not blown up beyond this by fitting
_KEPT_IN_VIEW = 48  # device pixels of the picture that panning cannot push out of sight


@dataclass
class Viewport:
    """The view of one picture.

    Attributes:
        view_wh: Size of the canvas in device pixels.
        image_wh: Size of the picture in image pixels; (0, 0) for none.
        scale: Device pixels per image pixel.
        fitted: The picture is fitted and stays so when the canvas changes its size.
        pixel_ratio: Device pixels per logical pixel.
    """

    view_wh: tuple[int, int] = (1, 1)
    image_wh: tuple[int, int] = (0, 0)
    scale: float = 1.0
    fitted: bool = True
    pixel_ratio: float = 1.0
    _left: float = 0.0
    _top: float = 0.0

    @property
    def origin(self) -> tuple[int, int]:
        """Device pixel of the picture's top-left corner."""
        return round(self._left), round(self._top)

    def set_image(self, image_wh: tuple[int, int]) -> None:
        """Show another picture, fitted."""
        self.image_wh = image_wh
        self.fit()

    def resize(self, view_wh: tuple[int, int], pixel_ratio: float = 1.0) -> None:
        """Take another canvas size; what was in the middle stays there."""
        self._left += (view_wh[0] - self.view_wh[0]) / 2
        self._top += (view_wh[1] - self.view_wh[1]) / 2
        self.view_wh, self.pixel_ratio = view_wh, pixel_ratio
        if self.fitted:
            self.fit()

    def fit_scale(self) -> float:
        """Return the scale at which the whole picture just fits."""
        if not all(self.image_wh):
            return 1.0
        room = [max(1.0, side - 2 * _MARGIN * self.pixel_ratio) for side in self.view_wh]
        fitting = min(side / pixels for side, pixels in zip(room, self.image_wh, strict=True))
        return min(fitting, _MAX_FIT_SCALE * self.pixel_ratio)

    def fit(self) -> None:
        """Show the whole picture in the middle."""
        self.scale = self.fit_scale()
        self._left, self._top = (
            (side - pixels * self.scale) / 2
            for side, pixels in zip(self.view_wh, self.image_wh, strict=True)
        )
        self.fitted = True

    def zoom_about(self, x: float, y: float, factor: float) -> None:
        """Scale by ``factor``; the image point at device pixel (x, y) stays there."""
        self.set_scale(self.scale * factor, x, y)

    def set_scale(self, scale: float, x: float | None = None, y: float | None = None) -> None:
        """Scale to ``scale`` about device pixel (x, y), by default the middle of the canvas."""
        x = self.view_wh[0] / 2 if x is None else x
        y = self.view_wh[1] / 2 if y is None else y
        smallest = min(self.fit_scale() / 4, 1.0)
        scale = min(max(scale, smallest), MAX_SCALE)
        ratio = scale / self.scale
        self._left = x - (x - self._left) * ratio
        self._top = y - (y - self._top) * ratio
        self.scale, self.fitted = scale, False
        self._keep_in_view()

    def pan(self, dx: float, dy: float) -> None:
        """Move the picture by device pixels."""
        self._left += dx
        self._top += dy
        self.fitted = False
        self._keep_in_view()

    def move_origin(self, left: int, top: int) -> None:
        """Put the picture's top-left corner on a device pixel, wherever that is."""
        self._left, self._top = float(left), float(top)

    def show_rect(self, x1: float, y1: float, x2: float, y2: float) -> None:
        """Bring a part of the picture (image pixels) into the middle, at a third of the canvas."""
        sides = max(x2 - x1, 1.0), max(y2 - y1, 1.0)
        wanted = min(view / (3 * side) for view, side in zip(self.view_wh, sides, strict=True))
        self.scale = min(max(wanted, self.fit_scale()), 16.0)
        self._left = self.view_wh[0] / 2 - (x1 + x2) / 2 * self.scale
        self._top = self.view_wh[1] / 2 - (y1 + y2) / 2 * self.scale
        self.fitted = False
        self._keep_in_view()

    def to_image(self, x: float, y: float) -> tuple[float, float]:
        """Return the image point at device pixel (x, y)."""
        left, top = self.origin
        return (x - left) / self.scale, (y - top) / self.scale

    def to_device(self, x: float, y: float) -> tuple[float, float]:
        """Return the device pixel of image point (x, y)."""
        left, top = self.origin
        return x * self.scale + left, y * self.scale + top

    def visible(self) -> tuple[float, float, float, float]:
        """Return the rectangle of the canvas in image pixels (x1, y1, x2, y2); it may reach beyond the picture."""
        return (*self.to_image(0, 0), *self.to_image(*self.view_wh))

    def _keep_in_view(self) -> None:
        width, height = (pixels * self.scale for pixels in self.image_wh)
        keep_x, keep_y = min(_KEPT_IN_VIEW, width), min(_KEPT_IN_VIEW, height)
        self._left = min(max(self._left, keep_x - width), self.view_wh[0] - keep_x)
        self._top = min(max(self._top, keep_y - height), self.view_wh[1] - keep_y)
