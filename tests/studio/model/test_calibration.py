"""The scale of a project: words, limits, and the edit that sets it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from studio.model.calibration import (
    PIXELS,
    Calibration,
    calibrated,
    calibration_from_dict,
    calibration_of,
    calibration_to_dict,
)
from studio.model.edits import SetCalibration, edit_from_dict
from studio.model.errors import EditError
from studio.model.project import Project


def test_lengths_and_areas_are_in_pixels_at_first(project: Project) -> None:
    assert calibration_of(project) == PIXELS
    assert PIXELS.length(12.5) == "12.5 px"
    assert PIXELS.area(1234) == "1,234 px²"


def test_a_known_length_gives_the_scale() -> None:
    scale = calibrated(200, 10, " mm ")
    assert scale == Calibration(20, "mm")
    assert scale.length(50) == "2.5 mm"
    assert scale.area(800) == "2 mm²"
    assert scale.scale() == "20 px = 1 mm"


@pytest.mark.parametrize(
    ("pixels", "length", "unit"),
    [(0, 10, "mm"), (10, 0, "mm"), (10, -1, "mm"), (10, float("nan"), "mm"), (10, 5, " ")],
)
def test_what_is_no_scale_is_refused(pixels: float, length: float, unit: str) -> None:
    with pytest.raises(EditError):
        calibrated(pixels, length, unit)


@given(st.floats(1e-6, 1e6), st.text(min_size=1).filter(str.strip))
def test_a_scale_survives_as_plain_values(pixels: float, unit: str) -> None:
    scale = Calibration(pixels, unit)
    assert calibration_from_dict(calibration_to_dict(scale)) == scale
    edit = SetCalibration(scale)
    assert edit_from_dict(edit.to_dict()) == edit
    assert edit.inverse().inverse() == edit


def test_setting_it_is_undone_and_done_again(project: Project) -> None:
    first, second = Calibration(20, "mm"), Calibration(3, "µm")
    project.apply(SetCalibration(first))
    project.apply(SetCalibration(second))
    assert calibration_of(project) == second
    project.undo()
    assert calibration_of(project) == first
    project.undo()
    assert calibration_of(project) == PIXELS
    project.redo()
    assert calibration_of(project) == first
    assert project.history()[-1].label == "Set scale: 20 px = 1 mm"
    project.apply(SetCalibration(PIXELS))
    assert calibration_of(project) == PIXELS
