"""One open project: its workspace, its pages, and the wires between them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from PySide6.QtCore import QObject, QTimer

from engine.runtime.errors import EngineError
from studio.actions.table import Needs
from studio.app.backups import OpeningBackup
from studio.app.canvas_link import CanvasLink, with_class
from studio.app.class_keys import ClassKeys
from studio.app.dataset_watch import DatasetWatch
from studio.app.image_watch import ImageWatch
from studio.app.label_folder import LabelFolder
from studio.app.looking import Looking
from studio.app.pages import Pages
from studio.app.refused import RefusedEdits
from studio.app.shape_menu import ShapeMenu
from studio.app.smart_link import SmartLink
from studio.app.suggestion_review import SuggestionReview
from studio.app.tool_link import ToolLink
from studio.app.unseen import Unseen
from studio.language import tr
from studio.model.clock import clock_text
from studio.model.edits import Edit
from studio.model.preferences import AUTO_TOOL, TAGS
from studio.model.project import Project
from studio.model.workspace import Workspace
from studio.panels.images.thumbnail_loader import ThumbnailLoader
from studio.storage.thumbnails import ThumbnailCache

if TYPE_CHECKING:
    from studio.app.studio import Studio

T = TypeVar("T")
_OTHERS_MS = 2000  # how often to look whether another process wrote to the project


class Session(QObject):
    """Lives from opening a project to closing it.

    Args:
        studio: The application's parts.
        project: The open project; the session closes it.
    """

    def __init__(self, studio: Studio, project: Project) -> None:
        super().__init__(studio)
        self.studio = studio
        self.project = project
        self.workspace = Workspace(project)
        self.thumbnails = ThumbnailLoader(_thumbnail_reader(project), self)
        self.labels = LabelFolder(self)
        self.pages = Pages(self)
        self.annotate = self.pages.annotate
        self.canvas = self.annotate.canvas
        files = self.pages.dataset_page.files
        self.watch = DatasetWatch(project, studio.jobs, files.look, self)
        studio.runs.runs_changed.connect(self.watch.lock_new_versions)
        self.refused = RefusedEdits(self)
        self.looking = Looking(
            project,
            self.canvas,
            self.annotate.display,
            studio.window.status,
            self.apply,
            studio.show_error,
            lambda: self.use_tool("measure"),
        )
        self.looking.use(studio.preferences)
        self.tools = ToolLink(self.canvas, self.workspace, studio.actions, studio.preferences)
        self.link = CanvasLink(self.workspace, self.canvas, self.apply)
        self.unseen = Unseen(self)
        self.smart = SmartLink(self)
        self.review = SuggestionReview(self)
        self.backup = OpeningBackup(self)
        self.image_watch = ImageWatch(self)
        self._wire()
        self.use_tool(self._first_tool())
        self._timer = QTimer(self)
        self._timer.setInterval(_OTHERS_MS)
        self._timer.timeout.connect(lambda: self.attempt(project.refresh))
        self._timer.start()

    def close(self) -> None:
        """Remember the place, stop the threads, close the project."""
        self._timer.stop()
        self.watch.stop()
        self.link.close()
        self.backup.stop()
        self.image_watch.stop()
        self.studio.files.adding.stop()
        self.studio.suggest.stop()
        self.studio.sequence.stop()
        self.labels.stop()
        self.smart.stop()
        self.review.stop()
        self.pages.stop()
        self.studio.keep_docks(self.annotate)
        self.tools.keep()
        self.attempt(self.workspace.remember)
        self.thumbnails.close()
        self.project.close()

    def apply(self, edit: Edit) -> Edit | None:
        """Apply an edit; where it cannot be, say why and return None. What the disk refuses is tried again.

        One of very many images goes to a thread, which ends this session: that returns None as well.
        """
        if self.studio.heavy.take_edit(edit):
            return None
        class_id = self.workspace.class_id  # of now, whenever it can be written
        bound = self.refused.write(
            lambda: self.project.apply(with_class(self.project, edit, class_id))
        )
        if bound is not None:
            self.unseen.tell(bound)
        return bound

    def apply_made(self, count: int, make: Callable[[Project], Edit | None]) -> None:
        """Apply the edit that is made from the project, one of about ``count`` images; many of them in a thread."""
        if not self.studio.heavy.take(count, make) and (edit := make(self.project)) is not None:
            self.apply(edit)

    def attempt(self, action: Callable[[], T]) -> T | None:
        """Run something that may fail for a reason the person can act on, and show the reason."""
        try:
            return action()
        except EngineError as error:
            self.studio.show_error(error)
            return None

    def say(self, text: str) -> None:
        """Show a sentence in the status bar for some seconds."""
        self.studio.window.status.showMessage(text, 4000)

    def offer_classes(self) -> None:
        """Offer the classes for the selected shapes."""
        self.annotate.show_dock("properties")
        self.annotate.properties.offer_classes()

    def use_tool(self, name: str) -> None:
        """Take a tool in hand and show it in the strip."""
        self.canvas.set_tool(name)
        self.studio.actions.set_checked({f"tool.use:{name}": True})

    def is_settled(self) -> bool:
        """Tell whether the picture, its shapes and the thumbnails are there (or cannot be)."""
        picture = (
            self.workspace.image_id is None
            or self.canvas.isHidden()
            or not self.canvas.isVisible()
            or self.canvas.is_settled()
            or bool(self.canvas.problem())
        )
        return (
            picture
            and not self.thumbnails.is_busy()
            and not self.link.many.is_busy
            and not self.smart.prompter.is_busy()
            and not self.review.is_busy()
        )

    def present(self) -> Needs:
        """Return what is there for actions to work on."""
        there = Needs.PROJECT
        gallery = self.review.gallery()
        if self.studio.window.current_page() == "annotate":
            there |= Needs.CANVAS
        if self.workspace.image_id is not None:
            there |= Needs.IMAGE
        if gallery is not None:
            waits = bool(gallery.rows())
        else:
            records = self.project.images([self.workspace.image_id or -1])
            waits = Needs.CANVAS in there and any(record.suggestion_count for record in records)
        if waits:
            there |= Needs.SUGGESTIONS
        if self.workspace.selection:
            there |= Needs.SELECTION
        if self.project.can_undo:
            there |= Needs.UNDO
        if self.project.can_redo:
            there |= Needs.REDO
        return there

    def _wire(self) -> None:
        status = self.studio.window.status
        self.canvas.cursor_moved.connect(status.show_cursor)
        self.canvas.zoom_changed.connect(status.show_zoom)
        self.canvas.notice.connect(self.say)
        self.shape_menu = ShapeMenu(self.studio.actions, self.canvas)
        self.class_keys = ClassKeys(
            self.project, self.annotate, self.studio.actions, self.studio.edits.class_choose
        )
        self.annotate.options.scale_asked.connect(self._ask_scale)
        self.annotate.display.split_asked.connect(self.studio.actions["file.split_pages"].trigger)
        self.annotate.objects.menu_asked.connect(self.shape_menu.show_at)
        self.canvas.shape_activated.connect(lambda _id: self.offer_classes())
        self.canvas.leave_asked.connect(lambda: self.use_tool("select"))
        self.canvas.suggestion_clicked.connect(
            lambda _id: self.say(tr("Y accepts this suggestion, N rejects it; Shift for all."))
        )
        self.canvas.set_tags_visible(bool(self.studio.preferences[TAGS]))
        self.workspace.image_changed.connect(self._on_image_changed)
        project, workspace = self.project, self.workspace
        for signal in (
            project.history_changed,
            project.suggestions_changed,
            project.images_changed,
            workspace.image_changed,
            workspace.selection_changed,
        ):
            signal.connect(self.offer_actions)
        self.studio.actions.attach_canvas(self.canvas)
        status.show_saved(project.read_only)
        if project.notice:
            self.studio.safety.tell_read_only(project.notice)
        self._on_image_changed(workspace.image_id)

    def _ask_scale(self) -> None:
        """Show where the length of the measured line is told, ready to type."""
        self.annotate.show_dock("display")
        self.annotate.display.ask_length()

    def offer_actions(self, *_: object) -> None:
        """Offer the actions that have something to work on, grey the others."""
        self.studio.actions.offer(self.present())

    def _first_tool(self) -> str:
        labelled = self.project.status_counts().get("labelled", 0)
        return "select" if labelled else str(self.studio.preferences[AUTO_TOOL])

    def _on_image_changed(self, image_id: int | None) -> None:
        record = self.workspace.image()
        seen = self.studio.sequence.times.of(record.path) if record is not None else None
        self.studio.window.status.show_image(
            *((record.width, record.height) if record is not None else (0, 0)),
            "" if seen is None else clock_text(seen),
        )


def _thumbnail_reader(project: Project) -> Callable[[Path], bytes | None]:
    """Return what gives a thumbnail's bytes, None for an image that cannot be read; safe in any thread."""
    cache = ThumbnailCache.for_project(project)

    def read(path: Path) -> bytes | None:
        try:
            return cache.make(path).read_bytes()
        except OSError:  # ImageError is one: the frame then says that the image is broken
            return None

    return read
