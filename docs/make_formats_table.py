"""Write docs/formats.md: what each format keeps of each kind of shape, found by writing and reading it back.

``python -m docs.make_formats_table``; with ``--check`` it fails where the page is not what it would write.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

import cv2
import numpy as np

from docs import real_formats
from engine.data.annotations import (
    Annotation,
    Box,
    Geometry,
    Keypoints,
    Mask,
    OrientedBox,
    Polygon,
    Polyline,
    Tag,
)
from engine.data.formats import (
    ClassInfo,
    LabelledDataset,
    LabelledImage,
    read,
    write,
)
from engine.data.formats.registry import FORMATS
from engine.runtime.errors import EngineError

PAGE = Path(__file__).parent / "formats.md"
WIDTH, HEIGHT = 120, 80
SQUARE = ((20.0, 10.0), (100.0, 10.0), (100.0, 70.0), (20.0, 70.0))
HOLE = ((40.0, 30.0), (40.0, 50.0), (60.0, 50.0), (60.0, 30.0))
POSE = ("nose", "left", "right")

SHAPES: dict[str, Geometry] = {
    "box": Box(20, 10, 60, 50),
    "outline": Polygon(SQUARE),
    "with a hole": Polygon(SQUARE, (HOLE,)),
    "mask": Mask.from_array(np.pad(np.ones((20, 30), np.uint8), ((20, 40), (30, 60)))),
    "rotated box": OrientedBox(60, 40, 40, 20, 0.5),
    "line": Polyline(((10.0, 10.0), (50.0, 40.0), (90.0, 20.0))),
    "keypoints": Keypoints(((30.0, 30.0), (50.0, 30.0), (70.0, 60.0)), (2, 1, 2)),
    "class of the image": Tag(),
}
FACTS = {"occluded": True, "group_id": 3, "colour": "red"}

INTRO = """\
# Formats

What the studio and `maskwright import` / `maskwright export` read and write. Every format is read and written;
the table says what comes back of a shape that is written and read again: ✓ the same, ~ the same object in another
form (a mask for an outline, corners for a rotated box), – nothing. "Facts" are flags, groups and a person's own
attributes of a shape. Whatever is not kept is named after an export.

This page is made by `python -m docs.make_formats_table`, which writes and reads each.

"""


def main() -> int:
    """Write the page, or check it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true")
    text = page()
    if not parser.parse_args().check:
        PAGE.write_text(text, encoding="utf-8")
        return 0
    return 0 if PAGE.read_text(encoding="utf-8") == text else 1


def page() -> str:
    """Return the page's text."""
    heads = ["format", "`--format`", *SHAPES, "facts"]
    rows = [heads, ["---"] * len(heads)]
    for entry in FORMATS:
        kept = [comes_back(entry.name, kind) for kind in SHAPES]
        rows.append([entry.title, f"`{entry.name}`", *kept, facts_kept(entry.name)])
    return INTRO + "".join(f"| {' | '.join(row)} |\n" for row in rows) + real_files()


def real_files() -> str:
    """Return the section of other programs' files; where they are not at hand, as the page has it."""
    if real_formats.FILES.is_dir():
        return real_formats.section()
    _, heading, rest = PAGE.read_text(encoding="utf-8").partition(real_formats.HEADING)
    return heading + rest


def comes_back(name: str, kind: str) -> str:
    """Return the sign for what is left of a kind of shape."""
    found = round_trip(name, Annotation(SHAPES[kind], 0))
    if not found:
        return "–"
    return "✓" if any(close(SHAPES[kind], a.geometry) for a in found) else "~"


def facts_kept(name: str) -> str:
    """Return the sign for what is left of the facts of a shape that the format holds."""
    for kind in SHAPES:
        found = round_trip(name, Annotation(SHAPES[kind], 0, attributes=FACTS))
        if found:
            kept = [k for k, v in FACTS.items() if found[0].attributes.get(k) == v]
            return "✓" if len(kept) == len(FACTS) else "~" if kept else "–"
    return "–"


def round_trip(name: str, annotation: Annotation) -> list[Annotation]:
    """Return what is read of one shape after it was written."""
    with tempfile.TemporaryDirectory() as folder:
        picture = Path(folder) / "source" / "000001.jpg"
        picture.parent.mkdir()
        cv2.imwrite(str(picture), np.full((HEIGHT, WIDTH, 3), 128, np.uint8))
        image = LabelledImage(picture, WIDTH, HEIGHT, "train", (annotation,))
        keypoints = {"kpt_shape": [3, 3], "kpt_names": list(POSE), "flip_idx": [0, 2, 1]}
        is_pose = isinstance(annotation.geometry, Keypoints)
        dataset = LabelledDataset(
            {0: "part"},
            [image],
            keypoints=keypoints if is_pose else {},
            classes={0: ClassInfo(keypoints=POSE)} if is_pose else {},
        )
        try:
            report = write(dataset, Path(folder) / "out", name)
            again = read(report.path, name)
        except EngineError:
            return []
        return [a for found in again.images for a in found.annotations or ()]


def close(before: Geometry, after: Geometry) -> bool:
    """Tell whether two shapes are of one kind and lie within half a pixel."""
    if type(before) is not type(after):
        return False
    if isinstance(before, Tag):
        return True
    if isinstance(before, Mask):
        return before == after
    if isinstance(before, Polygon):
        return len(before.holes) == len(after.holes) and abs(before.area() - after.area()) < 1
    edges = zip(before.bounds(), after.bounds(), strict=True)
    return all(abs(a - b) < 0.5 for a, b in edges)


if __name__ == "__main__":
    sys.exit(main())
