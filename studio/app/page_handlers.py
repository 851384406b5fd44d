"""Making images of the pages of a file, so that each has labels of its own."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from studio.app.follow import follow
from studio.jobs.client import Steps
from studio.language import tr

if TYPE_CHECKING:
    from studio.app.studio import Studio


class PageHandlers:
    """Handlers of files with several pages.

    Args:
        studio: The application's parts.
    """

    def __init__(self, studio: Studio) -> None:
        self._studio = studio

    def file_split_pages(self) -> None:
        """Write the pages of the file on the canvas beside it, and add them to the project."""
        studio, session = self._studio, self._studio.session
        facts = session.canvas.picture.facts() if session else None
        image = session.workspace.image() if session else None
        if session is None or image is None or facts is None:
            return
        if facts.pages < 2:
            session.say(tr("The file has one page, or pages of different sizes."))
        elif session.project.read_only:
            session.say(tr("The project is open for reading only."))
        else:
            path, project = Path(image.path), session.project
            job = studio.jobs.call(lambda steps: written_pages(path, steps))
            follow(studio.window, job, tr("Writing the pages of {name}").format(name=path.name))
            job.finished.connect(lambda folder: self._on_written(project.folder, folder))

    def _on_written(self, place: Path, folder: Path | None) -> None:
        session = self._studio.session
        if folder is not None and session is not None and session.project.folder == place:
            self._studio.files.adding.start(session, [folder])


def written_pages(path: Path, steps: Steps) -> Path | None:
    """Write the pages of a file; for a thread. None where it was given up: what was written stays.

    Raises:
        ImageError: A page is damaged, or the folder cannot be written.
    """
    from studio.storage.big_images import StoppedError
    from studio.storage.page_files import split_pages  # here: the start screen needs neither

    def told(done: int, total: int) -> bool:
        steps.progress(done, total)
        return not steps.is_cancelled()

    try:
        return split_pages(path, told)
    except StoppedError:
        return None
