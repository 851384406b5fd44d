"""From samples to the screen: windows, channels, brightness, contrast, gamma."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from studio.canvas.tone import auto_window, describe, render, toned
from studio.model.display import NEUTRAL, Display

FULL = (0.0, 255.0)
displays = st.builds(
    Display,
    brightness=st.floats(-1, 1),
    contrast=st.floats(-1, 1),
    gamma=st.floats(0.2, 5.0),
)


def test_neutral_changes_nothing() -> None:
    samples = np.arange(256, dtype=np.uint8).reshape(16, 16)
    assert np.array_equal(toned(samples, NEUTRAL, FULL), samples)


@given(displays, st.tuples(st.floats(0, 60000), st.floats(1, 60000)))
def test_brighter_samples_are_never_shown_darker(
    display: Display, window: tuple[float, float]
) -> None:
    low, width = window
    for samples in (np.arange(0, 256, dtype=np.uint8), np.arange(0, 65536, 97, dtype=np.uint16)):
        shown = toned(samples, display, (low, low + width)).astype(int)
        assert (np.diff(shown) >= 0).all()


@pytest.mark.parametrize("kind", [np.uint8, np.uint16, np.int16, np.float32])
def test_a_window_is_black_below_and_white_above(kind: type) -> None:
    shown = toned(np.array([10, 50, 75, 100, 120], kind), NEUTRAL, (50.0, 100.0))
    assert shown.tolist()[:2] == [0, 0]
    assert shown.tolist()[3:] == [255, 255]
    assert shown[2] in (127, 128)


def test_what_is_not_finite_is_shown_as_an_end() -> None:
    values = np.array([np.nan, np.inf, -np.inf, 0.5], np.float32)
    assert toned(values, NEUTRAL, (0.0, 1.0)).tolist() == [0, 255, 0, 128]


def test_brightness_contrast_and_gamma_go_the_right_way() -> None:
    grey = np.array([64, 128, 192], np.uint8)
    brighter = toned(grey, Display(brightness=0.2), FULL)
    assert (brighter > grey).all()
    harder = toned(grey, Display(contrast=0.5), FULL)
    assert harder[0] < 64
    assert harder[2] > 192
    lifted = toned(grey, Display(gamma=2.0), FULL)
    assert (lifted > grey).all()
    flat = toned(grey, Display(contrast=-1.0), FULL)
    assert len(set(flat.tolist())) == 1


def test_one_channel_is_shown_in_grey() -> None:
    samples = np.zeros((2, 2, 3), np.uint8)
    samples[..., 1] = 77
    facts = describe(samples)
    assert render(samples, NEUTRAL, facts).shape == (2, 2, 3)
    assert (render(samples, Display(channel=1), facts) == 77).all()
    assert render(samples, Display(channel=7), facts).shape == (2, 2, 3)  # there is none: all


def test_the_automatic_window_leaves_out_the_rarest() -> None:
    rng = np.random.default_rng(0)
    samples = rng.integers(1000, 1200, (200, 200, 1)).astype(np.uint16)
    samples[0, 0], samples[0, 1] = 0, 65535  # a dead and a glowing pixel
    facts = describe(samples)
    assert facts.is_deep
    assert facts.depth == "16 bit"
    low, high = facts.auto_window
    assert 700 <= low <= 1000
    assert 1190 <= high <= 1500
    assert max(facts.histogram) == 1.0


def test_an_even_picture_has_a_window() -> None:
    facts = describe(np.full((20, 20, 1), 5, np.uint16))
    assert facts.auto_window[1] > facts.auto_window[0]
    assert auto_window(np.zeros(4), np.linspace(0, 1, 5)) == (0.0, 1.0)


def test_eight_bits_are_shown_as_they_are() -> None:
    facts = describe(np.full((20, 20, 3), 5, np.uint8))
    assert facts.auto_window == FULL
    assert facts.channels == ("Red", "Green", "Blue")
