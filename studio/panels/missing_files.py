"""Images whose files are gone: how many, where they were, and finding them again below a folder."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QHBoxLayout, QListWidget, QVBoxLayout, QWidget

from studio.jobs.client import JobsClient
from studio.jobs.shown_job import ShownJob
from studio.language import ntr, tr
from studio.model.edits import Edit
from studio.model.project import Project
from studio.model.records import ImageFilter
from studio.storage.project_files import open_project
from studio.storage.relink import (
    FoundAgain,
    MissingFile,
    find_missing,
    relink_edit,
    search_files,
    taken_files,
)
from studio.theme import tokens
from studio.widgets.icon_button import TextButton
from studio.widgets.text_label import TextLabel

_LINES = 500  # folders and files that are listed


class MissingFilesPanel(QWidget):
    """Looks whether all files are there; a folder to search puts the images together with their files again.

    Signals:
        images_asked(ImageFilter): The person wants to see these images.
        missing_found(int): A look has ended; this many files are gone.

    Args:
        project: The open project.
        jobs: Runs the searches.
        apply: Applies an edit and tells the person where it cannot be; returns None then.
        ask_folder: Asks the person for a folder to search; None when they think better of it.
        take_over: Given how many images an edit touches and what makes it, applies it in a thread if they are many
            and tells whether it does; the panel goes with its project then.
    """

    images_asked = Signal(object)
    missing_found = Signal(int)

    def __init__(
        self,
        project: Project,
        jobs: JobsClient,
        apply: Callable[[Edit], Edit | None],
        ask_folder: Callable[[], Path | None],
        take_over: Callable[[int, Callable[[Project], Edit | None]], bool] = lambda *_: False,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self._project, self._jobs, self._apply = project, jobs, apply
        self._ask_folder, self._take_over = ask_folder, take_over
        self.missing: list[MissingFile] = []
        self.found: FoundAgain | None = None
        self.look_button = TextButton(tr("Look again"), "normal", "reset")
        self.search_button = TextButton(tr("Search a folder for them"), "primary", "folder_open")
        self.use_button = TextButton(tr("Use these files"), "primary", "accept")
        self.other_button = TextButton(tr("Also use changed files"), "normal")
        self.other_button.setToolTip(
            tr("Files of the same name whose size is another one than before")
        )
        self.show_button = TextButton(tr("Show these images"), "link")
        self._running = ShownJob(tr("Looking for files"), self)
        self.progress, self.banner = self._running.progress, self._running.banner
        self.said = TextLabel("", wrap=True)
        self.lines = QListWidget()
        self.lines.setAccessibleName(tr("Missing files"))
        self._lay_out()
        self.look_button.clicked.connect(self.look)
        self.search_button.clicked.connect(self._on_search)
        self.use_button.clicked.connect(self._on_use)
        self.other_button.clicked.connect(self._on_use_others)
        self.show_button.clicked.connect(self._on_show)
        self._show_missing([], looked=False)

    def look(self) -> None:
        """Look in a thread whether every file is where it was."""
        folder = self._project.folder
        self._start(
            tr("Looking whether all files are there"),
            lambda progress, is_cancelled: find_missing(folder, progress, is_cancelled),
            self._on_looked,
        )

    def search(self, folder: Path) -> None:
        """Look in a thread below a folder for the missing files."""
        missing, home = list(self.missing), self._project.folder

        def work(
            progress: Callable[[int, int], None], is_cancelled: Callable[[], bool]
        ) -> FoundAgain:
            with open_project(home, read_only=True) as project:
                taken = taken_files(project, missing)
            return search_files(folder, missing, taken, progress, is_cancelled)

        self._start(tr("Searching {name}").format(name=folder.name), work, self._show_found)

    def _start(
        self,
        title: str,
        work: Callable[[Callable[[int, int], None], Callable[[], bool]], object],
        take: Callable[[object], None],
    ) -> None:
        if self._running.is_running:
            return
        job = self._jobs.call(
            lambda steps: work(
                lambda done, total: steps.progress(done, total, ""), steps.is_cancelled
            )
        )
        self._running.follow(job, title, take)

    def _on_looked(self, missing: object) -> None:
        if isinstance(missing, list):
            self._show_missing(missing)
            self.missing_found.emit(len(missing))

    def _show_missing(self, missing: Sequence[MissingFile], looked: bool = True) -> None:
        self.missing, self.found = list(missing), None
        self.banner.hide()
        folders = Counter(str(file.path.parent) for file in missing)
        files = ntr("{count:,} file is", "{count:,} files are", len(missing)).format(
            count=len(missing)
        )
        if missing:
            self.said.setText(
                tr(
                    "{files} not where they were. The shapes are kept. Connect the drive and look "
                    "again, or search the folder that they were moved to."
                ).format(files=files)
            )
        else:
            self.said.setText(
                tr("All files are where they were.")
                if looked
                else tr("Not looked yet in this session.")
            )
        self._list([f"{count:,} × {folder}" for folder, count in folders.most_common(_LINES)])
        self._offer()

    def _show_found(self, found: object) -> None:
        if not isinstance(found, FoundAgain):
            return
        self.found = found
        parts = [
            ntr(
                "{count:,} of {total:,} file found",
                "{count:,} of {total:,} files found",
                len(self.missing),
            ).format(count=len(found.files), total=len(self.missing))
        ]
        if found.other_size:
            parts.append(
                tr("{count:,} of the same name but another size").format(
                    count=len(found.other_size)
                )
            )
        if found.doubtful:
            parts.append(
                tr("{count:,} with several that fit equally well").format(count=len(found.doubtful))
            )
        if found.left:
            parts.append(tr("{left:,} not found").format(left=found.left))
        self.said.setText(
            ", ".join(parts)
            + ntr(" ({seen:,} file looked at).", " ({seen:,} files looked at).", found.seen).format(
                seen=found.seen
            )
        )
        before = {file.id: file.path for file in self.missing}
        lines = [f"{before[i].name}  →  {path}" for i, path in found.files.items()]
        lines += [
            tr("{name}  ?  {path} (another size)").format(name=before[i].name, path=path)
            for i, path in found.other_size.items()
        ]
        lines += [
            f"{before[i].name}  ?  {', '.join(map(str, paths))}"
            for i, paths in found.doubtful.items()
        ]
        self._list(lines)
        self._offer()

    def _list(self, lines: Sequence[str]) -> None:
        self.lines.clear()
        self.lines.addItems(list(lines[:_LINES]))
        if len(lines) > _LINES:
            self.lines.addItem(tr("and {count:,} more").format(count=len(lines) - _LINES))
        self.lines.setVisible(bool(lines))

    def _offer(self) -> None:
        writable, found = not self._project.read_only, self.found
        self.search_button.setVisible(bool(self.missing))
        self.search_button.setEnabled(writable)
        self.show_button.setVisible(bool(self.missing))
        self.use_button.setVisible(found is not None and bool(found.files))
        self.other_button.setVisible(found is not None and bool(found.other_size))

    def _on_search(self) -> None:
        if folder := self._ask_folder():
            self.search(folder)

    def _on_use(self) -> None:
        if self.found is not None:
            self._relink(self.found.files)

    def _on_use_others(self) -> None:
        if self.found is not None:
            self._relink({**self.found.files, **self.found.other_size})

    def _relink(self, files: dict[int, Path]) -> None:
        if self._take_over(len(files), lambda project: relink_edit(project, files)):
            return
        if self._apply(relink_edit(self._project, files)) is not None:
            self._show_missing([file for file in self.missing if file.id not in files])
            self.missing_found.emit(len(self.missing))

    def _on_show(self) -> None:
        ids = tuple(file.id for file in self.missing)
        self.images_asked.emit(ImageFilter(only=ids, only_words=tr("missing files")))

    def _lay_out(self) -> None:
        bar = QHBoxLayout()
        bar.setSpacing(tokens.SPACE_S)
        for button in (
            self.use_button,
            self.other_button,
            self.search_button,
            self.look_button,
            self.show_button,
        ):
            bar.addWidget(button)
        bar.addStretch(1)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(tokens.SPACE_L, tokens.SPACE_M, tokens.SPACE_L, tokens.SPACE_M)
        layout.setSpacing(tokens.SPACE_M)
        layout.addWidget(self.banner)
        layout.addWidget(TextLabel(tr("Files of the images"), "title"))
        layout.addWidget(self.said)
        layout.addLayout(bar)
        layout.addWidget(self.progress)
        layout.addWidget(self.lines, 1)
        layout.addStretch()
