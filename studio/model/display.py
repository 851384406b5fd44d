"""How a picture is looked at: brightness, contrast, gamma, channel, and the window of its samples. The file stays as it is."""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import pi, tan

from studio.language import tr

GAMMA_RANGE = (0.2, 5.0)
Window = tuple[float, float]  # samples shown black and white


@dataclass(frozen=True, slots=True)
class Display:
    """What is done to a picture on its way to the screen.

    Attributes:
        brightness: -1 (black) to 1 (white), 0 as it is.
        contrast: -1 (flat grey) to 1 (black and white only), 0 as it is.
        gamma: Above 1 lifts the shadows, below 1 deepens them.
        channel: Show this channel alone, in grey; None for all together.
        window: Samples that are shown black and white, None for what suits the picture: all values of 8 bits,
            of deeper ones all but the rarest (:func:`studio.canvas.tone.auto_window`).
    """

    brightness: float = 0.0
    contrast: float = 0.0
    gamma: float = 1.0
    channel: int | None = None
    window: Window | None = None

    @property
    def is_neutral(self) -> bool:
        """Whether the picture is shown as it is."""
        return self == NEUTRAL

    @property
    def is_straight(self) -> bool:
        """Whether brightness, contrast and gamma change nothing."""
        return self.brightness == 0.0 and self.contrast == 0.0 and self.gamma == 1.0

    def of_channels(self, count: int) -> Display:
        """Return what can be done to a picture of ``count`` channels: one that it does not have is not shown."""
        if self.channel is None or self.channel < count:
            return self
        return replace(self, channel=None)

    def level(self, share: float) -> float:
        """Return how light (0..1) a sample is shown that lies at ``share`` (0..1) of the window."""
        bent = share ** (1.0 / self.gamma)
        slope = tan((min(self.contrast, 0.999) + 1.0) * pi / 4.0)
        return min(1.0, max(0.0, (bent - 0.5) * slope + 0.5 + self.brightness))


NEUTRAL = Display()


@dataclass(frozen=True, slots=True)
class PictureFacts:
    """What there is to see of a picture, for whoever offers the choices.

    Attributes:
        channels: Names of its channels.
        depth: Its samples' type, as ``8 bit`` or ``16 bit``.
        low: Smallest value that the samples may have (of deep pictures: that was seen).
        high: Largest value.
        auto_window: What is shown black and white unless the person says otherwise.
        histogram: Share of the samples in each of equal steps from ``low`` to ``high``, the fullest being 1.
        pages: Pages of the file that have this picture's size, 1 where it has no others.
        page: Which of them is shown, from 0.
    """

    channels: tuple[str, ...] = (tr("Red"), tr("Green"), tr("Blue"))
    depth: str = tr("8 bit")
    low: float = 0.0
    high: float = 255.0
    auto_window: Window = (0.0, 255.0)
    histogram: tuple[float, ...] = ()
    pages: int = 1
    page: int = 0

    @property
    def is_deep(self) -> bool:
        """Whether the samples have more steps than a screen."""
        return self.depth != "8 bit"
