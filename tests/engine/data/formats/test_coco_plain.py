"""Annotations that are read many at a time come out as those that are read one by one."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from engine.data.formats import coco
from engine.data.images import write_image

_SIZE_WH = (64, 48)
_SQUARE = [4, 4, 40.5, 4, 40.5, 30, 4, 30]
_numbers = st.one_of(
    st.integers(-3, 70), st.floats(-2, 66, width=32), st.sampled_from([1e8, 1e-9, -0.0])
)
_rings = st.one_of(
    st.lists(_numbers, min_size=4, max_size=14),
    st.lists(st.integers(0, 6), min_size=6, max_size=16),  # often flat, crossing or touching itself
    st.just(_SQUARE),
)
_rows = st.fixed_dictionaries(
    {
        "id": st.integers(1, 6),
        "image_id": st.just(1),
        "category_id": st.sampled_from([1, 1, 1, 2, 9]),
        "segmentation": st.one_of(st.lists(_rings, min_size=1, max_size=2), st.just([])),
        "bbox": st.one_of(
            st.just([4, 4, 36.5, 26]), st.lists(_numbers, min_size=4, max_size=4), st.just([])
        ),
    },
    optional={
        "iscrowd": st.sampled_from([0, 0, 1, False]),
        "area": st.sampled_from([1.5, None, "much"]),
        "score": st.floats(0, 1),
        "attributes": st.just({"occluded": True}),
    },
)


def _set(folder: Path, rows: list[Any]) -> Path:
    path = folder / "set.json"
    categories = [{"id": 1, "name": "a"}, {"id": 2, "name": "b"}]
    width, height = _SIZE_WH
    images = [{"id": 1, "file_name": "a.png", "width": width, "height": height}]
    document = {"images": images, "annotations": rows, "categories": categories}
    path.write_text(json.dumps(document), encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("plain")
    write_image(folder / "a.png", np.zeros((_SIZE_WH[1], _SIZE_WH[0], 3), np.uint8))
    return folder


def _read(path: Path, many: int) -> tuple[list[Any], list[Any]]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(coco, "_MANY", many)
        dataset = coco.read(path)
    told = [(p.reason, p.kind, p.line) for p in dataset.skipped]
    return [list(image.annotations or ()) for image in dataset.images], told


@settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(rows=st.lists(_rows, min_size=1, max_size=6))
def test_both_ways_agree(place: Path, rows: list[Any]) -> None:
    path = _set(place, rows)
    assert _read(path, many=0) == _read(path, many=1000)


def test_what_is_plain_is_read_together(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    row = {"image_id": 1, "category_id": 2, "segmentation": [_SQUARE], "bbox": [4, 4, 36.5, 26]}
    odd = row | {"id": 3, "attributes": {"occluded": True}}
    path = _set(place, [row | {"id": 1, "iscrowd": 0, "area": 3.5}, row | {"id": 2}, odd])
    one_by_one: list[int] = []
    annotation_of = coco.annotation_of

    def counted(row: Any, *rest: Any) -> Any:
        one_by_one.append(row["id"])
        return annotation_of(row, *rest)

    monkeypatch.setattr(coco, "annotation_of", counted)
    images, told = _read(path, many=0)
    assert one_by_one == [3]
    assert [shape.class_id for shape in images[0]] == [1, 1, 1]
    assert images[0][0].geometry.exterior == ((4, 4), (40.5, 4), (40.5, 30), (4, 30))
    assert told == []
