"""What lies between key frames, read for a fill that may be thousands of images long."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from studio.model.edits.base import Edit
from studio.model.edits.tracks import Gap, fill_gaps
from studio.model.project import Project
from studio.model.records import Shape
from studio.model.tracks import shape_of_track, track_of
from studio.storage.project_files import open_project
from studio.storage.sequences import FrameTimes, frames_beside, next_key_frame


def plan_fill(folder: Path, shapes: Sequence[Shape]) -> tuple[int, Edit | None]:
    """Return how many gaps there are beside key shapes, and the edit that fills them; for any thread.

    Args:
        folder: Of the project, which is opened to read.
        shapes: Key shapes with a track each.

    Returns:
        The number of gaps, and None where no image lies in them or all have the shape.

    Raises:
        EngineError: The project cannot be read, or two key frames have nothing in common.
    """
    with open_project(folder, read_only=True) as project:
        gaps = [gap for shape in shapes for gap in read_gaps(project, shape)]
        return len(gaps), fill_gaps(gaps, frame_times(project, gaps)) if gaps else None


def read_gaps(project: Project, shape: Shape) -> list[Gap]:
    """Return what lies between a shape and the key frames of its track on both sides."""
    track = track_of(shape)
    gaps: list[Gap] = []
    for back in (True, False):
        far = None if track is None else next_key_frame(project, shape.image_id, track, back)
        other = None if far is None else shape_of_track(project.shapes(far), track or 0)
        if far is None or other is None:
            continue
        frames = [shape.image_id]
        for image_id in frames_beside(project, shape.image_id, back):
            frames.append(image_id)
            if image_id == far:
                break
        first, last = (other, shape) if back else (shape, other)
        ordered = frames[::-1] if back else frames
        gaps.append((ordered, first, last, {i: project.shapes(i) for i in ordered[1:-1]}))
    return gaps


def frame_times(project: Project, gaps: Sequence[Gap]) -> Mapping[int, float]:
    """Return when the images of gaps were seen, seconds, of those that are frames of a video."""
    times = FrameTimes()
    frames = {image_id for gap in gaps for image_id in gap[0]}
    seen = {record.id: times.of(record.path) for record in project.images([*frames])}
    return {image_id: time for image_id, time in seen.items() if time is not None}
