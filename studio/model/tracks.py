"""One object through the images of a sequence: shapes that carry one track number."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from engine.data.annotations.attribute_names import TRACK_ID
from studio.model.records import Shape

FILLED_IN = "interpolated"
"""Source of a shape between two key frames; drawn upon by a person it is a key frame itself."""
FOLLOWED = "tracked"
"""Source of a shape that was followed from another image."""


def track_of(shape: Shape) -> int | None:
    """Return the number of a shape's track, None where it has none."""
    value = shape.attributes.get(TRACK_ID)
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def is_key(shape: Shape) -> bool:
    """Tell whether a shape of a track was put where it is, not reckoned from its neighbours."""
    return shape.source != FILLED_IN


def shape_of_track(shapes: Iterable[Shape], track: int) -> Shape | None:
    """Return the shape of a track among those of an image, a key shape first; None where there is none."""
    found = [shape for shape in shapes if track_of(shape) == track]
    return min(found, key=lambda shape: not is_key(shape), default=None)


def without_tracks(shapes: Sequence[Shape], tracks: Iterable[int]) -> list[Shape]:
    """Return the shapes that belong to none of these tracks."""
    unwanted = set(tracks)
    return [shape for shape in shapes if track_of(shape) not in unwanted]


def with_track(shape: Shape, track: int) -> Shape:
    """Return the shape as one of a track."""
    return replace(shape, attributes={**shape.attributes, TRACK_ID: track})


def off_track(shape: Shape) -> Shape:
    """Return the shape as one of no track."""
    kept = {name: value for name, value in shape.attributes.items() if name != TRACK_ID}
    return replace(shape, attributes=kept)


def shares(times: Mapping[int, float] | None, frames: Sequence[int]) -> list[float]:
    """Return how far each frame lies from the first to the last, 0..1, by time where every frame has one.

    Args:
        times: Seconds by image id, None where they are not known.
        frames: Image ids in their order, two or more.
    """
    places = [float(i) for i in range(len(frames))]
    if times is not None and all(frame in times for frame in frames):
        seen = [times[frame] for frame in frames]
        if all(a < b for a, b in itertools.pairwise(seen)):
            places = seen
    return [(place - places[0]) / (places[-1] - places[0]) for place in places]
