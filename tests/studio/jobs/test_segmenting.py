"""What the worker does with a segmenter, in this process, without weights."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from engine.models.sam import model
from engine.runtime.errors import ImageError
from studio.jobs import segmenting
from studio.jobs.messages import DrawnBox, Encode, Outline, Predicted, Segment
from studio.jobs.outlining import outline
from studio.jobs.worker import Context
from studio.tools.prompting import Prompts

CLASSIC = "classic"


@pytest.fixture
def pictures(tmp_path: Path) -> list[str]:
    """Two pictures of a bright disc at different places."""
    names = []
    for number, middle in enumerate(((40, 40), (80, 60))):
        picture = np.full((100, 120, 3), 50, np.uint8)
        cv2.circle(picture, middle, 20, (40, 200, 220), -1)
        cv2.imwrite(str(tmp_path / f"{number}.png"), picture)
        names.append(str(tmp_path / f"{number}.png"))
    return names


def context() -> Context:
    return Context(1, lambda _report: None, lambda: False)


def test_looking_ahead_leaves_the_present_image(pictures: list[str], monkeypatch: Any) -> None:
    first, second = pictures
    segmenting.encode(Encode(1, CLASSIC, first), context())
    segmenting.encode(Encode(2, CLASSIC, second, ahead=True), context())
    with monkeypatch.context() as patch:
        patch.setattr(model, "read_image", lambda _path: pytest.fail("read once more"))
        found = segmenting.segment(Segment(3, CLASSIC, first, Prompts(((40.0, 40.0),))), context())
    x1, y1, x2, y2 = found.candidates[0].mask.bounds()
    assert abs((x1 + x2) / 2 - 40.5) < 3
    assert abs((y1 + y2) / 2 - 40.5) < 3


def test_an_image_seen_ahead_is_not_read_again_until_it_changes(
    pictures: list[str], monkeypatch: Any
) -> None:
    first, second = pictures
    segmenting.encode(Encode(1, CLASSIC, first), context())
    segmenting.encode(Encode(2, CLASSIC, second, ahead=True), context())
    with monkeypatch.context() as patch:
        patch.setattr(model, "read_image", lambda _path: pytest.fail("read once more"))
        request = Segment(3, CLASSIC, second, Prompts(((80.0, 60.0),)))
        before = segmenting.segment(request, context()).candidates[0].mask.bounds()
    assert abs((before[0] + before[2]) / 2 - 80.5) < 3
    Path(second).write_bytes(Path(first).read_bytes())
    moved = Segment(4, CLASSIC, second, Prompts(((40.0, 40.0),)))
    after = segmenting.segment(moved, context()).candidates[0].mask.bounds()
    assert abs((after[0] + after[2]) / 2 - 40.5) < 3


def test_where_nobody_knows_how_good_a_mask_is_no_score_is_told(pictures: list[str]) -> None:
    request = Segment(3, CLASSIC, pictures[0], Prompts(((40.0, 40.0),)))
    candidates = segmenting.segment(request, context()).candidates
    assert {candidate.score for candidate in candidates} == {None}
    told: list[Any] = []
    box = DrawnBox(0, "disc", (16.0, 16.0, 64.0, 64.0))
    drawn = Outline(4, CLASSIC, ((1, pictures[0], (box,)),))
    outline(drawn, Context(4, told.append, lambda: False))
    (shape,) = next(report for report in told if isinstance(report, Predicted)).shapes
    assert shape.score is None
    assert abs(shape.geometry.area() - np.pi * 20.5**2) < 150


def test_an_image_too_large_is_refused_before_it_is_read(
    pictures: list[str], monkeypatch: Any
) -> None:
    monkeypatch.setattr(segmenting, "MAX_PIXELS", 100)
    monkeypatch.setattr(model, "read_image", lambda _path: pytest.fail("it was read"))
    segmenting.forget_image()
    with pytest.raises(ImageError, match="120 × 100 pixels"):
        segmenting.encode(Encode(1, CLASSIC, pictures[0]), context())
