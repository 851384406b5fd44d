from __future__ import annotations

import colorsys
import itertools

import pytest

from studio.model.colors import FIRST_COLORS, class_color, is_color, next_color


def rgb(color: str) -> tuple[float, ...]:
    return tuple(int(color[i : i + 2], 16) / 255 for i in (1, 3, 5))


def test_a_hundred_classes_get_a_hundred_valid_colors() -> None:
    colors = [class_color(index) for index in range(100)]
    assert len(set(colors)) == 100
    assert all(map(is_color, colors))
    assert colors[:12] == list(FIRST_COLORS)


def test_the_first_twelve_are_far_apart() -> None:
    # the smallest distance in RGB between two of them: 0.2 of 1.73 is seen side by side without effort
    pairs = itertools.combinations(map(rgb, FIRST_COLORS), 2)
    assert min(sum((a - b) ** 2 for a, b in zip(*pair, strict=True)) ** 0.5 for pair in pairs) > 0.2


def test_later_colors_keep_their_lightness_and_leave_their_neighbour() -> None:
    hls = [colorsys.rgb_to_hls(*rgb(class_color(index))) for index in range(12, 40)]
    assert {round(lightness, 1) for _, lightness, _ in hls} == {0.6}
    for (one, _, _), (two, _, _) in itertools.pairwise(hls):
        turn = abs(one - two)
        assert min(turn, 1 - turn) > 0.3


def test_next_color_is_the_first_that_is_free() -> None:
    assert next_color([]) == FIRST_COLORS[0]
    assert next_color([FIRST_COLORS[0].upper(), FIRST_COLORS[1]]) == FIRST_COLORS[2]
    assert next_color(FIRST_COLORS) == class_color(12)


@pytest.mark.parametrize("text", ["", "red", "#12345", "#12345g", "#1234567"])
def test_what_is_no_color(text: str) -> None:
    assert not is_color(text)


def test_a_negative_index_is_refused() -> None:
    with pytest.raises(ValueError, match="-1"):
        class_color(-1)
