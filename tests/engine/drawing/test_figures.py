"""Names of classes in any script in the plots of a run."""

from __future__ import annotations

from pathlib import Path

from PIL import ImageFont

from engine.drawing import figures


def test_letters_that_no_font_has_are_no_flood_of_warnings(tmp_path):
    with figures.figure(tmp_path / "a.png", 2, 2) as made:
        made.suptitle("\U00012000\U00012001")  # cuneiform; a warning would fail here
    assert (tmp_path / "a.png").stat().st_size


def test_letters_are_taken_from_the_font_that_has_them(tmp_path, monkeypatch):
    from matplotlib import get_data_path

    mono = Path(get_data_path()) / "fonts" / "ttf" / "DejaVuSansMono.ttf"
    asked = []

    def found(_name, size, letters):
        asked.append(letters)
        return ImageFont.truetype(str(mono), size)

    monkeypatch.setattr(figures, "find_font", found)
    with figures.figure(tmp_path / "a.png", 2, 2) as made:
        axes = made.add_subplot()
        other, plain = axes.text(0, 0, "螺母 M4"), axes.text(0, 1, "nut")
        axes.set_yticks([0, 1], ["größe", "bolt"])
    assert asked == ["ßö母螺"]
    assert other.get_fontfamily()[-1] == "DejaVu Sans Mono"
    assert "DejaVu Sans Mono" not in plain.get_fontfamily()
