"""Importing a video: what it is, which frames to take, writing them, adding them to the project."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtWidgets import QFileDialog

from engine.data.images import VID_FORMATS
from engine.data.video.facts import VideoFacts, is_video, read_video_facts
from engine.data.video.plan import FramePlan
from engine.data.video.sequence_file import FrameSequence
from engine.data.video.take import take_frames
from studio.app.follow import follow
from studio.jobs.client import Steps
from studio.language import ntr, tr

if TYPE_CHECKING:
    from studio.app.studio import Studio
    from studio.dialogs.import_video import ImportVideoDialog

_PATTERNS = " ".join(f"*.{suffix}" for suffix in sorted(VID_FORMATS - {"gif"}))

_TELL_S = 0.1  # frames are read faster than anybody could see them counted


class VideoHandlers:
    """Handlers of videos.

    Args:
        studio: The application's parts.
    """

    def __init__(self, studio: Studio) -> None:
        self._studio = studio
        self.dialog: ImportVideoDialog | None = None
        self._waiting: list[Path] = []

    def file_import_video(self) -> None:
        """Ask for a video, then for the frames to take."""
        studio = self._studio
        chosen, _ = QFileDialog.getOpenFileName(
            studio.window,
            tr("Import a video as images"),
            str(studio.last_folder()),
            tr("Videos ({patterns});;All files (*)").format(patterns=_PATTERNS),
        )
        if chosen:
            self.offer([Path(chosen)])

    def take_videos(self, paths: Sequence[Path]) -> list[Path]:
        """Offer to import the videos among dropped or named files; return the other files."""
        videos = [path for path in paths if is_video(path) and path.is_file()]
        if videos:
            self.offer(videos)
        return [path for path in paths if path not in videos]

    def offer(self, videos: Sequence[Path]) -> None:
        """Look into videos, then ask which frames of each to take, one after the other."""
        session = self._studio.session
        if session is not None and session.project.read_only:
            session.say(tr("The project is open for reading only."))
            return
        video, *self._waiting = videos
        job = self._studio.jobs.call(lambda _steps: read_video_facts(video))
        follow(self._studio.window, job, tr("Reading {name}").format(name=video.name))
        job.finished.connect(self._ask)

    def _ask(self, facts: VideoFacts) -> None:
        """Show the choices beside the canvas; nothing waits for an answer."""
        from studio.dialogs.import_video import ImportVideoDialog

        if self.dialog is not None:
            self.dialog.close()
        dialog = ImportVideoDialog(facts, self._studio.window)
        dialog.chosen.connect(lambda plan, folder: self._take(facts, plan, folder))
        dialog.destroyed.connect(self._on_closed)
        self.dialog = dialog
        dialog.show()

    def _on_closed(self) -> None:
        self.dialog = None

    def _take(self, facts: VideoFacts, plan: FramePlan, folder: Path | None) -> None:
        job = self._studio.jobs.call(lambda steps: write_frames(facts.path, plan, folder, steps))
        follow(self._studio.window, job, tr("Taking frames of {name}").format(name=facts.path.name))
        project = self._studio.session.project if self._studio.session is not None else None
        place = project.folder if project is not None else None
        job.finished.connect(lambda sequence: self._on_taken(place, sequence))

    def _on_taken(self, place: Path | None, sequence: FrameSequence) -> None:
        """Add the frames to the project that was open, or open a project of their own."""
        studio, session = self._studio, self._studio.session
        if sequence.taken:
            if session is not None and session.project.folder == place:
                studio.files.adding.start(session, [sequence.folder])
            elif session is None:
                studio.files.open_paths([sequence.folder])
        self._tell(sequence)
        if self._waiting:
            self.offer(self._waiting)

    def _tell(self, sequence: FrameSequence) -> None:
        words, remarks = taken_words(sequence), taken_remarks(sequence)
        if remarks:
            self._studio.window.banner.show_message(words, " ".join(remarks), tone="info")
        elif self._studio.session is not None:
            self._studio.session.say(words)


def write_frames(video: Path, plan: FramePlan, folder: Path | None, steps: Steps) -> FrameSequence:
    """Write the frames of a video; for a thread. What was written stays when it is given up.

    Raises:
        EngineError: The video cannot be read, or the folder cannot be written.
    """
    told = 0.0

    def tell(done: int, total: int, taken: int) -> None:
        nonlocal told
        if time.monotonic() - told < _TELL_S:
            return
        told = time.monotonic()
        words = ntr("{count:,} image", "{count:,} images", taken).format(count=taken)
        steps.progress(done, total, words)

    return take_frames(video, folder, plan, tell, steps.is_cancelled)


def taken_words(sequence: FrameSequence) -> str:
    """Return how many frames of a video there are now."""
    count = len(sequence.taken)
    return ntr(
        "{count:,} image of {video} is in {folder}.",
        "{count:,} images of {video} are in {folder}.",
        count,
    ).format(count=count, video=sequence.video, folder=sequence.folder.name)


def taken_remarks(sequence: FrameSequence) -> list[str]:
    """Return what a person should know of frames that are missing."""
    remarks = []
    if not sequence.is_complete:
        remarks.append(tr("It was stopped: import the video again with the same choices to go on."))
    if sequence.damaged:
        remarks.append(
            ntr(
                "{count:,} damaged frame was left out.",
                "{count:,} damaged frames were left out.",
                sequence.damaged,
            ).format(count=sequence.damaged)
        )
    if sequence.ends_early:
        remarks.append(tr("The video ends before the last frame that it announces."))
    return remarks
