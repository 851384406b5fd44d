"""The tokens are those of the design and can be read."""

from __future__ import annotations

import dataclasses

import pytest

from studio.theme import tokens
from studio.theme.tokens import DARK, LIGHT, Colors, contrast, lightened, text_on

SCHEMES = [pytest.param(LIGHT, id="light"), pytest.param(DARK, id="dark")]


def test_contrast_has_the_ends_of_its_scale() -> None:
    assert contrast("#000000", "#FFFFFF") == pytest.approx(21.0)
    assert contrast("#3B82F6", "#3B82F6") == pytest.approx(1.0)
    assert contrast("#767676", "#FFFFFF") == pytest.approx(
        4.54, abs=0.01
    )  # the known borderline grey


@pytest.mark.parametrize("colors", SCHEMES)
@pytest.mark.parametrize("ground", ["window", "panel", "raised", "hover", "selection"])
def test_text_reads_on_every_ground(colors: Colors, ground: str) -> None:
    assert contrast(colors.text, getattr(colors, ground)) >= 4.5
    if ground != "selection":
        assert contrast(colors.secondary, getattr(colors, ground)) >= 4.5


@pytest.mark.parametrize("colors", SCHEMES)
@pytest.mark.parametrize("ground", ["window", "panel", "raised"])
@pytest.mark.parametrize("ink", ["accent_text", "success_text", "warning_text", "danger_text"])
def test_meaning_in_colour_can_be_read(colors: Colors, ink: str, ground: str) -> None:
    assert contrast(getattr(colors, ink), getattr(colors, ground)) >= 4.5


@pytest.mark.parametrize("colors", SCHEMES)
@pytest.mark.parametrize("fill", ["accent_fill", "accent_fill_hover", "danger_fill"])
def test_white_reads_on_filled_buttons(colors: Colors, fill: str) -> None:
    assert contrast(colors.on_accent, getattr(colors, fill)) >= 4.5


@pytest.mark.parametrize("colors", SCHEMES)
def test_lines_with_meaning_are_visible(colors: Colors) -> None:
    for ground in (colors.window, colors.panel, colors.raised):
        assert contrast(colors.outline, ground) >= 3.0
        assert contrast(colors.accent, ground) >= 3.0


@pytest.mark.parametrize("colors", SCHEMES)
def test_every_colour_is_written_in_full(colors: Colors) -> None:
    for field in dataclasses.fields(colors):
        value = getattr(colors, field.name)
        assert field.name == "scheme" or (len(value) == 7 and int(value[1:], 16) >= 0)


def test_surround_is_darker_than_the_panels_in_the_dark() -> None:
    assert contrast(DARK.surround, "#000000") < contrast(DARK.window, "#000000")
    assert LIGHT.surround == "#E9EBEE"


def test_lightened_moves_lightness_only() -> None:
    assert lightened("#808080", 0.1) == "#9A9A9A"
    assert lightened("#FFFFFF", 0.5) == "#FFFFFF"


@pytest.mark.parametrize(("color", "ink"), [("#F0E442", "#000000"), ("#0072B2", "#FFFFFF")])
def test_text_on_takes_the_better_ink(color: str, ink: str) -> None:
    assert text_on(color) == ink


def test_spaces_keep_the_grid() -> None:
    sizes = (tokens.SPACE_XS, tokens.SPACE_S, tokens.SPACE_M, tokens.SPACE_L, tokens.SPACE_XL)
    assert all(size % 4 == 0 for size in (*sizes, tokens.CONTROL_HEIGHT, tokens.TOOL_SIZE))
