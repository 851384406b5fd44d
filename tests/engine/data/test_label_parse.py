from __future__ import annotations

import numpy as np
import pytest

from engine.data.images import list_images
from engine.data.labels.parse import crosses_itself, decode_text, parse_label_text
from engine.data.labels.verify import verify_image

BOX = "0.468750 0.531250 0.468750 0.562500"
QUAD = "0.234375 0.250000 0.703125 0.265625 0.683594 0.796875 0.253906 0.812500"


def parse(text, nc=2, **options):
    rows, problems = parse_label_text(text, nc, "a.txt", **options)
    return rows, {p.line: p for p in problems}


def test_boxes_and_polygons():
    rows, problems = parse(f"0 {BOX}\n1 {QUAD}\n")
    assert not problems
    assert [r.class_id for r in rows] == [0, 1]
    assert rows[0].polygon is None
    assert rows[0].box == pytest.approx([0.46875, 0.53125, 0.46875, 0.5625])
    assert rows[1].polygon.shape == (4, 2)
    assert rows[1].box == pytest.approx([0.46875, 0.53125, 0.46875, 0.5625])


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("0", "received 0"),
        ("0 0.2 0.2", "received 2"),
        ("0 0.2 0.2 0.8 0.8 0.5", "received 5"),
        ("0 0.1 0.1 0.2 0.2 0.3 0.3 0.4", "received 7"),
        ("99 " + BOX, "has 2 \\(0 to 1\\)"),
        ("-1 " + BOX, "whole class number"),
        ("1.5 " + BOX, "whole class number"),
        ("moto " + BOX, "received 'moto'"),
        ("nan " + BOX, "whole class number"),
        ("0 nan 0.5 0.2 0.2", "not finite"),
        ("0 0.5 0.5 -inf 0.2", "not finite"),
        ("0 1e400 0.5 0.2 0.2", "not finite"),
        ("# a comment", "Comments"),
        ("0 0,5 0,5 0,2 0,2", "decimals with a point"),
        ("0 0.5 0.5 0.2 \ufffd", "not a number"),
        ("0 0.5 0.5 0 0.3", "no area"),
        ("0 0.1 0.1 0.2 0.2 0.3 0.3", "no area"),
        ("0 0.4 0.4 0.4 0.4 0.4 0.4", "no area"),
        ("0 1.2 0.5 0.1 0.1", "outside"),
        ("0 1.2 1.2 1.5 1.2 1.5 1.5", "outside"),
        ("0 120 170 120 180", "looks like pixels"),
    ],
)
def test_a_bad_line_is_reported_and_the_rest_is_kept(line, reason):
    rows, problems = parse(f"1 {BOX}\n{line}\n1 {QUAD}\n")
    assert [r.line for r in rows] == [1, 3]
    assert problems[2].kind == "skipped"
    assert pytest.importorskip("re").search(reason, problems[2].reason)
    assert str(problems[2]).startswith("a.txt, line 2: ")


@pytest.mark.parametrize(
    ("line", "box", "reason"),
    [
        ("0 0.5 0.5 1.4 0.5", [0.5, 0.5, 1.0, 0.5], "cut at the border"),
        ("0 0.5 0.5 -0.3 0.4", [0.5, 0.5, 0.3, 0.4], "swapped"),
        ("0 0.2 0.2 0.8 0.8", [0.3, 0.3, 0.6, 0.6], "cut at the border"),
        ("0 0.08 0.06 0.1 0.09 0.93", [0.08, 0.06, 0.1, 0.09], "score 0.93"),
        ("0 -0.1 0.2 0.5 0.2 0.5 1.3", [0.25, 0.6, 0.5, 0.8], "cut at the border"),
    ],
)
def test_a_usable_line_is_changed_with_a_note(line, box, reason):
    rows, problems = parse(line)
    assert rows[0].box == pytest.approx(box, abs=1e-6)
    assert problems[1].kind == "changed"
    assert reason in problems[1].reason


def test_rounding_at_the_border_is_no_problem():
    rows, problems = parse("0 0.5 0.5 1.0002 1.0")
    assert not problems
    assert rows[0].box == pytest.approx([0.5, 0.5, 1, 1])


def test_duplicates_are_dropped_but_other_classes_stay():
    rows, problems = parse(f"0 {BOX}\n0 {BOX}\n1 {BOX}\n0  {BOX}\n")
    assert [r.line for r in rows] == [1, 3]
    assert "same as line 1" in problems[2].reason
    assert sorted(problems) == [2, 4]


def test_a_bow_tie_is_kept_and_flagged():
    rows, problems = parse("0 0.2 0.25 0.7 0.8 0.7 0.25 0.2 0.8")
    assert len(rows) == 1
    assert problems[1].kind == "note"
    assert "crosses itself" in problems[1].reason


def test_crossing_is_told_from_touching():
    bridge = np.array(
        [[0, 0], [9, 0], [9, 9], [0, 9], [0, 5], [3, 5], [3, 6], [6, 3], [3, 5], [0, 5]]
    )
    assert not crosses_itself(bridge)
    assert crosses_itself(np.array([[0, 0], [4, 4], [4, 0], [0, 4]]))
    angle = np.arange(200) / 200 * 2 * np.pi
    circle = np.stack((np.cos(angle), np.sin(angle)), 1)
    assert not crosses_itself(circle)
    circle[[50, 120]] = circle[[120, 50]]
    assert crosses_itself(circle)


def test_keypoints():
    text = "0 0.5 0.5 0.4 0.4 0.5 0.5 2 0.6 0.6 1\n0 0.5 0.5 0.4 0.4 0.5 0.5 2\n0 0.5 0.5 0.4 0.4 0.5 0.5 7 0.6 0.6 -1\n"
    rows, problems = parse(text, kpt_shape=(2, 3))
    assert rows[0].keypoints.tolist() == pytest.approx(np.array([[0.5, 0.5, 2], [0.6, 0.6, 1]]))
    assert "received 7" in problems[2].reason
    assert "visibility" in problems[3].reason
    rows, problems = parse("0 0.5 0.5 0.4 0.4 0.5 0.5 0.6 0.6\n", kpt_shape=(2, 2))
    assert rows[0].keypoints[:, 2].tolist() == [2, 2]


@pytest.mark.parametrize("text", ["", "\n\n", "\r\n", "\ufeff"])
def test_empty_text_has_no_rows_and_no_problems(text):
    assert parse(text) == ([], {})


def test_encodings():
    text = "0 0.5 0.5 0.2 0.2\r\n"
    for data in (text.encode(), text.encode("utf-8-sig"), text.encode("utf-16")):
        assert len(parse(decode_text(data))[0]) == 1
    assert len(parse("\t1\t0.5\t0.5\t0.2\t0.2  ")[0]) == 1


# case -> image stem -> (lines kept, lines with a problem)
MANIFEST = {
    "03-nan-inf/yolo": {"img": ([4], [1, 2, 3])},
    "04-class-out-of-range": {"img": ([5], [1, 2, 3, 4])},
    "05-polygon-under-3-points/yolo": {"img": ([2, 5], [1, 2, 3, 4])},
    "06-self-intersecting/yolo": {"img": ([1], [1])},
    "07-zero-area/yolo": {"img": ([6], [1, 2, 3, 4, 5])},
    "08-negative-size/yolo": {"img": ([1], [1])},
    "09-duplicate-lines": {"img": ([1, 5], [2, 3, 4])},
    "26-text-encodings": {"img": ([1, 3], [4, 5]), "latin1": ([], [1])},
    "27-coords-out-of-range": {"img": ([1, 3, 5], [1, 2, 3, 4])},
    "33-mixed-columns/seg": {"img": ([1, 2, 3], [3])},
    "33-mixed-columns/pose": {"img": ([1], [2, 3])},
}


@pytest.mark.parametrize("case", MANIFEST)
def test_cases_of_the_manifest(shared_dir, case):
    shape = (2, 3) if case.endswith("pose") else None
    for image in list_images(shared_dir / "datasets/formats/bad" / case):
        result = verify_image(image, 2, shape)
        kept, reported = MANIFEST[case][image.stem]
        assert [row.line for row in result.rows] == kept
        assert sorted({p.line for p in result.problems}) == reported
        assert all(np.isfinite(row.box).all() and (row.box[2:] > 0).all() for row in result.rows)
