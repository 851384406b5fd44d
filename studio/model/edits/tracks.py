"""Edits of tracks: numbering shapes, and filling in what lies between two key frames."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from engine.data.annotations.attribute_names import TRACK_ID
from studio.language import ntr, tr
from studio.model.edits.base import Edit
from studio.model.edits.batch import Batch
from studio.model.edits.fields import SetFields, shape_count
from studio.model.edits.shapes import AddShapes, RemoveShapes
from studio.model.geometry_ops.between import between
from studio.model.records import Shape
from studio.model.tracks import FILLED_IN, is_key, shape_of_track, shares, track_of, with_track

# The frames of a gap in their order, the key shapes at its ends, and what is on each frame already.
Gap = tuple[Sequence[int], Shape, Shape, Mapping[int, Sequence[Shape]]]


def number_tracks(shapes: Sequence[Shape], first: int) -> SetFields | None:
    """Return the edit that gives each shape without a track one of its own, from ``first`` on; None where all have one."""
    free = [shape for shape in shapes if track_of(shape) is None]
    after = {
        shape.id: {"attributes": {**shape.attributes, TRACK_ID: first + at}}
        for at, shape in enumerate(free)
    }
    label = tr("Number {shapes} as tracks").format(shapes=shape_count(len(after)))
    return SetFields(after, label) if after else None


def fill_gaps(gaps: Sequence[Gap], times: Mapping[int, float] | None = None) -> Edit | None:
    """Return the edit that puts shapes between key frames; None where there is no frame between them.

    What was filled in before is made anew, what somebody drew or locked in between is left alone. Class and attributes are those
    of the nearer key frame.

    Args:
        gaps: What to fill.
        times: When each image was seen, seconds; None: frames are even.

    Raises:
        EditError: Two key frames have nothing in common.
    """
    fresh: list[Shape] = []
    old: list[Shape] = []
    for frames, first, last, there in gaps:
        track = track_of(first)
        for image_id, share in list(zip(frames, shares(times, frames), strict=True))[1:-1]:
            known = shape_of_track(there.get(image_id, ()), track) if track is not None else None
            if known is not None and (is_key(known) or known.locked):
                continue
            old += [known] if known is not None else []
            fresh.append(_filled(first, last, share, image_id))
    if not fresh:
        return None
    frames_text = ntr("image", "{count:,} images", len(fresh)).format(count=len(fresh))
    label = tr("Fill in between key frames on {images}").format(images=frames_text)
    edits: list[Edit] = [RemoveShapes(tuple(old))] if old else []
    return Batch((*edits, AddShapes(tuple(fresh))), label)


def _filled(first: Shape, last: Shape, share: float, image_id: int) -> Shape:
    nearer = first if share < 0.5 else last
    shape = replace(
        nearer,
        id=0,
        z=0,
        image_id=image_id,
        geometry=between(first.geometry, last.geometry, share),
        source=FILLED_IN,
        score=None,
        locked=False,
        hidden=False,
    )
    track = track_of(first)
    return shape if track is None else with_track(shape, track)
