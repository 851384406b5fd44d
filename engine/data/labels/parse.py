"""Label text of the field: one object a line, coordinates as fractions of the picture.

``class x y w h`` is a box, ``class x1 y1 x2 y2 x3 y3 ...`` a polygon, ``class x y w h score`` a prediction;
with ``kpt_shape`` a box is followed by its keypoints. For oriented boxes the points are their corners, which
may lie outside the picture: cutting them off would turn the box. Every line that cannot be used becomes a
:class:`Problem` and the others are read. Only text is handled here, no files.
"""

from __future__ import annotations

import codecs
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from engine.data.clip import clip_polygon
from engine.data.problems import Problem

# Rounding of exporters overshoots the border by less than this; only more is worth a note.
_OVERSHOOT = 1e-3
# Fractions beyond this are no slip at the border but pixels.
_PIXELS = 2.0
_MIN_AREA = 1e-12


@dataclass(frozen=True)
class LabelRow:
    """One object of a label file, coordinates as fractions 0..1 of width and height.

    Attributes:
        line: 1-based line in the file.
        class_id: Index of the class.
        box: (4,) float32 centre x, centre y, width, height.
        polygon: (n, 2) float32, or None where the line is a box. Corners of oriented boxes may lie outside.
        keypoints: (k, 3) float32 x, y, visibility, or None.
        score: Confidence where the line has one.
    """

    line: int
    class_id: int
    box: np.ndarray
    polygon: np.ndarray | None = None
    keypoints: np.ndarray | None = None
    score: float | None = None


class _BadLineError(ValueError):
    """The line cannot be used; the text says why and what to do."""


def decode_text(data: bytes) -> str:
    """Decode UTF-8 with or without a byte order mark, or UTF-16 with one; other bytes become U+FFFD."""
    for mark, encoding in (
        (codecs.BOM_UTF8, "utf-8-sig"),
        (codecs.BOM_UTF16_LE, "utf-16"),
        (codecs.BOM_UTF16_BE, "utf-16"),
    ):
        if data.startswith(mark):
            return data.decode(encoding, errors="replace")
    return data.decode("utf-8", errors="replace")


def parse_label_text(
    text: str,
    nc: int | None = None,
    file: str | Path = "",
    kpt_shape: tuple[int, int] | None = None,
    oriented: bool = False,
) -> tuple[list[LabelRow], list[Problem]]:
    """Read the lines of one label file.

    Args:
        text: Content of the file.
        nc: Number of classes; None accepts every id from 0 on.
        file: For the problems.
        kpt_shape: (number of keypoints, 2 or 3) where the labels have them.
        oriented: Points are the corners of oriented boxes and stay where they are.

    Returns:
        The usable rows in file order and what was found wrong. Objects beyond the border are clipped,
        negative sizes turned, exact duplicates dropped; each of these is a problem of its own kind.
    """
    rows: list[LabelRow] = []
    problems: list[Problem] = []
    seen: dict[tuple[str, ...], int] = {}
    for number, line in enumerate(text.splitlines(), start=1):
        words = line.lstrip("\ufeff").split()
        if not words:
            continue
        notes: list[str] = []
        try:
            first = seen.setdefault(tuple(words), number)
            if first != number:
                raise _BadLineError(f"The line is the same as line {first}. Remove one of them.")
            rows.append(_parse_line(words, number, nc, kpt_shape, oriented, notes))
        except _BadLineError as error:
            problems.append(Problem(Path(file), number, str(error)))
        problems += [Problem(Path(file), number, note, "changed") for note in notes]
    return rows, problems if oriented else problems + _self_crossing(rows, Path(file))


def _parse_line(
    words: list[str],
    number: int,
    nc: int | None,
    kpt_shape: tuple[int, int] | None,
    oriented: bool,
    notes: list[str],
) -> LabelRow:
    if words[0].startswith("#"):
        raise _BadLineError("Comments are not part of this format. Remove the line.")
    class_id = _class_id(words[0], nc)
    values = _numbers(words[1:])
    count = len(values)
    if kpt_shape is not None:
        row = _keypoint_row(values, number, class_id, kpt_shape)
    elif count == 4:
        row = LabelRow(number, class_id, values)
    elif count == 5 and _is_scored_box(values):
        notes.append(f"Six numbers are read as a box with the score {values[4]:g}.")
        row = LabelRow(number, class_id, values[:4], score=float(values[4]))
    elif count >= 6 and count % 2 == 0:
        return _polygon_row(values, number, class_id, notes, cut=not oriented)
    else:
        raise _BadLineError(
            f"Expected a class and 4 numbers (box) or 6, 8, 10 ... (polygon), received {count}. "
            "Correct or remove the line."
        )
    return replace(row, box=_usable_box(row.box, notes))


def _class_id(word: str, nc: int | None) -> int:
    try:
        value = float(word)
    except ValueError:
        raise _BadLineError(
            f"Expected a class number first, received {word[:20]!r}. Write the class's number."
        ) from None
    if not value.is_integer() or value < 0:
        raise _BadLineError(f"Expected a whole class number from 0 on, received {word[:20]}.")
    if nc is not None and value >= nc:
        raise _BadLineError(
            f"Class {int(value)} does not exist: the data set has {nc} (0 to {nc - 1}). "
            "Add it to 'names' or correct the line."
        )
    return int(value)


def _numbers(words: list[str]) -> np.ndarray:
    try:
        values = np.array([float(word) for word in words], dtype=np.float32)
    except ValueError:
        word = next(w for w in words if not _is_number(w))
        hint = " Write decimals with a point." if "," in word else " Correct the line."
        raise _BadLineError(f"{word[:20]!r} is not a number.{hint}") from None
    if not np.isfinite(values).all():
        raise _BadLineError(
            "A coordinate is not finite (NaN or infinity). Correct or remove the line."
        )
    return values


def _refuse_pixels(values: np.ndarray) -> None:
    if values.max() > _PIXELS:
        raise _BadLineError(
            f"{values.max():g} looks like pixels: coordinates must be fractions 0..1. "
            "Divide them by the width and height of the picture."
        )


def _is_number(word: str) -> bool:
    try:
        float(word)
    except ValueError:
        return False
    return True


def _is_scored_box(values: np.ndarray) -> bool:
    """Tell a box with a score from two and a half polygon points: the box must lie in the picture."""
    x, y, w, h, score = values
    inside = (
        min(x - w / 2, y - h / 2) >= -_OVERSHOOT and max(x + w / 2, y + h / 2) <= 1 + _OVERSHOOT
    )
    return bool(inside and 0 <= score <= 1)


def _keypoint_row(
    values: np.ndarray, number: int, class_id: int, kpt_shape: tuple[int, int]
) -> LabelRow:
    points, dims = kpt_shape
    expected = 4 + points * dims
    if len(values) != expected:
        raise _BadLineError(
            f"Expected a class and {expected} numbers (box and {points} keypoints of {dims}), "
            f"received {len(values)}. Correct or remove the line."
        )
    keypoints = values[4:].reshape(points, dims)
    _refuse_pixels(keypoints[:, :2])
    if dims == 2:
        keypoints = np.concatenate((keypoints, np.full((points, 1), 2, np.float32)), axis=1)
    elif not np.isin(keypoints[:, 2], (0, 1, 2)).all():
        raise _BadLineError("The visibility of a keypoint must be 0, 1 or 2. Correct the line.")
    return LabelRow(number, class_id, values[:4], keypoints=keypoints)


def _usable_box(box: np.ndarray, notes: list[str]) -> np.ndarray:
    """Return the box with positive size, cut at the border."""
    _refuse_pixels(box)
    if (box[2:] < 0).any():
        notes.append("A negative size was turned: opposite corners were swapped.")
        box = np.concatenate((box[:2], np.abs(box[2:])))
    if box[2] * box[3] < _MIN_AREA:
        raise _BadLineError("The box has no area. Correct or remove the line.")
    low, high = box[:2] - box[2:] / 2, box[:2] + box[2:] / 2
    if min(low.min(), 1 - high.max()) >= 0:
        return box
    cut_low, cut_high = np.clip(low, 0, 1), np.clip(high, 0, 1)
    if (cut_high <= cut_low).any():
        raise _BadLineError("The box lies outside the picture. Correct or remove the line.")
    if max(-low.min(), high.max() - 1) > _OVERSHOOT:
        notes.append("The box was cut at the border of the picture.")
    return np.concatenate(((cut_low + cut_high) / 2, cut_high - cut_low))


def _polygon_row(
    values: np.ndarray, number: int, class_id: int, notes: list[str], cut: bool
) -> LabelRow:
    _refuse_pixels(values)
    points = values.reshape(-1, 2)
    beyond = max(-points.min(), points.max() - 1)
    if beyond > 0:
        inside = clip_polygon(points, 1.0, 1.0)
        if not len(inside):
            raise _BadLineError("The polygon lies outside the picture. Correct or remove the line.")
        if cut:
            points = inside
            if beyond > _OVERSHOOT:
                notes.append("The polygon was cut at the border of the picture.")
    low, high = points.min(0), points.max(0)
    if (high - low).prod() < _MIN_AREA or _is_flat(points):
        raise _BadLineError("The polygon has no area. Correct or remove the line.")
    box = np.concatenate(((low + high) / 2, high - low))
    return LabelRow(number, class_id, box, np.ascontiguousarray(points))


def _is_flat(points: np.ndarray) -> bool:
    """Say whether all points lie on one line (a bow-tie has no signed area but is not flat)."""
    offset = (points - points[0]).astype(np.float64)
    far = offset[int((offset**2).sum(1).argmax())]
    across = np.abs(offset[:, 0] * far[1] - offset[:, 1] * far[0])
    return bool(across.max() < 1e-6 * (far @ far))


def _self_crossing(rows: list[LabelRow], file: Path) -> list[Problem]:
    """Note polygons whose outline crosses itself; touching itself (a bridge to a hole) is fine."""
    with_polygon = [row for row in rows if row.polygon is not None]
    note = "The outline crosses itself; areas covered twice count as outside. Redraw it if that is wrong."
    return [
        Problem(file, row.line, note, "note") for row in with_polygon if crosses_itself(row.polygon)
    ]


def crosses_itself(points: np.ndarray) -> bool:
    """Say whether two edges of a ring (n, 2) cross in their interiors."""
    if len(points) < 4:
        return False
    # float64: the products of fractions lose the sign of near misses in float32.
    ring = np.asarray(points, dtype=np.float64)
    return _may_cross(ring) and _any_crossing(ring, np.roll(ring, -1, axis=0))


def _may_cross(points: np.ndarray) -> bool:
    """Ask GEOS, which is fast but also counts touching; a ring costs it half of what a polygon does."""
    import shapely

    return not bool(shapely.is_simple(shapely.linearrings(points)))


def _any_crossing(a: np.ndarray, b: np.ndarray) -> bool:
    """Test all pairs of edges a[i]..b[i]: each edge's ends lie strictly on both sides of the other."""
    along = b - a

    def sides(points: np.ndarray) -> np.ndarray:
        """Return on which side of edge i the point j lies, (n, n) of -1, 0, 1."""
        dx, dy = points[None, :, 0] - a[:, None, 0], points[None, :, 1] - a[:, None, 1]
        cross = along[:, None, 0] * dy - along[:, None, 1] * dx
        return np.where(np.abs(cross) < 1e-14, 0, np.sign(cross))

    opposite: Callable[[np.ndarray, np.ndarray], np.ndarray] = lambda s, t: s * t < 0  # noqa: E731
    apart = opposite(sides(a), sides(b))
    return bool((apart & apart.T).any())
