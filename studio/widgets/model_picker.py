"""Choosing a trained model: those of the project's runs by name and result, or any file or exported folder."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from PySide6.QtCore import Signal
from PySide6.QtGui import QWheelEvent
from PySide6.QtWidgets import QComboBox, QFileDialog, QToolTip, QWidget

from studio.language import tr
from studio.model.model_files import FILE_PATTERNS, FOLDER_SUFFIXES, is_model_folder
from studio.model.run_figures import headline
from studio.model.runs import RunSnapshot, list_checkpoints
from studio.theme import tokens
from studio.widgets.elided_combo import ElidedComboBox

_FROM_FILE = "file"
_FROM_FOLDER = "folder"


class ModelPicker(ElidedComboBox):
    """A list of model files.

    Signals:
        chosen(object): The path of another model, None where there is none.

    Args:
        patterns: What the file dialog offers, as in ``*.pt *.onnx``.
        kinds: Kinds of checkpoints to list.
        folders: Whether folders of exported models can be chosen.
    """

    chosen = Signal(object)

    def __init__(
        self,
        patterns: str = FILE_PATTERNS,
        kinds: Sequence[str] = ("best", "last"),
        parent: QWidget | None = None,
        *,
        folders: bool = True,
    ) -> None:
        super().__init__(parent)
        self._patterns = patterns
        self._kinds = frozenset(kinds)
        self._elsewhere = [(tr("From a file…"), _FROM_FILE)]
        if folders:
            self._elsewhere.append((tr("From a folder…"), _FROM_FOLDER))
        self._paths: list[Path] = []
        self._extra: list[Path] = []
        self._current: Path | None = None
        self._told: object = None
        self.setAccessibleName(tr("Model"))
        self.setPlaceholderText(tr("No trained model yet"))
        self.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        self.setMinimumContentsLength(16)
        self.activated.connect(self._on_activated)
        self._fill([])

    def path(self) -> Path | None:
        """Return the chosen model file."""
        return self._current

    def set_path(self, path: Path) -> None:
        """Choose a model file; one that is not in the list joins it."""
        if path not in self._paths:
            self._extra.append(path)
            self.insertItem(self._place_of_files(), _name_of(path), path)
            self._paths.append(path)
        self._choose(path)

    def show_runs(self, runs: Sequence[RunSnapshot]) -> None:
        """List the models of these runs; the choice stays, the first one is chosen where there was none."""
        told = [(r.folder, r.state, r.facts.best_epoch, r.facts.end) for r in runs]
        if (
            told == self._told
        ):  # a live training tells twice a second: look at its files when it matters
            return
        self._told = told
        entries = [
            (checkpoint.path, _text(run, checkpoint.kind))
            for run in runs
            for checkpoint in list_checkpoints(run.folder)
            if checkpoint.kind in self._kinds
        ]
        listed = [(self.itemData(i), self.itemText(i)) for i in range(len(entries))]
        if listed != entries or not self.count():
            self._fill(entries)

    def _fill(self, entries: Sequence[tuple[Path, str]]) -> None:
        self.clear()
        entries = [*entries, *((path, _name_of(path)) for path in self._extra)]
        self._paths = [path for path, _text in entries]
        for path, text in entries:
            self.addItem(text, path)
        if entries:
            self.insertSeparator(self.count())
        for text, key in self._elsewhere:
            self.addItem(text, key)
        if self._current in self._paths:
            self.setCurrentIndex(self._paths.index(self._current))
        else:
            self._choose(self._paths[0] if self._paths else None)

    def _place_of_files(self) -> int:
        return max(0, self.count() - len(self._elsewhere) - (1 if self._paths else 0))

    def _choose(self, path: Path | None) -> None:
        changed = path != self._current
        self._current = path
        rows = [i for i in range(self.count()) if self.itemData(i) == path and path is not None]
        self.setCurrentIndex(rows[0] if rows else -1)
        if changed:
            self.chosen.emit(path)

    def _on_activated(self, index: int) -> None:
        key = self.itemData(index)
        if key not in (_FROM_FILE, _FROM_FOLDER):
            self._choose(key)
            return
        path = self._asked_file() if key == _FROM_FILE else self._asked_folder()
        if path is not None:
            self.set_path(path)
        else:
            self._choose(self._current)

    def _asked_file(self) -> Path | None:
        patterns = tr("Models ({patterns})").format(patterns=self._patterns)
        name, _filter = QFileDialog.getOpenFileName(self, tr("Choose a model"), "", patterns)
        return Path(name) if name else None

    def _asked_folder(self) -> Path | None:
        """Ask for the folder of an exported model; another folder is refused beside the list."""
        name = QFileDialog.getExistingDirectory(self, tr("Choose the folder of an exported model"))
        if name and not is_model_folder(Path(name)):
            place = self.mapToGlobal(self.rect().bottomLeft())
            QToolTip.showText(place, not_a_model(Path(name)), self)
            return None
        return Path(name) if name else None

    def showPopup(self) -> None:
        """Open a list as wide as its longest entry."""
        view = self.view()
        view.setMinimumWidth(view.sizeHintForColumn(0) + 2 * tokens.SPACE_L)
        super().showPopup()

    def wheelEvent(self, event: QWheelEvent) -> None:
        """Let a scrolling panel pass over the list without changing it."""
        event.ignore()


def not_a_model(folder: Path) -> str:
    """Return what is wrong with a folder that is no exported model."""
    return tr(
        "{folder} is no exported model that runs here: their folders end in {suffixes}."
    ).format(folder=folder.name, suffixes=", ".join(FOLDER_SUFFIXES))


def _text(run: RunSnapshot, kind: str) -> str:
    figure = headline(run.facts.best_metrics)[0] if kind == "best" else None
    told = "" if figure is None else f" · {figure.name} {figure.value:.3f}"
    return f"{run.name} · {kind}{told}"


def _name_of(path: Path) -> str:
    return f"{path.parent.name}/{path.name}" if path.parent.name else path.name
