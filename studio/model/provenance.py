"""Where a shape came from: by hand, from a model, pointed at; by which model; who accepted it, and when.

``Shape.source`` says the kind; the rest are attributes under the names that all formats share, so that searches
find them and exports keep them.
"""

from __future__ import annotations

import calendar
import hashlib
import time
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

from engine.data.annotations.attribute_names import (
    ACCEPTED_AT,
    ACCEPTED_BY,
    ANNOTATION_MODEL,
    ANNOTATION_SOURCE,
)
from studio.language import tr
from studio.model.records import Shape
from studio.model.tracks import FILLED_IN, FOLLOWED

DRAWN: Final = "drawn"
IMPORTED: Final = "imported"
MODEL: Final = "model"
ASSISTED: Final = "assisted"
SOURCE_WORDS: dict[str, str] = {
    DRAWN: tr("drawn by hand"),
    IMPORTED: tr("imported"),
    MODEL: tr("accepted from a model"),
    ASSISTED: tr("pointed at, outlined by a segmenter"),
    FOLLOWED: tr("followed from another image"),
    FILLED_IN: tr("filled in between key frames"),
}
_TOLD_ELSEWHERE = (
    DRAWN,
    IMPORTED,
)  # a shape that says nothing was drawn; imported is the file's own word
_SAMPLE = 1 << 16  # bytes
_ISO = "%Y-%m-%dT%H:%M:%SZ"


def model_words(model: str | Path, segmenter: str = "") -> str:
    """Return what names a model and its version: ``train-3/best.pt 9f2c41d0, sam_b.pt``.

    Args:
        model: Path of the weights; empty where only a segmenter was at work.
        segmenter: What outlined the model's boxes, empty for nothing.
    """
    return ", ".join(filter(None, map(_named, (str(model), segmenter))))


def fingerprint(path: Path) -> str:
    """Return eight digits that differ where the file differs, empty where it cannot be read.

    Read are the size and three samples of 64 KiB, the end among them: there the archive that weights are lists
    the checksums of all its parts. So a file of hundreds of megabytes takes a few milliseconds.
    """
    try:
        with path.open("rb") as file:
            size = file.seek(0, 2)
            digest = hashlib.sha256(str(size).encode())
            for start in (0, size // 2, max(size - _SAMPLE, 0)):
                file.seek(start)
                digest.update(file.read(_SAMPLE))
    except OSError:
        return ""
    return digest.hexdigest()[:8]


def accepted_now(person: str, now: float | None = None) -> dict[str, str]:
    """Return the attributes that say who accepts a shape now.

    Args:
        person: As the computer calls them; empty: nobody knows.
        now: Seconds since the epoch, None for the present.
    """
    at = time.strftime(_ISO, time.gmtime(now))
    return ({ACCEPTED_BY: person} if person else {}) | {ACCEPTED_AT: at}


def accepted_words(attributes: Mapping[str, Any]) -> str:
    """Return who accepted a shape and when in the time of this place, empty where nobody did."""
    at, by = attributes.get(ACCEPTED_AT), attributes.get(ACCEPTED_BY)
    when = _local(str(at)) if at else ""
    if not by:
        return when
    return tr("{when} by {person}").format(when=when, person=by) if when else str(by)


def told_attributes(shape: Shape) -> dict[str, Any]:
    """Return a shape's attributes as files get them: those of a model say so."""
    if shape.source in _TOLD_ELSEWHERE:
        return shape.attributes
    return {**shape.attributes, ANNOTATION_SOURCE: shape.source}


def from_file(shape: Shape) -> Shape:
    """Return an imported shape with the source that its file tells, which is no attribute then."""
    source = shape.attributes.get(ANNOTATION_SOURCE)
    if source not in SOURCE_WORDS:
        return shape
    rest = {name: value for name, value in shape.attributes.items() if name != ANNOTATION_SOURCE}
    return replace(shape, source=source, attributes=rest)


def model_of(attributes: Mapping[str, Any]) -> str:
    """Return the model that made a shape, empty where nobody knows."""
    return str(attributes.get(ANNOTATION_MODEL) or "")


def _named(model: str) -> str:
    if not model:
        return ""
    path = Path(model)
    # runs keep their weights in RUN/weights: "best.pt" alone would say nothing
    name = f"{path.parent.parent.name}/{path.name}" if path.parent.name == "weights" else path.name
    return f"{name} {fingerprint(path)}".strip()


def _local(at: str) -> str:
    """Return a time of the formats in this place's time, to the minute; a text that is none as it is."""
    try:
        seconds = calendar.timegm(time.strptime(at, _ISO))
    except ValueError:
        return at
    return time.strftime("%Y-%m-%d %H:%M", time.localtime(seconds))
