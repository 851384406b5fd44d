"""Following shapes through a sequence: what the worker finds becomes suggestions with the track's number as it arrives."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from PySide6.QtCore import QObject, QTimer, Signal

from engine.data.annotations.attribute_names import TRACK_ID
from engine.runtime.errors import EngineError
from studio.jobs.client import Job, JobsClient
from studio.jobs.messages import Failed, Followed, FollowedShape, MarkedShape, TrackMethod
from studio.language import ntr, tr
from studio.model.geometry_ops.parts import fit_into
from studio.model.project import Project
from studio.model.records import Shape, new_shape
from studio.model.tracks import FOLLOWED, shape_of_track, track_of, without_tracks

_FLUSH_MS = 400  # one transaction for all images of that time


@dataclass(frozen=True)
class Tracking:
    """What to follow, and how.

    Attributes:
        frames: Image ids in their order; the shapes lie on the first.
        shapes: Shapes with a track each.
        method: See :class:`studio.jobs.messages.Track`.
        model: Path of a detector, or the name of the weights of SAM 2.
        segmenter: Outlines again what was found; empty for no.
    """

    frames: tuple[int, ...]
    shapes: tuple[Shape, ...]
    method: TrackMethod = "motion"
    model: str = ""
    segmenter: str = ""


@dataclass
class TrackCount:
    """How following went.

    Attributes:
        shapes: Suggestions made.
        images: Images that got any.
        ended: Name of the image on which a track was seen last, by its number, of tracks that ended early.
        problems: Why images were passed over.
    """

    shapes: int = 0
    images: int = 0
    ended: dict[int, str] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)

    def sentence(self) -> str:
        """Return the outcome in one or two sentences."""
        images = ntr("{count:,} image", "{count:,} images", self.images).format(count=self.images)
        parts = [
            ntr(
                "{count:,} suggestion on {images}.",
                "{count:,} suggestions on {images}.",
                self.shapes,
            ).format(count=self.shapes, images=images)
        ]
        parts += [
            tr("Track {track} was lost after {name}.").format(track=track, name=name)
            for track, name in sorted(self.ended.items())
        ]
        if self.problems:
            passed = ntr(
                "{count:,} image was passed over.",
                "{count:,} images were passed over.",
                len(self.problems),
            )
            parts.append(passed.format(count=len(self.problems)))
        return " ".join(parts)


class TrackSink:
    """Takes what was followed and writes it as suggestions, many images in one transaction. Knows no Qt.

    A track ends where somebody has drawn it already; suggestions of other tracks stay.

    Args:
        project: Gets the suggestions; used from the caller's thread only.
        tracking: What is followed.
    """

    def __init__(self, project: Project, tracking: Tracking) -> None:
        self._project, self._tracking = project, tracking
        self._shapes = {track_of(shape): shape for shape in tracking.shapes}
        self._waiting: dict[int, list[Shape]] = {}
        self._met: set[int] = set()
        self.last = {track: tracking.frames[0] for track in self._shapes if track is not None}
        self.count = TrackCount()

    def take(self, followed: Followed) -> None:
        """Take the shapes of one image; :meth:`flush` writes them."""
        if followed.problem is not None:
            self.count.problems.append(followed.problem)
            return
        drawn = self._project.shapes(followed.key)
        self._met |= {t for t in self.last if shape_of_track(drawn, t) is not None}
        record = self._project.image(followed.key)
        size = record.width, record.height
        fresh = [
            shape
            for found in followed.shapes
            if found.track not in self._met and (shape := self._shape(followed.key, found, size))
        ]
        self.last |= {found.track: followed.key for found in followed.shapes}
        if fresh:
            self._waiting[followed.key] = fresh
            self.count.shapes += len(fresh)
            self.count.images += 1

    def flush(self) -> None:
        """Write what was taken.

        Raises:
            StorageError: It cannot be written.
        """
        waiting, self._waiting = self._waiting, {}
        if not waiting:
            return
        tracks = [track for track in self._shapes if track is not None]
        self._project.set_many_suggestions(
            {
                image_id: [*without_tracks(self._project.suggestions(image_id), tracks), *fresh]
                for image_id, fresh in waiting.items()
            }
        )

    def finish(self) -> TrackCount:
        """Return how it went: tracks that were not seen to the end are named."""
        end = self._tracking.frames[-1]
        ended = {t: at for t, at in self.last.items() if at != end and t not in self._met}
        names = {record.id: record.path.name for record in self._project.images([*ended.values()])}
        self.count.ended = {t: names.get(at, "?") for t, at in ended.items()}
        return self.count

    def _shape(self, image_id: int, found: FollowedShape, size: tuple[int, int]) -> Shape | None:
        origin = self._shapes[found.track]
        geometry = fit_into(found.geometry, size) if all(size) else found.geometry
        if geometry is None:
            return None
        attributes = {**origin.attributes, TRACK_ID: found.track}
        return new_shape(image_id, origin.class_id, geometry, FOLLOWED, found.score, attributes)


class TrackRun(QObject):
    """Runs until the shapes are lost or the images are done; what has arrived when it is cancelled stays.

    Signals:
        progressed(object): A ``Progress``.
        finished(object): A :class:`TrackCount`, also after a cancellation.
        failed(object): A ``Failed``; suggestions that had arrived are kept.

    Args:
        project: Gets the suggestions.
        jobs: Follows the shapes.
        tracking: What to do.
    """

    progressed = Signal(object)
    finished = Signal(object)
    failed = Signal(object)

    def __init__(
        self,
        project: Project,
        jobs: JobsClient,
        tracking: Tracking,
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self._sink = TrackSink(project, tracking)
        self._timer = QTimer(self)
        self._timer.setInterval(_FLUSH_MS)
        self._timer.timeout.connect(self._flush)
        self._timer.start()
        self._job: Job | None = jobs.track(
            _paths(project, tracking.frames),
            _marked(project, tracking.shapes),
            tracking.method,
            tracking.model,
            tracking.segmenter,
        )
        self._job.progressed.connect(self.progressed)
        self._job.predicted.connect(self._on_followed)
        self._job.finished.connect(lambda _done: self._end(None))
        self._job.failed.connect(self._end)

    def cancel(self) -> None:
        """Stop after the present image."""
        if self._job is not None:
            self._job.cancel()

    def leave(self) -> None:
        """Stop because the project closes."""
        job, self._job = self._job, None
        self._timer.stop()
        self._sink.flush()
        if job is not None:
            job.cancel()

    def _on_followed(self, followed: Followed) -> None:
        if self._job is not None:
            self._sink.take(followed)

    def _flush(self) -> None:
        try:
            self._sink.flush()
        except EngineError as error:
            job, self._job = self._job, None
            self._timer.stop()
            if job is not None:
                job.cancel()
                self.failed.emit(Failed(job.number, "disk", str(error), error.remedy or ""))

    def _end(self, failed: Failed | None) -> None:
        self._flush()
        self._timer.stop()
        if self._job is None:  # it was given up, which was told
            return
        self._job = None
        if failed is None or failed.kind == "cancelled":
            self.finished.emit(self._sink.finish())
        else:
            self.failed.emit(failed)


def _paths(project: Project, frames: Sequence[int]) -> list[tuple[int, Path]]:
    return [(record.id, record.path) for record in project.images(frames)]


def _marked(project: Project, shapes: Sequence[Shape]) -> list[MarkedShape]:
    names = {cls.id: cls.name for cls in project.classes()}
    return [
        MarkedShape(track, names[shape.class_id], shape.geometry)
        for shape in shapes
        if (track := track_of(shape)) is not None
    ]
