"""The application: builds its parts once and wires them."""

from __future__ import annotations

import contextlib
import logging
import sys
import traceback
from collections.abc import Callable, Sequence
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING

from PySide6.QtCore import QByteArray, QObject
from PySide6.QtWidgets import QApplication, QMessageBox, QWidget

from engine.runtime.device import list_devices
from engine.runtime.errors import EngineError
from studio.actions.key_map import KeyMap
from studio.actions.registry import Actions
from studio.actions.table import Needs
from studio.app.dataset_handlers import DatasetHandlers
from studio.app.edit_handlers import EditHandlers
from studio.app.file_handlers import FileHandlers
from studio.app.garbage import GarbageCollector
from studio.app.heavy_edits import HeavyEdits
from studio.app.looking_handlers import AIDS, LookingHandlers, aid_states
from studio.app.page_handlers import PageHandlers
from studio.app.review_handlers import ReviewHandlers
from studio.app.safety_handlers import SafetyHandlers
from studio.app.sequence_handlers import SequenceHandlers
from studio.app.shape_handlers import ShapeHandlers
from studio.app.suggest_handlers import SuggestHandlers
from studio.app.suggestion_review_handlers import SuggestionReviewHandlers
from studio.app.tool_handlers import ToolHandlers
from studio.app.video_handlers import VideoHandlers
from studio.app.view_handlers import ViewHandlers
from studio.jobs.client import JobsClient, RunsWatcher
from studio.language import tr
from studio.main_window.window import PAGES, MainWindow
from studio.model.preferences import DOCKS, KEYS, TAGS, THEME, WINDOW, Preferences
from studio.model.project import Project
from studio.model.runs import STATE_WORDS, RunSnapshot
from studio.panels.start import StartPanel
from studio.theme.theme import Theme, find_theme
from studio.widgets.empty_state import EmptyState, Step
from studio.widgets.late_page import LatePage

if TYPE_CHECKING:
    from studio.app.session import Session
    from studio.main_window.annotate_page import AnnotatePage
    from studio.panels.settings import SettingsPanel

LOGGER = logging.getLogger(__name__)

# What a page says while no project is open.
_WAITING = {
    "dataset": (tr("No project is open"), tr("Counts, classes, splits and versions of a project will be shown here.")),
    "train": (tr("No project is open"), tr("Label some images, then train a model on them here, with live curves.")),
    "models": (tr("No project is open"), tr("Every trained model of a project will be shown here, to predict with and to export.")),
    "review": (tr("No project is open"), tr("Shapes that a model suggests will be shown here, to accept or reject.")),
    "explore": (tr("No project is open"), tr("What a trained model gets right and wrong will be shown here.")),
}  # fmt: skip


class Studio(QObject):
    """Window, actions, theme, settings, jobs, and the open project's session.

    Args:
        application: The Qt application.
        preferences: The settings; None for the person's own.
    """

    def __init__(self, application: QApplication, preferences: Preferences | None = None) -> None:
        super().__init__(application)
        self._garbage = GarbageCollector(self)
        self.preferences = preferences or Preferences()
        self.theme = find_theme() or Theme(application)  # one for the application, not one a window
        self.theme.set_mode(self.preferences[THEME])
        self.jobs = JobsClient(self)
        self.runs = RunsWatcher(self)
        self.session: Session | None = None
        self.keeps_layout = True
        self.window = MainWindow()
        self.files = FileHandlers(self)
        self.safety = SafetyHandlers(self)
        suggest = SuggestHandlers(self)
        self.suggest = suggest
        self.sequence = SequenceHandlers(self)
        self.videos = VideoHandlers(self)
        self.reviews = ReviewHandlers(lambda: self.session)
        self.heavy = HeavyEdits(self)
        self.edits = edits = EditHandlers(lambda: self.session)
        tools = ToolHandlers(lambda: self.session)
        shapes = ShapeHandlers(lambda: self.session)
        self.actions = Actions(
            self.window,
            (
                self.files,
                self.safety,
                edits,
                shapes,
                tools,
                ViewHandlers(self),
                LookingHandlers(self),
                suggest,
                SuggestionReviewHandlers(lambda: self.session),
                self.reviews,
                self.sequence,
                self.videos,
                PageHandlers(self),
                DatasetHandlers(self),
            ),
        )
        self.actions.set_keys(KeyMap.from_list(self.actions.specs(), self.preferences[KEYS]))
        self.window.set_actions(self.actions)
        self._settings_page = LatePage(self._make_settings)
        self._wire()
        self._show_start()
        self.show_page("annotate")

    @property
    def settings(self) -> SettingsPanel:
        """The Settings page."""
        return self._settings_page.content

    def start_session(self, project: Project) -> bool:
        """Show a project in place of the one that is open; False where the person stays with that."""
        if not self.may_leave():
            project.close()
            return False
        if self.actions["view.canvas_only"].isChecked():
            self.actions["view.canvas_only"].trigger()
        self.window.banner.hide()
        self.preferences.add_recent(project.folder)
        # A third of a second of imports (canvas, pages, charts) that the start screen does not need.
        from studio.app.session import Session

        before = self.session
        self.runs.set_folder(project.runs_dir)
        self.session = Session(self, project)
        self.window.set_pages(self.session.pages.by_name() | {"review": self.session.review.page})
        self._end(before)  # only now: pages that still show would ask a closed project
        self.window.setWindowTitle(f"{project.name} – Maskwright")
        self.show_page("annotate")
        self.restore_docks(
            self.session.annotate
        )  # on a page that shows: else Qt leaves a second row of tabs
        return True

    def may_leave(self) -> bool:
        """Tell whether the open project may be closed: all of it is written, or the person gives up what is not."""
        return self.session is None or self.session.refused.may_leave()

    def close_session(self) -> bool:
        """Close the open project and show the start screen; its trainings go on. False where the person stays."""
        if not self.may_leave():
            return False
        session, self.session = self.session, None
        if session is not None:
            self.runs.set_folder(None)
            self._show_start()
            self._end(session)
        return True

    def _end(self, session: Session | None) -> None:
        if session is not None:
            session.close()
            session.destroyed.connect(self._garbage.collect_all_soon)
            session.deleteLater()

    def show_page(self, name: str) -> None:
        """Go to a page."""
        if name != "annotate" and self.actions["view.canvas_only"].isChecked():
            self.actions["view.canvas_only"].trigger()  # else there would be no way back to see
        self.window.show_page(name)
        self.actions.set_checked({f"page.show:{name}": True})
        self.window.status.show_canvas_facts(name == "annotate")
        if self.session is not None:
            self.session.offer_actions()
            if name == "annotate":
                self.session.canvas.setFocus()
        elif name == "annotate":
            self.window.page(name).setFocus()

    def show_export(self) -> None:
        """Show the export form of the open project."""
        if self.session is not None:
            self.session.pages.show_export()

    def is_busy(self) -> bool:
        """Tell whether something is under way that will change what the window shows."""
        loading = self.session is not None and not self.session.is_settled()
        return (
            loading
            or self.jobs.is_busy()
            or self.files.adding.is_running
            or self.suggest.is_running
            or self.sequence.is_running
        )

    def show_error(
        self,
        error: EngineError,
        action_text: str = "",
        action: Callable[[], object] | None = None,
    ) -> None:
        """Say what happened and what to do, in the window's banner, with a button that does it."""
        place = f"{error.path}: " if error.path is not None else ""
        details = "".join(traceback.format_exception(error))
        LOGGER.warning("%s", error)
        self.window.banner.show_message(
            f"{place}{error.message}",
            error.remedy or "",
            action_text=action_text,
            action=action,
            details=details,
        )

    def apply_theme(self) -> None:
        """Use the theme of the settings."""
        self.theme.set_mode(self.preferences[THEME])

    def last_folder(self) -> Path:
        """Return the folder in which a dialog starts."""
        recent = self.preferences.recent()
        return recent[0].parent if recent else Path.home()

    def restore_window(self) -> None:
        """Give the window the place and size that it had the last time."""
        kept = str(self.preferences[WINDOW])
        if kept:
            self.window.restoreGeometry(QByteArray.fromBase64(kept.encode()))

    def restore_docks(self, page: AnnotatePage) -> None:
        """Arrange the docks beside the canvas as they were the last time."""
        kept = str(self.preferences[DOCKS])
        if kept:
            page.arrange_docks(QByteArray.fromBase64(kept.encode()))

    def keep_docks(self, page: AnnotatePage) -> None:
        """Note how the docks are arranged, unless they are hidden for a while."""
        if self.keeps_layout and not self.actions["view.canvas_only"].isChecked():
            self._keep(DOCKS, page.saveState(page.docks_version))

    def _keep_window(self) -> None:
        if self.keeps_layout:
            self._keep(WINDOW, self.window.saveGeometry())

    def _keep(self, name: str, layout: QByteArray) -> None:
        with contextlib.suppress(EngineError, OSError):  # a layout is not worth a message
            self.preferences[name] = bytes(layout.toBase64().data()).decode()

    def shut_down(self) -> None:
        """Close the project and the worker; trainings go on."""
        self._keep_window()
        self.theme.changed.disconnect(self.actions.recolor_icons)
        session, self.session = self.session, None
        self.runs.set_folder(None)
        self._end(session)
        self.runs.close()
        self.jobs.close()
        self._garbage.close()

    def _wire(self) -> None:
        window = self.window
        window.dropped.connect(self.files.drop)
        window.closing.connect(self.shut_down)
        window.may_close = self.may_leave
        self.theme.changed.connect(self.actions.recolor_icons)
        self.runs.runs_changed.connect(self._on_runs_changed)
        window.status.run_words.clicked.connect(lambda: self.show_page("train"))
        window.status.device.setText(list_devices()[0].name)
        self.actions.set_checked(
            {
                f"view.theme:{self.preferences[THEME]}": True,
                "view.tags": bool(self.preferences[TAGS]),
                "view.shapes": True,
            }
        )
        self.actions.set_checked(aid_states(self.preferences))

    def _make_settings(self) -> SettingsPanel:
        from studio.panels.settings import SettingsPanel

        panel = SettingsPanel(self.preferences.manager)
        panel.changed.connect(self._on_setting_changed)
        return panel

    def _on_setting_changed(self, name: str) -> None:
        """Let what was changed on the Settings page count at once."""
        if name == THEME:
            self.apply_theme()
            self.actions.set_checked({f"view.theme:{self.preferences[THEME]}": True})
        elif name == TAGS:
            self.actions.set_checked({"view.tags": bool(self.preferences[TAGS])})
            if self.session is not None:
                self.session.canvas.set_tags_visible(bool(self.preferences[TAGS]))
        elif name in AIDS.values():
            self.actions.set_checked(aid_states(self.preferences))
            if self.session is not None:
                self.session.looking.use(self.preferences)

    def _show_start(self) -> None:
        files = self.files
        start = StartPanel(files.file_open_folder, files.file_open_dataset, files.file_open_sample)
        start.dropped.connect(files.drop)
        start.project_chosen.connect(files.open_project)
        start.set_recent(self.preferences.recent())
        pages: dict[str, QWidget] = {"annotate": start, "settings": self._settings_page}
        steps = (
            Step(
                tr("Open folder of images"), self.files.file_open_folder, "primary", "folder_open"
            ),
            Step(tr("Try the sample"), self.files.file_open_sample, "normal", "images"),
        )
        pages |= {
            name: EmptyState(title, sentence, steps, name)
            for name, (title, sentence) in _WAITING.items()
        }
        shown = self.window.current_page() if self.window.has_page() else PAGES[0]
        self.window.set_pages(pages)
        self.show_page(shown)
        self.window.status.clear_facts()
        self.window.setWindowTitle("Maskwright")
        self.actions.offer(Needs.NOTHING)

    def _on_runs_changed(self, runs: Sequence[RunSnapshot]) -> None:
        live = next((run for run in runs if run.state.is_alive), None)
        if live is None:
            self.window.status.show_run("", 0.0)
            return
        facts = live.facts
        of = tr(" of {epochs}").format(epochs=facts.epochs) if facts.epochs else ""
        epoch = tr(", epoch {epoch}{of}").format(epoch=facts.epoch, of=of) if facts.epoch else ""
        self.window.status.show_run(
            f"{live.name}: {STATE_WORDS[live.state]}{epoch}", facts.progress
        )


def install_excepthook(window: QWidget) -> None:
    """Show what no code expected, keep the record, and go on: the third border where every exception is caught."""

    def hook(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
        if issubclass(kind, KeyboardInterrupt):
            sys.__excepthook__(kind, error, trace)
            return
        record = "".join(traceback.format_exception(kind, error, trace))
        LOGGER.error("unexpected error\n%s", record)
        with contextlib.suppress(RuntimeError):  # the window may be gone already
            box = QMessageBox(window)
            box.setWindowTitle("Maskwright")
            box.setIcon(QMessageBox.Icon.Warning)
            box.setText(tr("Something unexpected happened: {error}").format(error=error))
            box.setInformativeText(tr("Everything you finished is saved. You can go on working."))
            box.setDetailedText(record)
            box.open()

    sys.excepthook = hook
