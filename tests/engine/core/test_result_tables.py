from __future__ import annotations

import csv
import io
import json
import sys

import cv2
import numpy as np
import pytest
import torch

from engine.core.results import Results
from engine.runtime.errors import ConfigError, ImageError


@pytest.fixture
def result():
    rows = torch.tensor([[10.0, 5, 30, 25, 0.9, 1], [40, 10, 50, 30, 0.5, 0]])
    return Results(np.full((40, 60, 3), 90, np.uint8), "a.png", {0: "nut", 1: "bolt"}, boxes=rows)


def test_a_data_frame_has_a_row_for_each_object(result):
    pytest.importorskip("pandas")
    frame = result.to_df()
    assert list(frame.columns) == ["name", "class", "confidence", "box"]
    assert frame["name"].tolist() == ["bolt", "nut"]
    assert frame["box"][0] == {"x1": 10.0, "y1": 5.0, "x2": 30.0, "y2": 25.0}
    assert result.to_df(normalize=True)["box"][0]["x2"] == 0.5
    assert len(result[:0].to_df()) == 0


def test_without_pandas_and_polars_it_is_said_what_to_install(result, monkeypatch):
    monkeypatch.setitem(sys.modules, "pandas", None)
    monkeypatch.setitem(sys.modules, "polars", None)
    with pytest.raises(ConfigError, match="pip install pandas"):
        result.to_df()


def test_text_for_spreadsheets_keeps_every_value(result):
    rows = list(csv.DictReader(io.StringIO(result.to_csv())))
    assert [row["name"] for row in rows] == ["bolt", "nut"]
    assert json.loads(rows[1]["box"]) == result.summary()[1]["box"]
    assert result[:0].to_csv() == ""


def test_a_drawn_picture_is_written_where_it_is_asked_for(result, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert result.save() == "results_a.jpg"
    assert result.save(tmp_path / "deep/er.png", labels=False) == str(tmp_path / "deep/er.png")
    drawn = result.plot(save=True, filename="plain.png", txt_color=(1, 2, 3), font_size=14)
    assert np.array_equal(cv2.imread("plain.png"), drawn)
    assert (drawn == (1, 2, 3)).all(2).any()
    assert cv2.imread("results_a.jpg").shape == (40, 60, 3)
    with pytest.raises(ImageError, match="Cannot write"):
        result.save("a.nothing")
