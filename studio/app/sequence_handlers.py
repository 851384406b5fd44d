"""What the Sequence actions do: follow shapes through images, fill in between key frames, go from one to the next."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

from studio.app.gap_filling import GapFilling
from studio.app.selected import change
from studio.app.shown_run import ShownRun
from studio.jobs.track_run import TrackCount, Tracking, TrackRun
from studio.language import tr, tr_engine
from studio.model.edits.tracks import number_tracks
from studio.model.preferences import SMART_MODEL
from studio.model.records import Shape
from studio.model.runs import list_runs
from studio.model.tracks import is_key, shape_of_track, track_of
from studio.panels.track_bar import MOTION, SAM2, TrackBar
from studio.storage.sequences import FrameTimes, frames_beside, free_track, next_key_frame

if TYPE_CHECKING:
    from studio.app.session import Session
    from studio.app.studio import Studio

_NO_TRACK = tr(
    "Select a shape with a track number first: follow it, or give it a number in the Properties."
)


class SequenceHandlers:
    """Handlers of sequences; without a project they do nothing.

    Args:
        studio: The application's parts.
    """

    def __init__(self, studio: Studio) -> None:
        self._studio = studio
        self._run = ShownRun(studio, lambda progress: progress.text, self._on_followed)
        self._bars: dict[Session, TrackBar] = {}
        self._gaps = GapFilling()
        self.times = FrameTimes()

    @property
    def is_running(self) -> bool:
        """Whether shapes are being followed or filled in."""
        return self._run.is_running or self._gaps.is_running

    def stop(self) -> None:
        """Give the work up, because the project closes; what was found stays."""
        self._bars.clear()
        self._gaps.stop()
        self._run.leave()

    # -- following ---------------------------------------------------------------

    def sequence_follow(self) -> None:
        """Show the bar that follows the selected shapes."""
        session = self._studio.session
        if session is not None and not self._run.is_running:
            self.bar_of(session).start()

    def bar_of(self, session: Session) -> TrackBar:
        """Return the session's bar, made when it is wanted first."""
        if session not in self._bars:
            bar = TrackBar(session.workspace, lambda: _models(session))
            bar.started.connect(self._follow)
            session.annotate.add_bar(bar)
            self._bars[session] = bar
        return self._bars[session]

    def _follow(
        self, shapes: Sequence[Shape], count: int, method: str, outlines_again: bool
    ) -> None:
        session = self._studio.session
        here = session.workspace.image_id if session is not None else None
        if session is None or here is None:
            return
        session.canvas.setFocus()
        frames = (here, *islice(frames_beside(session.project, here), count))
        if len(frames) == 1:
            session.say(tr("This is the last image of its folder."))
            return
        shapes = self._numbered(session, shapes)
        if not shapes:
            return
        by_model = method not in (MOTION, SAM2)
        tracking = Tracking(
            frames,
            tuple(shapes),
            "model" if by_model else "sam2" if method == SAM2 else "motion",
            method if by_model else "",
            str(self._studio.preferences[SMART_MODEL]) if outlines_again else "",
        )
        run = TrackRun(session.project, self._studio.jobs, tracking, session)
        self._run.follow(run, tr("Following the shapes"))

    def _numbered(self, session: Session, shapes: Sequence[Shape]) -> list[Shape]:
        """Return the shapes with a track number each, written as an edit where they had none.

        A locked shape is followed as it is; one without a number gets none, and so is not.
        """
        project = session.project
        nameless = [shape for shape in shapes if track_of(shape) is None]
        if nameless:
            first = free_track(project, nameless[0].image_id)
            change(session, nameless, lambda free: number_tracks(free, first))
        found = project.shapes_by_id([shape.id for shape in shapes])
        return [shape for shape in found if track_of(shape) is not None]

    def _on_followed(self, count: TrackCount) -> None:
        if count.problems:
            self._studio.window.banner.show_message(
                count.sentence(),
                count.problems[0],
                tone="warning",
                details=tr_engine("\n".join(count.problems)),
            )
        elif self._studio.session is not None:
            self._studio.session.say(count.sentence())

    # -- tracks ------------------------------------------------------------------

    def sequence_number(self) -> None:
        """Give each selected shape without a track a number of its own."""
        session = self._studio.session
        shapes = session.workspace.selected_shapes() if session is not None else []
        if session is None or not shapes:
            return
        first = free_track(session.project, shapes[0].image_id)
        change(
            session,
            shapes,
            lambda free: number_tracks(free, first),
            tr("These shapes have track numbers already."),
            tells=True,
        )

    def sequence_fill(self) -> None:
        """Fill in between the selected shapes and their key frames before and after."""
        session = self._studio.session
        shapes = [s for s in _tracked(session) if is_key(s)] if session is not None else []
        if session is None or not shapes:
            if session is not None:
                session.say(_NO_TRACK)
            return
        if self._gaps.is_running:
            session.say(tr("The gaps before are still being filled in."))
        else:
            self._gaps.start(session, shapes)

    def sequence_key(self, step: int) -> None:
        """Go to the next or the previous image on which somebody drew the selected shape's track."""
        session = self._studio.session
        here = session.workspace.image_id if session is not None else None
        if session is None or here is None:
            return
        track = next((t for t in map(track_of, _tracked(session)) if t is not None), None)
        if track is None:
            session.say(_NO_TRACK)
            return
        found = next_key_frame(session.project, here, track, back=step < 0)
        if found is None:
            session.say(tr("Track {track} has no further key frame there.").format(track=track))
            return
        session.workspace.go_to(found)
        shape = shape_of_track(session.project.shapes(found), track)
        session.workspace.select([shape.id] if shape is not None else [])


def _tracked(session: Session | None) -> list[Shape]:
    chosen = session.workspace.selected_shapes() if session is not None else []
    return [shape for shape in chosen if track_of(shape) is not None]


def _models(session: Session) -> list[tuple[str, Path]]:
    """Return the best weights of the project's runs, the newest first."""
    runs = list_runs(session.project.runs_dir)
    weights = [(run.name, run / "weights" / "best.pt") for run in runs]
    return [(name, path) for name, path in weights if path.is_file()]
